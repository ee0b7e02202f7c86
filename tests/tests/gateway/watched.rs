//! What an operator sees from outside: every metric and every field of the log moves when what it tells of happens.

use crate::world::{ALICE, World, assert_refused, config};
use portcullis_tests::gateway::{Gateway, any_port, run, series_of};
use portcullis_tests::server::{Answer, Reply, Server};
use portcullis_tests::wire::Request;
use portcullis_tests::{client, provider, upstream};
use serde_json::Value;
use std::time::{Duration, Instant};

/// The value of a series; 0 where it is not there yet.
fn metric(gateway: &Gateway, series: &str) -> f64 {
    let answer = client::get(gateway.admin, "/metrics", &[]).unwrap();
    assert_eq!(answer.header("content-type"), Some("application/openmetrics-text; version=1.0.0; charset=utf-8"));
    let text = answer.text();
    assert!(text.ends_with("# EOF\n"), "{text}");
    assert!(!text.contains("good-token"), "{text}");
    series_of(&text, series)
}

/// Waits for what happens in a moment.
fn until(what: &str, done: impl Fn() -> bool) {
    let limit = Instant::now() + Duration::from_secs(10);
    while !done() {
        assert!(Instant::now() < limit, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn script(request: &Request) -> Reply {
    match request.bearer() {
        Some("refused") => Answer::status(401).into(),
        Some("throttled") => Answer::status(429).into(),
        Some("failing") => Answer::status(500).into(),
        Some("odd") => Answer::status(404).into(),
        Some("moved") => Answer::status(302).with("Location", "/x").into(),
        Some("cut") => Reply::HangUp,
        Some("large") => Reply::Zeros(2_000_000),
        Some("silent") => Reply::Silent(Duration::from_secs(5)),
        Some("slow") => Reply::After(Duration::from_millis(700), Answer::json(200, &provider::claims("alice"))),
        _ => provider::keycloak(request),
    }
}

fn world() -> World {
    let further =
        "  - {match: {path: /observed}, providers: [staff], mode: observe, upstream: {url: \"{upstream}\"}}\n";
    World::build(script, "timeout: 1s\ncache: {ttl: 5s, negative_ttl: 1s}", "require: {users: {deny: bob}}", further)
}

#[test]
fn calls_and_verdicts_are_counted_by_what_came_of_them() {
    let world = world();
    let gateway = &world.gateway;
    let ask = |token: &str| client::get_as(gateway.address, "/rest", token).unwrap().status;
    for (token, status, outcome, verdict) in [
        ("good-token-alice", 200, "2xx", "identity"),
        ("refused", 401, "4xx", "invalid_token"),
        ("throttled", 429, "429", "throttled"),
        ("failing", 503, "5xx", "unavailable"),
        ("odd", 503, "4xx", "misconfigured"),
        ("moved", 503, "3xx", "misconfigured"),
        ("cut", 503, "broken", "unavailable"),
        ("large", 503, "too_large", "unavailable"),
        ("silent", 503, "silent", "unavailable"),
    ] {
        let call = format!("portcullis_provider_calls_total{{provider=\"staff\",outcome=\"{outcome}\"}}");
        let verdicts =
            format!("portcullis_verdicts_total{{provider=\"staff\",source=\"asked\",outcome=\"{verdict}\"}}");
        let before = [metric(gateway, &call), metric(gateway, &verdicts)];
        assert_eq!(ask(token), status, "{token}");
        let after = [metric(gateway, &call), metric(gateway, &verdicts)];
        let grown = after.iter().zip(before).map(|(after, before)| after - before).collect::<Vec<_>>();
        assert!(grown[0] >= 1.0, "{token}: {call}");
        assert!(grown[1] >= 1.0, "{token}: {verdicts}");
    }
    let verdicts = |source: &str, outcome: &str| {
        metric(
            gateway,
            &format!("portcullis_verdicts_total{{provider=\"staff\",source=\"{source}\",outcome=\"{outcome}\"}}"),
        )
    };
    ask("good-token-carol");
    assert_eq!(ask("good-token-carol"), 200);
    assert!(verdicts("hit", "identity") >= 1.0);
    ask("refused");
    assert_eq!(ask("refused"), 401);
    assert!(verdicts("negative", "invalid_token") >= 1.0);
    let asked = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| assert_eq!(ask("slow"), 200));
        }
        until("a call in flight", || metric(gateway, "portcullis_provider_calls_in_flight{provider=\"staff\"}") == 1.0);
        assert_eq!(metric(gateway, "portcullis_provider_calls_waiting{provider=\"staff\"}"), 0.0);
    });
    assert_eq!(verdicts("joined", "identity"), 1.0);
    // The last fifth of 5 s, or of a tenth less.
    std::thread::sleep(Duration::from_millis(4_150).saturating_sub(asked.elapsed()));
    ask("slow");
    assert_eq!(verdicts("renewing", "identity"), 1.0);
    let calls = metric(gateway, "portcullis_provider_call_seconds_count{provider=\"staff\"}");
    assert!(calls >= 12.0, "{calls}");
    assert!(metric(gateway, "portcullis_provider_call_seconds_sum{provider=\"staff\"}") > 1.5);
    assert!(metric(gateway, "portcullis_adapter_seconds_count{adapter=\"keycloak\"}") >= 5.0);
    assert!(metric(gateway, "portcullis_cache_entries{kind=\"identities\"}") >= 1.0);
    assert!(metric(gateway, "portcullis_cache_bytes{kind=\"identities\"}") >= 100.0);
    assert!(metric(gateway, "portcullis_cache_entries{kind=\"refusals\"}") >= 1.0);
    assert!(metric(gateway, "portcullis_cache_bytes{kind=\"refusals\"}") >= 30.0);
    assert_eq!(client::send(gateway.admin, "DELETE", "/cache", &[], b"").unwrap().status, 200);
    for kind in ["identities", "refusals"] {
        for what in ["entries", "bytes"] {
            assert_eq!(
                metric(gateway, &format!("portcullis_cache_{what}{{kind=\"{kind}\"}}")),
                0.0,
                "{what} of {kind}"
            );
        }
    }
}

