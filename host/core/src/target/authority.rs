//! The host and port that a client names (RFC 3986 3.2, RFC 9110 7.2).
//!
//! Stricter than the RFC: no user information, no escapes, no final dot, no empty port, since these are where two parsers
//! find two hosts.

use super::TargetError;

/// A host name is at most this many bytes (RFC 1035 2.3.4).
const HOST_BYTES_MAX: usize = 255;

/// `host[:port]`, checked.
pub(super) struct Authority<'a> {
    /// As it was written, port included.
    pub(super) written: &'a str,
    /// Without the port, letter case as written; an IPv6 address in its brackets.
    pub(super) name: &'a str,
    port: Option<u16>,
}

impl<'a> Authority<'a> {
    pub(super) fn parse(written: &'a str) -> Result<Self, TargetError> {
        let (name, port) = if written.starts_with('[') {
            let end = written.find(']').ok_or(TargetError::Host)?;
            written.split_at_checked(end + 1).ok_or(TargetError::Host)?
        } else {
            let end = written.find(':').unwrap_or(written.len());
            written.split_at_checked(end).ok_or(TargetError::Host)?
        };
        let port = match port.strip_prefix(':') {
            None if port.is_empty() => None,
            Some(digits) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => {
                let number: u16 = digits.parse().map_err(|_| TargetError::Host)?;
                Some(number)
            }
            _ => return Err(TargetError::Host),
        };
        if name.len() > HOST_BYTES_MAX || port == Some(0) || !(is_name(name) || is_ipv6(name)) {
            return Err(TargetError::Host);
        }
        Ok(Self { written, name, port })
    }

    /// The same host, and the same port or none beside a default one.
    pub(super) fn agrees_with(&self, other: &Self) -> bool {
        let ports = match (self.port, other.port) {
            (None, Some(port)) | (Some(port), None) => matches!(port, 80 | 443),
            (one, two) => one == two,
        };
        ports && self.name.eq_ignore_ascii_case(other.name)
    }
}

/// Labels of letters, digits, `-` and `_`: names, and IPv4 addresses.
fn is_name(name: &str) -> bool {
    name.split('.').all(|label| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    })
}

fn is_ipv6(name: &str) -> bool {
    name.strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .is_some_and(|address| address.parse::<std::net::Ipv6Addr>().is_ok())
}
