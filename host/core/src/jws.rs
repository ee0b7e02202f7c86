//! A signed token (JWS in compact form, RFC 7515; JWT, RFC 7519): what it says, read strictly, and what must hold of it beside
//! its signature (RFC 8725).
//!
//! Nothing here verifies a signature, and nothing that it reads may become a fact before somebody did. What is wrong with a
//! token is the token's fault, always: no flaw of it may look like trouble of the provider.

use crate::json::{self, Content, Limits};
use crate::policy::CLOCK_SKEW_S;
use crate::refusal::Refusal;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Number, Value};

/// A token in its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jws<'t> {
    /// `alg` of the header (RFC 7515 4.1.1).
    pub algorithm: String,
    /// `kid` of the header (4.1.4).
    pub key_id: Option<String>,
    /// What the signature is over: the first two parts and the dot between them.
    pub message: &'t str,
    /// The signature, in base64url.
    pub signature: &'t str,
    /// The header, a JSON object.
    pub header: String,
    /// The claims, a JSON object.
    pub claims: String,
    kind: Option<String>,
    members: Map<String, Value>,
}

/// What must hold of a token, as a plan says it.
#[derive(Debug, Clone, Copy)]
pub struct SignatureRules<'p> {
    /// Exact issuers; one `{claim}` in each stands for that claim of the same token.
    pub issuers: &'p [String],
    /// Algorithms by their names, exactly.
    pub algorithms: &'p [String],
    /// Accepted values of `typ`; a token without one is accepted too. Empty: any.
    pub types: &'p [String],
    /// Whether `exp` must be there.
    pub expires: bool,
}

impl<'t> Jws<'t> {
    /// Reads a token: three parts in base64url without padding, of which the first two are JSON objects without a member twice.
    ///
    /// # Errors
    ///
    /// The first flaw. A `crit` is one, whatever it names: no extension is understood here (RFC 7515 4.1.11).
    pub fn read(token: &'t str) -> Result<Self, Refusal> {
        let form = || Refusal::invalid("the token has not the form of a signed JWT");
        let (message, signature) = token.rsplit_once('.').ok_or_else(form)?;
        let (header, claims) = message.split_once('.').filter(|(_, claims)| !claims.contains('.')).ok_or_else(form)?;
        if signature.is_empty() || URL_SAFE_NO_PAD.decode(signature).is_err() {
            return Err(Refusal::invalid("the token's signature is no base64url"));
        }
        let (header, names) = object(header, "header")?;
        let (claims, members) = object(claims, "claims")?;
        if names.contains_key("crit") {
            return Err(Refusal::invalid("the token's header names extensions that must be understood (`crit`)"));
        }
        let algorithm = text(&names, "alg")?.ok_or_else(|| Refusal::invalid("the token's header has no `alg`"))?;
        let (key_id, kind) = (text(&names, "kid")?, text(&names, "typ")?);
        Ok(Self { algorithm, key_id, message, signature, header, claims, kind, members })
    }

    /// Until when it is good, in seconds since 1970, where it says so.
    #[must_use]
    pub fn expires(&self) -> Option<i64> {
        numeric_date(&self.members, "exp").ok().flatten()
    }

    /// Whether it is bound to a key (RFC 7800 `cnf`).
    #[must_use]
    pub fn is_bound(&self) -> bool {
        self.members.get("cnf").is_some_and(|cnf| !cnf.is_null())
    }

    /// For whom it was issued, where it says so.
    #[must_use]
    pub fn audiences(&self) -> Option<Vec<&str>> {
        match self.members.get("aud")? {
            Value::String(one) => Some(vec![one]),
            Value::Array(several) => Some(several.iter().filter_map(Value::as_str).collect()),
            _ => Some(Vec::new()),
        }
    }
}

