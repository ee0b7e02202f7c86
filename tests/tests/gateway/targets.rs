//! Targets that two servers could read in two ways reach no upstream: what is matched is what is forwarded.

use crate::world::{World, assert_refused};
use portcullis_tests::client;
use std::io::Write as _;
use std::time::{Duration, Instant};

const PUBLIC: &str = "  - match: {path: /public}\n    public: true\n    upstream: {url: \"{upstream}\"}\n";

fn world() -> World {
    World::build(portcullis_tests::provider::keycloak, "", "", PUBLIC)
}

#[test]
fn ambiguous_targets_are_400() {
    let world = world();
    let targets = [
        "/public/../rest",
        "/public/./rest",
        "/public/..",
        "/public/%2e%2e/rest",
        "/public/%2E%2e/rest",
        "/public/.%2e/rest",
        "/public/..%2frest",
        "/public/%2frest",
        "/public%2f..%2frest",
        "/public\\..\\rest",
        "/public/..%5crest",
        "/public%5c..%5crest",
        "/public/%00",
        "/public/%252e%252e/rest",
        "/public/%252f",
        "//public/rest",
        "/public//rest",
        "/public/;/rest",
        "/public/..;/rest",
        "/public;x=1/rest",
        "/public/%0d%0aX:1",
        "/public/%7f",
        "/public/%zz",
        "/public/%",
        "/public/\u{e9}",
        "public/x",
        "*",
    ];
    for target in targets {
        for token in ["", "Authorization: Bearer good-token-alice\r\n"] {
            let response = world.raw("GET", &format!("GET {target} HTTP/1.1\r\nHost: {{host}}\r\n{token}\r\n"));
            assert_eq!(response.status, 400, "{target}: {}", response.text());
        }
    }
    assert!(world.upstream.seen().is_empty(), "{:?}", world.upstream.seen());
    assert!(world.provider.seen().is_empty(), "asked about a request that is refused anyway");
    assert_eq!(world.get("/public/x.y/~z", &[]).status, 200);
    world.assert_well();
}

/// A fragment has no place in a target (RFC 9112 3.2), and hyper cuts it off before anybody can see it. What is matched is what
/// is forwarded: `/rest#/public` is `/rest`, and wants a token.
#[test]
fn a_fragment_moves_nothing() {
    let world = world();
    let get = |target: &str| {
        let text = format!("GET {target} HTTP/1.1\r\nHost: {{host}}\r\nConnection: close\r\n\r\n");
        world.raw("GET", &text).status
    };
    for guarded in ["/rest#/public", "/rest#/../public/x", "http://{host}/rest#/public", "/rest?#/public"] {
        assert_eq!(get(guarded), 401, "{guarded}");
    }
    assert!(world.upstream.seen().is_empty());
    for public in ["/public#/rest", "http://{host}/public#/rest"] {
        assert_eq!(get(public), 200, "{public}");
    }
    let seen = world.upstream.seen();
    assert_eq!(seen.iter().map(|request| request.target.as_str()).collect::<Vec<_>>(), ["/public", "/public"]);
}

/// HTTP/2 frames, sent as they are.
fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    [&[0, 0, u8::try_from(payload.len()).unwrap(), kind, flags, 0, 0, 0, stream], payload].concat()
}

/// A field of which the name has this index (RFC 7541 6.2.2).
fn field(index: u8, text: &str) -> Vec<u8> {
    [&[index, u8::try_from(text.len()).unwrap()], text.as_bytes()].concat()
}

/// How many requests were decided so.
fn decided(world: &World, decision: &str) -> usize {
    let lines = client::get(world.gateway.admin, "/decisions", &[]).unwrap().json();
    lines["decisions"].as_array().unwrap().iter().filter(|line| line["decision"] == decision).count()
}

/// The same over HTTP/2.
#[test]
fn a_fragment_over_http_2_moves_nothing() {
    let world = world();
    // RFC 7541 6: `:method GET` and `:scheme http` by their index; `:path` (4) and `:authority` (1) literally.
    let mut bytes = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), frame(4, 0, 0, &[])].concat();
    for (stream, target) in [(1, "/rest#/public"), (3, "/rest#/../public/x"), (5, "/public#/rest")] {
        let head = [vec![0x82, 0x86], field(4, target), field(1, &world.gateway.address.to_string())].concat();
        bytes.extend(frame(1, 0x5, stream, &head));
    }
    let mut connection = client::connect(world.gateway.address).unwrap();
    connection.write_all(&bytes).unwrap();
    let limit = Instant::now() + Duration::from_secs(5);
    while decided(&world, "pass") + decided(&world, "unauthenticated") < 3 {
        assert!(Instant::now() < limit, "{}", world.gateway.log());
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!((decided(&world, "pass"), decided(&world, "unauthenticated")), (1, 2));
    let seen = world.upstream.seen();
    assert_eq!(seen.iter().map(|request| request.target.as_str()).collect::<Vec<_>>(), ["/public"]);
}

