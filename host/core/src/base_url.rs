//! Base URLs, URLs and origins as operators write them, normalised once, so that nothing after this has to guess.
//!
//! A URL parser for browsers mends what it is given (`https:/host`, `\`, tabs, `0x7f.1`): here a text is either plainly a
//! URL or refused. No value is quoted in a flaw, since it may have come from the environment.

use std::net::{Ipv4Addr, Ipv6Addr};
use url::{Host, Url};

/// Why a text is not the URL that is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flaw {
    /// What is wrong.
    pub problem: &'static str,
    /// What would be right.
    pub remedy: &'static str,
}

const fn flaw(problem: &'static str, remedy: &'static str) -> Flaw {
    Flaw { problem, remedy }
}

/// `scheme://host[:port][/path]`: white space around it trimmed, https where no scheme was written, scheme and host in
/// lower case, punycode, IPv6 in brackets, no default port, slashes in the path single and none at its end.
///
/// # Errors
/// User info, a query, a fragment, `.` and `..` segments, another scheme than http and https, and what is no URL at all.
pub fn base_url(text: &str) -> Result<String, Flaw> {
    let parts = Parts::read(text, true)?;
    if parts.url.query().is_some() {
        return Err(flaw("has a query (`?`)", "write scheme, host, port and path alone"));
    }
    let mut normal = parts.front();
    for segment in parts.url.path().split('/').filter(|segment| !segment.is_empty()) {
        normal.push('/');
        normal.push_str(segment);
    }
    Ok(normal)
}

/// As [`base_url`], but a query is allowed, and the path is kept as it was written.
///
/// # Errors
/// As [`base_url`], but for the query.
pub fn url(text: &str) -> Result<String, Flaw> {
    let parts = Parts::read(text, true)?;
    let mut normal = parts.front();
    if parts.has_path {
        normal.push_str(parts.url.path());
    }
    if let Some(query) = parts.url.query() {
        normal.push('?');
        normal.push_str(query);
    }
    Ok(normal)
}

/// Whether an http URL to this host stays on this machine: `127.0.0.0/8`, `::1` (with or without brackets), `localhost`.
#[must_use]
pub fn is_loopback(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost")
        || bare.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
        || bare.parse::<Ipv6Addr>().is_ok_and(|address| address == Ipv6Addr::LOCALHOST)
}

/// Whether a URL is http beyond loopback: what needs `allow_http: true`, since a credential would cross the network in clear.
/// What cannot be read as a URL counts as such.
#[must_use]
pub fn is_clear(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else { return true };
    url.scheme() != "https" && !url.host_str().is_some_and(is_loopback)
}

/// An origin (RFC 6454 4): `scheme://host[:port]`, lower case, without a default port.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin(String);

impl Origin {
    /// The origin of an http or https URL; `None` for any other.
    #[must_use]
    pub fn of(url: &Url) -> Option<Self> {
        matches!(url.scheme(), "http" | "https").then(|| Self(url.origin().ascii_serialization()))
    }

    /// The origin of a text that is one and nothing more: `https://host[:port]`.
    ///
    /// # Errors
    /// As [`base_url`]; also where the scheme is missing or anything follows the port.
    pub fn parse(text: &str) -> Result<Self, Flaw> {
        let parts = Parts::read(text, false)?;
        if parts.has_path || parts.url.query().is_some() {
            return Err(flaw("has something after host and port", "write https://host or https://host:port"));
        }
        Self::of(&parts.url).ok_or(NO_URL)
    }

