//! [`save`]: files that are never half written.

use super::CoqError;
use std::path::Path;
use tabular::aside::write_aside;

/// Whether Coq can use the name of this file.
///
/// # Errors
/// [`CoqError::FileName`].
pub fn check_name(path: &Path) -> Result<(), CoqError> {
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let usable = stem.starts_with(|c: char| c.is_ascii_alphabetic())
        && stem.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && path.extension().is_some_and(|extension| extension == "v");
    if usable { Ok(()) } else { Err(CoqError::FileName { path: path.display().to_string() }) }
}

/// Writes the text beside `path` and renames it into place.
///
/// # Errors
/// [`CoqError::Write`]; a file that was there is then untouched.
pub fn save(text: &str, path: &Path) -> Result<(), CoqError> {
    let file = write_aside(path, text);
    file.and_then(|file| file.persist(path).map_err(|e| e.error))
        .map(drop)
        .map_err(|source| CoqError::Write { path: path.display().to_string(), source })
}
