//! A bearer token, and its form as a JWT, which is parsed at most once.

use super::jwt::{JwtForm, jwt_form};
use crate::secret::Secret;
use std::fmt;
use std::sync::{Arc, OnceLock};

/// A bearer token (RFC 6750). Clones share the token and what was parsed of it, so however many providers look at the token of a
/// request, it is parsed once; a request whose verdict is cached does not parse it at all.
#[derive(Clone)]
pub struct BearerToken(Arc<Inner>);

struct Inner {
    token: Secret,
    form: OnceLock<JwtForm>,
}

impl BearerToken {
    /// Takes the token into custody. Nothing is parsed yet.
    #[must_use]
    pub fn new(token: impl Into<String>) -> Self {
        Self(Arc::new(Inner { token: Secret::new(token), form: OnceLock::new() }))
    }

    /// The bare token, as [`Secret::reveal`].
    #[must_use]
    pub fn reveal(&self) -> &str {
        self.0.token.reveal()
    }

    /// The token as a secret.
    #[must_use]
    pub fn secret(&self) -> &Secret {
        &self.0.token
    }

    /// Its form as a JWT: parsed by the first call, in linear time.
    #[must_use]
    pub fn form(&self) -> &JwtForm {
        self.0.form.get_or_init(|| jwt_form(self.reveal()))
    }
}

impl PartialEq for BearerToken {
    fn eq(&self, other: &Self) -> bool {
        self.0.token == other.0.token
    }
}

impl Eq for BearerToken {}

/// Neither the token nor its claims are shown.
impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.token.fmt(f)
    }
}
