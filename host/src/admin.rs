//! The administrator's listener: is it alive, is it ready, what it does, forget what is known. Apart from the gateway's own, loopback unless written otherwise.
//!
//! It must never show a setting or a credential. Who came is shown by `/decisions`, as in the log.

mod door;

use crate::decision::{Forget, Snapshot};
use crate::descriptors::BUDGET;
use crate::metrics::{GaugeNow, METRICS, process};
use crate::provider::{Provider, Readiness};
use crate::recent::RECENT;
use arc_swap::{ArcSwap, ArcSwapOption};
use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{delete, get};
use axum::{Json, Router};
use portcullis_core::fingerprint::Fingerprint;
use serde_json::{Value, json};
use std::future::Future;
use std::sync::Arc;
use tokio::net::TcpListener;

/// What the administrator's listener needs of the snapshot that is served from.
pub trait Administered: Send + Sync + 'static {
    /// Providers that a route uses and that have no plan yet, each with the reason.
    fn not_ready(&self) -> Vec<(String, String)>;

    /// What is only looked at when somebody asks.
    fn gauges(&self) -> Vec<GaugeNow>;

    /// Forgets verdicts, and says how many that were.
    fn forget(&self, what: &Forget) -> usize;
}

impl Administered for Snapshot {
    fn not_ready(&self) -> Vec<(String, String)> {
        Self::not_ready(self)
    }

    fn gauges(&self) -> Vec<GaugeNow> {
        let each = |name, help, value: &dyn Fn(&Provider) -> f64| {
            let values = self.providers().map(|provider| (provider.config().name.clone(), value(provider)));
            GaugeNow::each(name, help, "provider", values)
        };
        let [good, bad] = self.verdicts().size();
        let kinds = |good: f64, bad: f64| [("identities".to_owned(), good), ("refusals".to_owned(), bad)];
        let (entries, bytes) = (kinds(number(good.0), number(bad.0)), kinds(number(good.1), number(bad.1)));
        vec![
            each("portcullis_provider_ready", "1 when the provider has a plan", &|provider| {
                f64::from(u8::from(matches!(*provider.readiness(), Readiness::Ready(_))))
            }),
            each(
                "portcullis_provider_down",
                "1 while the provider is held to be down (circuit breaker)",
                &|provider| f64::from(u8::from(provider.load().down)),
            ),
            each(
                "portcullis_provider_limited",
                "1 while calls are held back since the provider limits the gateway as a whole",
                &|provider| f64::from(u8::from(provider.load().limited)),
            ),
            each("portcullis_provider_calls_in_flight", "Calls under way", &|provider| {
                number(provider.load().in_flight)
            }),
            each("portcullis_provider_calls_waiting", "Calls that wait for a turn", &|provider| {
                number(provider.load().waiting)
            }),
            GaugeNow::each("portcullis_cache_entries", "Verdicts that are kept", "kind", entries),
            GaugeNow::each("portcullis_cache_bytes", "What they take, about", "kind", bytes),
        ]
    }

    fn forget(&self, what: &Forget) -> usize {
        self.verdicts().forget(what)
    }
}

/// A count as a metric's value.
fn number(count: impl TryInto<u32>) -> f64 {
    count.try_into().map_or(f64::from(u32::MAX), f64::from)
}

/// Whether what is on disk is what serves, for `/readyz` and `portcullis status`: how the last reload ended, or that one is under way.
#[derive(Debug, Default)]
pub struct Reloaded(ArcSwapOption<Stale>);

#[derive(Debug)]
enum Stale {
    UnderWay,
    Refused(Vec<String>),
}

impl Reloaded {
    /// What is on disk is being read and compiled, which may take a while; until then it does not serve.
    pub fn begun(&self) {
        self.0.store(Some(Arc::new(Stale::UnderWay)));
    }

    /// What is on disk serves.
    pub fn well(&self) {
        self.0.store(None);
    }

