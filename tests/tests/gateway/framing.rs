//! Where a request ends (RFC 9112 6): an upstream is shown one framing, or nothing; and who is at fault where a body breaks.

use crate::world::{ALICE, World, assert_refused};
use portcullis_tests::wire;
use portcullis_tests::{client, gateway::series_of};
use std::io::{BufReader, Read as _, Write as _};
use std::time::{Duration, Instant};

/// The statuses of what the gateway answers to these bytes until it closes the connection.
fn statuses(world: &World, bytes: &str) -> Vec<u16> {
    let stream = client::connect(world.gateway.address).unwrap();
    (&stream).write_all(bytes.replace("{host}", &world.gateway.address.to_string()).as_bytes()).unwrap();
    let mut answers = String::new();
    // A reset is an end, too.
    drop((&stream).read_to_string(&mut answers));
    answers.split("HTTP/1.1 ").skip(1).filter_map(|answer| answer.get(..3)?.parse().ok()).collect()
}

const HEAD: &str = "POST /rest HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer good-token-alice\r\n";
const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer good-token-alice\r\n\r\n";

/// The library drops the length unseen. What must hold: one framing upstream, and the connection ends with the answer
/// (RFC 9112 6.1), whatever follows.
#[test]
fn a_length_beside_chunks_is_one_framing_and_the_end_of_the_connection() {
    for fields in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nTransfer-Encoding: Chunked\r\nContent-Length: 6\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5, 6\r\n",
    ] {
        let world = World::new();
        assert_eq!(
            statuses(&world, &format!("{HEAD}{fields}\r\n3\r\nabc\r\n0\r\n\r\n{SMUGGLED}")),
            [200],
            "{fields:?}"
        );
        let seen = world.upstream.seen();
        let [request] = &seen[..] else { panic!("{fields:?}: {seen:?}") };
        assert_eq!((request.path(), request.body.as_slice()), ("/rest", &b"abc"[..]), "{fields:?}");
        assert_eq!(request.header("transfer-encoding"), Some("chunked"), "{fields:?}");
        assert!(!request.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-length")), "{fields:?}");
    }
}

/// Whatever is not exactly one `chunked` is refused, and nothing after it is a request.
#[test]
fn other_transfer_codings_are_400_and_the_end_of_the_connection() {
    let world = World::new();
    for fields in [
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: chunked, chunked\r\n",
        "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: , chunked\r\n",
        "Transfer-Encoding: identity, chunked\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: gzip\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: \"chunked\"\r\n",
        "Transfer-Encoding:\x0bchunked\r\n",
        "Transfer-Encoding : chunked\r\n",
        " Transfer-Encoding: chunked\r\n",
        "X: y\r\n Transfer-Encoding: chunked\r\n",
        "Content-Length: 3\r\nContent-Length: 4\r\n",
    ] {
        assert_eq!(
            statuses(&world, &format!("{HEAD}{fields}\r\n3\r\nabc\r\n0\r\n\r\n{SMUGGLED}")),
            [400],
            "{fields:?}"
        );
    }
    assert!(world.upstream.seen().is_empty(), "{:?}", world.upstream.seen());
    let old = HEAD.replace("HTTP/1.1", "HTTP/1.0");
    assert_eq!(statuses(&world, &format!("{old}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n{SMUGGLED}")), [400]);
    world.assert_well();
}

/// A bare LF ends a line here (RFC 9112 2.2 allows that): the upstream gets what was read, written anew.
#[test]
fn a_bare_line_feed_makes_no_second_reading() {
    let world = World::new();
    let hidden = "X: a\nTransfer-Encoding: chunked\r\nConnection: close\r\n";
    assert_eq!(statuses(&world, &format!("{HEAD}{hidden}\r\n3\r\nabc\r\n0\r\n\r\n{SMUGGLED}")), [200]);
    let seen = world.upstream.seen();
    let [request] = &seen[..] else { panic!("{seen:?}") };
    assert_eq!((request.header("x"), request.body.as_slice()), (Some("a"), &b"abc"[..]));
    // Within chunks it is none.
    world.upstream.forget();
    for body in ["3\nabc\r\n0\r\n\r\n", "3\r\nabc\n0\r\n\r\n", "3;a\n=b\r\nabc\r\n0\r\n\r\n"] {
        assert_eq!(
            statuses(&world, &format!("{HEAD}Transfer-Encoding: chunked\r\n\r\n{body}{SMUGGLED}")),
            [400],
            "{body:?}"
        );
    }
    assert!(!world.upstream.seen().iter().any(|request| request.path() == "/smuggled"));
}

/// The client's fault: 400, a word of its own, and the connection ends.
#[test]
fn a_broken_chunk_is_400_and_not_the_upstreams_fault() {
    let world = World::new();
    for body in ["zz\r\nabc\r\n", "3\r\nabcdef\r\n0\r\n\r\n", "-3\r\nabc\r\n", "fffffffffffffffff\r\nabc\r\n"] {
        let text = format!("{HEAD}Transfer-Encoding: chunked\r\n\r\n{body}{SMUGGLED}");
        assert_eq!(statuses(&world, &text), [400], "{body:?}");
    }
    let response = world.raw("POST", &format!("{HEAD}Transfer-Encoding: chunked\r\n\r\nzz\r\n"));
    assert_refused(&response, 400, "a broken chunk");
    assert_eq!(response.json()["type"], "urn:portcullis:problem:invalid_body");
    assert_eq!(response.header("connection"), Some("close"));
    let metrics = client::get(world.gateway.admin, "/metrics", &[]).unwrap().text();
    assert_eq!(series_of(&metrics, "portcullis_decisions_total{route=\"0\",decision=\"invalid_body\"}"), 5.0);
    assert_eq!(series_of(&metrics, "portcullis_decisions_total{route=\"0\",decision=\"upstream_failed\"}"), 0.0);
    world.assert_well();
}

