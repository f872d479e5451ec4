//! `bellman compare`: whether one system's predictions are better than another's.

use super::output::{print_json, table};
use super::{CliError, End};
use clap::Args;
use llm::LlmError;
use llm::evaluation::{Bootstrap, Estimate, Score, Texts, score_texts};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Compare the predictions of two systems on the same references.
///
/// The difference A − B is taken line by line; its interval is that of a paired bootstrap. Of a folder
/// that `bellman eval` wrote all seeds count: what is compared is the mean of each prompt over them.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bellman compare --a student-dev --b teacher-dev
  bellman compare --a predictions.jsonl --b others.jsonl --references test.jsonl
  bellman compare --a predictions.jsonl --b others.jsonl --references test.jsonl --confidence 0.99 --json")]
pub struct Compare {
    /// JSON Lines with a field `text`, or a folder of such files, seed-*.jsonl
    #[arg(long, value_name = "FILE")]
    a: PathBuf,
    /// The same of the other system
    #[arg(long, value_name = "FILE")]
    b: PathBuf,
    /// JSON Lines with a field `output`, a text or a list of texts [references.jsonl in a folder]
    #[arg(long, value_name = "FILE")]
    references: Option<PathBuf>,
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
    /// How many files of predictions there are of each.
    seeds_a: usize,
    seeds_b: usize,
    rouge_l: Pair,
    exact_match: Pair,
    resamples: usize,
    seed: u64,
}

impl Compare {
    /// Runs it.
    pub fn run(self) -> Result<End, CliError> {
        let bootstrap = self.interval.bootstrap()?;
        let references = Texts::references(&self.references()?)?;
        let a = System::read(&self.a, &references)?;
        let b = System::read(&self.b, &references)?;
        let pair = |of: fn(&Score) -> f64| {
            let (a, b) = (a.of_prompts(of), b.of_prompts(of));
            let values: Vec<f64> = a.iter().zip(&b).map(|(a, b)| a - b).collect();
            let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
            Ok::<_, LlmError>(Pair {
                a: mean(&a),
                b: mean(&b),
                difference: bootstrap.mean(&values)?,
            })
        };
        let comparison = Comparison {
            n: references.rows.len(),
            seeds_a: a.0.len(),
            seeds_b: b.0.len(),
            rouge_l: pair(|score| score.rouge_l)?,
            exact_match: pair(|score| f64::from(u8::from(score.exact_match)))?,
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

    /// The file of the references: as given, or what `bellman eval` wrote beside predictions.
    fn references(&self) -> Result<PathBuf, CliError> {
        let given = self.references.clone();
        let beside = [&self.a, &self.b].map(|system| system.join("references.jsonl"));
        given.or(beside.into_iter().find(|file| file.is_file())).ok_or_else(|| {
            let what = "neither system is a folder with references.jsonl";
            CliError::argument(what, "give `--references FILE`")
        })
    }
}

/// The scores of one system: of each of its files those of all prompts. There is at least one file.
struct System(Vec<Vec<Score>>);

impl System {
    /// The scores of a file, or of all seeds in a folder.
    fn read(path: &Path, references: &Texts<Vec<String>>) -> Result<Self, CliError> {
        let files = if path.is_dir() { seeds(path)? } else { vec![path.to_path_buf()] };
        let own = path.join("references.jsonl");
        let same = |own: Texts<Vec<String>>| {
            let texts = |all: &Texts<Vec<String>>| -> Vec<Vec<String>> {
                all.rows.iter().map(|row| row.content.clone()).collect()
            };
            texts(&own) == texts(references)
        };
        if own.is_file() && !same(Texts::references(&own)?) {
            let (path, given) = (path.display(), references.path.display());
            let what = format!("{path} holds responses to other prompts than those of {given}");
            return Err(CliError::argument(what, "evaluate both systems on the same file"));
        }
        let scores = files.iter().map(|file| score_texts(&Texts::predictions(file)?, references));
        Ok(Self(scores.collect::<Result<_, _>>()?))
    }

    /// The mean of each prompt over the files, times 100.
    fn of_prompts(&self, of: fn(&Score) -> f64) -> Vec<f64> {
        let files = self.0.len() as f64;
        let mean =
            |i: usize| 100.0 * self.0.iter().map(|scores| of(&scores[i])).sum::<f64>() / files;
        (0..self.0.first().map_or(0, Vec::len)).map(mean).collect()
    }
}

/// The predictions in a folder, in the order of their names.
fn seeds(folder: &Path) -> Result<Vec<PathBuf>, CliError> {
    let failed = |source| LlmError::File { path: folder.to_path_buf(), source };
    let entries = std::fs::read_dir(folder).map_err(failed)?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path()).map_err(failed));
    let mut files = paths.collect::<Result<Vec<PathBuf>, LlmError>>()?;
    files.retain(|file| {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("seed-") && name.ends_with(".jsonl")
    });
    files.sort();
    if files.is_empty() {
        let what = format!("{} holds no predictions", folder.display());
        return Err(CliError::argument(what, "name a folder of `bellman eval --predictions`"));
    }
    Ok(files)
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
        let Self { n, seeds_a, seeds_b, resamples, .. } = self;
        super::output::say!(
            "{table}\n{n} texts, files of predictions: {seeds_a} and {seeds_b}; {resamples} resamples"
        );
    }
}