    /// What is on disk cannot be taken, for these reasons.
    pub fn badly(&self, problems: Vec<String>) {
        self.0.store(Some(Arc::new(Stale::Refused(problems))));
    }

    fn told(&self) -> Value {
        match &*self.0.load() {
            None => json!({"stale": false}),
            Some(stale) => match &**stale {
                Stale::UnderWay => json!({"stale": true, "reloading": true}),
                Stale::Refused(problems) => json!({"stale": true, "problems": problems}),
            },
        }
    }
}

/// Serves `GET /livez`, `/readyz`, `/metrics`, `/decisions` and `/basic`, and `DELETE /cache`, until `shutdown` completes.
///
/// # Errors
/// The listener failed.
pub async fn serve<S: Administered>(
    listener: TcpListener,
    world: Arc<ArcSwap<S>>,
    reloaded: Arc<Reloaded>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let door = door::Door::new(listener, BUDGET.admin);
    axum::serve(door, router(world, reloaded)).with_graceful_shutdown(shutdown).await
}

fn router<S: Administered>(world: Arc<ArcSwap<S>>, reloaded: Arc<Reloaded>) -> Router {
    Router::new()
        .route("/livez", get(livez))
        .route("/readyz", get(readyz::<S>))
        .route("/metrics", get(metrics::<S>))
        .route("/decisions", get(async || ([(header::CACHE_CONTROL, "no-store")], Json(RECENT.decisions()))))
        .route("/basic", get(async || ([(header::CACHE_CONTROL, "no-store")], Json(RECENT.callers()))))
        .route("/cache", delete(forget::<S>))
        .with_state(Shared { world, reloaded })
}

struct Shared<S> {
    world: Arc<ArcSwap<S>>,
    reloaded: Arc<Reloaded>,
}

impl<S> Clone for Shared<S> {
    fn clone(&self) -> Self {
        Self { world: Arc::clone(&self.world), reloaded: Arc::clone(&self.reloaded) }
    }
}

/// OpenMetrics (its specification, 1.0).
async fn metrics<S: Administered>(State(shared): State<Shared<S>>) -> impl IntoResponse {
    let mut gauges = shared.world.load().gauges();
    gauges.extend(process());
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-store")], METRICS.text(&gauges))
}

/// 200 as long as the process answers at all: whoever restarts it on anything else makes an outage of the provider's ours.
async fn livez() -> impl IntoResponse {
    ([(header::CACHE_CONTROL, "no-store")], Json(json!({"status": "alive"})))
}

/// 200 when every provider that a route uses has a plan; else 503 and which have none, with the reason. A configuration that
/// could not be taken is told, and changes nothing: the last good one serves.
async fn readyz<S: Administered>(State(shared): State<Shared<S>>) -> impl IntoResponse {
    let waiting = shared.world.load().not_ready();
    let configuration = shared.reloaded.told();
    let no_store = [(header::CACHE_CONTROL, "no-store")];
    if waiting.is_empty() {
        return (
            StatusCode::OK,
            no_store,
            Json(json!({"status": "ready", "providers": [], "configuration": configuration})),
        );
    }
    let providers: Vec<Value> =
        waiting.into_iter().map(|(provider, reason)| json!({"provider": provider, "reason": reason})).collect();
    let told = json!({"status": "not ready", "providers": providers, "configuration": configuration});
    (StatusCode::SERVICE_UNAVAILABLE, no_store, Json(told))
}

/// Forgets what is known: everything, or with one of `?provider=NAME`, `?user=NAME` and `?token=FINGERPRINT` (16 digits, from the
/// access log) what is of that one. Anything else in the query is refused, and nothing is forgotten.
async fn forget<S: Administered>(State(shared): State<Shared<S>>, RawQuery(query): RawQuery) -> impl IntoResponse {
    let no_store = [(header::CACHE_CONTROL, "no-store")];
    match what(query.as_deref().unwrap_or_default()) {
        Some(what) => (StatusCode::OK, no_store, Json(json!({"forgotten": shared.world.load().forget(&what)}))),
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
