//! A stand-in REST upstream that shows what reached it: the method, the target, who it thinks is calling, every header.

use crate::server::{Answer, Reply, Server};
use crate::wire::Request;
use serde_json::{Value, json};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// Starts it.
///
/// # Errors
/// When the address cannot be had.
pub fn start(address: SocketAddr) -> io::Result<Server> {
    Server::start(address, show)
}

/// Shows the request; some paths do something else instead, for tests of the forwarding itself.
#[must_use]
pub fn show(request: &Request) -> Reply {
    let number = |name: &str| -> Option<u64> {
        let (_, query) = request.target.split_once('?')?;
        query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?.parse().ok()
    };
    match request.path() {
        "/zeros" => Reply::Zeros(number("bytes").unwrap_or(0)),
        "/count" => Answer::json(200, &json!({"received": request.body_length})).into(),
        "/slow" => Reply::After(Duration::from_millis(number("ms").unwrap_or(0)), seen(request)),
        "/silent" => Reply::Silent(Duration::from_secs(60)),
        "/hang-up" => Reply::HangUp,
        "/upgrade" => Reply::Upgrade,
        "/trailers" => Reply::Chunked(
            vec![b"first ".to_vec(), b"second".to_vec()],
            vec![("X-Checksum".to_owned(), "abc".to_owned())],
        ),
        "/cookie" => seen(request).with("Set-Cookie", "JSESSIONID=1; Path=/").into(),
        "/no-content" => Answer::status(204).into(),
        _ => seen(request).into(),
    }
}

/// The answer that describes the request. `user` is what a WSGI or CGI application would take for the caller: every header
/// whose name folds to `x-remote-user` counts, which is just what the gateway must not let happen.
fn seen(request: &Request) -> Answer {
    let users: Vec<&str> = request
        .headers
        .iter()
        .filter(|(name, _)| fold(name) == "x-remote-user")
        .map(|(_, value)| value.as_str())
        .collect();
    let headers: Vec<Value> = request.headers.iter().map(|(name, value)| json!([name, value])).collect();
    let trailers: Vec<Value> = request.trailers.iter().map(|(name, value)| json!([name, value])).collect();
    let user = if users.is_empty() { Value::Null } else { json!(users.join(",")) };
    Answer::json(
        200,
        &json!({
            "method": request.method,
            "target": request.target,
            "user": user,
            "headers": headers,
            "body": String::from_utf8_lossy(&request.body),
            "trailers": trailers,
        }),
    )
}

fn fold(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect()
}
