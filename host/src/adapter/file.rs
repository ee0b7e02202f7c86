//! One file of the adapters folder, read whole, and the digest by which it is known.

use super::fault::LoadFault;
use super::limits;
use std::path::{Path, PathBuf};

/// What was read. Not looked at yet.
pub(super) struct AdapterFile {
    pub(super) path: PathBuf,
    pub(super) bytes: Vec<u8>,
    /// BLAKE3, in hexadecimal.
    pub(super) digest: String,
}

impl AdapterFile {
    /// Reads a file that is not larger than [`limits::FILE_BYTES_MAX`].
    ///
    /// # Errors
    ///
    /// It is, or it cannot be read.
    pub(super) fn read(path: &Path) -> Result<Self, LoadFault> {
        let unreadable =
            |error: std::io::Error| LoadFault::Unreadable { file: path.to_owned(), reason: error.to_string() };
        let bytes_len = std::fs::metadata(path).map_err(unreadable)?.len();
        if bytes_len > limits::FILE_BYTES_MAX {
            return Err(LoadFault::TooLarge { file: path.to_owned(), bytes: bytes_len });
        }
        let bytes = std::fs::read(path).map_err(unreadable)?;
        let digest = blake3::hash(&bytes).to_hex().to_string();
        Ok(Self { path: path.to_owned(), bytes, digest })
    }
}
