//! [`Record`]: which files a run has been evaluated on, and as what.

use super::{Estimate, Means};
use crate::LlmError;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// What a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Checkpoints and settings may be chosen by it.
    Dev,
    /// What is reported; nothing may be chosen by it.
    Test,
}

/// The scores of one seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeedScore {
    /// The seed of the draws.
    pub seed: u64,
    /// The means over prompts.
    #[serde(flatten)]
    pub means: Means,
}

/// One evaluation, with all that it depends on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// What the file is for.
    pub role: Role,
    /// The file.
    pub file: PathBuf,
    /// The SHA-256 of its content.
    pub sha256: String,
    /// How the model was named.
    pub model: String,
    /// The SHA-256 of its weights.
    pub weights: String,
    /// The settings of prompts and sampling.
    pub settings: Value,
    /// Prompts that were answered.
    pub prompts: usize,
    /// Prompts that were left out because they are too long.
    pub too_long: usize,
    /// Each seed.
    pub seeds: Vec<SeedScore>,
    /// Rouge-L times 100, the mean over prompts of the mean over seeds.
    pub rouge_l: Estimate,
    /// Exact matches times 100, in the same way.
    pub exact_match: Estimate,
}

/// The evaluations of a run, in the order in which they were made.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The evaluations.
    pub evaluations: Vec<Evaluation>,
}

impl Record {
    /// The record in a file; an empty one where there is none yet.
    ///
    /// # Errors
    /// [`LlmError::File`], and [`LlmError::Config`] when it is no record.
    pub fn open(path: &Path) -> Result<Self, LlmError> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(source) => return Err(LlmError::File { path: path.to_path_buf(), source }),
        };
        serde_json::from_str(&text).map_err(|e| LlmError::Config {
            path: path.to_path_buf(),
            problem: format!("not a record of evaluations: {e}"),
        })
    }

    /// Refuses a file as `Dev` that was evaluated as `Test` before: nothing may be chosen by it.
    ///
    /// # Errors
    /// [`LlmError::TestAsDev`].
    pub fn allow(&self, role: Role, file: &Path, sha256: &str) -> Result<(), LlmError> {
        let spent = |e: &&Evaluation| e.role == Role::Test && e.sha256 == sha256;
        match self.evaluations.iter().find(spent) {
            Some(before) if role == Role::Dev => {
                Err(LlmError::TestAsDev { path: file.to_path_buf(), before: before.file.clone() })
            }
            _ => Ok(()),
        }
    }

    /// Writes the record aside and renames it.
    ///
    /// # Errors
    /// [`LlmError::Write`].
    pub fn write(&self, path: &Path) -> Result<(), LlmError> {
        let failed = |source| LlmError::Write { path: path.to_path_buf(), source };
        let mut aside = path.as_os_str().to_owned();
        aside.push(".part");
        let text = serde_json::to_string_pretty(self).map_err(|e| failed(e.into()))?;
        std::fs::write(&aside, text + "\n").map_err(failed)?;
        std::fs::rename(&aside, path).map_err(failed)
    }
}
