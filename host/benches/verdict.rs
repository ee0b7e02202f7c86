//! One verdict through a real component, a fresh instance each, with the provider's answer held fixed: what a cache miss costs
//! beside the network.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "a bench fails by panicking")]

use criterion::{Criterion, criterion_group, criterion_main};
use http::{HeaderName, HeaderValue};
use portcullis::adapter::contract::{Answer, Content, Context, Pair, Response, Setting, SettingValue as Value};
use portcullis::adapter::{Adapter, Machine};
use portcullis::config::{ClientConfig, ProviderConfig};
use portcullis::provider::{BoxFuture, Call, CallFault, Provider, Raw, Transport, Wanted};
use portcullis_core::base_url::Origin;
use portcullis_core::credential::{BearerToken, Credential};
use portcullis_core::policy::{Naming, ScopeOrders};
use portcullis_core::setting::SettingValue;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const HOST: &str = "https://sso.example.com";
/// A userinfo answer of about 500 bytes, as Keycloak gives it.
const USERINFO: &str = r#"{"sub":"7d1c8f0e-5a0b-4f5e-9a55-2f6f0f3f1c11","email_verified":true,"realm_access":{"roles":["default-roles-staff","offline_access","uma_authorization"]},"name":"Alice Example","groups":["/staff","/docs/writers","/administrators"],"preferred_username":"alice","given_name":"Alice","family_name":"Example","email":"alice@example.com","locale":"en","updated_at":1760000000,"department":"documentation","employee_number":"0012345","office":"Berlin, third floor, room 3.14","manager":"bob.example"}"#;

/// Says the same to everybody.
struct Fixed(Raw);

impl Transport for Fixed {
    fn carry(&self, call: Call) -> BoxFuture<'_, Result<Raw, CallFault>> {
        black_box(call);
        let answer = self.0.clone();
        Box::pin(async move { Ok(answer) })
    }
}

fn keycloak() -> Arc<Adapter> {
    let file = Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").unwrap()).join("../adapters/dist/keycloak.wasm");
    assert!(file.is_file(), "{} is missing; run `cargo xtask adapters`", file.display());
    let machine = Machine::new(None, Path::new(env!("CARGO_BIN_EXE_portcullis"))).unwrap();
    Arc::new(Adapter::load(&machine, "keycloak", &file).unwrap())
}

fn settings() -> Vec<(String, SettingValue)> {
    [("host", HOST), ("realm", "staff"), ("mode", "userinfo")]
        .map(|(name, value)| (name.to_owned(), SettingValue::Text(value.to_owned())))
        .into()
}

fn provider() -> Provider {
    let config = ProviderConfig {
        name: "staff".to_owned(),
        adapter: "keycloak".to_owned(),
        settings: settings(),
        granted_origins: vec![Origin::parse(HOST).unwrap()],
        client: ClientConfig::default(),
        username_attributes: Vec::new(),
        naming: Naming::default(),
        audience: Vec::new(),
        any_audience: true,
        required_scopes: Vec::new(),
        scope_orders: ScopeOrders::default(),
        allow_http: false,
        ca_pem: None,
        client_certificate: None,
        proxy: None,
        reuse: true,
        timeout: Duration::from_secs(5),
        cache: None,
        lines: std::collections::BTreeMap::new(),
    };
    let headers = [("content-type", "application/json"), ("date", "Tue, 24 Nov 2026 08:00:00 GMT")]
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
    let raw = Raw { status: 200, headers: headers.into_iter().collect(), body: USERINFO.as_bytes().into() };
    let wanted: Wanted = ["groups".to_owned()].into();
    Provider::new(config, keycloak(), &wanted, Arc::new(Fixed(raw)), Arc::new(|| 1_760_000_000)).unwrap()
}

fn benches(criterion: &mut Criterion) {
    assert!((450..560).contains(&USERINFO.len()), "the answer has {} bytes", USERINFO.len());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let provider = provider();
    let credential = Credential::Bearer(BearerToken::new("eyJhbGciOiJSUzI1NiJ9.".to_owned() + &"x".repeat(900) + ".y"));
    let identity = runtime.block_on(provider.verdict(&credential, None)).unwrap();
    assert_eq!(identity.username, "alice");
    criterion.bench_function("fresh verdict, Keycloak userinfo, 500 bytes", |bencher| {
        bencher.iter(|| runtime.block_on(provider.verdict(black_box(&credential), None)).unwrap());
    });

    let adapter = keycloak();
    let setting = |(name, value): (String, SettingValue)| match value {
        SettingValue::Text(text) => Setting { name, value: Value::Text(text) },
        _ => unreachable!("the settings above are texts"),
    };
    let context = Context {
        settings: settings().into_iter().map(setting).collect(),
        username_attributes: Vec::new(),
        wanted: vec!["groups".to_owned()],
    };
    let answer = Answer::Response(Response {
        to: "check".to_owned(),
        status: 200,
        headers: vec![Pair { name: "content-type".to_owned(), value: "application/json".to_owned() }],
        body: Content::Json(USERINFO.to_owned()),
    });
    criterion.bench_function("of that, the component: instantiate and identify", |bencher| {
        bencher.iter(|| adapter.identify_here(black_box(&context), std::slice::from_ref(&answer)).unwrap().unwrap());
    });
}

criterion_group!(verdict, benches);
criterion_main!(verdict);
