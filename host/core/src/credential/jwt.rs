//! Whether a token has the outer form of a JWT (RFC 7519 7.2), and what its unverified header says.
//!
//! It only chooses among checks, and refuses tokens that no reader may take for signed. Nothing here verifies anything: no
//! claim that it returns may ever become a fact about somebody.
//!
//! It reads what anybody may send, before any cache, so it takes linear time: a header is bounded in bytes and members, and of
//! the claims one member is read, without a tree of values.

use crate::json::{self, Limits};
use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// The largest JOSE header, in decoded bytes. Headers with a certificate chain (`x5c`) stay below it for short chains; such a
/// chain is not used here anyway.
const HEADER_BYTES_MAX: usize = 4 * 1024;
/// The most members of a JOSE header. RFC 7515 registers eleven.
const HEADER_MEMBERS_MAX: usize = 64;
/// The deepest nesting of header and claims, in levels, as for a provider's answers.
const DEPTH_MAX: usize = 32;

/// The outer form of a bearer token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JwtForm {
    /// Neither three nor five base64url parts whose first is a JSON object.
    NotJwt,
    /// The form of an encrypted JWT (RFC 7516 3.1), which its provider alone can read.
    Encrypted {
        /// `iss` of the header (RFC 7519 5.3), unverified, where it is a text.
        iss: Option<String>,
    },
    /// The form of a JWT.
    Jwt {
        /// `alg` of the header, where it is a text.
        alg: Option<String>,
        /// `iss` of the claims, unverified, where it is a text and there once.
        iss: Option<String>,
    },
    /// The header starts as a JSON object, but readers would differ on what it says (invalid JSON, a member twice, `alg` in
    /// another letter case), or it is larger than any header that is signed: over 4 KiB or 64 members.
    BrokenHeader,
}

impl JwtForm {
    /// Whether the token passes for a JWT that nobody signed: `alg` is absent, `none` in any spelling, or not to be told.
    /// Such a token is refused without asking anybody (RFC 8725 3.1, 3.2).
    #[must_use]
    pub fn is_unsigned(&self) -> bool {
        match self {
            Self::NotJwt | Self::Encrypted { .. } => false,
            Self::BrokenHeader => true,
            Self::Jwt { alg, .. } => alg.as_deref().is_none_or(|alg| {
                let letters: String = alg.chars().filter(|c| c.is_alphanumeric()).collect();
                letters.is_empty() || letters.eq_ignore_ascii_case("none")
            }),
        }
    }
}

/// Whether a prefix claims JWTs of whatever issuer: `eyJ` is how a JOSE header begins in base64url (RFC 7515 A.1.1).
#[must_use]
pub fn claims_all_jwts(prefix: &str) -> bool {
    const BEGINNING: &str = "eyJ";
    !prefix.is_empty() && (BEGINNING.starts_with(prefix) || prefix.starts_with(BEGINNING))
}

/// Parses a token's form. Decoding is lenient (either alphabet, padding or none), since a lenient provider's would be.
#[must_use]
pub(super) fn jwt_form(token: &str) -> JwtForm {
    let mut parts = token.splitn(6, '.');
    let (Some(header), Some(claims), Some(_), more) = (parts.next(), parts.next(), parts.next(), parts.count()) else {
        return JwtForm::NotJwt;
    };
    match more {
        0 => {}
        2 => return encrypted_form(header).unwrap_or(JwtForm::NotJwt),
        _ => return JwtForm::NotJwt,
    }
    let Some(header) = decode(header) else { return JwtForm::NotJwt };
    if header.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
        return JwtForm::NotJwt;
    }
    let Some(alg) = algorithm(&header) else { return JwtForm::BrokenHeader };
    let iss = decode(claims).and_then(|claims| json::text_member(std::str::from_utf8(&claims).ok()?, "iss", DEPTH_MAX));
    JwtForm::Jwt { alg, iss }
}

/// The form of a token of five parts; `None` where its header is not one of an encrypted token.
fn encrypted_form(header: &str) -> Option<JwtForm> {
    let header = decode(header)?;
    let limits = Limits { bytes: HEADER_BYTES_MAX, depth: DEPTH_MAX };
    let members = json::members(&header, limits, HEADER_MEMBERS_MAX)?;
    let member = |wanted: &str| members.iter().find(|(name, _)| name == wanted).map(|(_, value)| *value);
    member("enc").map(|_| JwtForm::Encrypted { iss: member("iss").and_then(json::as_text) })
}

/// `alg` of a header, `Some(None)` where it is absent or no text. `None`: the header is broken.
fn algorithm(header: &[u8]) -> Option<Option<String>> {
    let limits = Limits { bytes: HEADER_BYTES_MAX, depth: DEPTH_MAX };
    let members = json::members(header, limits, HEADER_MEMBERS_MAX)?;
    let mut algorithm = None;
    for (name, value) in members {
        if name.eq_ignore_ascii_case("alg") {
            if name != "alg" {
                return None;
            }
            algorithm = json::as_text(value);
        }
    }
    Some(algorithm)
}

fn decode(part: &str) -> Option<Vec<u8>> {
    const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent);
    const URL: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, LENIENT);
    const PLAIN: GeneralPurpose = GeneralPurpose::new(&STANDARD, LENIENT);
    URL.decode(part).or_else(|_| PLAIN.decode(part)).ok()
}