/// A request over HTTP/2 for another scheme (RFC 9113 8.3.1) is not ours to serve.
#[test]
fn another_scheme_over_http_2_is_400() {
    let world = world();
    let mut bytes = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), frame(4, 0, 0, &[])].concat();
    for (stream, scheme) in [(1, "ftp"), (3, "ws"), (5, "file"), (7, "http"), (9, "https")] {
        // `:scheme` (6) literally.
        let authority = field(1, &world.gateway.address.to_string());
        let head = [vec![0x82], field(6, scheme), field(4, "/public/x"), authority].concat();
        bytes.extend(frame(1, 0x5, stream, &head));
    }
    let mut connection = client::connect(world.gateway.address).unwrap();
    connection.write_all(&bytes).unwrap();
    let limit = Instant::now() + Duration::from_secs(5);
    while decided(&world, "pass") + decided(&world, "invalid_request") < 5 {
        assert!(Instant::now() < limit, "{}", world.gateway.log());
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!((decided(&world, "pass"), decided(&world, "invalid_request")), (2, 3));
}

#[test]
fn a_refusal_of_a_target_is_a_problem_document() {
    assert_refused(&world().get("/public/..%2frest", &[]), 400, "a dot segment");
}

#[test]
fn one_host_and_no_other() {
    let world = world();
    for hosts in [
        "",
        "Host: {host}\r\nHost: {host}\r\n",
        "Host: {host}\r\nHost: other\r\n",
        "Host:\r\n",
        "Host: a b\r\n",
        "Host: x@y\r\n",
    ] {
        let response = world.raw("GET", &format!("GET /public/x HTTP/1.1\r\n{hosts}\r\n"));
        assert_eq!(response.status, 400, "{hosts:?}: {}", response.text());
    }
    let differs = world.raw("GET", "GET http://other.example/public/x HTTP/1.1\r\nHost: {host}\r\n\r\n");
    assert_eq!(differs.status, 400, "{}", differs.text());
    assert!(world.upstream.seen().is_empty());
    let agrees = world.raw("GET", "GET http://{host}/public/x HTTP/1.1\r\nHost: {host}\r\n\r\n");
    assert_eq!(agrees.status, 200, "{}", agrees.text());
}

#[test]
fn a_route_may_allow_single_spellings_by_name() {
    let world = World::with_route("allow_in_path: [encoded_slash]");
    assert_eq!(world.get_as_alice("/a%2fb").json()["target"], "/a%2fb");
    for refused in ["/a%5cb", "/a;b", "/a//b", "/a/..%2fb", "/a%2f..%2fb", "/%252e"] {
        assert_eq!(world.get_as_alice(refused).status, 400, "{refused}");
    }
}

#[test]
fn the_query_never_chooses_a_route() {
    let world = world();
    for target in ["/rest?/public/x", "/rest?path=/public", "/?/public"] {
        assert_eq!(world.get(target, &[]).status, 401, "{target}");
    }
}

#[test]
fn what_no_route_matches_is_404() {
    let provider = portcullis_tests::provider::start(portcullis_tests::gateway::any_port()).unwrap();
    let config = crate::world::config(&provider.url(), "http://127.0.0.1:1", "", "", "")
        .replace("{path: /}", "{path: /rest, host: api.example.com}");
    let gateway = portcullis_tests::gateway::Gateway::start(&config).unwrap();
    let response = portcullis_tests::client::get_as(gateway.address, "/rest", "good-token-alice").unwrap();
    assert_refused(&response, 404, "another host");
    assert!(provider.seen().is_empty());
}

/// Even where an operator allows a spelling, the request is the matter of one route to every server.
#[test]
fn a_spelling_that_is_allowed_does_not_move_a_request_to_another_route() {
    let allow = "allow_in_path: [encoded_slash, encoded_backslash, double_slash, semicolon]";
    let public = PUBLIC.replace("    public: true\n", &format!("    public: true\n    {allow}\n"));
    let world = World::build(portcullis_tests::provider::keycloak, "", allow, &public);
    let get = |target: &str| world.raw("GET", &format!("GET {target} HTTP/1.1\r\nHost: {{host}}\r\n\r\n")).status;
    for same in ["/public/a%2fb", "/public/a%5cb", "/public//a", "/public/a;x=1", "/public/a;x/b"] {
        assert_eq!(get(same), 200, "{same}");
    }
    for other in ["/public%2fa", "/public%5ca", "//public/a", "/public;x=1/a", "/;/public", "/%2fpublic/a"] {
        assert_eq!(get(other), 400, "{other}");
    }
    for guarded in ["/rest/public%2fa", "/rest;/public", "/publicity%2fa"] {
        assert_eq!(get(guarded), 401, "{guarded}");
    }
}
