//! Reads a file that somebody else may have chosen: configuration, secrets, certificates, adapters, cases, tokens.
//!
//! It never waits and never reads without a limit. A FIFO nobody writes to, a terminal, `/dev/zero` are refused before a byte of
//! them is read; a symbolic link to a regular file is followed (Kubernetes mounts are made of them).

use rustix::fs::OFlags;
use std::fs::{Metadata, OpenOptions};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Why a file was not read. It never holds any content.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unread {
    /// The system refused.
    #[error(transparent)]
    System(#[from] std::io::Error),
    /// A FIFO, a device, a socket, a folder.
    #[error("it is not a regular file (a pipe, a device and a folder are not read)")]
    NotRegular,
    /// Longer than its kind may be, in bytes.
    #[error("it is longer than {max} bytes")]
    TooLong {
        /// The limit.
        max: u64,
    },
}

/// The whole content of a regular file of at most `max` bytes.
///
/// # Errors
///
/// It cannot be opened or read, is not a regular file, or is longer.
pub(crate) fn read(path: &Path, max: u64) -> Result<Vec<u8>, Unread> {
    // Looked at before, since opening alone does something to some devices; and after, since it may have been swapped.
    regular(&std::fs::metadata(path)?, max)?;
    // Without O_NONBLOCK, opening a FIFO waits until somebody writes to it.
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    let flags = i32::try_from(flags.bits()).map_err(std::io::Error::other)?;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let known = file.metadata()?;
    regular(&known, max)?;
    bounded(file, known.len(), max)
}

/// As [`read`], as text.
///
/// # Errors
///
/// As [`read`], and it is not UTF-8.
pub(crate) fn read_text(path: &Path, max: u64) -> Result<String, Unread> {
    let not_text = |_| std::io::Error::new(std::io::ErrorKind::InvalidData, "it is not UTF-8");
    Ok(String::from_utf8(read(path, max)?).map_err(not_text)?)
}

/// What is read from standard input, which may be a pipe: at most `max` bytes.
///
/// # Errors
///
/// It cannot be read, or is longer.
pub(crate) fn read_input(max: u64) -> Result<Vec<u8>, Unread> {
    bounded(std::io::stdin().lock(), 0, max)
}

fn regular(known: &Metadata, max: u64) -> Result<(), Unread> {
    match known {
        known if !known.is_file() => Err(Unread::NotRegular),
        known if known.len() > max => Err(Unread::TooLong { max }),
        _ => Ok(()),
    }
}

/// A file may grow while it is read, and the size that some file systems report is 0.
fn bounded(source: impl Read, expected: u64, max: u64) -> Result<Vec<u8>, Unread> {
    let mut bytes = Vec::with_capacity(usize::try_from(expected.min(max)).unwrap_or_default());
    source.take(max.saturating_add(1)).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= max) { Ok(bytes) } else { Err(Unread::TooLong { max }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_regular_file_within_its_limit_is_read() {
        let temp = tempfile::tempdir().unwrap();
        let file = temp.path().join("file");
        std::fs::write(&file, "12345").unwrap();
        assert_eq!(read(&file, 5).unwrap(), b"12345");
        assert!(matches!(read(&file, 4), Err(Unread::TooLong { max: 4 })));
        let link = temp.path().join("link");
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert_eq!(read(&link, 5).unwrap(), b"12345");
        for other in ["/dev/zero", "/dev/null", "/"] {
            assert!(matches!(read(Path::new(other), 5), Err(Unread::NotRegular)), "{other}");
            std::fs::remove_file(&link).unwrap();
            std::os::unix::fs::symlink(other, &link).unwrap();
            assert!(matches!(read(&link, 5), Err(Unread::NotRegular)), "link to {other}");
        }
        // Its size is reported as 0.
        assert!(!read(Path::new("/proc/self/status"), 1 << 20).unwrap().is_empty());
        assert!(matches!(read(Path::new("/proc/self/status"), 16), Err(Unread::TooLong { max: 16 })));
        assert!(matches!(read(&temp.path().join("none"), 5), Err(Unread::System(_))));
    }
}
