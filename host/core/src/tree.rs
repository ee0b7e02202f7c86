//! YAML text as a tree in which every node knows where it stood and how it was written.
//!
//! Deserialising straight into structs stops at the first mistake and forgets that `no` was not "no". So a file becomes a
//! tree, the tree is walked ([`At`], [`Walker`]), and mistakes are collected on the way. The YAML taken here is the part
//! that reads the same to every person and program: no anchors, aliases, merge keys, tags or several documents, and no
//! name twice. JSON is YAML in this sense, too.
//!
//! Never shown: a tree has a `Debug` that keeps texts to itself, since some of them are secrets.

mod build;
mod duration;
mod expand;
mod plain;
mod read;
mod walk;

pub use build::parse;
pub use duration::parse as parse_duration;
pub use expand::expand;
pub use read::At;
pub use walk::Walker;

use std::fmt;

/// The longest file that is read, in bytes.
pub const BYTES_MAX: usize = 1024 * 1024;

/// The deepest nesting that is followed, in levels.
pub const DEPTH_MAX: usize = 32;

/// Where something stands, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

/// A value and its place.
#[derive(Clone, PartialEq, Eq)]
pub struct Node {
    /// Where it begins.
    pub position: Position,
    /// What it is.
    pub value: Value,
}

/// What a node is.
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    /// Nothing was written after the colon or the dash.
    Null,
    /// A text, as yet without a kind.
    Scalar {
        /// What it says, `${NAME}` replaced once [`expand`] ran.
        text: String,
        /// In quotes or as a block: a text for certain. Plain: perhaps a number, a flag or a null.
        quoted: bool,
        /// As it was written, where `${NAME}` was replaced: the environment's part is not to be shown, nor read as `file:`.
        written: Option<String>,
    },
    /// A list.
    Sequence(Vec<Node>),
    /// Names and values, in the order of the file; no name twice.
    Mapping(Vec<(Key, Node)>),
    /// Something whose problem was reported already: readers stay silent about it.
    Reported,
}

/// A name in a mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Where it begins.
    pub position: Position,
    /// The name.
    pub text: String,
}

impl Node {
    /// The value under a name, if this is a mapping that has it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        match &self.value {
            Value::Mapping(entries) => entries.iter().find(|(key, _)| key.text == name).map(|(_, node)| node),
            _ => None,
        }
    }

    /// The text, if this is a scalar.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{} {:?}", self.position.line, self.position.column, self.value)
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Scalar { quoted: true, .. } => f.write_str("quoted text"),
            Self::Scalar { quoted: false, .. } => f.write_str("plain text"),
            Self::Sequence(items) => f.debug_list().entries(items).finish(),
            Self::Mapping(entries) => {
                f.debug_map().entries(entries.iter().map(|(key, node)| (&key.text, node))).finish()
            }
            Self::Reported => f.write_str("reported"),
        }
    }
}

/// Names and `[index]` parts as one path: `routes[0].match`.
fn path_text(path: &[String]) -> String {
    let mut text = String::new();
    for part in path {
        if !text.is_empty() && !part.starts_with('[') {
            text.push('.');
        }
        text.push_str(part);
    }
    text
}

#[cfg(test)]
mod tests;
