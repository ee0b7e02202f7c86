//! Waiting for an upstream that may take its time as long as the client still sends.
//!
//! The limit runs from the last piece of the request's body: an upload of an hour is no slow upstream. Where it was the client
//! that stopped sending, or sent what is no body, that is not the upstream's fault either.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// What was wrong with a client's sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Its body broke off, or was none (RFC 9112 7.1).
    Broken,
    /// It sent nothing more.
    Stalled,
}

/// How a request's body gets on.
#[derive(Debug, Clone, Default)]
pub(super) struct Progress(Arc<State>);

#[derive(Debug, Default)]
struct State {
    pieces: AtomicU64,
    sending: AtomicU8,
}

/// The values of `sending`.
const SENDS: u8 = 0;
const WAITED_FOR: u8 = 1;
const BROKEN: u8 = 2;
const STALLED: u8 = 3;

impl Progress {
    /// One more piece.
    pub(super) fn advance(&self) {
        self.0.pieces.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether the upstream would take more than the client has sent.
    pub(super) fn waits_for_client(&self, waits: bool) {
        self.0.sending.store(if waits { WAITED_FOR } else { SENDS }, Ordering::Relaxed);
    }

    /// The body ends here, by the client's fault.
    pub(super) fn client_failed(&self, fault: Fault) {
        let sending = match fault {
            Fault::Broken => BROKEN,
            Fault::Stalled => STALLED,
        };
        self.0.sending.store(sending, Ordering::Relaxed);
    }

    /// What was wrong with the body, once the request has come to nothing; `None` where it was not the client's fault.
    pub(super) fn fault(&self) -> Option<Fault> {
        match self.0.sending.load(Ordering::Relaxed) {
            BROKEN => Some(Fault::Broken),
            STALLED => Some(Fault::Stalled),
            _ => None,
        }
    }

    /// Whether the client's next piece is waited for.
    pub(super) fn is_waiting_for_client(&self) -> bool {
        self.0.sending.load(Ordering::Relaxed) == WAITED_FOR
    }

    fn count(&self) -> u64 {
        self.0.pieces.load(Ordering::Relaxed)
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
