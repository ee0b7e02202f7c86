//! The upstreams: what is known of each beforehand, and the client that speaks to it.
//!
//! One client, with its pool of connections, for each server and set of trusted roots; made when a route is first seen, never
//! per request. There is no lock on the way of a request but that of the pool.

use super::body::UpstreamBody;
use crate::config::RouteConfig;
use crate::http_client::{self, Keep, Options, Tls, TlsError};
use arc_swap::ArcSwap;
use http::uri::{PathAndQuery, Uri};
use portcullis_core::target::NormalTarget;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

const OPTIONS: Options = Options {
    connect_timeout: Duration::from_secs(5),
    keep: Some(Keep {
        idle_max: 256,
        // Below the usual 60 s of servers, so that it is seldom they who close.
        idle_timeout: Duration::from_secs(30),
    }),
};

pub(super) type Client = http_client::Client<UpstreamBody>;

/// Why an upstream cannot be reached whatever the request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum UpstreamError {
    #[error("upstream.url has no host: write `http://host:port/path`")]
    Url,
    #[error("upstream.tls.ca_file holds no certificate: give a PEM file")]
    NoCertificate,
    #[error("a certificate of upstream.tls.ca_file cannot be used: give X.509 certificates of authorities")]
    Certificate,
    #[error("this system has no trusted roots: install ca-certificates, or set upstream.tls.ca_file")]
    NoRoots,
    #[error("TLS to upstreams cannot be set up")]
    Tls,
}

impl From<TlsError> for UpstreamError {
    fn from(error: TlsError) -> Self {
        match error {
            TlsError::Host => Self::Url,
            TlsError::NoCertificate => Self::NoCertificate,
            TlsError::Certificate => Self::Certificate,
            TlsError::NoRoots => Self::NoRoots,
            TlsError::Identity | TlsError::Unsupported => Self::Tls,
        }
    }
}

/// One upstream, ready for requests.
pub(super) struct Upstream {
    /// Keeps the route, so that its address stays its own.
    _route: Arc<RouteConfig>,
    pub(super) client: Arc<Client>,
    /// Put before the request's path; without a final slash.
    prefix: String,
    /// Until the head of the response.
    pub(super) timeout: Duration,
}

impl Upstream {
    fn new(route: &Arc<RouteConfig>, client: Arc<Client>) -> Self {
        Self {
            _route: Arc::clone(route),
            client,
            prefix: route.upstream.url.path().trim_end_matches('/').to_owned(),
            timeout: route.upstream.timeout,
        }
    }

    /// Path and query of a request at this upstream: the prefix, then path and query byte for byte. `received` is what the
    /// target was made from; its bytes are shared where nothing stands before it.
    pub(super) fn uri(&self, target: &NormalTarget, received: &Uri) -> Result<Uri, http::Error> {
        let shared = received.path_and_query().filter(|received| {
            self.prefix.is_empty() && received.path() == target.path() && received.query() == target.query()
        });
        let path = match (shared, target.query()) {
            (Some(received), _) => received.clone(),
            (None, None) => PathAndQuery::try_from(format!("{}{}", self.prefix, target.path()))?,
            (None, Some(query)) => PathAndQuery::try_from(format!("{}{}?{query}", self.prefix, target.path()))?,
        };
        Ok(Uri::from(path))
    }
}

type Prepared = Result<Arc<Upstream>, UpstreamError>;
/// The certificates that a client trusts; `None`: the system's.
type Roots = Option<Vec<u8>>;

/// All upstreams that were ever asked for and whose routes are still in use.
#[derive(Default)]
pub(super) struct Upstreams {
    /// By the address of the route, which an entry keeps alive.
    ready: ArcSwap<HashMap<usize, (Arc<RouteConfig>, Prepared)>>,
    made: Mutex<Made>,
}

/// What upstreams share. A route of a new configuration finds its connections here.
#[derive(Default)]
struct Made {
    tls: HashMap<Roots, Tls>,
    /// By the origin, and for https the roots.
    clients: HashMap<(String, Roots), Arc<Client>>,
}

impl Upstreams {
    /// The upstream of a route.
    pub(super) fn of(&self, route: &Arc<RouteConfig>) -> Prepared {
        let key = Arc::as_ptr(route).addr();
        if let Some((_, prepared)) = self.ready.load().get(&key) {
            return prepared.clone();
        }
        let client = self.made.lock().unwrap_or_else(PoisonError::into_inner).client(route);
        let prepared = client.map(|client| Arc::new(Upstream::new(route, client)));
        self.ready.rcu(|ready| {
            let mut next: HashMap<_, _> = HashMap::with_capacity(ready.len() + 1);
            for (key, (known, prepared)) in ready.iter() {
                // Routes that only this map and the upstream itself hold belong to a snapshot that is gone. (A copy that
                // another thread makes of this map at the same time counts too, and the next one drops them.)
                let ours = 1 + usize::from(prepared.is_ok());
                if Arc::strong_count(known) > ours {
                    next.insert(*key, (Arc::clone(known), prepared.clone()));
                }
            }
            next.insert(key, (Arc::clone(route), prepared.clone()));
            next
        });
        prepared
    }
}

impl Made {
    fn client(&mut self, route: &RouteConfig) -> Result<Arc<Client>, UpstreamError> {
        let (url, ca_pem) = (&route.upstream.url, &route.upstream.ca_pem);
        let is_https = url.scheme() == "https";
        let key = (url.origin().ascii_serialization(), ca_pem.clone().filter(|_| is_https));
        if let Some(client) = self.clients.get(&key) {
            return Ok(Arc::clone(client));
        }
        // Those that no upstream has any more belong to configurations that are gone.
        self.clients.retain(|_, client| Arc::strong_count(client) > 1);
        self.tls.retain(|_, tls| tls.is_used());
        let tls = if is_https { Some(self.tls(ca_pem)?) } else { None };
        let client = Arc::new(Client::new(url, tls.as_ref(), OPTIONS)?);
        self.clients.insert(key, Arc::clone(&client));
        Ok(client)
    }

    fn tls(&mut self, ca_pem: &Roots) -> Result<Tls, UpstreamError> {
        if let Some(tls) = self.tls.get(ca_pem) {
            return Ok(tls.clone());
        }
        let tls = Tls::new(ca_pem.as_deref(), None)?;
        self.tls.insert(ca_pem.clone(), tls.clone());
        Ok(tls)
    }
}
