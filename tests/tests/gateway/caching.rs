//! A provider is asked once for a credential and its lifetime, whoever waits, goes away, or comes meanwhile.

use crate::world::{ALICE, World, assert_refused, config};
use portcullis_tests::gateway::{Gateway, any_port};
use portcullis_tests::server::{Answer, Reply, Server};
use portcullis_tests::wire::Request;
use portcullis_tests::{client, provider, upstream};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const CACHE: &str = "cache: {ttl: 2s, negative_ttl: 1s}";

/// A provider whose behaviour is switched by number.
fn switched(scripts: Vec<fn(&Request) -> Reply>) -> (World, Arc<AtomicUsize>) {
    switched_with(scripts, CACHE)
}

fn switched_with(scripts: Vec<fn(&Request) -> Reply>, cache: &str) -> (World, Arc<AtomicUsize>) {
    let switch = Arc::new(AtomicUsize::new(0));
    let reads = Arc::clone(&switch);
    let world = World::build(
        move |request| scripts[reads.load(Ordering::SeqCst)](request),
        &format!("{cache}\ntimeout: 2s"),
        "identity_headers: {X-Remote-User: username, X-Remote-Email: email}",
        "",
    );
    (world, switch)
}

fn refused(_: &Request) -> Reply {
    Answer::status(401).into()
}

fn failing(_: &Request) -> Reply {
    Answer::status(500).into()
}

fn slow(request: &Request) -> Reply {
    match provider::keycloak(request) {
        Reply::Answer(answer) => Reply::After(Duration::from_millis(500), answer),
        other => other,
    }
}

fn sleep(ms: u64) {
    std::thread::sleep(Duration::from_millis(ms));
}

/// As many requests at once with this token.
fn at_once(world: &World, count: usize, token: &str) -> Vec<(u16, Option<String>)> {
    let address = world.gateway.address;
    let threads: Vec<_> = (0..count)
        .map(|_| {
            let token = token.to_owned();
            std::thread::spawn(move || {
                let response = client::get_as(address, "/rest", &token).unwrap();
                let user = (response.status == 200).then(|| response.json()["user"].as_str().unwrap().to_owned());
                (response.status, user)
            })
        })
        .collect();
    threads.into_iter().map(|thread| thread.join().unwrap()).collect()
}

#[test]
fn sixty_requests_with_one_new_token_are_one_call() {
    for extra in ["", CACHE] {
        let world = World::build(slow, extra, "", "");
        for (status, user) in at_once(&world, 60, "good-token-alice") {
            assert_eq!((status, user.as_deref()), (200, Some("alice")));
        }
        assert_eq!(world.provider.seen().len(), 1, "{extra}");
        // Others' tokens are others' questions.
        let both: Vec<_> = ["bob", "carol"]
            .map(|name| at_once(&world, 5, &format!("good-token-{name}")))
            .into_iter()
            .flatten()
            .collect();
        assert!(both.iter().all(|(status, user)| *status == 200 && user.as_deref() != Some("alice")), "{both:?}");
        assert_eq!(world.provider.seen().len(), 3, "{extra}");
    }
}

#[test]
fn a_known_token_is_not_asked_about_again_and_a_revoked_one_is_out_after_its_time() {
    let (world, switch) = switched(vec![provider::keycloak, refused]);
    for _ in 0..20 {
        let response = world.get_as_alice("/rest");
        assert_eq!((response.status, response.json()["user"].as_str()), (200, Some("alice")));
    }
    assert_eq!(world.provider.seen().len(), 1);
    switch.store(1, Ordering::SeqCst);
    assert_eq!(world.get_as_alice("/rest").status, 200, "kept for its time");
    sleep(2_100);
    assert_refused(&world.get_as_alice("/rest"), 401, "revoked");
}

