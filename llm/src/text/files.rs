//! The files of a model that are about text, for another model with the same tokens.

use crate::weights::GgufMetadata;
use crate::{Checkpoint, LlmError};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// What lies beside the weights in a Hugging Face folder and does not depend on them.
const FILES: [&str; 9] = [
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "tokenizer.model",
    "chat_template.jinja",
    "generation_config.json",
];

impl Checkpoint {
    /// Writes tokenizer, chat template and defaults of generation into another folder: copies of the
    /// files that are there, or, of a GGUF file, `tokenizer.json` and `tokenizer_config.json` made
    /// from its metadata. A GGUF file without a tokenizer has none to write.
    ///
    /// # Errors
    /// [`LlmError::File`], [`LlmError::Write`]; of a GGUF file those of [`Checkpoint::tokenizer`]
    /// and of [`Checkpoint::chat_template`].
    pub fn write_text_files(&self, folder: &Path) -> Result<(), LlmError> {
        match self.gguf() {
            Some(metadata) => self.write_from_metadata(metadata, folder),
            None => copy_text_files(self.path(), folder),
        }
    }

    fn write_from_metadata(&self, metadata: &GgufMetadata, folder: &Path) -> Result<(), LlmError> {
        if metadata.text("tokenizer.ggml.model")?.is_none() {
            return Ok(());
        }
        self.tokenizer()?.save(&folder.join("tokenizer.json"))?;
        let token = |name: &str| {
            let tokens = metadata.texts("tokenizer.ggml.tokens")?.unwrap_or_default();
            let id = metadata.id(&format!("tokenizer.ggml.{name}_token_id"))?;
            Ok::<_, LlmError>(id.and_then(|id| tokens.get(id as usize)).cloned())
        };
        let template = metadata.text("tokenizer.chat_template")?;
        let config = json!({
            "tokenizer_class": "PreTrainedTokenizerFast",
            "clean_up_tokenization_spaces": false,
            "model_max_length": self.config().max_positions,
            "bos_token": token("bos")?,
            "eos_token": token("eos")?,
            "unk_token": token("unknown")?,
            "pad_token": token("padding")?,
            "chat_template": template,
        });
        write_json(&folder.join("tokenizer_config.json"), &config)
    }
}

/// Copies tokenizer, chat template and defaults of generation from one folder to another, as far as
/// they are there.
///
/// # Errors
/// [`LlmError::File`], [`LlmError::Write`].
pub fn copy_text_files(from: &Path, to: &Path) -> Result<(), LlmError> {
    for name in FILES {
        let (from, to) = (from.join(name), to.join(name));
        // Read and written, not copied: of a link the content, and permissions of a new file.
        let content = match fs::read(&from) {
            Ok(content) => content,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => continue,
            Err(source) => return Err(LlmError::File { path: from, source }),
        };
        fs::write(&to, content).map_err(|source| LlmError::Write { path: to, source })?;
    }
    Ok(())
}

/// Writes an object as people read it; fields of `null` are left out.
pub(crate) fn write_json(path: &Path, value: &Value) -> Result<(), LlmError> {
    let mut value = value.clone();
    if let Value::Object(fields) = &mut value {
        fields.retain(|_, field| !field.is_null());
    }
    fs::write(path, format!("{value:#}\n"))
        .map_err(|source| LlmError::Write { path: path.to_path_buf(), source })
}
