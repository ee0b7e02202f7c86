//! The last decisions, and who still comes with Basic: what an administrator looks at when somebody complains.
//!
//! Bounded, in memory only. It holds what the access log holds: no path of a decision, no credential.

use http::{HeaderValue, Method};
use portcullis_core::fingerprint::Fingerprint;
use serde_json::{Value, json};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// So many decisions are kept.
const DECISIONS_MAX: usize = 100;
/// So many pairs of name and path are counted; whoever comes later is counted together.
const CALLERS_MAX: usize = 1000;
/// Longer paths are cut, in bytes.
pub const PATH_BYTES_MAX: usize = 200;

/// What is kept, one for the process.
pub static RECENT: Recent = Recent { decisions: Mutex::new(VecDeque::new()), callers: Mutex::new(None) };

/// The last decisions and the callers with Basic.
#[derive(Debug)]
pub struct Recent {
    decisions: Mutex<VecDeque<Line>>,
    callers: Mutex<Option<HashMap<(String, String), u64>>>,
}

/// One decision, as the access log has it.
#[derive(Debug, Clone)]
pub struct Line {
    /// Seconds since 1970.
    pub at_s: i64,
    /// The request's id.
    pub id: HeaderValue,
    /// The trace id of `traceparent` (W3C Trace Context 3.2.2.3).
    pub trace: Option<String>,
    /// The method.
    pub method: Method,
    /// The route, by its place in the file.
    pub route: Option<usize>,
    /// The status that was answered.
    pub status: u16,
    /// What became of the request.
    pub decision: &'static str,
    /// The name in the configuration that refused.
    pub rule: Option<&'static str>,
    /// Why.
    pub reason: String,
    /// Whose verdict it was.
    pub provider: Option<Arc<str>>,
    /// Who it was.
    pub username: Option<Arc<str>>,
    /// Who came with Basic and was refused.
    pub basic: Option<String>,
    /// Where the verdict came from.
    pub cache: Option<&'static str>,
    /// The credential's fingerprint.
    pub credential: Option<Fingerprint>,
    /// Milliseconds that the verdict took.
    pub verdict_ms: Option<u64>,
    /// Milliseconds until the answer began.
    pub ms: u64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Recent {
    /// Keeps a decision.
    pub fn decided(&self, line: Line) {
        let gone = {
            let mut decisions = lock(&self.decisions);
            let gone = if decisions.len() >= DECISIONS_MAX { decisions.pop_front() } else { None };
            decisions.push_back(line);
            gone
        };
        // Its texts are freed outside the lock.
        drop(gone);
    }

    /// Counts a caller with Basic. The texts are kept as they are.
    pub fn basic(&self, who: &str, path: &str) {
        let mut callers = lock(&self.callers);
        let callers = callers.get_or_insert_default();
        let key = (who.to_owned(), path.to_owned());
        let full = callers.len() >= CALLERS_MAX && !callers.contains_key(&key);
        let key = if full { ("others".to_owned(), String::new()) } else { key };
        *callers.entry(key).or_default() += 1;
    }

    /// The decisions, the latest first.
    #[must_use]
    pub fn decisions(&self) -> Value {
        let lines: Vec<Line> = lock(&self.decisions).iter().rev().cloned().collect();
        let line = |line: Line| {
            let Line { at_s, id, trace, method, route, status, decision, rule, reason, .. } = line;
            let Line { provider, username, basic, cache, credential, verdict_ms, ms, .. } = line;
            let credential = credential.map(|fingerprint| fingerprint.to_string());
            json!({
                "at": httpdate::fmt_http_date(std::time::UNIX_EPOCH + std::time::Duration::from_secs(u64::try_from(at_s).unwrap_or(0))),
                "id": id.to_str().unwrap_or_default(), "trace": trace, "method": method.as_str(), "route": route, "status": status, "decision": decision,
                "rule": rule, "reason": reason, "provider": provider.as_deref(), "username": username.as_deref(), "basic": basic,
                "cache": cache, "credential": credential, "verdict_ms": verdict_ms, "ms": ms,
            })
        };
        json!({"decisions": lines.into_iter().map(line).collect::<Vec<_>>()})
    }

    /// Who came with Basic, the most frequent first.
    #[must_use]
    pub fn callers(&self) -> Value {
        let mut callers: Vec<((String, String), u64)> =
            lock(&self.callers).clone().unwrap_or_default().into_iter().collect();
        callers.sort_by(|(a, a_count), (b, b_count)| b_count.cmp(a_count).then_with(|| a.cmp(b)));
        let callers: Vec<Value> =
            callers.into_iter().map(|((who, path), count)| json!({"who": who, "path": path, "count": count})).collect();
        json!({"callers": callers})
    }
}
