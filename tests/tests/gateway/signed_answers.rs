//! Answers that a provider signs (RFC 9701, signed userinfo): believed under the plan's rules alone.

use crate::signing::{RSA, STRANGER, now, with};
use crate::world::{assert_refused, assert_unblamed};
use portcullis_tests::gateway::{Folder, Gateway, any_port, test_adapter};
use portcullis_tests::server::{Answer, Server};
use portcullis_tests::{client, upstream};
use serde_json::{Value, json};
use std::fs;
use std::sync::{Arc, Mutex};

struct World {
    gateway: Gateway,
    provider: Server,
    upstream: Server,
    answer: Arc<Mutex<Answer>>,
    _folder: Folder,
}

impl World {
    /// `signed`, `signed-client`: the plan has rules; `well`: it has none.
    fn new(behave: &str) -> Self {
        let folder = Folder::new().unwrap();
        fs::copy(test_adapter("dist", "odd").unwrap(), folder.path().join("odd.wasm")).unwrap();
        let answer = Arc::new(Mutex::new(Answer::default()));
        let serving = Arc::clone(&answer);
        let provider = Server::start(any_port(), move |request| match request.path() {
            "/keys" => Answer::json(200, &json!({"keys": [RSA.jwk()]})).into(),
            _ => serving.lock().unwrap().clone().into(),
        })
        .unwrap();
        let upstream = upstream::start(any_port()).unwrap();
        let config = format!(
            "adapters: {{folder: \"{}\"}}\nproviders:\n  staff:\n    adapter: odd\n    any_audience: true\n    cache: none\n    \
             settings: {{host: \"{}\", behave: {behave}, client_id: us, client_secret: secret-of-ours}}\n\
             routes:\n  - match: {{path: /}}\n    providers: [staff]\n    upstream: {{url: \"{}\"}}\n",
            folder.path().display(),
            provider.url(),
            upstream.url()
        );
        let gateway = Gateway::start(&config).unwrap();
        Self { gateway, provider, upstream, answer, _folder: folder }
    }

    fn claims(&self, more: &Value) -> Value {
        let claims =
            json!({"iss": self.provider.url(), "exp": now() + 60, "preferred_username": "alice", "active": true});
        with(claims, more)
    }

    fn status(&self, answer: Answer) -> u16 {
        *self.answer.lock().unwrap() = answer;
        let response = client::get_as(self.gateway.address, "/", "good-token-alice").unwrap();
        if response.status == 503 {
            assert_unblamed(&response, "an answer that cannot be believed");
        } else if response.status != 200 {
            assert_refused(&response, 401, "a refusal");
        }
        response.status
    }
}

fn jwt(text: &str) -> Answer {
    Answer::text(200, "application/jwt; charset=utf-8", text)
}

#[test]
fn what_is_signed_as_agreed_is_believed() {
    let world = World::new("plan-signed");
    assert_eq!(world.status(jwt(&RSA.token(&world.claims(&json!({}))))), 200);
    let introspection = Answer::text(200, "application/token-introspection+jwt", &RSA.token(&world.claims(&json!({}))));
    assert_eq!(world.status(introspection), 200);
    assert_eq!(world.status(Answer::status(401)), 401, "who says no need not sign it");
    assert_eq!(world.upstream.seen().last().unwrap().header("x-remote-user"), Some("alice"));
}

#[test]
fn what_is_not_is_the_providers_trouble() {
    let world = World::new("plan-signed");
    let claims = world.claims(&json!({}));
    for (answer, what) in [
        (jwt(&STRANGER.token(&claims)), "another key"),
        (jwt(&RSA.signed(&json!({"alg": "none"}), &claims)), "none"),
        (jwt(&RSA.token(&world.claims(&json!({"exp": now() - 100})))), "expired"),
        (jwt(&RSA.token(&world.claims(&json!({"iss": "https://evil.example"})))), "another issuer"),
        (jwt(&claims.to_string()), "no JWT"),
        (jwt(""), "nothing"),
        (Answer::json(200, &claims), "not signed"),
        (Answer::text(200, "text/plain", &RSA.token(&claims)), "signed under another name"),
    ] {
        assert_eq!(world.status(answer), 503, "{what}");
    }
    assert!(world.upstream.seen().is_empty());
}

#[test]
fn a_signed_answer_without_rules_is_not_read() {
    let world = World::new("well");
    assert_eq!(world.status(jwt(&RSA.token(&world.claims(&json!({}))))), 503);
    assert_eq!(world.status(jwt(&world.claims(&json!({})).to_string())), 503, "JSON that calls itself a JWT");
    assert!(world.upstream.seen().is_empty());
}

#[test]
fn an_answer_to_somebody_else_is_not_ours() {
    let world = World::new("plan-signed-client");
    let answer = |aud: Value| jwt(&RSA.token(&world.claims(&json!({"aud": aud}))));
    assert_eq!(world.status(answer(json!("us"))), 200);
    assert_eq!(world.status(answer(json!(["them", "us"]))), 200);
    assert_eq!(world.status(answer(json!("them"))), 503);
    assert_eq!(world.status(answer(json!([]))), 503);
}

#[test]
fn what_an_answer_repeats_is_masked_there_too() {
    let world = World::new("plan-signed");
    let echoed = world.claims(&json!({"preferred_username": "good-token-alice"}));
    assert_eq!(world.status(jwt(&RSA.token(&echoed))), 401, "a name that is the credential names nobody");
    assert!(world.upstream.seen().is_empty());
}

#[test]
fn keys_of_a_further_call_are_the_plans_own() {
    let own = World::new("plan-signed-ask-own");
    let answer = jwt(&RSA.token(&own.claims(&json!({}))));
    assert_eq!(own.status(answer), 200);
    assert_eq!(own.provider.seen().iter().filter(|request| request.path() == "/more").count(), 1);
    let other = World::new("plan-signed-ask-other");
    let answer = jwt(&RSA.token(&other.claims(&json!({}))));
    assert_eq!(other.status(answer), 503);
    let seen = other.provider.seen();
    assert!(seen.iter().all(|request| matches!(request.target.as_str(), "/me" | "/keys")), "{seen:?}");
    assert!(other.gateway.log().contains("which its plan does not name"), "{}", other.gateway.log());
}
