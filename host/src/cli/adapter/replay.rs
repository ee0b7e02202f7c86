//! A transport that answers from a case: every request must be one that the case lists, and calls are made exactly once.

use super::cases::{Case, Exchange, ExpectedRequest, Presented};
use super::keys;
use crate::provider::{BoxFuture, Call, CallFault, Raw, Transport};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue};
use serde_json::{Map, Value};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The exchanges of a case, and which of them took place.
pub(super) struct Replay {
    exchanges: Vec<Exchange>,
    token: String,
    basic: String,
    settings: Map<String, Value>,
    clock: i64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    made: Vec<usize>,
    calls: usize,
    complaints: Vec<String>,
}

impl Replay {
    pub(super) fn new(case: &Case, presented: &Presented) -> Self {
        Self {
            exchanges: case.exchanges(),
            token: presented.token.clone(),
            basic: presented.basic.clone(),
            settings: case.settings(),
            clock: case.clock(),
            state: Mutex::default(),
        }
    }

    /// Calls for the credential; documents are not counted.
    pub(super) fn calls(&self) -> usize {
        self.state().calls
    }

    /// Requests that no exchange fits, and listed calls that were not made.
    pub(super) fn complaints(&self) -> Vec<String> {
        let state = self.state();
        let mut complaints = state.complaints.clone();
        for (index, exchange) in self.exchanges.iter().enumerate() {
            if !state.made.contains(&index) && !self.is_document(exchange) {
                complaints.push(format!(
                    "expected {} {}, which was not asked",
                    exchange.expect_request.method, exchange.expect_request.url
                ));
            }
        }
        complaints
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Documents and key sets come first and carry nothing: a GET without authorization before the last exchange.
    fn is_document(&self, exchange: &Exchange) -> bool {
        let request = &exchange.expect_request;
        let authorized = request.headers.keys().any(|name| name.eq_ignore_ascii_case("authorization"));
        exchange.response.jwks || (request.method == "GET" && !authorized)
    }

    fn answer(&self, call: &Call) -> Result<Raw, CallFault> {
        let document = call.document;
        let mut state = self.state();
        state.calls += usize::from(!document);
        let mut nearest: Vec<String> = Vec::new();
        for (index, exchange) in self.exchanges.iter().enumerate() {
            if state.made.contains(&index) && !document {
                continue;
            }
            let flaws = self.flaws(&exchange.expect_request, call);
            if flaws.is_empty() {
                state.made.push(index);
                return Ok(raw(exchange));
            }
            if nearest.is_empty() || flaws.len() < nearest.len() {
                nearest = flaws;
            }
        }
        let complaint = match nearest.is_empty() {
            true => format!("unexpected request {} {}", call.method, call.url),
            false => nearest.join("; "),
        };
        state.complaints.push(complaint.clone());
        Err(CallFault::NotRecorded(complaint))
    }

    /// How a request differs from what is expected.
    fn flaws(&self, expected: &ExpectedRequest, call: &Call) -> Vec<String> {
        let mut flaws = Vec::new();
        let mut compare = |what: &str, expected: &str, got: &str| {
            if expected != got {
                flaws.push(format!("{what}: expected {expected}, got {got}"));
            }
        };
        compare("method", &expected.method, call.method.as_str());
        compare("url", &expected.url, call.url.as_str());
        for (name, value) in &expected.headers {
            let value = self.fill(value.as_str().unwrap_or_default());
            let got = call.headers.get(name).map(|got| got.to_str().unwrap_or("(no text)"));
            match got {
                Some(got) if value == "*" && !got.is_empty() => {}
                got => compare(name, &value, got.unwrap_or("(absent)")),
            }
        }
        let body = call.body.as_ref().map(|body| body.reveal()).unwrap_or_default();
        if let Some(form) = &expected.form {
            let mut wanted: Vec<(String, String)> = form
                .iter()
                .map(|(name, value)| (name.clone(), self.fill(value.as_str().unwrap_or_default())))
                .collect();
            let mut got: Vec<(String, String)> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
            for (_, value) in wanted.iter_mut().filter(|(_, value)| value == "{assertion}") {
                let Some((_, assertion)) = got.iter().find(|(name, _)| name == "client_assertion") else { continue };
                match self.assertion_flaw(assertion, call.url.as_str()) {
                    None => value.clone_from(assertion),
                    Some(flaw) => compare("client_assertion", "one that holds", &flaw),
                }
            }
            wanted.sort();
            got.sort();
            compare("form", &format!("{wanted:?}"), &format!("{got:?}"));
        }
        if let Some(json) = &expected.json {
            let wanted: Value = serde_json::from_str(&self.fill(&json.to_string())).unwrap_or_default();
            let got: Value = serde_json::from_str(body).unwrap_or_default();
            if wanted != got {
                compare("json", &wanted.to_string(), &got.to_string());
            }
        }
        flaws
    }

    fn assertion_flaw(&self, assertion: &str, url: &str) -> Option<String> {
        let setting = |name: &str| self.settings.get(name).and_then(Value::as_str);
        let expected = keys::Assertion {
            client_id: setting("client_id").unwrap_or_default(),
            audience: setting("assertion_audience").unwrap_or(url),
            key_id: setting("client_key_id"),
        };
        keys::assertion_flaw(assertion, &expected, self.clock)
    }

    fn fill(&self, text: &str) -> String {
        text.replace("{token}", &self.token).replace("{basic}", &self.basic)
    }
}

fn raw(exchange: &Exchange) -> Raw {
    let response = &exchange.response;
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Raw {
        status: response.status,
        headers: response
            .headers
            .iter()
            .map(|(name, value)| (HeaderName::try_from(name), HeaderValue::try_from(text(value))))
            .filter_map(|(name, value)| Some((name.ok()?, value.ok()?)))
            .filter(|(name, value)| !(name == CONTENT_TYPE && value.is_empty()))
            .collect(),
        body: match response.jwks {
            true => Bytes::from(keys::set().to_string()),
            false => Bytes::from(response.body.as_ref().map(text).unwrap_or_default()),
        },
    }
}

impl Transport for Replay {
    fn carry(&self, call: Call) -> BoxFuture<'_, Result<Raw, CallFault>> {
        Box::pin(async move { self.answer(&call) })
    }
}