#[test]
fn every_value_of_a_hit_is_that_of_the_first_answer() {
    let (world, _) = switched(vec![provider::keycloak]);
    for _ in 0..3 {
        world.get_as_alice("/rest");
    }
    let seen = world.upstream.seen();
    for request in &seen {
        assert_eq!(request.header("x-remote-user"), Some("alice"));
        assert_eq!(request.header("x-remote-email"), Some("alice@example.org"));
    }
    assert_eq!(seen.len(), 3);
}

#[test]
fn a_bad_token_is_asked_about_once_in_its_time() {
    let (world, switch) = switched(vec![refused, provider::keycloak]);
    for _ in 0..50 {
        assert_refused(&world.get_as_alice("/rest"), 401, "bad");
    }
    assert_eq!(world.provider.seen().len(), 1);
    switch.store(1, Ordering::SeqCst);
    sleep(1_100);
    assert_eq!(world.get_as_alice("/rest").status, 200);
}

#[test]
fn nothing_that_blames_the_provider_is_kept() {
    let (world, switch) = switched(vec![failing, provider::keycloak]);
    assert_refused(&world.get_as_alice("/rest"), 503, "failing");
    assert_refused(&world.get_as_alice("/rest"), 503, "failing");
    assert_eq!(world.provider.seen().len(), 2);
    switch.store(1, Ordering::SeqCst);
    assert_eq!(world.get_as_alice("/rest").status, 200, "the provider's fault outlived it");
}

#[test]
fn a_hit_near_the_end_renews_and_the_caller_does_not_wait() {
    let (world, switch) = switched_with(vec![provider::keycloak, slow, failing], "cache: {ttl: 5s}");
    let began = Instant::now();
    let until = |ms: u64| std::thread::sleep(Duration::from_millis(ms).saturating_sub(began.elapsed()));
    assert_eq!(world.get_as_alice("/rest").status, 200);
    switch.store(1, Ordering::SeqCst);
    // The last fifth of 5 s, or of a tenth less: from 4.0 or 3.6 s to 5.0 or 4.5 s.
    until(4_050);
    let asked = Instant::now();
    for _ in 0..5 {
        assert_eq!(world.get_as_alice("/rest").status, 200);
    }
    assert!(asked.elapsed() < Duration::from_millis(400), "the callers waited for the renewal");
    // Beyond the first one's time, by the second.
    until(5_200);
    assert_eq!(world.get_as_alice("/rest").status, 200);
    assert_eq!(world.provider.seen().len(), 2, "one renewal");
    let token = world.provider.seen().last().unwrap().bearer().map(str::to_owned);
    assert_eq!(token.as_deref(), Some("good-token-alice"));
    // A renewal that fails prolongs nothing.
    switch.store(2, Ordering::SeqCst);
    until(8_200);
    assert_eq!(world.get_as_alice("/rest").status, 200);
    until(9_500);
    assert_refused(&world.get_as_alice("/rest"), 503, "over");
}

#[test]
fn the_one_who_asked_may_go_away() {
    let world = World::build(slow, CACHE, "", "");
    let address = world.gateway.address;
    // The first comes, and hangs up at once.
    let mut first = std::net::TcpStream::connect(address).unwrap();
    std::io::Write::write_all(
        &mut first,
        format!("GET /rest HTTP/1.1\r\nHost: {address}\r\n{}: {}\r\n\r\n", ALICE.0, ALICE.1).as_bytes(),
    )
    .unwrap();
    sleep(150);
    let waiting = std::thread::spawn(move || client::get_as(address, "/rest", "good-token-alice").unwrap().status);
    sleep(50);
    drop(first);
    assert_eq!(waiting.join().unwrap(), 200);
    assert_eq!(world.provider.seen().len(), 1, "the question was asked again");
}

