//! [`Trials`]: how well a model does, in each way of sampling, kept in a file.

use super::settings::{Settings, Split};
use super::stages::prompts;
use crate::cli::CliError;
use crate::cli::compare::Interval;
use crate::cli::data::DataArguments;
use crate::cli::eval::{Eval, Evaluated, File, over_seeds};
use crate::cli::language_model::{LanguageModel, Place};
use indicatif::ProgressBar;
use llm::evaluation::Evaluation;
use llm::teacher::hash_model;
use llm::{LlmError, write_text};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// How often an interval covers what it estimates, and what it is made from.
pub const INTERVAL: Interval = Interval { confidence: 0.95, resamples: 2_000, bootstrap_seed: 0 };

/// What is to be tried on one model.
#[derive(Debug)]
pub struct Trials<'a> {
    /// How.
    pub settings: &'a Settings,
    /// The folder of the exercises.
    pub exercises: PathBuf,
    /// The model.
    pub model: PathBuf,
    /// Where it runs.
    pub place: Place,
    /// Where what comes out is kept.
    pub file: PathBuf,
}

/// What came out of one way of sampling.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tried {
    /// The nucleus that responses are drawn from.
    pub top_p: f64,
    /// The evaluation.
    pub evaluation: Evaluation,
    /// Rouge-L of each prompt, the mean over seeds, times 100.
    pub rouge_l: Vec<f64>,
    /// Exact match of each prompt in the same way.
    pub exact_match: Vec<f64>,
}

impl Trials<'_> {
    /// Tries the model, unless what came out for it is there.
    pub fn run(&self, bar: &ProgressBar) -> Result<Option<String>, CliError> {
        let tried = match self.kept() {
            Some(tried) => tried,
            None => {
                let Some(tried) = self.try_all(bar)? else { return Ok(None) };
                let folder = self.file.parent().map(std::fs::create_dir_all).transpose();
                folder.map_err(|source| LlmError::Write { path: self.file.clone(), source })?;
                let text = serde_json::to_string(&tried)
                    .map_err(|e| LlmError::Write { path: self.file.clone(), source: e.into() })?;
                write_text(&self.file, &text)?;
                tried
            }
        };
        let words = tried.iter().map(|Tried { top_p, evaluation, .. }| {
            format!("{:.1} % right at top-p {top_p}", evaluation.exact_match.value)
        });
        Ok(Some(words.collect::<Vec<_>>().join(", ")))
    }

    /// What is there for this very model; nothing where it is missing or damaged.
    pub fn kept(&self) -> Option<Vec<Tried>> {
        let tried: Vec<Tried> =
            serde_json::from_str(&std::fs::read_to_string(&self.file).ok()?).ok()?;
        let weights = hash_model(&self.model).ok()?;
        tried.iter().all(|tried| tried.evaluation.weights == weights).then_some(tried)
    }

    fn try_all(&self, bar: &ProgressBar) -> Result<Option<Vec<Tried>>, CliError> {
        let trial = &self.settings.evaluation;
        bar.set_length(
            (trial.top_p.len() * trial.seeds.len() * self.settings.data.held_out) as u64,
        );
        let mut all = Vec::new();
        for &top_p in &trial.top_p {
            // What is told of one way of sampling starts at 0; the bar goes on.
            let evaluated = self.eval(top_p).evaluate(|_| {
                bar.set_message(format!("top-p {top_p}"));
                bar.set_position(0);
                bar.clone()
            })?;
            let Some(Evaluated { evaluation, scores, .. }) = evaluated else { return Ok(None) };
            all.push(Tried {
                top_p,
                evaluation,
                rouge_l: over_seeds(&scores, |score| score.rouge_l),
                exact_match: over_seeds(&scores, |s| f64::from(u8::from(s.exact_match))),
            });
        }
        Ok(Some(all))
    }

    /// `bellman eval`, against all right answers.
    fn eval(&self, top_p: f64) -> Eval {
        let trial = &self.settings.evaluation;
        let file =
            |split: Split, name: &str| (trial.split == split).then(|| self.exercises.join(name));
        Eval {
            model: LanguageModel {
                name: self.model.to_string_lossy().into_owned(),
                place: self.place.clone(),
            },
            file: File {
                dev: file(Split::Dev, "dev.jsonl"),
                test: file(Split::Test, "test.jsonl"),
            },
            data: DataArguments { output_field: "outputs".into(), ..prompts(None) },
            seeds: trial.seeds.clone(),
            temperature: 1.0,
            top_p,
            max_new_tokens: trial.max_new_tokens,
            batch: trial.batch,
            interval: INTERVAL,
            record: None,
            predictions: None,
            json: false,
        }
    }
}
