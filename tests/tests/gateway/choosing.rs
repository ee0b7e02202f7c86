//! Several providers on one route: a token is shown to the one that it belongs to, and to no other unless the operator said so.

use crate::world::{World, assert_refused, config};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portcullis_tests::gateway::{Folder, Gateway, adapters, any_port, run, test_adapter};
use portcullis_tests::server::{Answer, Reply, Server};
use portcullis_tests::wire::{Request, Response};
use portcullis_tests::{client, provider, upstream};

/// Two realms on one route, and GitHub-like tokens nowhere.
struct Two {
    gateway: Gateway,
    staff: Server,
    guests: Server,
    _upstream: Server,
}

fn knows(name: &'static str) -> impl Fn(&Request) -> Reply + Send + Sync + 'static {
    move |request| match request.bearer() {
        Some(token) if token.contains("broken") => Answer::status(500).into(),
        Some(token) if token.ends_with(&format!(".{name}")) => Answer::json(200, &provider::claims(name)).into(),
        _ => Answer::status(401).into(),
    }
}

impl Two {
    fn new(route_extra: &str) -> Self {
        let (staff, guests) =
            (Server::start(any_port(), knows("alice")).unwrap(), Server::start(any_port(), knows("bob")).unwrap());
        let upstream = upstream::start(any_port()).unwrap();
        let second = format!(
            "  guests:\n    adapter: keycloak\n    any_audience: true\n    settings: {{host: \"{}\", realm: demo}}\n",
            guests.url()
        );
        let config = config(&staff.url(), &upstream.url(), "", route_extra, "")
            .replace("routes:\n", &format!("{second}routes:\n"))
            .replace("providers: [staff]", "providers: [staff, guests]");
        Self { gateway: Gateway::start(&config).unwrap(), staff, guests, _upstream: upstream }
    }

    fn calls(&self) -> [usize; 2] {
        [self.staff.seen().len(), self.guests.seen().len()]
    }

    fn get(&self, token: &str) -> Response {
        client::get_as(self.gateway.address, "/rest", token).unwrap()
    }
}

/// A JWT of this issuer, signed by nobody: what the provider says of it counts.
fn jwt(issuer: &str, name: &str) -> String {
    let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = part(serde_json::json!({"alg": "RS256", "typ": "JWT"}));
    format!("{header}.{}.{name}", part(serde_json::json!({"iss": issuer})))
}

#[test]
fn a_token_goes_to_its_issuer_alone() {
    let two = Two::new("");
    let issuer = |server: &Server| format!("{}/realms/demo", server.url());
    let bob = two.get(&jwt(&issuer(&two.guests), "bob"));
    assert_eq!((bob.status, bob.json()["user"].as_str()), (200, Some("bob")));
    assert_eq!(two.calls(), [0, 1]);
    let alice = two.get(&jwt(&issuer(&two.staff), "alice"));
    assert_eq!((alice.status, alice.json()["user"].as_str()), (200, Some("alice")));
    assert_eq!(two.calls(), [1, 1]);
    // Somebody else's issuer, or one that only begins the same, is nobody's own: such a token is one of nobody in particular.
    for (number, foreign) in
        ["https://evil.example".to_owned(), issuer(&two.staff) + "/", issuer(&two.staff).to_uppercase()]
            .iter()
            .enumerate()
    {
        assert_refused(&two.get(&jwt(foreign, "bob")), 401, foreign);
        assert_eq!(two.calls(), [2 + number, 1], "{foreign}");
    }
    // Its own issuer refuses it: that is final, whatever the route says of others.
    let two = Two::new("fall_through: true");
    assert_refused(&two.get(&jwt(&issuer(&two.staff), "bob")), 401, "refused by its issuer");
    assert_eq!(two.calls(), [1, 0]);
}

/// Providers that are reached by internal names, while their tokens carry the public issuer, which none of them claims.
#[test]
fn a_token_with_an_issuer_that_nobody_claims_goes_to_who_can_say_whose_it_is() {
    let public = "https://sso.example.com/realms/demo";
    let two = Two::new("");
    assert_eq!(two.get(&jwt(public, "alice")).json()["user"], "alice");
    assert_refused(&two.get(&jwt(public, "bob")), 401, "of the second realm");
    assert_eq!(two.calls(), [2, 0]);
    let two = Two::new("fall_through: true");
    assert_eq!(two.get(&jwt(public, "bob")).json()["user"], "bob");
    assert_eq!(two.calls(), [1, 1]);
}

/// A provider that takes just anything, GitHub say, is never shown a JWT that is not its own, wherever it stands on the route.
#[test]
fn a_jwt_is_never_shown_to_a_provider_that_takes_anything() {
    let anything = Server::start(any_port(), knows("mallory")).unwrap();
    let (staff, upstream) = (Server::start(any_port(), knows("alice")).unwrap(), upstream::start(any_port()).unwrap());
    let folder = Folder::new().unwrap();
    std::fs::copy(test_adapter("dist", "odd").unwrap(), folder.path().join("odd.wasm")).unwrap();
    std::fs::copy(adapters().join("keycloak.wasm"), folder.path().join("keycloak.wasm")).unwrap();
    let route = |path: &str, providers: &str| {
        // Nothing falls through where there is no second one.
        let fall_through = if providers.contains(',') { "    fall_through: true\n" } else { "" };
        format!(
            "  - match: {{path: /{path}}}\n    providers: [{providers}]\n{fall_through}    upstream: {{url: \"{}\"}}\n",
            upstream.url()
        )
    };
    let config = format!(
        "adapters: {{folder: \"{}\"}}\nproviders:\n  anything:\n    adapter: odd\n    any_audience: true\n    cache: none\n    \
         settings: {{host: \"{}\"}}\n  staff:\n    adapter: keycloak\n    any_audience: true\n    cache: none\n    \
         settings: {{host: \"{staff}\", realm: demo}}\n  signed:\n    adapter: keycloak\n    audience: [us]\n    cache: none\n    \
         settings: {{host: \"{staff}\", realm: demo, mode: jwt}}\nroutes:\n{}{}{}",
        folder.path().display(),
        anything.url(),
        route("asked", "anything, staff"),
        route("nobody", "anything, signed"),
        route("alone", "anything"),
        staff = staff.url(),
    );
    let gateway = Gateway::start(&config).unwrap();
    let get = |path: &str, token: &str| client::get_as(gateway.address, path, token).unwrap();
    let own = format!("{}/realms/demo", staff.url());
    for issuer in ["https://sso.example.com/realms/demo", &own] {
        assert_eq!(get("/asked", &jwt(issuer, "alice")).json()["user"], "alice", "{issuer}");
        assert_refused(&get("/asked", &jwt(issuer, "mallory")), 401, issuer);
    }
    assert_refused(&get("/nobody", &jwt("https://sso.example.com/realms/demo", "mallory")), 401, "of no issuer here");
    assert!(anything.seen().is_empty(), "a JWT was shown to the provider that takes anything");
    let log = gateway.log();
    assert!(
        log.contains("no provider of the route has the token's issuer `https://sso.example.com/realms/demo`"),
        "{log}"
    );
    // What is no JWT may be its own; and a provider that is alone on a route is asked whatever it takes.
    assert_eq!(get("/asked", "opaque.mallory").json()["user"], "mallory");
    assert_eq!(get("/alone", &jwt("https://sso.example.com/realms/demo", "mallory")).json()["user"], "mallory");
}

/// An encrypted token (RFC 7516) has its issuer in its header, if anywhere (RFC 7519 5.3): Auth0's have, where no audience was asked
/// for. It is shown to that issuer, and never to a provider whose tokens are no JWTs at all.
#[test]
fn an_encrypted_token_goes_to_the_issuer_that_its_header_names() {
    let github =
        Server::start(any_port(), |_| Answer::json(200, &serde_json::json!({"login": "mallory", "id": 1})).into())
            .unwrap();
    let (auth0, upstream) = (Server::start(any_port(), knows("alice")).unwrap(), upstream::start(any_port()).unwrap());
    let gateway = Gateway::start(&format!(
        "adapters: {{folder: \"{}\"}}\nproviders:\n  code:\n    adapter: github\n    any_audience: true\n    \
         settings: {{host: \"{}\"}}\n  tenant:\n    adapter: auth0\n    any_audience: true\n    username_attribute: preferred_username\n    \
         settings: {{domain: \"{}\"}}\nroutes:\n  - match: {{path: /}}\n    providers: [code, tenant]\n    fall_through: true\n    \
         upstream: {{url: \"{}\"}}\n",
        adapters().display(),
        github.url(),
        auth0.url(),
        upstream.url()
    ))
    .unwrap();
    let encrypted = |header: serde_json::Value, name: &str| {
        format!("{}.key.iv.text.{name}", URL_SAFE_NO_PAD.encode(header.to_string()))
    };
    let get = |token: &str| client::get_as(gateway.address, "/", token).unwrap();
    let of_tenant = serde_json::json!({"alg": "dir", "enc": "A256GCM", "iss": format!("{}/", auth0.url())});
    let of_nobody = serde_json::json!({"alg": "dir", "enc": "A256GCM"});
    for header in [of_tenant, of_nobody] {
        assert_eq!(get(&encrypted(header.clone(), "alice")).json()["user"], "alice", "{header}");
        assert_refused(&get(&encrypted(header, "bob")), 401, "of its issuer");
    }
    assert!(github.seen().is_empty(), "an encrypted token was shown to a provider whose tokens are no JWTs");
    assert_eq!(get("opaque").json()["user"], "mallory");
}

#[test]
fn a_token_of_nobody_in_particular_is_shown_to_the_first_alone_unless_told_otherwise() {
    let two = Two::new("");
    assert_eq!(two.get("opaque.alice").status, 200);
    assert_refused(&two.get("opaque.bob"), 401, "not asked");
    assert_eq!(two.calls(), [2, 0]);
    assert!(two.gateway.log().contains("not asked: guests"), "the log does not say who was not asked");

    let two = Two::new("fall_through: true");
    assert_eq!(two.get("opaque.bob").json()["user"], "bob");
    assert_eq!(two.calls(), [1, 1]);
    assert_refused(&two.get("opaque.carol"), 401, "of neither");
    assert_eq!(two.calls(), [2, 2]);
    // Only after a no: a fault of the first is not the others' business.
    assert_refused(&two.get("opaque.broken.bob"), 503, "a fault");
    assert_eq!(two.calls(), [3, 2]);
    assert!(two.gateway.log().contains("is shown to the next: staff, guests"), "no warning at start");
}

#[test]
fn a_provider_that_cannot_tell_for_whom_a_token_is_needs_the_operators_word() {
    let config = |adapter: &str, settings: &str, extra: &str| {
        format!(
            "adapters: {{folder: \"{}\"}}\nproviders:\n  staff:\n    adapter: {adapter}\n{extra}    \
             settings: {{{settings}}}\nroutes:\n  - providers: [staff]\n    \
             require: {{audience: [confluence]}}\n    upstream: {{url: \"http://127.0.0.1:1\"}}\n",
            portcullis_tests::gateway::adapters().display()
        )
    };
    const KEYCLOAK: &str = "host: https://sso.example.com, realm: staff";
    const ASKING: &str =
        "host: https://sso.example.com, realm: staff, mode: introspection, client_id: a, client_secret: b";
    const DISCOVERED: &str = "issuer: https://id.example.com, mode: introspection, client_id: a, client_secret: b";
    let (any, named, missing) = ("    any_audience: true\n", "    audience: [confluence]\n", "`audience: [...]`");
    for (adapter, settings, extra, refused) in [
        // Userinfo does not return the audience: it is agreed to, and cannot be demanded.
        ("keycloak", KEYCLOAK, "", Some("any_audience: true")),
        ("keycloak", KEYCLOAK, any, None),
        ("keycloak", KEYCLOAK, named, Some("providers.staff.audience: cannot be checked")),
        // Introspection does: it is named, or agreed that it does not count.
        ("keycloak", ASKING, "", Some(missing)),
        ("keycloak", ASKING, any, None),
        ("keycloak", ASKING, named, None),
        // Also where the plan is made of documents that are fetched later.
        ("oidc", DISCOVERED, "", Some(missing)),
        ("oidc", DISCOVERED, named, None),
        ("oidc", DISCOVERED, any, None),
    ] {
        let text = config(adapter, settings, extra);
        let output = run(&["check", "--config", "{config}"], &text, &[]).unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let what = format!("{adapter}, {settings}, {extra}: {said}");
        assert_eq!(output.status.code(), Some(if refused.is_some() { 2 } else { 0 }), "{what}");
        let Some(reason) = refused else { continue };
        assert!(said.contains("providers.staff") && said.contains(reason), "{what}");
        let output = run(&["serve", "--config", "{config}"], &text, &[]).unwrap();
        assert_eq!(output.status.code(), Some(2), "it starts: {what}");
    }
    assert!(World::new().gateway.log().contains("whatever application it was issued to"), "not said at start");
}
