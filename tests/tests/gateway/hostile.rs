//! Adapters that misbehave. Whatever one does, nobody is let in for it, no credential is blamed for it, nothing is sent where
//! the operator did not allow, and the adapters beside it do not notice.

use crate::world::{assert_refused, assert_unblamed};
use portcullis_tests::gateway::{Folder, Gateway, adapters, any_port, run, test_adapter};
use portcullis_tests::server::{Answer, Server};
use portcullis_tests::wire::Response;
use portcullis_tests::{client, provider, upstream};
use serde_json::json;
use std::fs;
use std::time::{Duration, Instant};

const TOKEN: &str = "good-token-alice";

/// A gateway with one route for each behaviour, `/BEHAVE/`, and `/beside/` with an honest adapter of another file.
struct World {
    gateway: Gateway,
    provider: Server,
    elsewhere: Server,
    upstream: Server,
    _folder: Folder,
}

fn answers(request: &portcullis_tests::wire::Request) -> portcullis_tests::server::Reply {
    match request.path() {
        "/document" => Answer::json(200, &json!({"issuer": "x"})).into(),
        _ => Answer::json(200, &provider::claims("alice")).into(),
    }
}

fn folder(dist: &str) -> Folder {
    let folder = Folder::new().unwrap();
    fs::copy(adapters().join("userinfo.wasm"), folder.path().join("userinfo.wasm")).unwrap();
    fs::copy(test_adapter(dist, "odd").unwrap(), folder.path().join("odd.wasm")).unwrap();
    folder
}

fn provider_yaml(name: &str, provider: &str, behave: &str, elsewhere: &str) -> String {
    format!(
        "  {name}:\n    adapter: odd\n    any_audience: true\n    cache: none\n    timeout: 2s\n    \
         settings: {{host: \"{provider}\", behave: {behave}, elsewhere: \"{elsewhere}\"}}\n"
    )
}

impl World {
    fn new(dist: &str, behaviours: &[&str]) -> Self {
        let provider = Server::start(any_port(), answers).unwrap();
        let elsewhere = Server::start(any_port(), answers).unwrap();
        let upstream = upstream::start(any_port()).unwrap();
        let folder = folder(dist);
        let mut providers = format!(
            "  beside:\n    adapter: userinfo\n    any_audience: true\n    cache: none\n    settings: {{url: \"{}/me\"}}\n    username_attribute: preferred_username\n",
            provider.url()
        );
        let mut routes = String::new();
        for behave in behaviours {
            providers.push_str(&provider_yaml(behave, &provider.url(), behave, &elsewhere.url()));
        }
        for name in behaviours.iter().chain(&["beside"]) {
            routes.push_str(&format!(
                "  - match: {{path: /{name}/}}\n    providers: [{name}]\n    upstream: {{url: \"{}\"}}\n",
                upstream.url()
            ));
        }
        let config =
            format!("adapters: {{folder: \"{}\"}}\nproviders:\n{providers}routes:\n{routes}", folder.path().display());
        let gateway = Gateway::start(&config).unwrap();
        Self { gateway, provider, elsewhere, upstream, _folder: folder }
    }

    fn get(&self, behave: &str) -> Response {
        client::get_as(self.gateway.address, &format!("/{behave}/"), TOKEN).unwrap()
    }

    /// It is the adapter that is at fault, nobody came in, and those beside it still work.
    fn assert_unavailable(&self, behave: &str) {
        let response = self.get(behave);
        assert_refused(&response, 503, behave);
        assert_unblamed(&response, behave);
        assert!(self.upstream.seen().iter().all(|request| request.path() == "/beside/"), "{behave}: let in");
        self.assert_beside();
    }

    fn assert_beside(&self) {
        let beside = self.get("beside");
        assert_eq!((beside.status, beside.json()["user"].as_str()), (200, Some("alice")), "{}", beside.text());
    }
}

/// The adapter that all of these are is sound, or nothing here would mean anything.
#[test]
fn without_a_deed_the_odd_adapter_is_honest() {
    for dist in ["dist", "dist-wasip2"] {
        let world = World::new(dist, &["well"]);
        let response = world.get("well");
        assert_eq!((response.status, response.json()["user"].as_str()), (200, Some("alice")), "{}", response.text());
        assert_eq!(world.provider.seen().last().unwrap().bearer(), Some(TOKEN));
    }
}

