//! [`save`]: files that are never half written.

use super::CoqError;
use std::fs::File;
use std::io::Write;
use std::path::Path;

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
    aside(text, path).map_err(|source| CoqError::Write { path: path.display().to_string(), source })
}

fn aside(text: &str, path: &Path) -> std::io::Result<()> {
    let directory = path.parent().filter(|p| !p.as_os_str().is_empty());
    // Made and written by hand: a proof is for others to read, and no error names a file that means
    // nothing to whoever asked for `path`.
    let mut file = tempfile::Builder::new()
        .make_in(directory.unwrap_or(Path::new(".")), |path| File::create_new(path))?;
    file.as_file_mut().write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|e| e.error)?;
    Ok(())
}
