//! Strict JSON: a provider's answer is checked here once, before a component of whatever language parses it, so that no two
//! parsers can read it differently (two members of one name, half a surrogate pair, a thousand levels of nesting).

mod flatten;
mod mask;
mod member;
mod scan;

pub use flatten::flatten;
pub use mask::{Copies, copies, is_token_member, mask, names_token_member};
pub use member::{as_text, members, text_member};

/// How much is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest body, in bytes.
    pub bytes: usize,
    /// The deepest nesting, in levels; the root is the first.
    pub depth: usize,
}

impl Default for Limits {
    /// What the contract says: 1 MiB, 32 levels.
    fn default() -> Self {
        Self { bytes: 1024 * 1024, depth: 32 }
    }
}

/// What a body is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Nothing, or white space alone.
    Empty,
    /// An object or array (RFC 8259), within the limits, no member twice, without byte order mark.
    Json(String),
    /// Anything else.
    Other,
}

/// Says what a body is.
#[must_use]
pub fn check(bytes: &[u8], limits: Limits) -> Content {
    if bytes.len() > limits.bytes {
        return Content::Other;
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let Ok(text) = std::str::from_utf8(bytes) else { return Content::Other };
    if text.trim().is_empty() {
        return Content::Empty;
    }
    if scan::is_strict(text, limits.depth) { Content::Json(text.to_owned()) } else { Content::Other }
}

#[cfg(test)]
mod tests;
