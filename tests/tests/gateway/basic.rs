//! `basic_auth`: blocked unless the administrator says otherwise, and then passed on as it came, as nobody.

use crate::world::{World, assert_refused, challenge, config};
use portcullis_tests::gateway::{Gateway, any_port, test_adapter};
use portcullis_tests::server::{Answer, Server};
use portcullis_tests::{client, provider, upstream};

const PAIR: &str = "Basic YWxpY2U6cGFzcw==";

#[test]
fn basic_is_blocked_by_default() {
    for route in ["", "basic_auth: block"] {
        let world = World::with_route(route);
        let response = world.get("/rest", &[("Authorization", PAIR)]);
        assert_refused(&response, 401, route);
        challenge(&response);
        assert!(world.upstream.seen().is_empty());
    }
}

#[test]
fn basic_that_may_pass_goes_untouched_and_without_an_identity() {
    let world = World::with_route("basic_auth: pass");
    let spoofed = [("Authorization", PAIR), ("X-Remote-User", "root"), ("X_Remote_User", "root")];
    let response = world.get("/rest", &spoofed);
    assert_eq!(response.status, 200, "{}", response.text());
    assert!(response.json()["user"].is_null(), "{}", response.text());
    let [request] = &world.upstream.seen()[..] else { panic!("not one request") };
    assert_eq!(request.header("authorization"), Some(PAIR));
    assert!(world.provider.seen().is_empty());
    // Nobody at all is still nobody, and a bad token is still bad.
    assert_eq!(world.get("/rest", &[]).status, 401);
    assert_eq!(world.get("/rest", &[("Authorization", "Bearer bad")]).status, 401);
}

#[test]
fn basic_that_is_verified_is_its_users() {
    let script = |request: &portcullis_tests::wire::Request| match request.header("authorization") {
        Some(PAIR) => Answer::json(200, &provider::claims("alice")).into(),
        _ => Answer::status(401).into(),
    };
    let provider = Server::start(any_port(), script).unwrap();
    let upstream = upstream::start(any_port()).unwrap();
    let config = config(&provider.url(), &upstream.url(), "cache: {}", "basic_auth: verify", "")
        .replace("adapter: keycloak", "adapter: odd")
        .replace("      realm: demo\n", "      behave: basic\n");
    let folder = test_adapter("dist", "odd").unwrap().parent().unwrap().display().to_string();
    let gateway = Gateway::start(&format!("adapters: {{folder: \"{folder}\"}}\n{config}")).unwrap();
    let get = |value: &str| client::get(gateway.address, "/rest", &[("Authorization", value)]).unwrap();
    for _ in 0..2 {
        let response = get(PAIR);
        assert_eq!((response.status, response.json()["user"].as_str()), (200, Some("alice")), "{}", response.text());
    }
    assert_eq!(provider.seen().len(), 1, "a pair is kept as a token is");
    let request = upstream.seen().pop().unwrap();
    assert_eq!((request.header("authorization"), request.header("x-remote-user")), (None, Some("alice")));
    // Another password of the same user, the other way round, and nobody: clients that wait for the challenge get it.
    for value in ["Basic YWxpY2U6UGFzcw==", "Basic cGFzczphbGljZQ=="] {
        let response = get(value);
        assert_refused(&response, 401, value);
        let challenges: Vec<&str> = response
            .headers
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case("www-authenticate"))
            .map(|(_, value)| value.as_str())
            .collect();
        let [bearer, basic] = challenges.as_slice() else { panic!("{response:?}") };
        assert!(bearer.starts_with("Bearer ") && basic.starts_with("Basic realm="), "{response:?}");
    }
    assert_refused(&client::get(gateway.address, "/rest", &[]).unwrap(), 401, "nobody");
    assert!(!gateway.log().contains("YWxpY2U6") && !gateway.log().contains("alice:pass"), "a pair is in the log");
}
