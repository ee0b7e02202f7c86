//! Keys of a stand-in provider, and tokens that they sign, good ones and others.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Value, json};
use std::sync::LazyLock;
use std::time::{SystemTime, UNIX_EPOCH};

/// A key pair with its name.
pub(crate) struct Key {
    id: &'static str,
    algorithm: Algorithm,
    private: EncodingKey,
    /// The public half, PEM.
    pub(crate) public_pem: String,
}

/// The provider's keys.
pub(crate) static RSA: LazyLock<Key> = LazyLock::new(|| Key::new("rsa-1", Algorithm::RS256));
pub(crate) static EC: LazyLock<Key> = LazyLock::new(|| Key::new("ec-1", Algorithm::ES256));
/// A key that is not the provider's.
pub(crate) static STRANGER: LazyLock<Key> = LazyLock::new(|| Key::new("rsa-1", Algorithm::RS256));

impl Key {
    /// A fresh one for RS256 or ES256.
    pub(crate) fn new(id: &'static str, algorithm: Algorithm) -> Self {
        let kind = if algorithm == Algorithm::ES256 { &rcgen::PKCS_ECDSA_P256_SHA256 } else { &rcgen::PKCS_RSA_SHA256 };
        let pair = rcgen::KeyPair::generate_for(kind).unwrap();
        let pem = pair.serialize_pem();
        let private = match algorithm {
            Algorithm::ES256 => EncodingKey::from_ec_pem(pem.as_bytes()),
            _ => EncodingKey::from_rsa_pem(pem.as_bytes()),
        };
        Self { id, algorithm, private: private.unwrap(), public_pem: pair.public_key_pem() }
    }

    /// The public half as a JWK.
    pub(crate) fn jwk(&self) -> Value {
        let mut jwk = serde_json::to_value(Jwk::from_encoding_key(&self.private, self.algorithm).unwrap()).unwrap();
        jwk["kid"] = json!(self.id);
        jwk["use"] = json!("sig");
        jwk
    }

    /// A token with these claims under the usual header.
    pub(crate) fn token(&self, claims: &Value) -> String {
        self.signed(&self.header(&json!({})), claims)
    }

    /// The usual header, with more or other members.
    pub(crate) fn header(&self, more: &Value) -> Value {
        with(json!({"alg": format!("{:?}", self.algorithm), "typ": "JWT", "kid": self.id}), more)
    }

    /// A token under this very header, signed by this key's own algorithm whatever the header says.
    pub(crate) fn signed(&self, header: &Value, claims: &Value) -> String {
        self.sign(&message(&header.to_string(), &claims.to_string()))
    }

    /// Signs the first two parts of a token.
    pub(crate) fn sign(&self, message: &str) -> String {
        format!("{message}.{}", crypto::sign(message.as_bytes(), &self.private, self.algorithm).unwrap())
    }
}

/// The first two parts of a token.
pub(crate) fn message(header: &str, claims: &str) -> String {
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims))
}

/// An object with more or other members.
pub(crate) fn with(mut object: Value, more: &Value) -> Value {
    object.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    object
}

/// Now, in seconds since 1970.
pub(crate) fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}
