//! Credential -> verdict -> decision. Every door calls [`decide`] on the same normalised request, so they cannot disagree.
//!
//! Invariant: a request passes *as somebody* only with an identity that a provider gave for this very credential.

mod cache;
mod cors;
mod decide;
mod headers;
mod routing;
mod select;
mod snapshot;
mod verdicts;

pub use cache::Forget;
pub(crate) use cors::keep_the_question;
pub use decide::{decide, verdict_denial};
pub use snapshot::{Snapshot, settle};
pub use verdicts::{Source, Verdicts};

use crate::config::RouteConfig;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use portcullis_core::client::ClientNetwork;
use portcullis_core::denial::Denial;
use portcullis_core::fingerprint::Fingerprint;
use portcullis_core::target::NormalTarget;
use std::sync::Arc;
use std::time::Duration;

/// What a door knows of a request, once its target is normalised.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The method.
    pub method: &'a Method,
    /// Host, path and query.
    pub target: &'a NormalTarget,
    /// The headers as they came.
    pub headers: &'a HeaderMap,
    /// Where it comes from: the places at a provider are shared among clients.
    pub client: ClientNetwork,
}

/// The outcome for one request.
#[derive(Debug)]
pub struct Decision {
    /// Let it through, or refuse it.
    pub outcome: Result<Passage, Denial>,
    /// The page that may read the answer, whatever it is (`cors.origins`).
    pub allow_origin: Option<HeaderValue>,
    /// How it came about.
    pub account: Account,
}

impl From<Result<Pass, Denial>> for Decision {
    fn from(outcome: Result<Pass, Denial>) -> Self {
        Self { outcome: outcome.map(Passage::Forward), allow_origin: None, account: Account::default() }
    }
}

/// How a decision came about, for the log. Nothing here is secret.
#[derive(Debug, Default, Clone)]
pub struct Account {
    /// The route that matched, by its place in the file.
    pub route: Option<usize>,
    /// The provider whose verdict it was.
    pub provider: Option<Arc<str>>,
    /// Where the verdict came from.
    pub source: Option<Source>,
    /// The credential, where a provider judged it.
    pub credential: Option<Fingerprint>,
    /// How long the verdict took, known or asked.
    pub asked_for: Option<Duration>,
    /// Who was refused for coming with Basic, as far as that may be told.
    pub basic: Option<String>,
    /// Whose it was, also where the route's rules then refused.
    pub username: Option<Arc<str>>,
    /// On a route that only observes: what would have been refused, if anything.
    pub observed: Option<Option<Denial>>,
}

/// What is done with a request that is not refused.
#[derive(Debug)]
pub enum Passage {
    /// It goes to its upstream.
    Forward(Pass),
    /// It is a browser's preflight, answered with these headers.
    Preflight(HeaderMap),
}

/// How a request is let through.
#[derive(Debug)]
pub struct Pass {
    /// The route that matched.
    pub route: Arc<RouteConfig>,
    /// The identity headers, complete: one value each. Every header whose folded name is one of the configured ones
    /// (`Snapshot::identity_names`) is dropped from the request before these are set.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Whether the client's Authorization goes upstream.
    pub keep_authorization: bool,
    /// Whether cookies pass.
    pub pass_cookies: bool,
    /// It is a browser's preflight: nothing else of it goes upstream.
    pub preflight: bool,
}
