//! [`write_teacher`]: a small model that has learned the exercises, built in.

use crate::{LlmError, NewFolder};
use std::path::Path;

/// The files of its folder; `llm/assets/teacher/README.md` says how they were made.
const FILES: [(&str, &[u8]); 4] = [
    ("config.json", include_bytes!("../../assets/teacher/config.json")),
    ("model.safetensors", include_bytes!("../../assets/teacher/model.safetensors")),
    ("tokenizer.json", include_bytes!("../../assets/teacher/tokenizer.json")),
    ("tokenizer_config.json", include_bytes!("../../assets/teacher/tokenizer_config.json")),
];

/// Writes the teacher that is built in as a Hugging Face folder, to be opened by
/// [`crate::Checkpoint::open`]: a Llama of 1,961,664 parameters, in bf16, that answers exercises.
///
/// # Errors
/// [`LlmError::NotEmpty`] when the folder is there with something in it; [`LlmError::Write`].
pub fn write_teacher(folder: &Path) -> Result<(), LlmError> {
    let new = NewFolder::create(folder)?;
    for (name, content) in FILES {
        let path = new.path().join(name);
        std::fs::write(&path, content).map_err(|source| LlmError::Write { path, source })?;
    }
    new.finish()
}
