//! What a request and its answer look like on the other side: unchanged but for what the gateway owns.

use crate::world::{ALICE, World};
use portcullis_tests::client;

#[test]
fn the_query_is_passed_on_byte_for_byte() {
    let world = World::new();
    for target in
        ["/rest?a=%2e%2e&b=%zz&c=/../;d", "/rest?", "/rest?x=%2F&&=&y", "/rest/a?b?c", "/rest/%E4%BD%A0?q=%20+"]
    {
        let response = world.get_as_alice(target);
        assert_eq!(response.json()["target"], target, "{}", response.text());
    }
}

#[test]
fn the_upstreams_path_is_put_before_the_requests() {
    let routes = "  - match: {path: /wiki}\n    providers: [staff]\n    upstream: {url: \"{upstream}/confluence\"}\n";
    let world = World::build(portcullis_tests::provider::keycloak, "", "", routes);
    assert_eq!(world.get_as_alice("/wiki/x?y").json()["target"], "/confluence/wiki/x?y");
    assert_eq!(world.get_as_alice("/wiki").json()["target"], "/confluence/wiki");
    // Whole segments: `/wikis` is not below `/wiki`.
    assert_eq!(world.get_as_alice("/wikis/x").json()["target"], "/wikis/x");
}

#[test]
fn hop_by_hop_headers_stay_on_their_hop() {
    let world = World::new();
    let headers = [
        ALICE,
        ("Connection", "keep-alive, X-Private"),
        ("Keep-Alive", "timeout=5"),
        ("X-Private", "1"),
        ("Proxy-Authorization", "Basic eDp5"),
        ("Proxy-Connection", "keep-alive"),
        ("TE", "trailers, deflate"),
        ("X-Kept", "1"),
    ];
    world.get("/rest", &headers);
    let [request] = &world.upstream.seen()[..] else { panic!("not one request") };
    for gone in ["keep-alive", "x-private", "proxy-authorization", "proxy-connection"] {
        assert_eq!(request.header(gone), None, "{gone}");
    }
    assert_eq!(request.header("x-kept"), Some("1"));
    assert!(request.header("te").is_none_or(|value| value == "trailers"), "{:?}", request.header("te"));
}

#[test]
fn forwarded_headers_of_clients_are_replaced() {
    let world = World::new();
    let headers = [
        ALICE,
        ("X-Forwarded-For", "6.6.6.6"),
        ("X_Forwarded_For", "6.6.6.6"),
        ("X-Forwarded-Host", "evil.example"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Prefix", "/evil"),
        ("X-Forwarded-User", "root"),
        ("X.Forwarded.Port", "666"),
        ("Forwarded", "for=6.6.6.6;host=evil.example"),
        ("X-Real-IP", "6.6.6.6"),
        ("X-Original-URL", "/evil"),
    ];
    world.get("/rest", &headers);
    let [request] = &world.upstream.seen()[..] else { panic!("not one request") };
    let all = format!("{:?}", request.headers);
    for evil in ["6.6.6.6", "evil", "666", "root", "https"] {
        assert!(!all.contains(evil), "{evil} came through: {all}");
    }
    assert_eq!(request.header("x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(request.header("x-forwarded-proto"), Some("http"));
    assert_eq!(request.header("x-forwarded-host"), Some(world.gateway.address.to_string().as_str()));
}

#[test]
fn authorization_stays_here_unless_the_route_keeps_it() {
    let world = World::with_route("authorization: keep");
    world.get_as_alice("/rest");
    assert_eq!(world.upstream.seen()[0].header("authorization"), Some("Bearer good-token-alice"));
    assert_eq!(world.upstream.seen()[0].header("x-remote-user"), Some("alice"));
}

#[test]
fn bodies_keep_their_length() {
    let world = World::new();
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        let response = client::send(world.gateway.address, method, "/rest", &[ALICE], b"{\"a\": 1}").unwrap();
        assert_eq!(response.json()["body"], "{\"a\": 1}", "{method}");
        let request = world.upstream.seen().pop().unwrap();
        assert_eq!((request.method.as_str(), request.header("content-length")), (method, Some("8")));
        assert_eq!(request.header("transfer-encoding"), None, "WSGI servers cannot read chunks");
    }
}

#[test]
fn chunks_and_their_trailers_pass_both_ways() {
    let world = World::new();
    let request = "POST /rest HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer good-token-alice\r\nTransfer-Encoding: chunked\r\n\
                   Trailer: X-Sum\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\nX-Sum: 7\r\n\r\n";
    let response = world.raw("POST", request);
    assert_eq!(response.json()["body"], "abcdefg", "{}", response.text());
    let seen = world.upstream.seen().pop().unwrap();
    assert_eq!(
        seen.trailers.iter().map(|(name, value)| (name.to_lowercase(), value.as_str())).collect::<Vec<_>>(),
        [("x-sum".to_owned(), "7")]
    );

    let response = world.get("/trailers", &[ALICE, ("TE", "trailers"), ("Connection", "TE")]);
    assert_eq!(response.text(), "first second");
    let trailers: Vec<String> =
        response.trailers.iter().map(|(name, value)| format!("{}={value}", name.to_lowercase())).collect();
    assert_eq!(trailers, ["x-checksum=abc"]);
}

#[test]
fn a_body_is_asked_for_only_when_it_may_pass() {
    let world = World::new();
    let request = |token: &str| {
        format!(
            "POST /rest HTTP/1.1\r\nHost: {{host}}\r\nAuthorization: Bearer {token}\r\nContent-Length: 5\r\n\
             Expect: 100-continue\r\n\r\n"
        )
    };
    // The body is never sent: a refusal has to come without it, and without an invitation.
    let refused = world.raw("POST", &request("bad"));
    assert_eq!((refused.status, &refused.interim[..]), (401, &[][..]));
    let passed = world.raw("POST", &(request("good-token-alice") + "hello"));
    assert_eq!((passed.status, &passed.json()["body"]), (200, &"hello".into()), "{}", passed.text());
}

#[test]
fn answers_without_a_body_stay_without() {
    let world = World::new();
    let head = client::send(world.gateway.address, "HEAD", "/rest", &[ALICE], b"").unwrap();
    assert_eq!((head.status, head.body_length), (200, 0));
    assert!(head.header("content-length").is_some_and(|length| length != "0"), "{head:?}");
    assert_eq!(world.get_as_alice("/no-content").status, 204);
    let refused = client::send(world.gateway.address, "HEAD", "/rest", &[], b"").unwrap();
    assert_eq!((refused.status, refused.body_length), (401, 0));
}

#[test]
fn a_request_id_goes_upstream_and_comes_back_and_is_ours() {
    let world = World::new();
    let response = world.get("/rest", &[ALICE, ("X-Request-Id", "6666")]);
    let seen = world.upstream.seen().pop().unwrap();
    let id = seen.header("x-request-id").expect("no request id upstream");
    assert_ne!(id, "6666");
    assert_eq!(response.header("x-request-id"), Some(id));
}