impl SignatureRules<'_> {
    /// What must hold of the header, before a key is looked for.
    ///
    /// # Errors
    ///
    /// The rule that it breaks.
    pub fn admit_header(&self, token: &Jws<'_>) -> Result<(), Refusal> {
        if !self.algorithms.contains(&token.algorithm) {
            return Err(Refusal::invalid(format!(
                "the token is signed with {:?}, and only {} are accepted",
                token.algorithm,
                self.algorithms.join(", ")
            )));
        }
        let Some(kind) = token.kind.as_deref().filter(|_| !self.types.is_empty()) else { return Ok(()) };
        if self.types.iter().any(|accepted| media_type(accepted) == media_type(kind)) {
            return Ok(());
        }
        Err(Refusal::invalid(format!("the token's `typ` is {kind:?}, which is no token for access")))
    }

    /// What must hold of the claims at `now` (seconds since 1970), once the signature was found good.
    ///
    /// # Errors
    ///
    /// The first rule that they break.
    pub fn admit_claims(&self, token: &Jws<'_>, now: i64) -> Result<(), Refusal> {
        let claims = &token.members;
        let issuer = text(claims, "iss")?.ok_or_else(|| Refusal::invalid("the token has no `iss`"))?;
        if !self.issuers.iter().any(|known| is_issuer(known, &issuer, claims)) {
            let known = self.issuers.join(", ");
            return Err(Refusal::invalid(format!("the token's issuer is {issuer:?}, and {known} is expected")));
        }
        numeric_date(claims, "iat")?;
        match numeric_date(claims, "exp")? {
            None if self.expires => return Err(Refusal::invalid("the token has no `exp`")),
            Some(expires) if expires.saturating_add(CLOCK_SKEW_S) <= now => {
                return Err(Refusal::invalid(format!("expired {} s ago", now.saturating_sub(expires))));
            }
            _ => {}
        }
        match numeric_date(claims, "nbf")? {
            Some(from) if from.saturating_sub(CLOCK_SKEW_S) > now => {
                Err(Refusal::invalid(format!("not valid for another {} s", from.saturating_sub(now))))
            }
            _ => Ok(()),
        }
    }
}

/// The claim that an issuer's template names, with what stands before and after it. An issuer without one is exact.
#[must_use]
pub fn issuer_template(issuer: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = issuer.split_once('{')?;
    let (claim, after) = rest.split_once('}')?;
    Some((before, claim, after))
}

fn is_issuer(known: &str, issuer: &str, claims: &Map<String, Value>) -> bool {
    let Some((before, claim, after)) = issuer_template(known) else { return known == issuer };
    let Some(value) = claims.get(claim).and_then(Value::as_str).filter(|value| !value.is_empty()) else { return false };
    issuer.strip_prefix(before).and_then(|rest| rest.strip_suffix(after)) == Some(value)
}

/// RFC 7515 4.1.9: `application/` may be left out where nothing else has a slash; media types have no letter case.
fn media_type(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    match name.strip_prefix("application/") {
        Some(rest) if !rest.contains('/') => rest.to_owned(),
        _ => name,
    }
}

fn object(part: &str, what: &str) -> Result<(String, Map<String, Value>), Refusal> {
    let bytes = URL_SAFE_NO_PAD.decode(part);
    let bytes = bytes.map_err(|_| Refusal::invalid(format!("the token's {what} is no base64url")))?;
    let none = || Refusal::invalid(format!("the token's {what} is no JSON object, or names a member twice"));
    let Content::Json(text) = json::check(&bytes, Limits::default()) else { return Err(none()) };
    let members = serde_json::from_str(&text).map_err(|_| none())?;
    Ok((text, members))
}

fn text(members: &Map<String, Value>, name: &str) -> Result<Option<String>, Refusal> {
    match members.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Refusal::invalid(format!("the token's `{name}` is no text"))),
    }
}

/// A NumericDate (RFC 7519 2), rounded down; what is out of range is cut to the range. An end that cannot be read is never
/// taken for none.
fn numeric_date(members: &Map<String, Value>, name: &str) -> Result<Option<i64>, Refusal> {
    match members.get(name) {
        None => Ok(None),
        Some(Value::Number(number)) => Ok(Some(floor(number))),
        Some(_) => Err(Refusal::invalid(format!("the token's `{name}` is no number of seconds"))),
    }
}

/// Exact for whole numbers; others by way of a double, where a cast saturates.
fn floor(number: &Number) -> i64 {
    let digits = number.to_string();
    #[allow(clippy::cast_possible_truncation, reason = "saturating is what is wanted")]
    digits.parse().unwrap_or_else(|_| digits.parse::<f64>().map_or(i64::MIN, |value| value.floor() as i64))
}

#[cfg(test)]
mod tests;
