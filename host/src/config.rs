//! The checked configuration: what the rest of the gateway works with. Nothing here can be wrong any more.
//!
//! Reading is `config/read.rs`, which collects every problem with its place; these types are only made when there was none.
//! It takes two steps, since settings are checked against what the adapters say of them: [`open`] tells which adapters are
//! wanted, [`Draft::finish`] is given their descriptions. Nothing here touches the network or names an identity provider.

mod files;
mod form;
mod headers;
mod names;
mod provider;
mod read;
mod require;
mod resolve;
mod routes;
mod schema;
mod settings;
mod top;

pub use provider::provider;
pub use read::{Draft, open};
pub use resolve::{Nothing, Resolve, System};
pub use schema::schema;
pub(crate) use settings::is_beside_settings;

use portcullis_core::base_url::Origin;
use portcullis_core::policy::{Naming, Require, ScopeOrders};
use portcullis_core::secret::Secret;
use portcullis_core::setting::SettingValue;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// The whole file.
#[derive(Debug, Clone)]
pub struct Configuration {
    /// Where it was read from.
    pub file: PathBuf,
    /// `listen`.
    pub listen: SocketAddr,
    /// `tls`: PEM texts, already read.
    pub tls: Option<ServerTls>,
    /// `admin.listen`.
    pub admin_listen: SocketAddr,
    /// `throttled_status: 503`.
    pub throttled_is_unavailable: bool,
    /// `adapters.folder`, absolute or relative to the working directory.
    pub adapters_folder: PathBuf,
    /// `providers`, in the order of the file.
    pub providers: Vec<ProviderConfig>,
    /// `routes`, in the order of the file.
    pub routes: Vec<RouteConfig>,
}

/// `tls` of the listener.
#[derive(Debug, Clone)]
pub struct ServerTls {
    /// The certificate chain, PEM.
    pub certificate_pem: Vec<u8>,
    /// The private key, PEM.
    pub key_pem: Secret,
}

/// One of `providers`.
#[derive(Debug, Clone, PartialEq)]
pub struct ProviderConfig {
    /// Its name in the file.
    pub name: String,
    /// The adapter's name: the stem of its file.
    pub adapter: String,
    /// What the adapter described, checked, defaults filled in, in the adapter's order.
    pub settings: Vec<(String, SettingValue)>,
    /// Origins that the operator wrote: those of `base-url` and `url` settings that stand in the file (a default does not
    /// count, since the adapter wrote it), and of `origins:`.
    pub granted_origins: Vec<Origin>,
    /// Who the gateway is at this provider.
    pub client: ClientConfig,
    /// `username_attribute`: tried in order; empty: the plan's default.
    pub username_attributes: Vec<String>,
    /// `username`: what is done to usernames.
    pub naming: Naming,
    /// `audience`: one of these must be in the answer's; empty: not asked for.
    pub audience: Vec<String>,
    /// `any_audience: true`: whatever application a token was issued to, it passes.
    pub any_audience: bool,
    /// `required_scopes`: all of these must be in the answer's.
    pub required_scopes: Vec<String>,
    /// `scope_order`: which scopes stand for which.
    pub scope_orders: ScopeOrders,
    /// `allow_http`.
    pub allow_http: bool,
    /// `tls.ca_file`: PEM, already read.
    pub ca_pem: Option<Vec<u8>>,
    /// `tls.client_cert` and `tls.client_key`.
    pub client_certificate: Option<ClientCertificate>,
    /// `proxy`: an HTTP proxy for calls to this provider.
    pub proxy: Option<String>,
    /// `reuse`: whether a connection to this provider serves more than one call; `false` for `none`.
    pub reuse: bool,
    /// `timeout` of one call; 5 s by default.
    pub timeout: Duration,
    /// `cache`; `None` (`cache: none`): every request asks.
    pub cache: Option<CacheConfig>,
    /// Line of each setting and of the provider itself (the empty name), for problems found later.
    pub lines: BTreeMap<String, usize>,
}

/// `cache` of a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheConfig {
    /// `ttl`: how long a good credential is not asked about again; never beyond its own end. 60 s by default.
    pub ttl: Duration,
    /// `negative_ttl`: how long one that the provider refused stays refused. 5 s by default.
    pub negative_ttl: Duration,
}

/// The gateway as a client of the provider (RFC 6749 2.3).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ClientConfig {
    /// `client_id`.
    pub id: Option<String>,
    /// `client_secret`.
    pub secret: Option<Secret>,
    /// `client_auth`.
    pub auth: ClientAuth,
    /// `client_key`: the private key, PEM, that signs assertions.
    pub key: Option<Secret>,
    /// `client_key_id`: how the provider finds the public half.
    pub key_id: Option<String>,
    /// `assertion_audience`: for whom assertions are; `None`: the URL that is asked.
    pub assertion_audience: Option<String>,
}

/// What the gateway proves itself with in TLS (`tls.client_cert`, `tls.client_key` of a provider).
#[derive(Debug, Clone, PartialEq)]
pub struct ClientCertificate {
    /// The chain, PEM.
    pub chain_pem: Vec<u8>,
    /// Its private key, PEM.
    pub key_pem: Secret,
}

