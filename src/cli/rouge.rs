//! `bellman rouge`: how close predictions are to references.

use super::output::{print_json, say};
use super::{CliError, End};
use clap::Args;
use llm::evaluation::{Means, Texts, score_texts};
use std::path::PathBuf;

/// Score predictions against references: Rouge-L and exact match.
///
/// Both files are JSON Lines and belong together line by line. The best over the references of a
/// line counts. Rouge-L is that of the package rouge_score 0.1.2 with stemmer; exact match ignores
/// case, punctuation and white space. Both are means times 100.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bellman rouge --predictions predictions.jsonl --references test.jsonl
  bellman rouge --predictions predictions.jsonl --references test.jsonl --json")]
pub struct Rouge {
    /// JSON Lines with a field `text`
    #[arg(long, value_name = "FILE")]
    predictions: PathBuf,
    /// JSON Lines with a field `output`, a text or a list of texts
    #[arg(long, value_name = "FILE")]
    references: PathBuf,
    /// Print one JSON object on standard output
    #[arg(long)]
    json: bool,
}

impl Rouge {
    /// Runs it.
    pub fn run(self) -> Result<End, CliError> {
        let predictions = Texts::predictions(&self.predictions)?;
        let references = Texts::references(&self.references)?;
        let means = Means::of(&score_texts(&predictions, &references)?);
        if self.json {
            print_json(&means)?;
        } else {
            let Means { n, rouge_l, exact_match } = means;
            say!("Rouge-L {rouge_l:.3}, exact match {exact_match:.3}, both times 100, {n} texts");
        }
        Ok(End::Fine)
    }
}
