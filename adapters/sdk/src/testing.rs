//! Runs recorded cases (`cases/*.json`) against an adapter natively, without the gateway.
//!
//! For an adapter's own tests: `portcullis_sdk::testing::run::<Keycloak>(include_str!("../cases/keycloak.json"))`. What only
//! the gateway judges (signatures, clocks, audience, scopes) is done here in the simplest form that the cases need, or
//! skipped by what the plan says, never by a case's id; `portcullis adapter test` runs the same cases through the compiled
//! component and the real rules.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "for tests only")]

mod gateway;
mod token;

use serde_json::Value;

pub use gateway::{context, context_of};

use crate::{
    Adapter, Answer, Authorization, Body, Cause, Content, Context, Finding, Identity, Method, Pair, Plan, PlanError,
    Request, Response, Source, Step, Verb,
};
use token::Token;

/// How a case writes the Basic pair that it presents.
const PRESENTED: &str = "Basic {basic}";

/// Runs every case of a file.
///
/// # Panics
/// With the ids of the cases that failed and why, and where the file holds no case.
pub fn run<A: Adapter>(cases: &str) {
    let cases: Vec<Value> = serde_json::from_str(cases).expect("cases are a JSON array");
    gateway::check_description(&A::describe());
    let failures: Vec<_> =
        cases.iter().filter_map(|case| run_one::<A>(case).err().map(|why| format!("{}: {why}", case["id"]))).collect();
    assert!(!cases.is_empty(), "the file holds no case");
    assert!(failures.is_empty(), "{} of {} cases failed\n{}", failures.len(), cases.len(), failures.join("\n"));
}

/// Runs one case.
///
/// # Errors
/// How it failed.
pub fn run_one<A: Adapter>(case: &Value) -> Result<(), String> {
    let mut exchanges: Vec<&Value> = match &case["exchanges"] {
        Value::Array(exchanges) => exchanges.iter().collect(),
        _ if case.get("expect_request").is_some() => vec![case],
        _ => Vec::new(),
    };
    let calls = |exchanges: &[&Value]| exchanges.iter().filter(|exchange| !is_document(exchange)).count();
    let listed = calls(&exchanges);
    let got = outcome::<A>(case, &mut exchanges)?;
    let expect = &case["expect"];
    let fits = match &got {
        Outcome::Problem(settings) => {
            settings.iter().any(|setting| expect["problem"]["setting"].as_str() == Some(setting))
        }
        Outcome::Refused(Cause::InvalidToken, _) => expect["reject"] == "invalid_token",
        Outcome::Refused(Cause::InsufficientScope, _) => expect["reject"] == "insufficient_scope",
        Outcome::Refused(..) => expect["unavailable"] == true,
        Outcome::Passed(identity) => identity_fits(identity, expect),
    };
    let not_made = calls(&exchanges);
    match case["expect_calls"].as_u64() {
        _ if !fits => Err(format!("expected {expect}, got {got:?}")),
        _ if not_made > 0 => Err(format!("{not_made} listed calls were not made: {got:?}")),
        Some(expected) if expected != (listed - not_made) as u64 => Err(format!("{} calls", listed - not_made)),
        _ => Ok(()),
    }
}

