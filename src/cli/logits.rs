//! `bellman logits`: what a language model expects next.

use super::language_model::LanguageModel;
use super::output::{print_json, say, table};
use super::{CliError, End};
use clap::Args;
use llm::predict::{Likely, most_likely};
use llm::{Padding, Tokens};
use serde::Serialize;

/// The most likely next tokens of a language model, with their log-probabilities.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bellman logits --model gpt2/ --ids 464,3139,286,4881,318
  bellman logits --model gpt2/ --ids 464,3139 --all --top 3 --json")]
pub struct Logits {
    #[command(flatten)]
    model: LanguageModel,
    /// The tokens so far
    #[arg(long, value_name = "ID,ID,…", value_delimiter = ',', required = true)]
    ids: Vec<u32>,
    /// How many tokens to print
    #[arg(long, default_value_t = 10, value_name = "N")]
    top: usize,
    /// After every position, not only the last
    #[arg(long)]
    all: bool,
    /// Print one JSON object on standard output
    #[arg(long)]
    json: bool,
}

/// One token, as others read it.
#[derive(Debug, Serialize)]
struct Token {
    id: u32,
    /// Its text; unknown without a tokenizer.
    token: Option<String>,
    log_probability: f64,
}

/// The tokens after one position.
#[derive(Debug, Serialize)]
struct Position {
    top: Vec<Token>,
}

impl Logits {
    /// Runs it.
    pub fn run(self) -> Result<End, CliError> {
        let model = self.model.load(&self.model.checkpoint()?)?;
        let tokens = Tokens::padded(&[&self.ids], Padding::Right)?;
        let from = if self.all { 0 } else { tokens.time() - 1 };
        let positions = most_likely(&model, &tokens, from, self.top)?;
        let mut positions: Vec<Position> = positions.into_iter().map(Position::from).collect();
        if !self.json {
            print(&positions, from);
        } else if self.all {
            print_json(&serde_json::json!({ "positions": positions }))?;
        } else if let Some(last) = positions.pop() {
            print_json(&last)?;
        }
        Ok(End::Fine)
    }
}

impl From<Vec<Likely>> for Position {
    fn from(tokens: Vec<Likely>) -> Self {
        let token = |l: Likely| Token { id: l.id, token: None, log_probability: l.log_probability };
        Self { top: tokens.into_iter().map(token).collect() }
    }
}

fn print(positions: &[Position], from: usize) {
    let mut table = table(&["after position", "token", "log-probability", "probability"]);
    for (i, position) in positions.iter().enumerate() {
        for token in &position.top {
            table.add_row([
                (from + i).to_string(),
                token.id.to_string(),
                format!("{:.6}", token.log_probability),
                format!("{:.6}", token.log_probability.exp()),
            ]);
        }
    }
    say!("{table}");
}
