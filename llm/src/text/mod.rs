//! Text: from a record of a data set to a prompt, from a prompt to tokens, and back.
//!
//! | item | what it is |
//! |---|---|
//! | [`Tokenizer`] | text to tokens and back, from `tokenizer.json` or out of a GGUF file |
//! | [`ChatTemplate`] | messages to a prompt, as the model was trained on it |
//! | [`alpaca`] | an instruction to a prompt, as MiniLLM and BD evaluate |
//! | [`read_records`] | a data set in JSON Lines |
//! | [`agreement`] | whether two tokenizers mean the same tokens by the same numbers |
//!
//! Files come from anywhere: whatever they hold, the worst is an error that names the place.

mod agreement;
mod byte_level;
mod calendar;
mod checkpoint;
mod files;
mod prompt;
mod records;
mod template;
mod to_json;
mod tokenizer;

pub use agreement::{Difference, agreement, agreement_on};
pub use byte_level::ByteLevel;
pub use checkpoint::end_token;
pub use files::copy_text_files;
pub(crate) use files::write_json;
pub use prompt::{PromptFormat, alpaca};
pub use records::{FieldNames, Record, read_records, read_texts};
pub use template::{ChatTemplate, Message};
pub use tokenizer::Tokenizer;

use crate::LlmError;
use std::io::Read;
use std::path::Path;

/// How many bytes a tokenizer or a template may have. The largest known ones have 34 million.
const LARGEST_FILE: u64 = 1 << 28;

/// The content of a file; nothing when there is none of this name.
fn read_if_there(path: &Path) -> Result<Option<String>, LlmError> {
    let bad = |source| LlmError::File { path: path.to_path_buf(), source };
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(bad(e)),
    };
    let mut text = String::new();
    file.take(LARGEST_FILE + 1).read_to_string(&mut text).map_err(bad)?;
    if text.len() as u64 > LARGEST_FILE {
        return Err(bad(std::io::Error::other("it has more than 256 MiB")));
    }
    Ok(Some(text))
}
