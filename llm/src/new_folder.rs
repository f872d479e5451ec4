//! [`NewFolder`]: a folder that is there as a whole or not at all.

use crate::LlmError;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// A folder in the making: filled beside the place where it is to be, then renamed. Dropped before
/// that, it vanishes.
#[derive(Debug)]
pub struct NewFolder {
    aside: PathBuf,
    target: PathBuf,
}

impl NewFolder {
    /// Whether a folder could become `target`, before there is anything to fill it with.
    ///
    /// # Errors
    /// [`LlmError::NotEmpty`] when `target` is there with something in it; [`LlmError::Write`] when
    /// it is a file or cannot be read.
    pub fn check(target: &Path) -> Result<(), LlmError> {
        let path = || target.to_path_buf();
        match fs::read_dir(target).map(|mut entries| entries.next().is_none()) {
            Ok(true) => Ok(()),
            Ok(false) => Err(LlmError::NotEmpty { path: path() }),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(()),
            Err(source) => Err(LlmError::Write { path: path(), source }),
        }
    }

    /// A new folder that is to become `target`; folders above it are made if need be.
    ///
    /// # Errors
    /// Those of [`NewFolder::check`]; [`LlmError::Write`].
    pub fn create(target: &Path) -> Result<Self, LlmError> {
        let failed = |source| LlmError::Write { path: target.to_path_buf(), source };
        Self::check(target)?;
        let Some(name) = target.file_name() else {
            return Err(failed(ErrorKind::InvalidInput.into()));
        };
        // Another process may be making the same.
        let name = format!(".{}.{}.part", name.to_string_lossy(), std::process::id());
        let aside = target.with_file_name(name);
        fs::create_dir_all(&aside).map_err(failed)?;
        Ok(Self { aside, target: target.to_path_buf() })
    }

    /// Where it is filled.
    pub fn path(&self) -> &Path {
        &self.aside
    }

    /// Puts it in its place.
    ///
    /// # Errors
    /// Those of [`NewFolder::create`]: something may have come there meanwhile.
    pub fn finish(self) -> Result<(), LlmError> {
        Self::check(&self.target)?;
        // An empty one gives way; not everywhere does a rename replace it.
        let _ = fs::remove_dir(&self.target);
        fs::rename(&self.aside, &self.target)
            .map_err(|source| LlmError::Write { path: self.target.clone(), source })
    }
}

impl Drop for NewFolder {
    fn drop(&mut self) {
        // After `finish` it is not there any more.
        let _ = fs::remove_dir_all(&self.aside);
    }
}

#[cfg(test)]
mod tests {
    use super::NewFolder;
    use crate::LlmError;
    use std::fs;

    fn names(folder: &std::path::Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("a folder");
        entries.map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn a_folder_appears_when_it_is_finished_and_not_before() {
        let all = tempfile::tempdir().expect("a folder");
        let target = all.path().join("above/new");
        let folder = NewFolder::create(&target).expect("a new folder");
        fs::write(folder.path().join("file"), "content").expect("written");
        assert!(!target.exists());
        folder.finish().expect("finished");
        assert_eq!(names(&target), ["file"]);
        assert_eq!(names(&all.path().join("above")), ["new"]);
    }

    #[test]
    fn a_folder_that_is_given_up_leaves_nothing() {
        let all = tempfile::tempdir().expect("a folder");
        let folder = NewFolder::create(&all.path().join("new")).expect("a new folder");
        fs::write(folder.path().join("file"), "content").expect("written");
        drop(folder);
        assert!(names(all.path()).is_empty());
    }

    #[test]
    fn an_empty_folder_gives_way_and_any_other_stays() {
        let all = tempfile::tempdir().expect("a folder");
        let target = all.path().join("old");
        fs::create_dir(&target).expect("an empty folder");
        let folder = NewFolder::create(&target).expect("a new folder");
        // Something comes there meanwhile.
        fs::write(target.join("mine"), "content").expect("written");
        assert!(matches!(folder.finish(), Err(LlmError::NotEmpty { .. })));
        assert!(matches!(NewFolder::create(&target), Err(LlmError::NotEmpty { .. })));
        assert_eq!(names(&target), ["mine"]);
        fs::remove_file(target.join("mine")).expect("removed");
        NewFolder::create(&target).and_then(NewFolder::finish).expect("replaced");
        assert_eq!(names(all.path()), ["old"]);
        let file = all.path().join("file");
        fs::write(&file, "content").expect("written");
        assert!(matches!(NewFolder::create(&file), Err(LlmError::Write { .. })));
    }
}