#[test]
fn a_provider_that_is_down_shows() {
    let world = world();
    let gateway = &world.gateway;
    assert_eq!(metric(gateway, "portcullis_provider_ready{provider=\"staff\"}"), 1.0);
    assert_eq!(metric(gateway, "portcullis_provider_down{provider=\"staff\"}"), 0.0);
    let address = world.provider.address();
    drop(world.provider);
    for number in 0..8 {
        client::get_as(gateway.address, "/rest", &format!("new-{number}")).unwrap();
    }
    assert_eq!(metric(gateway, "portcullis_provider_down{provider=\"staff\"}"), 1.0);
    let calls = |outcome: &str| {
        metric(gateway, &format!("portcullis_provider_calls_total{{provider=\"staff\",outcome=\"{outcome}\"}}"))
    };
    assert!(calls("unreachable") >= 5.0 && calls("breaker") >= 1.0);
    let _back = Server::start(address, provider::keycloak).unwrap();
    until("back", || client::get_as(gateway.address, "/rest", "good-token-alice").unwrap().status == 200);
    assert_eq!(metric(gateway, "portcullis_provider_down{provider=\"staff\"}"), 0.0);
    assert_eq!(metric(gateway, "portcullis_provider_calls_in_flight{provider=\"staff\"}"), 0.0);
}

