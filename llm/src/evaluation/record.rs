//! [`Record`]: which files a run has been evaluated on, and as what.

use super::{Estimate, Means};
use crate::{LlmError, write_text};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// What a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// A student is trained on it.
    Train,
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

/// A file that a run depends on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Used {
    /// As what.
    pub role: Role,
    /// The file.
    pub file: PathBuf,
    /// The SHA-256 of its content.
    pub sha256: String,
}

/// The evaluations of a run, in the order in which they were made, and what it was made from.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Files that the students were trained on and chosen by, and that those they started from
    /// were reported on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<Used>,
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

    /// Where the run keeps its record that a model belongs to: `record.json` beside the folder of
    /// the model, where the run's `config.toml` lies too.
    pub fn beside(model: &Path) -> Option<PathBuf> {
        let run = model.canonicalize().ok()?.parent()?.to_path_buf();
        let record = run.join("record.json");
        (record.is_file() && run.join("config.toml").is_file()).then_some(record)
    }

    /// Refuses a file that was reported on before: nothing may be trained on it or chosen by it.
    /// And as `Test` one that the run was trained on or chosen by.
    ///
    /// # Errors
    /// [`LlmError::TestAsDev`], [`LlmError::DevAsTest`].
    pub fn allow(&self, role: Role, file: &Path, sha256: &str) -> Result<(), LlmError> {
        let (path, same) = (|| file.to_path_buf(), |hash: &str| hash == sha256);
        let used = || self.files.iter().filter(|used| same(&used.sha256));
        if role == Role::Test {
            let spent = used().find(|used| used.role != Role::Test);
            let refused = |used: &Used| {
                let (role, before) = (used.role, used.file.clone());
                Err(LlmError::DevAsTest { path: path(), before, trained: role == Role::Train })
            };
            return spent.map_or(Ok(()), refused);
        }
        let tested = used().map(|used| (used.role, &used.file));
        let evaluated = self.evaluations.iter().filter(|e| same(&e.sha256));
        let mut all = tested.chain(evaluated.map(|e| (e.role, &e.file)));
        match all.find(|(role, _)| *role == Role::Test) {
            Some((_, before)) => Err(LlmError::TestAsDev { path: path(), before: before.clone() }),
            None => Ok(()),
        }
    }

    /// Notes that a file is used, unless that is known.
    pub fn note(&mut self, used: Used) {
        let known = |other: &Used| other.role == used.role && other.sha256 == used.sha256;
        if !self.files.iter().any(known) {
            self.files.push(used);
        }
    }

    /// Notes the files of the run that a student comes from: what it was trained on and chosen by,
    /// and what it was reported on.
    pub fn inherit(&mut self, from: &Self) {
        from.files.iter().for_each(|used| self.note(used.clone()));
        for Evaluation { role, file, sha256, .. } in &from.evaluations {
            if *role == Role::Test {
                self.note(Used { role: *role, file: file.clone(), sha256: sha256.clone() });
            }
        }
    }

    /// Writes the record aside and renames it.
    ///
    /// # Errors
    /// [`LlmError::Write`].
    pub fn write(&self, path: &Path) -> Result<(), LlmError> {
        let failed =
            |e: serde_json::Error| LlmError::Write { path: path.to_path_buf(), source: e.into() };
        write_text(path, &(serde_json::to_string_pretty(self).map_err(failed)? + "\n"))
    }
}
