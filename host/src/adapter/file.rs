//! One file of the adapters folder, read whole, and the digest by which it is known.

use super::fault::LoadFault;
use super::limits;
use crate::regular;
use std::path::{Path, PathBuf};

/// What was read. Not looked at yet.
pub(super) struct AdapterFile {
    pub(super) path: PathBuf,
    pub(super) bytes: Vec<u8>,
    /// BLAKE3, in hexadecimal.
    pub(super) digest: String,
}

impl AdapterFile {
    /// Reads a regular file that is not larger than [`limits::FILE_BYTES_MAX`].
    ///
    /// # Errors
    ///
    /// It is none, or larger, or cannot be read.
    pub(super) fn read(path: &Path) -> Result<Self, LoadFault> {
        let bytes = regular::read(path, limits::FILE_BYTES_MAX)
            .map_err(|unread| LoadFault::Unreadable { file: path.to_owned(), reason: unread.to_string() })?;
        let digest = blake3::hash(&bytes).to_hex().to_string();
        Ok(Self { path: path.to_owned(), bytes, digest })
    }
}
