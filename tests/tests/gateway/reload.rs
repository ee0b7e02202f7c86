//! The world changes by swap: what is good is taken over without a request lost, what is not leaves the last good one serving.

use crate::world::{assert_refused, config};
use portcullis_tests::gateway::{Folder, Gateway, adapters, any_port};
use portcullis_tests::server::{Answer, Server};
use portcullis_tests::{client, provider, upstream};
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

struct Running {
    gateway: Gateway,
    provider: Server,
    upstream: Server,
}

impl Running {
    fn new(provider_extra: &str) -> Self {
        let provider = provider::start(any_port()).unwrap();
        let upstream = upstream::start(any_port()).unwrap();
        let gateway = Gateway::start(&config(&provider.url(), &upstream.url(), provider_extra, "", "")).unwrap();
        Self { gateway, provider, upstream }
    }

    fn config(&self, provider_extra: &str, route_extra: &str, routes: &str) -> String {
        config(&self.provider.url(), &self.upstream.url(), provider_extra, route_extra, routes)
    }

    fn status(&self, name: &str) -> u16 {
        client::get_as(self.gateway.address, "/rest", &format!("good-token-{name}")).unwrap().status
    }
}

#[test]
fn a_change_is_taken_and_what_is_known_stays_known() {
    let running = Running::new("cache: {}");
    assert_eq!((running.status("alice"), running.status("bob")), (200, 200));
    running.gateway.reload(&running.config("cache: {}", "require: {users: {allow: [alice]}}", "")).unwrap();
    running.gateway.until_log_says(": reloaded", 1).unwrap();
    assert_eq!((running.status("alice"), running.status("bob")), (200, 403));
    assert_eq!(running.provider.seen().len(), 2, "an unrelated edit emptied the cache");
    // What verdicts depend on does: here another route needs a fact that was not asked for.
    let header = "  - match: {path: /mail}\n    providers: [staff]\n    upstream: {url: \"{upstream}\"}\n    \
                  identity_headers: {X-Remote-Email: email}\n";
    running.gateway.reload(&running.config("cache: {}", "", header)).unwrap();
    running.gateway.until_log_says(": reloaded", 2).unwrap();
    assert_eq!(client::get_as(running.gateway.address, "/mail", "good-token-alice").unwrap().status, 200);
    let seen = running.upstream.seen().pop().unwrap();
    assert_eq!(seen.header("x-remote-email"), Some("alice@example.org"));
    assert_eq!(running.provider.seen().len(), 3);
}

#[test]
fn what_is_wrong_leaves_the_last_good_one_serving_and_is_said() {
    let running = Running::new("");
    let mut count = 0;
    for (text, said) in [
        (running.config("timeout: 5", "", ""), "write 5s"),
        (running.config("audiense: [x]", "", ""), "did you mean `audience`"),
        (String::new(), "routes"),
        ("routes: [\n".to_owned(), "portcullis.yaml"),
        (running.config("", "", "").replace("keycloak", "keycloack"), "did you mean `keycloak`"),
    ] {
        running.gateway.reload(&text).unwrap();
        count += 1;
        running.gateway.until_log_says("the last good configuration keeps serving", count).unwrap();
        assert!(running.gateway.log().contains(said), "{said} is not in the log");
        assert_eq!(running.status("alice"), 200, "{said}");
    }
    running.gateway.reload(&running.config("", "require: {users: {deny: [alice]}}", "")).unwrap();
    running.gateway.until_log_says(": reloaded", 1).unwrap();
    assert_eq!(running.status("alice"), 403);
}

#[test]
fn an_adapter_is_replaced_torn_and_gone_and_the_last_good_one_serves() {
    let folder = Folder::new().unwrap();
    let file = folder.path().join("keycloak.wasm");
    let good = fs::read(adapters().join("keycloak.wasm")).unwrap();
    fs::write(&file, &good).unwrap();
    let (provider, upstream) = (provider::start(any_port()).unwrap(), upstream::start(any_port()).unwrap());
    let rest = config(&provider.url(), &upstream.url(), "", "", "");
    let rest = format!("adapters: {{folder: \"{}\"}}\n{rest}", folder.path().display());
    let gateway = Gateway::start(&rest).unwrap();
    let status = || client::get_as(gateway.address, "/rest", "good-token-alice").unwrap().status;
    let kept = "the last good configuration keeps serving";
    fs::write(&file, &good[..good.len() / 2]).unwrap();
    gateway.reload(&rest).unwrap();
    gateway.until_log_says(kept, 1).unwrap();
    assert!(gateway.log().contains("is torn or damaged"));
    assert_eq!(status(), 200);
    fs::remove_file(&file).unwrap();
    gateway.reload(&rest).unwrap();
    gateway.until_log_says(kept, 2).unwrap();
    assert_eq!(status(), 200);
    // Another adapter under the name: it is the new one that is asked.
    fs::copy(adapters().join("okta.wasm"), &file).unwrap();
    gateway.reload(&rest).unwrap();
    gateway.until_log_says(kept, 3).unwrap();
    fs::write(&file, &good).unwrap();
    gateway.reload(&rest).unwrap();
    gateway.until_log_says(": reloaded", 1).unwrap();
    assert_eq!(status(), 200);
}

