//! A model as a Hugging Face folder.

use super::Model;
use crate::LlmError;
use crate::aside::{aside, put, write_text};
use candle_core::DType;
use std::collections::HashMap;
use std::path::Path;

impl Model {
    /// Writes `config.json` and `model.safetensors` into a folder, which is made if need be.
    /// transformers and [`crate::Checkpoint::open`] read it.
    ///
    /// Each file is written aside, brought to the disk and renamed: a crash leaves the old one or
    /// the new one.
    ///
    /// # Errors
    /// [`LlmError::Write`].
    pub fn save(&self, folder: &Path) -> Result<(), LlmError> {
        let failed = |source| LlmError::Write { path: folder.to_path_buf(), source };
        std::fs::create_dir_all(folder).map_err(failed)?;
        let mut config = self.config().to_json();
        let dtype = match self.dtype {
            DType::F64 => "float64",
            DType::F16 => "float16",
            DType::BF16 => "bfloat16",
            _ => "float32",
        };
        // transformers 4 reads the first, transformers 5 the second.
        config["torch_dtype"] = dtype.into();
        config["dtype"] = dtype.into();
        let weights = folder.join("model.safetensors");
        let aside = aside(&weights);
        let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
        safetensors::serialize_to_file(self.tensors(), Some(metadata), &aside)
            .map_err(|e| failed(std::io::Error::other(e)))?;
        put(&aside, &weights).map_err(failed)?;
        write_text(&folder.join("config.json"), &format!("{config:#}\n"))
    }
}
