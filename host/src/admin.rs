//! The administrator's listener: is it alive, is it ready. Apart from the gateway's own, loopback unless written otherwise.
//!
//! It must never show a setting, a credential or an identity.

use crate::decision::Snapshot;
use arc_swap::ArcSwap;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use std::future::Future;
use std::sync::Arc;
use tokio::net::TcpListener;

/// What the administrator's listener needs of the snapshot that is served from.
pub trait Readiness: Send + Sync + 'static {
    /// Providers that a route uses and that have no plan yet, each with the reason.
    fn not_ready(&self) -> Vec<(String, String)>;
}

impl Readiness for Snapshot {
    fn not_ready(&self) -> Vec<(String, String)> {
        Self::not_ready(self)
    }
}

/// Serves `GET /livez` and `GET /readyz` until `shutdown` completes.
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
    Router::new().route("/livez", get(livez)).route("/readyz", get(readyz::<S>)).with_state(world)
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

#[cfg(test)]
mod tests;
