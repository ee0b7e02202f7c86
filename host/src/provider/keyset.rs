//! A JWK set (RFC 7517) as it is used: the keys that verify signatures, and what is wrong with the others.
//!
//! A key that cannot be used must not take the others with it, and is never a token's fault: whoever names it has a token that
//! nobody here can judge.

use super::call::Raw;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, UnparsedPublicKey, VerificationAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey};
use portcullis_core::json::{self, Content, Limits};
use portcullis_core::text;
use serde_json::{Map, Value};
use std::sync::Arc;

/// Keys that are used of one set; providers publish a handful. A token without `kid` is tried with each of its type.
const KEYS_MAX: usize = 100;
/// The size of an RSA modulus that is verified with, in bits.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// What is verified here, by its name in a JOSE header (RFC 7518 3.1, RFC 8037): neither none nor HMAC.
const ALGORITHMS: [(&str, Algorithm); 9] = [
    ("RS256", Algorithm::RS256),
    ("RS384", Algorithm::RS384),
    ("RS512", Algorithm::RS512),
    ("PS256", Algorithm::PS256),
    ("PS384", Algorithm::PS384),
    ("PS512", Algorithm::PS512),
    ("ES256", Algorithm::ES256),
    ("ES384", Algorithm::ES384),
    ("EdDSA", Algorithm::EdDSA),
];

/// The algorithm of that name.
pub(super) fn algorithm(name: &str) -> Option<Algorithm> {
    ALGORITHMS.iter().find(|(known, _)| *known == name).map(|(_, algorithm)| *algorithm)
}

/// A set as it was fetched.
#[derive(Default)]
pub(super) struct KeySet {
    keys: Vec<Key>,
    unusable: Vec<Unusable>,
    /// There are more keys than are used.
    is_cut: bool,
}

/// A key to verify signatures with.
#[derive(Clone)]
pub(super) struct Key {
    id: Option<String>,
    /// What it may verify: the algorithms of its type, or the one of them that it names.
    algorithms: Vec<Algorithm>,
    pub(super) key: Arc<DecodingKey>,
}

/// A key for signatures that cannot be used.
#[derive(PartialEq)]
struct Unusable {
    id: Option<String>,
    /// `kty`.
    kind: Option<String>,
    reason: &'static str,
}

impl KeySet {
    /// By its id; a token without one may be signed with any key of the right type.
    pub(super) fn fitting(&self, algorithm: Algorithm, id: Option<&str>) -> Vec<Key> {
        let fits =
            |key: &&Key| key.algorithms.contains(&algorithm) && id.is_none_or(|id| key.id.as_deref() == Some(id));
        self.keys.iter().filter(fits).cloned().collect()
    }

    /// Whether a token of this key id has its key here, as far as that can be said.
    pub(super) fn has(&self, id: Option<&str>) -> bool {
        !self.keys.is_empty() && id.is_none_or(|id| self.keys.iter().any(|key| key.id.as_deref() == Some(id)))
    }

    /// Why the key of a token may be in the set and cannot be used.
    pub(super) fn flaw(&self, algorithm: Algorithm, id: Option<&str>) -> Option<String> {
        if self.keys.is_empty() && self.unusable.is_empty() {
            return Some("hold none that verifies a signature".to_owned());
        }
        let concerned = |key: &&Unusable| match id {
            Some(id) => key.id.as_deref() == Some(id),
            None => key.kind.as_deref().is_none_or(|kind| kind == kind_of(algorithm)),
        };
        if id.is_some() && self.has(id) {
            return None;
        }
        if let Some(key) = self.unusable.iter().find(concerned) {
            return Some(format!("hold {key}"));
        }
        if self.keys.is_empty() {
            return Some("hold none that verifies a signature".to_owned());
        }
        self.is_cut.then(|| format!("are more than {KEYS_MAX}, and only so many are used"))
    }

    /// How many keys are used.
    pub(super) fn count(&self) -> usize {
        self.keys.len()
    }

    /// What is wrong with the set and was not wrong with the one before.
    pub(super) fn flaws_beyond(&self, before: Option<&Self>) -> Vec<String> {
        let is_new = |key: &&Unusable| !before.is_some_and(|before| before.unusable.contains(key));
        let mut flaws: Vec<String> = self.unusable.iter().filter(is_new).map(|key| format!("holds {key}")).collect();
        if self.is_cut && !before.is_some_and(|before| before.is_cut) {
            flaws.push(format!("holds more than {KEYS_MAX} keys: only so many are used"));
        }
        if self.keys.is_empty() && before.is_none_or(|before| !before.keys.is_empty()) {
            flaws.push("holds no key that verifies a signature: no token can be verified".to_owned());
        }
        flaws
    }
}

impl std::fmt::Display for Unusable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.id {
            Some(id) => write!(f, "a key that cannot be used, `{}`: it {}", text::shown(id), self.reason),
            None => write!(f, "a key without `kid` that cannot be used: it {}", self.reason),
        }
    }
}