/// 64 calls at once, and who comes then waits, for five seconds at most.
#[test]
fn a_provider_that_is_too_slow_shows() {
    let script = |request: &Request| match request.bearer() {
        Some(token) if token.starts_with("slow") => Reply::Silent(Duration::from_secs(20)),
        _ => provider::keycloak(request),
    };
    let world = World::build(script, "timeout: 7s", "", "");
    let gateway = &world.gateway;
    let gauges = || {
        ["in_flight", "waiting"]
            .map(|name| metric(gateway, &format!("portcullis_provider_calls_{name}{{provider=\"staff\"}}")))
    };
    std::thread::scope(|scope| {
        for number in 0..70 {
            scope.spawn(move || {
                let answer = client::get_as(gateway.address, "/rest", &format!("slow-{number}")).unwrap();
                assert_refused(&answer, 503, "slow");
            });
        }
        until("64 in flight and 6 that wait", || gauges() == [64.0, 6.0]);
    });
    assert_eq!(gauges(), [0.0, 0.0]);
    let calls = |outcome: &str| {
        metric(gateway, &format!("portcullis_provider_calls_total{{provider=\"staff\",outcome=\"{outcome}\"}}"))
    };
    // So many that were not answered raise a suspicion; the gateway then asks by itself, without a credential, and the provider
    // answers that at once: it is slow for these tokens, and not down.
    until("the gateway's own call", || calls("4xx") == 1.0);
    assert_eq!((calls("busy"), calls("silent")), (6.0, 64.0));
    assert_eq!(metric(gateway, "portcullis_provider_down{provider=\"staff\"}"), 0.0);
    // Where in the histograms that is.
    let within = |name: &str, of: &str, le: &str| {
        metric(gateway, &format!("portcullis_{name}_seconds_bucket{{le=\"{le}\",{of}}}"))
    };
    for (name, of, quick, all) in
        [("provider_call", "provider=\"staff\"", 1.0, 65.0), ("request", "route=\"0\"", 0.0, 70.0)]
    {
        assert_eq!([within(name, of, "2.5"), within(name, of, "10.0")], [quick, all], "{name}");
    }
    assert_eq!(metric(gateway, "portcullis_adapter_seconds_count{adapter=\"keycloak\"}"), 0.0);
}

#[test]
fn decisions_are_counted_listed_and_logged_with_their_reasons() {
    let world = world();
    let gateway = &world.gateway;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let parent = format!("00-{trace}-00f067aa0ba902b7-01");
    let traced = world.get("/rest?secret=canary", &[ALICE, ("traceparent", &parent)]);
    assert_eq!(traced.status, 200);
    assert_eq!(world.upstream.seen()[0].header("traceparent"), Some(parent.as_str()), "not passed on");
    let bob = client::get_as(gateway.address, "/rest", "good-token-bob").unwrap();
    assert_refused(&bob, 403, "denied");
    assert_eq!(client::get(gateway.address, "/observed", &[]).unwrap().status, 200);
    assert_refused(&client::get(gateway.address, "/%2e%2e%2fx", &[ALICE]).unwrap(), 400, "odd");
    // curl -u jenkins:secret, and a token in the place of the name.
    let pair = ("Authorization", "Basic amVua2luczpzZWNyZXQ=");
    for headers in [[pair], [pair], [("Authorization", "Basic Z2hwX2NhbmFyeWNhbmFyeWNhbmFyeWNhbmFyeWNhbmFyeTo=")]] {
        assert_refused(&world.get("/rest/build?key=canary", &headers), 401, "Basic");
    }
    for (route, decision, count) in
        [("0", "pass", 1.0), ("0", "forbidden", 1.0), ("1", "observed", 1.0), ("0", "unauthenticated", 3.0)]
    {
        let series = format!("portcullis_decisions_total{{route=\"{route}\",decision=\"{decision}\"}}");
        assert_eq!(metric(gateway, &series), count, "{series}");
    }
    assert!(metric(gateway, "portcullis_request_seconds_count{route=\"0\"}") >= 5.0);
    assert_eq!(metric(gateway, "portcullis_basic_refused_total{route=\"0\"}"), 3.0);

    let told = client::get(gateway.admin, "/decisions", &[]).unwrap();
    assert!(!told.text().contains("canary") && !told.text().contains("/rest"), "{}", told.text());
    let told = told.json();
    let told = told["decisions"].as_array().unwrap();
    assert_eq!(told.len(), 7);
    let (first, second) = (&told[6], &told[5]);
    for (field, value) in [
        ("method", Value::from("GET")),
        ("route", Value::from(0)),
        ("status", Value::from(200)),
        ("decision", Value::from("pass")),
        ("provider", Value::from("staff")),
        ("username", Value::from("alice")),
        ("cache", Value::from("asked")),
        ("trace", Value::from(trace)),
        ("rule", Value::Null),
    ] {
        assert_eq!(first[field], value, "{field}: {first}");
    }
    assert!(first["at"].as_str().unwrap().ends_with(" GMT"), "{first}");
    assert!(first["ms"].is_u64() && first["verdict_ms"].is_u64(), "{first}");
    assert_eq!(first["credential"].as_str().unwrap().len(), 16);
    assert_eq!(first["id"].as_str(), traced.header("x-request-id"));
    assert_eq!((second["rule"].as_str(), second["username"].as_str()), (Some("require.users.deny"), Some("bob")));
    assert!(second["reason"].as_str().unwrap().contains("names this user"), "{second}");
    assert_eq!(told[4]["reason"], "would be unauthenticated: no credential");

    let callers = client::get(gateway.admin, "/basic", &[]).unwrap();
    assert!(!callers.text().contains("canary") && !callers.text().contains("secret"), "{}", callers.text());
    let callers = callers.json();
    assert_eq!(callers["callers"][0], serde_json::json!({"who": "jenkins", "path": "/rest/build", "count": 2}));
    assert_eq!(callers["callers"][1]["who"].as_str().unwrap().len(), 16, "{callers}");

    let log = gateway.log();
    let lines: Vec<&str> = log.lines().filter(|line| line.contains("portcullis::access")).collect();
    for (line, fields) in [
        (0, ["username=\"alice\"", &format!("trace=\"{trace}\""), "verdict_ms=", " ms=", " id=\"", "credential="]),
        (
            1,
            [
                "username=\"bob\"",
                "rule=\"require.users.deny\"",
                "status=403",
                "decision=\"forbidden\"",
                "route=0",
                "reason=",
            ],
        ),
        (
            4,
            ["basic=\"jenkins\"", "path=\"/rest/build\"", "rule=\"basic_auth\"", "status=401", "method=GET", "route=0"],
        ),
    ] {
        for field in fields {
            assert!(lines[line].contains(field), "{field} is not in: {}", lines[line]);
        }
    }
    // More than a hundred: the oldest go.
    for _ in 0..120 {
        client::get(gateway.address, "/rest", &[]).unwrap();
    }
    let told = client::get(gateway.admin, "/decisions", &[]).unwrap().json();
    assert_eq!(told["decisions"].as_array().unwrap().len(), 100);
}