/// The client stops in the middle: 408, though the upstream did not answer in its time either.
#[test]
fn a_stalled_upload_is_408_and_not_the_upstreams_fault() {
    let world = World::new().with_upstream_timeout("1s");
    for body in [
        "Content-Length: 10\r\n\r\nabc",
        "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        "Content-Length: 10\r\n\r\n",
    ] {
        let stream = client::connect(world.gateway.address).unwrap();
        let text = format!("{HEAD}{body}").replace("{host}", &world.gateway.address.to_string());
        (&stream).write_all(text.as_bytes()).unwrap();
        let mut reader = BufReader::new(&stream);
        let response = wire::read_response(&mut reader, "POST").unwrap();
        assert_refused(&response, 408, body);
        assert_eq!(response.json()["type"], "urn:portcullis:problem:request_timeout");
        assert_eq!(reader.read(&mut [0]).unwrap_or(0), 0, "the connection goes on");
    }
    // Where all of it was sent, it is the upstream that is late.
    let late = world.get_as_alice("/silent");
    assert_refused(&late, 504, "a silent upstream");
    let log = world.gateway.log();
    assert_eq!(log.matches("decision=\"request_timeout\"").count(), 3);
    assert_eq!(log.matches("decision=\"upstream_timeout\"").count(), 1);
}

/// What a client chose fills neither the log nor what an administrator looks at.
#[test]
fn nothing_that_a_client_chose_fills_the_log() {
    let world = World::new();
    let long = "M".repeat(50_000);
    for request in [
        format!("{long} /rest HTTP/1.1\r\nHost: {{host}}\r\n\r\n"),
        format!("GET /{long} HTTP/1.1\r\nHost: {{host}}\r\nAuthorization: Basic eDp5\r\n\r\n"),
        format!("GET /rest?{long} HTTP/1.1\r\nHost: {{host}}\r\nAuthorization: {long}\r\n\r\n"),
        format!("GET /rest HTTP/1.1\r\nHost: {long}\r\ntraceparent: {long}\r\n\r\n"),
        format!("GET /rest HTTP/1.1\r\nHost: {{host}}\r\nAuthorization: Basic {long}\r\n\r\n"),
    ] {
        assert!((400..500).contains(&world.raw("GET", &request).status));
    }
    let log = world.gateway.log();
    let longest = log.lines().filter(|line| line.contains("portcullis::access")).map(str::len).max();
    assert!(longest.is_some_and(|bytes| bytes < 4096), "{longest:?}");
    for path in ["/decisions", "/basic", "/metrics"] {
        let told = client::get(world.gateway.admin, path, &[]).unwrap();
        assert!(told.status == 200 && !told.text().contains(&"M".repeat(300)), "{path}");
    }
}

/// A request that comes back to the gateway that sent it goes no further (RFC 9110 7.6.3).
#[test]
fn an_upstream_that_leads_back_is_found() {
    let world = World::new();
    let itself = format!("http://{}", world.gateway.address);
    let routes =
        format!("  - match: {{path: /loop}}\n    public: true\n    cors: pass\n    upstream: {{url: \"{itself}\"}}\n");
    let config = crate::world::config(&world.provider.url(), &world.upstream.url(), "", "", &routes);
    world.gateway.reload(&config).unwrap();
    let limit = Instant::now() + Duration::from_secs(10);
    while world.get("/loop", &[]).status == 401 {
        assert!(Instant::now() < limit, "{}", world.gateway.log());
        std::thread::sleep(Duration::from_millis(20));
    }
    let lines = || world.gateway.log().lines().filter(|line| line.contains("portcullis::access")).count();
    let before = lines();
    let response = world.get("/loop", &[]);
    assert_refused(&response, 508, "a loop");
    assert_eq!(response.json()["type"], "urn:portcullis:problem:loop_detected");
    assert_eq!(lines() - before, 2, "one for each time that it came");
    let preflight = [("Origin", "https://app.example"), ("Access-Control-Request-Method", "GET")];
    let response = client::send(world.gateway.address, "OPTIONS", "/loop", &preflight, b"").unwrap();
    assert_eq!(response.status, 508);
    assert_eq!(lines() - before, 4);
    assert!(world.gateway.log().contains("decision=\"loop_detected\""));
}

/// Two gateways in a row are no loop, and the upstream sees the way of the request.
#[test]
fn via_names_each_gateway_on_the_way() {
    let world = World::new();
    let config = crate::world::config(
        &world.provider.url(),
        &format!("http://{}", world.gateway.address),
        "",
        "authorization: keep",
        "",
    );
    let outer = portcullis_tests::gateway::Gateway::start(&config).unwrap();
    let response = client::get(outer.address, "/rest", &[ALICE, ("Via", "1.0 fred")]).unwrap();
    assert_eq!(response.status, 200, "{}", response.text());
    let [request] = &world.upstream.seen()[..] else { panic!("not one request") };
    let via: Vec<&str> = request
        .headers
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("via"))
        .map(|(_, value)| &**value)
        .collect();
    let members: Vec<&str> = via.iter().flat_map(|value| value.split(',')).map(str::trim).collect();
    assert_eq!(members.len(), 3, "{via:?}");
    assert_eq!(members[0], "1.0 fred");
    assert!(members[1..].iter().all(|member| member.starts_with("1.1 portcullis-")), "{via:?}");
    assert_ne!(members[1], members[2]);
}
