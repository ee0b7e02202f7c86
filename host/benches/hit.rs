//! One decision about a token that is known: what a cache hit costs, from the request's head to the headers that go upstream.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "a bench fails by panicking")]

use criterion::{Criterion, criterion_group, criterion_main};
use http::{HeaderMap, HeaderValue, Method, header};
use portcullis::adapter::{Catalogue, Machine};
use portcullis::config;
use portcullis::decision::{Passage, Request, Snapshot, Verdicts, decide};
use portcullis_core::client::ClientNetwork;
use portcullis_core::target::NormalTarget;
use std::hint::black_box;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// A provider that says the same to everybody, one connection after the other.
fn provider() -> String {
    const ANSWER: &str = r#"{"sub":"7d1c8f0e-5a0b-4f5e-9a55-2f6f0f3f1c11","email_verified":true,"name":"Alice Example","groups":["/staff","/docs/writers","/administrators"],"preferred_username":"alice","email":"alice@example.com"}"#;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let head = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
            let _ = head.take_while(|line| !line.is_empty()).count();
            let length = ANSWER.len();
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
            );
            let _ = stream.write_all(format!("{head}{ANSWER}").as_bytes());
        }
    });
    url
}

fn snapshot() -> Snapshot {
    let folder = Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").unwrap()).join("../adapters/dist");
    assert!(folder.join("keycloak.wasm").is_file(), "keycloak.wasm is missing; run `cargo xtask adapters`");
    let text = format!(
        "providers:\n  staff:\n    adapter: keycloak\n    any_audience: true\n    cache: {{ttl: 1h}}\n    \
         settings: {{host: \"{}\", realm: staff}}\nroutes:\n  - match: {{path: /rest}}\n    providers: [staff]\n    \
         require: {{groups: [/administrators]}}\n    upstream: {{url: \"http://127.0.0.1:1\"}}\n    \
         identity_headers: {{X-Remote-User: username, X-Remote-Groups: groups}}\n",
        provider()
    );
    let machine = Machine::new(None, Path::new(env!("CARGO_BIN_EXE_portcullis"))).unwrap();
    let catalogue = Catalogue::open(&machine, &folder, Some(&["keycloak".to_owned()])).unwrap();
    let draft = config::Draft::parse(Path::new("bench.yaml"), text.as_bytes(), &config::Nothing).unwrap();
    let describe = |name: &str| catalogue.adapter(name).map(|adapter| adapter.description().clone());
    let configuration = draft.finish(&describe, &["keycloak".to_owned()], &config::Nothing).unwrap();
    Snapshot::build(&configuration, &catalogue, &Arc::new(Verdicts::new().unwrap()), None).unwrap()
}

fn benches(criterion: &mut Criterion) {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let snapshot = runtime.block_on(async { snapshot() });
    let target = NormalTarget::parse("/rest/api/content?limit=5", &["api.example.com"], "GET").unwrap();
    for length in [40, 900] {
        let token = "x".repeat(length);
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, HeaderValue::try_from(format!("Bearer {token}")).unwrap());
        let client = ClientNetwork::of([127, 0, 0, 1].into());
        let request = Request { method: &Method::GET, target: &target, headers: &headers, client };
        let passes = |decision: portcullis::decision::Decision| {
            assert!(matches!(decision.outcome, Ok(Passage::Forward(_))), "{:?}", decision.outcome);
        };
        passes(runtime.block_on(decide(&snapshot, request)));
        criterion.bench_function(&format!("hit, token of {length} characters"), |bencher| {
            bencher.iter_custom(|times| {
                runtime.block_on(async {
                    let began = Instant::now();
                    for _ in 0..times {
                        passes(decide(&snapshot, black_box(request)).await);
                    }
                    began.elapsed()
                })
            });
        });
    }
}

criterion_group!(hit, benches);
criterion_main!(hit);
