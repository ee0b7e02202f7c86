//! Neither token nor secret is ever in a component's memory: an adapter that searches its own, all of it, in the middle of
//! each call, while the provider repeats everything that it was given in every dress.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use portcullis_tests::gateway::{Gateway, any_port, test_adapter};
use portcullis_tests::server::{Answer, Reply, Server};
use portcullis_tests::{client, upstream};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Characters that look different in every encoding.
const TOKEN: &str = "canary-token/0123+4567~89AB==";
const SECRET: &str = "canary secret/+\"&ü%7";
/// Form encoding changes nothing of it but the spaces.
const KEY: &str = "canary key of words";
/// Not secret: it is repeated beside the others and has to be found, or the search proves nothing.
const KNOWN: &str = "known-and-harmless";

/// What the provider repeats, and what is then searched for: raw, base64, URL- and JSON-escaped.
fn dresses(canary: &str) -> Vec<String> {
    let percent = |space: &str, upper: bool| -> String {
        canary
            .bytes()
            .map(|byte| match byte {
                b' ' => space.to_owned(),
                b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
                _ if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
                _ if upper => format!("%{byte:02X}"),
                _ => format!("%{byte:02x}"),
            })
            .collect()
    };
    let escaped: String = canary.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
    let quoted = json!(canary).to_string().trim_matches('"').to_owned();
    let mut dresses = vec![
        canary.to_owned(),
        percent("+", true),
        percent("%20", true),
        percent("%20", false),
        canary.replace('/', "\\/"),
        quoted.replace('/', "\\/"),
        quoted,
        escaped,
    ];
    dresses.extend([&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD].map(|engine| engine.encode(canary)));
    dresses.sort();
    dresses.dedup();
    dresses
}

/// Answers that repeat this text everywhere: in a JSON value, as a name, within JSON within a text, in a header, in HTML, in
/// what is almost JSON; with success and without.
fn echoes(text: &str) -> Vec<Answer> {
    let known = |answer: Answer| answer.with("X-Known", KNOWN);
    let header: String = text.chars().filter(|c| c.is_ascii()).collect();
    let mut echoes = Vec::new();
    // A text that is an escape sequence already stands in JSON as it is, so that the parser makes the canary of it.
    let raw = if text.contains("\\u") { text.to_owned() } else { json!(text).to_string().trim_matches('"').to_owned() };
    for status in [200, 401, 500] {
        let json = |body: String| known(Answer::text(status, "application/json", &body));
        echoes.push(json(format!("{{\"active\":true,\"preferred_username\":\"{raw}\",\"x\":[\"a {raw} b\"]}}")));
        echoes.push(json(format!("{{\"{raw}\":{{\"{raw}\":1}}}}")));
        echoes.push(json(json!({"nested": json!({"echo": text}).to_string()}).to_string()));
        echoes.push(json(format!("{{\"broken\": \"{raw}\"")));
        echoes.push(known(Answer::text(status, "text/html", &format!("<p>{text}</p>"))));
        echoes.push(known(Answer::text(status, "text/plain", text)));
        let challenge = format!("Bearer error=\"invalid_token\", error_description=\"{}\"", header.replace('"', ""));
        echoes
            .push(known(Answer::json(status, &json!({}))).with("WWW-Authenticate", &challenge).with("X-Echo", &header));
    }
    echoes
}

/// A client's credentials (RFC 7617, and as RFC 6749 2.3.1 wants them).
fn pair(secret: &str) -> String {
    STANDARD.encode(format!("gateway:{secret}"))
}

/// As the adapter wants it: so that the list of what is searched for is not what is found.
fn turned(text: &str) -> String {
    text.bytes().map(|byte| format!("{:02x}", !byte)).collect()
}

#[test]
fn no_component_ever_holds_a_token_or_a_secret() {
    for dist in ["dist", "dist-wasip2"] {
        for behave in ["search", "search-as-client"] {
            let texts: Vec<String> = [TOKEN, SECRET, KEY]
                .iter()
                .flat_map(|canary| dresses(canary))
                .chain([SECRET, "canary+secret%2F%2B%22%26%C3%BC%257"].map(pair))
                .collect();
            let answers: Vec<Answer> = texts.iter().flat_map(|text| echoes(text)).collect();
            search(dist, behave, &texts, answers);
        }
    }
}

