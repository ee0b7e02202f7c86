//! Every name of the configuration, each in one place: the readers can take no other (`At::mapping` is given these lists), the
//! schema shows exactly these, and both choose among the same words.
//!
//! What a file must be beyond names, kinds and words, the readers alone know.

use super::form::{Form, Name};

const TEXT_OR_TEXTS: Form = Form::Either(&[Form::Text, Form::List(&Form::Text, 1)]);

/// The whole file.
pub(super) static TOP: [Name; 7] = [
    Name::new("listen", Form::Like(ADDRESS), "IP address and port to serve on.").default("127.0.0.1:8080"),
    Name::new("tls", Form::Mapping(&SERVER_TLS), "HTTPS, HTTP/2 by ALPN. Without: HTTP/1.1 and HTTP/2 in clear."),
    Name::new("admin", Form::Mapping(&ADMIN), "The administrator's listener: health, metrics, decisions."),
    Name::new("adapters", Form::Mapping(&ADAPTERS), "Where the adapters are."),
    Name::new(
        "throttled_status",
        Form::Number(&THROTTLED_STATUS),
        "What is answered where a provider limits our calls about a token: 429, or 503 for a front proxy that takes 429 for its own.",
    )
    .default("429"),
    Name::new("providers", Form::Named(&Form::Provider), "Who is asked: a name of your own (a-z0-9_-), and the provider."),
    Name::new("routes", Form::List(&Form::Route, 1), "What a request matches, and what then applies.").required(),
];

const ADDRESS: &str = r":[0-9]{1,5}$";

/// `throttled_status`.
pub(super) static THROTTLED_STATUS: [&str; 2] = ["429", "503"];

/// `tls` at the top.
pub(super) static SERVER_TLS: [Name; 2] = [
    Name::new("cert_file", Form::Text, "The certificate chain, PEM.").example("gate.pem").required(),
    Name::new("key_file", Form::Text, "Its private key, PEM.").example("gate.key").required(),
];

/// `admin`.
pub(super) static ADMIN: [Name; 1] = [Name::new(
    "listen",
    Form::Like(ADDRESS),
    "IP address and port for health, metrics and decisions; never the same as `listen` at the top.",
)
.default("127.0.0.1:8081")];

/// `adapters`.
pub(super) static ADAPTERS: [Name; 1] =
    [Name::new("folder", Form::Text, "Where the *.wasm files are; relative to this file.").default("./adapters")];

/// One of `providers`.
pub(super) static PROVIDER: [Name; 15] = [
    Name::new("adapter", Form::Adapter, "Stem of the adapter's file: `keycloak` for keycloak.wasm.").required(),
    Name::new("settings", Form::Settings, "What the adapter wants to know (`portcullis adapter show NAME`), and who the gateway is as a client."),
    Name::new(
        "username_attribute",
        TEXT_OR_TEXTS,
        "Attribute that is the username; of a list, the first that is there. Default: the adapter's.",
    )
    .example("preferred_username"),
    Name::new("username", Form::Mapping(&USERNAME), "What is done to usernames. Default: they stay as they are."),
    Name::new(
        "audience",
        TEXT_OR_TEXTS,
        "One of these must be in the token's audience; required where tokens are verified here. Without it, a token that was issued to any other application of this provider passes.",
    )
    .example("my-api"),
    Name::new(
        "any_audience",
        Form::Flag,
        "`true`: tokens pass whatever application they were issued to. Needed where the adapter's mode cannot tell.",
    )
    .default("false"),
    Name::new("required_scopes", Form::List(&Form::Text, 0), "A token must have all of them, else 403.").example("[openid]"),
    Name::new(
        "scope_order",
        Form::Either(&[Form::Choice(&SCOPE_ORDERS), Form::List(&Form::List(&Form::Text, 2), 1)]),
        "Which scopes stand for which: `atlassian` (READ < WRITE < ADMIN < SYSTEM_ADMIN), or orders of your own, the weakest first.",
    )
    .example("[[read, write]]"),
    Name::new(
        "origins",
        Form::List(&Form::Text, 0),
        "Where credentials may go beside the origins of the URLs that you wrote in `settings`: https://host[:port].",
    )
    .example("[https://api.github.com]"),
    Name::new("allow_http", Form::Flag, "`true`: http:// URLs beyond loopback. Credentials then cross the network in clear.")
        .default("false"),
    Name::new("tls", Form::Mapping(&PROVIDER_TLS), "How the provider and the gateway know each other. Default: the system's authorities, and no certificate."),
    Name::new("proxy", Form::Text, "HTTP proxy for calls to this provider. The environment's proxies are never used.")
        .example("http://proxy.example.com:3128"),
    Name::new(
        "reuse",
        Form::Choice(&REUSE),
        "`connections`: a connection serves call after call. `none`: each call has one of its own, so that whatever the provider sends unasked belongs to no other call.",
    )
    .default("connections"),
    Name::new("timeout", Form::Duration, "Of one call to the provider; at most 1h.").default("5s"),
    Name::new(
        "cache",
        Form::Either(&[Form::Mapping(&CACHE), Form::Choice(&NO_CACHE)]),
        "How long a credential is not asked about again; `none`: every request asks.",
    )
    .default("{ttl: 60s, negative_ttl: 5s}"),
];

