//! Spellings that servers read differently and that a route may allow by name (`allow_in_path`).
//!
//! What is not listed here can never be allowed.

/// A spelling that servers read differently; refused unless a route allows it by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Oddity {
    /// `encoded_slash`: `%2f`.
    EncodedSlash,
    /// `encoded_backslash`: `%5c`.
    EncodedBackslash,
    /// `double_slash`: `//`, which some servers merge.
    DoubleSlash,
    /// `semicolon`: `;`, which some servers cut off with what follows.
    Semicolon,
    /// `encoded_percent`: `%25` before two hexadecimal digits, which means another thing when decoded twice.
    EncodedPercent,
}

impl Oddity {
    /// All of them, for messages.
    pub const ALL: [Self; 5] =
        [Self::EncodedSlash, Self::EncodedBackslash, Self::DoubleSlash, Self::Semicolon, Self::EncodedPercent];

    /// The name in the configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::EncodedSlash => "encoded_slash",
            Self::EncodedBackslash => "encoded_backslash",
            Self::DoubleSlash => "double_slash",
            Self::Semicolon => "semicolon",
            Self::EncodedPercent => "encoded_percent",
        }
    }

    /// The oddity of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|oddity| oddity.name() == name)
    }
}