#[test]
fn a_token_is_not_kept_beyond_its_own_end() {
    let expires = |left: i64| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        i64::try_from(now).unwrap() + left
    };
    // `exp` as it should be, and as it should not.
    for (exp, calls) in [
        (json!(expires(3600)), 1),
        (json!(expires(20)), 1),
        (json!(expires(9)), 3),
        (json!(expires(-5)), 3),
        (json!(1e300), 1),
    ] {
        let mut claims = provider::claims("alice");
        claims["exp"] = exp.clone();
        let world = World::build(move |_| Answer::json(200, &claims).into(), "cache: {}", "", "");
        let statuses: Vec<u16> = (0..3).map(|_| world.get_as_alice("/rest").status).collect();
        let asked = world.provider.seen().len();
        match exp.as_f64() {
            // Whatever the adapter makes of it: never a token that lives for ever.
            Some(far) if far > 1e200 => {
                assert!(statuses.iter().all(|status| [200, 401].contains(status)), "{exp}: {statuses:?}")
            }
            _ => assert_eq!((statuses, asked), (vec![200; 3], calls), "{exp}"),
        }
    }
}

#[test]
fn verdicts_are_kept_unless_the_operator_says_no() {
    for (cache, calls) in [("cache: none", 3), ("cache: {}", 1), ("# no cache:", 1)] {
        let world = World::build(provider::keycloak, cache, "", "");
        for _ in 0..3 {
            assert_eq!(world.get_as_alice("/rest").status, 200);
        }
        assert_eq!(world.provider.seen().len(), calls, "{cache}");
    }
}

/// A provider that throttles, with and without saying for how long.
#[test]
fn a_throttled_credential_is_told_so_and_asks_no_more_until_it_may() {
    let throttled = |request: &Request| match request.bearer() {
        Some("good-token-bob") => provider::keycloak(request),
        _ => Answer::status(429).with("Retry-After", "2").into(),
    };
    let world = World::build(throttled, "cache: none", "", "");
    for _ in 0..5 {
        let response = world.get_as_alice("/rest");
        assert_refused(&response, 429, "throttled");
        let wait: u32 = response.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=2).contains(&wait), "{wait}");
        assert_eq!(response.header("www-authenticate"), None);
    }
    assert_eq!(world.provider.seen().len(), 1, "asked again before its time");
    // Nobody else waits for it.
    assert_eq!(client::get_as(world.gateway.address, "/rest", "good-token-bob").unwrap().status, 200);
    sleep(2_100);
    assert_refused(&world.get_as_alice("/rest"), 429, "asked again");
    assert_eq!(world.provider.seen().len(), 3);
}

#[test]
fn a_throttled_renewal_takes_nothing_away_and_waits() {
    let (world, switch) = switched_with(
        vec![provider::keycloak, |_| Answer::status(429).with("Retry-After", "30").into()],
        "cache: {ttl: 2s}",
    );
    let began = Instant::now();
    assert_eq!(world.get_as_alice("/rest").status, 200);
    switch.store(1, Ordering::SeqCst);
    // From 1.44 or 1.6 s a hit renews.
    sleep(1_620u64.saturating_sub(u64::try_from(began.elapsed().as_millis()).unwrap()));
    for _ in 0..5 {
        assert_eq!(world.get_as_alice("/rest").status, 200, "{:?}", began.elapsed());
        sleep(20);
    }
    assert_eq!(world.provider.seen().len(), 2, "one renewal, and no further one");
}

#[test]
fn where_the_front_needs_it_throttled_is_503() {
    let provider = Server::start(any_port(), |_| Answer::status(429).into()).unwrap();
    let upstream = upstream::start(any_port()).unwrap();
    let config = config(&provider.url(), &upstream.url(), "", "", "") + "throttled_status: 503\n";
    let gateway = Gateway::start(&config).unwrap();
    let response = client::get_as(gateway.address, "/rest", "good-token-alice").unwrap();
    assert_refused(&response, 503, "throttled");
    assert!(response.header("retry-after").is_some());
}