    /// As it would stand under `origins:`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

const NO_URL: Flaw = flaw("is no URL", "write it like https://sso.example.com");

struct Parts {
    url: Url,
    /// Anything was written after the authority, be it a slash alone.
    has_path: bool,
}

impl Parts {
    fn read(text: &str, scheme_optional: bool) -> Result<Self, Flaw> {
        let text = text.trim();
        if text.is_empty() {
            return Err(flaw("is blank", "write it like https://sso.example.com"));
        }
        if text.chars().any(|c| c.is_whitespace() || c.is_control() || c == '\\') {
            return Err(flaw("holds white space, a control character or a backslash", "write it without"));
        }
        let (scheme, rest) = match text.split_once("://") {
            // A `://` in a query or a path is not the one after a scheme.
            Some((scheme, rest)) if !scheme.contains(['/', '?', '#']) => (scheme.to_ascii_lowercase(), rest),
            _ if scheme_optional => ("https".to_owned(), text),
            _ => return Err(flaw("has no scheme", "write https:// before the host")),
        };
        if scheme != "http" && scheme != "https" {
            return Err(flaw("has a scheme other than https and http", "write https://"));
        }
        let authority_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, tail) = rest.split_at_checked(authority_end).ok_or(NO_URL)?;
        if authority.contains('@') {
            return Err(flaw(
                "has user info (`user@`)",
                "write the host without it; credentials have settings of their own",
            ));
        }
        if authority.is_empty() || authority.ends_with(':') || authority.contains(['%', '*']) {
            return Err(flaw(
                "has no proper host",
                "write it like https://sso.example.com or https://sso.example.com:8443",
            ));
        }
        if tail.contains('#') {
            return Err(flaw("has a fragment (`#`)", "write it without"));
        }
        let path = tail.split('?').next().unwrap_or_default();
        if path.split('/').any(is_dot_segment) {
            return Err(flaw("has a `.` or `..` segment in its path", "write the path that they lead to"));
        }
        let url = Url::parse(&format!("{scheme}://{rest}")).map_err(|error| match error {
            url::ParseError::InvalidPort => flaw("has a port that is none", "write a port from 1 to 65535, or none"),
            url::ParseError::InvalidIpv6Address => {
                flaw("has an IPv6 address that is none", "write it in brackets: [::1]")
            }
            _ => NO_URL,
        })?;
        match url.host() {
            // Browsers read `127.1` and `0x7f000001` as addresses; people do not.
            Some(Host::Ipv4(address)) if !authority.starts_with(&address.to_string()) => {
                return Err(flaw(
                    "has an address that is not written plainly",
                    "write four decimal numbers: 127.0.0.1",
                ));
            }
            Some(_) => {}
            None => return Err(NO_URL),
        }
        if url.port() == Some(0) {
            return Err(flaw("has a port that is none", "write a port from 1 to 65535, or none"));
        }
        Ok(Self { url, has_path: !path.is_empty() })
    }

    /// `scheme://host[:port]`.
    fn front(&self) -> String {
        self.url.origin().ascii_serialization()
    }
}

