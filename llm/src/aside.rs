//! Files written aside: under their name lies the old content or the new one, never a part of it.

use crate::LlmError;
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};

/// Writes a text aside, brings it to the disk and gives it its name.
///
/// # Errors
/// [`LlmError::Write`]; a file that was there is then untouched.
pub fn write_text(path: &Path, text: &str) -> Result<(), LlmError> {
    let aside = aside(path);
    let written = std::fs::write(&aside, text).and_then(|()| put(&aside, path));
    written.map_err(|source| LlmError::Write { path: path.to_path_buf(), source })
}

/// Where a file lies until it is whole.
pub(crate) fn aside(path: &Path) -> PathBuf {
    let mut aside = path.as_os_str().to_owned();
    aside.push(".part");
    aside.into()
}

/// Gives a file that was written aside its name, once its content is on the disk.
pub(crate) fn put(aside: &Path, path: &Path) -> std::io::Result<()> {
    // Not everywhere does a file that was opened for reading go to the disk.
    OpenOptions::new().write(true).open(aside)?.sync_all()?;
    std::fs::rename(aside, path)
}
