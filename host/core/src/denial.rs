//! Why a request does not pass, and what the client is told of it. Cause, status and words meet here and nowhere else.
//!
//! `reason` fields are for the operator's log; a client sees only the fixed words of [`Denial::detail`].

/// A decision against a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denial {
    /// 400: the request can be read in two ways, or its credential is malformed (RFC 6750 3.1 `invalid_request`).
    Ambiguous {
        /// For the log.
        reason: String,
    },
    /// 401 without an error code (RFC 6750 3.1): nothing was presented, or a scheme that is not taken here.
    Unauthenticated {
        /// For the log.
        reason: String,
    },
    /// 401 `invalid_token`.
    InvalidToken {
        /// For the log.
        reason: String,
    },
    /// 403 `insufficient_scope`.
    InsufficientScope {
        /// For the log.
        reason: String,
        /// Scopes that would have done, where known.
        scopes: Vec<String>,
    },
    /// 403: a rule of the gateway refuses this identity here.
    Forbidden {
        /// For the log.
        reason: String,
    },
    /// 404: no route matches.
    NoRoute,
    /// 503: the provider fails, is slow, throttles us or refuses the gateway itself.
    Unavailable {
        /// For the log.
        reason: String,
        /// Seconds after which to try again.
        retry_after_s: u32,
    },
}

impl Denial {
    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Ambiguous { .. } => 400,
            Self::Unauthenticated { .. } | Self::InvalidToken { .. } => 401,
            Self::InsufficientScope { .. } | Self::Forbidden { .. } => 403,
            Self::NoRoute => 404,
            Self::Unavailable { .. } => 503,
        }
    }

    /// A short word for logs, metrics and the problem document's `type`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Ambiguous { .. } => "invalid_request",
            Self::Unauthenticated { .. } => "unauthenticated",
            Self::InvalidToken { .. } => "invalid_token",
            Self::InsufficientScope { .. } => "insufficient_scope",
            Self::Forbidden { .. } => "forbidden",
            Self::NoRoute => "no_route",
            Self::Unavailable { .. } => "unavailable",
        }
    }

    /// What the client is told, in one sentence that names no provider, token or rule.
    #[must_use]
    pub fn detail(&self) -> &'static str {
        match self {
            Self::Ambiguous { .. } => "The request is ambiguous or malformed.",
            Self::Unauthenticated { .. } => "This API takes a bearer token in the Authorization header.",
            Self::InvalidToken { .. } => "The access token is missing somebody's name, expired, revoked, or not ours.",
            Self::InsufficientScope { .. } => "The access token does not carry the scopes that this needs.",
            Self::Forbidden { .. } => "This identity may not do this here.",
            Self::NoRoute => "Nothing is served here.",
            Self::Unavailable { .. } => "The identity provider cannot be asked right now. The token was not judged.",
        }
    }

    /// The reason for the log.
    #[must_use]
    pub fn reason(&self) -> &str {
        match self {
            Self::Ambiguous { reason }
            | Self::Unauthenticated { reason }
            | Self::InvalidToken { reason }
            | Self::InsufficientScope { reason, .. }
            | Self::Forbidden { reason }
            | Self::Unavailable { reason, .. } => reason,
            Self::NoRoute => "no route matches",
        }
    }

    /// The `WWW-Authenticate` value (RFC 6750 3), for 400, 401 and scope refusals. Never a Basic challenge.
    #[must_use]
    pub fn challenge(&self) -> Option<String> {
        match self {
            Self::Unauthenticated { .. } => Some("Bearer realm=\"portcullis\"".to_owned()),
            Self::Ambiguous { .. } => Some("Bearer realm=\"portcullis\", error=\"invalid_request\"".to_owned()),
            Self::InvalidToken { .. } => Some("Bearer realm=\"portcullis\", error=\"invalid_token\"".to_owned()),
            Self::InsufficientScope { scopes, .. } => {
                let mut value = "Bearer realm=\"portcullis\", error=\"insufficient_scope\"".to_owned();
                let scopes: Vec<&str> = scopes.iter().map(String::as_str).filter(|s| is_scope_token(s)).collect();
                if !scopes.is_empty() {
                    value.push_str(&format!(", scope=\"{}\"", scopes.join(" ")));
                }
                Some(value)
            }
            Self::Forbidden { .. } | Self::NoRoute | Self::Unavailable { .. } => None,
        }
    }
}

/// RFC 6749 3.3: `%x21 / %x23-5B / %x5D-7E`, so that a provider's text cannot break out of the quoted string.
fn is_scope_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}