/// `reuse` of a provider.
pub(super) static REUSE: [&str; 2] = ["connections", "none"];

/// `scope_order`, where it is a word.
pub(super) static SCOPE_ORDERS: [&str; 1] = ["atlassian"];

/// `cache`, where it is a word.
pub(super) static NO_CACHE: [&str; 1] = ["none"];

/// `username` of a provider.
pub(super) static USERNAME: [Name; 3] = [
    Name::new("lower_case", Form::Flag, "`true`: ASCII letters in lower case.").default("false"),
    Name::new(
        "strip_domain",
        Form::Text,
        "Without `@` and this domain; other domains stay, and a name without any is refused.",
    )
    .example("example.com"),
    Name::new(
        "require_verified_email",
        Form::Flag,
        "`true`: only whoever has an e-mail address that the provider verified.",
    )
    .default("false"),
];

/// `tls` of a provider.
pub(super) static PROVIDER_TLS: [Name; 3] = [
    CA_FILE,
    Name::new("client_cert", Form::Text, "PEM file: the certificate that the gateway shows.").example("gate.pem"),
    Name::new("client_key", Form::Text, "PEM file: the private key of `client_cert`.").example("gate.key"),
];

const CA_FILE: Name =
    Name::new("ca_file", Form::Text, "PEM file with the authorities that count here, in place of the system's.")
        .example("corp-ca.pem");

/// `cache` of a provider.
pub(super) static CACHE: [Name; 2] = [
    Name::new(
        "ttl",
        Form::Duration,
        "A good credential is not asked about again for so long, never beyond 10 s before its own end. A revoked one passes until then.",
    )
    .default("60s"),
    Name::new("negative_ttl", Form::Duration, "One that the provider refused stays refused for so long.").default("5s"),
];

/// What may stand in the settings of each provider: the gateway as a client of it.
pub(super) static CLIENT: [Name; 6] = [
    Name::new("client_id", Form::Text, "Who the gateway is where it asks as a client.").example("gateway"),
    Name::new("client_secret", Form::Secret, "The client's secret: `${NAME}`, `file:path` or text. No adapter sees it.")
        .example("${CLIENT_SECRET}"),
    Name::new(
        "client_auth",
        Form::Choice(&CLIENT_AUTH),
        "How the client authenticates: `basic` (form-encoded halves in a Basic header), `post` (form fields), `none` (`client_id` alone), `private_key_jwt` (an assertion, RFC 7523), `mtls` (RFC 8705: the certificate of `tls.client_cert`).",
    )
    .default("basic"),
    Name::new(
        "client_key",
        Form::Secret,
        "`private_key_jwt`: the private key, PEM, as `file:path` or `${NAME}`: RSA, P-256, P-384, Ed25519.",
    )
    .example("file:client.pem"),
    Name::new("client_key_id", Form::Text, "The key's `kid`, where the provider wants one.").example("key-1"),
    Name::new("assertion_audience", Form::Text, "For whom the assertion is: the issuer, for some providers. Default: the URL asked.")
        .example("https://sso.example.com"),
];

