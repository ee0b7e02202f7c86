//! Passes a request that was let through to its upstream, and the answer back.
//!
//! Both bodies are streamed. A request of which anything was sent is never sent twice.

use super::body::{ClientBody, UpstreamAnswer, UpstreamBody};
use super::places::RequestPlace;
use super::progress::{self, Fault, Progress};
use super::service::Connection;
use super::upstream::{Upstream, UpstreamError};
use super::via::Via;
use super::{Decide, headers, upgrade};
use crate::decision::Pass;
use crate::http_client::{self, HEAD_BYTES_MAX};
use http::request::Parts;
use http::{HeaderValue, Request, Response, StatusCode, Version};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use portcullis_core::target::NormalTarget;
use std::sync::Arc;

/// How a request came here.
pub(super) struct Way<'a> {
    pub(super) target: &'a NormalTarget,
    pub(super) connection: &'a Connection,
    pub(super) scheme: &'a HeaderValue,
    pub(super) id: &'a HeaderValue,
    /// The HTTP version that the client spoke.
    pub(super) received: Version,
    pub(super) via: &'a Via,
    pub(super) place: RequestPlace,
}

/// Why there is no answer of the upstream's. The text is for the log.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// Its configuration does not work.
    #[error("{0}")]
    Unusable(UpstreamError),
    /// The path cannot be put behind the upstream's.
    #[error("the upstream's URL and the request's path do not make a URL")]
    Uri,
    /// No connection.
    #[error("the upstream cannot be reached: is it running, and is upstream.url right?")]
    Connect,
    /// The connection broke before the head of a response.
    #[error("the upstream closed the connection or did not answer in HTTP")]
    Broken,
    /// More than what is taken for the head of a response.
    #[error(
        "the head of the upstream's answer is too large: at most 100 fields over HTTP/1.1, and {HEAD_BYTES_MAX} bytes"
    )]
    Head,
    /// No head of a response in time.
    #[error("the upstream did not answer within upstream.timeout")]
    Timeout,
    /// It switched to a protocol that nobody asked for.
    #[error("the upstream switched protocols unasked")]
    Switched,
    /// The client sent a body that is none (RFC 9112 7.1), or broke off.
    #[error("the request's body is malformed or incomplete")]
    Body,
    /// The client stopped sending in the middle of its body.
    #[error("the client did not send the rest of its body in time")]
    Stalled,
    /// The request went through this gateway before (RFC 9110 7.6.3).
    #[error("the request has been here before: an upstream leads back to this gateway")]
    Loop,
    /// Too many requests are in flight, of this client or of all.
    #[error(
        "too many requests are in flight, of this client or in all: raise the limit of open files if that is usual"
    )]
    Overloaded,
}

impl Failure {
    /// The HTTP status.
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Timeout => StatusCode::GATEWAY_TIMEOUT,
            Self::Body => StatusCode::BAD_REQUEST,
            Self::Stalled => StatusCode::REQUEST_TIMEOUT,
            Self::Loop => StatusCode::LOOP_DETECTED,
            Self::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
            Self::Unusable(_) | Self::Uri | Self::Connect | Self::Broken | Self::Head | Self::Switched => {
                StatusCode::BAD_GATEWAY
            }
        }
    }

    /// A word for logs and the problem document.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Timeout => "upstream_timeout",
            Self::Body => "invalid_body",
            Self::Stalled => "request_timeout",
            Self::Loop => "loop_detected",
            Self::Overloaded => "overloaded",
            Self::Unusable(_) | Self::Uri | Self::Connect | Self::Broken | Self::Head | Self::Switched => {
                "upstream_failed"
            }
        }
    }

    /// What the client is told.
    pub(super) fn detail(&self) -> &'static str {
        match self {
            Self::Timeout => "The API behind this gateway did not answer in time.",
            Self::Body => "The body of the request is malformed or incomplete.",
            Self::Stalled => "The rest of the request did not arrive in time.",
            Self::Loop => "The request has been through this gateway before.",
            Self::Overloaded => "This gateway has too many requests in flight.",
            Self::Unusable(_) | Self::Uri | Self::Connect | Self::Broken | Self::Head | Self::Switched => {
                "The API behind this gateway cannot be reached, or did not answer."
            }
        }
    }

    /// Seconds after which to try again, where that helps (RFC 9110 10.2.3).
    pub(super) fn retry_after_s(&self) -> Option<u32> {
        matches!(self, Self::Overloaded).then_some(1)
    }

    /// Whether nothing that follows on the client's connection can be trusted to be a request.
    pub(super) fn ends_connection(&self) -> bool {
        matches!(self, Self::Body | Self::Stalled)
    }
}

