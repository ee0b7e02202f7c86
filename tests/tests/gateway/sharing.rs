//! One client alone cannot have everything: requests in flight, descriptors, and places at a provider are left for health, for
//! known tokens and for other clients, over HTTP/1.1 and HTTP/2.

use crate::flood::{H2, client_ip, get_from, runtime};
use crate::world::{ALICE, World, config};
use http_body_util::BodyExt as _;
use portcullis_tests::gateway::{Gateway, any_port};
use portcullis_tests::server::{Reply, Server};
use portcullis_tests::wire::{self, Request};
use portcullis_tests::{client, provider, upstream};
use std::io::{BufReader, Read as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const TOKEN: &str = "good-token-alice";

/// A gateway with so many descriptors, before an upstream that may take a minute.
fn gateway(descriptors: usize, upstream: &Server, provider: &Server) -> Gateway {
    let config = config(&provider.url(), &upstream.url(), "cache: {}", "", "").replace("timeout: 3s", "timeout: 60s");
    Gateway::start_after(&format!("ulimit -n {descriptors}"), &config).unwrap()
}

/// Eight HTTP/2 connections with as many requests as one may have, to an upstream that does not answer.
fn full_of_streams(descriptors: usize) {
    let (upstream, provider) = (upstream::start(any_port()).unwrap(), provider::start(any_port()).unwrap());
    let gateway = gateway(descriptors, &upstream, &provider);
    assert_eq!(client::get(gateway.address, "/rest", &[ALICE]).unwrap().status, 200);
    let runtime = runtime();
    let (sent, refused) = (8 * 200, Arc::new(AtomicUsize::new(0)));
    let mut requests = Vec::new();
    // Before the requests: a client that has its share gets no further connection.
    let connections: Vec<H2> =
        (0..8).map(|_| runtime.block_on(H2::connect(client_ip(1), gateway.address, 1 << 16))).collect();
    for connection in &connections {
        for _ in 0..200 {
            let (mut connection, refused) = (connection.clone(), Arc::clone(&refused));
            requests.push(runtime.spawn(async move {
                let response = connection.get("/silent", TOKEN).await.unwrap();
                assert_eq!(response.status(), 503);
                assert_eq!(response.headers()["retry-after"], "1");
                assert_eq!(response.headers()["content-type"], "application/problem+json");
                let body = response.into_body().collect().await.unwrap().to_bytes();
                assert!(String::from_utf8_lossy(&body).contains("urn:portcullis:problem:overloaded"));
                refused.fetch_add(1, Ordering::SeqCst);
            }));
        }
    }
    // All that are not refused are in flight.
    let limit = Instant::now() + Duration::from_secs(30);
    let in_flight = || upstream.connections();
    while refused.load(Ordering::SeqCst) + in_flight() < sent {
        assert!(Instant::now() < limit, "{} refused, {} in flight", refused.load(Ordering::SeqCst), in_flight());
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(in_flight() > descriptors / 4, "{} in flight: one client alone may use most", in_flight());
    for number in 0..20 {
        for path in ["/livez", "/readyz", "/metrics"] {
            assert_eq!(client::get(gateway.admin, path, &[]).unwrap().status, 200, "{path}");
        }
        let known = get_from(client_ip(2), gateway.address, "/rest", TOKEN).unwrap();
        assert_eq!(known.status, 200, "a known token of another client: {}", known.text());
        let new = get_from(client_ip(3), gateway.address, "/rest", &format!("good-token-{number}")).unwrap();
        assert_eq!(new.status, 200, "a new token of another client: {}", new.text());
        let other = runtime.block_on(async {
            let mut other = H2::connect(client_ip(4), gateway.address, 1 << 16).await;
            other.get("/rest", TOKEN).await.unwrap().status()
        });
        assert_eq!(other, 200, "over HTTP/2");
    }
    let open = gateway.metric("process_open_fds").unwrap();
    assert!(open < descriptors as f64, "{open} of {descriptors}");
    assert!(gateway.metric("portcullis_decisions_total{route=\"\",decision=\"overloaded\"}").unwrap() > 0.0);
    let log = gateway.log();
    assert!(log.contains("decision=\"overloaded\""), "the log does not say it");
    assert!(!log.contains("could not be accepted") && !log.contains("os error 24"), "descriptors ran out");
    // It ends, and the client is served as before.
    for request in &requests {
        request.abort();
    }
    let limit = Instant::now() + Duration::from_secs(15);
    // Until then it is answered 503, or its connection is closed.
    while !get_from(client_ip(1), gateway.address, "/rest", TOKEN).is_ok_and(|answer| answer.status == 200) {
        assert!(Instant::now() < limit, "its places are not free again");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn connections_full_of_streams_leave_descriptors_at_256() {
    full_of_streams(256);
}

#[test]
fn connections_full_of_streams_leave_descriptors_at_1024() {
    full_of_streams(1024);
}

/// Connections that do nothing, more than one client may have: another client still gets one, at once.
#[test]
fn idle_connections_of_one_client_keep_no_other_out() {
    let (upstream, provider) = (upstream::start(any_port()).unwrap(), provider::start(any_port()).unwrap());
    let gateway = gateway(256, &upstream, &provider);
    let idle: Vec<_> = (0..240).map(|_| client::connect(gateway.address).unwrap()).collect();
    gateway.until_log_says("a client has as many as one may have", 1).unwrap();
    for number in 2..12 {
        let asked = Instant::now();
        assert_eq!(get_from(client_ip(number), gateway.address, "/rest", TOKEN).unwrap().status, 200);
        // Idle connections are closed after ten seconds: it is not that which lets it in.
        assert!(asked.elapsed() < Duration::from_secs(8), "{:?}", asked.elapsed());
    }
    assert!(gateway.metric("portcullis_connections_refused_total").unwrap() > 0.0);
    drop(idle);
}

/// Connections to upstreams are kept open for the next request, but only as many as have descriptors of their own.
#[test]
fn connections_that_are_kept_leave_descriptors_too() {
    let (upstream, provider) = (upstream::start(any_port()).unwrap(), provider::start(any_port()).unwrap());
    let gateway = gateway(256, &upstream, &provider);
    assert_eq!(client::get(gateway.address, "/rest", &[ALICE]).unwrap().status, 200);
    let open = || gateway.metric("process_open_fds").unwrap();
    let before = open();
    let address = gateway.address;
    std::thread::scope(|scope| {
        for _ in 0..40 {
            scope.spawn(move || {
                let slow = get_from(client_ip(1), address, "/slow?ms=1000", TOKEN).unwrap();
                assert_eq!(slow.status, 200);
            });
        }
    });
    assert!(upstream.connections() >= 40, "{} connections to the upstream", upstream.connections());
    // An eighth of what is not the process's own: 24.
    let limit = Instant::now() + Duration::from_secs(5);
    while open() - before > 28.0 {
        assert!(Instant::now() < limit, "{} descriptors are kept", open() - before);
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(open() - before > 12.0, "nothing is kept");
}

/// Behind a balancer all clients are one: the low soft limit that most systems set is no reason to refuse them.
#[test]
fn the_soft_limit_of_descriptors_is_raised_to_the_hard_one() {
    let (upstream, provider) = (upstream::start(any_port()).unwrap(), provider::start(any_port()).unwrap());
    let config = config(&provider.url(), &upstream.url(), "cache: {}", "", "");
    let gateway = Gateway::start_after("ulimit -Sn 256 && ulimit -Hn 2000", &config).unwrap();
    assert_eq!(gateway.metric("process_max_fds").unwrap(), 2000.0);
    assert!(gateway.log().contains("descriptors=2000"), "they are shared out");
}

/// A WebSocket has two descriptors for as long as it is open: it stays a request in flight.
#[test]
fn websockets_leave_descriptors_too() {
    let (upstream, provider) = (upstream::start(any_port()).unwrap(), provider::start(any_port()).unwrap());
    let gateway = gateway(256, &upstream, &provider);
    let head = format!(
        "GET /upgrade HTTP/1.1\r\nHost: {}\r\nAuthorization: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        gateway.address, ALICE.1
    );
    let mut open = Vec::new();
    for _ in 0..120 {
        let stream = client::connect(gateway.address).unwrap();
        // Where it is closed at once, neither succeeds.
        let sent = (&stream).write_all(head.as_bytes());
        let response = wire::read_response(&mut BufReader::new(&stream), "GET").map(|response| response.status);
        if sent.is_ok() && response.is_ok_and(|status| status == 101) {
            open.push(stream);
        }
    }
    assert!((20..60).contains(&open.len()), "{} at once", open.len());
    for number in 2..12 {
        assert_eq!(client::get(gateway.admin, "/livez", &[]).unwrap().status, 200);
        assert_eq!(get_from(client_ip(number), gateway.address, "/rest", TOKEN).unwrap().status, 200);
    }
    let mut echo = [0; 4];
    let mut first = open.first().unwrap();
    first.write_all(b"echo").unwrap();
    first.read_exact(&mut echo).unwrap();
    assert_eq!(&echo, b"echo");
    assert!(!gateway.log().contains("os error 24"), "descriptors ran out");
}

/// An answer of which a client takes nothing for a minute ends and lets its upstream go; one that is taken slowly goes on.
#[test]
fn an_answer_that_nobody_takes_ends_and_a_slow_one_does_not() {
    const LARGE: &str = "/zeros?bytes=1000000000";
    let world = World::with_route("");
    let (address, runtime) = (world.gateway.address, runtime());
    let head = format!("GET {LARGE} HTTP/1.1\r\nHost: {address}\r\nAuthorization: {}\r\n\r\n", ALICE.1);
    let over_http_1 = || {
        let stream = client::connect(address).unwrap();
        (&stream).write_all(head.as_bytes()).unwrap();
        stream
    };
    world.assert_well();
    let before = world.gateway.metric("process_open_fds").unwrap();
    let unread: Vec<_> = (0..20).map(|_| over_http_1()).collect();
    // Some streams of a connection that is read otherwise, and a connection with very many.
    let (few, many) = runtime.block_on(async {
        let few = H2::connect(client_ip(1), address, 1024).await;
        let many = H2::connect(client_ip(1), address, 1024).await;
        let mut answers = Vec::new();
        for (connection, count) in [(&few, 5), (&many, 40)] {
            for _ in 0..count {
                answers.push(connection.clone().get(LARGE, TOKEN).await.unwrap());
            }
        }
        ((few, answers), many)
    });
    let slow = over_http_1();
    slow.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let slow_stream = runtime
        .block_on(async { H2::connect(client_ip(1), address, 16 * 1024).await.get(LARGE, TOKEN).await.unwrap() });
    let mut slow_stream = slow_stream.into_body();
    let began = Instant::now();
    // Two for each over HTTP/1.1, one for each over HTTP/2.
    let held = || world.gateway.metric("process_open_fds").unwrap() - before;
    assert!(held() >= 80.0, "{} descriptors", held());
    while began.elapsed() < Duration::from_secs(95) {
        let mut some = [0; 64 * 1024];
        (&slow).read_exact(&mut some).expect("a slow download over HTTP/1.1 goes on");
        let frame = runtime.block_on(async { slow_stream.frame().await });
        assert!(frame.is_some_and(|frame| frame.is_ok()), "a slow download over HTTP/2 goes on");
        if began.elapsed() < Duration::from_secs(45) {
            assert!(held() >= 80.0, "{} descriptors after {:?}", held(), began.elapsed());
        }
        std::thread::sleep(Duration::from_secs(3));
    }
    // The slow ones have two each, the connection with five one.
    assert!(held() <= 12.0, "{} descriptors are still held", held());
    let mut few = few;
    assert_eq!(runtime.block_on(few.0.get("/rest", TOKEN)).unwrap().status(), 200, "the connection itself goes on");
    assert!(runtime.block_on(many.clone().get("/rest", TOKEN)).is_err(), "one with many such answers ends");
    drop((unread, few, many));
    world.assert_well();
}

/// A provider that takes half a second.
fn slow_provider(request: &Request) -> Reply {
    match provider::keycloak(request) {
        Reply::Answer(answer) => Reply::After(Duration::from_millis(500), answer),
        other => other,
    }
}

/// One client asks about new tokens without end. Others with new tokens, and with known ones whose short time ends, are
/// served.
fn flood_of_questions(taken_back: bool) {
    let world = World::build(slow_provider, "cache: {ttl: 1s, negative_ttl: 1s}\ntimeout: 3s", "", "");
    let address = world.gateway.address;
    for number in 0..5 {
        let known = format!("good-token-known{number}");
        assert_eq!(client::get_as(address, "/rest", &known).unwrap().status, 200);
    }
    let (stop, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let attackers = runtime();
    for _ in 0..8 {
        let connection = attackers.block_on(H2::connect(client_ip(9), address, 1 << 16));
        for _ in 0..if taken_back { 4 } else { 130 } {
            let (mut connection, stop, sent) = (connection.clone(), Arc::clone(&stop), Arc::clone(&sent));
            attackers.spawn(async move {
                while !stop.load(Ordering::SeqCst) {
                    let token = format!("bad-{}", sent.fetch_add(1, Ordering::SeqCst));
                    let answer = connection.get("/rest", &token);
                    if taken_back {
                        drop(tokio::time::timeout(Duration::from_millis(10), answer).await);
                    } else {
                        drop(answer.await);
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                }
            });
        }
    }
    // The queue is full by then.
    std::thread::sleep(Duration::from_secs(3));
    std::thread::scope(|scope| {
        for other in 0..5 {
            scope.spawn(move || {
                for number in 0..6 {
                    let (from, known) = (client_ip(2 + other), format!("good-token-known{other}"));
                    let response = get_from(from, address, "/rest", &known).unwrap();
                    assert_eq!(response.status, 200, "a known token, {number}: {}", response.text());
                    let response =
                        get_from(from, address, "/rest", &format!("good-token-new{other}-{number}")).unwrap();
                    assert_eq!(response.status, 200, "a new token, {number}: {}", response.text());
                }
            });
        }
    });
    stop.store(true, Ordering::SeqCst);
    let asked =
        world.provider.seen().iter().filter_map(Request::bearer).filter(|token| token.starts_with("bad-")).count();
    let sent = sent.load(Ordering::SeqCst);
    assert!(sent > 1000, "{sent} is no flood");
    assert!(asked < sent, "all of {sent} were asked");
    if taken_back {
        // They have left the queue: a second is no time for it to be worked off.
        std::thread::sleep(Duration::from_secs(1));
        let waiting = world.gateway.metric("portcullis_provider_calls_waiting{provider=\"staff\"}").unwrap();
        assert_eq!(waiting, 0.0);
    }
}

#[test]
fn a_flood_of_new_tokens_leaves_the_provider_to_others() {
    flood_of_questions(false);
}

#[test]
fn questions_that_are_taken_back_leave_the_queue() {
    flood_of_questions(true);
}
