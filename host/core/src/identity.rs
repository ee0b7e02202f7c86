//! Who somebody is, as a provider told it. Facts only: what they are worth is judged elsewhere (see `policy`).

/// The facts that an adapter read from a provider's answer.
///
/// `None` means that the provider does not tell, which a rule that needs the fact treats as a refusal; an empty list
/// means that it told: nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Not empty, at most 256 characters, without control characters.
    pub username: String,
    /// The attribute that it came from.
    pub username_attribute: String,
    /// A person or a program.
    pub kind: Actor,
    /// The provider's stable name, never given to anybody else.
    pub subject: Option<String>,
    /// The issuer (`iss`).
    pub issuer: Option<String>,
    /// The e-mail address.
    pub email: Option<Email>,
    /// Groups as the provider writes them.
    pub groups: Option<Vec<String>>,
    /// What the credential may do (RFC 6749 3.3).
    pub scopes: Option<Vec<String>>,
    /// For whom the credential was issued (RFC 7519 4.1.3).
    pub audiences: Option<Vec<String>>,
    /// The application to which it was issued (`azp`, `client_id`, `cid`).
    pub client: Option<String>,
    /// What the credential is bound to (RFC 7800): `jkt`, `x5t#S256` and their values.
    pub confirmation: Vec<(String, String)>,
    /// When it was issued.
    pub issued: Option<Moment>,
    /// From when it is good.
    pub not_before: Option<Moment>,
    /// Until when it is good.
    pub expires: Option<Moment>,
    /// Further attributes by path, when some route wants them.
    pub attributes: Vec<Attribute>,
}

impl Identity {
    /// A person of whom nothing but the name is told.
    #[must_use]
    pub fn named(username: impl Into<String>, username_attribute: impl Into<String>) -> Self {
        Self {
            username: username.into(),
            username_attribute: username_attribute.into(),
            kind: Actor::User,
            subject: None,
            issuer: None,
            email: None,
            groups: None,
            scopes: None,
            audiences: None,
            client: None,
            confirmation: Vec::new(),
            issued: None,
            not_before: None,
            expires: None,
            attributes: Vec::new(),
        }
    }
}

/// Who acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// A person.
    User,
    /// A program on its own behalf (client credentials).
    Service,
}

/// An e-mail address and what the provider says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email {
    /// The address as the provider writes it.
    pub address: String,
    /// Whether it was verified, where the provider says so or not.
    pub verified: Option<bool>,
}

/// A further attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Member names joined with dots.
    pub path: String,
    /// One text, or the members of a list.
    pub values: Vec<String>,
}

/// A point in time that the gateway resolves against its own clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Seconds since 1970, rounded down.
    At(i64),
    /// Seconds after the answer arrived.
    After(u32),
}

impl Moment {
    /// Seconds since 1970, given when the answer arrived.
    #[must_use]
    pub fn resolve(self, arrived: i64) -> i64 {
        match self {
            Self::At(at) => at,
            Self::After(seconds) => arrived.saturating_add(i64::from(seconds)),
        }
    }
}
