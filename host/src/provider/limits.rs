//! What the answers to one credential's calls told of rate limits, for the verdict.
//!
//! It may turn a refusal that blames nobody into one that says to wait, and never makes or takes away a yes or a no.

use portcullis_core::identity::Moment;
use portcullis_core::limit::Limit;
use portcullis_core::refusal::{Cause, Refusal};
use std::sync::{Mutex, PoisonError};

/// The limits that were met, the latest of each kind.
#[derive(Default)]
pub(super) struct Limits(Mutex<Met>);

#[derive(Debug, Clone, Copy, Default)]
struct Met {
    /// By a call that was refused.
    refused: Option<Limit>,
    /// By one that was the last.
    last: Option<Moment>,
}

impl Limits {
    pub(super) fn meet(&self, limit: Option<Limit>) {
        let mut met = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match limit {
            Some(limit) if limit.refused => met.refused = Some(limit),
            Some(limit) => met.last = limit.retry,
            None => {}
        }
    }

    /// The refusal as it is, unless a call was refused for a limit and the adapter did not see it, or not until when.
    pub(super) fn explain(&self, refusal: Refusal) -> Refusal {
        let blames_credential = matches!(refusal.cause, Cause::InvalidToken | Cause::InsufficientScope);
        match self.met().refused {
            Some(limit) if !blames_credential => {
                Refusal { cause: Cause::Throttled, retry: refusal.retry.or(limit.retry), ..refusal }
            }
            _ => refusal,
        }
    }

    /// What is to be said of this credential until the provider takes calls with it again, where it used up its last
    /// one.
    pub(super) fn rest(&self, now: i64) -> Option<Refusal> {
        let retry = Moment::At(self.met().last?.resolve(now));
        let reason = "the provider said that it takes no more calls with this credential for a while";
        Some(Refusal { retry: Some(retry), ..Refusal::new(Cause::Throttled, reason) })
    }

    fn met(&self) -> Met {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
