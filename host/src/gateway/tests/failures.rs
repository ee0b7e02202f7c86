//! Refusals and failing upstreams: status, words and headers, and nothing of what was sent.

use super::harness::{as_alice, gate, gate_as_alice, get, raw, route, status};
use portcullis_core::denial::{Denial, Kind};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

fn document(answer: &str) -> serde_json::Value {
    let (head, body) = answer.split_once("\r\n\r\n").expect("head and body");
    assert!(head.contains("content-type: application/problem+json"), "{head}");
    assert!(head.contains("cache-control: no-store"), "{head}");
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {body}"))
}

#[tokio::test]
async fn refusals_are_problem_documents() {
    let kinds = [
        (Kind::Ambiguous, Some("error=\"invalid_request\"")),
        (Kind::Unauthenticated, Some("Bearer realm=\"portcullis\"\r\n")),
        (Kind::InvalidToken, Some("error=\"invalid_token\"")),
        (Kind::InsufficientScope { scopes: vec!["READ".into()] }, Some("scope=\"READ\"")),
        (Kind::Forbidden, None),
        (Kind::NoRoute, None),
        (Kind::Throttled { retry_after_s: 7 }, None),
        (Kind::Unavailable { retry_after_s: 7 }, None),
    ];
    for (kind, challenge) in kinds {
        let denial = Denial::by("canary.rule", kind, "canary reason");
        let expected = denial.clone();
        let gate =
            gate(route("http://127.0.0.1:1", Duration::from_secs(1), None), move |_, _| Err(denial.clone()).into())
                .await;
        let answer = get(gate.address, "/", "Authorization: Bearer canary-token\r\n").await;
        assert_eq!(status(&answer), expected.status());
        let document = document(&answer);
        assert_eq!(document["type"], format!("urn:portcullis:problem:{}", expected.word()));
        assert_eq!(document["status"], expected.status());
        assert_eq!(document["request_id"].as_str().expect("id").len(), 16);
        assert!(!answer.contains("canary") && !answer.contains("Basic"), "{answer}");
        match challenge {
            Some(challenge) => {
                assert!(answer.contains("www-authenticate: Bearer") && answer.contains(challenge), "{answer}");
            }
            None => assert!(!answer.contains("www-authenticate"), "{answer}"),
        }
        assert_eq!(answer.contains("retry-after: 7\r\n"), matches!(expected.status(), 429 | 503));

        let head = raw(gate.address, "HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
        assert!(head.ends_with("\r\n\r\n") && status(&head) == expected.status(), "{head}");
    }
}

#[tokio::test]
async fn a_refused_body_is_never_asked_for() {
    let gate = gate(route("http://127.0.0.1:1", Duration::from_secs(1), None), |_, _| {
        Err(Denial::new(Kind::InvalidToken, "")).into()
    })
    .await;
    let answer =
        raw(gate.address, "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1000\r\n\r\n").await;
    assert_eq!(status(&answer), 401, "{answer}");
}

#[tokio::test]
async fn an_upstream_that_is_down_is_502() {
    let free = TcpListener::bind("127.0.0.1:0").await.expect("bind").local_addr().expect("address");
    let gate = gate(route(&format!("http://{free}"), Duration::from_secs(5), None), as_alice).await;
    let answer = get(gate.address, "/", "").await;
    assert_eq!(status(&answer), 502);
    assert_eq!(document(&answer)["type"], "urn:portcullis:problem:upstream_failed");
}

#[tokio::test]
async fn an_upstream_that_breaks_off_or_babbles_is_502_and_is_asked_once() {
    for words in [
        "",
        "HTTP/1.1 200 OK\r\nContent-Le",
        "junk\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
        let address = listener.local_addr().expect("address");
        let asked = tokio::spawn(async move {
            let mut count = 0;
            while let Ok(Ok((mut stream, _))) =
                tokio::time::timeout(Duration::from_millis(300), listener.accept()).await
            {
                let mut bytes = [0; 4096];
                let _ = stream.read(&mut bytes).await;
                count += 1;
                let _ = stream.write_all(words.as_bytes()).await;
            }
            count
        });
        let gate = gate(route(&format!("http://{address}"), Duration::from_secs(5), None), as_alice).await;
        let answer =
            raw(gate.address, "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx").await;
        assert_eq!(status(&answer), 502, "{words:?}: {answer}");
        assert_eq!(asked.await.expect("no panic"), 1, "{words:?}");
    }
}

#[tokio::test]
async fn a_silent_upstream_is_504_in_time() {
    let upstream = super::harness::upstream().await;
    let gate = gate(route(&format!("http://{upstream}"), Duration::from_millis(300), None), as_alice).await;
    let began = Instant::now();
    let answer = get(gate.address, "/silent", "").await;
    assert_eq!(status(&answer), 504);
    assert!(began.elapsed() < Duration::from_millis(1500), "{:?}", began.elapsed());
    assert_eq!(document(&answer)["type"], "urn:portcullis:problem:upstream_timeout");
}

#[tokio::test]
async fn an_upload_in_progress_is_no_slow_upstream() {
    let upstream = super::harness::upstream().await;
    let gate = gate(route(&format!("http://{upstream}"), Duration::from_millis(300), None), as_alice).await;
    let mut stream = TcpStream::connect(gate.address).await.expect("connect");
    stream
        .write_all(b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 10\r\n\r\n")
        .await
        .expect("write");
    for _ in 0..10 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        stream.write_all(b"x").await.expect("write");
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("read");
    assert_eq!(status(&answer), 200, "{answer}");
    assert!(answer.contains("body: xxxxxxxxxx"), "{answer}");
}

#[tokio::test]
async fn shutdown_finishes_what_is_in_flight_and_takes_nothing_new() {
    let gate = gate_as_alice().await;
    let address = gate.address;
    let mut idle = TcpStream::connect(address).await.expect("connect");
    idle.write_all(b"GET /sized HTTP/1.1\r\nHost: a\r\n\r\n").await.expect("write");
    let mut first = [0; 15];
    idle.read_exact(&mut first).await.expect("answer");
    let in_flight = tokio::spawn(async move { get(address, "/slow", "").await });
    tokio::time::sleep(Duration::from_millis(200)).await;
    let began = Instant::now();
    let ended = gate.begin_to_stop();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(TcpStream::connect(address).await.is_err(), "a new connection was taken");
    let answer = in_flight.await.expect("no panic");
    assert!(status(&answer) == 200 && answer.ends_with("slow"), "{answer}");
    ended.await.expect("no panic");
    assert!(began.elapsed() < Duration::from_secs(2), "an idle connection held the end up: {:?}", began.elapsed());
    let mut rest = Vec::new();
    idle.read_to_end(&mut rest).await.expect("closed");
}

#[tokio::test]
async fn shutdown_ends_at_its_limit() {
    let upstream = super::harness::upstream().await;
    let route = route(&format!("http://{upstream}"), Duration::from_secs(60), None);
    let gate = super::harness::gate_with(route, as_alice, None, Duration::from_millis(300)).await;
    let address = gate.address;
    let in_flight = tokio::spawn(async move { get(address, "/silent", "").await });
    tokio::time::sleep(Duration::from_millis(200)).await;
    let began = Instant::now();
    gate.stop().await;
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(in_flight.await.expect("no panic"), "");
}
