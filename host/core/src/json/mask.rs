//! Masking credentials in an answer that echoes them: inside string tokens, names and values alike, by what they say and
//! not by how they are escaped. Everything else stays byte for byte, so that a token `false` cannot break a flag.

use super::scan::{string_end, unescape};
use std::borrow::Cow;

/// Replaces every copy of a needle within the string tokens of a JSON text that [`super::check`] accepted. Copies that
/// overlap are replaced by one mask. A text that is no such JSON comes back as it was.
///
/// Masked names may coincide: check the result again before it is parsed.
#[must_use]
pub fn mask<'j>(json: &'j str, needles: &[&str], mask: &str) -> Cow<'j, str> {
    let mut result = String::new();
    let mut copied = 0;
    each_string(json, |start, end, inside| {
        if let Some(masked) = masked(inside, needles, mask) {
            result.push_str(json.get(copied..start).unwrap_or_default());
            push_escaped(&mut result, &masked);
            copied = end;
        }
    });
    if copied == 0 {
        return Cow::Borrowed(json);
    }
    result.push_str(json.get(copied..).unwrap_or_default());
    Cow::Owned(result)
}

/// Whether a string token of a JSON text holds a copy of a needle.
#[must_use]
pub fn contains(json: &str, needles: &[&str]) -> bool {
    let mut found = false;
    each_string(json, |_, _, inside| {
        found |= needles.iter().any(|needle| !needle.is_empty() && inside.contains(needle));
    });
    found
}

/// Calls with the byte range between the quotes of each string token, and what the token says.
fn each_string(json: &str, mut visit: impl FnMut(usize, usize, &str)) {
    let mut at = 0;
    while let Some(quote) = json.get(at..).and_then(|rest| rest.find('"')) {
        let start = at + quote + 1;
        let Some(end) = string_end(json.as_bytes(), start) else { return };
        let Some(inside) = json.get(start..end) else { return };
        if !inside.contains('\\') {
            visit(start, end, inside);
        } else if let Some(said) = unescape(inside) {
            visit(start, end, &said);
        }
        at = end + 1;
    }
}

/// The text with all copies replaced; `None` where there is none.
fn masked(text: &str, needles: &[&str], mask: &str) -> Option<String> {
    let mut text = Cow::Borrowed(text);
    // What stands beside a mask may, with a part of the mask, be a copy again.
    for _ in 0..4 {
        match replaced(&text, needles, mask) {
            Some(new) => text = Cow::Owned(new),
            None => {
                return match text {
                    Cow::Borrowed(_) => None,
                    Cow::Owned(text) => Some(text),
                };
            }
        }
    }
    Some(mask.to_owned())
}

fn replaced(text: &str, needles: &[&str], mask: &str) -> Option<String> {
    // Copies of one needle may overlap each other too, so the search goes on one character after a copy's start.
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    for needle in needles.iter().filter(|needle| !needle.is_empty()) {
        let step = needle.chars().next().map_or(1, char::len_utf8);
        let mut from = 0;
        while let Some(found) = text.get(from..).and_then(|rest| rest.find(needle)) {
            let start = from + found;
            ranges.push((start, start + needle.len()));
            from = start + step;
        }
    }
    if ranges.is_empty() {
        return None;
    }
    ranges.sort_unstable();
    let mut result = String::with_capacity(text.len());
    let mut covered = 0;
    let mut first = true;
    for (start, end) in ranges {
        if first || start >= covered {
            result.push_str(text.get(covered..start).unwrap_or_default());
            result.push_str(mask);
        }
        covered = covered.max(end);
        first = false;
    }
    result.push_str(text.get(covered..).unwrap_or_default());
    Some(result)
}

/// RFC 8259 7: what must be escaped, and no more.
fn push_escaped(result: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '"' => result.push_str("\\\""),
            '\\' => result.push_str("\\\\"),
            c if c < ' ' => result.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => result.push(c),
        }
    }
}
