//! One request: its id, its target, its decision.
//!
//! The body is not touched before the decision is made.

use super::body::ClientBody;
use super::download::Downloads;
use super::places::{Client, ConnectionPlace};
use super::proxy::{self, Failure};
use super::record::{self, Outcome};
use super::upstream::Upstreams;
use super::via::Via;
use super::{Decide, headers, respond, upgrade};
use crate::decision::{Account, Decision, Pass, Passage, Request as Question, keep_the_question};
use arc_swap::ArcSwap;
use http::request::Parts;
use http::{HeaderValue, Request, Response, Version, header};
use http_body::Body as _;
use hyper::body::Incoming;
use portcullis_core::denial::{Denial, Kind};
use portcullis_core::target::{NormalTarget, TargetError};
use std::convert::Infallible;
use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

/// What all connections share.
pub(super) struct Door<S> {
    world: Arc<ArcSwap<S>>,
    upstreams: Upstreams,
    /// `https` or `http`: what the client spoke.
    scheme: HeaderValue,
    via: Via,
    ids: Ids,
}

/// What the requests of one connection share.
pub(super) struct Connection {
    /// The client's address, as `X-Forwarded-For` has it.
    pub(super) peer: HeaderValue,
    pub(super) peer_ip: IpAddr,
    pub(super) life: upgrade::Life,
    client: Arc<Client>,
    /// Answers over HTTP/2.
    pub(super) downloads: Arc<Downloads>,
    begun: AtomicBool,
}

impl Connection {
    pub(super) fn new(peer: SocketAddr, life: upgrade::Life, place: Arc<ConnectionPlace>) -> Self {
        let client = Arc::clone(place.client());
        let life = upgrade::Life { _place: Some(place), ..life };
        let peer_ip = peer.ip().to_canonical();
        // An address is always visible ASCII.
        let peer = HeaderValue::try_from(peer_ip.to_string()).unwrap_or(HeaderValue::from_static("unknown"));
        Self { peer, peer_ip, life, client, downloads: Arc::default(), begun: AtomicBool::new(false) }
    }

    /// Whether a request was ever complete.
    pub(super) fn has_begun(&self) -> bool {
        self.begun.load(Ordering::Relaxed)
    }
}

impl<S: Decide> Door<S> {
    pub(super) fn new(world: Arc<ArcSwap<S>>, tls: bool) -> Self {
        let upstreams = Upstreams::default();
        for route in world.load().routes() {
            if let Err(error) = upstreams.of(route) {
                tracing::error!(route = route.index, %error, "the upstream of a route cannot be reached");
            }
        }
        let scheme = HeaderValue::from_static(if tls { "https" } else { "http" });
        Self { world, upstreams, scheme, via: Via::new(), ids: Ids::new() }
    }

    pub(super) async fn serve(
        &self,
        request: Request<Incoming>,
        connection: &Connection,
    ) -> Result<Response<ClientBody>, Infallible> {
        connection.begun.store(true, Ordering::Relaxed);
        let began = Instant::now();
        let id = self.ids.next();
        let method = request.method().clone();
        let trace = request.headers().get("traceparent").and_then(record::trace_id);
        let (mut response, account, outcome, path) = self.answer(request, connection, &id).await;
        response.headers_mut().insert(headers::REQUEST_ID, id.clone());
        let request = record::Request { method: &method, trace, path, began, id: &id };
        record::record(outcome, account, request, response.status().as_u16());
        Ok(response)
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
        connection: &Connection,
        id: &HeaderValue,
    ) -> (Response<ClientBody>, Account, Outcome, Option<String>) {
        let snapshot = self.world.load_full();
        let (parts, body) = request.into_parts();
        let received = parts.version;
        let refuse = |denial: Denial| (respond::denial(&denial, id), Outcome::Refused(denial));
        let fail = |failure: Failure| (respond::failure(&failure, id), Outcome::Failed(failure));
        let undecided = |(response, outcome)| (response, Account::default(), outcome, None);
        let Some(place) = connection.client.request() else { return undecided(fail(Failure::Overloaded)) };
        if is_framed_in_two_ways(&parts) {
            let reason = "the transfer coding is other than one `chunked`";
            let (mut response, outcome) = refuse(Denial::new(Kind::Ambiguous, reason));
            respond::last(&mut response, received);
            return undecided((response, outcome));
        }
        let target = match target_of(&parts) {
            Ok(target) => target,
            Err(error) => return undecided(refuse(Denial::new(Kind::Ambiguous, error.to_string()))),
        };
        if self.via.is_in(&parts.headers) {
            return undecided(fail(Failure::Loop));
        }
        let client = connection.client.network();
        let question = Question { method: &parts.method, target: &target, headers: &parts.headers, client };
        let Decision { outcome, allow_origin, account } = snapshot.decide(question).await;
        // Told of nobody but who is to be found: a script with Basic.
        let path = account.basic.is_some().then(|| target.path().to_owned());
        let (mut response, outcome) = match outcome {
            Err(denial) => refuse(denial),
            Ok(Passage::Preflight(headers)) => (respond::preflight(headers), Outcome::Preflight),
            Ok(Passage::Forward(pass)) if pass.preflight && !body.is_end_stream() => {
                refuse(Denial::by("cors", Kind::Ambiguous, "a preflight with a body"))
            }
            Ok(Passage::Forward(pass)) => {
                let way = proxy::Way {
                    target: &target,
                    connection,
                    scheme: &self.scheme,
                    id,
                    received,
                    via: &self.via,
                    place,
                };
                self.forward(parts, body, pass, &snapshot, way).await
            }
        };
        if let Outcome::Failed(failure) = &outcome
            && failure.ends_connection()
        {
            respond::last(&mut response, received);
        }
        if let Some(origin) = allow_origin {
            respond::readable_by(&mut response, origin);
        }
        (response, account, outcome, path)
    }

