//! Why there is no identity, in words for the operator's log.
//!
//! A reason is never shown to the client, and must never quote a value of the answer: names, statuses and the provider's
//! own error codes are enough.

use crate::{Cause, Moment, Refusal};

impl Refusal {
    /// The provider said no, or nothing that names somebody: 401.
    #[must_use]
    pub fn invalid(reason: impl Into<String>) -> Self {
        Self::new(Cause::InvalidToken, reason)
    }

    /// The credential is good and not enough: 403.
    #[must_use]
    pub fn scope(reason: impl Into<String>, scopes: Vec<String>) -> Self {
        Self { scopes, ..Self::new(Cause::InsufficientScope, reason) }
    }

    /// The provider limits our rate.
    #[must_use]
    pub fn throttled(reason: impl Into<String>, retry: Option<Moment>) -> Self {
        Self { retry, ..Self::new(Cause::Throttled, reason) }
    }

    /// The provider fails, or answers what cannot be understood.
    #[must_use]
    pub fn unavailable(reason: impl Into<String>) -> Self {
        Self::new(Cause::Unavailable, reason)
    }

    /// The provider refuses the gateway itself: a person must act.
    #[must_use]
    pub fn misconfigured(reason: impl Into<String>) -> Self {
        Self::new(Cause::Misconfigured, reason)
    }

    fn new(cause: Cause, reason: impl Into<String>) -> Self {
        Self { cause, reason: reason.into(), retry: None, scopes: Vec::new() }
    }
}
