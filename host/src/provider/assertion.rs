//! The assertion with which the gateway names itself to a provider (`private_key_jwt`: RFC 7523 2.2, OpenID Connect Core 9).

use super::plan::PlanProblem;
use crate::config::{ClientAuth, ClientConfig};
use crate::random;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use portcullis_core::secret::Secret;
use serde::Serialize;

/// What `client_assertion_type` says.
pub(super) const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// How long an assertion is good, in seconds: it is made for one request. Clocks may differ by part of it.
const LIFETIME_S: i64 = 120;

/// Who signs assertions.
pub(super) struct Signer {
    key: EncodingKey,
    algorithm: Algorithm,
    key_id: Option<String>,
    client_id: String,
    audience: Option<String>,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    jti: String,
    iat: i64,
    exp: i64,
}

impl Signer {
    /// Of a client that signs; `None` for any other, and where something is missing, which is reported where a plan needs it.
    ///
    /// # Errors
    ///
    /// The key is none.
    pub(super) fn of(client: &ClientConfig) -> Result<Option<Self>, PlanProblem> {
        let (ClientAuth::PrivateKeyJwt, Some(key), Some(id)) = (client.auth, &client.key, &client.id) else {
            return Ok(None);
        };
        let Some((key, algorithm)) = read(key.reveal().as_bytes()) else {
            let problem = "is no private key that can sign: RSA of 2048 bits or more, P-256, P-384 or Ed25519, in PEM";
            let remedy = "write `file:` and the key's file, in PKCS#8 (`BEGIN PRIVATE KEY`) or, for RSA, PKCS#1";
            return Err(PlanProblem::new(Some("client_key"), problem, remedy));
        };
        let (key_id, audience) = (client.key_id.clone(), client.assertion_audience.clone());
        Ok(Some(Self { key, algorithm, key_id, client_id: id.clone(), audience }))
    }

    /// An assertion for one request to `url`, at `now` (seconds since 1970).
    pub(super) fn assertion(&self, url: &str, now: i64) -> Result<Secret, String> {
        let header = Header { kid: self.key_id.clone(), ..Header::new(self.algorithm) };
        let id = self.client_id.as_str();
        let jti: [u8; 16] = random::bytes()?;
        let jti = jti.iter().map(|byte| format!("{byte:02x}")).collect();
        let aud = self.audience.as_deref().unwrap_or(url);
        let claims = Claims { iss: id, sub: id, aud, jti, iat: now, exp: now.saturating_add(LIFETIME_S) };
        let signed = jsonwebtoken::encode(&header, &claims, &self.key);
        signed.map(Secret::new).map_err(|_| "the assertion cannot be signed with `client_key`".to_owned())
    }
}

/// The key, with the algorithm that it signs by. Each kind is tried, since PEM does not always say which it is.
fn read(pem: &[u8]) -> Option<(EncodingKey, Algorithm)> {
    let kinds = [
        (EncodingKey::from_rsa_pem(pem), Algorithm::RS256),
        (EncodingKey::from_ec_pem(pem), Algorithm::ES256),
        (EncodingKey::from_ec_pem(pem), Algorithm::ES384),
        (EncodingKey::from_ed_pem(pem), Algorithm::EdDSA),
    ];
    let signs = |key: &EncodingKey, algorithm| jsonwebtoken::crypto::sign(b"", key, algorithm).is_ok();
    kinds.into_iter().find_map(|(key, algorithm)| Some((key.ok().filter(|key| signs(key, algorithm))?, algorithm)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jsonwebtoken::jwk::Jwk;
    use jsonwebtoken::{DecodingKey, Validation};
    use serde_json::Value;

    fn client(key: &str) -> ClientConfig {
        ClientConfig {
            id: Some("gateway".to_owned()),
            auth: ClientAuth::PrivateKeyJwt,
            key: Some(Secret::new(key)),
            key_id: Some("k1".to_owned()),
            ..ClientConfig::default()
        }
    }

    #[test]
    fn keys_of_every_kind_sign_assertions_that_verify() {
        for (kind, algorithm) in [
            (&rcgen::PKCS_RSA_SHA256, Algorithm::RS256),
            (&rcgen::PKCS_ECDSA_P256_SHA256, Algorithm::ES256),
            (&rcgen::PKCS_ECDSA_P384_SHA384, Algorithm::ES384),
            (&rcgen::PKCS_ED25519, Algorithm::EdDSA),
        ] {
            let pair = rcgen::KeyPair::generate_for(kind).unwrap();
            let pem = pair.serialize_pem();
            let signer = Signer::of(&client(&pem)).unwrap().unwrap();
            assert_eq!(signer.algorithm, algorithm);
            let assertion = signer.assertion("https://id.example.com/token", 1_700_000_000).unwrap();
            let (key, _) = read(pem.as_bytes()).unwrap();
            let public = match algorithm {
                Algorithm::EdDSA => DecodingKey::from_ed_der(pair.public_key_raw()),
                _ => DecodingKey::from_jwk(&Jwk::from_encoding_key(&key, algorithm).unwrap()).unwrap(),
            };
            let mut validation = Validation::new(algorithm);
            validation.set_audience(&["https://id.example.com/token"]);
            validation.validate_exp = false;
            let read = jsonwebtoken::decode::<Value>(assertion.reveal(), &public, &validation).unwrap();
            assert_eq!(read.header.kid.as_deref(), Some("k1"));
            assert_eq!((&read.claims["iss"], &read.claims["sub"]), (&"gateway".into(), &"gateway".into()));
            assert_eq!(read.claims["exp"], 1_700_000_120);
            let other = signer.assertion("https://id.example.com/token", 1_700_000_000).unwrap();
            let other = jsonwebtoken::decode::<Value>(other.reveal(), &public, &validation).unwrap();
            assert_ne!(read.claims["jti"], other.claims["jti"]);
        }
    }

    #[test]
    fn what_is_no_key_is_refused_without_showing_it() {
        let public = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap().public_key_pem();
        for key in ["geheim-nicht-zeigen", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", &public] {
            let problem = Signer::of(&client(key)).err().unwrap();
            assert_eq!(problem.setting.as_deref(), Some("client_key"));
            assert!(!problem.to_string().contains("geheim") && !problem.to_string().contains("AAAA"));
        }
    }
}
