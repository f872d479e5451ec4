//! `bellman compare`: whether one system's predictions are better than another's.

use super::output::{print_json, table};
use super::{CliError, End};
use clap::Args;
use llm::evaluation::{Bootstrap, Estimate, Means, Score, Texts, score_texts};
use serde::Serialize;
use std::path::PathBuf;

/// Compare the predictions of two systems on the same references.
///
/// The difference A − B is taken line by line; its interval is that of a paired bootstrap.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bellman compare --a predictions.jsonl --b others.jsonl --references test.jsonl
  bellman compare --a predictions.jsonl --b others.jsonl --references test.jsonl --confidence 0.99 --json")]
pub struct Compare {
    /// JSON Lines with a field `text`
    #[arg(long, value_name = "FILE")]
    a: PathBuf,
    /// JSON Lines with a field `text`
    #[arg(long, value_name = "FILE")]
    b: PathBuf,
    /// JSON Lines with a field `output`, a text or a list of texts
    #[arg(long, value_name = "FILE")]
    references: PathBuf,
    #[command(flatten)]
    interval: Interval,
    /// Print one JSON object on standard output
    #[arg(long)]
    json: bool,
}

/// How an interval is found.
#[derive(Debug, Args)]
pub struct Interval {
    /// How often the interval is to cover the true mean
    #[arg(long, default_value_t = 0.95, allow_negative_numbers = true)]
    pub(super) confidence: f64,
    /// How many times values are drawn anew
    #[arg(long, default_value_t = 10_000, value_name = "N")]
    pub(super) resamples: usize,
    /// The seed of these draws
    #[arg(long, default_value_t = 0)]
    pub(super) bootstrap_seed: u64,
}

impl Interval {
    /// The bootstrap.
    pub fn bootstrap(&self) -> Result<Bootstrap, CliError> {
        Ok(Bootstrap::new(self.confidence, self.resamples, self.bootstrap_seed)?)
    }
}

/// One score of both systems, times 100.
#[derive(Debug, Serialize)]
struct Pair {
    a: f64,
    b: f64,
    difference: Estimate,
}

/// The comparison, as others read it.
#[derive(Debug, Serialize)]
struct Comparison {
    n: usize,
    rouge_l: Pair,
    exact_match: Pair,
    resamples: usize,
    seed: u64,
}

impl Compare {
    /// Runs it.
    pub fn run(self) -> Result<End, CliError> {
        let bootstrap = self.interval.bootstrap()?;
        let references = Texts::references(&self.references)?;
        let a = score_texts(&Texts::predictions(&self.a)?, &references)?;
        let b = score_texts(&Texts::predictions(&self.b)?, &references)?;
        let difference = |of: fn(&Score) -> f64| {
            let values: Vec<f64> = a.iter().zip(&b).map(|(a, b)| 100.0 * (of(a) - of(b))).collect();
            bootstrap.mean(&values)
        };
        let (of_a, of_b) = (Means::of(&a), Means::of(&b));
        let comparison = Comparison {
            n: a.len(),
            rouge_l: Pair {
                a: of_a.rouge_l,
                b: of_b.rouge_l,
                difference: difference(|score| score.rouge_l)?,
            },
            exact_match: Pair {
                a: of_a.exact_match,
                b: of_b.exact_match,
                difference: difference(|score| f64::from(u8::from(score.exact_match)))?,
            },
            resamples: self.interval.resamples,
            seed: self.interval.bootstrap_seed,
        };
        if self.json {
            print_json(&comparison)?
        } else {
            comparison.print()
        }
        Ok(End::Fine)
    }
}

impl Comparison {
    fn print(&self) {
        let confidence = 100.0 * self.rouge_l.difference.confidence;
        let interval = format!("{confidence} % interval");
        let mut table = table(&["times 100", "A", "B", "A − B", &interval]);
        for (name, pair) in [("Rouge-L", &self.rouge_l), ("exact match", &self.exact_match)] {
            let Estimate { value, lower, upper, .. } = pair.difference;
            table.add_row([
                name.to_owned(),
                format!("{:.3}", pair.a),
                format!("{:.3}", pair.b),
                format!("{value:+.3}"),
                format!("{lower:+.3} to {upper:+.3}"),
            ]);
        }
        super::output::say!("{table}\n{} texts, {} resamples", self.n, self.resamples);
    }
}
