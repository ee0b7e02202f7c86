//! The connections to one server that may serve another request.

use super::Keep;
use super::socket::{Look, Socket};
use crate::descriptors::BUDGET;
use hyper::client::conn::{http1, http2};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::AbortHandle;
use tokio::time::Instant;

/// After a server sent something that nobody asked for, no connection to it is used twice for so long. A look cannot tell a
/// surplus that comes later than the next request, so that the first one is taken for a sign of more.
const DISTRUST: Duration = Duration::from_secs(10 * 60);

/// A connection with HTTP/1.1: one request at a time.
#[derive(Debug)]
pub(super) struct Http1<B> {
    pub(super) sender: http1::SendRequest<B>,
    pub(super) socket: Weak<Socket>,
    /// Ends it at once, whatever is on its way.
    pub(super) task: AbortHandle,
}

impl<B> Http1<B> {
    /// Only after a quiet look the next response is the next request's, as far as that can be told. What hyper had read of its
    /// own accord, it has refused by itself.
    fn look(&self) -> Look {
        self.socket.upgrade().map_or(Look::Unusable, |socket| socket.look())
    }
}

/// A connection with HTTP/2, shared by as many requests as the server takes at once.
#[derive(Debug)]
pub(super) struct Http2<B> {
    pub(super) sender: http2::SendRequest<B>,
    pub(super) socket: Weak<Socket>,
    pub(super) streams: Streams,
}

/// Counts the requests on an HTTP/2 connection: each holds a clone until its response has ended. Within, how many the server
/// takes at once.
#[derive(Debug, Clone)]
pub(super) struct Streams(Arc<AtomicUsize>);

impl Streams {
    /// So many at once, until the server says.
    pub(super) fn new(max: usize) -> Self {
        Self(Arc::new(AtomicUsize::new(max)))
    }

    /// How many the server takes, to be written by what drives the connection. It is no request.
    pub(super) fn max(&self) -> Weak<AtomicUsize> {
        Arc::downgrade(&self.0)
    }

    /// Whether another request would have to wait until one of those on the connection ends (RFC 9113 5.1.2). One clone is
    /// the pool's.
    fn are_full(&self) -> bool {
        Arc::strong_count(&self.0) > self.0.load(Ordering::Relaxed)
    }
}

impl<B> Clone for Http2<B> {
    fn clone(&self) -> Self {
        Self { sender: self.sender.clone(), socket: Weak::clone(&self.socket), streams: self.streams.clone() }
    }
}

/// A connection that is ready for a request.
#[derive(Debug)]
pub(super) enum Connection<B> {
    Http1(Http1<B>),
    Http2(Http2<B>),
}

/// See the module.
#[derive(Debug)]
pub(super) struct Pool<B> {
    /// For the log.
    server: String,
    keep: Keep,
    state: Mutex<State<B>>,
}

/// Connections that are kept, over all servers: as many as there are descriptors for.
static KEPT: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(BUDGET.kept));

/// A connection that is kept.
#[derive(Debug)]
struct Idle<B> {
    connection: Http1<B>,
    since: Instant,
    _kept: SemaphorePermit<'static>,
}

#[derive(Debug)]
struct State<B> {
    /// The one that was used last is at the end, and is used first: the others can grow old.
    idle: VecDeque<Idle<B>>,
    /// Each with when it was last used. A server that is asked for more at once than one connection takes has several, so that
    /// those who hold theirs for long keep nobody else waiting.
    shared: Vec<(Http2<B>, Instant)>,
    /// Until when nothing is kept, since the server sent something that nobody asked for.
    distrusted_until: Option<Instant>,
    /// Whether a task closes what is idle for too long.
    swept: bool,
}

impl<B> Pool<B> {
    /// `server` is for the log.
    pub(super) fn new(server: String, keep: Keep) -> Self {
        let state = State { idle: VecDeque::new(), shared: Vec::new(), distrusted_until: None, swept: false };
        Self { server, keep, state: Mutex::new(state) }
    }

    /// A connection that may be used now.
    pub(super) fn take(&self) -> Option<Connection<B>> {
        if let Some(shared) = self.take_shared() {
            return Some(Connection::Http2(shared));
        }
        while let Some(connection) = self.take_idle() {
            match connection.look() {
                Look::Quiet => return Some(Connection::Http1(connection)),
                Look::Surplus => self.distrust(),
                Look::Unusable => {}
            }
        }
        None
    }

