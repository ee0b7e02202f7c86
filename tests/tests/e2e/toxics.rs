//! A real toxiproxy between gateway and provider: what becomes of a connection at every moment, under load. The oracle
//! is that of `portcullis_tests::load`, and two seconds after each trouble nothing is left of it.
//!
//! Short here; `cargo xtask nightly` has the full length (`PORTCULLIS_TESTS_FULL=1`).

use crate::part::Part;
use portcullis_tests::gateway::{Gateway, any_port, free_address};
use portcullis_tests::load::{Load, Spell, judge, length, script};
use portcullis_tests::server::Server;
use portcullis_tests::{client, upstream};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::Duration;

/// What it does to those who are not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    /// New tokens are refused.
    Trouble,
    /// It is slow, and nobody is refused.
    None,
    /// Some may be: it depends on the moment.
    Some,
}

/// The deadline of a call is a second. The stand-in's yes is a head of 71 bytes, and a body of some 190.
fn toxics() -> Vec<(&'static str, Value, Effect)> {
    let toxic = |kind: &str, attributes: Value| json!({"type": kind, "stream": "downstream", "attributes": attributes});
    vec![
        ("slow", toxic("latency", json!({"latency": 150, "jitter": 50})), Effect::None),
        ("slower than the deadline", toxic("latency", json!({"latency": 1500})), Effect::Trouble),
        ("reset at once", toxic("reset_peer", json!({"timeout": 0})), Effect::Trouble),
        ("reset after a moment", toxic("reset_peer", json!({"timeout": 100})), Effect::Some),
        ("silent", toxic("timeout", json!({"timeout": 0})), Effect::Trouble),
        ("silent, then closed", toxic("timeout", json!({"timeout": 200})), Effect::Trouble),
        ("cut within the status line", toxic("limit_data", json!({"bytes": 10})), Effect::Trouble),
        // A lenient client takes what came for the whole head of a 200 without a body.
        ("cut within the head", toxic("limit_data", json!({"bytes": 40})), Effect::Trouble),
        ("cut after a line of the head", toxic("limit_data", json!({"bytes": 48})), Effect::Trouble),
        ("cut within the body", toxic("limit_data", json!({"bytes": 150})), Effect::Trouble),
        ("byte by byte", toxic("slicer", json!({"average_size": 1, "size_variation": 0, "delay": 100})), Effect::Some),
        (
            "byte by byte beyond the deadline",
            toxic("slicer", json!({"average_size": 1, "size_variation": 0, "delay": 8000})),
            Effect::Trouble,
        ),
        ("a narrow line", toxic("bandwidth", json!({"rate": 1})), Effect::Some),
        ("closed late", toxic("slow_close", json!({"delay": 1500})), Effect::None),
        ("refused", Value::Null, Effect::Trouble),
    ]
}

/// Toxiproxy's control, with one proxy.
struct Toxiproxy {
    control: SocketAddr,
    _part: Part,
}

impl Toxiproxy {
    fn start(listen: SocketAddr, upstream: SocketAddr) -> Self {
        let control = free_address().unwrap();
        let this = Self { control, _part: Part::start("toxiproxy.sh", control, &[]) };
        this.tell("POST", "/proxies", &json!({"name": "idp", "listen": listen, "upstream": upstream, "enabled": true}));
        this
    }

    fn tell(&self, method: &str, path: &str, what: &Value) {
        let headers = [("Content-Type", "application/json"), ("Connection", "close")];
        let response = client::send(self.control, method, path, &headers, what.to_string().as_bytes()).unwrap();
        assert!(matches!(response.status, 200..=204), "{method} {path} {what}: {}", response.text());
    }

    fn spoil(&self, toxic: &Value) {
        match toxic {
            Value::Null => self.tell("POST", "/proxies/idp", &json!({"enabled": false})),
            toxic => self.tell("POST", "/proxies/idp/toxics", toxic),
        }
    }

    /// Takes toxics away and listens again.
    fn mend(&self) {
        self.tell("POST", "/reset", &json!({}));
    }
}

#[test]
fn whatever_becomes_of_a_connection_nobody_is_blamed_nobody_let_in_and_it_is_over_when_it_is_over() {
    let length = Duration::from_secs(u64::try_from(length(2, 30)).unwrap());
    let provider = Server::start(any_port(), script).unwrap();
    let upstream = upstream::start(any_port()).unwrap();
    let between = free_address().unwrap();
    let toxiproxy = Toxiproxy::start(between, provider.address());
    let gateway = Gateway::start(&format!(
        "providers:\n  staff:\n    adapter: keycloak\n    any_audience: true\n    timeout: 1s\n    \
         cache: {{ttl: 1h, negative_ttl: 1s}}\n    settings: {{host: \"http://{between}\", realm: demo}}\nroutes:\n  \
         - match: {{path: /}}\n    providers: [staff]\n    upstream: {{url: \"{}\"}}\n",
        upstream.url()
    ))
    .unwrap();
    let load = Load::start(gateway.address);
    std::thread::sleep(Duration::from_secs(1));
    let spell =
        |(what, toxic, effect)| (what, effect, Spell::of(length, || toxiproxy.spoil(&toxic), || toxiproxy.mend()));
    let spells: Vec<_> = toxics().into_iter().map(spell).collect();
    let sent = load.end();
    judge(&sent, |one| !one.is_known()).unwrap();
    for (what, effect, spell) in spells {
        let (tally, back) = spell.judge(&sent).unwrap_or_else(|wrong| panic!("{what}: {wrong}"));
        println!("{what}: {tally:?}, a new token {back:?} after it was over");
        // Each of ten clients may have waited for the deadline.
        assert!(effect != Effect::Trouble || tally.unavailable >= 5, "{what}: {tally:?}");
        assert!(effect != Effect::None || tally.unavailable == 0, "{what}: {tally:?}");
        assert!(tally.passed > 50, "{what}: {tally:?}");
    }
}
