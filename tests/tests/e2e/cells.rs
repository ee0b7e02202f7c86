//! The table: what happened to a token, and what each door must say of it.

use crate::tokens::Keycloak;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portcullis_tests::gateway::{Gateway, any_port};
use portcullis_tests::server::Server;
use portcullis_tests::wire::Response;
use portcullis_tests::{client, upstream};
use std::time::Duration;

/// The gateway in front of a stand-in API, with a route for each way to ask this Keycloak.
pub(crate) struct Doors {
    pub(crate) gateway: Gateway,
    pub(crate) upstream: Server,
}

/// Routes and what their providers are.
const DOORS: &[(&str, &str)] = &[
    ("userinfo", "realm: demo"),
    ("introspection", "realm: demo, mode: introspection, client_id: gateway, client_secret: gateway-secret"),
    ("post", "realm: demo, mode: introspection, client_auth: post, client_id: gateway, client_secret: gateway-secret"),
    ("wrong-secret", "realm: demo, mode: introspection, client_id: gateway, client_secret: not-the-secret"),
    ("unknown-realm", "realm: nowhere"),
    (
        "unknown-realm-introspection",
        "realm: nowhere, mode: introspection, client_id: gateway, client_secret: gateway-secret",
    ),
];

/// The ways that judge a token.
pub(crate) const GOOD_DOORS: &[&str] = &["userinfo", "introspection", "post"];

/// The ways that cannot work, whatever the token.
const BROKEN_DOORS: &[&str] = &["wrong-secret", "unknown-realm", "unknown-realm-introspection"];

impl Doors {
    pub(crate) fn open(keycloak: &Keycloak) -> Self {
        let upstream = upstream::start(any_port()).unwrap();
        let (host, base) = keycloak.host_and_base();
        let (mut providers, mut routes) = ("providers:\n".to_owned(), "routes:\n".to_owned());
        for (name, settings) in DOORS {
            providers.push_str(&format!(
                "  {name}:\n    adapter: keycloak\n    settings: {{host: \"{host}\", {}{settings}}}\n    any_audience: true\n    cache: none\n",
                if base.is_empty() { String::new() } else { format!("base_path: \"{base}\", ") }
            ));
            routes.push_str(&format!(
                "  - match: {{path: /{name}}}\n    providers: [{name}]\n    upstream: {{url: \"{}\"}}\n",
                upstream.url()
            ));
        }
        let gateway = Gateway::start(&(providers + &routes)).unwrap();
        Self { gateway, upstream }
    }

    pub(crate) fn ask(&self, door: &str, token: &str) -> Response {
        client::get_as(self.gateway.address, &format!("/{door}/x"), token).unwrap()
    }

    /// In as this user, and the upstream was told so, once.
    pub(crate) fn assert_in(&self, door: &str, token: &str, user: &str, what: &str) {
        self.upstream.forget();
        let response = self.ask(door, token);
        assert_eq!(response.status, 200, "{what} at {door}: {}\n{}", response.text(), self.gateway.log());
        let [seen] = &self.upstream.seen()[..] else { panic!("{what} at {door}: not one request upstream") };
        assert_eq!(seen.header("x-remote-user"), Some(user), "{what} at {door}");
        assert_eq!(seen.header("authorization"), None, "{what} at {door}");
    }

    /// Refused with this status; the challenge holds `challenge`, or there is none; the upstream was told nothing.
    pub(crate) fn assert_out(&self, door: &str, token: &str, status: u16, challenge: Option<&str>, what: &str) {
        self.upstream.forget();
        let response = self.ask(door, token);
        assert_eq!(response.status, status, "{what} at {door}: {}\n{}", response.text(), self.gateway.log());
        match (challenge, response.header("www-authenticate")) {
            (None, None) => {}
            (Some(expected), Some(got)) => {
                assert!(got.starts_with("Bearer ") && got.contains(expected), "{what} at {door}: {got}");
            }
            (expected, got) => panic!("{what} at {door}: challenge {got:?} instead of {expected:?}"),
        }
        assert_eq!(response.header("retry-after").is_some(), status == 503, "{what} at {door}: Retry-After");
        assert!(self.upstream.seen().is_empty(), "{what} at {door}: {:?}", self.upstream.seen());
    }

    fn assert_bad(&self, token: &str, what: &str) {
        for door in GOOD_DOORS {
            self.assert_out(door, token, 401, Some("error=\"invalid_token\""), what);
        }
    }
}

/// Every cell that a running server can fill.
pub(crate) fn check(keycloak: &Keycloak, doors: &Doors) {
    let alice = keycloak.token("alice");
    for door in GOOD_DOORS {
        doors.assert_in(door, &alice, "alice", "a good token");
        doors.assert_in(door, &keycloak.token("bob"), "bob", "another's good token");
        let none = client::get(doors.gateway.address, &format!("/{door}/x"), &[]).unwrap();
        assert_eq!(none.status, 401);
        assert!(none.header("www-authenticate").is_some_and(|value| !value.contains("error")), "{none:?}");
    }
    for door in BROKEN_DOORS {
        doors.assert_out(door, &alice, 503, None, "the gateway's own settings are wrong");
        doors.assert_out(door, "made-up", 503, None, "the gateway's own settings are wrong");
    }

    let session = keycloak.tokens("demo", "app", "alice", "openid");
    for door in GOOD_DOORS {
        doors.assert_in(door, &session.access, "alice", "before logout");
    }
    keycloak.logout(&session);
    doors.assert_bad(&session.access, "after logout");

    let brief = keycloak.tokens("demo", "brief", "alice", "openid").access;
    std::thread::sleep(Duration::from_secs(3));
    doors.assert_bad(&brief, "expired");

    let dora = keycloak.token("dora");
    for door in GOOD_DOORS {
        doors.assert_in(door, &dora, "dora", "before she is disabled");
    }
    keycloak.enable("dora", false);
    doors.assert_bad(&dora, "a disabled user");
    keycloak.enable("dora", true);

    let all = keycloak.tokens("demo", "app", "alice", "openid");
    doors.assert_bad(&keycloak.tokens("other", "app", "alice", "openid").access, "another realm's");
    doors.assert_bad(&all.refresh, "a refresh token");
    doors.assert_bad(&all.id, "an ID token");
    doors.assert_bad("made-up", "a made-up token");
    doors.assert_bad(&format!("{}x", all.access), "a broken signature");
    for header in [r#"{"alg":"none","typ":"JWT"}"#, r#"{"alg":"NONE"}"#, r#"{"typ":"JWT"}"#] {
        doors.assert_bad(&unsigned(&all.access, header), header);
    }

    let plain = keycloak.tokens("demo", "app", "alice", "profile").access;
    doors.assert_out("userinfo", &plain, 403, Some("error=\"insufficient_scope\""), "no openid scope");
    for door in ["introspection", "post"] {
        doors.assert_in(door, &plain, "alice", "no openid scope");
    }
    for door in GOOD_DOORS {
        doors.assert_in(door, &alice, "alice", "after all that");
    }
}

/// The claims of a good token under a header that says it needs no signature.
fn unsigned(token: &str, header: &str) -> String {
    let claims = token.split('.').nth(1).expect("Keycloak's access tokens are JWTs");
    format!("{}.{claims}.", URL_SAFE_NO_PAD.encode(header))
}
