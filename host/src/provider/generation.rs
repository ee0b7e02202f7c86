//! What a provider's verdicts depend on, as one digest: verdicts of another generation are not taken for this one's.
//!
//! What does not change a verdict (timeouts, routes, other providers) must not be in it, or an unrelated edit of the
//! configuration would empty the cache.

use crate::adapter::{Adapter, contract::Context};
use crate::config::ProviderConfig;
use portcullis_core::setting::SettingValue;

/// The digest. It covers secrets, so it is never shown.
pub(super) fn generation(config: &ProviderConfig, context: &Context, adapter: &Adapter) -> [u8; 32] {
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
    part(&format!("{:?} {:?}", client.id, client.auth));
    part(client.secret.as_ref().map_or("", |secret| secret.reveal()));
    part(&format!(
        "{:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
        config.granted_origins,
        config.naming,
        config.audience,
        config.required_scopes,
        config.scope_orders,
        config.ca_pem,
        config.proxy,
        config.cache
    ));
    *hasher.finalize().as_bytes()
}
