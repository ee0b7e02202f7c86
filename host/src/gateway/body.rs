//! The bodies that pass through: streamed frame by frame, never held.
//!
//! Trailers are headers that come late. Upstreams that merge them would take an identity from them, so they are cleaned as
//! headers are.

use super::progress::Progress;
use bytes::Bytes;
use http::{HeaderMap, HeaderName};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// Whether a trailer of that name is dropped.
pub(super) type DropsTrailer = Box<dyn Fn(&HeaderName) -> bool + Send>;

/// A request's body on its way to the upstream.
pub(super) struct UpstreamBody {
    inner: Incoming,
    /// Where there is a body at all.
    on_the_way: Option<(DropsTrailer, Progress)>,
}

impl UpstreamBody {
    /// A body that may have trailers, and whose progress the waiting for the upstream takes into account.
    pub(super) fn new(inner: Incoming, drops: DropsTrailer, progress: Progress) -> Self {
        Self { inner, on_the_way: Some((drops, progress)) }
    }

    /// The body of a request that has none.
    pub(super) fn none(inner: Incoming) -> Self {
        Self { inner, on_the_way: None }
    }
}

impl Body for UpstreamBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = self.get_mut();
        let frame = ready!(Pin::new(&mut this.inner).poll_frame(cx));
        let Some((drops, progress)) = &this.on_the_way else { return Poll::Ready(frame) };
        progress.advance();
        Poll::Ready(frame.map(|frame| frame.map(|frame| clean(frame, drops))))
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
    /// The upstream's.
    Upstream(Incoming, fn(&HeaderName) -> bool),
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
    type Error = hyper::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match self.get_mut() {
            Self::Text(text) => Poll::Ready(text.take().map(|text| Ok(Frame::data(text)))),
            Self::Upstream(inner, drops) => {
                let frame = ready!(Pin::new(inner).poll_frame(cx));
                Poll::Ready(frame.map(|frame| frame.map(|frame| clean(frame, *drops))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Text(text) => text.is_none(),
            Self::Upstream(inner, _) => inner.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Text(text) => SizeHint::with_exact(text.as_ref().map_or(0, |text| text.len() as u64)),
            Self::Upstream(inner, _) => inner.size_hint(),
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