#[test]
fn a_call_that_ends_badly_is_unavailable() {
    let deeds = ["loop", "trap", "recurse", "bomb", "huge", "huge-list", "no-utf8"];
    for dist in ["dist", "dist-wasip2"] {
        let world = World::new(dist, &deeds);
        for behave in deeds {
            let began = Instant::now();
            world.assert_unavailable(behave);
            let took = began.elapsed();
            assert!(took < Duration::from_secs(2), "{dist}, {behave}: took {took:?}");
        }
        let log = world.gateway.log();
        for words in ["did not end within 100 ms", "`identify` trapped", "returned more than"] {
            assert!(log.contains(words), "{dist}: the log does not say {words:?}");
        }
        // An adapter's memory is bounded, so is what is copied out of it.
        assert!(world.gateway.resident_kib() < 512 * 1024, "{dist}: {} KiB", world.gateway.resident_kib());
    }
}

#[test]
fn a_name_that_nobody_can_have_is_no_identity() {
    let deeds = ["nobody", "long-name", "control-name"];
    let world = World::new("dist", &deeds);
    for behave in deeds {
        let response = world.get(behave);
        assert_refused(&response, 401, behave);
    }
    assert!(world.upstream.seen().is_empty());
}

#[test]
fn further_calls_are_bounded_and_vetted_before_any_is_sent() {
    let refused_unsent = [
        "ask-many",
        "ask-nothing",
        "ask-twice",
        "ask-again",
        "ask-unlabelled",
        "ask-foreign",
        "ask-foreign-beside",
        "ask-user-info",
        "ask-line",
        "ask-host",
        "ask-authorization",
        "ask-secret",
        "ask-client",
        "ask-keys",
        "ask-keys-here",
    ];
    let mut all = refused_unsent.to_vec();
    all.push("ask-endless");
    let world = World::new("dist", &all);
    for behave in refused_unsent {
        let before = world.provider.seen().len();
        let response = world.get(behave);
        assert_refused(&response, 503, behave);
        assert_unblamed(&response, behave);
        let sent = &world.provider.seen()[before..];
        assert_eq!(sent.len(), 1, "{behave}: {sent:?}");
        assert_eq!(sent[0].path(), "/me", "{behave}");
    }
    let before = world.provider.seen().len();
    assert_refused(&world.get("ask-endless"), 503, "ask-endless");
    let sent = world.provider.seen().len() - before;
    assert_eq!(sent, 5, "the check and four rounds");
    assert!(world.elsewhere.seen().is_empty(), "{:?}", world.elsewhere.seen());
    assert!(world.upstream.seen().is_empty());
    let log = world.gateway.log();
    assert!(log.contains(&world.elsewhere.url()), "the log does not name the foreign origin:\n{log}");
    world.assert_beside();
}

#[test]
fn a_plan_that_cannot_be_trusted_starts_nothing() {
    let provider = Server::start(any_port(), answers).unwrap();
    let elsewhere = Server::start(any_port(), answers).unwrap();
    let folder = folder("dist");
    let grant = format!("`origins: [{}]`", elsewhere.url());
    let plans: [(&str, &str); 31] = [
        ("plan-loop", "`make-plan` did not end within 100 ms"),
        ("plan-trap", "`make-plan` trapped"),
        ("plan-huge", "`make-plan` returned more than"),
        ("plan-nothing", "the plan checks nothing"),
        ("plan-foreign", &grant),
        ("plan-foreign-second", &grant),
        ("plan-foreign-origin", &grant),
        ("plan-fetch-foreign", &grant),
        ("plan-fetch-five", "at most 4 are fetched"),
        ("plan-user-info", "user info"),
        ("plan-relative", "no absolute URL"),
        ("plan-file", "scheme `file`"),
        ("plan-authorization", "`authorization`, which is not the adapter's to set"),
        ("plan-host", "`host`, which is not the adapter's to set"),
        ("plan-length", "`content-length`, which is not the adapter's to set"),
        ("plan-line", "control characters"),
        ("plan-header-name", "which is not the adapter's to set"),
        ("plan-verify", "providers.staff.audience: is missing"),
        ("plan-verify-none", "signatures by `none`"),
        ("plan-verify-hmac", "signatures by `HS256, hs256`"),
        ("plan-verify-nobody", "no issuer"),
        ("plan-verify-anybody", "the issuer `{iss}`, which is no exact one"),
        ("plan-verify-file", "scheme `file`"),
        ("plan-verify-clear", "in clear text"),
        ("plan-signed-none", "signatures by `none`"),
        ("plan-unshown", "without showing it to the provider"),
        ("plan-unshown-client", "without showing it to the provider"),
        ("plan-slot-twice", "one member of its JSON body twice"),
        ("plan-slot-within", "one member of its JSON body twice"),
        ("plan-prefix-jwt", "`eyJ` claims the JWTs of every issuer"),
        ("plan-slot-root", "one member of its JSON body twice"),
    ];
    for (behave, reason) in plans {
        let config = format!(
            "adapters: {{folder: \"{}\"}}\nproviders:\n{}routes:\n  - match: {{path: /}}\n    providers: [staff]\n    \
             upstream: {{url: \"http://127.0.0.1:1\"}}\n",
            folder.path().display(),
            provider_yaml("staff", &provider.url(), behave, &elsewhere.url()),
        );
        for command in ["check", "serve"] {
            let output = run(&[command, "--config", "{config}"], &config, &[]).unwrap();
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(2), "{behave}, {command}: {said}");
            assert!(said.contains(reason), "{behave}, {command}: {reason} is not in: {said}");
            assert!(said.contains("portcullis.yaml:"), "{behave}, {command}: no place: {said}");
        }
    }
    assert!(elsewhere.seen().is_empty(), "{:?}", elsewhere.seen());
    assert!(provider.seen().is_empty(), "{:?}", provider.seen());
}

