//! What is told of a request afterwards: a line in the access log, metrics, and the list of the last decisions.
//!
//! It must never hold a header, a query, or a path (but that of a script which still comes with Basic); a credential is shown as
//! its fingerprint. What a client chose is cut: nobody may fill the log or the memory with one request.

use super::proxy::Failure;
use crate::decision::{Account, Source};
use crate::metrics::METRICS;
use crate::recent::{Line, PATH_BYTES_MAX, RECENT};
use http::{HeaderValue, Method};
use portcullis_core::denial::Denial;
use portcullis_core::method::METHOD_BYTES_MAX;
use std::time::Instant;

/// Longer texts of the others are cut, in bytes: reasons hold what adapters say, and names.
const TEXT_BYTES_MAX: usize = 1024;

/// What became of a request.
pub(super) enum Outcome {
    Passed,
    Preflight,
    Failed(Failure),
    Refused(Denial),
}

/// What is told of the request itself.
pub(super) struct Request<'r> {
    pub(super) method: &'r Method,
    pub(super) trace: Option<String>,
    pub(super) path: Option<String>,
    pub(super) began: Instant,
    pub(super) id: &'r HeaderValue,
}

/// Tells of it everywhere.
pub(super) fn record(outcome: Outcome, account: Account, request: Request<'_>, status: u16) {
    let Account { route, provider, source, credential, username, asked_for, basic, observed } = account;
    let Request { method, trace, path, began, id } = request;
    let method = shown(method);
    let took = began.elapsed();
    let (decision, rule, reason) = match outcome {
        Outcome::Passed => match observed {
            None => ("pass", None, String::new()),
            Some(None) => ("observed", None, "would pass".to_owned()),
            Some(Some(denial)) => ("observed", denial.rule, format!("would be {}: {}", denial.word(), denial.reason)),
        },
        Outcome::Preflight => ("preflight", None, String::new()),
        Outcome::Failed(failure) => (failure.word(), None, failure.to_string()),
        Outcome::Refused(denial) => (denial.word(), denial.rule, denial.reason),
    };
    METRICS.decided(route, decision, took);
    let (reason, path) = (cut(reason, TEXT_BYTES_MAX), path.map(|path| cut(path, PATH_BYTES_MAX)));
    if let Some(who) = &basic {
        METRICS.basic_refused(route);
        RECENT.basic(who, path.as_deref().unwrap_or_default());
    }
    let ms = |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let line = Line {
        at_s: crate::provider::now(),
        id: id.clone(),
        trace,
        method,
        route,
        status,
        decision,
        rule,
        reason,
        provider,
        username,
        basic,
        cache: source.map(Source::word),
        credential,
        verdict_ms: asked_for.map(ms),
        ms: ms(took),
    };
    log(&line, path.as_deref());
    RECENT.decided(line);
}

/// A text, cut where it is longer than so many bytes.
fn cut(mut text: String, bytes_max: usize) -> String {
    if text.len() > bytes_max {
        text.truncate(text.floor_char_boundary(bytes_max));
        text.push('…');
    }
    text
}

/// The method as it is logged and kept: no longer than one that is accepted. It was refused for its length then.
fn shown(method: &Method) -> Method {
    let cut = method.as_str().as_bytes().get(..METHOD_BYTES_MAX);
    cut.and_then(|cut| Method::from_bytes(cut).ok()).unwrap_or_else(|| method.clone())
}

/// The access log: one line a request.
fn log(line: &Line, path: Option<&str>) {
    let Line { id, method, route, status, decision, rule, reason, cache, verdict_ms, ms, at_s: _, .. } = line;
    let (provider, username) = (line.provider.as_deref(), line.username.as_deref());
    let id = id.to_str().unwrap_or_default();
    let (trace, basic) = (line.trace.as_deref(), line.basic.as_deref());
    let credential = line.credential.map(tracing::field::display);
    tracing::info!(
        target: "portcullis::access",
        %method, route, status, decision, rule, reason, provider, username, basic, path, cache, credential, verdict_ms, ms, id, trace
    );
}

/// The trace id of a `traceparent` (W3C Trace Context 3.2), where it is well-formed.
pub(super) fn trace_id(value: &HeaderValue) -> Option<String> {
    let mut parts = value.to_str().ok()?.split('-');
    let (version, trace, parent) = (parts.next()?, parts.next()?, parts.next()?);
    let hex = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let zero = trace.bytes().all(|byte| byte == b'0');
    let proper = hex(version, 2) && version != "ff" && hex(trace, 32) && hex(parent, 16) && !zero;
    proper.then(|| trace.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_chose_is_cut() {
        assert_eq!(shown(&Method::GET), Method::GET);
        assert_eq!(shown(&Method::from_bytes(&[b'M'; 60_000]).unwrap()).as_str(), "M".repeat(METHOD_BYTES_MAX));
        assert_eq!(cut("/a".to_owned(), 2), "/a");
        assert_eq!(cut("aä".repeat(50), 5), "aäa…");
    }

    #[test]
    fn a_trace_id_is_taken_from_a_proper_traceparent_alone() {
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        let of = |text: &str| trace_id(&HeaderValue::try_from(text).unwrap());
        assert_eq!(of(&format!("00-{trace}-00f067aa0ba902b7-01")).as_deref(), Some(trace));
        for odd in [
            "",
            "00",
            "00-1-2-3",
            "Bearer x",
            &format!("ff-{trace}-00f067aa0ba902b7-01"),
            &format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)),
            &format!("00-{}-00f067aa0ba902b7-01", trace.to_uppercase()),
        ] {
            assert_eq!(of(odd), None, "{odd}");
        }
    }
}
