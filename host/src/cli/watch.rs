//! Notices that the configuration, the adapters or a file that the configuration names have changed: by looking at them, some
//! times a second. Editors and Kubernetes swap files by rename and by symbolic link; who watches an inode is blind afterwards.
//!
//! It must never read a file, only what the system says of it.

use crate::adapter::Catalogue;
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How often is looked.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(150);
/// How long nothing may have changed before it is read: a copy may be under way.
const SETTLED_AFTER: Duration = Duration::from_millis(300);

/// What the system says of a file, through symbolic links; `None`: it is not there.
type Mark = Option<([u64; 3], [i64; 4])>;
type Look = BTreeMap<PathBuf, Mark>;

/// What is watched, and as what it was last read.
pub(super) struct Watch {
    read: Look,
    folder: Option<PathBuf>,
    /// Something else than was read, and since when it is that.
    changing: Option<(Look, Instant)>,
}

impl Watch {
    /// Watches the configuration file, which is read from now on.
    pub(super) fn of(file: &Path) -> Self {
        Self { read: BTreeMap::from([(file.to_owned(), mark(file))]), folder: None, changing: None }
    }

    /// Everything is read from now on: what changes later was not read.
    pub(super) fn begin(&mut self) {
        self.read = self.look();
        self.changing = None;
    }

    /// The adapters folder, which is read from now on.
    pub(super) fn folder(&mut self, folder: &Path) {
        if self.folder.as_deref() != Some(folder) {
            self.folder = Some(folder.to_owned());
            for (file, mark) in self.look() {
                self.read.entry(file).or_insert(mark);
            }
        }
    }

    /// Files that were read just now. One that was known keeps the mark from before it was read.
    pub(super) fn files(&mut self, files: impl IntoIterator<Item = PathBuf>) {
        for file in files {
            let now = mark(&file);
            self.read.entry(file).or_insert(now);
        }
    }

    /// Whether it is something else than was read, and has been that for a while.
    pub(super) fn has_settled(&mut self) -> bool {
        let now = self.look();
        if now == self.read {
            self.changing = None;
            return false;
        }
        match &self.changing {
            Some((same, since)) if *same == now => since.elapsed() >= SETTLED_AFTER,
            _ => {
                self.changing = Some((now, Instant::now()));
                false
            }
        }
    }

    fn look(&self) -> Look {
        let mut files: BTreeSet<PathBuf> = self.read.keys().cloned().collect();
        if let Some(folder) = &self.folder {
            let names = Catalogue::names(folder).unwrap_or_default();
            files.extend(names.iter().map(|name| folder.join(format!("{name}.wasm"))));
        }
        files.into_iter().map(|file| (file.clone(), mark(&file))).collect()
    }
}

fn mark(file: &Path) -> Mark {
    let known = std::fs::metadata(file).ok()?;
    Some((
        [known.dev(), known.ino(), known.size()],
        [known.mtime(), known.mtime_nsec(), known.ctime(), known.ctime_nsec()],
    ))
}
