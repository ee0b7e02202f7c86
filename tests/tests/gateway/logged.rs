//! The access log, as a machine reads it: every field of every kind of line.

use portcullis_tests::gateway::{Gateway, any_port, free_address, root};
use portcullis_tests::server::{Answer, Reply, Server};
use portcullis_tests::wire::Request;
use portcullis_tests::{client, provider, upstream};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

fn script(request: &Request) -> Reply {
    match request.bearer() {
        Some("refused") => Answer::status(401).into(),
        Some("throttled") => Answer::status(429).into(),
        Some("failing") => Answer::status(500).into(),
        Some("slow") => Reply::After(Duration::from_millis(700), Answer::json(200, &provider::claims("carol"))),
        _ => provider::keycloak(request),
    }
}

struct Fixture {
    gateway: Gateway,
    _servers: [Server; 3],
}

impl Fixture {
    fn new() -> Self {
        let (provider, upstream) = (Server::start(any_port(), script).unwrap(), upstream::start(any_port()).unwrap());
        let silent = Server::start(any_port(), |_| Reply::Silent(Duration::from_secs(3))).unwrap();
        let route = |path: &str, upstream: &str, extra: &str| {
            format!(
                "  - match: {{path: {path}}}\n    providers: [staff]\n    upstream: {{url: \"{upstream}\", timeout: 1s}}\n{extra}"
            )
        };
        let (url, gone) = (upstream.url(), format!("http://{}", free_address().unwrap()));
        let config = [
            "providers:\n  staff:\n    adapter: keycloak\n    any_audience: true\n    timeout: 2s\n",
            &format!("    settings: {{host: \"{}\", realm: demo}}\nroutes:\n", provider.url()),
            &route("/rest", &url, "    require: {users: {deny: bob}}\n"),
            &route("/observed", &url, "    mode: observe\n"),
            &route("/pages", &url, "    cors: {origins: [\"https://app.example.com\"]}\n"),
            &route("/gone", &gone, ""),
            &route("/late", &silent.url(), ""),
            &format!("  - {{match: {{path: /public}}, public: true, upstream: {{url: \"{url}\"}}}}\n"),
        ]
        .concat();
        let gateway = Gateway::start_after("export PORTCULLIS_LOG_FORMAT=json", &config).unwrap();
        Self { gateway, _servers: [provider, upstream, silent] }
    }

    /// The lines of the access log so far, without what every line of a log has.
    fn lines(&self) -> Vec<Map<String, Value>> {
        let log = self.gateway.log();
        let lines = log.lines().filter(|line| line.contains("portcullis::access"));
        lines
            .map(|line| {
                let Ok(Value::Object(mut line)) = serde_json::from_str(line) else { panic!("no JSON: {line}") };
                assert_eq!(line.remove("target"), Some(json!("portcullis::access")));
                assert_eq!(line.remove("level"), Some(json!("INFO")));
                assert!(line.remove("timestamp").is_some_and(|at| at.as_str().is_some_and(|at| at.ends_with('Z'))));
                line
            })
            .collect()
    }

    /// Sends a request, and returns its line.
    fn told(&self, method: &str, target: &str, headers: &[(&str, &str)]) -> Map<String, Value> {
        let before = self.lines().len();
        let response = client::send(self.gateway.address, method, target, headers, b"").unwrap();
        let limit = Instant::now() + Duration::from_secs(5);
        while self.lines().len() == before {
            assert!(Instant::now() < limit, "{method} {target} is not in the log");
            std::thread::sleep(Duration::from_millis(5));
        }
        let line = self.lines().pop().unwrap();
        assert_eq!(line["status"], response.status, "{line:?}");
        assert_eq!(line["id"].as_str(), response.header("x-request-id"), "{line:?}");
        line
    }
}

