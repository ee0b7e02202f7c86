//! Cookies are credentials to most upstreams: a session of bob beside alice's token would make alice bob.

use crate::world::{ALICE, World};

#[test]
fn cookies_are_dropped_both_ways() {
    let world = World::new();
    let response = world.get("/cookie", &[ALICE, ("Cookie", "JSESSIONID=bobs")]);
    assert_eq!(response.status, 200);
    assert_eq!(response.header("set-cookie"), None);
    assert_eq!(world.upstream.seen()[0].header("cookie"), None);
}

#[test]
fn cookies_pass_where_the_route_says_so() {
    let world = World::with_route("cookies: pass");
    let response = world.get("/cookie", &[ALICE, ("Cookie", "theme=dark")]);
    assert_eq!(response.header("set-cookie"), Some("JSESSIONID=1; Path=/"));
    assert_eq!(world.upstream.seen()[0].header("cookie"), Some("theme=dark"));
}
