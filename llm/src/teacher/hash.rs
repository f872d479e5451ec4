//! Hashes by which a cache knows what it was made from.

use super::Prompt;
use crate::LlmError;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::path::{Path, PathBuf};

/// The SHA-256 of a model on disk, in hexadecimal: of the file, or of `config.json` and all
/// safetensors of a folder, each with its name and length, in the order of names.
///
/// # Errors
/// [`LlmError::File`].
pub fn hash_model(path: &Path) -> Result<String, LlmError> {
    if !path.is_dir() {
        return hash_file(path);
    }
    let mut hash = Sha256::new();
    let failed = |source| LlmError::File { path: path.to_path_buf(), source };
    let entries = std::fs::read_dir(path).map_err(failed)?;
    let paths = entries.map(|entry| Ok(entry.map_err(failed)?.path()));
    let mut files = paths.collect::<Result<Vec<PathBuf>, LlmError>>()?;
    let counts = |file: &PathBuf| {
        let weights = file.extension().is_some_and(|e| e == "safetensors");
        weights || file.file_name().is_some_and(|name| name == "config.json")
    };
    files.retain(counts);
    files.sort();
    for file in &files {
        let name = file.file_name().unwrap_or_default().as_encoded_bytes();
        let length = std::fs::metadata(file).map_err(failed)?.len();
        hash.update((name.len() as u64).to_le_bytes());
        hash.update(name);
        hash.update(length.to_le_bytes());
        feed(&mut hash, file)?;
    }
    Ok(hex(hash))
}

/// The SHA-256 of a file's content, in hexadecimal.
///
/// # Errors
/// [`LlmError::File`].
pub fn hash_file(path: &Path) -> Result<String, LlmError> {
    let mut hash = Sha256::new();
    feed(&mut hash, path)?;
    Ok(hex(hash))
}

/// The SHA-256 of prompts, in hexadecimal: of their numbers, lengths and tokens.
pub fn hash_prompts(prompts: &[Prompt]) -> String {
    let mut hash = Sha256::new();
    for prompt in prompts {
        hash.update(prompt.number.to_le_bytes());
        hash.update((prompt.tokens.len() as u64).to_le_bytes());
        for token in &prompt.tokens {
            hash.update(token.to_le_bytes());
        }
    }
    hex(hash)
}

/// The SHA-256 of a text, in hexadecimal.
pub fn hash_text(text: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(text.as_bytes());
    hex(hash)
}

fn feed(hash: &mut Sha256, path: &Path) -> Result<(), LlmError> {
    let failed = |source| LlmError::File { path: path.to_path_buf(), source };
    let mut file = File::open(path).map_err(failed)?;
    std::io::copy(&mut file, &mut Feed(hash)).map(|_| ()).map_err(failed)
}

struct Feed<'a>(&'a mut Sha256);

impl std::io::Write for Feed<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn hex(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
