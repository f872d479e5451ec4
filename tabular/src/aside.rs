//! Files that are never half written: made aside, in the same folder, and then renamed.

use std::fs::File;
use std::io::{Result, Write};
use std::path::Path;
use tempfile::NamedTempFile;

/// A new file in `folder`, with the permissions that a plain new file has. It vanishes unless it is
/// given a name (`persist`).
///
/// It is made by hand, so that errors do not name it: it means nothing to whoever asked for the
/// file that it is to become.
///
/// # Errors
/// Those of the operating system.
pub fn aside(folder: &Path) -> Result<NamedTempFile> {
    tempfile::Builder::new().make_in(folder, |path| File::create_new(path))
}

/// A text in the folder of `path`, on the disk, to be renamed to `path` (`persist`).
///
/// # Errors
/// Those of the operating system.
pub fn write_aside(path: &Path, text: &str) -> Result<NamedTempFile> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut file = aside(folder.unwrap_or(Path::new(".")))?;
    // By hand for the same reason.
    file.as_file_mut().write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    Ok(file)
}
