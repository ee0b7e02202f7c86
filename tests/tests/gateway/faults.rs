//! What the provider can do wrong. It is never the caller's token that is blamed, and never is anybody let in.

use crate::world::{World, assert_refused, assert_unblamed, config};
use portcullis_tests::gateway::{Gateway, any_port};
use portcullis_tests::server::{Answer, Reply, Server};
use portcullis_tests::{client, provider, upstream};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// A provider that always does this.
fn always(reply: Reply) -> World {
    World::with_provider(move |_| reply.clone())
}

fn assert_unavailable(world: &World, what: &str) {
    let response = world.get_as_alice("/rest");
    assert_refused(&response, 503, what);
    assert_unblamed(&response, what);
    assert!(!world.provider.seen().is_empty(), "{what}: nobody was asked");
    assert!(world.upstream.seen().is_empty(), "{what}: let in");
}

#[test]
fn a_provider_that_fails_is_503() {
    let claims = provider::claims("alice").to_string();
    let half = format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{claims}");
    let half_chunk = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{claims}\r\n", claims.len());
    let json = |text: &str| Reply::Answer(Answer::text(200, "application/json", text));
    let faults: Vec<(&str, Reply)> = vec![
        ("500", Answer::status(500).into()),
        ("500 with claims", Answer::json(500, &provider::claims("alice")).into()),
        ("502 HTML", Answer::text(502, "text/html", "<h1>Bad gateway</h1>").into()),
        ("503", Answer::status(503).into()),
        ("403 without a word", Answer::status(403).into()),
        ("403 HTML", Answer::text(403, "text/html", "<h1>Forbidden</h1>").into()),
        ("404", Answer::json(404, &json!({"error": "Realm does not exist"})).into()),
        ("302", Answer::status(302).with("Location", "/realms/demo/login").into()),
        ("200 HTML", Answer::text(200, "text/html", "<h1>Log in</h1>").into()),
        ("200 junk", json("\u{1}\u{2}}{")),
        ("200 JSON that ends early", json(r#"{"preferred_username":"alice""#)),
        ("200 with two names", json(r#"{"preferred_username":"alice","preferred_username":"root"}"#)),
        ("200 with two names, one escaped", json(r#"{"preferred_username":"alice","preferred\u005fusername":"root"}"#)),
        ("200 array", json(r#"[{"preferred_username":"alice"}]"#)),
        ("200 text", json(r#""alice""#)),
        ("200 with something after", json(r#"{"preferred_username":"alice"} x"#)),
        ("200 empty", Answer::status(200).into()),
        ("204", Answer::status(204).into()),
        ("half a body", Reply::Raw(half.into_bytes())),
        ("chunks without an end", Reply::Raw(half_chunk.into_bytes())),
        ("no HTTP", Reply::Raw(b"hello\r\n\r\n".to_vec())),
        ("hang up", Reply::HangUp),
        ("more than 1 MiB", Reply::Zeros(2 * 1024 * 1024)),
        ("a signed answer nobody expects", Answer::text(200, "application/jwt", "e30.e30.e30").into()),
    ];
    for (what, reply) in faults {
        assert_unavailable(&always(reply), what);
    }
}

#[test]
fn a_throttling_provider_says_when_to_come_back() {
    let world = always(Answer::status(429).with("Retry-After", "7").into());
    assert_eq!(world.get_as_alice("/rest").header("retry-after"), Some("7"));
}

#[test]
fn a_redirect_is_not_followed_with_the_token() {
    let elsewhere = provider::start(any_port()).unwrap();
    let location = format!("{}{}", elsewhere.url(), provider::USERINFO);
    for status in [301, 302, 303, 307, 308] {
        assert_unavailable(&always(Answer::status(status).with("Location", &location).into()), "a redirect");
    }
    assert!(elsewhere.seen().is_empty(), "the token was taken elsewhere");
}

/// Within the timeout of one call (a second here) and half a second more.
#[test]
fn a_provider_that_is_silent_is_503_in_time() {
    let claims = provider::claims("alice").to_string();
    let message = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{claims}", claims.len());
    let slow = [
        ("silent", Reply::Silent(Duration::from_secs(20))),
        ("late", Reply::After(Duration::from_secs(6), Answer::json(200, &provider::claims("alice")))),
        ("dripping", Reply::Drip(message.into_bytes(), Duration::from_millis(50))),
    ];
    for (what, reply) in slow {
        let world = always(reply);
        let began = Instant::now();
        assert_unavailable(&world, what);
        let took = began.elapsed();
        assert!(took < Duration::from_millis(1500), "{what}: {took:?}");
        assert!(took > Duration::from_millis(800), "{what}: gave up too early, {took:?}");
    }
}

#[test]
fn an_answer_without_a_usable_name_is_401() {
    let nobody: Vec<(&str, Value)> = vec![
        ("no name", json!({"sub": "1", "email": "alice@example.org"})),
        ("null", json!({"sub": "1", "preferred_username": null})),
        ("empty", json!({"sub": "1", "preferred_username": ""})),
        ("a list", json!({"sub": "1", "preferred_username": ["alice"]})),
        ("an object", json!({"sub": "1", "preferred_username": {"name": "alice"}})),
        ("true", json!({"sub": "1", "preferred_username": true})),
        ("a fraction", json!({"sub": "1", "preferred_username": 1.5})),
        ("a line break", json!({"sub": "1", "preferred_username": "alice\r\nX-Remote-User: root"})),
        ("a NUL", json!({"sub": "1", "preferred_username": "alice\u{0}"})),
        ("an empty object", json!({})),
    ];
    for (what, claims) in nobody {
        let world = always(Answer::json(200, &claims).into());
        let response = world.get_as_alice("/rest");
        assert_refused(&response, 401, what);
        assert!(world.upstream.seen().is_empty(), "{what}: let in");
    }
}

#[test]
fn a_name_that_no_header_can_carry_is_403_or_encoded() {
    let joerg = json!({"sub": "1", "preferred_username": "jörg"});
    let refusing = always(Answer::json(200, &joerg).into());
    assert_refused(&refusing.get_as_alice("/rest"), 403, "jörg");
    assert!(refusing.upstream.seen().is_empty());

    let reply = Reply::Answer(Answer::json(200, &joerg));
    let encoding = World::build(move |_| reply.clone(), "", "header_values: percent_encode", "");
    assert_eq!(encoding.get_as_alice("/rest").json()["user"], "j%C3%B6rg");
    let literal = Reply::Answer(Answer::json(200, &json!({"sub": "1", "preferred_username": "j%C3%B6rg"})));
    let literal = World::build(move |_| literal.clone(), "", "header_values: percent_encode", "");
    assert_eq!(literal.get_as_alice("/rest").json()["user"], "j%25C3%25B6rg", "two people became one");
}

#[test]
fn a_scope_that_is_missing_is_403() {
    let answer = Answer::status(403).with(
        "WWW-Authenticate",
        "Bearer realm=\"demo\", error=\"insufficient_scope\", error_description=\"Missing openid scope\"",
    );
    let world = always(answer.into());
    let response = world.get_as_alice("/rest");
    assert_refused(&response, 403, "no openid scope");
    assert!(response.header("www-authenticate").is_some_and(|value| value.contains("insufficient_scope")));
    assert!(world.upstream.seen().is_empty());
}

#[test]
fn down_is_503_and_up_again_is_200() {
    let upstream = upstream::start(any_port()).unwrap();
    let up = provider::start(any_port()).unwrap();
    let address = up.address();
    let gateway = Gateway::start(&config(&up.url(), &upstream.url(), "", "", "")).unwrap();
    let ask = || client::get_as(gateway.address, "/rest", "good-token-alice").unwrap();
    assert_eq!(ask().status, 200);
    drop(up);
    for _ in 0..3 {
        assert_refused(&ask(), 503, "down");
    }
    let _again = Server::start(address, provider::keycloak).unwrap();
    // A breaker may hold back for a moment.
    let limit = Instant::now() + Duration::from_secs(10);
    loop {
        let response = ask();
        if response.status == 200 {
            break;
        }
        assert_eq!(response.status, 503, "{}", response.text());
        assert!(Instant::now() < limit, "still {}", response.status);
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Design rule 3: one caller's odd token never makes a provider look down for others.
#[test]
fn one_callers_failures_do_not_hurt_another() {
    let world = World::with_provider(|request| match request.bearer() {
        Some("good-token-alice") => provider::keycloak(request),
        _ => Answer::status(500).into(),
    });
    for number in 0..40 {
        let response = world.get("/rest", &[("Authorization", &format!("Bearer odd-{number}"))]);
        assert_eq!(response.status, 503);
    }
    world.assert_well();
}
