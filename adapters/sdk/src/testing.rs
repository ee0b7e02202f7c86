//! Runs recorded cases (`cases/*.json`) against an adapter natively, without the gateway.
//!
//! For an adapter's own tests: `portcullis_sdk::testing::run::<Keycloak>(include_str!("../cases/keycloak.json"))`. What only
//! the gateway judges (signatures, clocks, audience, scopes) is done here in the simplest form that the cases need, or
//! skipped by what the plan says, never by a case's id; `portcullis adapter test` runs the same cases through the compiled
//! component and the real rules.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "for tests only")]

mod gateway;

use serde_json::Value;

pub use gateway::context;

use crate::{
    Adapter, Answer, Authorization, Body, Cause, Content, Finding, Identity, Method, Pair, PlanError, Request,
    Response, Shape, Source, Step, Verb, Verified,
};

/// What a token is where a case names none: opaque, without a known prefix.
const TOKEN: &str = "4fQ9xKp2ZtW7";

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

fn run_one<A: Adapter>(case: &Value) -> Result<(), String> {
    let got = outcome::<A>(case)?;
    let expect = &case["expect"];
    let fits = match &got {
        Outcome::Problem(settings) => {
            settings.iter().any(|setting| expect["problem"]["setting"].as_str() == Some(setting))
        }
        Outcome::Refused(Cause::InvalidToken, _) => expect["reject"] == "invalid_token",
        Outcome::Refused(Cause::InsufficientScope, _) => expect["reject"] == "insufficient_scope",
        Outcome::Refused(..) => expect["unavailable"] == true,
        Outcome::Passed(identity) => identity_fits(identity, expect),
        Outcome::GatewaysAlone => true,
    };
    if fits { Ok(()) } else { Err(format!("expected {expect}, got {got:?}")) }
}

#[derive(Debug)]
enum Outcome {
    Problem(Vec<String>),
    Refused(Cause, #[allow(dead_code, reason = "read by Debug")] String),
    Passed(Box<Identity>),
    /// Nothing of the case is the adapter's.
    GatewaysAlone,
}

fn outcome<A: Adapter>(case: &Value) -> Result<Outcome, String> {
    if case["token_key"] == "none" {
        return Ok(Outcome::GatewaysAlone);
    }
    let context = match gateway::context_of(&A::describe(), case) {
        Ok(context) => context,
        Err(problems) => return Ok(Outcome::Problem(problems)),
    };
    let plan = match A::make_plan(&context, &[]) {
        Ok(Step::Ready(plan)) => plan,
        Ok(Step::Fetch(_)) => return Err("this runner fetches no documents".into()),
        Err(PlanError::Settings(problems)) => {
            return Ok(Outcome::Problem(problems.into_iter().filter_map(|problem| problem.setting).collect()));
        }
        Err(PlanError::Document(refusal)) => return Ok(Outcome::Refused(refusal.cause, refusal.reason)),
    };
    if let Some(problem) = gateway::client_problem(&plan, &case["settings"]) {
        return Ok(Outcome::Problem(vec![problem]));
    }

    let token = case["token"].as_str().unwrap_or(TOKEN);
    let jwt = case.get("token_claims");
    let fits = |shape: &Shape| match shape {
        Shape::Any => true,
        Shape::Jwt | Shape::JwtFrom(_) => jwt.is_some(),
        Shape::Opaque => jwt.is_none(),
        Shape::Prefixed(prefixes) => prefixes.iter().any(|prefix| token.starts_with(prefix)),
        Shape::Basic | Shape::ApiKey => false,
    };
    let mut exchanges: Vec<&Value> = match &case["exchanges"] {
        Value::Array(exchanges) => exchanges.iter().collect(),
        _ => vec![case],
    };
    let mut answers = Vec::new();
    match plan.checks.iter().find(|check| fits(&check.when)).map(|check| &check.how) {
        None => return Ok(Outcome::Refused(Cause::InvalidToken, "no check fits".into())),
        Some(Method::Refuse(why)) => return Ok(Outcome::Refused(Cause::InvalidToken, why.clone())),
        Some(Method::Verify(rules)) => {
            let claims = jwt.ok_or("the plan verifies, and the case has no claims")?;
            if exchanges.remove(0)["expect_request"]["url"] != *rules.keys {
                return Err(format!("the keys are asked for at {}", rules.keys));
            }
            if let Some(refused) = gateway::judge_issuer(rules, claims) {
                return Ok(Outcome::Refused(Cause::InvalidToken, refused));
            }
            let header = case.get("token_header").map_or_else(|| "{}".into(), Value::to_string);
            answers.push(Answer::Verified(Verified { to: "credential".into(), header, claims: claims.to_string() }));
        }
        Some(Method::Call(request)) => answers.push(answer(request, &mut exchanges)?),
    }
    loop {
        match A::identify(&context, &answers) {
            Err(refusal) if exchanges.is_empty() => return Ok(Outcome::Refused(refusal.cause, refusal.reason)),
            Ok(Finding::Identity(identity)) if exchanges.is_empty() => {
                return Ok(match gateway::judge(&identity, case) {
                    Some(cause) => Outcome::Refused(cause, "the gateway's own rules".into()),
                    None => Outcome::Passed(Box::new(identity)),
                });
            }
            Ok(Finding::Ask(requests)) => {
                for request in &requests {
                    answers.push(answer(request, &mut exchanges)?);
                }
            }
            early => return Err(format!("{} listed calls were not made: {early:?}", exchanges.len())),
        }
    }
}

/// The answer that the case lists for this request, which is then used up.
fn answer(request: &Request, exchanges: &mut Vec<&Value>) -> Result<Answer, String> {
    let differs = |exchange: &Value| difference(request, &exchange["expect_request"]);
    match exchanges.iter().position(|exchange| differs(exchange).is_none()) {
        Some(at) => Ok(Answer::Response(response(&request.label, &exchanges.remove(at)["response"]))),
        None => {
            Err(exchanges.first().and_then(|next| differs(next)).unwrap_or_else(|| format!("not listed: {request:?}")))
        }
    }
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
fn difference(request: &Request, expect: &Value) -> Option<String> {
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
            basic if basic.starts_with("Basic ") => got.as_deref() == Some("client"),
            _ => got.as_deref() == Some(value_text),
        };
        if !fits {
            return different(name, &got, value);
        }
    }
    let form: Option<Value> = match &request.body {
        Body::Form(fields) => Some(fields.iter().map(|field| (field.name.clone(), said(&field.value))).collect()),
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
