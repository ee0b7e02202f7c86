//! Names and values of headers that speak of somebody's identity or of the way of a request.
//!
//! Upstreams read header names loosely (CGI, WSGI and PHP turn `-` into `_`, some turn every punctuation into it), so names
//! are compared by their fold and never by their spelling. Values are either all visible ASCII or encoded injectively, so
//! that two people never become one.

/// Headers that concern one connection only (RFC 9110 7.6.1), lower case. `te` with `trailers` alone is let through by the
/// proxy; `upgrade` only where both sides upgrade. What `Connection` names is hop-by-hop as well. `trailer` is not among them:
/// it announces what follows the body, and goes with it (RFC 9110 6.6.2).
pub const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authentication-info",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade",
];

/// Whether a name, lower case, is one of [`HOP_BY_HOP`].
#[must_use]
pub fn is_hop_by_hop(name: &str) -> bool {
    HOP_BY_HOP.contains(&name)
}

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

/// Whether a name belongs to the family by which proxies tell where a request came from: `Forwarded` (RFC 7239),
/// `X-Forwarded-*`, `X-Real-IP`, `X-Original-*`, and `X-Rewrite-URL`, by which some upstreams replace the path. In any
/// spelling that folds to it.
#[must_use]
pub fn is_forwarding(name: &str) -> bool {
    let folded_starts = |start: &str| {
        name.len() >= start.len() && name.bytes().zip(start.bytes()).all(|(byte, wanted)| fold_byte(byte) == wanted)
    };
    let folded_is = |whole: &str| name.len() == whole.len() && folded_starts(whole);
    folded_is("forwarded")
        || folded_is("x-forwarded")
        || folded_starts("x-forwarded-")
        || folded_is("x-real-ip")
        || folded_starts("x-original-")
        || folded_is("x-rewrite-url")
}

/// Whether a name is one by which frameworks let a request be taken for another method's, in any spelling that folds to it:
/// `X-HTTP-Method-Override` (Google, Rails, Laravel), `X-HTTP-Method` (Microsoft), `X-Method-Override` (IBM).
#[must_use]
pub fn is_method_override(name: &str) -> bool {
    let folded_is = |whole: &str| name.len() == whole.len() && name.bytes().map(fold_byte).eq(whole.bytes());
    ["x-http-method-override", "x-http-method", "x-method-override"].into_iter().any(folded_is)
}

/// Whether a value can stand in a header as it is: visible ASCII, and spaces inside.
///
/// A space at either end is not visible ASCII: recipients trim it (RFC 9110 5.5), so ` bob` would become `bob`.
#[must_use]
pub fn is_visible_ascii(value: &str) -> bool {
    !value.starts_with(' ') && !value.ends_with(' ') && value.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// Where an encoded value stands, which decides what must be encoded in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The whole of the header's value.
    Alone,
    /// A member of a list joined with commas or spaces.
    Member,
}

/// UTF-8, percent-encoded: visible ASCII stays, apart from `%` itself and, in a list's member, `,`. Spaces are encoded.
/// Injective: two values never have the same encoding.
#[must_use]
pub fn percent_encode(value: &str, place: Place) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |nibble: u8| char::from(DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0'));
    let mut encoded = String::with_capacity(value.len());
    for byte in value.bytes() {
        let kept = matches!(byte, b'!'..=b'~') && byte != b'%' && !(place == Place::Member && byte == b',');
        if kept {
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
/// Where `encode` is not set: anything but visible ASCII.
pub fn render_one(value: &str, encode: bool) -> Result<String, Unrenderable> {
    if encode {
        return Ok(percent_encode(value, Place::Alone));
    }
    if is_visible_ascii(value) { Ok(value.to_owned()) } else { Err(Unrenderable::NotVisible) }
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
            line.push_str(&percent_encode(value, Place::Member));
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
    fn the_forwarding_family_by_fold() {
        for name in [
            "Forwarded",
            "X-Forwarded-For",
            "x_forwarded_proto",
            "X.Forwarded.Host",
            "X-Forwarded-Prefix",
            "x-forwarded-anything",
            "X-Forwarded",
            "X_Real_IP",
            "X-Original-URL",
            "x~original~method",
        ] {
            assert!(is_forwarding(name), "{name}");
        }
        for name in ["X-Forward", "X-Forwardedness", "Forwarded-For", "X-Real-IPs", "Accept", "X-Originals"] {
            assert!(!is_forwarding(name), "{name}");
        }
    }

    #[test]
    fn renders_or_refuses() {
        assert_eq!(render_one("alice", false), Ok("alice".to_owned()));
        assert_eq!(render_one("Jane Doe, Esq.", false), Ok("Jane Doe, Esq.".to_owned()));
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
            for place in [Place::Alone, Place::Member] {
                let encoded = percent_encode(&value, place);
                prop_assert!(is_visible_ascii(&encoded) && !encoded.contains(' '));
                let back = percent_encoding::percent_decode_str(&encoded).decode_utf8().expect("UTF-8").into_owned();
                prop_assert_eq!(&back, &value);
            }
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
