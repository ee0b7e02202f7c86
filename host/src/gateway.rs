//! The door: takes connections, has each request decided, and passes it to its upstream or refuses it.
//!
//! A request goes through `service` (target, decision, access log), then either `respond` (a refusal) or `proxy` (headers,
//! upstream, upgrade). Bodies are streamed and never held. No door decides anything: that is [`Decide`], the same function
//! for all of them. Nothing here may look into a credential, or write a header's value or a query to the log.

mod body;
mod download;
mod hangup;
mod headers;
mod listener;
mod places;
mod progress;
mod proxy;
mod record;
mod respond;
mod service;
pub(crate) mod stall;
mod tls;
mod upgrade;
mod upstream;
mod via;

pub use listener::serve;
pub use tls::{TlsError, certificate_ends, server_config};

use crate::config::RouteConfig;
use crate::decision::{self, Decision, Request, Snapshot};
use std::collections::HashSet;
use std::future::Future;
use std::sync::Arc;

/// What a door needs of the snapshot that it serves from.
pub trait Decide: Send + Sync + 'static {
    /// Decides one request.
    fn decide(&self, request: Request<'_>) -> impl Future<Output = Decision> + Send;

    /// Folded names of all identity headers. A request's header whose folded name is among them is dropped on every route.
    fn identity_names(&self) -> &HashSet<String>;

    /// All routes, so that what their upstreams need is made before the first request.
    fn routes(&self) -> &[Arc<RouteConfig>];
}

impl Decide for Snapshot {
    fn decide(&self, request: Request<'_>) -> impl Future<Output = Decision> + Send {
        decision::decide(self, request)
    }

    fn identity_names(&self) -> &HashSet<String> {
        &self.identity_names
    }

    fn routes(&self) -> &[Arc<RouteConfig>] {
        &self.routes
    }
}

#[cfg(test)]
mod tests;