/// A supervisor may ask for a reload at any moment, also while the gateway is still reading and compiling.
#[test]
fn a_signal_before_it_listens_does_not_end_it() {
    let (provider, upstream) = (provider::start(any_port()).unwrap(), upstream::start(any_port()).unwrap());
    let rest = config(&provider.url(), &upstream.url(), "", "", "");
    let gateway = Gateway::start_compiling(&rest).unwrap();
    gateway.signal("HUP").unwrap();
    let gateway = gateway.when_ready().unwrap();
    gateway.until_log_says(": reloaded", 1).unwrap();
    assert_eq!(client::get_as(gateway.address, "/rest", "good-token-alice").unwrap().status, 200);
}

/// A rotated client secret is used from the next question on, and what was known under the old one is asked again.
#[test]
fn a_rotated_secret_is_taken() {
    let secret = Arc::new(AtomicBool::new(false));
    let rotated = Arc::clone(&secret);
    let provider = Server::start(any_port(), move |request| {
        let wanted =
            if rotated.load(Ordering::SeqCst) { "Basic Z2F0ZTpzZWNvbmQtb25l" } else { "Basic Z2F0ZTpmaXJzdC1vbmU=" };
        match request.header("authorization") == Some(wanted) {
            true => provider::keycloak(request),
            false => Answer::status(401).into(),
        }
    })
    .unwrap();
    let upstream = upstream::start(any_port()).unwrap();
    let rest = config(&provider.url(), &upstream.url(), "cache: {}", "", "").replace(
        "      realm: demo\n",
        "      realm: demo\n      mode: introspection\n      client_id: gate\n      client_secret: file:secret\n",
    );
    let gateway = Gateway::start_with(&rest, &[("secret", "first-one")]).unwrap();
    let get = |name: &str| client::get_as(gateway.address, "/rest", &format!("good-token-{name}")).unwrap();
    assert_eq!(get("alice").status, 200);
    secret.store(true, Ordering::SeqCst);
    assert_refused(&get("bob"), 503, "the old secret");
    gateway.write("secret", "second-one\n").unwrap();
    gateway.reload(&rest).unwrap();
    gateway.until_log_says(": reloaded", 1).unwrap();
    assert_eq!((get("bob").status, get("alice").status), (200, 200));
    let log = gateway.log();
    assert!(!log.contains("first-one") && !log.contains("second-one"), "a secret is in the log");
}

