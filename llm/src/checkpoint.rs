//! [`Checkpoint`]: a model as it lies on disk, before any of its weights is read.

use crate::weights::{Folder, Weights};
use crate::{DType, Device, LlmError, Mode, Model, ModelConfig};
use std::path::{Path, PathBuf};

/// The shape of a model and its weights, opened and checked.
pub struct Checkpoint {
    path: PathBuf,
    config: ModelConfig,
    weights: Box<dyn Weights>,
}

impl std::fmt::Debug for Checkpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { path, config, .. } = self;
        f.debug_struct("Checkpoint").field("path", path).field("config", config).finish()
    }
}

impl Checkpoint {
    /// Opens a Hugging Face folder: `config.json` and safetensors, in one file or several.
    ///
    /// # Errors
    /// Those of [`ModelConfig::parse`] and of [`Folder::open`].
    pub fn open(path: &Path) -> Result<Self, LlmError> {
        let file = path.join("config.json");
        let text = std::fs::read_to_string(&file)
            .map_err(|source| LlmError::File { path: file.clone(), source })?;
        let config = ModelConfig::parse(&text, &file)?;
        let weights = Box::new(Folder::open(path)?);
        Ok(Self { path: path.to_path_buf(), config, weights })
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The shape of the model.
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// The model.
    ///
    /// # Errors
    /// Those of [`Model::new`].
    pub fn model(&self, dtype: DType, device: &Device, mode: Mode) -> Result<Model, LlmError> {
        Model::new(self.config.clone(), self.weights.as_ref(), dtype, device, mode)
    }
}
