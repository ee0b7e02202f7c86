//! A browser's preflight is answered or passed as configured, and opens nothing else.

use crate::world::{ALICE, World, assert_refused, config};
use portcullis_tests::gateway::{Gateway, any_port};
use portcullis_tests::wire::Response;
use portcullis_tests::{client, provider, upstream};

const APP: (&str, &str) = ("Origin", "https://app.example.com");
const ASKED: (&str, &str) = ("Access-Control-Request-Method", "PUT");
const NAMES: (&str, &str) = ("Access-Control-Request-Headers", "authorization, content-type");

fn options(world: &World, headers: &[(&str, &str)], body: &[u8]) -> Response {
    client::send(world.gateway.address, "OPTIONS", "/rest/x", headers, body).unwrap()
}

#[test]
fn without_the_key_it_is_a_request_like_any_other() {
    let world = World::new();
    assert_refused(&options(&world, &[APP, ASKED], b""), 401, "nobody");
    assert!(world.upstream.seen().is_empty());
}

#[test]
fn it_is_answered_for_the_origins_that_are_named() {
    let (provider, upstream) = (provider::start(any_port()).unwrap(), upstream::start(any_port()).unwrap());
    let config = config(&provider.url(), &upstream.url(), "", "cors: {origins: [https://app.example.com]}", "")
        .replace("match: {path: /}", "match: {path: /, methods: [GET, PUT]}");
    let world = World { gateway: Gateway::start(&config).unwrap(), provider, upstream };
    let answer = options(&world, &[APP, ASKED, NAMES], b"");
    assert_eq!(answer.status, 204, "{}", answer.text());
    for (name, value) in [
        ("access-control-allow-origin", APP.1),
        ("access-control-allow-methods", "PUT"),
        ("access-control-allow-headers", NAMES.1),
        ("access-control-max-age", "600"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name}");
    }
    assert_eq!(answer.header("access-control-allow-credentials"), None);
    // Others' pages, methods that the route does not take, and what only looks like a preflight.
    for origin in ["https://app.example.com.evil.example", "https://APP.example.com", "http://app.example.com", "null"]
    {
        let refused = options(&world, &[("Origin", origin), ASKED], b"");
        assert_refused(&refused, 403, origin);
        assert_eq!(refused.header("access-control-allow-origin"), None, "{origin}");
    }
    assert_refused(&options(&world, &[APP, ("Access-Control-Request-Method", "DELETE")], b""), 404, "no such route");
    assert_eq!(options(&world, &[APP], b"").status, 404);
    let odd = options(&world, &[APP, ASKED, ("Access-Control-Request-Headers", "a\"b, c")], b"");
    assert_eq!((odd.status, odd.header("access-control-allow-headers")), (204, None));
    assert!(world.upstream.seen().is_empty() && world.provider.seen().is_empty());
    // Their pages read answers, and why they were refused.
    let answer = world.get("/rest", &[ALICE, APP]);
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, Some(APP.1)));
    assert_eq!(world.get("/rest", &[APP]).header("access-control-allow-origin"), Some(APP.1));
    let foreign = world.get("/rest", &[ALICE, ("Origin", "https://evil.example")]);
    assert_eq!((foreign.status, foreign.header("access-control-allow-origin")), (200, None));
}

#[test]
fn it_is_passed_on_bare() {
    let world = World::with_route("cors: pass");
    let more =
        [("X-Remote-User", "root"), ("X-HTTP-Method-Override", "DELETE"), ("X-Api-Key", "k"), ("User-Agent", "b")];
    let answer = options(&world, &[&[APP, ASKED, NAMES], more.as_slice()].concat(), b"");
    assert_eq!(answer.status, 200, "the upstream's");
    let [seen] = &world.upstream.seen()[..] else { panic!("not one request") };
    assert_eq!((seen.method.as_str(), seen.header("origin")), ("OPTIONS", Some(APP.1)));
    assert_eq!((seen.header(ASKED.0), seen.header(NAMES.0)), (Some(ASKED.1), Some(NAMES.1)));
    for (name, _) in more {
        assert_eq!(seen.header(name), None, "{name} went along");
    }
    // With a body or a credential, or as another method, it is no preflight.
    assert_refused(&options(&world, &[APP, ASKED], b"body"), 400, "a body");
    for credential in [("Authorization", "Bearer bad"), ("Cookie", "JSESSIONID=1"), ("Authorization", "Basic YTpi")] {
        assert_refused(&options(&world, &[APP, ASKED, credential], b""), 401, credential.0);
    }
    assert_refused(&options(&world, &[APP], b""), 401, "no method is asked for");
    assert_refused(&options(&world, &[APP, APP, ASKED], b""), 401, "two origins");
    assert_refused(&world.get("/rest", &[APP, ASKED]), 401, "a GET");
    assert_eq!(world.upstream.seen().len(), 1);
}

/// The route of what is to follow decides, by that method, also where a spelling is allowed on it.
#[test]
fn a_spelling_that_the_route_allows_is_allowed_to_its_preflight() {
    let (provider, upstream) = (provider::start(any_port()).unwrap(), upstream::start(any_port()).unwrap());
    let config = config(&provider.url(), &upstream.url(), "", "cors: pass\nallow_in_path: [encoded_slash]", "")
        .replace("match: {path: /}", "match: {path: /rest, methods: [PUT]}");
    let gateway = Gateway::start(&config).unwrap();
    let ask = |target: &str| client::send(gateway.address, "OPTIONS", target, &[APP, ASKED], b"").unwrap().status;
    assert_eq!((ask("/rest/a%2fb"), ask("/rest%2fb"), ask("/rest/a%5cb")), (200, 400, 400));
}

/// No credential is asked for before it is passed on, so nothing may go along that could be one, or that makes the upstream do
/// something else than answer the question.
#[test]
fn nothing_in_its_query_or_its_method_does_more_than_ask() {
    for cors in ["cors: pass", "cors: {origins: [https://app.example.com]}"] {
        let world = World::with_route(&format!("{cors}\nrefuse_query: atlassian"));
        let ask = |query: &str, method: &str| {
            let asked = ("Access-Control-Request-Method", method);
            client::send(world.gateway.address, "OPTIONS", &format!("/rest/x?{query}"), &[APP, asked], b"").unwrap()
        };
        for query in
            ["os_username=admin&os_password=guess", "a=b&os.password=guess", "access_token=x", "access+token=x"]
        {
            assert_refused(&ask(query, "GET"), 401, query);
        }
        for query in ["_method=DELETE", ".method=put", "X-HTTP-Method-Override=DELETE"] {
            assert_refused(&ask(query, "GET"), 400, query);
        }
        for method in ["delete", "Get", "GET, PUT", &"A".repeat(33)] {
            assert_refused(&ask("", method), 400, method);
        }
        assert!(world.upstream.seen().is_empty(), "{:?}", world.upstream.seen());
        assert!([200, 204].contains(&ask("a=b&method=x", "GET").status));
    }
}

/// On a route that observes it passes as it came, like any other request.
#[test]
fn on_a_route_that_observes_it_passes_untouched() {
    let world = World::with_route("mode: observe\ncors: {origins: [https://app.example.com]}");
    let foreign = ("Origin", "https://evil.example");
    let answer = options(&world, &[foreign, ASKED, ("User-Agent", "b")], b"");
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(world.upstream.seen().pop().unwrap().header("user-agent"), Some("b"));
    world.gateway.until_log_says("would be forbidden: the page's origin", 1).unwrap();
}