/// How the gateway authenticates as a client.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ClientAuth {
    /// `basic`: form-encoded halves in a Basic header (RFC 6749 2.3.1).
    #[default]
    Basic,
    /// `post`: `client_id` and `client_secret` as form fields.
    Post,
    /// `none`: `client_id` alone as a form field, or nothing.
    None,
    /// `private_key_jwt`: an assertion that `client_key` signs (RFC 7523 2.2), as form fields.
    PrivateKeyJwt,
    /// `mtls`: the certificate of `tls.client_cert` (RFC 8705 2), and `client_id` as a form field.
    Mtls,
}

/// One of `routes`.
#[derive(Debug, Clone)]
pub struct RouteConfig {
    /// Its place in the file, from 0; its name in logs is `routes[N]`.
    pub index: usize,
    /// `match`.
    pub matches: RouteMatch,
    /// What is demanded: exactly one of `providers` and `public: true`.
    pub access: Access,
    /// `require`: what is demanded of an identity here.
    pub require: Require,
    /// `services`: what becomes of a program's credential.
    pub services: Services,
    /// `mode: observe`: decided and logged, and passed untouched whatever the decision.
    pub observe: bool,
    /// `basic_auth`.
    pub basic_auth: BasicAuth,
    /// `cors`: what becomes of a browser's preflight.
    pub cors: Cors,
    /// `fall_through: true`: after a provider that says that a credential is none of its own, the next one is asked.
    pub fall_through: bool,
    /// `upstream`.
    pub upstream: UpstreamConfig,
    /// `identity_headers`: header name and the fact it carries. By default `X-Remote-User: username`.
    pub identity_headers: Vec<(http::HeaderName, Fact)>,
    /// `header_values`: what becomes of a value that is not all visible ASCII.
    pub header_values: HeaderValues,
    /// `authorization: keep`: the client's own Authorization goes upstream, from a public route too. Dropped by default.
    pub keep_authorization: bool,
    /// `cookies: pass`: cookies pass both ways. By default they are dropped on a route with providers, where a session
    /// cookie of one beside a token of another would make two people one, and pass on a public route.
    pub pass_cookies: bool,
    /// `refuse_query`: names of query parameters that an upstream could take for a credential. `access_token` is always
    /// among them on a route with providers.
    pub refuse_query: portcullis_core::target::QueryNames,
    /// `allow_in_path`: ambiguous spellings that this upstream needs.
    pub allow_in_path: Vec<portcullis_core::target::Oddity>,
}

/// `match` of a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteMatch {
    /// `host`, lower case, without port; `None`: any.
    pub host: Option<String>,
    /// `path`: a prefix of whole segments, with a leading `/` and without a final one; `/` is the empty text.
    pub path: String,
    /// `methods`, as they are written; empty: any. GET stands for HEAD too, where no route of this host and path names
    /// HEAD.
    pub methods: Vec<String>,
}

/// Who may pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// `public: true`: everybody, as nobody.
    Public,
    /// `providers`: names, in the order of the file.
    Providers(Vec<String>),
}

/// `basic_auth` of a route.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum BasicAuth {
    /// Refused with a Bearer challenge.
    #[default]
    Block,
    /// Passed on untouched, with its Authorization and without identity headers.
    Pass,
    /// A provider is asked, as for a token.
    Verify,
}

/// `cors` of a route.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Cors {
    /// A preflight is a request like any other.
    #[default]
    None,
    /// It is passed on, without anything but the question; answers are the upstream's.
    Pass,
    /// It is answered here for these origins, and their pages may read the answers.
    Answer(Vec<Origin>),
}

/// `services` of a route: what becomes of a credential that a program has for itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Services {
    /// 403. A client that somebody registered as `alice` must not become the user alice.
    #[default]
    Refuse,
    /// It passes under its own name.
    Pass,
    /// It passes with this before its name; a person whose name begins so is refused. Visible ASCII, never empty.
    Prefix(String),
}

/// `upstream` of a route.
#[derive(Debug, Clone)]
pub struct UpstreamConfig {
    /// `url`: scheme, authority, and a path that is put before the request's; normalised, no final slash (but for the
    /// `/` by which [`url::Url`] writes an empty path).
    pub url: url::Url,
    /// `timeout` until the response's head; 30 s by default.
    pub timeout: Duration,
    /// `tls.ca_file`: PEM, already read.
    pub ca_pem: Option<Vec<u8>>,
}

/// What an identity header carries.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Fact {
    /// `username`.
    Username,
    /// `subject`.
    Subject,
    /// `email`.
    Email,
    /// `groups`, joined with commas.
    Groups,
    /// `scopes`, joined with spaces.
    Scopes,
    /// `attributes.PATH`.
    Attribute(String),
}

/// `header_values` of a route.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum HeaderValues {
    /// `refuse`: 403, the reason in the log. So is a comma, at which servers split a value into a list.
    #[default]
    Refuse,
    /// `percent_encode`: UTF-8, percent-encoded, injective.
    PercentEncode,
}

#[cfg(test)]
mod tests;
