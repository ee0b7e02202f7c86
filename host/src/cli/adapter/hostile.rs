//! What an adapter must do whatever a provider answers, whoever wrote it: end in a refusal, never in a trap, never in somebody;
//! the same call twice gives the same result; and a number stays the number that it is.
//!
//! The answers go to the component as the gateway would give them to it, for each configuration that the cases have.

use crate::adapter::Adapter;
use crate::adapter::contract::{Answer, Content, Finding, Method, Pair, Plan, Response, Verified};
use crate::provider::{Provider, Readiness};

/// A number that a double cannot hold.
const EXACT: &str = "9007199254740993123";

/// What is wrong with how an adapter takes answers, under the configuration of a provider that is ready.
pub(super) fn flaws(adapter: &Adapter, provider: &Provider) -> Vec<String> {
    let readiness = provider.readiness();
    let Readiness::Ready(plan) = &*readiness else { return Vec::new() };
    let plan = plan.plan();
    let mut flaws = Vec::new();
    for check in &plan.checks {
        let (label, verified) = match &check.how {
            Method::Call(request) => (request.label.as_str(), request.signed.is_some()),
            Method::Verify(_) => ("credential", true),
            Method::Refuse(_) => continue,
        };
        for (what, answer) in if verified { claims(label) } else { responses(label) } {
            flaws.extend(flaw(adapter, provider, answer).map(|flaw| format!("{what}: {flaw}")));
        }
        flaws.extend(inexact(adapter, provider, plan, label, verified));
    }
    flaws
}

/// No answer here names anybody.
fn flaw(adapter: &Adapter, provider: &Provider, answer: Answer) -> Option<String> {
    let answers = [answer];
    let first = adapter.identify_here(provider.context(), &answers);
    let again = adapter.identify_here(provider.context(), &answers);
    match (first, again) {
        (Err(fault), _) => Some(fault.to_string()),
        (Ok(Ok(Finding::Identity(identity))), _) => Some(format!("is the user {:?}", identity.username)),
        // What is asked further is answered by the provider, or refused.
        (Ok(first), Ok(again)) if format!("{first:?}") == format!("{again:?}") => None,
        (Ok(_), _) => Some("the same call twice has two results".to_owned()),
    }
}

/// An answer in which every attribute that may be the username is a number: its digits, or a refusal.
fn inexact(adapter: &Adapter, provider: &Provider, plan: &Plan, label: &str, verified: bool) -> Option<String> {
    let configured = provider.config().username_attributes.iter().map(String::as_str);
    let names = plan.username_attributes.iter().map(|hint| hint.name.as_str()).chain(configured);
    let mut members: Vec<String> = Vec::new();
    for name in names.filter(|name| !name.contains('.')) {
        let member = format!("{}: {EXACT}", serde_json::Value::from(name));
        if !members.contains(&member) {
            members.push(member);
        }
    }
    let text = format!("{{\"active\": true, {}}}", members.join(", "));
    let answer = if verified { claim(label, &text) } else { response(label, 200, Content::Json(text)) };
    match adapter.identify_here(provider.context(), &[answer]) {
        Ok(Ok(Finding::Identity(identity))) if identity.username != EXACT => {
            Some(format!("the number {EXACT} became the user {:?}", identity.username))
        }
        Err(fault) => Some(fault.to_string()),
        Ok(_) => None,
    }
}

fn responses(label: &str) -> Vec<(String, Answer)> {
    let html = || Content::Other(b"<!doctype html><title>Sign in</title>".to_vec());
    let bodies = [
        ("nothing", Content::Empty),
        ("{}", Content::Json("{}".to_owned())),
        ("[]", Content::Json("[]".to_owned())),
        (
            "null members",
            Content::Json(r#"{"active":true,"sub":null,"username":null,"data":null,"error":null}"#.to_owned()),
        ),
        (
            "odd members",
            Content::Json(r#"{"active":"true","sub":{},"username":[],"groups":7,"exp":"x","data":[[]]}"#.to_owned()),
        ),
        ("1 MiB", Content::Json(format!("{{\"x\": \"{}\"}}", "y".repeat(1024 * 1024 - 16)))),
        ("32 levels", Content::Json(format!("{{\"x\":{}{}}}", "[".repeat(31), "]".repeat(31)))),
        ("HTML", html()),
        ("no UTF-8", Content::Other(vec![0xff, 0xfe, 0x00, 0x80])),
        ("half JSON", Content::Other(br#"{"sub": "alice"#.to_vec())),
    ];
    let mut all = Vec::new();
    for (what, body) in bodies {
        for status in [200, 401] {
            all.push((format!("{status}, {what}"), response(label, status, body.clone())));
        }
    }
    for status in
        [100, 201, 204, 206, 299, 300, 302, 304, 400, 402, 403, 404, 405, 409, 418, 429, 451, 500, 503, 599, 999]
    {
        all.push((format!("{status}, HTML"), response(label, status, html())));
        all.push((format!("{status}, nothing"), response(label, status, Content::Empty)));
    }
    all
}

fn response(label: &str, status: u16, body: Content) -> Answer {
    let headers = vec![Pair { name: "www-authenticate".to_owned(), value: "Basic \"x, Bearer error=".to_owned() }];
    Answer::Response(Response { to: label.to_owned(), status, headers, body })
}

fn claims(label: &str) -> Vec<(String, Answer)> {
    [
        "{}".to_owned(),
        r#"{"sub":null,"aud":7,"exp":"x","cnf":[]}"#.to_owned(),
        r#"{"sub":{},"username":[],"preferred_username":true,"email":1.5,"groups":"","exp":{}}"#.to_owned(),
        format!("{{\"x\":{}{}}}", "[".repeat(31), "]".repeat(31)),
    ]
    .into_iter()
    .map(|text| (format!("claims {text:.60}"), claim(label, &text)))
    .collect()
}

fn claim(label: &str, claims: &str) -> Answer {
    Answer::Verified(Verified { to: label.to_owned(), header: "{}".to_owned(), claims: claims.to_owned() })
}
