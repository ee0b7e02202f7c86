//! Load on a gateway, and the oracle: a request passes only where the provider said yes for its token, is 401 only
//! where it said no, and whatever else happens is a 503; who is known passes throughout.

use crate::server::{Answer, Reply};
use crate::wire::{self, Request};
use crate::{client, provider};
use std::io::{self, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// As many connections share the load.
const CLIENTS: u32 = 10;
/// Requests a second, over all of them.
const RATE: u32 = 500;

/// A length: of every run, and of the nightly one (`PORTCULLIS_TESTS_FULL`).
#[must_use]
pub fn length(short: usize, full: usize) -> usize {
    if std::env::var_os("PORTCULLIS_TESTS_FULL").is_some() { full } else { short }
}

/// A provider that says yes to good tokens, by their name, and no to all others.
#[must_use]
pub fn script(request: &Request) -> Reply {
    match request.bearer() {
        Some(token) if token.starts_with("good-token-") => provider::keycloak(request),
        _ => Answer::status(401).into(),
    }
}

/// What was sent and what came back.
#[derive(Debug, Clone)]
pub struct Sent {
    /// `good-token-known` and a number below 20, `good-token-new` and a number of its own, or `bad-` and one.
    pub token: String,
    /// When it was sent.
    pub begun: Instant,
    /// When it was answered.
    pub ended: Instant,
    /// The status, or what went wrong.
    pub status: Result<u16, String>,
}

/// How many passed, were refused for their token, and were refused for the provider.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tally {
    /// 200.
    pub passed: usize,
    /// 401.
    pub bad: usize,
    /// 503.
    pub unavailable: usize,
}

impl Sent {
    /// Whether the provider says yes for its token.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.token.starts_with("good-token-")
    }

    /// Whether it has a token that all clients share.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.token.starts_with("good-token-known")
    }

    /// Whether it passed with a token that nobody had before.
    #[must_use]
    pub fn is_new_and_passed(&self) -> bool {
        self.token.starts_with("good-token-new") && self.status == Ok(200)
    }
}

/// Judges what came of requests. A 503 is right only where there was `trouble`.
///
/// # Errors
/// The first request that was answered as it must not be.
pub fn judge<'s>(sent: impl IntoIterator<Item = &'s Sent>, trouble: impl Fn(&Sent) -> bool) -> Result<Tally, &'s Sent> {
    let mut tally = Tally::default();
    for one in sent {
        match &one.status {
            Ok(200) if one.is_good() => tally.passed += 1,
            Ok(401) if !one.is_good() => tally.bad += 1,
            Ok(503) if trouble(one) => tally.unavailable += 1,
            _ => return Err(one),
        }
    }
    Ok(tally)
}

/// A time of trouble, and the calm after it.
#[derive(Debug, Clone, Copy)]
pub struct Spell {
    /// When the trouble began.
    pub from: Instant,
    /// When it was over.
    pub until: Instant,
    /// When the calm was.
    pub calm_until: Instant,
}

impl Spell {
    /// Two seconds after a trouble nothing may be left of it.
    pub const AFTERMATH: Duration = Duration::from_secs(2);

    /// Makes trouble for a while, ends it, and waits until nothing may be left of it and a second more.
    pub fn of(length: Duration, spoil: impl FnOnce(), mend: impl FnOnce()) -> Self {
        let from = Instant::now();
        spoil();
        std::thread::sleep(length);
        mend();
        let until = Instant::now();
        std::thread::sleep(Self::AFTERMATH + Duration::from_secs(1));
        Self { from, until, calm_until: Instant::now() }
    }

    /// Judges what was sent meanwhile. Known tokens pass throughout; new ones within the aftermath, and how long the
    /// first took comes back too.
    ///
    /// # Errors
    /// What was answered as it must not be, in words.
    pub fn judge(&self, sent: &[Sent]) -> Result<(Tally, Duration), String> {
        // One that was still under way then belongs to what came afterwards.
        let meanwhile = || sent.iter().filter(|one| (self.from..self.calm_until).contains(&one.ended));
        let trouble = |one: &Sent| !one.is_known() && one.begun <= self.until + Self::AFTERMATH;
        let tally = judge(meanwhile(), trouble).map_err(|one| {
            let since = |at: Instant| one.begun.saturating_duration_since(at);
            format!("{one:?}, {:?} after it began, {:?} after it was over", since(self.from), since(self.until))
        })?;
        let new = |one: &&Sent| one.is_new_and_passed() && one.begun > self.until;
        let back = meanwhile().filter(new).map(|one| one.ended - self.until).min();
        match back {
            Some(back) if back < Self::AFTERMATH => Ok((tally, back)),
            _ => Err(format!("a new token passed {back:?} after it was over")),
        }
    }
}

/// Several clients: known tokens, new ones, and bad ones in turn.
#[derive(Debug)]
pub struct Load {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Vec<Sent>>>,
}

impl Load {
    /// Begins.
    #[must_use]
    pub fn start(address: SocketAddr) -> Self {
        let (stop, numbers) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let client = |_| {
            let (stop, numbers) = (Arc::clone(&stop), Arc::clone(&numbers));
            std::thread::spawn(move || requests(address, &stop, &numbers))
        };
        let threads = (0..CLIENTS).map(client).collect();
        Self { stop, threads }
    }

    /// Ends, and tells of everything that was sent.
    #[must_use]
    pub fn end(self) -> Vec<Sent> {
        self.stop.store(true, Ordering::SeqCst);
        let sent = |thread: JoinHandle<_>| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        self.threads.into_iter().flat_map(sent).collect()
    }
}

fn requests(address: SocketAddr, stop: &AtomicBool, numbers: &AtomicUsize) -> Vec<Sent> {
    let mut kept = Kept { address, stream: None };
    let mut sent = Vec::new();
    let mut next = Instant::now();
    while !stop.load(Ordering::SeqCst) {
        let number = numbers.fetch_add(1, Ordering::SeqCst);
        let token = match number % 4 {
            0 => format!("bad-{number}"),
            1 => format!("good-token-new{number}"),
            _ => format!("good-token-known{}", number % 20),
        };
        let begun = Instant::now();
        let status = kept.get("/rest", &token).map_err(|error| error.to_string());
        sent.push(Sent { token, begun, ended: Instant::now(), status });
        next += Duration::from_secs(1) / RATE * CLIENTS;
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
    }
    sent
}

/// A connection that is kept.
struct Kept {
    address: SocketAddr,
    stream: Option<BufReader<TcpStream>>,
}

impl Kept {
    fn get(&mut self, target: &str, token: &str) -> io::Result<u16> {
        let mut reader = match self.stream.take() {
            Some(reader) => reader,
            None => BufReader::new(client::connect(self.address)?),
        };
        let head = format!("GET {target} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {token}\r\n\r\n", self.address);
        reader.get_mut().write_all(head.as_bytes())?;
        let response = wire::read_response(&mut reader, "GET")?;
        self.stream = Some(reader);
        Ok(response.status)
    }
}
