//! [`Saved`]: where training stands, on disk.

use super::Trainer;
use crate::weights::Safetensors;
use crate::{LlmError, Model};
use candle_core::Tensor;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};

/// What training depends on besides weights and moments.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// Which phase of the run, from 0.
    pub phase: usize,
    /// Steps done in it.
    pub step: u64,
    /// The best score on the development set in this phase, and the step it was reached at.
    pub best: Option<(f64, u64)>,
    /// Whether the score that was due after this step is still to come: it was broken off.
    #[serde(default)]
    pub unscored: bool,
    /// How many bytes the log had.
    pub log_bytes: u64,
    /// How many bytes the event file had.
    #[serde(default)]
    pub event_bytes: u64,
}

/// The folder of the states that a run has saved; the newest one counts.
///
/// A state is a folder of its own, written aside, brought to the disk, and renamed when it is
/// whole: whatever happens, there is a whole one, or none yet.
#[derive(Debug, Clone)]
pub struct Saved {
    folder: PathBuf,
}

const WEIGHTS: &str = "weights.safetensors";
const MOMENTS: &str = "moments.safetensors";
const PROGRESS: &str = "progress.json";

impl Saved {
    /// The states in this folder, which need not exist yet.
    pub fn at(folder: &Path) -> Self {
        Self { folder: folder.to_path_buf() }
    }

    /// Saves where `trainer` stands, and removes what was saved before.
    ///
    /// # Errors
    /// [`LlmError::Write`]; what was saved before is then still there.
    pub fn save(&self, trainer: &Trainer, progress: &Progress) -> Result<(), LlmError> {
        let path = self.free(progress)?;
        let aside = path.with_extension("aside");
        let failed = |source| LlmError::Write { path: path.clone(), source };
        if aside.exists() {
            std::fs::remove_dir_all(&aside).map_err(failed)?;
        }
        std::fs::create_dir_all(&aside).map_err(failed)?;
        let variables = trainer.variables().iter();
        let weights = variables.map(|(name, var)| (name.clone(), var.as_tensor().clone()));
        write_tensors(&aside.join(WEIGHTS), weights.collect()).map_err(failed)?;
        let moments = trainer.optimiser().state()?.into_iter().collect();
        write_tensors(&aside.join(MOMENTS), moments).map_err(failed)?;
        let text = serde_json::to_vec(progress).map_err(|e| failed(e.into()))?;
        std::fs::write(aside.join(PROGRESS), text).map_err(failed)?;
        sync(&aside.join(PROGRESS)).and_then(|()| sync(&aside)).map_err(failed)?;
        std::fs::rename(&aside, &path).and_then(|()| sync(&self.folder)).map_err(failed)?;
        self.remove_others(&path).map_err(failed)
    }

    /// The path of a new state, which sorts after those that are there: one of the same step stays
    /// until the new one is whole.
    fn free(&self, progress: &Progress) -> Result<PathBuf, LlmError> {
        let name = format!("{:02}-{:09}", progress.phase, progress.step);
        let newest = self.newest()?.and_then(|path| Some(path.file_name()?.to_str()?.to_owned()));
        let again = newest.as_deref().and_then(|newest| newest.strip_prefix(&name));
        // Letters, as many as there were states of this step before.
        let suffix = again.map(|letters| format!("{letters}a")).unwrap_or_default();
        Ok(self.folder.join(name + &suffix))
    }

    /// The newest state's progress, `None` where nothing is saved.
    ///
    /// # Errors
    /// [`LlmError::File`], [`LlmError::Config`].
    pub fn progress(&self) -> Result<Option<Progress>, LlmError> {
        let Some(path) = self.newest()?.map(|state| state.join(PROGRESS)) else { return Ok(None) };
        let text =
            std::fs::read(&path).map_err(|source| LlmError::File { path: path.clone(), source })?;
        let progress = serde_json::from_slice(&text)
            .map_err(|e| LlmError::Config { problem: format!("not a state of a run: {e}"), path });
        progress.map(Some)
    }

    /// Puts the newest state's weights into `student`; leaves it as it is where nothing is saved.
    ///
    /// # Errors
    /// [`LlmError::File`]; those of damaged files of tensors; [`LlmError::TensorShape`] when they
    /// belong to another model.
    pub fn restore_weights(&self, student: &Model) -> Result<(), LlmError> {
        match self.newest()? {
            Some(state) => student.set(&Safetensors::open(&state.join(WEIGHTS))?),
            None => Ok(()),
        }
    }

    /// Puts the newest state's weights and moments into `trainer`.
    ///
    /// # Errors
    /// [`LlmError::File`]; those of damaged files of tensors; [`LlmError::TensorShape`] when they
    /// belong to another model.
    pub fn restore(&self, trainer: &mut Trainer, progress: &Progress) -> Result<(), LlmError> {
        let Some(state) = self.newest()? else { return Ok(()) };
        self.restore_weights(trainer.student())?;
        let moments = Safetensors::open(&state.join(MOMENTS))?;
        trainer.optimiser_mut().restore(progress.step, &moments)
    }

    /// The whole states, oldest first. Their names sort as they were made.
    fn states(&self) -> Result<Vec<PathBuf>, LlmError> {
        let failed = |source| LlmError::File { path: self.folder.clone(), source };
        let entries = match std::fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(failed(e)),
        };
        let paths = entries.map(|entry| entry.map(|e| e.path())).collect::<Result<Vec<_>, _>>();
        let mut paths = paths.map_err(failed)?;
        paths.retain(|path| path.extension().is_none());
        paths.sort();
        Ok(paths)
    }

    fn newest(&self) -> Result<Option<PathBuf>, LlmError> {
        Ok(self.states()?.pop())
    }

    fn remove_others(&self, kept: &Path) -> std::io::Result<()> {
        for entry in std::fs::read_dir(&self.folder)? {
            let path = entry?.path();
            if path != kept {
                std::fs::remove_dir_all(path)?;
            }
        }
        Ok(())
    }
}

/// Writes tensors into a file and brings it to the disk.
fn write_tensors(path: &Path, tensors: HashMap<String, Tensor>) -> std::io::Result<()> {
    candle_core::safetensors::save(&tensors, path).map_err(std::io::Error::other)?;
    sync(path)
}

/// Brings a file, or the names in a folder, to the disk.
fn sync(path: &Path) -> std::io::Result<()> {
    File::open(path)?.sync_all()
}
