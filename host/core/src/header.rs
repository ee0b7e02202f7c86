//! Names and values of headers that speak of somebody's identity or of the way of a request.
//!
//! Upstreams read header names loosely (CGI, WSGI and PHP turn `-` into `_`, some turn every punctuation into it), so names
//! are compared by their fold and never by their spelling. Values are either all visible ASCII or encoded injectively, so
//! that two people never become one.

mod reserved;

pub use reserved::{
    HOP_BY_HOP, HTTP_OWN, METHOD_OVERRIDES, METHOD_QUERY, TRUSTED, TRUSTED_FAMILIES, is_hop_by_hop, is_http_own,
    is_method_override, is_trusted,
};

/// The form by which header names are compared: ASCII letters and digits in lower case, any other byte as `-`.
#[must_use]
pub fn fold(name: &str) -> String {
    name.bytes().map(|byte| char::from(fold_byte(byte))).collect()
}

/// One byte of [`fold`], for comparing without allocating.
#[must_use]
pub fn fold_byte(byte: u8) -> u8 {
    if byte.is_ascii_alphanumeric() { byte.to_ascii_lowercase() } else { b'-' }
}

/// Whether a value can stand in a header as it is: visible ASCII, and spaces inside.
///
/// A space at either end is not visible ASCII: recipients trim it (RFC 9110 5.5), so ` bob` would become `bob`.
#[must_use]
pub fn is_visible_ascii(value: &str) -> bool {
    !value.starts_with(' ') && !value.ends_with(' ') && value.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// UTF-8, percent-encoded: visible ASCII stays, apart from `%` itself and `,`, at which servers split a field into a list
/// (RFC 9110 5.6.1). Spaces are encoded. Injective: two values never have the same encoding.
#[must_use]
pub fn percent_encode(value: &str) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |nibble: u8| char::from(DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0'));
    let mut encoded = String::with_capacity(value.len());
    for byte in value.bytes() {
        if matches!(byte, b'!'..=b'~') && !matches!(byte, b'%' | b',') {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            encoded.push(digit(byte >> 4));
            encoded.push(digit(byte & 0x0f));
        }
    }
    encoded
}

/// A value that cannot stand in a header, and that is not to be encoded. The message does not repeat the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unrenderable {
    /// Something else than visible ASCII.
    #[error(
        "a value is not all visible ASCII: set `header_values: percent_encode` on the route if its upstream decodes it"
    )]
    NotVisible,
    /// A single value holds a comma, so that a server that reads lists finds several values.
    #[error(
        "a value holds a comma, at which servers split a header into a list: set `header_values: percent_encode` on the \
         route if its upstream decodes it"
    )]
    Comma,
    /// A member of a list holds the list's separator, or is empty, so that the list would read as another.
    #[error(
        "a member of a list is empty or holds the separator: set `header_values: percent_encode` on the route if its \
         upstream decodes it"
    )]
    Separator,
}

/// Renders a single value.
///
/// # Errors
/// Where `encode` is not set: anything but visible ASCII, and a comma (`alice, root` is two users to a server that reads
/// lists).
pub fn render_one(value: &str, encode: bool) -> Result<String, Unrenderable> {
    if encode {
        return Ok(percent_encode(value));
    }
    if !is_visible_ascii(value) {
        return Err(Unrenderable::NotVisible);
    }
    if value.contains(',') { Err(Unrenderable::Comma) } else { Ok(value.to_owned()) }
}