#[test]
fn a_reload_that_failed_shows_until_one_that_did_not() {
    let provider = provider::start(any_port()).unwrap();
    let upstream = upstream::start(any_port()).unwrap();
    let good = config(&provider.url(), &upstream.url(), "", "", "");
    let gateway = Gateway::start(&good).unwrap();
    let loaded = metric(&gateway, "portcullis_configuration_loaded_timestamp_seconds");
    assert!(loaded > 1.7e9, "{loaded}");
    let status = || {
        let text = std::fs::read_to_string(gateway.folder().join("portcullis.yaml")).unwrap();
        let output = run(&["status", "--config", "{config}"], &text, &[]).unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    assert_eq!(status(), (Some(0), "ready\n".to_owned()));
    gateway.replace(&good.replace("adapter: keycloak", "adapter: keycloack")).unwrap();
    until("not taken", || metric(&gateway, "portcullis_reloads_total{outcome=\"failed\"}") == 1.0);
    assert_eq!(metric(&gateway, "portcullis_configuration_stale"), 1.0);
    let ready = client::get(gateway.admin, "/readyz", &[]).unwrap();
    assert_eq!(
        (ready.status, &ready.json()["configuration"]["stale"]),
        (200, &Value::from(true)),
        "the last good one serves"
    );
    assert!(ready.text().contains("did you mean `keycloak`"), "{}", ready.text());
    let (code, said) = status();
    assert_eq!(code, Some(1));
    assert!(said.contains("could not be taken") && said.contains("keycloack"), "{said}");
    gateway.replace(&good).unwrap();
    until("taken", || metric(&gateway, "portcullis_reloads_total{outcome=\"ok\"}") == 1.0);
    assert_eq!(metric(&gateway, "portcullis_configuration_stale"), 0.0);
    assert!(metric(&gateway, "portcullis_configuration_loaded_timestamp_seconds") > loaded);
    assert_eq!(status().0, Some(0));
    let text = format!("admin: {{listen: \"{}\"}}\nroutes: []\n", portcullis_tests::gateway::free_address().unwrap());
    let nobody = run(&["status", "--config", "{config}"], &text, &[]).unwrap();
    assert_eq!(nobody.status.code(), Some(3), "{}", String::from_utf8_lossy(&nobody.stderr));
}

#[test]
fn the_process_and_its_certificate_show() {
    let world = World::new();
    let gateway = &world.gateway;
    let resident = metric(gateway, "process_resident_memory_bytes");
    assert!(resident > 1e6 && resident < 1e9, "{resident}");
    assert!(metric(gateway, "process_threads") >= 2.0);
    let (open, most) = (metric(gateway, "process_open_fds"), metric(gateway, "process_max_fds"));
    assert!(open > 5.0 && open < most, "{open} of {most}");
    assert_eq!(metric(gateway, "portcullis_certificate_end_timestamp_seconds"), 0.0);
    let version = format!("portcullis_build{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"));
    assert_eq!(metric(gateway, &version), 1.0);

    let mut parameters = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    parameters.not_after = rcgen::date_time_ymd(2031, 5, 6);
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = parameters.self_signed(&key).unwrap();
    let provider = Server::start(any_port(), provider::keycloak).unwrap();
    let config = format!(
        "{}tls: {{cert_file: gate.pem, key_file: gate.key}}\n",
        config(&provider.url(), "http://127.0.0.1:1", "", "", "")
    );
    let files = [("gate.pem", certificate.pem()), ("gate.key", key.serialize_pem())];
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let gateway = Gateway::start_with(&config, &files).unwrap();
    // 2031-05-06.
    let ends = || metric(&gateway, "portcullis_certificate_end_timestamp_seconds");
    assert_eq!(ends(), 1_935_792_000.0);
    // Renewed, and then one that is none.
    parameters.not_after = rcgen::date_time_ymd(2032, 5, 6);
    gateway.write("gate.pem", &parameters.self_signed(&key).unwrap().pem()).unwrap();
    until("the renewed one", || ends() == 1_967_414_400.0);
    gateway.write("gate.pem", "torn").unwrap();
    until("a failed reload", || metric(&gateway, "portcullis_reloads_total{outcome=\"failed\"}") >= 1.0);
    assert_eq!(ends(), 1_967_414_400.0);
    // Without `tls` in the file it is served as before, until the next start.
    gateway.write("gate.pem", &certificate.pem()).unwrap();
    gateway.replace(&config.replace("tls: {cert_file: gate.pem, key_file: gate.key}\n", "")).unwrap();
    gateway.until_log_says("on or off needs a restart", 1).unwrap();
    gateway.until_log_says(": reloaded", 2).unwrap();
    assert_eq!(ends(), 1_967_414_400.0);
}