    async fn forward(
        &self,
        mut parts: Parts,
        body: Incoming,
        pass: Pass,
        snapshot: &Arc<S>,
        way: proxy::Way<'_>,
    ) -> (Response<ClientBody>, Outcome) {
        let id = way.id;
        if pass.preflight {
            keep_the_question(&mut parts.headers);
        }
        let proxied = match self.upstreams.of(&pass.route) {
            Ok(upstream) => proxy::forward(&upstream, parts, body, pass, snapshot, way).await,
            Err(error) => Err(Failure::Unusable(error)),
        };
        match proxied {
            Ok(response) => (response, Outcome::Passed),
            Err(failure) => (respond::failure(&failure, id), Outcome::Failed(failure)),
        }
    }
}

/// Whether a request has a transfer coding other than exactly one `chunked` (RFC 9112 6.1): an upstream would be sent the inner
/// coding's bytes without its name, and servers differ in what they make of several. What hyper does not take at all it
/// answers with 400 by itself; a `Content-Length` beside it it drops, and ends the connection after the answer.
fn is_framed_in_two_ways(parts: &Parts) -> bool {
    let mut codings = parts.headers.get_all(header::TRANSFER_ENCODING).iter();
    let first = codings.next();
    first.is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"chunked")) || codings.next().is_some()
}

/// The normalised target of a request, from what hyper made of its request line or pseudo-headers. Both ways hyper cuts a
/// fragment off (`#`, which has no place there): what is matched is what is forwarded.
fn target_of(parts: &Parts) -> Result<NormalTarget, TargetError> {
    let mut hosts = [""; 2];
    let mut count = 0;
    for value in parts.headers.get_all(header::HOST) {
        // The target's own check refuses every byte that is not ASCII.
        let host = std::str::from_utf8(value.as_bytes()).map_err(|_| TargetError::Host)?;
        let slot = hosts.get_mut(count).ok_or(TargetError::ManyHosts)?;
        *slot = host;
        count += 1;
    }
    let hosts = hosts.get(..count).ok_or(TargetError::ManyHosts)?;
    let method = parts.method.as_str();
    let path = parts.uri.path_and_query().ok_or(TargetError::Form)?.as_str();
    let authority = parts.uri.authority().map(http::uri::Authority::as_str);
    if parts.version == Version::HTTP_2 {
        // h2 drops the scheme where there is no `:authority`: nothing is made of it.
        return match parts.uri.scheme_str() {
            None | Some("http" | "https") => NormalTarget::parse_http2(path, authority, hosts, method),
            Some(_) => Err(TargetError::Form),
        };
    }
    let absolute;
    let target = match (parts.uri.scheme_str(), authority) {
        (None, None) => path,
        (Some(scheme), Some(authority)) => {
            absolute = format!("{scheme}://{authority}{path}");
            &absolute
        }
        _ => return Err(TargetError::Form),
    };
    NormalTarget::parse(target, hosts, method)
}

/// Request ids: unlike each other within a process, and most likely across its restarts. They are no secret.
struct Ids {
    seed: u64,
    count: AtomicU64,
}

impl Ids {
    fn new() -> Self {
        Self { seed: RandomState::new().hash_one(std::process::id()), count: AtomicU64::new(0) }
    }

    /// 16 hexadecimal digits: splitmix64 of a counter, a bijection, so that no two are equal.
    fn next(&self) -> HeaderValue {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let mut mixed = self.seed.wrapping_add(count.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        HeaderValue::try_from(format!("{mixed:016x}")).unwrap_or(HeaderValue::from_static("0"))
    }
}
