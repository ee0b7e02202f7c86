//! Values that must not be shown. There is no `Display`, `Debug` prints a mask, and memory is wiped on drop.

use std::fmt;
use zeroize::Zeroizing;

/// What stands for a secret or a credential wherever a person or an adapter would otherwise see it.
pub const MASK: &str = "«credential»";

/// A client secret, a private key, a presented token or password.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text into custody.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The bare text, for the few places that put it into a request. Search for this name to audit them.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}
