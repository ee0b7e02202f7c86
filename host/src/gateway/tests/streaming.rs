//! Bodies, lengths, trailers and upgrades go through as they come; TLS on both sides.

use super::super::{server_config, tls};
use super::harness::{as_alice, gate, gate_as_alice, gate_with, get, http2, raw, route, status, upstream};
use crate::config::ServerTls;
use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use portcullis_core::secret::Secret;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

async fn read_until(stream: &mut (impl AsyncReadExt + Unpin), end: &str) -> String {
    let mut read = Vec::new();
    while !String::from_utf8_lossy(&read).ends_with(end) {
        let byte = tokio::time::timeout(Duration::from_secs(5), stream.read_u8()).await;
        let byte = byte.unwrap_or_else(|_| panic!("no {end:?} after {:?}", String::from_utf8_lossy(&read)));
        read.push(byte.expect("open"));
    }
    String::from_utf8_lossy(&read).into_owned()
}

#[tokio::test]
async fn each_piece_goes_through_before_the_next_is_sent() {
    let gate = gate_as_alice().await;
    let mut stream = TcpStream::connect(gate.address).await.expect("connect");
    stream.write_all(b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n").await.expect("write");
    let head = read_until(&mut stream, "\r\n\r\n").await;
    assert!(head.contains("transfer-encoding: chunked"), "{head}");
    for piece in ["alpha", "beta!", "gamma"] {
        stream.write_all(format!("5\r\n{piece}\r\n").as_bytes()).await.expect("write");
        read_until(&mut stream, &format!("5\r\n{piece}\r\n")).await;
    }
    stream.write_all(b"0\r\n\r\n").await.expect("write");
    read_until(&mut stream, "0\r\n\r\n").await;
    // The connection is fit for another request.
    stream.write_all(b"GET /sized HTTP/1.1\r\nHost: a\r\n\r\n").await.expect("write");
    read_until(&mut stream, "0123456789").await;
}

#[tokio::test]
async fn lengths_are_kept_both_ways() {
    let gate = gate_as_alice().await;
    let answer =
        raw(gate.address, "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc").await;
    assert!(answer.contains("header: content-length=3") && !answer.contains("header: transfer-encoding"), "{answer}");
    let answer =
        raw(gate.address, "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n").await;
    assert!(answer.contains("header: content-length=0") && !answer.contains("header: transfer-encoding"), "{answer}");
    let answer = get(gate.address, "/", "").await;
    assert!(!answer.contains("header: content-length") && !answer.contains("header: transfer-encoding"), "{answer}");
    assert!(get(gate.address, "/sized", "").await.contains("content-length: 10\r\n"));
    let head = raw(gate.address, "HEAD /sized HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    assert!(head.contains("content-length: 10\r\n") && head.ends_with("\r\n\r\n"), "{head}");
    let request = Request::post("http://a/").body(Full::new(Bytes::from_static(b"abcd"))).expect("request");
    assert!(http2(gate.address, request).await.1.contains("header: content-length=4"));
}

#[tokio::test]
async fn a_body_that_waits_to_be_asked_for_is_asked_for() {
    let gate = gate_as_alice().await;
    let mut stream = TcpStream::connect(gate.address).await.expect("connect");
    let head = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nConnection: close\r\nContent-Length: 3\r\n\r\n";
    stream.write_all(head.as_bytes()).await.expect("write");
    assert_eq!(read_until(&mut stream, "\r\n\r\n").await, "HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"abc").await.expect("write");
    let answer = read_until(&mut stream, "body: abc\n").await;
    assert_eq!(status(&answer), 200, "{answer}");
}

#[tokio::test]
async fn trailers_of_a_response_pass_without_cookies() {
    let gate = gate_as_alice().await;
    let answer = get(gate.address, "/trailers", "TE: trailers, gzip\r\n").await;
    assert!(answer.contains("0\r\nx-sum: 42\r\n"), "{answer}");
    assert!(!answer.contains("session=alice"), "{answer}");
    let answer = get(gate.address, "/", "TE: trailers, gzip\r\n").await;
    assert!(answer.contains("header: te=trailers\n"), "{answer}");
    assert!(!get(gate.address, "/", "TE: gzip\r\n").await.contains("header: te="));
}

const HANDSHAKE: &str = "Upgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\
                         Sec-WebSocket-Version: 13\r\n\r\n";

#[tokio::test]
async fn a_websocket_is_joined_and_outlives_its_request() {
    let gate = gate_as_alice().await;
    let mut stream = TcpStream::connect(gate.address).await.expect("connect");
    stream.write_all(format!("GET /websocket HTTP/1.1\r\nHost: a\r\n{HANDSHAKE}").as_bytes()).await.expect("write");
    let head = read_until(&mut stream, "\r\n\r\n").await.to_lowercase();
    assert!(
        status(&head) == 101 && head.contains("upgrade: websocket\r\n") && head.contains("connection: upgrade\r\n"),
        "{head}"
    );
    for words in ["hello", "again"] {
        stream.write_all(words.as_bytes()).await.expect("write");
        read_until(&mut stream, &words.to_uppercase()).await;
    }
    // It is in flight as long as it is open, so the end waits for it.
    let ended = gate.begin_to_stop();
    stream.write_all(b"still").await.expect("write");
    read_until(&mut stream, "STILL").await;
    drop(stream);
    tokio::time::timeout(Duration::from_secs(2), ended)
        .await
        .expect("ends with the last connection")
        .expect("no panic");
}

#[tokio::test]
async fn no_other_protocol_is_switched_to() {
    let gate = gate_as_alice().await;
    for upgrade in ["h2c", "websocket, h2c", "h2c, websocket", "TLS/1.0"] {
        let answer = get(
            gate.address,
            "/",
            &format!(
                "Upgrade: {upgrade}\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"
            ),
        )
        .await;
        assert_eq!(status(&answer), 200, "{upgrade}: {answer}");
        for header in ["header: upgrade", "header: connection", "header: http2-settings"] {
            assert!(!answer.contains(header), "{upgrade}: {answer}");
        }
    }
}

fn certificate() -> ServerTls {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".into()]).expect("certificate");
    ServerTls { certificate_pem: made.cert.pem().into_bytes(), key_pem: Secret::new(made.signing_key.serialize_pem()) }
}

#[tokio::test]
async fn tls_on_both_sides_and_an_upstream_of_another_authority_is_not_trusted() {
    let certificate = certificate();
    let tls = server_config(&certificate).expect("TLS");
    let upstream = format!("http://{}", upstream().await);
    let inner =
        gate_with(route(&upstream, Duration::from_secs(5), None), as_alice, Some(tls), Duration::from_secs(1)).await;
    let url = format!("https://localhost:{}", inner.address.port());
    let trusting = gate(route(&url, Duration::from_secs(5), Some(certificate.certificate_pem)), as_alice).await;
    let answer = get(trusting.address, "/a?b", "").await;
    assert_eq!(status(&answer), 200, "{answer}");
    assert!(answer.contains("line: GET /a?b\n") && answer.contains("header: x-forwarded-proto=https\n"), "{answer}");

    let other = self::certificate().certificate_pem;
    let doubting = gate(route(&url, Duration::from_secs(5), Some(other)), as_alice).await;
    assert_eq!(status(&get(doubting.address, "/", "").await), 502);
    let broken = gate(route(&url, Duration::from_secs(5), Some(b"no certificate".to_vec())), as_alice).await;
    assert_eq!(status(&get(broken.address, "/", "").await), 502);
}

#[tokio::test]
async fn http2_is_agreed_on_by_alpn() {
    let certificate = certificate();
    let config = server_config(&certificate).expect("TLS");
    assert_eq!(config.alpn_protocols, [b"h2".to_vec(), b"http/1.1".to_vec()]);
    let mixed = ServerTls { key_pem: self::certificate().key_pem, ..certificate };
    assert!(matches!(server_config(&mixed), Err(tls::TlsError::Pair(_))));
    let none = ServerTls { certificate_pem: Vec::new(), ..mixed };
    assert!(matches!(server_config(&none), Err(tls::TlsError::Certificate)));
}
