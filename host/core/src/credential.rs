//! What a client presented: read from `Authorization` (RFC 9110 11.6.2, RFC 6750 2.1, RFC 7617 2), never shown.
//!
//! Reading is strict, since what two readers take for two credentials is an attack: one header, one credential, only the
//! characters that the scheme has. It must never judge whether a credential is good, and never put it into a message.

mod bearer;
mod jwt;

pub use bearer::BearerToken;
pub use jwt::{JwtForm, claims_all_jwts};

use crate::secret::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// A presented credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// A bearer token: RFC 6750's b64token, at most [`CREDENTIAL_BYTES_MAX`].
    Bearer(BearerToken),
    /// A Basic pair. `presented` is the base64 text as it came.
    Basic {
        /// The part before the first colon.
        username: Secret,
        /// The part after it.
        password: Secret,
        /// The encoded pair.
        presented: Secret,
    },
}

/// The longest credential that is looked at, in bytes. Providers' front ends stop at 8 to 64 KiB of headers.
pub const CREDENTIAL_BYTES_MAX: usize = 16 * 1024;

/// What `Authorization` held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presented {
    /// There is no such header.
    Nothing,
    /// A credential of a scheme that is read here.
    Credential(Credential),
    /// Another scheme (`Negotiate`, `Digest`): 401.
    UnknownScheme,
    /// Not one well-formed credential: 400 `invalid_request` (RFC 6750 3.1). The text, for the log, says why.
    Malformed(&'static str),
}

/// Reads all the values of `Authorization`.
#[must_use]
pub fn read_authorization<'a>(mut values: impl Iterator<Item = &'a [u8]>) -> Presented {
    let Some(value) = values.next() else { return Presented::Nothing };
    if values.next().is_some() {
        return Presented::Malformed("there are several Authorization headers: send one");
    }
    let Ok(value) = std::str::from_utf8(value) else {
        return Presented::Malformed("Authorization holds bytes beyond ASCII");
    };
    if !each(value, |byte| matches!(byte, b' '..=b'~')) {
        return Presented::Malformed("Authorization holds something else than visible ASCII");
    }
    let value = value.trim_matches(' ');
    let (scheme, rest) = value.split_once(' ').unwrap_or((value, ""));
    if scheme.is_empty() || !scheme.bytes().all(is_token_byte) {
        return Presented::Malformed("Authorization does not begin with a scheme: write `Bearer` and the token");
    }
    let credential = rest.trim_start_matches(' ');
    if scheme.eq_ignore_ascii_case("bearer") {
        read_bearer(credential)
    } else if scheme.eq_ignore_ascii_case("basic") {
        read_basic(credential)
    } else {
        Presented::UnknownScheme
    }
}

/// RFC 6750 2.1.
fn read_bearer(token: &str) -> Presented {
    if token.is_empty() {
        return Presented::Malformed("the bearer token is empty");
    }
    if token.len() > CREDENTIAL_BYTES_MAX {
        return Presented::Malformed("the bearer token is longer than 16 KiB");
    }
    if token.contains(',') {
        return Presented::Malformed("Authorization holds a comma: send one credential");
    }
    if !is_b64token(token) {
        return Presented::Malformed("the bearer token holds characters that RFC 6750 does not allow");
    }
    Presented::Credential(Credential::Bearer(BearerToken::new(token)))
}

/// RFC 7617 2, with UTF-8 as the charset (2.1).
fn read_basic(presented: &str) -> Presented {
    if presented.len() > CREDENTIAL_BYTES_MAX {
        return Presented::Malformed("the Basic pair is longer than 16 KiB");
    }
    let Ok(pair) = STANDARD.decode(presented).map(Zeroizing::new) else {
        return Presented::Malformed("the Basic pair is not base64");
    };
    let Ok(pair) = std::str::from_utf8(&pair) else { return Presented::Malformed("the Basic pair is not UTF-8") };
    if pair.chars().any(char::is_control) {
        return Presented::Malformed("the Basic pair holds control characters");
    }
    let Some((username, password)) = pair.split_once(':') else {
        return Presented::Malformed("the Basic pair has no colon");
    };
    Presented::Credential(Credential::Basic {
        username: Secret::new(username),
        password: Secret::new(password),
        presented: Secret::new(presented),
    })
}

/// `1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="` (RFC 6750 2.1).
#[must_use]
pub fn is_b64token(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/');
    !body.is_empty() && each(body, fits)
}

/// Whether all bytes fit. It looks at all of them, always: without a way out the compiler takes many at once, and a good token is
/// read to its end anyway.
fn each(text: &str, fits: impl Fn(u8) -> bool) -> bool {
    text.bytes().fold(true, |all, byte| all & fits(byte))
}

/// RFC 9110 5.6.2.
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests;