fn is_dot_segment(segment: &str) -> bool {
    matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn base_urls() {
        let cases = [
            ("sso.example.com", "https://sso.example.com"),
            ("  https://sso.example.com\t", "https://sso.example.com"),
            ("HTTPS://SSO.Example.COM", "https://sso.example.com"),
            ("localhost:8080", "https://localhost:8080"),
            ("http://localhost:8080/", "http://localhost:8080"),
            ("https://sso.example.com:443", "https://sso.example.com"),
            ("http://sso.example.com:80", "http://sso.example.com"),
            ("https://sso.example.com:80", "https://sso.example.com:80"),
            ("[::1]:9000", "https://[::1]:9000"),
            ("https://[2001:DB8:0:0::1]/x", "https://[2001:db8::1]/x"),
            ("sso.example.com/auth///", "https://sso.example.com/auth"),
            ("sso.example.com//a//b/", "https://sso.example.com/a/b"),
            ("sso.example.com/A%2fb/é", "https://sso.example.com/A%2fb/%C3%A9"),
            ("münchen.example", "https://xn--mnchen-3ya.example"),
            ("BÜCHER.example:8443/x", "https://xn--bcher-kva.example:8443/x"),
            ("127.0.0.1:9000", "https://127.0.0.1:9000"),
        ];
        for (text, expected) in cases {
            assert_eq!(base_url(text).as_deref(), Ok(expected), "{text}");
            assert_eq!(base_url(expected).as_deref(), Ok(expected), "a normal form stays: {expected}");
        }
    }

    #[test]
    fn what_is_no_base_url() {
        let cases = [
            ("", "blank"),
            (" ", "blank"),
            ("https://", "host"),
            ("https:///x", "host"),
            ("/x", "host"),
            ("https:/x", "host"),
            ("https:x", "port"),
            ("user@host", "user info"),
            ("https://u:p@host", "user info"),
            ("https://host?x=1", "query"),
            ("host/x?y", "query"),
            ("host#f", "fragment"),
            ("ftp://host", "scheme"),
            ("file:///etc/passwd", "scheme"),
            ("javascript://x", "scheme"),
            ("host/a/../b", "segment"),
            ("host/./b", "segment"),
            ("host/%2e%2E/b", "segment"),
            ("host/.%2e", "segment"),
            ("ho st", "white space"),
            ("host\\x", "backslash"),
            ("https:\\\\host", "backslash"),
            ("ho\tst", "white space"),
            ("host:99999", "port"),
            ("host:0", "port"),
            ("host:", "host"),
            ("host:abc", "port"),
            ("https://[::1", "IPv6"),
            ("https://*.example.com", "host"),
            ("h%6fst", "host"),
            ("0x7f.1", "plainly"),
            ("2130706433", "plainly"),
            ("https://a b@c", "white space"),
            ("//host", "host"),
        ];
        for (text, expected) in cases {
            let flaw = base_url(text).expect_err(text);
            assert!(flaw.problem.contains(expected), "{text}: {flaw:?}");
        }
    }

    #[test]
    fn urls_keep_path_and_query() {
        let cases = [
            ("id.example.com/me", "https://id.example.com/me"),
            ("https://ID.example.com", "https://id.example.com"),
            ("https://id.example.com/", "https://id.example.com/"),
            ("https://id.example.com//a//", "https://id.example.com//a//"),
            ("https://id.example.com/me?a=b&c=http://d", "https://id.example.com/me?a=b&c=http://d"),
            ("https://id.example.com?a", "https://id.example.com?a"),
            ("id.example.com/me?u=https://x", "https://id.example.com/me?u=https://x"),
        ];
        for (text, expected) in cases {
            assert_eq!(url(text).as_deref(), Ok(expected), "{text}");
        }
        for text in ["https://u@host/", "https://host/#f", "https://host/../x", "ftp://host/"] {
            assert!(url(text).is_err(), "{text}");
        }
    }

    #[test]
    fn origins() {
        let cases = [
            ("https://Graph.Microsoft.com", "https://graph.microsoft.com"),
            ("https://x:443", "https://x"),
            ("http://[::1]:80", "http://[::1]"),
        ];
        for (text, expected) in cases {
            assert_eq!(Origin::parse(text).unwrap().as_str(), expected);
        }
        for text in [
            "graph.microsoft.com",
            "https://x/",
            "https://x/y",
            "https://x?y",
            "https://x#y",
            "https://u@x",
            "*",
            "https://*",
            "null",
            "ws://x",
            "",
        ] {
            assert!(Origin::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn loopback_and_clear() {
        for host in ["localhost", "LOCALHOST", "127.0.0.1", "127.255.0.3", "::1", "[::1]"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in [
            "localhost.example.com",
            "127.example.com",
            "128.0.0.1",
            "0.0.0.0",
            "::2",
            "[::]",
            "::ffff:127.0.0.1",
            "",
            "10.0.0.1",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
        assert!(is_clear("http://sso.example.com"));
        assert!(is_clear("no url"));
        assert!(!is_clear("https://sso.example.com"));
        assert!(!is_clear("http://127.0.0.1:8080/x"));
        assert!(!is_clear("http://[::1]:8080/x"));
    }

    proptest! {
        #[test]
        fn a_base_url_is_normal_and_stays_so(text in "\\PC{0,40}|(https?://)?[a-zA-Z0-9.:@/?#%\\[\\]-]{0,40}") {
            if let Ok(normal) = base_url(&text) {
                let after = normal.split_once("://").unwrap().1;
                prop_assert!(!after.contains("//") && !normal.ends_with('/') && !after.contains(['?', '#']));
                // User info is none; in a path `@` is a character like others (RFC 3986 3.3).
                prop_assert!(!after.split('/').next().unwrap().contains('@'));
                prop_assert_eq!(base_url(&normal), Ok(normal.clone()));
                prop_assert!(Origin::of(&Url::parse(&normal).unwrap()).is_some());
            }
            let _ = (url(&text), Origin::parse(&text));
        }
    }
}