/// An answer to a call that did not carry the credential is about nobody in particular: here the provider was shown one half of
/// a pair, by which it answers about anybody whose name is known.
#[test]
fn an_identity_needs_the_whole_credential_to_have_been_shown() {
    let provider = Server::start(any_port(), answers).unwrap();
    let upstream = upstream::start(any_port()).unwrap();
    let folder = folder("dist");
    let behaviours = ["half", "half-then-whole"];
    let providers: String = behaviours.map(|behave| provider_yaml(behave, &provider.url(), behave, "")).concat();
    let routes: String = behaviours
        .map(|name| {
            format!(
                "  - match: {{path: /{name}/}}\n    providers: [{name}]\n    basic_auth: verify\n    upstream: {{url: \"{}\"}}\n",
                upstream.url()
            )
        })
        .concat();
    let config =
        format!("adapters: {{folder: \"{}\"}}\nproviders:\n{providers}routes:\n{routes}", folder.path().display());
    let gateway = Gateway::start(&config).unwrap();
    let get = |behave: &str| {
        client::get(gateway.address, &format!("/{behave}/"), &[("Authorization", "Basic YWxpY2U6Z3Vlc3NlZA==")])
            .unwrap()
    };
    let response = get("half");
    assert_refused(&response, 503, "half");
    assert_unblamed(&response, "half");
    assert!(upstream.seen().is_empty());
    assert!(gateway.log().contains("without having shown the credential to the provider"), "{}", gateway.log());
    assert_eq!(provider.seen().len(), 1, "the call was made, and answered with somebody's name");
    let response = get("half-then-whole");
    assert_eq!((response.status, response.json()["user"].as_str()), (200, Some("alice")), "{}", response.text());
    let seen = provider.seen();
    assert_eq!(seen.last().unwrap().header("authorization"), Some("Basic YWxpY2U6Z3Vlc3NlZA=="));
}

/// The same before an adapter is ever used: `adapter test` runs it through the code that serves.
#[test]
fn adapter_test_fails_an_adapter_that_names_somebody_without_proof() {
    let folder = folder("dist");
    let case = |behave: &str, more: &str| {
        format!(
            r#"[{{"id": "{behave}", "provider": "odd", "credential": "basic",
                "settings": {{"host": "https://id.example.com", "behave": "{behave}"}},
                "exchanges": [{{"expect_request": {{"method": "GET", "url": "https://id.example.com/me", "headers": {{"X-User": "someone@example.com"}}}},
                                "response": {{"status": 200, "body": {{"preferred_username": "alice"}}}}}}{more}],
                "expect": {{"username": "alice"}}}}]"#
        )
    };
    let second = r#", {"expect_request": {"method": "GET", "url": "https://id.example.com/more", "headers": {"Authorization": "Basic {basic}"}},
                       "response": {"status": 200, "body": {}}}"#;
    for (behave, more, code) in [("half", "", Some(1)), ("half-then-whole", second, Some(0))] {
        let cases = folder.path().join(format!("{behave}.json"));
        fs::write(&cases, case(behave, more)).unwrap();
        let adapter = folder.path().join("odd.wasm");
        let arguments = ["adapter", "test", adapter.to_str().unwrap(), "--cases", cases.to_str().unwrap()];
        let output = run(&arguments, "", &[]).unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), code, "{behave}: {said}");
        assert_eq!(said.contains("without having shown the credential"), code == Some(1), "{behave}: {said}");
    }
}

