//! What a provider's verdicts depend on, as one digest: verdicts of another generation are not taken for this one's.
//!
//! What does not change a verdict (timeouts, routes, other providers) must not be in it, or an unrelated edit of the
//! configuration would empty the cache.

use crate::adapter::{
    Adapter,
    contract::{Context, Plan},
};
use crate::config::ProviderConfig;
use portcullis_core::setting::SettingValue;

/// The digest of what an operator wrote and of the adapter. It covers secrets, so it is never shown.
pub(super) fn of_content(config: &ProviderConfig, context: &Context, adapter: &Adapter) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    let mut part = |text: &str| {
        hasher.update(&u64::try_from(text.len()).unwrap_or(u64::MAX).to_le_bytes());
        hasher.update(text.as_bytes());
    };
    part(adapter.digest());
    // Settings without their secrets, username attributes, wanted facts.
    part(&format!("{context:?}"));
    for (name, value) in &config.settings {
        if let SettingValue::Secret(secret) = value {
            part(name);
            part(secret.reveal());
        }
    }
    let client = &config.client;
    part(&format!("{:?} {:?} {:?} {:?}", client.id, client.auth, client.key_id, client.assertion_audience));
    part(client.secret.as_ref().map_or("", |secret| secret.reveal()));
    part(client.key.as_ref().map_or("", |key| key.reveal()));
    part(&format!(
        "{:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
        config.granted_origins,
        config.naming,
        config.audience,
        config.required_scopes,
        config.scope_orders,
        config.ca_pem,
        config.client_certificate.as_ref().map(|certificate| &certificate.chain_pem),
        config.proxy,
        config.cache
    ));
    *hasher.finalize().as_bytes()
}

/// The digest of the same with the plan that was made of it: documents change plans while the content stays.
pub(super) fn of_plan(content: &[u8; 32], plan: &Plan) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(content).update(format!("{plan:?}").as_bytes());
    *hasher.finalize().as_bytes()
}
