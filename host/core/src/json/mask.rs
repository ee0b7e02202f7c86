//! Masking credentials in an answer that echoes them: inside string tokens, names and values alike, by what they say and
//! not by how they are escaped. Everything else stays byte for byte, so that a token `false` cannot break a flag.

use super::scan::{string_end, unescape};
use crate::copies;
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
        if let Cow::Owned(masked) = copies::mask(inside, needles, mask) {
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

/// Calls with the byte range between the quotes of each string token, and what the token says.
fn each_string(json: &str, mut visit: impl FnMut(usize, usize, &str)) {
    let mut at = 0;
    while let Some(quote) = json.get(at..).and_then(|rest| rest.find('"')) {
        let start = at + quote + 1;
        let Some(end) = string_end(json.as_bytes(), start) else { return };
        let Some(inside) = json.get(start..end) else { return };
        if let Some(said) = unescape(inside) {
            visit(start, end, &said);
        }
        at = end + 1;
    }
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