/// Sends a request to its upstream and returns the answer as it goes to the client.
pub(super) async fn forward<S: Decide>(
    upstream: &Upstream,
    mut parts: Parts,
    body: Incoming,
    pass: Pass,
    snapshot: &Arc<S>,
    way: Way<'_>,
) -> Result<Response<ClientBody>, Failure> {
    let upgrading = if body.is_end_stream() { upgrade::wanted(&mut parts) } else { None };
    let pass_cookies = pass.pass_cookies;
    headers::clean_request(&mut parts.headers, snapshot.identity_names(), &pass);
    let forwarding =
        headers::Forwarding { connection: way.connection, scheme: way.scheme, host: way.target.authority() };
    headers::set_ours(&mut parts.headers, &forwarding, way.id, pass);
    way.via.add_to(&mut parts.headers, way.received);
    parts.uri = upstream.uri(way.target, &parts.uri).map_err(|_| Failure::Uri)?;
    parts.extensions.clear();
    if upgrading.is_some() {
        upgrade::announce(&mut parts.headers);
    }
    let place = Arc::new(way.place);
    let (body, progress) = on_the_way(body, snapshot, &place);
    let request = Request::from_parts(parts, body);
    let sent = async {
        if upgrading.is_some() { upstream.client.upgrade(request).await } else { upstream.client.send(request).await }
    };
    match progress::within(upstream.timeout, progress.as_ref(), sent).await {
        None if progress.as_ref().is_some_and(Progress::is_waiting_for_client) => Err(Failure::Stalled),
        None => Err(Failure::Timeout),
        Some(Err(http_client::Fault::Connect(cause))) => {
            // The cause's text: addresses and TLS alerts, nothing of the request.
            tracing::debug!(%cause, "no connection to an upstream");
            Err(Failure::Connect)
        }
        Some(Err(http_client::Fault::Broken(error))) if error.is_parse_too_large() => Err(Failure::Head),
        Some(Err(http_client::Fault::Broken(_))) => Err(match progress.as_ref().and_then(Progress::fault) {
            Some(Fault::Broken) => Failure::Body,
            Some(Fault::Stalled) => Failure::Stalled,
            None => Failure::Broken,
        }),
        Some(Ok(response)) => back(response, upgrading, pass_cookies, way.connection, way.received, place),
    }
}

fn on_the_way<S: Decide>(
    body: Incoming,
    snapshot: &Arc<S>,
    place: &Arc<RequestPlace>,
) -> (UpstreamBody, Option<Progress>) {
    if body.is_end_stream() {
        return (UpstreamBody::none(body), None);
    }
    let (snapshot, progress) = (Arc::clone(snapshot), Progress::default());
    let drops = Box::new(move |name: &_| headers::drops_request_trailer(name, snapshot.identity_names()));
    (UpstreamBody::new(body, drops, progress.clone(), Arc::clone(place)), Some(progress))
}

fn back(
    mut response: Response<http_client::Body<UpstreamBody>>,
    upgrading: Option<OnUpgrade>,
    pass_cookies: bool,
    connection: &Connection,
    received: Version,
    place: Arc<RequestPlace>,
) -> Result<Response<ClientBody>, Failure> {
    let switched = response.status() == StatusCode::SWITCHING_PROTOCOLS;
    let upstream = switched.then(|| hyper::upgrade::on(&mut response));
    let agreed = upgrade::is_agreed(response.headers());
    let (mut parts, body) = response.into_parts();
    headers::clean_response(&mut parts.headers, pass_cookies);
    parts.version = Version::HTTP_11;
    parts.extensions.clear();
    let body = match (upstream, upgrading) {
        (None, _) => {
            let drops = match pass_cookies {
                true => headers::drops_response_trailer_but_cookies,
                false => headers::drops_response_trailer,
            };
            let answer = UpstreamAnswer::new(body, drops, place);
            match received {
                Version::HTTP_2 => ClientBody::Stream(connection.downloads.add(answer)),
                _ => ClientBody::Upstream(answer),
            }
        }
        (Some(upstream), Some(client)) if agreed => {
            upgrade::announce(&mut parts.headers);
            upgrade::join(client, upstream, connection.life.clone(), place);
            ClientBody::empty()
        }
        (Some(_), _) => return Err(Failure::Switched),
    };
    Ok(Response::from_parts(parts, body))
}
