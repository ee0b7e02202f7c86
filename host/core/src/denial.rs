//! Why a request does not pass, and what the client is told of it. Cause, status and words meet here and nowhere else.
//!
//! The reason and the rule are for the operator; a client sees only the fixed words of [`Denial::detail`].

/// A decision against a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// What the client is told.
    pub kind: Kind,
    /// The name in the configuration that refused (`require.groups`), where one did.
    pub rule: Option<&'static str>,
    /// For the log.
    pub reason: String,
    /// Whether a Basic pair would be taken here: then a 401 says so, since some clients wait for it (RFC 7617 2).
    pub offers_basic: bool,
}

/// The kinds of denials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// 400: the request can be read in two ways, or its credential is malformed (RFC 6750 3.1 `invalid_request`).
    Ambiguous,
    /// 401 without an error code (RFC 6750 3.1): nothing was presented, or a scheme that is not taken here.
    Unauthenticated,
    /// 401 `invalid_token`.
    InvalidToken,
    /// 403 `insufficient_scope`.
    InsufficientScope {
        /// Scopes that would have done, where known.
        scopes: Vec<String>,
    },
    /// 403: a rule of the gateway refuses this identity here.
    Forbidden,
    /// 404: no route matches.
    NoRoute,
    /// 429: the provider takes no more calls for a while, about this credential or at all (RFC 6585 4).
    Throttled {
        /// Seconds after which to try again.
        retry_after_s: u32,
    },
    /// 503: the provider fails, is slow, or refuses the gateway itself.
    Unavailable {
        /// Seconds after which to try again.
        retry_after_s: u32,
    },
}

impl Denial {
    /// A denial by no rule in particular.
    #[must_use]
    pub fn new(kind: Kind, reason: impl Into<String>) -> Self {
        Self { kind, rule: None, reason: reason.into(), offers_basic: false }
    }

    /// A denial by the rule of this name in the configuration.
    #[must_use]
    pub fn by(rule: &'static str, kind: Kind, reason: impl Into<String>) -> Self {
        Self { rule: Some(rule), ..Self::new(kind, reason) }
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self.kind {
            Kind::Ambiguous => 400,
            Kind::Unauthenticated | Kind::InvalidToken => 401,
            Kind::InsufficientScope { .. } | Kind::Forbidden => 403,
            Kind::NoRoute => 404,
            Kind::Throttled { .. } => 429,
            Kind::Unavailable { .. } => 503,
        }
    }

    /// A short word for logs, metrics and the problem document's `type`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self.kind {
            Kind::Ambiguous => "invalid_request",
            Kind::Unauthenticated => "unauthenticated",
            Kind::InvalidToken => "invalid_token",
            Kind::InsufficientScope { .. } => "insufficient_scope",
            Kind::Forbidden => "forbidden",
            Kind::NoRoute => "no_route",
            Kind::Throttled { .. } => "throttled",
            Kind::Unavailable { .. } => "unavailable",
        }
    }

    /// What the client is told, in one sentence that names no provider, token or rule.
    #[must_use]
    pub fn detail(&self) -> &'static str {
        match self.kind {
            Kind::Ambiguous => "The request is ambiguous or malformed.",
            Kind::Unauthenticated => "This API takes a bearer token in the Authorization header.",
            Kind::InvalidToken => "The access token is missing somebody's name, expired, revoked, or not ours.",
            Kind::InsufficientScope { .. } => "The access token does not carry the scopes that this needs.",
            Kind::Forbidden => "This identity may not do this here.",
            Kind::NoRoute => "Nothing is served here.",
            Kind::Throttled { .. } => {
                "The identity provider takes no more questions for now. The token was not judged."
            }
            Kind::Unavailable { .. } => "The identity provider cannot be asked right now. The token was not judged.",
        }
    }

    /// Seconds after which to try again, where that helps (RFC 9110 10.2.3).
    #[must_use]
    pub fn retry_after_s(&self) -> Option<u32> {
        match self.kind {
            Kind::Throttled { retry_after_s } | Kind::Unavailable { retry_after_s } => Some(retry_after_s),
            _ => None,
        }
    }

    /// The `WWW-Authenticate` value (RFC 6750 3), for 400, 401 and scope refusals.
    #[must_use]
    pub fn challenge(&self) -> Option<String> {
        const REALM: &str = "Bearer realm=\"portcullis\"";
        match &self.kind {
            Kind::Unauthenticated => Some(REALM.to_owned()),
            Kind::Ambiguous => Some(format!("{REALM}, error=\"invalid_request\"")),
            Kind::InvalidToken => Some(format!("{REALM}, error=\"invalid_token\"")),
            Kind::InsufficientScope { scopes } => {
                let scopes: Vec<&str> = scopes.iter().map(String::as_str).filter(|s| is_scope_token(s)).collect();
                let scopes =
                    if scopes.is_empty() { String::new() } else { format!(", scope=\"{}\"", scopes.join(" ")) };
                Some(format!("{REALM}, error=\"insufficient_scope\"{scopes}"))
            }
            Kind::Forbidden | Kind::NoRoute | Kind::Throttled { .. } | Kind::Unavailable { .. } => None,
        }
    }

    /// A second challenge of a 401, where Basic is taken.
    #[must_use]
    pub fn basic_challenge(&self) -> Option<&'static str> {
        (self.offers_basic && self.status() == 401).then_some("Basic realm=\"portcullis\", charset=\"UTF-8\"")
    }
}

/// RFC 6749 3.3: `%x21 / %x23-5B / %x5D-7E`, so that a provider's text cannot break out of the quoted string.
fn is_scope_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}
