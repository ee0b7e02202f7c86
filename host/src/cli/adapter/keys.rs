//! The keys of recorded cases: made anew by each run, so that no private key stands in a repository.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "fresh keys of known kinds are made and read; a missing member of a JSON value is null"
)]

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, crypto};
use serde_json::{Value, json};
use std::sync::LazyLock;

/// One key: `test-rsa`, `test-ec`, or a stranger's of the same kind.
struct Key {
    private: EncodingKey,
    private_pem: String,
    public_pem: String,
    jwk: Jwk,
}

static RSA: LazyLock<Key> = LazyLock::new(rsa);
static EC: LazyLock<Key> = LazyLock::new(ec);
static STRANGE_RSA: LazyLock<Key> = LazyLock::new(rsa);
static STRANGE_EC: LazyLock<Key> = LazyLock::new(ec);

fn pem(label: &str, der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    let lines: Vec<&str> = body.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

fn rsa() -> Key {
    let pair = KeyPair::generate(KeySize::Rsa2048).expect("an RSA key");
    let private: Pkcs8V1Der<'_> = pair.as_der().expect("PKCS#8");
    let public: PublicKeyX509Der<'_> = pair.public_key().as_der().expect("SPKI");
    let (private_pem, public_pem) = (pem("PRIVATE KEY", private.as_ref()), pem("PUBLIC KEY", public.as_ref()));
    let private = EncodingKey::from_rsa_pem(private_pem.as_bytes()).expect("an RSA key");
    let jwk = Jwk::from_encoding_key(&private, Algorithm::RS256).expect("a JWK");
    Key { private, private_pem, public_pem, jwk }
}

fn ec() -> Key {
    let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).expect("an EC key");
    let private_pem = pem("PRIVATE KEY", der.as_ref());
    let private = EncodingKey::from_ec_pem(private_pem.as_bytes()).expect("an EC key");
    let jwk = Jwk::from_encoding_key(&private, Algorithm::ES256).expect("a JWK");
    Key { private, private_pem, public_pem: String::new(), jwk }
}

/// The public halves of `test-rsa` and `test-ec`: with `kid` and `use`, without `alg`.
pub(super) fn set() -> Value {
    let published = |key: &Key, id: &str| {
        let mut jwk = serde_json::to_value(&key.jwk).unwrap_or_default();
        if let Some(members) = jwk.as_object_mut() {
            members.remove("alg");
            members.insert("kid".to_owned(), id.into());
            members.insert("use".to_owned(), "sig".into());
        }
        jwk
    };
    json!({"keys": [published(&RSA, "test-rsa"), published(&EC, "test-ec")]})
}

/// The private half of `test-rsa`.
pub(super) fn rsa_private_pem() -> &'static str {
    &RSA.private_pem
}

/// Signs what stands before the last dot of a token, by the algorithm that its header names, where that is one for these keys,
/// else by RS256.
pub(super) fn sign(message: &str, algorithm: &str, stranger: bool) -> String {
    let algorithm = match algorithm {
        "RS384" => Algorithm::RS384,
        "RS512" => Algorithm::RS512,
        "PS256" => Algorithm::PS256,
        "PS384" => Algorithm::PS384,
        "PS512" => Algorithm::PS512,
        "ES256" => Algorithm::ES256,
        _ => Algorithm::RS256,
    };
    let key = match (algorithm, stranger) {
        (Algorithm::ES256, false) => &EC,
        (Algorithm::ES256, true) => &STRANGE_EC,
        (_, false) => &RSA,
        (_, true) => &STRANGE_RSA,
    };
    crypto::sign(message.as_bytes(), &key.private, algorithm).expect("a signature")
}

/// Signs as who mistakes the public key for a shared secret.
pub(super) fn sign_by_hmac(message: &str) -> String {
    let secret = EncodingKey::from_secret(RSA.public_pem.as_bytes());
    crypto::sign(message.as_bytes(), &secret, Algorithm::HS256).expect("a signature")
}

/// What is wrong with an assertion (`private_key_jwt`), if anything is.
pub(super) fn assertion_flaw(assertion: &str, expected: &Assertion<'_>, clock: i64) -> Option<String> {
    let Some((message, signature)) = assertion.rsplit_once('.') else { return Some("is no JWT".to_owned()) };
    let key = DecodingKey::from_jwk(&RSA.jwk).expect("a key");
    if !crypto::verify(signature, message.as_bytes(), &key, Algorithm::RS256).unwrap_or(false) {
        return Some("is not signed by test-rsa with RS256".to_owned());
    }
    let part = |at: usize| -> Option<Value> {
        let bytes = URL_SAFE_NO_PAD.decode(message.split('.').nth(at)?).ok()?;
        serde_json::from_slice(&bytes).ok()
    };
    let (header, claims) = (part(0)?, part(1)?);
    let audience = claims["aud"] == expected.audience || claims["aud"] == json!([expected.audience]);
    let ends = claims["exp"].as_i64().is_some_and(|exp| exp > clock && exp <= clock + 300);
    let checks = [
        (header["alg"] == "RS256", "alg"),
        (expected.key_id.is_none_or(|id| header["kid"] == id), "kid"),
        (claims["iss"] == expected.client_id, "iss"),
        (claims["sub"] == expected.client_id, "sub"),
        (audience, "aud"),
        (claims["jti"].as_str().is_some_and(|id| !id.is_empty()), "jti"),
        (ends, "exp"),
    ];
    let wrong: Vec<&str> = checks.iter().filter(|(holds, _)| !holds).map(|(_, name)| *name).collect();
    (!wrong.is_empty()).then(|| format!("the assertion is wrong in {}", wrong.join(", ")))
}

/// What an assertion has to say.
pub(super) struct Assertion<'a> {
    pub(super) client_id: &'a str,
    pub(super) audience: &'a str,
    pub(super) key_id: Option<&'a str>,
}
