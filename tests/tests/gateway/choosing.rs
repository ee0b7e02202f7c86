//! Several providers on one route: a token is shown to the one that it belongs to, and to no other unless the operator said so.

use crate::world::{World, assert_refused, config};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portcullis_tests::gateway::{Gateway, any_port, run};
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
    // Somebody else's issuer, or one that only begins the same: nobody is asked.
    for foreign in ["https://evil.example".to_owned(), issuer(&two.staff) + "/", issuer(&two.staff).to_uppercase()] {
        assert_refused(&two.get(&jwt(&foreign, "alice")), 401, &foreign);
    }
    assert_eq!(two.calls(), [1, 1]);
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
    let config = |extra: &str| {
        format!(
            "adapters: {{folder: \"{}\"}}\nproviders:\n  staff:\n    adapter: keycloak\n{extra}    \
             settings: {{host: https://sso.example.com, realm: staff}}\nroutes:\n  - providers: [staff]\n    \
             upstream: {{url: \"http://127.0.0.1:1\"}}\n",
            portcullis_tests::gateway::adapters().display()
        )
    };
    let check = |extra: &str| {
        let output = run(&["check", "--config", "{config}"], &config(extra), &[]).unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, said) = check("");
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("providers.staff") && said.contains("any_audience: true"), "{said}");
    assert_eq!(check("    any_audience: true\n").0, Some(0));
    // What is asked for and never told refuses every token: closed.
    assert_eq!(check("    audience: [confluence]\n").0, Some(0));
    assert!(World::new().gateway.log().contains("whatever application it was issued to"), "not said at start");
}
