//! The administrator's listener: is it alive, is it ready, forget what is known. Apart from the gateway's own, loopback unless written otherwise.
//!
//! It must never show a setting, a credential or an identity.

use crate::decision::{Fingerprint, Forget, Snapshot};
use arc_swap::ArcSwap;
use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{delete, get};
use axum::{Json, Router};
use serde_json::{Value, json};
use std::future::Future;
use std::sync::Arc;
use tokio::net::TcpListener;

/// What the administrator's listener needs of the snapshot that is served from.
pub trait Readiness: Send + Sync + 'static {
    /// Providers that a route uses and that have no plan yet, each with the reason.
    fn not_ready(&self) -> Vec<(String, String)>;

    /// Forgets verdicts, and says how many that were.
    fn forget(&self, what: &Forget) -> usize;
}

impl Readiness for Snapshot {
    fn not_ready(&self) -> Vec<(String, String)> {
        Self::not_ready(self)
    }

    fn forget(&self, what: &Forget) -> usize {
        self.verdicts().forget(what)
    }
}

/// Serves `GET /livez`, `GET /readyz` and `DELETE /cache` until `shutdown` completes.
///
/// # Errors
/// The listener failed.
pub async fn serve<S: Readiness>(
    listener: TcpListener,
    world: Arc<ArcSwap<S>>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    axum::serve(listener, router(world)).with_graceful_shutdown(shutdown).await
}

fn router<S: Readiness>(world: Arc<ArcSwap<S>>) -> Router {
    Router::new()
        .route("/livez", get(livez))
        .route("/readyz", get(readyz::<S>))
        .route("/cache", delete(forget::<S>))
        .with_state(world)
}

/// 200 as long as the process answers at all: whoever restarts it on anything else makes an outage of the provider's ours.
async fn livez() -> impl IntoResponse {
    ([(header::CACHE_CONTROL, "no-store")], Json(json!({"status": "alive"})))
}

/// 200 when every provider that a route uses has a plan; else 503 and which have none, with the reason.
async fn readyz<S: Readiness>(State(world): State<Arc<ArcSwap<S>>>) -> impl IntoResponse {
    let waiting = world.load().not_ready();
    let no_store = [(header::CACHE_CONTROL, "no-store")];
    if waiting.is_empty() {
        return (StatusCode::OK, no_store, Json(json!({"status": "ready", "providers": []})));
    }
    let providers: Vec<Value> =
        waiting.into_iter().map(|(provider, reason)| json!({"provider": provider, "reason": reason})).collect();
    (StatusCode::SERVICE_UNAVAILABLE, no_store, Json(json!({"status": "not ready", "providers": providers})))
}

/// Forgets what is known: everything, or with one of `?provider=NAME`, `?user=NAME` and `?token=FINGERPRINT` (16 digits, from the
/// access log) what is of that one. Anything else in the query is refused, and nothing is forgotten.
async fn forget<S: Readiness>(State(world): State<Arc<ArcSwap<S>>>, RawQuery(query): RawQuery) -> impl IntoResponse {
    let no_store = [(header::CACHE_CONTROL, "no-store")];
    match what(query.as_deref().unwrap_or_default()) {
        Some(what) => (StatusCode::OK, no_store, Json(json!({"forgotten": world.load().forget(&what)}))),
        None => {
            let remedy = "nothing was forgotten; write at most one of ?provider=NAME, ?user=NAME, ?token=FINGERPRINT";
            (StatusCode::BAD_REQUEST, no_store, Json(json!({"error": remedy})))
        }
    }
}

fn what(query: &str) -> Option<Forget> {
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    let Some((name, value)) = pairs.next() else { return Some(Forget::All) };
    if pairs.next().is_some() || value.is_empty() {
        return None;
    }
    match &*name {
        "provider" => Some(Forget::Provider(value.into_owned())),
        "user" => Some(Forget::User(value.into_owned())),
        "token" => Fingerprint::parse(&value).map(Forget::Credential),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
