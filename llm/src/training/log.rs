//! [`Log`]: what happened at each step, a line of JSON each, and as TensorBoard reads it.

use super::{Checked, Shares, Step, tensorboard};
use crate::LlmError;
use serde::Serialize;
use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Entry {
    /// A step of training.
    Step {
        /// The phase.
        phase: String,
        /// The step in it, from 1.
        step: u64,
        /// The loss.
        loss: f64,
        /// The language-modelling loss on plain text.
        text_loss: Option<f64>,
        /// The norm of the gradient.
        gradient_norm: f64,
        /// The learning rate.
        learning_rate: f64,
        /// Tokens of the step.
        tokens: usize,
        /// How long it took.
        seconds: f64,
        /// What was counted.
        #[serde(flatten)]
        shares: Shares,
    },
    /// A score on the development set.
    Score {
        /// The phase.
        phase: String,
        /// After which step.
        step: u64,
        /// Rouge-L times 100.
        rouge_l: f64,
        /// Whether it is the best so far in this phase.
        best: bool,
        /// How long it took.
        seconds: f64,
    },
    /// What the theory states, evaluated on the batch of a step before it was taken.
    Check {
        /// The phase.
        phase: String,
        /// The step, from 1.
        step: u64,
        /// Each statement.
        checked: Vec<Checked>,
        /// How long it took.
        seconds: f64,
    },
}

impl Entry {
    /// The line of a step.
    pub fn of_step(phase: &str, step: &Step, seconds: f64) -> Self {
        let Step { number, loss, text_loss, gradient_norm, learning_rate, tokens, tally } = *step;
        let (phase, step, shares) = (phase.to_owned(), number, tally.shares());
        Self::Step {
            phase,
            step,
            loss,
            text_loss,
            gradient_norm,
            learning_rate,
            tokens,
            seconds,
            shares,
        }
    }

    /// The step with the numbers of curves, by name.
    fn scalars(&self) -> (u64, Vec<(String, f64)>) {
        let named = |phase: &str, values: &[(&str, Option<f64>)]| {
            let there = values.iter().filter_map(|(name, value)| Some((name, (*value)?)));
            there.map(|(name, value)| (format!("{phase}/{name}"), value)).collect()
        };
        match self {
            Self::Step {
                phase,
                step,
                loss,
                text_loss,
                gradient_norm,
                learning_rate,
                tokens,
                seconds,
                shares,
            } => {
                let rate = (*seconds > 0.0).then(|| *tokens as f64 / seconds);
                let values = [
                    ("loss", Some(*loss)),
                    ("text_loss", *text_loss),
                    ("gradient_norm", Some(*gradient_norm)),
                    ("learning_rate", Some(*learning_rate)),
                    ("tokens_per_second", rate),
                    ("padding", shares.padding),
                    ("outside", shares.outside),
                    ("floored", shares.floored),
                    ("teacher_mass", shares.teacher_mass),
                    ("student_mass", shares.student_mass),
                    ("best_outside", shares.best_outside),
                    ("reward", shares.reward),
                    ("residual", shares.residual),
                ];
                (*step, named(phase, &values))
            }
            Self::Score { phase, step, rouge_l, .. } => {
                (*step, named(phase, &[("dev_rouge_l", Some(*rouge_l))]))
            }
            Self::Check { step, .. } => (*step, Vec::new()),
        }
    }
}

/// How long the files of a log are, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LogBytes {
    /// `log.jsonl`.
    pub lines: u64,
    /// The event file.
    pub events: u64,
}

/// The log of a run, to which lines are added: `log.jsonl`, and an event file in `tensorboard/`.
#[derive(Debug)]
pub struct Log {
    lines: Growing,
    events: Growing,
}

impl Log {
    /// The log in the folder of a run, of which so many bytes count: what a killed run wrote after
    /// its last saved state is written again.
    ///
    /// # Errors
    /// [`LlmError::Write`].
    pub fn open(folder: &Path, bytes: LogBytes) -> Result<Self, LlmError> {
        let lines = Growing::open(folder.join("log.jsonl"), bytes.lines)?;
        // TensorBoard looks for the middle part of the name.
        let path = folder.join("tensorboard").join("events.out.tfevents.0.bellman");
        let mut events = Growing::open(path, bytes.events)?;
        if events.bytes == 0 {
            events.add(&tensorboard::header(now()))?;
        }
        Ok(Self { lines, events })
    }

    /// Adds an entry.
    ///
    /// # Errors
    /// [`LlmError::Write`].
    pub fn add(&mut self, entry: &Entry) -> Result<(), LlmError> {
        let mut line = serde_json::to_vec(entry).map_err(|e| self.lines.failed(e.into()))?;
        line.push(b'\n');
        self.lines.add(&line)?;
        let (step, scalars) = entry.scalars();
        if scalars.is_empty() {
            return Ok(());
        }
        self.events.add(&tensorboard::scalars(now(), step, &scalars))
    }

    /// How many bytes it has; they are on the disk.
    ///
    /// # Errors
    /// [`LlmError::Write`].
    pub fn sync(&self) -> Result<LogBytes, LlmError> {
        Ok(LogBytes { lines: self.lines.sync()?, events: self.events.sync()? })
    }
}

/// Seconds since 1970.
fn now() -> f64 {
    // A clock before 1970 is no reason to stop.
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

/// A file that grows at its end.
#[derive(Debug)]
struct Growing {
    path: PathBuf,
    file: File,
    bytes: u64,
}

impl Growing {
    /// The first `bytes` of a file, or all of it where it is shorter.
    fn open(path: PathBuf, bytes: u64) -> Result<Self, LlmError> {
        let open = || {
            std::fs::create_dir_all(path.parent().unwrap_or(Path::new("")))?;
            let mut file =
                OpenOptions::new().create(true).truncate(false).write(true).open(&path)?;
            let bytes = bytes.min(file.metadata()?.len());
            file.set_len(bytes)?;
            file.seek(SeekFrom::End(0))?;
            Ok((file, bytes))
        };
        match open() {
            Ok((file, bytes)) => Ok(Self { path, file, bytes }),
            Err(source) => Err(LlmError::Write { path, source }),
        }
    }

    fn add(&mut self, bytes: &[u8]) -> Result<(), LlmError> {
        self.file.write_all(bytes).map_err(|source| self.failed(source))?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    fn sync(&self) -> Result<u64, LlmError> {
        self.file.sync_data().map_err(|source| self.failed(source))?;
        Ok(self.bytes)
    }

    fn failed(&self, source: std::io::Error) -> LlmError {
        LlmError::Write { path: self.path.clone(), source }
    }
}
