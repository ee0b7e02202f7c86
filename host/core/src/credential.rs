//! What a client presented: read from `Authorization` (RFC 9110 11.6.2, RFC 6750 2.1, RFC 7617 2), never shown.

use crate::secret::Secret;

/// A presented credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// A bearer token: RFC 6750's b64token, at most [`CREDENTIAL_BYTES_MAX`].
    Bearer(Secret),
    /// A Basic pair. `presented` is the base64 text as it came.
    Basic {
        /// The part before the first colon.
        username: Secret,
        /// The part after it.
        password: Secret,
        /// The encoded pair.
        presented: Secret,
    },
}

/// The longest credential that is looked at, in bytes. Providers' front ends stop at 8 to 64 KiB of headers.
pub const CREDENTIAL_BYTES_MAX: usize = 16 * 1024;
