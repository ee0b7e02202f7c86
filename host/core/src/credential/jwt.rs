//! Whether a token has the outer form of a JWT (RFC 7519 7.2), and what its unverified header says.
//!
//! It only chooses among checks, and refuses tokens that no reader may take for signed. Nothing here verifies anything: no
//! claim that it returns may ever become a fact about somebody.

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;
use std::fmt;

/// The outer form of a bearer token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JwtForm {
    /// Not three base64url parts whose first is a JSON object.
    NotJwt,
    /// The form of a JWT.
    Jwt {
        /// `alg` of the header, where it is a text.
        alg: Option<String>,
        /// `iss` of the claims, unverified, where it is a text and there once.
        iss: Option<String>,
    },
    /// The header starts as a JSON object, but readers would differ on what it says: no valid JSON, a member twice, or
    /// `alg` in another letter case.
    BrokenHeader,
}

impl JwtForm {
    /// Whether the token passes for a JWT that nobody signed: `alg` is absent, `none` in any spelling, or not to be told.
    /// Such a token is refused without asking anybody (RFC 8725 3.1, 3.2).
    #[must_use]
    pub fn is_unsigned(&self) -> bool {
        match self {
            Self::NotJwt => false,
            Self::BrokenHeader => true,
            Self::Jwt { alg, .. } => alg.as_deref().is_none_or(|alg| {
                let letters: String = alg.chars().filter(|c| c.is_alphanumeric()).collect();
                letters.is_empty() || letters.eq_ignore_ascii_case("none")
            }),
        }
    }
}

/// Looks at a token's form. Decoding is lenient (either alphabet, padding or none), since a lenient provider's would be.
#[must_use]
pub fn jwt_form(token: &str) -> JwtForm {
    let mut parts = token.split('.');
    let (Some(header), Some(claims), Some(_signature), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return JwtForm::NotJwt;
    };
    let Some(header) = decode(header) else { return JwtForm::NotJwt };
    if header.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
        return JwtForm::NotJwt;
    }
    let Some(header) = members(&header) else { return JwtForm::BrokenHeader };
    let mut alg = None;
    for (name, value) in header {
        if name.eq_ignore_ascii_case("alg") {
            if name != "alg" {
                return JwtForm::BrokenHeader;
            }
            alg = text(value);
        }
    }
    let iss = decode(claims)
        .and_then(|claims| members(&claims))
        .and_then(|claims| claims.into_iter().find(|(name, _)| name == "iss"))
        .and_then(|(_, value)| text(value));
    JwtForm::Jwt { alg, iss }
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        _ => None,
    }
}

fn decode(part: &str) -> Option<Vec<u8>> {
    const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent);
    const URL: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, LENIENT);
    const PLAIN: GeneralPurpose = GeneralPurpose::new(&STANDARD, LENIENT);
    URL.decode(part).or_else(|_| PLAIN.decode(part)).ok()
}

/// The members of a JSON object, in order; `None` where it is none or has a member twice.
fn members(json: &[u8]) -> Option<Vec<(String, Value)>> {
    let mut reader = serde_json::Deserializer::from_slice(json);
    let members = reader.deserialize_map(Members).ok()?;
    reader.end().ok()?;
    Some(members)
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Vec<(String, Value)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members: Vec<(String, Value)> = Vec::new();
        while let Some((name, value)) = map.next_entry::<String, Value>()? {
            if members.iter().any(|(known, _)| *known == name) {
                return Err(serde::de::Error::custom("a member twice"));
            }
            members.push((name, value));
        }
        Ok(members)
    }
}
