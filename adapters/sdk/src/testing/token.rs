//! The credential that a case presents, and what the gateway says of a JWT before an adapter sees its claims.
//!
//! Nothing is signed here: whose key signed is written in the case. The real rules are the gateway's; these are their
//! outline, so that a case about an adapter's plan and its claims runs natively.

use serde_json::{Value, json};

use super::gateway;
use crate::{CredentialKind, Shape, SignatureRules, Verified};

/// What a token is where a case names none: opaque, without a known prefix.
const OPAQUE: &str = "4fQ9xKp2ZtW7";

/// Beyond this, seconds, a time that has passed has passed.
const SKEW: i64 = 60;

/// A bearer token, or a Basic pair.
pub(super) struct Token {
    basic: bool,
    text: String,
    jwt: Option<Jwt>,
}

struct Jwt {
    header: Value,
    claims: String,
    key: String,
}

impl Token {
    pub(super) fn of(case: &Value) -> Self {
        let key = case["token_key"].as_str().unwrap_or("test").to_owned();
        let default = match key.as_str() {
            "none" => json!({"alg": "none"}),
            "hmac" => json!({"alg": "HS256", "kid": "test-rsa"}),
            _ => json!({"alg": "RS256", "kid": "test-rsa"}),
        };
        let jwt = case.get("token_claims").map(|claims| Jwt {
            header: case.get("token_header").cloned().unwrap_or(default),
            claims: claims.as_str().map_or_else(|| claims.to_string(), Into::into),
            key,
        });
        let text = case["token"].as_str().unwrap_or(OPAQUE).into();
        Self { basic: case["credential"] == "basic", text, jwt }
    }

    pub(super) fn kind(&self) -> CredentialKind {
        if self.basic { CredentialKind::Basic } else { CredentialKind::Bearer }
    }

    /// A JWT that says itself that nobody signed it: refused before anything else is looked at.
    pub(super) fn is_unsigned(&self) -> bool {
        let none = |jwt: &Jwt| jwt.header["alg"].as_str().is_none_or(|alg| alg.eq_ignore_ascii_case("none"));
        self.jwt.as_ref().is_some_and(none)
    }

    pub(super) fn fits(&self, shape: &Shape) -> bool {
        match shape {
            Shape::Any => true,
            Shape::Basic => self.basic,
            _ if self.basic => false,
            Shape::Jwt => self.jwt.is_some(),
            Shape::JwtFrom(issuers) => {
                let claims = self.jwt.as_ref().and_then(|jwt| serde_json::from_str::<Value>(&jwt.claims).ok());
                claims.is_some_and(|claims| issuers.iter().any(|issuer| claims["iss"] == **issuer))
            }
            Shape::Opaque => self.jwt.is_none(),
            Shape::Prefixed(prefixes) => prefixes.iter().any(|prefix| self.text.starts_with(prefix)),
            Shape::ApiKey => false,
        }
    }

    /// The claims, or why the gateway refuses the token.
    pub(super) fn verify(&self, rules: &SignatureRules, clock: Option<i64>) -> Result<Verified, String> {
        let jwt = self.jwt.as_ref().ok_or("no JWT")?;
        let alg = jwt.header["alg"].as_str().unwrap_or_default();
        if !rules.algorithms.iter().any(|known| known == alg) {
            return Err(format!("the algorithm {alg}"));
        }
        if jwt.key != "test" || jwt.header["kid"].as_str().is_some_and(|kid| kid != signer(alg)) {
            return Err("no published key".into());
        }
        let typ = jwt.header["typ"].as_str().map(|typ| typ.to_lowercase());
        let typ = typ.as_deref().map(|typ| typ.strip_prefix("application/").unwrap_or(typ));
        if typ.is_some_and(|typ| !rules.types.is_empty() && !rules.types.iter().any(|t| t.to_lowercase() == typ)) {
            return Err(format!("the type {typ:?}"));
        }
        if jwt.header.get("crit").is_some() {
            return Err("a critical extension".into());
        }
        let claims: Value = serde_json::from_str(&jwt.claims).map_err(|error| error.to_string())?;
        if !claims.is_object() || gateway::names_twice(&jwt.claims, &claims) {
            return Err("the claims are no plain object".into());
        }
        let issuer = |issuer: &String| match issuer.split_once('{').and_then(|(_, rest)| rest.split_once('}')) {
            Some((claim, _)) => issuer.replace(&format!("{{{claim}}}"), claims[claim].as_str().unwrap_or_default()),
            None => issuer.clone(),
        };
        if !rules.issuers.iter().any(|trusted| claims["iss"] == issuer(trusted)) {
            return Err(format!("{} is none of {:?}", claims["iss"], rules.issuers));
        }
        let time = |name: &str| match claims.get(name) {
            None => Ok(None),
            Some(Value::Number(time)) => Ok(time.as_f64()),
            Some(_) => Err(format!("`{name}` is no number")),
        };
        let (expires, begins, _) = (time("exp")?, time("nbf")?, time("iat")?);
        if rules.expires && expires.is_none() {
            return Err("no `exp`".into());
        }
        #[allow(clippy::cast_precision_loss, reason = "seconds of our days")]
        if let Some(now) = clock.map(|now| now as f64) {
            let skew = SKEW as f64;
            if expires.is_some_and(|at| at + skew < now) || begins.is_some_and(|at| at - skew > now) {
                return Err("the times".into());
            }
        }
        Ok(Verified { to: "credential".into(), header: jwt.header.to_string(), claims: jwt.claims.clone() })
    }
}

/// The `kid` of the test key that signs so.
fn signer(alg: &str) -> &'static str {
    match alg {
        "ES256" => "test-ec",
        alg if alg.starts_with("RS") || alg.starts_with("PS") => "test-rsa",
        _ => "",
    }
}