/// Without any signal, however a change is made: by rename, in place and in pieces, by a symbolic link as Kubernetes does it; of
/// the configuration, a secret or an adapter.
#[test]
fn a_change_is_noticed_by_itself() {
    let adapters_here = Folder::new().unwrap();
    let adapter = adapters_here.path().join("keycloak.wasm");
    fs::copy(adapters().join("keycloak.wasm"), &adapter).unwrap();
    let (provider, upstream) = (provider::start(any_port()).unwrap(), upstream::start(any_port()).unwrap());
    let with = |route_extra: &str| {
        let rest = config(&provider.url(), &upstream.url(), "", route_extra, "").replace(
            "      realm: demo\n",
            "      realm: demo\n      client_id: gate\n      client_secret: file:secret\n",
        );
        format!("adapters: {{folder: \"{}\"}}\n{rest}", adapters_here.path().display())
    };
    let deny = with("require: {users: {deny: [alice]}}");
    let gateway = Gateway::start_with(&with(""), &[("secret", "first-one")]).unwrap();
    let status = || client::get_as(gateway.address, "/rest", "good-token-alice").unwrap().status;
    let reloaded = |times| gateway.until_log_says(": reloaded", times).unwrap();
    let kept = |times| gateway.until_log_says("the last good configuration keeps serving", times).unwrap();
    assert_eq!(status(), 200);

    gateway.replace(&deny).unwrap();
    reloaded(1);
    assert_eq!(status(), 403);

    let file = gateway.folder().join("portcullis.yaml");
    gateway.replace(&with("")).unwrap();
    reloaded(2);
    let good = fs::read_to_string(&file).unwrap();
    gateway.replace(&deny).unwrap();
    reloaded(3);
    fs::write(&file, &good.as_bytes()[..good.len() / 2]).unwrap();
    std::thread::sleep(Duration::from_millis(150));
    fs::write(&file, &good).unwrap();
    reloaded(4);
    assert_eq!(status(), 200);
    assert!(!gateway.log().contains("keeps serving"), "half a file was read:\n{}", gateway.log());

    // Kubernetes: portcullis.yaml -> ..data/portcullis.yaml, ..data -> a folder, and it is ..data that is swapped.
    let folder = gateway.folder();
    let link = |to: &str, name: &str| {
        std::os::unix::fs::symlink(to, folder.join("link")).unwrap();
        fs::rename(folder.join("link"), folder.join(name)).unwrap();
    };
    for (name, text) in [("a", good.clone()), ("b", format!("{good}# b\n"))] {
        fs::create_dir(folder.join(name)).unwrap();
        fs::write(folder.join(name).join("portcullis.yaml"), text).unwrap();
    }
    link("a", "..data");
    link("..data/portcullis.yaml", "portcullis.yaml");
    reloaded(5);
    link("b", "..data");
    reloaded(6);

    gateway.write("secret", "second-one\n").unwrap();
    reloaded(7);
    fs::remove_file(folder.join("secret")).unwrap();
    kept(1);
    gateway.write("secret", "third-one\n").unwrap();
    reloaded(8);

    let bytes = fs::read(&adapter).unwrap();
    fs::write(&adapter, &bytes[..1000]).unwrap();
    kept(2);
    assert_eq!(status(), 200);
    fs::remove_file(&adapter).unwrap();
    kept(3);
    assert_eq!(status(), 200);
    fs::write(&adapter, &bytes).unwrap();
    reloaded(9);
    fs::write(adapters_here.path().join("another.wasm"), "later").unwrap();
    reloaded(10);
    assert_eq!(status(), 200);
    // And nothing is done where nothing changed.
    std::thread::sleep(Duration::from_millis(1000));
    assert_eq!(gateway.log().matches(": reloaded").count(), 10, "{}", gateway.log());
}

/// A FIFO that nobody writes to, a device without end, a folder: none is waited for, none is read, and what follows is taken.
#[test]
fn a_file_that_is_none_is_refused_and_the_next_one_taken() {
    let adapters_here = Folder::new().unwrap();
    let adapter = adapters_here.path().join("keycloak.wasm");
    let good_adapter = fs::read(adapters().join("keycloak.wasm")).unwrap();
    fs::write(&adapter, &good_adapter).unwrap();
    let (provider, upstream) = (provider::start(any_port()).unwrap(), upstream::start(any_port()).unwrap());
    let rest = config(&provider.url(), &upstream.url(), "", "", "")
        .replace("      realm: demo\n", "      realm: demo\n      client_id: gate\n      client_secret: file:secret\n");
    let rest = format!("adapters: {{folder: \"{}\"}}\n{rest}", adapters_here.path().display());
    let gateway = Gateway::start_with(&rest, &[("secret", "first-one")]).unwrap();
    let file = gateway.folder().join("portcullis.yaml");
    let good = fs::read(&file).unwrap();
    let resident = gateway.resident_kib();
    let mut reloads = 0;
    for (place, content) in
        [(&file, &good), (&gateway.folder().join("secret"), &b"first-one".to_vec()), (&adapter, &good_adapter)]
    {
        for odd in ["fifo", "/dev/zero", "/dev/tty", "/"] {
            reloads += 1;
            let beside = place.with_extension("odd");
            match odd {
                "fifo" => assert!(std::process::Command::new("mkfifo").arg(&beside).status().unwrap().success()),
                target => std::os::unix::fs::symlink(target, &beside).unwrap(),
            }
            fs::rename(&beside, place).unwrap();
            gateway.until_log_says("the last good configuration keeps serving", reloads).unwrap();
            assert_eq!(client::get_as(gateway.address, "/rest", "good-token-alice").unwrap().status, 200);
            let problems = client::get(gateway.admin, "/readyz", &[]).unwrap().text();
            let is_told =
                problems.contains("it is not a regular file") || (odd == "/" && problems.contains("there is no"));
            assert!(is_told, "{}, {odd}: {problems}", place.display());
            fs::write(&beside, content).unwrap();
            fs::rename(&beside, place).unwrap();
            gateway.until_log_says(": reloaded", reloads).unwrap();
        }
    }
    let grown = gateway.resident_kib().saturating_sub(resident);
    assert!(grown < 64 * 1024, "{grown} KiB more");
}
