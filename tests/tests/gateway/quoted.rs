//! What the pages about providers quote of messages is what the gateway, the adapter or the provider really says.
//!
//! The messages are had by running: every recorded case of a refusal once more, expected to end otherwise, so that
//! `adapter test` tells what came instead; and the page's own configuration with its grants taken away. What a provider
//! says itself is in the answers of its cases.

use portcullis_tests::gateway::{adapters, root, run};
use portcullis_tests::pages;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What comes of a request on a route, and not of an adapter's case: the gateway's words for it, tested in these places.
const OF_THE_ROUTE: [(&str, &str); 2] =
    [("403", "the credential is a program's"), ("401", "Basic is blocked on this route")];

/// What Keycloak says of an address that it does not have; its cases hold no body of a 404. The stand-in says the same.
const OF_KEYCLOAK: [&str; 2] = ["Realm does not exist", "Unable to find matching target resource method"];

/// What the log says of a provider that has no plan yet.
const OF_THE_LOG: &str = "it is not ready";

/// By adapter: what was said, beginning with the status that a caller sees, or `start`.
fn said() -> BTreeMap<String, Vec<String>> {
    let mut cases: Vec<Value> = Vec::new();
    for (_, case) in recorded() {
        if case["expect"]["username"].is_null() {
            let mut case = case;
            case["expect"] = json!({"username": "somebody else"});
            cases.push(case);
        }
    }
    let folder = adapters().to_string_lossy().into_owned();
    let arguments = ["adapter", "test", &folder, "--cases", "{folder}/cases.json", "--json"];
    let output = run(&arguments, "", &[("cases.json", &Value::Array(cases).to_string())]).unwrap();
    let outcomes: Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut said: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for outcome in outcomes["cases"].as_array().unwrap() {
        let messages = said.entry(outcome["provider"].as_str().unwrap().to_owned()).or_default();
        for flaw in outcome["flaws"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            messages.push(match flaw.split_once(", got ") {
                Some((_, got)) => got
                    .replacen("invalid_token: ", "401: ", 1)
                    .replacen("insufficient_scope: ", "403: ", 1)
                    .replacen("unavailable: ", "503: ", 1),
                None => flaw.replacen("expected a plan, got: ", "start: ", 1),
            });
        }
    }
    said
}

/// All recorded cases, each with its adapter's name.
fn recorded() -> Vec<(String, Value)> {
    let mut cases = Vec::new();
    for adapter in pages::adapters().unwrap() {
        let name = adapter.file_stem().unwrap().to_string_lossy().into_owned();
        for file in std::fs::read_dir(root().join("adapters").join(&name).join("cases")).unwrap() {
            let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
            let found: Vec<Value> = serde_json::from_str(&text).unwrap();
            cases.extend(found.into_iter().map(|case| (name.clone(), case)));
        }
    }
    cases
}

/// What `check` says of the page's own configuration without the lines that grant an origin, a server of one's own included.
fn ungranted(page: &str) -> String {
    let block = page.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let lines =
        block.lines().filter(|line| !["origins:", "host:"].iter().any(|name| line.trim_start().starts_with(name)));
    let config = lines.collect::<Vec<_>>().join("\n").replace("./adapters", &adapters().to_string_lossy());
    let output = run(&["check", "--config", "{config}"], &config, &[]).unwrap();
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Whether a message holds a quotation, whose `...` and `[...]` stand for anything.
fn holds(message: &str, quoted: &str) -> bool {
    let mut rest = message;
    quoted.replace("[...]", "...").split("...").map(str::trim).all(|part| match rest.split_once(part) {
        Some((_, after)) => {
            rest = after;
            true
        }
        None => false,
    })
}

#[test]
fn what_a_page_quotes_is_said() {
    let (said, cases) = (said(), recorded());
    assert!(said.values().map(Vec::len).sum::<usize>() > 500, "the cases that end in a refusal");
    let source = |file: &str| std::fs::read_to_string(root().join(file)).unwrap();
    let decide = source("host/src/decision/decide.rs");
    assert!(OF_THE_ROUTE.iter().all(|(_, words)| decide.contains(words)));
    let stand_in = source("tests/src/provider.rs");
    assert!(OF_KEYCLOAK.iter().all(|words| stand_in.contains(words)));
    assert!(source("host/src/decision/snapshot.rs").contains(OF_THE_LOG));
    let (mut flaws, mut count) = (String::new(), 0);
    for adapter in pages::adapters().unwrap() {
        let name = adapter.file_stem().unwrap().to_string_lossy().into_owned();
        let page = std::fs::read_to_string(pages::page_of(&adapter)).unwrap();
        let start = ungranted(&page);
        let bodies: String = cases
            .iter()
            .filter(|(of, _)| *of == name)
            .map(|(_, case)| format!("{}{}", case["response"], case["exchanges"]))
            .collect();
        let rows = page.split("## What goes wrong").nth(1).unwrap().split("## Settings").next().unwrap();
        for row in rows.lines().filter(|line| line.starts_with("| ")) {
            let seen = row.trim_start_matches("| ").split(" | ").next().unwrap();
            let status = ["401", "403", "503", "start"].into_iter().find(|status| seen.starts_with(status));
            for quoted in seen.split('"').skip(1).step_by(2) {
                count += 1;
                let is = |message: &String| {
                    status.is_none_or(|status| message.starts_with(&format!("{status}: "))) && holds(message, quoted)
                };
                // The gateway judges for every provider with the same words: another adapter's case proves them, too.
                let found = said.values().flatten().any(is)
                    || OF_THE_ROUTE.contains(&(status.unwrap_or_default(), quoted))
                    || (name == "keycloak" && OF_KEYCLOAK.contains(&quoted))
                    || quoted == OF_THE_LOG
                    || holds(&start, quoted)
                    || bodies.contains(quoted);
                if !found {
                    flaws.push_str(&format!("{name}: nobody says \"{quoted}\" ({seen})\n"));
                }
            }
        }
    }
    assert!(flaws.is_empty(), "{flaws}");
    assert!(count >= 50, "{count}");
}
