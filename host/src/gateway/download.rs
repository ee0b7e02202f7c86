//! Answers over HTTP/2 that a client does not take.
//!
//! A stream has a window of its own (RFC 9113 5.2), so a client may read its connection and yet take nothing of an answer, and
//! hyper then asks for no more of it. An answer of which nothing was taken for [`CLIENT_STALL_MAX`] lets go of its upstream's
//! connection; the client finds the stream reset when it comes back to it.

use super::body::{BodyError, UpstreamAnswer};
use super::stall::CLIENT_STALL_MAX;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// The answer is passed on in pieces of at most so many bytes, a frame's usual size, so that a client which takes one within
/// the limit is seen to do so.
const PIECE_BYTES_MAX: usize = 16 * 1024;
/// How often the answers of a connection are looked at.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);
/// Answers of one connection that were given up and that the client still does not want to hear of. More end the connection:
/// each holds some memory.
const GIVEN_UP_MAX: usize = 8;

/// One answer on its way.
pub(super) struct Download(Mutex<State>);

struct State {
    /// `None` once it was given up.
    answer: Option<UpstreamAnswer>,
    /// What came of the upstream and was not passed on yet.
    rest: Bytes,
    /// Since when the client has had a piece without coming for the next one.
    waits_since: Option<Instant>,
}

impl Download {
    /// The next frame, for who takes it.
    pub(super) fn poll_frame(&self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.state().poll_frame(cx)
    }

    /// Whether nothing more comes.
    pub(super) fn is_end_stream(&self) -> bool {
        let state = self.state();
        state.rest.is_empty() && state.answer.as_ref().is_some_and(UpstreamAnswer::is_end_stream)
    }

    /// How much is still to come.
    pub(super) fn size_hint(&self) -> SizeHint {
        let state = self.state();
        let mut hint = state.answer.as_ref().map(UpstreamAnswer::size_hint).unwrap_or_default();
        let rest = state.rest.len() as u64;
        if let Some(upper) = hint.upper() {
            hint.set_upper(upper.saturating_add(rest));
        }
        hint.set_lower(hint.lower().saturating_add(rest));
        hint
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.waits_since = None;
        let Some(answer) = &mut self.answer else { return Poll::Ready(Some(Err(BodyError::Stalled))) };
        if self.rest.is_empty() {
            match std::task::ready!(answer.poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                end => return Poll::Ready(end),
            }
        }
        // Of the last one, too: until it is taken, the request has its place.
        self.waits_since = Some(Instant::now());
        let piece = self.rest.split_to(self.rest.len().min(PIECE_BYTES_MAX));
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    /// Lets go of an answer that the client does not take. Whether it did so now.
    fn give_up(&mut self) -> bool {
        let stalled = self.waits_since.is_some_and(|since| since.elapsed() >= CLIENT_STALL_MAX);
        if stalled {
            self.rest = Bytes::new();
        }
        stalled && self.answer.take().is_some()
    }
}

/// The answers of one connection that are on their way.
#[derive(Default)]
pub(super) struct Downloads {
    on_the_way: Mutex<OnTheWay>,
    /// Told when the connection is to be ended.
    too_many: Notify,
}

#[derive(Default)]
struct OnTheWay {
    downloads: Vec<Weak<Download>>,
    /// Whether a task looks at them.
    watched: bool,
}

impl Downloads {
    /// Passes an answer on, and looks after it.
    pub(super) fn add(self: &Arc<Self>, answer: UpstreamAnswer) -> Arc<Download> {
        let state = State { answer: Some(answer), rest: Bytes::new(), waits_since: None };
        let download = Arc::new(Download(Mutex::new(state)));
        let mut on_the_way = self.on_the_way();
        let downloads = &mut on_the_way.downloads;
        // Those that have ended are dropped before room is made for more.
        if downloads.len() == downloads.capacity() {
            downloads.retain(|download| download.strong_count() > 0);
        }
        downloads.push(Arc::downgrade(&download));
        if !std::mem::replace(&mut on_the_way.watched, true) {
            tokio::spawn(watch(Arc::downgrade(self)));
        }
        download
    }

    /// Completes when the client leaves so many answers that its connection is to be ended.
    pub(super) async fn are_too_many(&self) {
        self.too_many.notified().await;
    }

    /// Gives up what is not taken. Whether nothing is left to look at.
    fn look(&self) -> bool {
        let mut on_the_way = self.on_the_way();
        let mut given_up = 0;
        on_the_way.downloads.retain(|download| {
            let Some(download) = download.upgrade() else { return false };
            let mut state = download.state();
            if state.give_up() {
                tracing::info!(
                    limit_s = CLIENT_STALL_MAX.as_secs(),
                    "a client takes nothing of an answer: it is given up"
                );
            }
            given_up += usize::from(state.answer.is_none());
            true
        });
        if given_up > GIVEN_UP_MAX {
            self.too_many.notify_one();
        }
        on_the_way.watched = !on_the_way.downloads.is_empty();
        !on_the_way.watched
    }

    fn on_the_way(&self) -> MutexGuard<'_, OnTheWay> {
        self.on_the_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks after a connection's answers while there are any.
async fn watch(downloads: Weak<Downloads>) {
    loop {
        tokio::time::sleep(LOOK_INTERVAL).await;
        if downloads.upgrade().is_none_or(|downloads| downloads.look()) {
            return;
        }
    }
}
