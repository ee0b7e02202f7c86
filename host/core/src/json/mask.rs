//! Masking what an adapter must not see of an answer, inside string tokens, by what they say and not by how they are escaped:
//! copies of a credential, in names and values alike, and tokens that a provider hands out. Everything else stays byte for
//! byte, so that a token `false` cannot break a flag.

use super::scan::{string_end, unescape};
use crate::copies;
use std::borrow::Cow;

/// Members in which a provider hands tokens or a secret to whoever asks: RFC 6749 5.1, OpenID Connect Core 3.1.3.3, RFC 7591
/// 3.2.1. Folded, see [`is_token_member`].
const TOKEN_MEMBERS: [&str; 4] = ["accesstoken", "refreshtoken", "idtoken", "clientsecret"];

/// Whether a member of this name holds a token or a client's secret. Letter case, `_` and `-` do not count (`accessToken`).
#[must_use]
pub fn is_token_member(name: &str) -> bool {
    let letters = || name.bytes().filter(|byte| !matches!(byte, b'_' | b'-')).map(|byte| byte.to_ascii_lowercase());
    TOKEN_MEMBERS.iter().any(|member| letters().eq(member.bytes()))
}

/// Whether a text of whatever form names a member that holds a token or a client's secret, escaped or not.
#[must_use]
pub fn names_token_member(text: &str) -> bool {
    let folded: String = text.chars().filter(|c| !matches!(c, '_' | '-')).map(|c| c.to_ascii_lowercase()).collect();
    copies::found(&folded, &TOKEN_MEMBERS)
}

/// Replaces every copy of a needle within the string tokens of a JSON text that [`super::check`] accepted, and the text of every
/// member that holds a token ([`is_token_member`]). Copies that overlap are replaced by one mask. A text that is no such JSON
/// comes back as it was.
///
/// Masked names may coincide: check the result again before it is parsed.
#[must_use]
pub fn mask<'j>(json: &'j str, needles: &[&str], mask: &str) -> Cow<'j, str> {
    let mut result = String::new();
    let mut copied = 0;
    each_string(json, |start, end, inside, role| {
        let masked = if role == Role::Token && !inside.is_empty() {
            Cow::Owned(mask.to_owned())
        } else {
            copies::mask(inside, needles, mask)
        };
        if let Cow::Owned(masked) = masked {
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

/// Where the string tokens of a JSON text hold a copy of a needle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Copies {
    /// Nowhere.
    None,
    /// In values alone.
    InValues,
    /// In the name of a member.
    InNames,
}

/// Where the string tokens of a JSON text that [`super::check`] accepted hold a copy of a needle.
#[must_use]
pub fn copies(json: &str, needles: &[&str]) -> Copies {
    let mut found = Copies::None;
    each_string(json, |_, _, inside, role| {
        if copies::found(inside, needles) {
            found = found.max(if role == Role::Name { Copies::InNames } else { Copies::InValues });
        }
    });
    found
}

/// What a string token is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// The name of a member.
    Name,
    /// The value of a member that holds a token.
    Token,
    /// Any other value.
    Value,
}

/// Calls with the byte range between the quotes of each string token, what the token says, and what it is.
fn each_string(json: &str, mut visit: impl FnMut(usize, usize, &str, Role)) {
    let bytes = json.as_bytes();
    let first_of =
        |at: usize| bytes.get(at..).and_then(|rest| rest.iter().position(|byte| !byte.is_ascii_whitespace()));
    let mut at = 0;
    // Where the value of a member that holds a token begins.
    let mut token_at = None;
    while let Some(quote) = json.get(at..).and_then(|rest| rest.find('"')) {
        let start = at + quote + 1;
        let Some(end) = string_end(bytes, start) else { return };
        let Some(inside) = json.get(start..end) else { return };
        let of_token = token_at.take() == Some(start - 1);
        at = end + 1;
        if let Some(said) = unescape(inside) {
            let colon = first_of(at).map(|white| at + white).filter(|colon| bytes.get(*colon) == Some(&b':'));
            let role = match colon {
                Some(_) => Role::Name,
                None if of_token => Role::Token,
                None => Role::Value,
            };
            visit(start, end, &said, role);
            if let Some(colon) = colon
                && is_token_member(&said)
            {
                token_at = first_of(colon + 1).map(|white| colon + 1 + white);
            }
        }
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