#[test]
fn an_administrator_can_make_the_gateway_forget() {
    let world = World::build(provider::keycloak, "cache: {}", "", "");
    let admin = world.gateway.admin;
    let forget = |query: &str| {
        let request = format!("DELETE /cache{query} HTTP/1.1\r\nHost: {admin}\r\nConnection: close\r\n\r\n");
        client::raw(admin, "DELETE", request.as_bytes()).unwrap()
    };
    let calls_for = |token: &str| {
        let before = world.provider.seen().len();
        assert_eq!(client::get_as(world.gateway.address, "/rest", token).unwrap().status, 200);
        world.provider.seen().len() - before
    };
    for (query, forgotten, alice, bob) in [
        ("?user=alice", 1, 1, 0),
        ("?user=ALICE", 0, 0, 0),
        ("?provider=staff", 2, 1, 1),
        ("?provider=other", 0, 0, 0),
        ("", 2, 1, 1),
    ] {
        calls_for("good-token-alice");
        calls_for("good-token-bob");
        let answer = forget(query);
        assert_eq!((answer.status, answer.json()["forgotten"].as_u64()), (200, Some(forgotten)), "{query}");
        assert_eq!((calls_for("good-token-alice"), calls_for("good-token-bob")), (alice, bob), "{query}");
    }
    let wrong = forget("?usr=alice");
    assert_eq!(wrong.status, 400, "{}", wrong.text());
    assert_eq!(calls_for("good-token-alice"), 0, "a request that was not understood forgot something");
    // A browser that is led here sends a GET or a POST.
    assert_eq!(client::get(admin, "/cache", &[]).unwrap().status, 405);
}

#[test]
fn the_access_log_says_where_a_verdict_came_from_and_whose_it_was() {
    let (world, switch) = switched(vec![provider::keycloak, refused, failing]);
    let address = world.gateway.address;
    for (token, script) in [("good-token-alice", 0), ("good-token-alice", 0), ("bad", 1), ("bad", 1), ("odd", 2)] {
        switch.store(script, Ordering::SeqCst);
        client::get_as(address, "/rest?secret=1", token).unwrap();
    }
    client::get(address, "/rest", &[]).unwrap();
    let log = world.gateway.log();
    let lines: Vec<&str> = log.lines().filter(|line| line.contains("portcullis::access")).collect();
    let expected = [
        ("decision=\"pass\"", "cache=\"asked\"", "username=\"alice\""),
        ("decision=\"pass\"", "cache=\"hit\"", "username=\"alice\""),
        ("decision=\"invalid_token\"", "cache=\"asked\"", "status=401"),
        ("decision=\"invalid_token\"", "cache=\"negative\"", "status=401"),
        ("decision=\"unavailable\"", "cache=\"asked\"", "status=503"),
        ("decision=\"unauthenticated\"", "method=GET", "status=401"),
    ];
    assert_eq!(lines.len(), expected.len(), "{lines:?}");
    for (line, (decision, cache, further)) in lines.iter().zip(expected) {
        for words in [decision, cache, further, "route=0"] {
            assert!(line.contains(words), "{words} is not in: {line}");
        }
        assert!(!line.contains("/rest") && !line.contains("good-token"), "{line}");
    }
    // One credential is one fingerprint, by which it can be forgotten.
    let field =
        |line: &str| line.split("credential=").nth(1).and_then(|rest| rest.split(' ').next()).map(str::to_owned);
    let fingerprints: Vec<_> = lines.iter().map(|line| field(line)).collect();
    assert!(fingerprints[0].is_some() && fingerprints[0] == fingerprints[1] && fingerprints[0] != fingerprints[2]);
    assert_eq!(fingerprints[5], None);
    let admin = world.gateway.admin;
    let token = fingerprints[0].as_deref().unwrap();
    let request = format!("DELETE /cache?token={token} HTTP/1.1\r\nHost: {admin}\r\nConnection: close\r\n\r\n");
    assert_eq!(client::raw(admin, "DELETE", request.as_bytes()).unwrap().json()["forgotten"], 1);
}