/// Renders a list: `,` for groups, a space for scopes. The empty list renders as the empty text.
///
/// # Errors
/// Where `encode` is not set: anything but visible ASCII, or a member that holds the separator. An empty member, always:
/// `[""]` would read as the empty list.
pub fn render(values: &[&str], separator: char, encode: bool) -> Result<String, Unrenderable> {
    let mut line = String::new();
    for (index, value) in values.iter().enumerate() {
        if value.is_empty() {
            return Err(Unrenderable::Separator);
        }
        if index > 0 {
            line.push(separator);
        }
        if encode {
            line.push_str(&percent_encode(value));
        } else if !is_visible_ascii(value) {
            return Err(Unrenderable::NotVisible);
        } else if value.contains(separator) || value.contains(',') {
            return Err(Unrenderable::Separator);
        } else {
            line.push_str(value);
        }
    }
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn folds_every_alias_to_one_name() {
        for alias in [
            "X-Remote-User",
            "x_remote_user",
            "X.Remote.User",
            "X-Remote_User",
            "x~remote~user",
            "X!REMOTE!USER",
            "x'remote'user",
            "x+remote*user",
            "x|remote`user",
            "x#remote$user",
            "x&remote%user",
            "x^remote-user",
        ] {
            assert_eq!(fold(alias), "x-remote-user", "{alias}");
        }
        assert_ne!(fold("X-RemoteUser"), "x-remote-user");
    }

    #[test]
    fn renders_or_refuses() {
        assert_eq!(render_one("alice", false), Ok("alice".to_owned()));
        assert_eq!(render_one("Jane Doe Esq.", false), Ok("Jane Doe Esq.".to_owned()));
        assert_eq!(render_one("alice, root", false), Err(Unrenderable::Comma));
        assert_eq!(render_one("alice, root", true), Ok("alice%2C%20root".to_owned()));
        for value in ["Cem Özdemir", "a\tb", "a\r\nX: y", " bob", "bob ", "\u{7f}"] {
            assert_eq!(render_one(value, false), Err(Unrenderable::NotVisible), "{value:?}");
        }
        assert_eq!(render_one("Cem Özdemir 100%", true), Ok("Cem%20%C3%96zdemir%20100%25".to_owned()));
        assert_eq!(render(&["a", "b c"], ',', false), Ok("a,b c".to_owned()));
        assert_eq!(render(&["a", "b c"], ' ', false), Err(Unrenderable::Separator));
        assert_eq!(render(&["a,b"], ',', false), Err(Unrenderable::Separator));
        assert_eq!(render(&["a,b", "c d"], ',', true), Ok("a%2Cb,c%20d".to_owned()));
        assert_eq!(render(&["ä"], ',', false), Err(Unrenderable::NotVisible));
        assert_eq!(render(&[""], ',', true), Err(Unrenderable::Separator));
        assert_eq!(render(&[], ',', false), Ok(String::new()));
    }

    proptest! {
        /// The encoding can be undone, hence no two values share one; and it is always fit for a header.
        #[test]
        fn encoding_is_injective(value in any::<String>(), list in prop::collection::vec(".{1,8}", 0..5)) {
            let encoded = percent_encode(&value);
            prop_assert!(is_visible_ascii(&encoded) && !encoded.contains([' ', ',']));
            let back = percent_encoding::percent_decode_str(&encoded).decode_utf8().expect("UTF-8").into_owned();
            prop_assert_eq!(&back, &value);
            for separator in [',', ' '] {
                let members: Vec<&str> = list.iter().map(String::as_str).collect();
                let line = render(&members, separator, true).expect("encoded");
                let back: Vec<String> = line
                    .split(separator)
                    .filter(|member| !member.is_empty())
                    .map(|member| percent_encoding::percent_decode_str(member).decode_utf8().expect("UTF-8").into_owned())
                    .collect();
                prop_assert_eq!(&back, &list);
            }
        }

        #[test]
        fn unencoded_lists_split_back(list in prop::collection::vec("[ -~]{1,6}", 0..5)) {
            let members: Vec<&str> = list.iter().map(String::as_str).collect();
            if let Ok(line) = render(&members, ',', false) {
                let back: Vec<&str> = line.split(',').filter(|member| !member.is_empty()).collect();
                prop_assert_eq!(back, members);
            }
        }
    }
}
