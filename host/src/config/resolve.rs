//! What a configuration takes from outside itself: environment variables and files. Behind a trait, so that tests and cases
//! give their own, and so that one can see in one place what is read.

use crate::regular;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The longest file that is taken in (a certificate bundle of a whole system is some 200 KiB), in bytes.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Environment and files.
pub trait Resolve {
    /// The value of an environment variable; `None` where it is not set or no UTF-8.
    fn environment(&self, name: &str) -> Option<String>;

    /// The content of a file named in the configuration, relative to it.
    ///
    /// # Errors
    /// The reason, as it is told to the operator; never any content.
    fn file(&self, path: &Path) -> Result<Vec<u8>, String>;
}

/// The environment of this process, and files relative to a folder.
#[derive(Debug, Clone)]
pub struct System {
    folder: PathBuf,
    files: RefCell<BTreeSet<PathBuf>>,
}

impl System {
    /// Paths are relative to the folder of this file.
    #[must_use]
    pub fn beside(file: &Path) -> Self {
        Self { folder: folder_of(file), files: RefCell::default() }
    }

    /// Files that were read so far, or should have been.
    #[must_use]
    pub fn files(&self) -> BTreeSet<PathBuf> {
        self.files.borrow().clone()
    }
}

impl Resolve for System {
    fn environment(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn file(&self, path: &Path) -> Result<Vec<u8>, String> {
        let path = self.folder.join(path);
        let content = read(&path);
        self.files.borrow_mut().insert(path);
        content
    }
}

/// Neither environment nor files: for settings that must stand for themselves.
#[derive(Debug, Clone, Copy)]
pub struct Nothing;

impl Resolve for Nothing {
    fn environment(&self, _name: &str) -> Option<String> {
        None
    }

    fn file(&self, _path: &Path) -> Result<Vec<u8>, String> {
        Err("files are not read here".to_owned())
    }
}

/// The folder that relative paths of a file are relative to.
pub(super) fn folder_of(file: &Path) -> PathBuf {
    file.parent().map(Path::to_path_buf).unwrap_or_default()
}

/// Reads a whole regular file, up to the limit.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, String> {
    regular::read(path, FILE_BYTES_MAX).map_err(|unread| unread.to_string())
}
