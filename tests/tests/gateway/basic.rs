//! `basic_auth`: blocked unless the administrator says otherwise, and then passed on as it came, as nobody.

use crate::world::{World, assert_refused, challenge};

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