/// The third way of a credential to a stranger: a document that names him.
#[test]
fn a_discovered_foreign_origin_gets_nothing() {
    for dist in ["dist", "dist-wasip2"] {
        let elsewhere = Server::start(any_port(), answers).unwrap();
        let foreign = format!("{}/me", elsewhere.url());
        let provider = Server::start(any_port(), move |request| match request.path() {
            "/document" => Answer::json(200, &json!({"userinfo_endpoint": foreign})).into(),
            _ => answers(request),
        })
        .unwrap();
        let upstream = upstream::start(any_port()).unwrap();
        let folder = folder(dist);
        let config = format!(
            "adapters: {{folder: \"{}\"}}\nproviders:\n{}{}routes:\n  - match: {{path: /}}\n    providers: [staff]\n    \
             upstream: {{url: \"{}\"}}\n",
            folder.path().display(),
            provider_yaml("staff", &provider.url(), "plan-discovered", ""),
            provider_yaml("endless", &provider.url(), "plan-fetch-endless", ""),
            upstream.url(),
        );
        let gateway = Gateway::start_unready(&config).unwrap();
        let limit = Instant::now() + Duration::from_secs(10);
        while !gateway.log().contains(&format!("`origins: [{}]`", elsewhere.url())) {
            assert!(Instant::now() < limit, "{dist}: the log does not name the line to add:\n{}", gateway.log());
            std::thread::sleep(Duration::from_millis(50));
        }
        let metrics = client::get(gateway.admin, "/metrics", &[]).unwrap().text();
        assert!(metrics.contains("portcullis_provider_ready{provider=\"staff\"} 0"), "{metrics}");
        let response = client::get_as(gateway.address, "/", TOKEN).unwrap();
        assert_refused(&response, 503, dist);
        assert_unblamed(&response, dist);
        assert_eq!(client::get(gateway.admin, "/readyz", &[]).unwrap().status, 503, "{dist}");
        assert!(elsewhere.seen().is_empty(), "{dist}: {:?}", elsewhere.seen());
        for request in provider.seen() {
            assert_eq!((request.path(), request.header("authorization")), ("/document", None), "{dist}");
        }
        assert!(upstream.seen().is_empty(), "{dist}");
    }
}

#[test]
fn an_adapter_can_neither_flood_nor_forge_the_log() {
    for (dist, deeds) in
        [("dist", vec!["flood", "forge", "long-line"]), ("dist-wasip2", vec!["flood", "forge", "print"])]
    {
        let world = World::new(dist, &deeds);
        for behave in &deeds {
            // Talk alone is no crime.
            assert_eq!(world.get(behave).status, 200, "{dist}, {behave}");
        }
        let log = world.gateway.log();
        let lines = |what: &str| log.lines().filter(|line| line.contains(what)).count();
        assert_eq!(
            lines("flood 1"),
            7 * deeds.iter().filter(|deed| deed.contains("flood")).count(),
            "{dist}: of 0 to 15, it is 1 and 10 to 15"
        );
        assert!(lines("logs too much") >= 1, "{dist}");
        assert!(lines("forged") >= 1 && !log.lines().any(|line| line.starts_with("{\"level\"")), "{dist}");
        assert!(!log.contains("\u{1b}[31m"), "{dist}: a control character came through");
        let longest = log.lines().filter(|line| line.contains("longlong")).map(str::len).max().unwrap_or(0);
        assert!(longest < 1500, "{dist}: a line of {longest}");
    }
}

/// An empty WASI: the same whenever and wherever it runs, and nothing in it that blocks a thread.
#[test]
fn a_component_with_wasi_finds_nothing_there() {
    let world = World::new("dist-wasip2", &["look", "sleep", "exit", "print-flood"]);
    let look = || world.get("look").json()["user"].as_str().unwrap_or_default().to_owned();
    let first = look();
    assert!(first.starts_with("0-0-0-0-0-0-0-") || first.starts_with("0-1-0-0-0-0-0-"), "{first}");
    assert_eq!(look(), first, "something in there changes");
    for behave in ["sleep", "exit", "print-flood"] {
        let began = Instant::now();
        assert_refused(&world.get(behave), 503, behave);
        let took = began.elapsed();
        assert!(took < Duration::from_secs(1), "{behave}: {took:?}\n{}", world.gateway.log());
    }
    world.assert_beside();
}

