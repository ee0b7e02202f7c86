//! A signed token, verified under a provider's published keys: the presented credential, or an answer (RFC 8725, RFC 9701).

use super::keys::{Found, Keyring};
use super::keyset::{self, Key};
use crate::adapter::contract;
use jsonwebtoken::crypto;
use portcullis_core::identity::{Identity, Moment};
use portcullis_core::jws::{Jws, SignatureRules};
use portcullis_core::refusal::{Cause, Refusal};

/// Verifies a token at `now` (seconds since 1970).
///
/// # Errors
///
/// `invalid-token` for whatever is wrong with the token itself, `unavailable` where the keys cannot be had.
pub(super) async fn verify<'t>(
    token: &'t str,
    rules: &contract::SignatureRules,
    keyring: &Keyring,
    now: i64,
) -> Result<Jws<'t>, Refusal> {
    let token = Jws::read(token)?;
    let contract::SignatureRules { keys, issuers, algorithms, types, expires } = rules;
    let rules = SignatureRules { issuers, algorithms, types, expires: *expires };
    rules.admit_header(&token)?;
    let unknown = || Refusal::new(Cause::Misconfigured, "the plan names an algorithm that nobody knows");
    let algorithm = keyset::algorithm(&token.algorithm).ok_or_else(unknown)?;
    // Claims that are no good whoever signed them need no keys.
    rules.admit_claims(&token, now)?;
    let keys = keyring.set(keys)?;
    let id = token.key_id.as_deref();
    let verifies = |found: &Found| {
        let by = |key: &Key| crypto::verify(token.signature, token.message.as_bytes(), &key.key, algorithm);
        found.keys.iter().any(|key| by(key).unwrap_or(false))
    };
    let mut found = keys.find(algorithm, id).await?;
    if verifies(&found) {
        return Ok(token);
    }
    if let Some(again) = keys.find_again(algorithm, id).await {
        found = again;
        if verifies(&found) {
            return Ok(token);
        }
    }
    // The set may hold the token's key where it cannot be read: then nobody can tell whether the token is good.
    if let Some(flaw) = found.flaw {
        return Err(Refusal::unavailable(flaw));
    }
    if found.keys.is_empty() {
        let id = token.key_id.as_deref().unwrap_or_default();
        return Err(Refusal::invalid(format!("the provider has no key {id:?} for {}", token.algorithm)));
    }
    Err(Refusal::invalid("the token's signature is not the provider's"))
}

/// What the claims of a verified token demand of an identity, whatever an adapter makes of them.
pub(super) struct VerifiedClaims {
    expires: Option<i64>,
    bound: bool,
}

impl VerifiedClaims {
    pub(super) fn of(token: &Jws<'_>) -> Self {
        Self { expires: token.expires(), bound: token.is_bound() }
    }

    /// An identity ends with its token, and one that is bound to a key stays bound.
    pub(super) fn hold(&self, identity: &mut Identity, now: i64) {
        if let Some(expires) = self.expires {
            let told = identity.expires.map_or(i64::MAX, |told| told.resolve(now));
            identity.expires = Some(Moment::At(told.min(expires)));
        }
        if self.bound && identity.confirmation.is_empty() {
            identity.confirmation.push(("cnf".to_owned(), String::new()));
        }
    }
}
