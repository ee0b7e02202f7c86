//! Waiting for an upstream that may take its time as long as the client still sends.
//!
//! The limit runs from the last piece of the request's body: an upload of an hour is no slow upstream.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// Counts the pieces of a body.
#[derive(Debug, Clone, Default)]
pub(super) struct Progress(Arc<AtomicU64>);

impl Progress {
    /// One more piece.
    pub(super) fn advance(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Awaits `work` until there was no progress for `limit` (at most twice that, since progress is looked at only then).
pub(super) async fn within<T>(
    limit: Duration,
    progress: Option<&Progress>,
    work: impl Future<Output = T>,
) -> Option<T> {
    let mut work = pin!(work);
    let mut timer = pin!(tokio::time::sleep(limit));
    let mut seen = progress.map_or(0, Progress::count);
    loop {
        tokio::select! {
            biased;
            done = work.as_mut() => return Some(done),
            () = timer.as_mut() => {
                let now = progress.map_or(0, Progress::count);
                if now == seen {
                    return None;
                }
                seen = now;
                timer.as_mut().reset(Instant::now() + limit);
            }
        }
    }
}
