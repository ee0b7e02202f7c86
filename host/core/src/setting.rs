//! What an adapter says of its settings, and the checked values that it is given.

use crate::secret::Secret;

/// What `describe` returned: everything a person sees of an adapter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// For people: "Keycloak".
    pub title: String,
    /// The adapter's own version.
    pub version: String,
    /// One to three sentences.
    pub about: String,
    /// A URL.
    pub documentation: Option<String>,
    /// The kinds of credential that it checks.
    pub credentials: Vec<CredentialKind>,
    /// In the order for reading.
    pub settings: Vec<SettingSpec>,
    /// Starts of tokens that belong to this provider alone.
    pub token_prefixes: Vec<String>,
}

impl Description {
    /// The specification of a setting, by name.
    #[must_use]
    pub fn setting(&self, name: &str) -> Option<&SettingSpec> {
        self.settings.iter().find(|spec| spec.name == name)
    }
}

/// A kind of credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialKind {
    /// `Authorization: Bearer`, RFC 6750.
    Bearer,
    /// `Authorization: Basic`, RFC 7617.
    Basic,
    /// A key in a header that the route names.
    ApiKey,
}

/// One setting: how it is written, explained and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingSpec {
    /// Its name in YAML.
    pub name: String,
    /// What kind of value it takes.
    pub kind: SettingKind,
    /// One sentence for the administrator.
    pub about: String,
    /// As it would stand in YAML.
    pub example: Option<String>,
    /// As it would stand in YAML.
    pub default: Option<String>,
    /// Whether it must be there (while `only_when` holds).
    pub required: bool,
    /// The setting has a meaning only while this other setting has one of these values.
    pub only_when: Option<(String, Vec<String>)>,
    /// The only values allowed, with what each means; empty: any.
    pub choices: Vec<(String, String)>,
}

/// What kind of value a setting takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingKind {
    /// A text.
    Text,
    /// `true` or `false`.
    Flag,
    /// A whole number.
    Number,
    /// A list of texts.
    Texts,
    /// A mapping of texts to texts.
    Pairs,
    /// A text that never enters the adapter.
    Secret,
    /// `scheme://host[:port][/path]`, normalised.
    BaseUrl,
    /// As `BaseUrl`, query allowed, path as written.
    Url,
}

/// A checked value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettingValue {
    /// Of kind `Text`, `BaseUrl` or `Url`.
    Text(String),
    /// Of kind `Flag`.
    Flag(bool),
    /// Of kind `Number`.
    Number(i64),
    /// Of kind `Texts`.
    Texts(Vec<String>),
    /// Of kind `Pairs`.
    Pairs(Vec<(String, String)>),
    /// Of kind `Secret`. The adapter learns only that it is set.
    Secret(Secret),
}

/// The settings that belong to the gateway for every provider. An adapter may not describe one of these names.
pub const RESERVED: [&str; 6] =
    ["client_id", "client_secret", "client_auth", "client_key", "client_key_id", "assertion_audience"];
