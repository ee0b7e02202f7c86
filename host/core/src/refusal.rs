//! Why a provider's part did not end in an identity.

use crate::identity::Moment;

/// A refusal by a provider, its adapter, or the gateway's own rules about a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Whose fault it is.
    pub cause: Cause,
    /// For the log, never for the client.
    pub reason: String,
    /// When to try again, where the provider said.
    pub retry: Option<Moment>,
    /// Scopes that would have done.
    pub scopes: Vec<String>,
}

/// Whose fault a refusal is. Only the first two blame the credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// The provider said no, or named nobody: 401.
    InvalidToken,
    /// Good, but not enough: 403.
    InsufficientScope,
    /// The provider limits our rate.
    Throttled,
    /// The provider fails, or answers what cannot be understood.
    Unavailable,
    /// The provider refuses the gateway itself: a person must act.
    Misconfigured,
}

impl Refusal {
    /// A refusal without further facts.
    #[must_use]
    pub fn new(cause: Cause, reason: impl Into<String>) -> Self {
        Self { cause, reason: reason.into(), retry: None, scopes: Vec::new() }
    }

    /// The credential is to blame.
    #[must_use]
    pub fn invalid(reason: impl Into<String>) -> Self {
        Self::new(Cause::InvalidToken, reason)
    }

    /// The provider is to blame.
    #[must_use]
    pub fn unavailable(reason: impl Into<String>) -> Self {
        Self::new(Cause::Unavailable, reason)
    }
}

impl Cause {
    /// The word for logs and metrics.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::InvalidToken => "invalid_token",
            Self::InsufficientScope => "insufficient_scope",
            Self::Throttled => "throttled",
            Self::Unavailable => "unavailable",
            Self::Misconfigured => "misconfigured",
        }
    }
}