/// One adapter loops under load; another, on the same two threads, stays quick.
#[test]
fn a_looping_adapter_does_not_slow_down_the_one_beside_it() {
    let world = World::new("dist", &["loop"]);
    let address = world.gateway.address;
    let until = Instant::now() + Duration::from_secs(4);
    let loops: Vec<_> = (0..8)
        .map(|_| {
            std::thread::spawn(move || {
                let mut statuses = Vec::new();
                while Instant::now() < until {
                    statuses.push(client::get_as(address, "/loop/", TOKEN).unwrap().status);
                }
                statuses
            })
        })
        .collect();
    std::thread::sleep(Duration::from_secs(1));
    let mut times: Vec<Duration> = Vec::new();
    while Instant::now() < until {
        let began = Instant::now();
        world.assert_beside();
        times.push(began.elapsed());
    }
    let statuses: Vec<u16> = loops.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    assert!(statuses.len() > 20 && statuses.iter().all(|status| *status == 503), "{statuses:?}");
    times.sort();
    let median = times[times.len() / 2];
    // Four looping calls at a time share the cores with it; without turns of their own they would take all threads.
    assert!(times.len() > 20 && median < Duration::from_millis(100), "{} requests, median {median:?}", times.len());
}

/// Plans are made again while requests are served, and an adapter may loop once its documents are there.
#[test]
fn plans_that_loop_while_requests_are_served_hold_up_none() {
    let names: Vec<String> = (0..40).map(|number| format!("p{number}")).collect();
    let provider = Server::start(any_port(), answers).unwrap();
    let upstream = upstream::start(any_port()).unwrap();
    let folder = folder("dist");
    let looping: String = names
        .iter()
        .map(|name| format!("{}    audience: [x]\n", provider_yaml(name, &provider.url(), "plan-discovered-loop", "")))
        .collect();
    let route = |path: &str, name: &str| {
        format!(
            "  - match: {{path: /{path}/}}\n    providers: [{name}]\n    upstream: {{url: \"{}\"}}\n",
            upstream.url()
        )
    };
    let routes: String = names.iter().map(|name| route(name, name)).collect();
    let config = format!(
        "adapters: {{folder: \"{}\"}}\nproviders:\n{}{looping}routes:\n{}{routes}",
        folder.path().display(),
        provider_yaml("beside", &provider.url(), "well", ""),
        route("beside", "beside")
    );
    let gateway = Gateway::start_unready(&config).unwrap();
    let loops = || gateway.log().matches("`make-plan` did not end within 100 ms").count();
    let mut served = 0;
    while loops() < names.len() {
        let response = client::get_as(gateway.address, "/beside/", TOKEN).unwrap();
        assert_eq!(response.status, 200, "{}", response.text());
        served += 1;
    }
    assert!(served >= names.len(), "{served} requests were served while {} plans were made", names.len());
}

/// Quick for most and a loop for one of its users: by the average of its last calls it would be quick again and again. After one
/// loop it stays off the threads that serve requests.
#[test]
fn an_adapter_that_is_quick_until_it_loops_holds_up_requests_once() {
    let provider = Server::start(any_port(), |request| {
        let name = request.bearer().and_then(|token| token.strip_prefix("good-token-")).unwrap_or_default();
        Answer::json(200, &provider::claims(name)).into()
    })
    .unwrap();
    let upstream = upstream::start(any_port()).unwrap();
    let folder = folder("dist");
    let gateway = Gateway::start(&format!(
        "adapters: {{folder: \"{}\"}}\nproviders:\n{}routes:\n  - match: {{path: /}}\n    providers: [odd]\n    upstream: {{url: \"{}\"}}\n",
        folder.path().display(),
        provider_yaml("odd", &provider.url(), "loop-for-mallory", "https://elsewhere.example"),
        upstream.url()
    ))
    .unwrap();
    let status = |name: &str| client::get_as(gateway.address, "/", &format!("good-token-{name}")).unwrap().status;
    for _ in 0..8 {
        for _ in 0..16 {
            assert_eq!(status("alice"), 200);
        }
        assert_eq!(status("mallory"), 503);
    }
    let log = gateway.log();
    assert!(log.matches("`identify` did not end within 100 ms").count() >= 8, "a loop is cut off wherever it runs");
    let held_up = log.matches("a call was cut off where requests are served").count();
    assert_eq!(held_up, 1, "calls of an adapter that loops kept their threads from others");
}
