//! The upstreams: what is known of each beforehand, and the client that speaks to it.
//!
//! One client, with its pool of connections, for each set of trusted roots; made when a route is first seen, never per
//! request. There is no lock on the way of a request.

use super::body::UpstreamBody;
use crate::config::RouteConfig;
use arc_swap::ArcSwap;
use http::uri::{Authority, PathAndQuery, Scheme, Uri};
use http::{HeaderValue, uri};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use portcullis_core::target::NormalTarget;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Until a connection to an upstream stands.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an idle connection to an upstream is kept. Below the usual 60 s of servers, so that it is seldom they who close.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// Idle connections that are kept for one upstream.
const IDLE_MAX: usize = 256;

pub(super) type HttpClient = Client<HttpsConnector<HttpConnector>, UpstreamBody>;

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

/// One upstream, ready for requests.
pub(super) struct Upstream {
    /// Keeps the route, so that its address stays its own.
    _route: Arc<RouteConfig>,
    pub(super) client: HttpClient,
    scheme: Scheme,
    authority: Authority,
    /// Put before the request's path; without a final slash.
    prefix: String,
    /// The `Host` to send.
    pub(super) host: HeaderValue,
    /// Until the head of the response.
    pub(super) timeout: Duration,
}

impl Upstream {
    fn new(route: &Arc<RouteConfig>, client: HttpClient) -> Result<Self, UpstreamError> {
        let url = &route.upstream.url;
        let scheme = if url.scheme() == "https" { Scheme::HTTPS } else { Scheme::HTTP };
        let host = url.host_str().ok_or(UpstreamError::Url)?;
        let authority = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        Ok(Self {
            _route: Arc::clone(route),
            client,
            scheme,
            host: HeaderValue::from_str(&authority).map_err(|_| UpstreamError::Url)?,
            authority: Authority::try_from(authority).map_err(|_| UpstreamError::Url)?,
            prefix: url.path().trim_end_matches('/').to_owned(),
            timeout: route.upstream.timeout,
        })
    }

    /// Whether the upstream speaks TLS, and so perhaps HTTP/2.
    pub(super) fn is_tls(&self) -> bool {
        self.scheme == Scheme::HTTPS
    }

    /// The URI of a request at this upstream: the prefix, then path and query byte for byte. `received` is what the target
    /// was made from; its bytes are shared where nothing stands before it.
    pub(super) fn uri(&self, target: &NormalTarget, received: &Uri) -> Result<Uri, http::Error> {
        let shared = received.path_and_query().filter(|received| {
            self.prefix.is_empty() && received.path() == target.path() && received.query() == target.query()
        });
        let path = match (shared, target.query()) {
            (Some(received), _) => received.clone(),
            (None, None) => PathAndQuery::try_from(format!("{}{}", self.prefix, target.path()))?,
            (None, Some(query)) => PathAndQuery::try_from(format!("{}{}?{query}", self.prefix, target.path()))?,
        };
        let mut parts = uri::Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(path);
        Ok(Uri::from_parts(parts)?)
    }
}

type Prepared = Result<Arc<Upstream>, UpstreamError>;
/// The certificates that a client trusts; `None`: the system's, or none needed.
type Roots = Option<Vec<u8>>;

/// All upstreams that were ever asked for and whose routes are still in use.
#[derive(Default)]
pub(super) struct Upstreams {
    /// By the address of the route, which an entry keeps alive.
    ready: ArcSwap<HashMap<usize, (Arc<RouteConfig>, Prepared)>>,
    /// By whether it is TLS, and the roots.
    clients: Mutex<HashMap<(bool, Roots), HttpClient>>,
}

impl Upstreams {
    /// The upstream of a route.
    pub(super) fn of(&self, route: &Arc<RouteConfig>) -> Prepared {
        let key = Arc::as_ptr(route).addr();
        if let Some((_, prepared)) = self.ready.load().get(&key) {
            return prepared.clone();
        }
        let prepared = self
            .client(route.upstream.url.scheme() == "https", route.upstream.ca_pem.as_ref())
            .and_then(|client| Upstream::new(route, client))
            .map(Arc::new);
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

    fn client(&self, tls: bool, ca_pem: Option<&Vec<u8>>) -> Result<HttpClient, UpstreamError> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (tls, ca_pem.filter(|_| tls).cloned());
        if let Some(client) = clients.get(&key) {
            return Ok(client.clone());
        }
        let roots = match &key {
            (false, _) => RootCertStore::empty(),
            (true, Some(pem)) => roots_of(pem)?,
            (true, None) => system_roots()?,
        };
        let client = new_client(roots)?;
        clients.insert(key, client.clone());
        Ok(client)
    }
}

fn roots_of(pem: &[u8]) -> Result<RootCertStore, UpstreamError> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|_| UpstreamError::Certificate)?;
        roots.add(certificate).map_err(|_| UpstreamError::Certificate)?;
    }
    if roots.is_empty() { Err(UpstreamError::NoCertificate) } else { Ok(roots) }
}

fn system_roots() -> Result<RootCertStore, UpstreamError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() { Err(UpstreamError::NoRoots) } else { Ok(roots) }
}

fn new_client(roots: RootCertStore) -> Result<HttpClient, UpstreamError> {
    let tls = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|_| UpstreamError::Tls)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
    let connector = hyper_rustls::HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http()
        .enable_all_versions()
        .wrap_connector(tcp);
    Ok(Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE_TIMEOUT)
        .pool_max_idle_per_host(IDLE_MAX)
        // Only a request of which nothing was sent is sent again, on another connection.
        .retry_canceled_requests(true)
        .build(connector))
}
