//! Why a provider's part did not end in an identity.

use crate::identity::Moment;

/// When to come back where the provider did not say, in seconds.
const RETRY_S: u32 = 5;
/// The longest wait that is believed, in seconds.
const RETRY_S_MAX: i64 = 3600;

/// A refusal by a provider, its adapter, or the gateway's own rules about a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Whose fault it is.
    pub cause: Cause,
    /// For the log, never for the client.
    pub reason: String,
    /// The name in the provider's configuration that refused (`audience`), where one did.
    pub rule: Option<&'static str>,
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
        Self { cause, reason: reason.into(), rule: None, retry: None, scopes: Vec::new() }
    }

    /// The credential is to blame.
    #[must_use]
    pub fn invalid(reason: impl Into<String>) -> Self {
        Self::new(Cause::InvalidToken, reason)
    }

    /// It was this name in the provider's configuration.
    #[must_use]
    pub fn by(self, rule: &'static str) -> Self {
        Self { rule: Some(rule), ..self }
    }

    /// The provider is to blame.
    #[must_use]
    pub fn unavailable(reason: impl Into<String>) -> Self {
        Self::new(Cause::Unavailable, reason)
    }

    /// Seconds after `now` (seconds since 1970) when to try again: what the provider said within bounds, or a default.
    #[must_use]
    pub fn wait_s(&self, now: i64) -> u32 {
        wait_s(self.retry, now)
    }
}

/// Seconds after `now` (seconds since 1970) until then: 1 to 3600, and 5 where it is not known.
#[must_use]
pub fn wait_s(retry: Option<Moment>, now: i64) -> u32 {
    let wait = match retry {
        None => return RETRY_S,
        Some(Moment::At(at)) => at.saturating_sub(now),
        Some(Moment::After(seconds)) => i64::from(seconds),
    };
    u32::try_from(wait.clamp(1, RETRY_S_MAX)).unwrap_or(RETRY_S)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_retry_time_is_believed_within_bounds() {
        let wait = |retry| Refusal { retry, ..Refusal::unavailable("x") }.wait_s(1000);
        assert_eq!(wait(None), 5);
        assert_eq!(wait(Some(Moment::After(30))), 30);
        assert_eq!(wait(Some(Moment::At(1060))), 60);
        assert_eq!(wait(Some(Moment::At(10))), 1);
        assert_eq!(wait(Some(Moment::At(i64::MAX))), 3600);
    }
}
