//! `bellman logits`: what a language model expects next.

use super::language_model::LanguageModel;
use super::output::{print_json, say, table};
use super::{CliError, End};
use clap::Args;
use llm::predict::{Likely, most_likely};
use llm::text::Tokenizer;
use llm::{Padding, Tokens};
use serde::Serialize;

/// The most likely next tokens of a language model, with their log-probabilities.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bellman logits --model gpt2/ --ids 464,3139,286,4881,318
  bellman logits --model gpt2/ --text 'The capital of France is'
  bellman logits --model gpt2/ --ids 464,3139 --all --top 3 --json")]
pub struct Logits {
    #[command(flatten)]
    model: LanguageModel,
    #[command(flatten)]
    start: Start,
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

/// What the model has read so far.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Start {
    /// The tokens so far, by number; needs no tokenizer
    #[arg(long, value_name = "ID,ID,…", value_delimiter = ',')]
    ids: Option<Vec<u32>>,
    /// The text so far; special tokens written out in it are recognised, none is added
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,
}

/// One token, as others read it.
#[derive(Debug, Serialize)]
struct Token {
    id: u32,
    /// Its text; nothing after `--ids`, which looks for no tokenizer.
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
        let checkpoint = self.model.checkpoint()?;
        let tokenizer = self.start.text.as_ref().map(|_| checkpoint.tokenizer()).transpose()?;
        let ids = self.start.ids(tokenizer.as_ref())?;
        let model = self.model.load(&checkpoint)?;
        let tokens = Tokens::padded(&[&ids], Padding::Right)?;
        let from = if self.all { 0 } else { tokens.time() - 1 };
        let positions = most_likely(&model, &tokens, from, self.top)?;
        let position = |likely| Position::new(likely, tokenizer.as_ref());
        let mut positions: Vec<Position> = positions.into_iter().map(position).collect();
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

impl Start {
    /// The tokens; a text has a tokenizer.
    fn ids(&self, tokenizer: Option<&Tokenizer>) -> Result<Vec<u32>, CliError> {
        match (&self.text, tokenizer) {
            (Some(text), Some(tokenizer)) => Ok(tokenizer.encode(text)?),
            _ => Ok(self.ids.clone().unwrap_or_default()),
        }
    }
}

impl Position {
    fn new(likely: Vec<Likely>, tokenizer: Option<&Tokenizer>) -> Self {
        let token = |l: Likely| Token {
            id: l.id,
            token: tokenizer.and_then(|tokenizer| tokenizer.token(l.id)),
            log_probability: l.log_probability,
        };
        Self { top: likely.into_iter().map(token).collect() }
    }
}

fn print(positions: &[Position], from: usize) {
    let mut table = table(&["after position", "token", "text", "log-probability", "probability"]);
    for (i, position) in positions.iter().enumerate() {
        for token in &position.top {
            table.add_row([
                (from + i).to_string(),
                token.id.to_string(),
                token.token.as_ref().map(|text| format!("{text:?}")).unwrap_or_default(),
                format!("{:.6}", token.log_probability),
                format!("{:.6}", token.log_probability.exp()),
            ]);
        }
    }
    say!("{table}");
}