#[derive(Debug)]
enum Outcome {
    Problem(Vec<String>),
    Refused(Cause, #[allow(dead_code, reason = "read by Debug")] String),
    Passed(Box<Identity>),
}

fn outcome<A: Adapter>(case: &Value, exchanges: &mut Vec<&Value>) -> Result<Outcome, String> {
    let refused = |why: &str| Ok(Outcome::Refused(Cause::InvalidToken, why.into()));
    let context = match gateway::context_of_case(&A::describe(), case) {
        Ok(context) => context,
        Err(problems) => return Ok(Outcome::Problem(problems)),
    };
    if let Some(problem) = gateway::problem(&case["settings"]) {
        return Ok(Outcome::Problem(vec![problem]));
    }
    let granted = gateway::granted(exchanges);
    let plan = match plan::<A>(&context, exchanges)? {
        Ok(plan) => plan,
        Err(outcome) => return Ok(outcome),
    };
    if let Some(elsewhere) = gateway::elsewhere(&plan, &granted) {
        return Ok(Outcome::Refused(Cause::Unavailable, format!("{elsewhere} is not granted")));
    }
    if let Some(problem) = gateway::client_problem(&plan, &case["settings"]) {
        return Ok(Outcome::Problem(vec![problem]));
    }

    let token = Token::of(case);
    if token.is_unsigned() {
        return refused("nobody signed the token");
    }
    if !A::describe().credentials.contains(&token.kind()) {
        return refused("a credential of another kind than the adapter's");
    }
    let mut answers = Vec::new();
    match plan.checks.iter().find(|check| token.fits(&check.when)).map(|check| &check.how) {
        None => return refused("no check fits"),
        Some(Method::Refuse(why)) => return refused(why),
        Some(Method::Verify(rules)) => {
            let keys = exchanges.iter().position(|exchange| exchange["expect_request"]["url"] == *rules.keys);
            let keys = exchanges.remove(keys.ok_or_else(|| format!("the keys are asked for at {}", rules.keys))?);
            if !gateway::are_keys(&keys["response"]) {
                return Ok(Outcome::Refused(Cause::Unavailable, "no keys".into()));
            }
            match token.verify(rules, case["clock"].as_i64()) {
                Ok(verified) => answers.push(Answer::Verified(verified)),
                Err(why) => return refused(&why),
            }
        }
        Some(Method::Call(request)) => answers.push(answer(request, exchanges, &case["settings"])?),
    }
    loop {
        match A::identify(&context, &answers) {
            Err(refusal) => return Ok(Outcome::Refused(refusal.cause, refusal.reason)),
            Ok(Finding::Identity(identity)) => {
                return Ok(match gateway::judge(&identity, case) {
                    Some(cause) => Outcome::Refused(cause, "the gateway's own rules".into()),
                    None => Outcome::Passed(Box::new(identity)),
                });
            }
            Ok(Finding::Ask(requests)) => {
                for request in &requests {
                    answers.push(answer(request, exchanges, &case["settings"])?);
                }
            }
        }
    }
}

/// The plan, with the documents that it asks for; or what came of it instead.
fn plan<A: Adapter>(context: &Context, exchanges: &mut Vec<&Value>) -> Result<Result<Plan, Outcome>, String> {
    let mut documents = Vec::new();
    loop {
        match A::make_plan(context, &documents) {
            Ok(Step::Ready(plan)) => return Ok(Ok(plan)),
            Ok(Step::Fetch(lookups)) => {
                assert!(!lookups.is_empty() && documents.len() + lookups.len() <= 4, "1 to 4 documents are fetched");
                for lookup in &lookups {
                    let request = Request::get(&lookup.label, &lookup.url).accept(&lookup.accept);
                    documents.push(take(&request, exchanges, &Value::Null)?);
                }
            }
            Err(PlanError::Settings(problems)) => {
                let named = problems.into_iter().filter_map(|problem| problem.setting).collect();
                return Ok(Err(Outcome::Problem(named)));
            }
            Err(PlanError::Document(refusal)) => return Ok(Err(Outcome::Refused(refusal.cause, refusal.reason))),
        }
    }
}

/// The answer that the case lists for this call, which is then used up.
fn answer(request: &Request, exchanges: &mut Vec<&Value>, settings: &Value) -> Result<Answer, String> {
    take(request, exchanges, settings).map(Answer::Response)
}

fn take(request: &Request, exchanges: &mut Vec<&Value>, settings: &Value) -> Result<Response, String> {
    let differs = |exchange: &Value| difference(request, &exchange["expect_request"], settings);
    match exchanges.iter().position(|exchange| differs(exchange).is_none()) {
        Some(at) => Ok(response(&request.label, &exchanges.remove(at)["response"])),
        None => {
            Err(exchanges.first().and_then(|next| differs(next)).unwrap_or_else(|| format!("not listed: {request:?}")))
        }
    }
}

/// Documents and key sets are asked for without authorization, and whether they are is nobody's business.
fn is_document(exchange: &Value) -> bool {
    let request = &exchange["expect_request"];
    request["method"] == "GET" && request["headers"].get("Authorization").is_none()
}

fn response(label: &str, response: &Value) -> Response {
    let headers = response["headers"].as_object().into_iter().flatten();
    let text = match &response["body"] {
        Value::Null => String::new(),
        Value::String(text) => text.trim_start_matches('\u{feff}').to_owned(),
        body => body.to_string(),
    };
    Response {
        to: label.into(),
        status: u16::try_from(response["status"].as_u64().unwrap()).unwrap(),
        headers: headers
            .map(|(name, value)| Pair { name: name.to_lowercase(), value: value.as_str().unwrap().into() })
            .collect(),
        body: match serde_json::from_str::<Value>(&text) {
            _ if text.trim().is_empty() => Content::Empty,
            Ok(json) if (json.is_object() || json.is_array()) && !gateway::names_twice(&text, &json) => {
                Content::Json(text)
            }
            _ => Content::Other(text.into_bytes()),
        },
    }
}

/// How a request differs from what is expected, if it does.
fn difference(request: &Request, expect: &Value, settings: &Value) -> Option<String> {
    let different =
        |what: &str, got: &dyn std::fmt::Debug, expect: &Value| Some(format!("{what}: expected {expect}, got {got:?}"));
    let method = if matches!(request.method, Verb::Get) { "GET" } else { "POST" };
    if expect["method"] != method {
        return different("method", &method, &expect["method"]);
    }
    if expect["url"] != *request.url {
        return different("url", &request.url, &expect["url"]);
    }
    for (name, value) in expect["headers"].as_object().into_iter().flatten() {
        let got = header(request, name);
        let value_text = value.as_str().unwrap();
        let fits = match value_text {
            "*" => got.as_ref().is_some_and(|got| !got.is_empty()),
            // As a client, whose pair is the gateway's to encode.
            basic if basic.starts_with("Basic ") && basic != PRESENTED => got.as_deref() == Some("client"),
            _ => got.as_deref() == Some(value_text),
        };
        if !fits {
            return different(name, &got, value);
        }
    }
    let form: Option<Value> = match &request.body {
        Body::Form(fields) => {
            let fields = fields.iter().map(|field| (field.name.clone(), said(&field.value)));
            let as_client = matches!(request.authorization, Authorization::Client);
            Some(fields.chain(as_client.then(|| gateway::client_fields(settings)).into_iter().flatten()).collect())
        }
        _ => None,
    };
    let json: Option<Value> = match &request.body {
        Body::Json(body) => {
            let mut json: Value = serde_json::from_str(&body.text).expect("a JSON body is JSON");
            for slot in &body.slots {
                *json.pointer_mut(&slot.pointer).expect("a slot is there") = Value::String(said(&slot.value));
            }
            Some(json)
        }
        _ => None,
    };
    if form.as_ref() != expect.get("form") {
        return different("form", &form, &expect["form"]);
    }
    if json.as_ref() != expect.get("json") {
        return different("json", &json, &expect["json"]);
    }
    None
}

fn header(request: &Request, name: &str) -> Option<String> {
    let content_type = match request.body {
        Body::None => None,
        Body::Form(_) => Some("application/x-www-form-urlencoded"),
        Body::Json(_) => Some("application/json"),
    };
    match (name, &request.authorization) {
        ("Authorization", Authorization::Bearer) => Some("Bearer {token}".into()),
        ("Authorization", Authorization::Presented) => Some(PRESENTED.into()),
        ("Authorization", Authorization::Client) => Some("client".into()),
        ("Authorization", _) => None,
        ("Content-Type", _) => content_type.map(Into::into),
        _ => request.headers.iter().find(|header| header.name == name).map(|header| said(&header.value)),
    }
}

fn said(value: &[Source]) -> String {
    let piece = |source: &Source| match source {
        Source::Text(text) => text.clone(),
        Source::Credential => "{token}".into(),
        other => panic!("these cases know no {other:?}"),
    };
    value.iter().map(piece).collect()
}

fn identity_fits(identity: &Identity, expect: &Value) -> bool {
    let set = |list: &Option<Vec<String>>| {
        list.clone().map(|mut list| {
            list.sort();
            list
        })
    };
    let same_set = |name: &str, got: &Option<Vec<String>>| match &expect[name] {
        Value::Array(list) => set(got) == set(&Some(list.iter().map(|item| item.as_str().unwrap().into()).collect())),
        _ => true,
    };
    let same = |name: &str, got: Option<&str>| expect.get(name).is_none_or(|value| value.as_str() == got);
    expect["username"] == *identity.username
        && same("subject", identity.subject.as_deref())
        && same("email", identity.email.as_ref().map(|email| email.address.as_str()))
        && same_set("groups", &identity.groups)
        && same_set("scopes", &identity.scopes)
}