#[test]
fn every_field_of_every_kind_of_line() {
    let fixture = Fixture::new();
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let parent = format!("00-{trace}-00f067aa0ba902b7-01");
    let bearer = |token: &str| format!("Bearer {token}");
    let mut seen = BTreeSet::new();
    // What is asked, with which token, and the line: but for what differs each time.
    for (target, token, expected) in [
        (
            "/rest?token=canary",
            "good-token-alice",
            json!({"route": 0, "status": 200, "decision": "pass",
                "reason": "", "provider": "staff", "username": "alice", "cache": "asked"}),
        ),
        (
            "/rest",
            "good-token-alice",
            json!({"route": 0, "status": 200, "decision": "pass",
                "reason": "", "provider": "staff", "username": "alice", "cache": "hit"}),
        ),
        (
            "/rest",
            "good-token-bob",
            json!({"route": 0, "status": 403, "decision": "forbidden", "rule": "require.users.deny",
                "reason": "require.users.deny names this user",
                "provider": "staff", "username": "bob", "cache": "asked"}),
        ),
        (
            "/rest",
            "refused",
            json!({"route": 0, "status": 401, "decision": "invalid_token",
                "reason": "the provider refuses the token: 401", "provider": "staff", "cache": "asked"}),
        ),
        (
            "/rest",
            "refused",
            json!({"route": 0, "status": 401, "decision": "invalid_token",
                "reason": "the provider refuses the token: 401", "provider": "staff", "cache": "negative"}),
        ),
        (
            "/rest",
            "throttled",
            json!({"route": 0, "status": 429, "decision": "throttled",
                "reason": "the provider limits our rate: 429", "provider": "staff", "cache": "asked"}),
        ),
        (
            "/rest",
            "failing",
            json!({"route": 0, "status": 503, "decision": "unavailable",
                "reason": "unavailable: the provider answers 500", "provider": "staff", "cache": "asked"}),
        ),
        (
            "/observed",
            "",
            json!({"route": 1, "status": 200, "decision": "observed",
                "reason": "would be unauthenticated: no credential"}),
        ),
        (
            "/gone",
            "good-token-alice",
            json!({"route": 3, "status": 502, "decision": "upstream_failed",
                "reason": "the upstream cannot be reached: is it running, and is upstream.url right?",
                "provider": "staff", "username": "alice", "cache": "hit"}),
        ),
        (
            "/late",
            "good-token-alice",
            json!({"route": 4, "status": 504, "decision": "upstream_timeout",
                "reason": "the upstream did not answer within upstream.timeout",
                "provider": "staff", "username": "alice", "cache": "hit"}),
        ),
        ("/public", "", json!({"route": 5, "status": 200, "decision": "pass", "reason": ""})),
        ("/rest", "", json!({"route": 0, "status": 401, "decision": "unauthenticated", "reason": "no credential"})),
        ("/nowhere", "", json!({"status": 404, "decision": "no_route", "reason": "no route matches"})),
        (
            "/rest/%2e%2e%2fx",
            "",
            json!({"status": 400, "decision": "invalid_request",
                "reason": "the path encodes a character that needs no encoding: \
                           send letters, digits, `-`, `.` and `_` as they are"}),
        ),
    ] {
        let authorization = bearer(token);
        let mut headers = vec![("traceparent", parent.as_str())];
        if !token.is_empty() {
            headers.push(("Authorization", authorization.as_str()));
        }
        let line = fixture.told("GET", target, &headers);
        seen.extend(line.keys().cloned());
        assert!(!Value::Object(line.clone()).to_string().contains("canary"), "{line:?}");
        let mut expected = expected.as_object().unwrap().clone();
        expected.insert("method".to_owned(), json!("GET"));
        expected.insert("trace".to_owned(), json!(trace));
        for (name, value) in &expected {
            assert_eq!(line.get(name), Some(value), "{name} of {target} as {token}: {line:?}");
        }
        let asked = expected.contains_key("cache");
        let mut names: BTreeSet<&str> = expected.keys().map(String::as_str).chain(["ms", "id"]).collect();
        if asked {
            names.extend(["credential", "verdict_ms"]);
        }
        assert_eq!(line.keys().map(String::as_str).collect::<BTreeSet<_>>(), names, "{target} as {token}");
    }

    let lines = fixture.lines();
    assert_eq!(lines[0]["credential"], lines[1]["credential"]);
    assert_ne!(lines[0]["credential"], lines[2]["credential"]);
    assert_eq!(lines[0]["credential"].as_str().unwrap().len(), 16);

    let basic = fixture.told("GET", "/rest/build?key=canary", &[("Authorization", "Basic amVua2luczpzZWNyZXQ=")]);
    seen.extend(basic.keys().cloned());
    for (name, value) in
        [("basic", "jenkins"), ("path", "/rest/build"), ("rule", "basic_auth"), ("decision", "unauthenticated")]
    {
        assert_eq!(basic[name], value, "{basic:?}");
    }
    let cors = [("Origin", "https://app.example.com"), ("Access-Control-Request-Method", "GET")];
    let preflight = fixture.told("OPTIONS", "/pages", &cors);
    assert_eq!(
        (&preflight["decision"], &preflight["method"], &preflight["route"]),
        (&json!("preflight"), &json!("OPTIONS"), &json!(2))
    );

    // Times are times.
    let slow = fixture.told("GET", "/rest", &[("Authorization", "Bearer slow")]);
    let (verdict, all) = (slow["verdict_ms"].as_u64().unwrap(), slow["ms"].as_u64().unwrap());
    assert!((650..2000).contains(&verdict) && all >= verdict, "{slow:?}");
    let late = lines.iter().find(|line| line["decision"] == "upstream_timeout").unwrap();
    assert!(late["verdict_ms"].as_u64().unwrap() < 500 && late["ms"].as_u64().unwrap() >= 950, "{late:?}");

    // All that there is, and all of it explained.
    let all = [
        "basic",
        "cache",
        "credential",
        "decision",
        "id",
        "method",
        "ms",
        "path",
        "provider",
        "reason",
        "route",
        "rule",
        "status",
        "trace",
        "username",
        "verdict_ms",
    ];
    assert_eq!(seen, all.map(str::to_owned).into());
    let document = std::fs::read_to_string(root().join("docs/operations.md")).unwrap();
    let section = document.split("## ").find(|section| section.starts_with("The access log")).unwrap();
    for name in all {
        assert!(section.contains(&format!("`{name}`")), "{name} is not explained");
    }
}
