//! Real identity providers, each with its table (`table.rs`): what becomes of a token, through the whole gateway.
//!
//! Keycloak, oidc-provider and glewlwyd are asked at every change; the others, which say so, by `cargo xtask e2e --all`.

mod canaille;
mod django;
mod glewlwyd;
mod grants;
mod keycloak;
mod oidc_provider;
mod table;
mod zitadel_op;
