//! [`save`]: files that are never half written.

use super::CoqError;
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
/// What the file system says; a file that was there is then untouched.
pub fn save(text: &str, path: &Path) -> std::io::Result<()> {
    let directory = path.parent().filter(|p| !p.as_os_str().is_empty());
    let mut builder = tempfile::Builder::new();
    // A temporary file is private by default; a proof is for others to read.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut aside = builder.tempfile_in(directory.unwrap_or(Path::new(".")))?;
    aside.write_all(text.as_bytes())?;
    aside.as_file().sync_all()?;
    aside.persist(path)?;
    Ok(())
}
