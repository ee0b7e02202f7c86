//! Tokens and client secrets are in no log line at any level, in no answer to a client, in no message of the command line.
//!
//! The canaries are searched for as they are, and as base64, URL- and JSON-escaped text.

use crate::canary::spellings;
use crate::world::{World, config};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portcullis_tests::gateway::{Gateway, any_port, run};
use portcullis_tests::server::{Answer, Reply, Server};
use portcullis_tests::wire::Request;
use portcullis_tests::{client, upstream};
use serde_json::json;
use std::time::Duration;

/// Characters that look different in every encoding.
const TOKEN: &str = "canary-token/0123+4567~89AB==";
const SECRET: &str = "canary secret/+\"&ü%7";
const PASSWORD: &str = "canary-password/1+2";

fn assert_clean(text: &str, what: &str) {
    for canary in [TOKEN, SECRET, PASSWORD] {
        for spelling in spellings(canary) {
            if let Some(at) = text.find(&spelling) {
                let line = text.get(..at).unwrap().lines().count();
                panic!("{what}: line {line} holds {spelling:?}, a spelling of {canary:?}");
            }
        }
    }
}

/// The search itself finds what it is there to find.
#[test]
fn a_canary_is_found_in_any_dress() {
    let pair = STANDARD.encode(format!("gateway:{SECRET}"));
    let header = STANDARD.encode(format!("Authorization: Bearer {TOKEN}"));
    for text in
        [TOKEN, SECRET, &pair, &header, &json!({ "t": TOKEN }).to_string(), "canary-token%2F0123%2B4567~89AB%3D%3D"]
    {
        assert!(std::panic::catch_unwind(|| assert_clean(text, "")).is_err(), "{text} went unnoticed");
    }
}

/// What a careless or hostile provider sends back: everything it was given.
fn mirror(request: &Request, status: u16) -> Answer {
    let body = format!(
        "token={TOKEN} authorization={:?} body={}",
        request.header("authorization"),
        String::from_utf8_lossy(&request.body)
    );
    Answer::text(status, "text/plain", &body)
        .with("X-Echo", TOKEN)
        .with("WWW-Authenticate", &format!("Bearer error_description=\"{TOKEN}\""))
}

const MIRRORS: u64 = 12;

fn script(turn: u64, request: &Request) -> Reply {
    match turn {
        0 => mirror(request, 500).into(),
        1 => mirror(request, 401).into(),
        2 => mirror(request, 403).into(),
        3 => mirror(request, 400).into(),
        4 => mirror(request, 200).into(),
        5 => Answer::json(200, &json!({"active": true, "username": TOKEN, "preferred_username": TOKEN})).into(),
        6 => Answer::json(200, &json!({"active": true, "username": "", "error": TOKEN, "error_description": SECRET}))
            .into(),
        7 => Answer::json(302, &json!({})).with("Location", &format!("/?token={TOKEN}")).into(),
        8 => Reply::Raw(format!("HTTP/1.1 200 {TOKEN}\r\n{TOKEN}\r\n\r\n").into_bytes()),
        9 => Reply::HangUp,
        10 => Reply::Silent(Duration::from_secs(2)),
        _ => Answer::json(400, &json!({"error": TOKEN, "error_description": TOKEN})).into(),
    }
}

#[test]
fn no_log_line_and_no_answer_holds_a_token_or_a_secret() {
    for mode in ["userinfo", "introspection"] {
        let turn = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
        let turns = std::sync::Arc::clone(&turn);
        let provider =
            Server::start(any_port(), move |request| script(turns.load(std::sync::atomic::Ordering::SeqCst), request))
                .unwrap();
        let upstream = upstream::start(any_port()).unwrap();
        let client_settings = "  mode: introspection\n  client_id: gateway\n  client_secret: file:secret\n";
        let mut text = config(&provider.url(), &upstream.url(), "timeout: 1s", "", "");
        if mode == "introspection" {
            let indented: String = client_settings.lines().map(|line| format!("    {line}\n")).collect();
            text = text.replace("      realm: demo\n", &format!("      realm: demo\n{indented}"));
        }
        let gateway = Gateway::start_with(&text, &[("secret", SECRET)]).unwrap();
        for number in 0..MIRRORS {
            turn.store(number, std::sync::atomic::Ordering::SeqCst);
            let response = client::get_as(gateway.address, "/rest", TOKEN).unwrap();
            assert!(response.status >= 400, "{mode}, {number}: {}", response.status);
            assert_clean(&format!("{response:?}{}", response.text()), &format!("{mode}, answer {number}"));
        }
        assert!(provider.seen().len() >= 12, "{mode}: the provider was asked {} times", provider.seen().len());
        let given = provider.seen().iter().any(|request| {
            request.bearer() == Some(TOKEN) || String::from_utf8_lossy(&request.body).contains("token=canary-token%2F")
        });
        assert!(given, "{mode}: the canary never reached the provider, so its absence elsewhere proves nothing");
        // What a client sends in odd places.
        let basic = format!("Basic {}", STANDARD.encode(format!("alice:{PASSWORD}")));
        for (target, headers) in [
            ("/rest", vec![("Authorization", basic.as_str())]),
            ("/rest?access_token=canary-token/0123+4567~89AB==", vec![]),
            ("/rest", vec![("Authorization", "Bearer canary-token/0123+4567~89AB==, x")]),
            ("/rest", vec![("Authorization", "canary-token/0123+4567~89AB==")]),
            ("/..%2f?token=canary-token/0123+4567~89AB==", vec![("Authorization", "Bearer x")]),
        ] {
            let response = client::get(gateway.address, target, &headers).unwrap();
            assert!(response.status >= 400, "{target} {headers:?}");
            assert_clean(&format!("{response:?}{}", response.text()), target);
        }
        for path in ["/readyz", "/livez", "/metrics"] {
            assert_clean(&client::get(gateway.admin, path, &[]).unwrap().text(), path);
        }
        let log = gateway.log();
        assert!(log.lines().count() > 10, "the log at level trace is too short to prove anything:\n{log}");
        assert_clean(&log, &format!("{mode}, the log"));
    }
}

#[test]
fn no_message_about_a_configuration_holds_a_secret() {
    let broken = [
        format!("      client_secret: '{SECRET}'\n      client_id: 5\n"),
        format!("      client_secret: '{SECRET}'\n      client_secrets: '{SECRET}'\n"),
        format!("      client_secret: ['{SECRET}']\n"),
        format!("      client_secret: {{a: '{SECRET}'}}\n"),
        "      client_secret: file:secret\n      nonsense: 1\n".to_owned(),
    ];
    for settings in broken {
        let text = config("http://127.0.0.1:1", "http://127.0.0.1:1", "", "", "")
            .replace("      realm: demo\n", &format!("      realm: demo\n{settings}"));
        let text = format!("adapters: {{folder: \"{}\"}}\n{text}", portcullis_tests::gateway::adapters().display());
        for command in ["check", "serve"] {
            let output = run(&[command, "--config", "{config}"], &text, &[("secret", SECRET)]).unwrap();
            let said = [output.stdout, output.stderr].concat();
            let said = String::from_utf8_lossy(&said);
            assert_eq!(output.status.code(), Some(2), "{command}: {said}");
            assert_clean(&said, command);
        }
    }
}

/// An upstream that shows what it got has nothing to show.
#[test]
fn the_upstream_never_gets_the_token() {
    let world = World::new();
    let response = world.get_as_alice("/rest");
    assert_eq!(response.status, 200);
    assert!(!response.text().contains("good-token-alice"), "{}", response.text());
}
