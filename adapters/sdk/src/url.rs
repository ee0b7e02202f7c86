//! Building and comparing URLs, with no more than the contract needs.
//!
//! No URL library: base URLs come normalised from the gateway, so building is joining, and comparing two origins errs on
//! the side of "different". The gateway parses and checks every URL again before it sends anything there.

use std::fmt::Write;

/// One path segment, percent-encoded (RFC 3986 2.1): unreserved characters stay as they are, everything else is encoded
/// byte by byte, a space as `%20`. None for the empty text, `.` and `..`, which a server takes for something else.
#[must_use]
pub fn segment(text: &str) -> Option<String> {
    (!matches!(text, "" | "." | "..")).then(|| encode(text))
}

/// Percent-encoding for a path segment or a query's value.
#[must_use]
pub fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a text does not fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// The text of which this is the form-encoding (`+` is a space). None for a broken `%`, or where it is no UTF-8.
#[must_use]
pub fn form_decode(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => hex(bytes.next()?)? * 16 + hex(bytes.next()?)?,
            b'+' => b' ',
            byte => byte,
        });
    }
    String::from_utf8(decoded).ok()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// `scheme://host[:port]` of an absolute http(s) URL, in lower case, the scheme's own port left out. None where anything
/// could be read in two ways: user information, a backslash, white space, control characters.
#[must_use]
pub fn origin(url: &str) -> Option<String> {
    if url.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\') {
        return None;
    }
    let (scheme, rest) = url.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let authority = rest.split(['/', '?', '#']).next()?.to_ascii_lowercase();
    let port = match scheme.as_str() {
        "https" => ":443",
        "http" => ":80",
        _ => return None,
    };
    let authority = authority.strip_suffix(port).unwrap_or(&authority);
    (!authority.is_empty() && !authority.contains(['@', '%'])).then(|| format!("{scheme}://{authority}"))
}

/// Whether both are absolute http(s) URLs of one origin.
#[must_use]
pub fn same_origin(one: &str, other: &str) -> bool {
    matches!((origin(one), origin(other)), (Some(one), Some(other)) if one == other)
}

/// The path of a base URL: empty, or `/...`.
#[must_use]
pub fn path(base: &str) -> &str {
    let authority = base.split_once("://").map_or(base, |(_, rest)| rest);
    authority.find('/').and_then(|at| authority.get(at..)).unwrap_or("")
}

/// The host of a base URL, with its port.
#[must_use]
pub fn host(base: &str) -> &str {
    let authority = base.split_once("://").map_or(base, |(_, rest)| rest);
    authority.split('/').next().unwrap_or(authority)
}

/// `base` and `path`, which begins with `/`, unless the base ends in it already: `.../moas` is not doubled.
#[must_use]
pub fn join_once(base: &str, path: &str) -> String {
    let base = base.trim_end_matches('/');
    if self::path(base).ends_with(path) { base.into() } else { format!("{base}{path}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_stays_one_segment() {
        for (text, expected) in [
            ("test", Some("test")),
            ("my-realm_v1.2~x", Some("my-realm_v1.2~x")),
            ("Übung Straße", Some("%C3%9Cbung%20Stra%C3%9Fe")),
            ("a/b%2f", Some("a%2Fb%252f")),
            ("a?b#c+d", Some("a%3Fb%23c%2Bd")),
            ("...", Some("...")),
            ("", None),
            (".", None),
            ("..", None),
        ] {
            assert_eq!(segment(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_form_is_decoded_or_refused() {
        for (text, expected) in [
            ("jdoe", Some("jdoe")),
            ("jens%40example.com", Some("jens@example.com")),
            ("a+b%2Bc%25", Some("a b+c%")),
            ("J%C3%B6rg", Some("Jörg")),
            ("%00", Some("\0")),
            ("", Some("")),
            ("%", None),
            ("%4", None),
            ("%g0", None),
            ("%+1", None),
            ("%FF", None),
        ] {
            assert_eq!(form_decode(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn origins_are_equal_only_where_nothing_is_doubtful() {
        let api = "https://api.github.com";
        for same in ["https://api.github.com/user?page=2", "HTTPS://API.github.com:443/x", "https://api.github.com"] {
            assert!(same_origin(api, same), "{same}");
        }
        for other in [
            "https://evil.example/user",
            "http://api.github.com/",
            "https://api.github.com:8443/",
            "https://api.github.com@evil.example/",
            "https://api.github.com.evil.example/",
            "https://api.github.com\\@evil.example/",
            "//api.github.com/user",
            "/user?page=2",
            " https://api.github.com/",
            "",
        ] {
            assert!(!same_origin(api, other), "{other}");
        }
    }

    #[test]
    fn a_path_is_not_doubled() {
        assert_eq!(join_once("https://a/moas", "/moas"), "https://a/moas");
        assert_eq!(join_once("https://moas", "/moas"), "https://moas/moas");
        assert_eq!(join_once("https://a/x", "/moas"), "https://a/x/moas");
        assert_eq!(path("https://a:1/b/c"), "/b/c");
        assert_eq!(host("https://a:1/b/c"), "a:1");
    }
}
