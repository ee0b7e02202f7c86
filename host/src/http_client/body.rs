//! The body of a response, at whose end the connection may serve another request.

use super::pool::{Http1, Pool, Streams};
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use std::pin::Pin;
use std::sync::Weak;
use std::task::{Context, Poll, ready};

/// A response's body. Where it is dropped before its end, its HTTP/1.1 connection is closed, whatever of the request is still on
/// its way.
#[derive(Debug)]
pub struct Body<B> {
    incoming: Incoming,
    held: Held<B>,
}

/// What a response has for as long as it lasts.
#[derive(Debug)]
pub(super) enum Held<B> {
    Nothing,
    /// A stream on a shared connection.
    Stream(#[expect(dead_code, reason = "it counts as long as it exists")] Streams),
    /// A connection, and where it goes at the end.
    Connection(Http1<B>, Weak<Pool<B>>),
}

impl<B: Send + 'static> Body<B> {
    pub(super) fn new(incoming: Incoming, held: Held<B>) -> Self {
        let mut body = Self { incoming, held };
        body.return_at_the_end(http_body::Body::is_end_stream(&body.incoming));
        body
    }

    fn return_at_the_end(&mut self, at_the_end: bool) {
        if at_the_end
            && let Held::Connection(connection, pool) = std::mem::replace(&mut self.held, Held::Nothing)
            && let Some(pool) = pool.upgrade()
        {
            Pool::put(&pool, connection);
        }
    }
}

impl<B> Drop for Body<B> {
    fn drop(&mut self) {
        // hyper would go on sending the request first, for which the server may never have any use.
        if let Held::Connection(connection, _) = &self.held {
            connection.task.abort();
        }
    }
}

impl<B: Send + 'static> http_body::Body for Body<B> {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = self.get_mut();
        let frame = ready!(Pin::new(&mut this.incoming).poll_frame(cx));
        match &frame {
            // What failed is not used again.
            Some(Err(_)) => this.held = Held::Nothing,
            None => this.return_at_the_end(true),
            // Whoever knows the length need not ask whether there is more; trailers are the last frame there is.
            Some(Ok(frame)) => {
                let is_last = frame.is_trailers() || http_body::Body::is_end_stream(&this.incoming);
                this.return_at_the_end(is_last);
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
