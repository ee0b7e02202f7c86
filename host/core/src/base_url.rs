//! Base URLs, URLs and origins as operators write them, normalised once.

/// An origin (RFC 6454 4): `scheme://host[:port]`, lower case, without a default port.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin(String);

impl Origin {
    /// The origin of an http or https URL; `None` for any other.
    #[must_use]
    pub fn of(url: &url::Url) -> Option<Self> {
        matches!(url.scheme(), "http" | "https").then(|| Self(url.origin().ascii_serialization()))
    }

    /// As it would stand under `origins:`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