/// `client_auth`.
pub(super) static CLIENT_AUTH: [&str; 5] = ["basic", "post", "none", "private_key_jwt", "mtls"];

/// One of `routes`.
pub(super) static ROUTE: [Name; 16] = [
    Name::new("match", Form::Mapping(&MATCH), "Which requests it is for. Default: all."),
    Name::new(
        "providers",
        Form::List(&Form::Text, 1),
        "Who may be asked. Of several, a token is shown to the one that it belongs to; of two that could have it, to the first.",
    )
    .example("[staff]"),
    Name::new(
        "fall_through",
        Form::Flag,
        "`true`: a token that one provider says is no good is shown to the next, and so to providers that did not issue it.",
    )
    .default("false"),
    Name::new("public", Form::Flag, "`true`: everybody passes, as nobody.").default("false"),
    Name::new("upstream", Form::Mapping(&UPSTREAM), "The API that is protected.").required(),
    Name::new(
        "require",
        Form::Mapping(&REQUIRE),
        "All of these are demanded of an identity, else 403. A fact that the provider does not tell refuses.",
    ),
    Name::new(
        "services",
        Form::Either(&[Form::Choice(&SERVICES), Form::Mapping(&SERVICES_PREFIX)]),
        "A program's own credential: `refuse` (403), `pass`, or {prefix: \"svc:\"}, which is put before its name.",
    )
    .default("refuse"),
    Name::new(
        "mode",
        Form::Choice(&MODE),
        "`observe`: decided and logged, and passed on without identity headers whatever the decision.",
    )
    .default("enforce"),
    Name::new(
        "basic_auth",
        Form::Choice(&BASIC_AUTH),
        "Basic credentials: `block` (401 with a Bearer challenge), `pass` (upstream, untouched, without identity), `verify` (a provider whose adapter takes Basic is asked).",
    )
    .default("block"),
    Name::new(
        "cors",
        Form::Either(&[Form::Choice(&CORS), Form::Mapping(&CORS_ORIGINS)]),
        "A browser's preflight: `pass` takes the bare question upstream; {origins: [...]} answers it here. Default: a request like any other.",
    ),
    Name::new(
        "identity_headers",
        Form::Named(&Form::Either(&[Form::Choice(&FACTS), Form::Like(r"^attributes\..")])),
        "Header, and what it carries: `username`, `subject`, `email`, `groups`, `scopes` or `attributes.PATH`. Default: {X-Remote-User: username}.",
    )
    .example("{X-Remote-User: username}"),
    Name::new("header_values", Form::Choice(&HEADER_VALUES), "A value that is not visible ASCII or holds a comma: `refuse` (403) or `percent_encode`.")
        .default("refuse"),
    Name::new("authorization", Form::Choice(&AUTHORIZATION), "`keep`: the client's own Authorization goes upstream, too.")
        .default("drop"),
    Name::new("cookies", Form::Choice(&COOKIES), "`pass`: cookies pass both ways. Default: `drop`, on a public route `pass`."),
    Name::new(
        "refuse_query",
        TEXT_OR_TEXTS,
        "Further names of query parameters that the upstream takes for a login; `atlassian` stands for its own three.",
    )
    .example("atlassian"),
    Name::new(
        "allow_in_path",
        Form::List(&Form::Choice(&ODDITIES), 0),
        "Spellings that servers read differently, and that this upstream needs: %2f, %5c, //, `;`, %25.",
    )
    .example("[encoded_slash]"),
];

