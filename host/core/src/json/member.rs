//! Single members of a JSON object, read without building a tree of values.

use super::Limits;
use super::scan::{self, Names, unescape};
use std::borrow::Cow;

/// The members of a JSON object, in order: each name unescaped, each value as its JSON text. `None` where the bytes are no strict
/// JSON object within the limits (no member twice, at any depth), or where it has more than `count` members.
#[must_use]
pub fn members(bytes: &[u8], limits: Limits, count: usize) -> Option<Vec<(Cow<'_, str>, &str)>> {
    if bytes.len() > limits.bytes {
        return None;
    }
    let mut members = Vec::new();
    scan::each_member(std::str::from_utf8(bytes).ok()?, limits.depth, Names::Unique, |name, value| {
        members.push((name, value));
        (members.len() <= count).then_some(())
    })?;
    Some(members)
}

/// What the member `name` of a JSON object says, where it is a text and the object has it once. It takes linear time and keeps
/// nothing of the other members: that those occur once is not checked.
#[must_use]
pub fn text_member(text: &str, name: &str, depth: usize) -> Option<String> {
    let mut found = None;
    scan::each_member(text, depth, Names::Any, |member, value| {
        if member == name && found.replace(value).is_some() {
            return None;
        }
        Some(())
    })?;
    found.and_then(as_text)
}

/// What a value says, where it is a JSON string.
#[must_use]
pub fn as_text(value: &str) -> Option<String> {
    let inside = value.strip_prefix('"')?.strip_suffix('"')?;
    unescape(inside).map(Cow::into_owned)
}
