//! A client that sends exactly the bytes it is given. One connection per request, time-limited.

use crate::wire::{self, Response};
use std::io::{self, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// No answer takes longer than this in any test.
const PATIENCE: Duration = Duration::from_secs(60);

/// Opens a connection.
///
/// # Errors
/// When nobody listens there.
pub fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, Duration::from_secs(5))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Sends `bytes`, which begin with a request line of this method, and reads one response.
///
/// # Errors
/// When the connection breaks or what comes back is no HTTP/1.1.
pub fn raw(address: SocketAddr, method: &str, bytes: &[u8]) -> io::Result<Response> {
    let stream = connect(address)?;
    // A server may refuse before it has read everything: what it answered counts, not that writing failed.
    let sent = (&stream).write_all(bytes);
    wire::read_response(&mut BufReader::new(&stream), method).or_else(|error| sent.and(Err(error)))
}

/// Sends a request with a Host header, these fields and this body.
///
/// # Errors
/// As [`raw`].
pub fn send(
    address: SocketAddr,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> io::Result<Response> {
    let mut fields = vec![("Host".to_owned(), address.to_string())];
    fields.extend(headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    if !body.is_empty() {
        fields.push(("Content-Length".to_owned(), body.len().to_string()));
    }
    let mut bytes = Vec::new();
    wire::write_head(&mut bytes, &format!("{method} {target} HTTP/1.1"), &fields)?;
    bytes.extend_from_slice(body);
    raw(address, method, &bytes)
}

/// A GET with these fields.
///
/// # Errors
/// As [`raw`].
pub fn get(address: SocketAddr, target: &str, headers: &[(&str, &str)]) -> io::Result<Response> {
    send(address, "GET", target, headers, b"")
}

/// A GET with this bearer token.
///
/// # Errors
/// As [`raw`].
pub fn get_as(address: SocketAddr, target: &str, token: &str) -> io::Result<Response> {
    get(address, target, &[("Authorization", &format!("Bearer {token}"))])
}
