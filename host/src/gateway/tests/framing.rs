//! What can be read in two ways is refused, or reaches the upstream in one reading.

use super::harness::{gate_as_alice, get, http2, raw, status};
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::Full;

fn lines(answer: &str) -> Vec<&str> {
    answer.lines().filter_map(|line| line.strip_prefix("line: ")).collect()
}

#[tokio::test]
async fn ambiguous_targets_are_refused() {
    let gate = gate_as_alice().await;
    for target in [
        "/..",
        "/a/../b",
        "/%2e%2e/b",
        "/a/..%2fb",
        "/%00",
        "/a\\b",
        "/%72est",
        "/%zz",
        "/%c0%af",
        "*",
        "http://evil/",
        "http://u@api.example.com/",
        "api.example.com:80",
        "ftp://api.example.com/",
    ] {
        let answer = get(gate.address, target, "").await;
        assert_eq!(status(&answer), 400, "{target}: {answer}");
        assert!(lines(&answer).is_empty());
    }
    for hosts in [
        "",
        "Host: a\r\nHost: a\r\n",
        "Host: a\r\nHost: b\r\n",
        "Host: \r\n",
        "Host: u@a\r\n",
        "Host: a, b\r\n",
        "Host: \u{e9}\r\n",
    ] {
        let answer = raw(gate.address, format!("GET / HTTP/1.1\r\nConnection: close\r\n{hosts}\r\n")).await;
        assert_eq!(status(&answer), 400, "{hosts:?}: {answer}");
    }
    let answer = raw(gate.address, "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\nConnection: close\r\n\r\n").await;
    assert_eq!(status(&answer), 400, "{answer}");
}

#[tokio::test]
async fn targets_reach_the_upstream_byte_for_byte() {
    let gate = gate_as_alice().await;
    for target in ["/", "/rest?a=%2e%2e/../;//&b", "/%C3%A4%20/x?", "/~a/%7Eb", "/a:b@c!$&'()*+,="] {
        assert_eq!(lines(&get(gate.address, target, "").await), [format!("GET {target}")]);
        let absolute = format!("http://api.example.com{target}");
        assert_eq!(lines(&get(gate.address, &absolute, "").await), [format!("GET {target}")]);
    }
}

#[tokio::test]
async fn an_upstreams_path_is_put_before_the_requests() {
    let upstream = super::harness::upstream().await;
    let route =
        super::harness::route(&format!("http://{upstream}/confluence/"), std::time::Duration::from_secs(5), None);
    let gate = super::harness::gate(route, super::harness::as_alice).await;
    assert_eq!(lines(&get(gate.address, "/rest/a?b=%zz", "").await), ["GET /confluence/rest/a?b=%zz"]);
    assert_eq!(lines(&get(gate.address, "/", "").await), ["GET /confluence/"]);
}

#[tokio::test]
async fn smuggled_requests_never_reach_the_upstream() {
    let gate = gate_as_alice().await;
    let head = "POST / HTTP/1.1\r\nHost: api.example.com\r\n";
    let smuggled = "GET /smuggled HTTP/1.1\r\nHost: api.example.com\r\nConnection: close\r\n\r\n";
    for framing in [
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5, 6\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: 0x5\r\n",
        "Transfer-Encoding: gzip\r\n",
        "Transfer-Encoding: chunked, gzip\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: chunked, chunked\r\n",
        "Transfer-Encoding : chunked\r\n",
        "X: a\r\n folded\r\n",
        "X: a\rb\r\n",
        "X\0: a\r\n",
        ": a\r\n",
    ] {
        let answer = raw(gate.address, format!("{head}{framing}\r\n0\r\n\r\n{smuggled}")).await;
        assert_eq!(status(&answer), 400, "{framing:?}: {answer}");
        assert!(lines(&answer).is_empty(), "{framing:?}: {answer}");
    }
    // Both at once: chunked counts (RFC 9112 6.3), the length is not passed on, and the connection is closed after it.
    for framing in
        ["Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"]
    {
        let answer = raw(gate.address, format!("{head}{framing}\r\n0\r\n\r\n{smuggled}")).await;
        assert_eq!(lines(&answer), ["POST /"], "{framing:?}: {answer}");
        assert!(!answer.contains("header: content-length=5"), "{answer}");
    }
}

#[tokio::test]
async fn large_and_many_headers_are_refused() {
    let gate = gate_as_alice().await;
    let answer = get(gate.address, "/", &format!("X: {}\r\n", "a".repeat(40_000))).await;
    assert_eq!(status(&answer), 200);
    let answer = get(gate.address, "/", &format!("X: {}\r\n", "a".repeat(200_000))).await;
    assert_eq!(status(&answer), 431, "{answer}");
    let answer = get(gate.address, "/", &"X: a\r\n".repeat(200)).await;
    assert_eq!(status(&answer), 431, "{answer}");
}

#[tokio::test]
async fn http2_names_one_host() {
    let gate = gate_as_alice().await;
    for (host, expected) in [("api.example.com", StatusCode::OK), ("evil", StatusCode::BAD_REQUEST)] {
        let request = Request::get("http://api.example.com/a?b")
            .header("host", host)
            .body(Full::<Bytes>::default())
            .expect("request");
        let (parts, body) = http2(gate.address, request).await;
        assert_eq!(parts.status, expected, "{host}");
        assert_eq!(lines(&body).len(), usize::from(expected == StatusCode::OK));
    }
    let request = Request::get("http://api.example.com/a/../b").body(Full::<Bytes>::default()).expect("request");
    assert_eq!(http2(gate.address, request).await.0.status, StatusCode::BAD_REQUEST);
}
