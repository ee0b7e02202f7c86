//! The one parsed form of a request's target that both route matching and forwarding use.

/// A target that every server reads the same way. Only the normaliser makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NormalTarget {
    host: String,
    path: String,
    query: Option<String>,
}

impl NormalTarget {
    /// The host, lower case, without port.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The path, byte for byte as it is forwarded; begins with `/`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The query without `?`, byte for byte as it came.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }
}

/// A spelling that servers read differently; refused unless a route allows it by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Oddity {
    /// `encoded_slash`: `%2f`.
    EncodedSlash,
    /// `encoded_backslash`: `%5c`.
    EncodedBackslash,
    /// `double_slash`: `//`.
    DoubleSlash,
    /// `semicolon`: `;`.
    Semicolon,
    /// `encoded_percent`: `%25`.
    EncodedPercent,
}

impl Oddity {
    /// The oddity of that name in `allow_in_path`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "encoded_slash" => Some(Self::EncodedSlash),
            "encoded_backslash" => Some(Self::EncodedBackslash),
            "double_slash" => Some(Self::DoubleSlash),
            "semicolon" => Some(Self::Semicolon),
            "encoded_percent" => Some(Self::EncodedPercent),
            _ => None,
        }
    }
}
