//! The bodies that pass through: streamed frame by frame, never held.
//!
//! Trailers are headers that come late. Upstreams that merge them would take an identity from them, so they are cleaned as
//! headers are. A body also holds the place of its request (`places.rs`): that is free when both bodies have ended.

use super::download::Download;
use super::places::RequestPlace;
use super::progress::{Fault, Progress};
use super::stall::CLIENT_STALL_MAX;
use crate::http_client;
use bytes::Bytes;
use http::{HeaderMap, HeaderName};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use std::future::Future as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::time::{Instant, Sleep};

/// Whether a trailer of that name is dropped.
pub(super) type DropsTrailer = Box<dyn Fn(&HeaderName) -> bool + Send>;

/// Why a body does not go on.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyError {
    /// The connection that it comes from broke, or what came was no body.
    #[error(transparent)]
    Incoming(#[from] hyper::Error),
    /// The client sent nothing more of it, or took nothing more of it, for [`CLIENT_STALL_MAX`].
    #[error("the client stalled")]
    Stalled,
}

/// A request's body on its way to the upstream.
pub(super) struct UpstreamBody {
    inner: Incoming,
    /// Where there is a body at all.
    on_the_way: Option<OnTheWay>,
}

struct OnTheWay {
    drops: DropsTrailer,
    progress: Progress,
    /// While the client is waited for.
    stall: Option<Pin<Box<Sleep>>>,
    /// Shared with the answer.
    place: Arc<RequestPlace>,
}

impl UpstreamBody {
    /// A body that may have trailers, and whose progress the waiting for the upstream takes into account.
    pub(super) fn new(inner: Incoming, drops: DropsTrailer, progress: Progress, place: Arc<RequestPlace>) -> Self {
        Self { inner, on_the_way: Some(OnTheWay { drops, progress, stall: None, place }) }
    }

    /// The body of a request that has none.
    pub(super) fn none(inner: Incoming) -> Self {
        Self { inner, on_the_way: None }
    }
}

impl Body for UpstreamBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.inner).poll_frame(cx);
        let Some(OnTheWay { drops, progress, stall, place }) = &mut this.on_the_way else {
            return polled.map(|frame| frame.map(|frame| Ok(frame?)));
        };
        let Poll::Ready(frame) = polled else {
            progress.waits_for_client(true);
            let stall = stall.get_or_insert_with(|| Box::pin(tokio::time::sleep(CLIENT_STALL_MAX)));
            loop {
                ready!(stall.as_mut().poll(cx));
                // Before the answer the upstream's limit counts (`progress.rs`), and an answer that goes on holds the place anyway.
                if Arc::strong_count(place) == 1 {
                    progress.client_failed(Fault::Stalled);
                    return Poll::Ready(Some(Err(BodyError::Stalled)));
                }
                stall.as_mut().reset(Instant::now() + CLIENT_STALL_MAX);
            }
        };
        *stall = None;
        progress.waits_for_client(false);
        progress.advance();
        if let Some(Err(_)) = &frame {
            progress.client_failed(Fault::Broken);
        }
        Poll::Ready(frame.map(|frame| Ok(clean(frame?, &*drops))))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// A response's body on its way to the client.
pub(super) enum ClientBody {
    /// Our own words.
    Text(Option<Bytes>),
    /// The upstream's, over HTTP/1.1: what the client does not take, its connection finds out (`stall.rs`).
    Upstream(UpstreamAnswer),
    /// The upstream's, over HTTP/2.
    Stream(Arc<Download>),
}

/// The body of an upstream's answer, cleaned, and the place of its request.
pub(super) struct UpstreamAnswer {
    inner: http_client::Body<UpstreamBody>,
    drops: fn(&HeaderName) -> bool,
    _place: Arc<RequestPlace>,
}

impl UpstreamAnswer {
    /// An answer's body, from which trailers of some names are dropped.
    pub(super) fn new(
        inner: http_client::Body<UpstreamBody>,
        drops: fn(&HeaderName) -> bool,
        place: Arc<RequestPlace>,
    ) -> Self {
        Self { inner, drops, _place: place }
    }

    /// The next frame.
    pub(super) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(cx));
        Poll::Ready(frame.map(|frame| Ok(clean(frame?, self.drops))))
    }

    /// Whether nothing more comes.
    pub(super) fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    /// How much is still to come.
    pub(super) fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl ClientBody {
    /// A text of ours.
    pub(super) fn text(text: String) -> Self {
        Self::Text(Some(Bytes::from(text)))
    }

    /// No body.
    pub(super) fn empty() -> Self {
        Self::Text(None)
    }
}

impl Body for ClientBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match self.get_mut() {
            Self::Text(text) => Poll::Ready(text.take().map(|text| Ok(Frame::data(text)))),
            Self::Upstream(answer) => answer.poll_frame(cx),
            Self::Stream(download) => download.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Text(text) => text.is_none(),
            Self::Upstream(answer) => answer.is_end_stream(),
            Self::Stream(download) => download.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Text(text) => SizeHint::with_exact(text.as_ref().map_or(0, |text| text.len() as u64)),
            Self::Upstream(answer) => answer.size_hint(),
            Self::Stream(download) => download.size_hint(),
        }
    }
}

fn clean(frame: Frame<Bytes>, drops: impl Fn(&HeaderName) -> bool) -> Frame<Bytes> {
    match frame.into_trailers() {
        Err(frame) => frame,
        Ok(trailers) => Frame::trailers(without(trailers, drops)),
    }
}

fn without(mut trailers: HeaderMap, drops: impl Fn(&HeaderName) -> bool) -> HeaderMap {
    let dropped: Vec<HeaderName> = trailers.keys().filter(|name| drops(name)).cloned().collect();
    for name in dropped {
        trailers.remove(name);
    }
    trailers
}