/// Tokens that the gateway did not send, and that a provider hands to whoever asks: of a session at another provider, say.
#[test]
fn tokens_that_a_provider_hands_out_are_masked() {
    let handed = "handed-out-token-7731";
    let escaped: String = handed.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
    let json = |body: &str| Answer::text(200, "application/json", body).with("X-Known", KNOWN);
    let mut answers: Vec<Answer> =
        ["access_token", "refresh_token", "id_token", "client_secret", "accessToken", "ID-Token"]
            .iter()
            .flat_map(|name| {
                [
                    json(&format!(r#"{{"preferred_username":"alice","{name}":"{handed}"}}"#)),
                    json(&format!(r#"{{"a":[{{"{name}" : "{escaped}"}}],"b":"{name}"}}"#)),
                ]
            })
            .collect();
    for body in [format!("access_token={handed}&token_type=bearer"), format!("scope=a&refresh%5Ftoken={handed}")] {
        answers.push(Answer::text(200, "application/x-www-form-urlencoded", &body).with("X-Known", KNOWN));
    }
    // No strict JSON, which a lenient parser reads all the same.
    for body in [
        format!(r#"{{"access_token":"{handed}","a":1,"a":2}}"#),
        format!(r#"{{"Refresh-Token":"{handed}",}}"#),
        format!(r#"{{"\u0069d_token":"{handed}""#),
        format!("<id_token>{handed}</id_token>"),
    ] {
        answers.push(json(&body));
    }
    search("dist", "search", &[handed.to_owned(), escaped], answers);
}

/// A client may present any word. What is masked of it must not be what says no: Confluence answers 200 to whom it does not know.
#[test]
fn a_credential_that_is_a_word_of_the_answer_takes_no_word_out_of_it() {
    let nobody = serde_json::json!({
        "type": "anonymous", "displayName": "Anonymous", "a-member-with-a-long-name": {"x": "a-value-of-some-length"},
    });
    let provider = Server::start(any_port(), move |_| Answer::json(200, &nobody).into()).unwrap();
    let upstream = upstream::start(any_port()).unwrap();
    let gateway = Gateway::start(&format!(
        "providers:\n  staff:\n    adapter: confluence-dc\n    any_audience: true\n    cache: none\n    \
         username_attribute: displayName\n    settings: {{base_url: \"{}\"}}\nroutes:\n  - match: {{path: /}}\n    \
         providers: [staff]\n    upstream: {{url: \"{}\"}}\n",
        provider.url(),
        upstream.url()
    ))
    .unwrap();
    for (token, status) in [
        ("canary-token-of-nobody", 401),
        ("a-value-of-some-length", 401),
        ("type", 503),
        ("ype", 503),
        ("anonymous", 503),
        ("a-member-with-a-long-name", 503),
    ] {
        assert_eq!(client::get_as(gateway.address, "/", token).unwrap().status, status, "{token}");
    }
    assert!(upstream.seen().is_empty());
}

fn search(dist: &str, behave: &str, texts: &[String], answers: Vec<Answer>) {
    let turn = Arc::new(AtomicUsize::new(0));
    let (turns, count) = (Arc::clone(&turn), answers.len());
    let shown = answers.clone();
    let provider = Server::start(any_port(), move |_| {
        let number = turns.load(Ordering::SeqCst);
        answers.get(number).cloned().map_or(Reply::HangUp, Reply::Answer)
    })
    .unwrap();
    let upstream = upstream::start(any_port()).unwrap();
    let needles: Vec<String> =
        [KNOWN.to_owned()].iter().chain(texts).map(|text| format!("\"{}\"", turned(text))).collect();
    let config = format!(
        "adapters: {{folder: \"{}\"}}\nproviders:\n  staff:\n    adapter: odd\n    any_audience: true\n    cache: none\n    settings:\n      host: \"{}\"\n      \
         behave: {behave}\n      client_id: gateway\n      client_secret: file:secret\n      key: file:key\n      \
         search: [{}]\nroutes:\n  - match: {{path: /}}\n    providers: [staff]\n    upstream: {{url: \"{}\"}}\n",
        test_adapter(dist, "odd").unwrap().parent().unwrap().display(),
        provider.url(),
        needles.join(", "),
        upstream.url(),
    );
    let gateway = Gateway::start_with(&config, &[("secret", SECRET), ("key", KEY)]).unwrap();
    let planned = gateway.log().lines().filter(|line| line.contains(" found provider=")).count();
    assert_eq!(planned, 1, "{dist}, {behave}: something was found when the plan was made:\n{}", gateway.log());
    for (number, shown) in shown.iter().enumerate() {
        turn.store(number, Ordering::SeqCst);
        // A search takes a thousand times what an honest call does: on a busy machine it may meet its deadline.
        let mut attempts = 0;
        let response = loop {
            let response = client::get_as(gateway.address, "/", TOKEN).unwrap();
            attempts += 1;
            if response.status != 503 || attempts == 20 {
                break response;
            }
        };
        let user = response.json()["user"].as_str().map(str::to_owned);
        let answer = String::from_utf8_lossy(&shown.body).into_owned();
        assert_eq!(
            user.as_deref(),
            Some("found 0 after 1"),
            "{dist}, {behave}: of {:?}, in the answer {:?} {answer}",
            user.iter()
                .flat_map(|words| words.split(' '))
                .filter_map(|word| word.parse::<usize>().ok()?.checked_sub(1))
                .filter_map(|number| texts.get(number))
                .collect::<Vec<_>>(),
            shown.headers,
        );
    }
    // What was looked for did reach the provider.
    let asked = provider.seen();
    let sent = asked.iter().all(|request| match behave {
        "search" => request.bearer() == Some(TOKEN) && request.header("x-key") == Some(KEY),
        _ => {
            request.header("authorization").is_some_and(|value| value.starts_with("Basic "))
                && String::from_utf8_lossy(&request.body).contains("token=canary-token%2F")
        }
    });
    assert!(sent && asked.len() >= count, "{dist}, {behave}: {} requests", asked.len());
}