    fn take_shared(&self) -> Option<Http2<B>> {
        let mut state = self.lock();
        state.shared.retain(|(shared, _)| !shared.sender.is_closed());
        // The first that has room: the others can grow old.
        let (shared, used) = state.shared.iter_mut().find(|(shared, _)| !shared.streams.are_full())?;
        *used = Instant::now();
        Some(shared.clone())
    }

    /// The youngest that hyper says is ready. One whose last request or response is not quite done stays where it is.
    fn take_idle(&self) -> Option<Http1<B>> {
        let mut state = self.lock();
        let mut at = state.idle.len();
        while at > 0 {
            at -= 1;
            let Idle { connection, since, .. } = state.idle.get(at)?;
            if connection.sender.is_closed() || since.elapsed() >= self.keep.idle_timeout {
                state.idle.remove(at);
            } else if connection.sender.is_ready() {
                return state.idle.remove(at).map(|idle| idle.connection);
            }
        }
        None
    }

    /// Keeps a connection whose response was read to its end.
    pub(super) fn put(self: &Arc<Self>, connection: Http1<B>)
    where
        B: Send + 'static,
    {
        if connection.sender.is_closed() || self.keep.idle_max == 0 {
            return;
        }
        let mut state = self.lock();
        if state.distrusted_until.is_some_and(|until| Instant::now() < until) {
            return;
        }
        if state.idle.len() >= self.keep.idle_max {
            state.idle.pop_front();
        }
        // Where all servers' pools together are full, it takes the place of this one's oldest, or none.
        let kept = KEPT.try_acquire().or_else(|full| state.idle.pop_front().map_or(Err(full), |_| KEPT.try_acquire()));
        let Ok(kept) = kept else { return };
        state.idle.push_back(Idle { connection, since: Instant::now(), _kept: kept });
        self.sweep(&mut state);
    }

    /// Shares a connection, unless there is one with room already.
    pub(super) fn share(self: &Arc<Self>, connection: &Http2<B>)
    where
        B: Send + 'static,
    {
        let mut state = self.lock();
        if state.shared.iter().all(|(shared, _)| shared.sender.is_closed() || shared.streams.are_full()) {
            state.shared.push((connection.clone(), Instant::now()));
            self.sweep(&mut state);
        }
    }

    /// The server sent something that nobody asked for. (Over HTTP/2 there is no such thing.)
    pub(super) fn distrust(&self) {
        let now = Instant::now();
        let mut state = self.lock();
        let known = state.distrusted_until.replace(now + DISTRUST).is_some_and(|until| now < until);
        let idle = std::mem::take(&mut state.idle);
        drop(state);
        drop(idle);
        if !known {
            tracing::warn!(
                server = self.server,
                "the server sent more than it was asked for: for {} minutes none of its connections is used twice",
                DISTRUST.as_secs() / 60
            );
        }
    }

    /// No further request goes to the shared connection on this socket.
    pub(super) fn retire(&self, socket: &Weak<Socket>) {
        self.lock().shared.retain(|(shared, _)| !Weak::ptr_eq(&shared.socket, socket));
    }

    /// Whether nothing is kept.
    pub(super) fn is_empty(&self) -> bool {
        let state = self.lock();
        state.idle.is_empty() && state.shared.is_empty()
    }

    /// Has a task close what was idle for too long, for as long as there is anything.
    fn sweep(self: &Arc<Self>, state: &mut State<B>)
    where
        B: Send + 'static,
    {
        if std::mem::replace(&mut state.swept, true) {
            return;
        }
        let (pool, pause) = (Arc::downgrade(self), self.keep.idle_timeout / 2);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(pause).await;
                let Some(pool) = pool.upgrade() else { return };
                if pool.close_idle() {
                    return;
                }
            }
        });
    }

    /// Closes what was idle for too long; whether nothing is left.
    fn close_idle(&self) -> bool {
        let mut state = self.lock();
        let limit = self.keep.idle_timeout;
        state.idle.retain(|idle| !idle.connection.sender.is_closed() && idle.since.elapsed() < limit);
        state.shared.retain(|(shared, used)| !shared.sender.is_closed() && used.elapsed() < limit);
        let is_empty = state.idle.is_empty() && state.shared.is_empty();
        state.swept = !is_empty;
        is_empty
    }

    /// Held for moments only. A panic elsewhere leaves nothing half done.
    fn lock(&self) -> MutexGuard<'_, State<B>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