/// Names that a text holds: words that begin as ours do.
fn names(text: &str) -> std::collections::BTreeSet<String> {
    let word = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
    let ours = |name: &&str| name.starts_with("portcullis_") || name.starts_with("process_");
    text.split(word).filter(ours).map(str::to_owned).collect()
}

/// docs/operations.md and the dashboard name what there is, and all of it is explained.
#[test]
fn the_documents_and_the_metrics_agree() {
    let world = world();
    client::get_as(world.gateway.address, "/rest", "good-token-alice").unwrap();
    world.get("/rest", &[("Authorization", "Basic amVua2luczpzZWNyZXQ=")]);
    let text = client::get(world.gateway.admin, "/metrics", &[]).unwrap().text();
    let mut there = std::collections::BTreeSet::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = line.split_once(' ').unwrap();
        there.insert(if kind == "counter" { format!("{name}_total") } else { name.to_owned() });
    }
    let root = portcullis_tests::gateway::root();
    let read = |file: &str| std::fs::read_to_string(root.join(file)).unwrap();
    let explained: std::collections::BTreeSet<String> =
        names(&read("docs/operations.md")).iter().map(|name| name.trim_end_matches("_bucket").to_owned()).collect();
    assert_eq!(explained, there);
    let dashboard: Value = serde_json::from_str(&read("docs/grafana/portcullis.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    assert!(panels.len() >= 10 && dashboard["title"].is_string() && dashboard["schemaVersion"].is_u64());
    for panel in panels {
        for target in panel["targets"].as_array().unwrap() {
            let expression = target["expr"].as_str().unwrap();
            let used = names(expression);
            assert!(!used.is_empty() && panel["title"].is_string(), "{panel}");
            for name in used {
                assert!(there.contains(name.trim_end_matches("_bucket")), "{name} is not there: {expression}");
            }
        }
    }
}
