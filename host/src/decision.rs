//! Credential -> verdict -> decision. Every door calls [`decide`] on the same normalised request, so they cannot disagree.

use crate::config::RouteConfig;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use portcullis_core::denial::Denial;
use portcullis_core::identity::Identity;
use portcullis_core::target::NormalTarget;
use std::sync::Arc;

/// What a door knows of a request, once its target is normalised.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The method.
    pub method: &'a Method,
    /// Host, path and query.
    pub target: &'a NormalTarget,
    /// The headers as they came.
    pub headers: &'a HeaderMap,
}

/// The outcome for one request.
#[derive(Debug)]
pub enum Decision {
    /// Let it through.
    Pass(Pass),
    /// Refuse it.
    Refuse(Denial),
}

/// How a request is let through.
#[derive(Debug)]
pub struct Pass {
    /// The route that matched.
    pub route: Arc<RouteConfig>,
    /// Whose request it is; `None` on a public route and for a Basic pair that is passed on.
    pub identity: Option<Arc<Identity>>,
    /// The identity headers, complete: one value each. Every header whose folded name is one of the configured ones
    /// (`Snapshot::identity_names`) is dropped from the request before these are set.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Whether the client's Authorization goes upstream.
    pub keep_authorization: bool,
    /// Whether cookies pass.
    pub pass_cookies: bool,
}

/// Everything that decisions are made from: immutable, replaced as a whole (design rule 5).
#[derive(Debug)]
pub struct Snapshot {
    /// Folded names (`portcullis_core::header::fold`) of every identity header of every route. A request header whose
    /// folded name is among them is dropped on every route, public ones too.
    pub identity_names: std::collections::HashSet<String>,
    /// The routes, for start-up messages and upstream clients.
    pub routes: Vec<Arc<RouteConfig>>,
}

impl Snapshot {
    /// Names of providers that a route uses and that have no plan yet, with the reason.
    #[must_use]
    pub fn not_ready(&self) -> Vec<(String, String)> {
        Vec::new()
    }
}

/// Decides one request.
pub async fn decide(_snapshot: &Snapshot, _request: Request<'_>) -> Decision {
    Decision::Refuse(Denial::NoRoute)
}
