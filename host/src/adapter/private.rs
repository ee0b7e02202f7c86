//! A folder for compiled code that nobody else can change: forged machine code is code execution.
//!
//! It must never accept a path of which another user can swap a component: as OpenSSH's StrictModes, every folder above is root's
//! or ours, and neither group nor others can write to it, unless it is sticky, as `/tmp` (there only the owner of an entry
//! can rename it). What links there are is resolved once, and the resolved path is checked and used from then on. wasmtime takes
//! a path and no descriptor.

use rustix::process::geteuid;
use std::fs::Metadata;
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

const NOT_BY_OTHERS: u32 = 0o077;
const WRITABLE_BY_OTHERS: u32 = 0o022;
const STICKY: u32 = 0o1000;
const REMEDY: &str = "set PORTCULLIS_CACHE_DIR to a folder that only this user can change";

/// A checked folder, as a path without links.
#[derive(Debug)]
pub(super) struct PrivateFolder {
    path: PathBuf,
    temporary: bool,
}

impl PrivateFolder {
    /// Makes the folder with mode 0700, or checks that the one which is there is ours alone, and all above it safe.
    ///
    /// # Errors
    ///
    /// It is not, or cannot be made; with what to do.
    pub(super) fn lasting(folder: &Path) -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("{}: {error}; {REMEDY}", folder.display());
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
        // Not through a link: whoever owns the link chooses where it leads.
        if std::fs::symlink_metadata(folder).map_err(failed)?.is_symlink() {
            return Err(format!("{} is a symbolic link; {REMEDY}", folder.display()));
        }
        let path = std::fs::canonicalize(folder).map_err(failed)?;
        check(&path)?;
        Ok(Self { path, temporary: false })
    }

    /// A new folder of this process, for where there is no lasting one; removed with the value.
    ///
    /// # Errors
    ///
    /// There is no safe place for it; the reason for each that was tried.
    pub(super) fn temporary() -> Result<Self, String> {
        let mut reasons = Vec::new();
        // The second is there in containers whose root file system is read-only.
        for parent in [std::env::temp_dir(), PathBuf::from("/dev/shm")] {
            match Self::temporary_in(&parent) {
                Ok(folder) => return Ok(folder),
                Err(reason) => reasons.push(reason),
            }
        }
        Err(reasons.join("; "))
    }

    fn temporary_in(parent: &Path) -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("{}: {error}", parent.display());
        let parent = std::fs::canonicalize(parent).map_err(failed)?;
        let path = new_folder(&parent, "portcullis-")?;
        let folder = Self { path, temporary: true };
        check(&folder.path)?;
        Ok(folder)
    }

    /// A new, empty folder in it; it is made again itself where somebody has removed it, as what cleans `/tmp` does in time.
    ///
    /// # Errors
    ///
    /// It cannot be made, or is no longer safe.
    pub(super) fn workshop(&self) -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("{}: {error}", self.path.display());
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.path).map_err(failed)?;
        check(&self.path)?;
        Ok(Self { path: new_folder(&self.path, WORKSHOP)?, temporary: true })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it ends with the value.
    pub(super) fn is_temporary(&self) -> bool {
        self.temporary
    }
}

impl Drop for PrivateFolder {
    fn drop(&mut self) {
        if self.temporary
            && let Err(error) = std::fs::remove_dir_all(&self.path)
            && error.kind() != ErrorKind::NotFound
        {
            tracing::warn!("the folder {} was not removed: {error}", self.path.display());
        }
    }
}

/// How the names of folders begin that a compiling process writes to.
pub(super) const WORKSHOP: &str = "compiling-";

fn new_folder(parent: &Path, prefix: &str) -> Result<PathBuf, String> {
    let number = u64::from_ne_bytes(crate::random::bytes()?);
    let path = parent.join(format!("{prefix}{number:016x}"));
    // Not recursive: one that is there already is an error.
    std::fs::DirBuilder::new().mode(0o700).create(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(path)
}

/// `path` is absolute and without links.
fn check(path: &Path) -> Result<(), String> {
    let mut own = true;
    for folder in path.ancestors() {
        let known = std::fs::symlink_metadata(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let flaw = if own { flaw_of_own(&known) } else { flaw_of_ancestor(&known) };
        if let Some(flaw) = flaw {
            return Err(format!("{} {flaw}; make it so with `chmod` and `chown`, or {REMEDY}", folder.display()));
        }
        own = false;
    }
    Ok(())
}

fn flaw_of_own(known: &Metadata) -> Option<&'static str> {
    let is_ours = known.is_dir() && known.uid() == geteuid().as_raw() && known.mode() & NOT_BY_OTHERS == 0;
    (!is_ours).then_some("is not a folder that belongs to this user alone (mode 0700)")
}

fn flaw_of_ancestor(known: &Metadata) -> Option<&'static str> {
    let owner = known.uid();
    if !known.is_dir() || (owner != 0 && owner != geteuid().as_raw()) {
        return Some("belongs to another user, who could swap what is in it");
    }
    let is_open = known.mode() & WRITABLE_BY_OTHERS != 0 && known.mode() & STICKY == 0;
    is_open.then_some("can be written to by other users, who could swap what is in it")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    fn chmod(path: &Path, mode: u32) {
        std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_folder_that_others_may_enter_or_swap_is_not_used() {
        let temp = tempfile::tempdir().unwrap();
        let (above, folder) = (temp.path().join("above"), temp.path().join("above/middle/compiled"));
        assert!(PrivateFolder::lasting(&folder).is_ok());
        assert_eq!(std::fs::metadata(&folder).unwrap().mode() & 0o777, 0o700);
        // (mode of the folder, mode of one two levels above, whether that will do)
        for (own, ancestor, safe) in [
            (0o700, 0o755, true),
            (0o770, 0o755, false),
            (0o705, 0o755, false),
            (0o700, 0o775, false),
            (0o700, 0o757, false),
            (0o700, 0o1777, true),
            (0o700, 0o700, true),
        ] {
            chmod(&folder, own);
            chmod(&above, ancestor);
            let found = PrivateFolder::lasting(&folder);
            assert_eq!(found.is_ok(), safe, "{own:o} {ancestor:o}: {found:?}");
            assert!(safe || found.unwrap_err().contains("PORTCULLIS_CACHE_DIR"));
        }
    }

    #[test]
    fn a_link_to_a_folder_is_not_used_and_one_above_is_resolved() {
        let temp = tempfile::tempdir().unwrap();
        let real = std::fs::canonicalize(temp.path()).unwrap().join("real");
        std::fs::create_dir(&real).unwrap();
        let link = temp.path().join("link");
        std::os::unix::fs::symlink(&real, &link).unwrap();
        chmod(&real, 0o700);
        assert!(PrivateFolder::lasting(&link).unwrap_err().contains("symbolic link"));
        let below = PrivateFolder::lasting(&link.join("compiled")).unwrap();
        assert_eq!(below.path(), real.join("compiled"));
        chmod(&real, 0o777);
        assert!(PrivateFolder::lasting(&link.join("compiled")).unwrap_err().contains("other users"));
    }

    #[test]
    fn a_temporary_folder_is_ours_alone_and_gone_with_the_value() {
        let folder = PrivateFolder::temporary().unwrap();
        let path = folder.path().to_owned();
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o700);
        std::fs::write(path.join("something"), "x").unwrap();
        drop(folder);
        assert!(!path.exists());
    }
}