/// Reads a set. What is for encryption is left out, since no token is signed with it.
///
/// # Errors
///
/// The answer is no JWK set.
pub(super) fn read(raw: &Raw) -> Result<KeySet, String> {
    if raw.status != 200 {
        return Err(format!("answers {}", raw.status));
    }
    let Content::Json(text) = json::check(&raw.body, Limits::default()) else {
        return Err("answers something else than strict JSON".to_owned());
    };
    let set: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let jwks = set.get("keys").and_then(Value::as_array).ok_or("has no list `keys`")?;
    let mut set = KeySet::default();
    for jwk in jwks.iter().filter(|jwk| !is_for_encryption(jwk)) {
        let member = |name: &str| jwk.get(name).and_then(Value::as_str).map(str::to_owned);
        match key(jwk) {
            Ok(key) if set.keys.len() < KEYS_MAX => set.keys.push(key),
            Err(reason) if set.unusable.len() < KEYS_MAX => {
                set.unusable.push(Unusable { id: member("kid"), kind: member("kty"), reason });
            }
            Ok(_) | Err(_) => set.is_cut = true,
        }
    }
    Ok(set)
}

/// Whether a key says that it is not for signatures (RFC 7517 4.2, 4.3; RFC 7518 4.1).
fn is_for_encryption(jwk: &Value) -> bool {
    let text = |name: &str| jwk.get(name).and_then(Value::as_str);
    let operations = jwk.get("key_ops").and_then(Value::as_array);
    text("use") == Some("enc")
        || operations.is_some_and(|operations| !operations.iter().any(|operation| operation == "verify"))
        || text("alg").is_some_and(|alg| ["RSA-OAEP", "RSA1_5", "ECDH-ES"].iter().any(|prefix| alg.starts_with(prefix)))
}

fn key(jwk: &Value) -> Result<Key, &'static str> {
    const MALFORMED: &str = "is malformed";
    let text = |name: &str| jwk.get(name).and_then(Value::as_str);
    // What is not the key itself is read apart: an algorithm that the crate does not know, or an odd certificate, must not make
    // a good key unreadable.
    let of_the_key = |name: &str| matches!(name, "kty" | "n" | "e" | "crv" | "x" | "y");
    let members = jwk.as_object().ok_or("is no JSON object")?.iter().filter(|(name, _)| of_the_key(name));
    let mut members: Map<String, Value> = members.map(|(name, value)| (name.clone(), value.clone())).collect();
    match text("kty") {
        Some("RSA") => {
            // Some libraries write a sign octet before the modulus, against RFC 7518 6.3.1.1: it is the same number.
            let decoded = |name: &str| URL_SAFE_NO_PAD.decode(text(name).unwrap_or_default());
            let modulus = decoded("n").map_err(|_| MALFORMED)?;
            let modulus: Vec<u8> = modulus.into_iter().skip_while(|byte| *byte == 0).collect();
            let unused_bits = modulus.first().map_or(0, |byte| byte.leading_zeros() as usize);
            if !RSA_BITS.contains(&(modulus.len() * 8).saturating_sub(unused_bits)) {
                return Err("is no RSA key of 2048 to 8192 bits");
            }
            members.insert("n".to_owned(), URL_SAFE_NO_PAD.encode(modulus).into());
        }
        Some("EC" | "OKP") => {}
        Some("oct") => return Err("is a shared secret, which is no key to publish"),
        _ => return Err("is of an unknown type"),
    }
    let jwk: Jwk = serde_json::from_value(members.into()).map_err(|_| MALFORMED)?;
    let key = DecodingKey::from_jwk(&jwk).map_err(|_| MALFORMED)?;
    let of_its_type = |algorithm: Algorithm| match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => algorithm.family() == AlgorithmFamily::Rsa,
        AlgorithmParameters::EllipticCurve(curve) => match curve.curve {
            EllipticCurve::P256 => algorithm == Algorithm::ES256,
            EllipticCurve::P384 => algorithm == Algorithm::ES384,
            _ => false,
        },
        AlgorithmParameters::OctetKeyPair(pair) => {
            pair.curve == EllipticCurve::Ed25519 && algorithm == Algorithm::EdDSA
        }
        _ => false,
    };
    let named = text("alg");
    let fits =
        |(name, algorithm): &(&str, Algorithm)| of_its_type(*algorithm) && named.is_none_or(|named| named == *name);
    let algorithms: Vec<Algorithm> = ALGORITHMS.iter().filter(|one| fits(one)).map(|(_, one)| *one).collect();
    let is_point = match algorithms.first() {
        None => return Err("is for an algorithm that is not verified here"),
        Some(Algorithm::ES256) => is_public_key(&key, &ECDSA_P256_SHA256_FIXED),
        Some(Algorithm::ES384) => is_public_key(&key, &ECDSA_P384_SHA384_FIXED),
        Some(Algorithm::EdDSA) => is_public_key(&key, &ED25519),
        Some(_) => true,
    };
    if !is_point {
        return Err(MALFORMED);
    }
    Ok(Key { id: text("kid").map(str::to_owned), algorithms, key: Arc::new(key) })
}

/// Whether the library that verifies signatures takes a key: a point that is on its curve.
fn is_public_key(key: &DecodingKey, algorithm: &'static dyn VerificationAlgorithm) -> bool {
    key.try_get_as_bytes().is_ok_and(|bytes| UnparsedPublicKey::new(algorithm, bytes).parse().is_ok())
}

/// The type of a key that verifies an algorithm (RFC 7518 6.1, RFC 8037 2).
fn kind_of(algorithm: Algorithm) -> &'static str {
    match algorithm.family() {
        AlgorithmFamily::Rsa => "RSA",
        AlgorithmFamily::Ec => "EC",
        AlgorithmFamily::Ed => "OKP",
        AlgorithmFamily::Hmac => "oct",
    }
}
