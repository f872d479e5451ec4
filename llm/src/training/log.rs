//! [`Log`]: what happened at each step, a line of JSON each.

use super::{Shares, Step};
use crate::LlmError;
use serde::Serialize;
use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

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
}

/// The log of a run, to which lines are added.
#[derive(Debug)]
pub struct Log {
    path: PathBuf,
    file: File,
    bytes: u64,
}

impl Log {
    /// The log in a file, of which the first `bytes` count: what a killed run wrote after its last
    /// saved state is written again.
    ///
    /// # Errors
    /// [`LlmError::Write`].
    pub fn open(path: &Path, bytes: u64) -> Result<Self, LlmError> {
        let failed = |source| LlmError::Write { path: path.to_path_buf(), source };
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(path);
        let mut file = file.map_err(failed)?;
        file.set_len(bytes).and_then(|()| file.seek(SeekFrom::End(0))).map_err(failed)?;
        Ok(Self { path: path.to_path_buf(), file, bytes })
    }

    /// Adds a line.
    ///
    /// # Errors
    /// [`LlmError::Write`].
    pub fn add(&mut self, entry: &Entry) -> Result<(), LlmError> {
        let failed = |source| LlmError::Write { path: self.path.clone(), source };
        let mut line = serde_json::to_vec(entry).map_err(|e| failed(e.into()))?;
        line.push(b'\n');
        self.file.write_all(&line).map_err(failed)?;
        self.bytes += line.len() as u64;
        Ok(())
    }

    /// How many bytes it has; they are on the disk.
    ///
    /// # Errors
    /// [`LlmError::Write`].
    pub fn sync(&self) -> Result<u64, LlmError> {
        let failed = |source| LlmError::Write { path: self.path.clone(), source };
        self.file.sync_data().map_err(failed)?;
        Ok(self.bytes)
    }
}
