//! [`Table`]: what a demonstration came to.

use super::settings::{START, Settings, TEACHER};
use super::stages::{Cost, Stages};
use super::trial::{INTERVAL, Tried};
use crate::cli::CliError;
use crate::cli::output::{say, table};
use llm::evaluation::Estimate;
use serde::Serialize;
use std::path::PathBuf;
use std::time::Duration;

/// The outcome, as others read it.
#[derive(Debug, Serialize)]
pub struct Table {
    /// The folder.
    out: PathBuf,
    /// The seed.
    seed: u64,
    /// How long this call of the command took.
    seconds: f64,
    /// The row that others are compared with.
    control: String,
    /// The teacher, the student before the methods part, the methods.
    rows: Vec<Row>,
}

/// One model.
#[derive(Debug, Serialize)]
struct Row {
    name: String,
    /// Steps of training, without those before the methods part; nothing of the teacher.
    steps: Option<u64>,
    /// Tokens of them.
    tokens: Option<u64>,
    /// Seconds of one thread that they took.
    seconds: Option<f64>,
    /// One for each way of sampling.
    scores: Vec<Scores>,
}

/// Scores in one way of sampling, times 100.
#[derive(Debug, Serialize)]
struct Scores {
    top_p: f64,
    exact_match: Compared,
    rouge_l: Compared,
}

/// A score, and how much higher it is than that of the control on the same prompts.
#[derive(Debug, Serialize)]
struct Compared {
    #[serde(flatten)]
    score: Estimate,
    difference: Estimate,
}

impl Table {
    /// Reads what lies in the folder.
    pub fn new(settings: &Settings, stages: &Stages, took: Duration) -> Result<Self, CliError> {
        let tried = |name: &str| {
            stages.trials(name).kept().ok_or_else(|| {
                let what = format!("the scores of {name} have gone while they were needed");
                CliError::argument(what, "start the same command again")
            })
        };
        let control = tried(&settings.control)?;
        let row = |name: &str| {
            let cost = if name == TEACHER { None } else { Some(stages.cost(name)?) };
            let scores: Result<Vec<Scores>, CliError> =
                tried(name)?.iter().zip(&control).map(|(t, c)| Scores::new(t, c)).collect();
            Ok(Row {
                name: name.to_owned(),
                steps: cost.map(|Cost { steps, .. }| steps),
                tokens: cost.map(|Cost { tokens, .. }| tokens),
                seconds: cost.map(|Cost { seconds, .. }| seconds),
                scores: scores?,
            })
        };
        Ok(Self {
            out: stages.out().to_path_buf(),
            seed: settings.seed,
            seconds: took.as_secs_f64(),
            control: settings.control.clone(),
            rows: stages.names().map(row).collect::<Result<_, CliError>>()?,
        })
    }

    /// For people: a table for each way of sampling.
    pub fn print(&self) {
        let control = &self.control;
        let ways = self.rows.first().map_or(&[][..], |row| &row.scores[..]);
        for (way, Scores { top_p, .. }) in ways.iter().enumerate() {
            let minus = format!("− {control}");
            let header = ["", "exact match", &minus, "Rouge-L", &minus, "steps", "seconds"];
            let mut table = table(&header);
            for row in &self.rows {
                let Scores { exact_match, rouge_l, .. } = &row.scores[way];
                let mut cells = vec![row.name.clone()];
                for compared in [exact_match, rouge_l] {
                    cells.push(format!("{:.1}", compared.score.value));
                    cells.push(self.difference(&row.name, &compared.difference));
                }
                cells.push(row.steps.map_or("–".into(), |steps| steps.to_string()));
                cells.push(row.seconds.map_or("–".into(), |seconds| format!("{seconds:.0}")));
                table.add_row(cells);
            }
            say!("\nresponses drawn at top-p {top_p}\n{table}");
        }
        let n = ways.first().map_or(0, |scores| scores.exact_match.score.n);
        say!(
            "{n} exercises; times 100; with {} % intervals of a paired bootstrap over exercises",
            100.0 * INTERVAL.confidence
        );
        say!("every method starts from the row {START}; {:.0} s in all", self.seconds);
    }

    fn difference(&self, name: &str, Estimate { value, lower, upper, .. }: &Estimate) -> String {
        if name == self.control {
            return "–".into();
        }
        format!("{value:+.1} ({lower:+.1} to {upper:+.1})")
    }
}

impl Scores {
    fn new(tried: &Tried, control: &Tried) -> Result<Self, CliError> {
        let bootstrap = INTERVAL.bootstrap()?;
        let compared = |score: Estimate, a: &[f64], b: &[f64]| {
            let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
            Ok::<_, CliError>(Compared { score, difference: bootstrap.mean(&differences)? })
        };
        let Tried { top_p, evaluation, exact_match, rouge_l } = tried;
        Ok(Self {
            top_p: *top_p,
            exact_match: compared(evaluation.exact_match, exact_match, &control.exact_match)?,
            rouge_l: compared(evaluation.rouge_l, rouge_l, &control.rouge_l)?,
        })
    }
}
