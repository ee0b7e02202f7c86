//! Notices an HTTP/2 connection whose other side is gone without a word (a balancer or NAT that forgot it), for which TCP alone
//! would need a quarter of an hour.

use super::pool::{Http2, Pool};
use super::socket::Socket;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::time::Instant;

/// A request that was given up after at least so long, while nothing at all came on its connection, makes the next one go to
/// another connection. (A client that goes away sooner says nothing about the server.)
const SILENT_AFTER: Duration = Duration::from_secs(1);

/// Watches one request; dropped before its response came, it judges the connection.
pub(super) struct Silence<B> {
    pool: Weak<Pool<B>>,
    socket: Weak<Socket>,
    received: u64,
    since: Instant,
    over: bool,
}

impl<B> Silence<B> {
    pub(super) fn new(pool: Option<&Arc<Pool<B>>>, connection: &Http2<B>) -> Self {
        let received = connection.socket.upgrade().map_or(0, |socket| socket.received());
        Self {
            pool: pool.map(Arc::downgrade).unwrap_or_default(),
            socket: Weak::clone(&connection.socket),
            received,
            since: Instant::now(),
            over: false,
        }
    }

    /// There is a response, or the connection told of its end.
    pub(super) fn is_over(&mut self) {
        self.over = true;
    }
}

impl<B> Drop for Silence<B> {
    fn drop(&mut self) {
        if !self.over
            && self.since.elapsed() >= SILENT_AFTER
            && self.socket.upgrade().is_none_or(|socket| socket.received() == self.received)
            && let Some(pool) = self.pool.upgrade()
        {
            tracing::debug!("nothing came on an HTTP/2 connection: the next request goes to another one");
            pool.retire(&self.socket);
        }
    }
}