/// What has no meaning on a route with `public: true`.
pub(super) static NOT_PUBLIC: [&str; 7] =
    ["identity_headers", "header_values", "basic_auth", "require", "services", "mode", "fall_through"];

/// `match` of a route.
pub(super) static MATCH: [Name; 3] = [
    Name::new("host", Form::Text, "A name without port. Default: any.").example("api.example.com"),
    Name::new("path", Form::Text, "Prefix of whole segments; the longest wins. No escapes, no wildcards.").default("/"),
    Name::new("methods", Form::List(&Form::Text, 1), "In upper case; GET includes HEAD. Default: any.")
        .example("[GET, HEAD]"),
];

/// `upstream` of a route.
pub(super) static UPSTREAM: [Name; 3] = [
    Name::new("url", Form::Text, "Scheme, host, port; its path is put before the request's, nothing is stripped.")
        .example("http://127.0.0.1:8090")
        .required(),
    Name::new("timeout", Form::Duration, "Until the answer begins; at most 1h.").default("30s"),
    Name::new("tls", Form::Mapping(&UPSTREAM_TLS), "How the upstream is known. Default: the system's authorities."),
];

/// `upstream.tls` of a route.
pub(super) static UPSTREAM_TLS: [Name; 1] = [CA_FILE.required()];

/// `require` of a route.
pub(super) static REQUIRE: [Name; 5] = [
    Name::new("scopes", Form::List(&Form::Text, 1), "All of them.").example("[READ]"),
    Name::new("groups", TEXT_OR_TEXTS, "One of them.").example("[docs]"),
    Name::new("audience", TEXT_OR_TEXTS, "One of them must be in the token's.").example("[my-api]"),
    Name::new("users", Form::Mapping(&USERS), "Who may come, and who may not."),
    Name::new("attributes", Form::Named(&TEXT_OR_TEXTS), "Attribute, and the values of which one must be there.")
        .example("{department: [docs, it]}"),
];

/// `require.users` of a route.
pub(super) static USERS: [Name; 2] = [
    Name::new("allow", TEXT_OR_TEXTS, "These alone.").example("[alice]"),
    Name::new("deny", TEXT_OR_TEXTS, "None of these, in any letter case.").example("[mallory]"),
];

/// `services`, where it is a word.
pub(super) static SERVICES: [&str; 2] = ["refuse", "pass"];

/// `services`, where it is a mapping.
pub(super) static SERVICES_PREFIX: [Name; 1] =
    [Name::new("prefix", Form::Text, "What stands before a program's name; a person whose name begins so is refused.")
        .example("\"svc:\"")
        .required()];

/// `mode` of a route.
pub(super) static MODE: [&str; 2] = ["enforce", "observe"];

/// `basic_auth`.
pub(super) static BASIC_AUTH: [&str; 3] = ["block", "pass", "verify"];

/// `cors`, where it is a word.
pub(super) static CORS: [&str; 1] = ["pass"];

/// `cors`, where it is a mapping.
pub(super) static CORS_ORIGINS: [Name; 1] =
    [Name::new("origins", Form::List(&Form::Text, 1), "Whose pages may ask, and read answers.")
        .example("[https://app.example.com]")
        .required()];

/// What an identity header can carry, beside an attribute.
pub(super) static FACTS: [&str; 5] = ["username", "subject", "email", "groups", "scopes"];

/// `header_values`.
pub(super) static HEADER_VALUES: [&str; 2] = ["refuse", "percent_encode"];

/// `authorization`.
pub(super) static AUTHORIZATION: [&str; 2] = ["drop", "keep"];

/// `cookies`.
pub(super) static COOKIES: [&str; 2] = ["drop", "pass"];

/// `allow_in_path`.
pub(super) static ODDITIES: [&str; 5] =
    ["encoded_slash", "encoded_backslash", "double_slash", "semicolon", "encoded_percent"];
