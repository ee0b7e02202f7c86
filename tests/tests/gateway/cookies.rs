//! Cookies are credentials to most upstreams: a session of bob beside alice's token would make alice bob.

use crate::protocols::h2c;
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

/// HTTP/2 clients split Cookie into several fields (RFC 9113 8.2.3); to PHP such ones are one broken cookie.
#[test]
fn crumbs_become_one_field_again() {
    let world = World::with_route("cookies: pass");
    let crumbs = [("cookie", "theme=dark"), ("cookie", "a=1; b=2"), ("cookie", "session=x")];
    let joined = Some("theme=dark; a=1; b=2; session=x");
    let headers = [&[("authorization", ALICE.1)], &crumbs[..]].concat();
    assert_eq!(h2c(world.gateway.address, "/x", &headers).status, 200);
    assert_eq!(world.upstream.seen().pop().unwrap().header("cookie"), joined, "over HTTP/2");
    assert_eq!(world.get("/x", &headers).status, 200);
    assert_eq!(world.upstream.seen().pop().unwrap().header("cookie"), joined, "over HTTP/1.1");
}
