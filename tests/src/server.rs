//! A loopback HTTP/1.1 server that does to its client what a script says: answer, lie, drip, hang, hang up.
//!
//! It records every request it gets. Dropping it closes the port and every connection at once, as a crash would.

use crate::wire::{self, Request};
use std::io::{self, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// What the server does with one request.
#[derive(Debug, Clone)]
pub enum Reply {
    /// A complete answer with a Content-Length.
    Answer(Answer),
    /// The answer after a pause.
    After(Duration, Answer),
    /// A chunked answer of these pieces, then trailer fields.
    Chunked(Vec<Vec<u8>>, Vec<(String, String)>),
    /// 200 with this many zero bytes.
    Zeros(u64),
    /// These bytes as they are, then the connection is closed.
    Raw(Vec<u8>),
    /// These bytes, one at a time with this pause between them, then the connection is closed.
    Drip(Vec<u8>, Duration),
    /// Nothing at all for this long, then the connection is closed.
    Silent(Duration),
    /// 101 to the protocol that was asked for, and from then on every byte comes back.
    Upgrade,
    /// The connection is closed without a byte.
    HangUp,
}

/// A complete answer.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Fields beside Content-Length.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// An answer without a body.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    /// An answer with a JSON body.
    #[must_use]
    pub fn json(status: u16, value: &serde_json::Value) -> Self {
        Self::text(status, "application/json", &value.to_string())
    }

    /// An answer with a text body of this type.
    #[must_use]
    pub fn text(status: u16, media_type: &str, body: &str) -> Self {
        Self { status, body: body.as_bytes().to_vec(), ..Self::default() }.with("Content-Type", media_type)
    }

    /// One more field.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

impl From<Answer> for Reply {
    fn from(answer: Answer) -> Self {
        Self::Answer(answer)
    }
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    listener: Option<thread::JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    stopped: AtomicBool,
    connections: AtomicUsize,
    open: Mutex<Vec<TcpStream>>,
    seen: Mutex<Vec<Request>>,
}

type Script = dyn Fn(&Request) -> Reply + Send + Sync;

impl Server {
    /// Listens on `address` (port 0: any free one) and follows the script.
    ///
    /// # Errors
    /// When the address cannot be had; the message names it.
    pub fn start(address: SocketAddr, script: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> io::Result<Self> {
        let listener = TcpListener::bind(address)
            .map_err(|error| io::Error::new(error.kind(), format!("cannot listen on {address}: {error}")))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let script: Arc<Script> = Arc::new(script);
        let accepting = Arc::clone(&shared);
        let listener = thread::spawn(move || accept(&listener, &accepting, &script));
        Ok(Self { address, shared, listener: Some(listener) })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://address`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every request so far, in order of arrival.
    #[must_use]
    pub fn seen(&self) -> Vec<Request> {
        lock(&self.shared.seen).clone()
    }

    /// Forgets the requests so far.
    pub fn forget(&self) {
        lock(&self.shared.seen).clear();
    }

    /// How many connections were accepted.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // A connection of our own wakes the thread that accepts, which then lets go of the port.
        drop(TcpStream::connect(self.address));
        if let Some(listener) = self.listener.take() {
            drop(listener.join());
        }
        for stream in lock(&self.shared.open).drain(..) {
            drop(stream.shutdown(Shutdown::Both));
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>, script: &Arc<Script>) {
    for stream in listener.incoming() {
        if shared.stopped.load(Ordering::SeqCst) {
            return;
        }
        let Ok(stream) = stream else { continue };
        shared.connections.fetch_add(1, Ordering::SeqCst);
        if let Ok(copy) = stream.try_clone() {
            lock(&shared.open).push(copy);
        }
        let (shared, script) = (Arc::clone(shared), Arc::clone(script));
        thread::spawn(move || {
            // A broken connection is the client's business: tests look at what was recorded.
            drop(serve(&stream, &shared, script.as_ref()));
            drop(stream.shutdown(Shutdown::Both));
        });
    }
}

fn serve(stream: &TcpStream, shared: &Shared, script: &Script) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::with_capacity(64 * 1024, stream.try_clone()?);
    let mut writer = stream.try_clone()?;
    let mut interim = stream.try_clone()?;
    while let Some(request) = wire::read_request(&mut reader, |head| {
        if head.header("expect").is_some_and(|value| value.eq_ignore_ascii_case("100-continue")) {
            interim.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        Ok(())
    })? {
        lock(&shared.seen).push(request.clone());
        match script(&request) {
            Reply::Answer(answer) => write_answer(&mut writer, &request, answer)?,
            Reply::After(pause, answer) => {
                wait(shared, pause);
                write_answer(&mut writer, &request, answer)?;
            }
            Reply::Chunked(pieces, trailers) => write_chunks(&mut writer, &pieces, &trailers)?,
            Reply::Zeros(length) => write_zeros(&mut writer, length)?,
            Reply::Raw(bytes) => return writer.write_all(&bytes),
            Reply::Drip(bytes, pause) => {
                for byte in bytes {
                    if shared.stopped.load(Ordering::SeqCst) {
                        return Ok(());
                    }
                    writer.write_all(&[byte])?;
                    thread::sleep(pause);
                }
                return Ok(());
            }
            Reply::Silent(pause) => {
                wait(shared, pause);
                return Ok(());
            }
            Reply::Upgrade => return echo(&request, reader, writer),
            Reply::HangUp => return Ok(()),
        }
    }
    Ok(())
}

/// Waits, but not longer than the server lives.
fn wait(shared: &Shared, pause: Duration) {
    let end = Instant::now() + pause;
    while Instant::now() < end && !shared.stopped.load(Ordering::SeqCst) {
        thread::sleep(Duration::from_millis(5).min(pause));
    }
}

fn write_answer(writer: &mut impl Write, request: &Request, answer: Answer) -> io::Result<()> {
    let mut headers = answer.headers;
    if !matches!(answer.status, 204 | 304) {
        headers.push(("Content-Length".to_owned(), answer.body.len().to_string()));
    }
    // The fields are written together with the body: one packet, as real servers do.
    let mut message = Vec::new();
    wire::write_head(&mut message, &format!("HTTP/1.1 {} -", answer.status), &headers)?;
    if request.method != "HEAD" && !matches!(answer.status, 204 | 304) {
        message.extend_from_slice(&answer.body);
    }
    writer.write_all(&message)
}

fn write_chunks(writer: &mut impl Write, pieces: &[Vec<u8>], trailers: &[(String, String)]) -> io::Result<()> {
    let mut headers = vec![("Transfer-Encoding".to_owned(), "chunked".to_owned())];
    if !trailers.is_empty() {
        let names: Vec<&str> = trailers.iter().map(|(name, _)| name.as_str()).collect();
        headers.push(("Trailer".to_owned(), names.join(", ")));
    }
    wire::write_head(writer, "HTTP/1.1 200 -", &headers)?;
    for piece in pieces {
        writer.write_all(format!("{:x}\r\n", piece.len()).as_bytes())?;
        writer.write_all(piece)?;
        writer.write_all(b"\r\n")?;
    }
    wire::write_head(writer, "0", trailers)
}

fn write_zeros(writer: &mut impl Write, length: u64) -> io::Result<()> {
    wire::write_head(writer, "HTTP/1.1 200 -", &[("Content-Length".to_owned(), length.to_string())])?;
    io::copy(&mut io::repeat(0).take(length), writer).map(drop)
}

fn echo(request: &Request, mut reader: BufReader<TcpStream>, mut writer: TcpStream) -> io::Result<()> {
    let protocol = request.header("upgrade").unwrap_or("websocket").to_owned();
    let headers = [("Connection".to_owned(), "Upgrade".to_owned()), ("Upgrade".to_owned(), protocol)];
    wire::write_head(&mut writer, "HTTP/1.1 101 -", &headers)?;
    io::copy(&mut reader, &mut writer).map(drop)
}

/// A poisoned lock means that a test has failed already; its data is still whole.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
