//! What an operator sees, in the tools that operators have: a real Prometheus understands the metrics, each expression of
//! docs/operations.md and of the dashboard has something to show, and Grafana's own types know all that is in the dashboard's file.

use crate::part::Part;
use portcullis_tests::gateway::{Gateway, any_port, free_address, root};
use portcullis_tests::server::{Answer, Server};
use portcullis_tests::{client, provider, upstream};
use serde_json::Value;
use std::io::Write as _;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const DASHBOARD: &str = "docs/grafana/portcullis.json";

fn read(file: &str) -> String {
    std::fs::read_to_string(root().join(file)).unwrap()
}

/// What the document and the dashboard have to be evaluated: where it stands, and what it is.
fn expressions() -> Vec<(&'static str, String)> {
    let dashboard: Value = serde_json::from_str(&read(DASHBOARD)).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array().unwrap());
    let mut all: Vec<_> = targets.map(|target| ("dashboard", target["expr"].as_str().unwrap().to_owned())).collect();
    let document = read("docs/operations.md");
    let ten = document.split("## ").find(|section| section.starts_with("The ten")).unwrap();
    // Every second piece between backticks is code; a line may end within it.
    let code = ten.split('`').skip(1).step_by(2).map(|code| code.split_whitespace().collect::<Vec<_>>().join(" "));
    let ours = |code: &String| {
        ["portcullis_", "process_"].iter().any(|prefix| code.contains(prefix)) && !code.contains("/portcullis")
    };
    all.extend(code.filter(ours).map(|code| ("document", code)));
    all
}

/// The result of an instant query; an error is one of the test.
fn query(prometheus: SocketAddr, expression: &str) -> Vec<Value> {
    let encoded: String = expression.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let answer = client::get(prometheus, &format!("/api/v1/query?query={encoded}"), &[]).unwrap();
    assert_eq!(answer.status, 200, "{expression}: {}", answer.text());
    answer.json()["data"]["result"].as_array().unwrap().clone()
}

/// Whether there is a number to show. A histogram that is named whole is looked at by its count.
fn shows(prometheus: SocketAddr, expression: &str) -> bool {
    let mut result = query(prometheus, expression);
    if expression.ends_with("_seconds") {
        result.extend(query(prometheus, &format!("{expression}_count")));
    }
    result.iter().any(|series| series["value"][1].as_str().unwrap() != "NaN")
}

#[test]
fn prometheus_understands_the_metrics_and_every_expression_shows_something() {
    let provider = Server::start(any_port(), |request| match request.bearer() {
        Some("failing") => Answer::status(500).into(),
        _ => provider::keycloak(request),
    })
    .unwrap();
    let upstream = upstream::start(any_port()).unwrap();
    let gateway = Gateway::start(&format!(
        "providers:\n  staff:\n    adapter: keycloak\n    any_audience: true\n    \
         settings: {{host: \"{}\", realm: demo}}\nroutes:\n  - match: {{path: /}}\n    providers: [staff]\n    \
         upstream: {{url: \"{}\"}}\n",
        provider.url(),
        upstream.url()
    ))
    .unwrap();
    let admin = gateway.admin.to_string();
    let prometheus = Part::start("prometheus.sh", free_address().unwrap(), &[("TARGET", &admin)]);
    let address = prometheus.url.trim_start_matches("http://").parse().unwrap();
    let expressions = expressions();
    assert!(expressions.len() >= 25, "{expressions:?}");
    let limit = Instant::now() + Duration::from_secs(60);
    let mut missing = Vec::new();
    while Instant::now() < limit {
        for token in ["good-token-alice", "good-token-bob", "bad", "failing"] {
            client::get_as(gateway.address, "/rest", token).unwrap();
        }
        client::get(gateway.address, "/rest", &[("Authorization", "Basic amVua2luczpzZWNyZXQ=")]).unwrap();
        std::thread::sleep(Duration::from_millis(200));
        missing = expressions.iter().filter(|(_, expression)| !shows(address, expression)).collect();
        // A certificate is not there without TLS; all else is.
        missing.retain(|(_, expression)| !expression.contains("certificate"));
        if missing.is_empty() {
            break;
        }
    }
    assert_eq!(missing, Vec::<&(&str, String)>::new(), "nothing to show");

    let targets = client::get(address, "/api/v1/targets", &[]).unwrap().json();
    let target = &targets["data"]["activeTargets"][0];
    assert_eq!((&target["health"], &target["lastError"]), (&"up".into(), &"".into()), "{target}");
    let known = client::get(address, "/api/v1/metadata", &[]).unwrap().json();
    for (name, kind) in [
        ("portcullis_decisions", "counter"),
        ("portcullis_request_seconds", "histogram"),
        ("portcullis_provider_down", "gauge"),
        ("process_open_fds", "gauge"),
    ] {
        assert_eq!(known["data"][name][0]["type"], kind, "{known}");
    }

    let metrics = client::get(gateway.admin, "/metrics", &[]).unwrap().text();
    let complaints = promtool(&older(&metrics));
    assert_eq!(complaints, "", "{metrics}");
    assert!(promtool("# TYPE a counter\na 1\n").contains("_total"), "promtool says nothing about anything");
}

/// The same in the older text format, which is the one that promtool judges: there a counter's lines of help and type have its
/// whole name.
fn older(metrics: &str) -> String {
    let counters: Vec<&str> =
        metrics.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" counter")).collect();
    let rewrite = |line: &str| {
        let of = line.split(' ').nth(2).filter(|name| line.starts_with("# ") && counters.contains(name));
        of.map_or_else(|| line.to_owned(), |name| line.replacen(name, &format!("{name}_total"), 1))
    };
    metrics.lines().filter(|line| *line != "# EOF").map(|line| rewrite(line) + "\n").collect()
}

/// What `promtool check metrics` has to complain of.
fn promtool(metrics: &str) -> String {
    let mut child = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool runs");
    child.stdin.take().unwrap().write_all(metrics.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

#[test]
fn grafanas_own_types_know_all_that_is_in_the_dashboard() {
    let script = root().join("tests/parts/grafana.sh");
    let said = |text: &str| {
        let file = std::env::temp_dir().join(format!("portcullis-dashboard-{}.json", std::process::id()));
        std::fs::write(&file, text).unwrap();
        let output = Command::new("bash").arg(&script).arg(&file).output().unwrap();
        std::fs::remove_file(&file).unwrap();
        (output.status.success(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
    };
    let dashboard = read(DASHBOARD);
    let (well, all) = said(&dashboard);
    assert!(well, "{all}");
    for (right, wrong) in [("\"gridPos\"", "\"gridPoz\""), ("\"expr\"", "\"exprr\""), ("\"refresh\"", "\"refreshed\"")]
    {
        let (well, all) = said(&dashboard.replacen(right, wrong, 1));
        assert!(!well && all.contains("is unknown"), "{wrong}: {all}");
    }
}
