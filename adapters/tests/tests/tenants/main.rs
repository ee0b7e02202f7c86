//! A setting that names a tenant (a realm, an organisation, a team, a domain, an environment, a server) holds in every mode of
//! every adapter, or the page of the adapter says in its first lines who passes.
//!
//! The table has at least one line for each adapter and mode. Each is an assertion about a stranger: somebody with a good token
//! of another tenant of the same provider.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "for tests only")]

mod every;
mod table;

use std::collections::BTreeSet;

use every::{Entry, adapters};
use portcullis_sdk::{
    Answer, Authorization, Cause, Content, Context, Method, PlanError, Refusal, Request, Response, Step, testing,
};
use serde_json::{Value, json};
use table::{Held, table};

/// A line of the table.
struct Line {
    entry: Entry,
    mode: &'static str,
    settings: Value,
    held: Held,
}

fn lines() -> Vec<Line> {
    let line = |(adapter, mode, settings, held): (&str, &'static str, Value, Held)| {
        let entry = adapters().into_iter().find(|entry| entry.name == adapter);
        let entry = entry.unwrap_or_else(|| panic!("the table has a line of `{adapter}`, which is no adapter"));
        let mut settings = settings;
        if !mode.is_empty() {
            settings["mode"] = json!(mode);
        }
        Line { entry, mode, settings, held }
    };
    table().into_iter().map(line).collect()
}

#[test]
fn all_adapters_are_known_here() {
    let manifest = include_str!("../../../Cargo.toml");
    let members = manifest.split("members = [").nth(1).and_then(|rest| rest.split(']').next()).expect("members");
    let members: BTreeSet<_> =
        members.split('"').skip(1).step_by(2).filter(|name| !["sdk", "tests"].contains(name)).collect();
    let known: BTreeSet<_> = adapters().iter().map(|entry| entry.name).collect();
    assert_eq!(members, known);
}

#[test]
fn every_adapter_and_mode_has_a_line() {
    let lines: BTreeSet<_> = lines().iter().map(|line| (line.entry.name, line.mode.to_owned())).collect();
    let mut wanted = BTreeSet::new();
    for entry in adapters() {
        let description = (entry.describe)();
        let modes = description.settings.iter().find(|spec| spec.name == "mode");
        match modes {
            Some(modes) => wanted.extend(modes.choices.iter().map(|choice| (entry.name, choice.value.clone()))),
            None => {
                wanted.insert((entry.name, String::new()));
            }
        }
    }
    assert_eq!(lines, wanted, "a line for each mode, and for no other");
}

#[test]
fn a_stranger_is_refused_or_the_page_says_who_passes() {
    let mut failures = Vec::new();
    for line in lines() {
        let name = format!("{} {} {:?}", line.entry.name, line.mode, line.held);
        if let Err(why) = check(&line) {
            failures.push(format!("{name}: {why}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn check(line: &Line) -> Result<(), String> {
    match &line.held {
        Held::Server { setting, another } => own_server(line, setting, another),
        Held::Case { case } => {
            let mut case = case.clone();
            case["id"] = json!("stranger");
            case["provider"] = json!(line.entry.name);
            case["credential"] = json!("bearer");
            case["clock"] = json!(1_700_000_000);
            case["settings"] = line.settings.clone();
            (line.entry.case)(&case)
        }
        Held::Nothing { page } => told(line, page),
    }
}

/// The setting is a part of the address that is asked, so that the tenant's own server judges the token; and its no is a no.
fn own_server(line: &Line, setting: &str, another: &str) -> Result<(), String> {
    let (context, requests) = planned(&line.entry, &line.settings)?;
    let mut elsewhere = line.settings.clone();
    elsewhere[setting] = json!(another);
    let (_, others) = planned(&line.entry, &elsewhere)?;
    if requests.is_empty() || requests.len() != others.len() {
        return Err("the plan asks nobody".into());
    }
    for (request, other) in requests.iter().zip(&others) {
        if request.url == other.url {
            return Err(format!("with another `{setting}` the same server is asked: {}", request.url));
        }
        if !other.url.contains(another) {
            return Err(format!("`{another}` is no part of {}", other.url));
        }
    }
    for request in &requests {
        let no = match request.authorization {
            Authorization::Client => response(request, 200, json!({"active": false})),
            _ => response(request, 401, json!({})),
        };
        match (line.entry.identify)(&context, &[Answer::Response(no)]) {
            Err(Refusal { cause: Cause::InvalidToken, .. }) => {}
            other => return Err(format!("the server's no is {other:?}")),
        }
    }
    Ok(())
}

/// Nothing keeps strangers out: the plan says so at start, and the page before its first heading.
fn told(line: &Line, words: &str) -> Result<(), String> {
    let (context, _) = planned(&line.entry, &line.settings)?;
    let notes = match (line.entry.plan)(&context, &[]) {
        Ok(Step::Ready(plan)) => plan.notes,
        other => return Err(format!("no plan: {other:?}")),
    };
    if !notes.iter().any(|note| note.contains("any ") || note.contains("every")) {
        return Err(format!("no note says who passes: {notes:?}"));
    }
    let page =
        std::fs::read_to_string(format!("{}/../../docs/providers/{}.md", env!("CARGO_MANIFEST_DIR"), line.entry.name));
    let page = page.map_err(|error| error.to_string())?;
    let first = page.split("\n## ").next().unwrap_or_default().replace('\n', " ");
    if first.contains(words) { Ok(()) } else { Err(format!("the page's first lines do not say `{words}`")) }
}

/// The calls of the plan that these settings make, without documents.
fn planned(entry: &Entry, settings: &Value) -> Result<(Context, Vec<Request>), String> {
    let context = testing::context_of(&(entry.describe)(), settings).map_err(|wrong| format!("wrong: {wrong:?}"))?;
    let plan = match (entry.plan)(&context, &[]) {
        Ok(Step::Ready(plan)) => plan,
        Ok(Step::Fetch(_)) => return Err("a document is needed".into()),
        Err(PlanError::Settings(problems)) => return Err(format!("{problems:?}")),
        Err(PlanError::Document(refusal)) => return Err(refusal.reason),
    };
    let call = |how| if let Method::Call(request) = how { Some(request) } else { None };
    Ok((context, plan.checks.into_iter().filter_map(|check| call(check.how)).collect()))
}

fn response(request: &Request, status: u16, body: Value) -> Response {
    Response { to: request.label.clone(), status, headers: Vec::new(), body: Content::Json(body.to_string()) }
}
