//! [`Checkpoint`]: a model as it lies on disk, before any of its weights is read.

use crate::weights::{Folder, Gguf, GgufMetadata, Weights};
use crate::{DType, Device, LlmError, Mode, Model, ModelConfig};
use std::path::{Path, PathBuf};

/// The shape of a model and its weights, opened and checked.
pub struct Checkpoint {
    path: PathBuf,
    config: ModelConfig,
    files: Files,
}

/// What a model lies in.
enum Files {
    Folder(Folder),
    Gguf(Gguf),
}

impl std::fmt::Debug for Checkpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { path, config, .. } = self;
        f.debug_struct("Checkpoint").field("path", path).field("config", config).finish()
    }
}

impl Checkpoint {
    /// Opens a Hugging Face folder (`config.json` and safetensors, in one file or several) or a
    /// `.gguf` file.
    ///
    /// # Errors
    /// Those of [`ModelConfig::parse`] and of [`Folder::open`], or those of [`Gguf::open`].
    pub fn open(path: &Path) -> Result<Self, LlmError> {
        if path.is_file() || path.extension().is_some_and(|end| end == "gguf") {
            let gguf = Gguf::open(path)?;
            let config = gguf.config().clone();
            return Ok(Self { path: path.to_path_buf(), config, files: Files::Gguf(gguf) });
        }
        let file = path.join("config.json");
        let text = std::fs::read_to_string(&file)
            .map_err(|source| LlmError::File { path: file.clone(), source })?;
        let config = ModelConfig::parse(&text, &file)?;
        let files = Files::Folder(Folder::open(path)?);
        Ok(Self { path: path.to_path_buf(), config, files })
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The shape of the model.
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// The keys and values of a GGUF file; nothing of a folder.
    pub fn gguf(&self) -> Option<&GgufMetadata> {
        match &self.files {
            Files::Gguf(gguf) => Some(gguf.metadata()),
            Files::Folder(_) => None,
        }
    }

    /// The model.
    ///
    /// # Errors
    /// Those of [`Model::new`].
    pub fn model(&self, dtype: DType, device: &Device, mode: Mode) -> Result<Model, LlmError> {
        let weights: &dyn Weights = match &self.files {
            Files::Folder(folder) => folder,
            Files::Gguf(gguf) => gguf,
        };
        Model::new(self.config.clone(), weights, dtype, device, mode)
    }
}
