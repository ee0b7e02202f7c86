//! A provider, a gateway and an upstream, wired up.

use portcullis_tests::gateway::{Gateway, any_port};
use portcullis_tests::server::{Reply, Server};
use portcullis_tests::wire::{Request, Response};
use portcullis_tests::{client, provider, upstream};

/// The token of alice, in every test.
pub(crate) const ALICE: (&str, &str) = ("Authorization", "Bearer good-token-alice");

pub(crate) struct World {
    pub(crate) gateway: Gateway,
    pub(crate) provider: Server,
    pub(crate) upstream: Server,
}

impl World {
    /// One route for everything, userinfo at a stand-in Keycloak.
    pub(crate) fn new() -> Self {
        Self::with_route("")
    }

    /// The same with further keys for the route: lines of YAML, not indented.
    pub(crate) fn with_route(extra: &str) -> Self {
        Self::build(provider::keycloak, "", extra, "")
    }

    /// The same with a provider that does as scripted. It has a second for each call.
    pub(crate) fn with_provider(script: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        Self::build(script, "timeout: 1s", "", "")
    }

    /// Everything free: the provider's script, further keys of the provider, of its route, and further routes.
    pub(crate) fn build(
        script: impl Fn(&Request) -> Reply + Send + Sync + 'static,
        provider_extra: &str,
        route_extra: &str,
        routes: &str,
    ) -> Self {
        let provider = Server::start(any_port(), script).unwrap();
        let upstream = upstream::start(any_port()).unwrap();
        let config = config(&provider.url(), &upstream.url(), provider_extra, route_extra, routes);
        let gateway = Gateway::start(&config).unwrap();
        Self { gateway, provider, upstream }
    }

    /// The same with another time for the upstream.
    pub(crate) fn with_upstream_timeout(self, timeout: &str) -> Self {
        let config = config(&self.provider.url(), &self.upstream.url(), "", "", "");
        let gateway = Gateway::start(&config.replace("timeout: 3s", &format!("timeout: {timeout}"))).unwrap();
        Self { gateway, ..self }
    }

    /// A GET with these fields.
    pub(crate) fn get(&self, target: &str, headers: &[(&str, &str)]) -> Response {
        client::get(self.gateway.address, target, headers).unwrap()
    }

    /// A GET with alice's token.
    pub(crate) fn get_as_alice(&self, target: &str) -> Response {
        self.get(target, &[ALICE])
    }

    /// Sends these bytes, in which `{host}` stands for the gateway's authority.
    pub(crate) fn raw(&self, method: &str, text: &str) -> Response {
        let text = text.replace("{host}", &self.gateway.address.to_string());
        client::raw(self.gateway.address, method, text.as_bytes()).unwrap()
    }

    /// The gateway still works for alice: what went before has broken nothing.
    pub(crate) fn assert_well(&self) {
        let response = self.get_as_alice("/well");
        assert_eq!(response.status, 200, "{}", response.text());
        assert_eq!(response.json()["user"], "alice");
    }
}

/// The configuration without the keys that the harness writes. `{upstream}` in `routes` stands for the upstream's URL.
pub(crate) fn config(provider: &str, upstream: &str, provider_extra: &str, route_extra: &str, routes: &str) -> String {
    // Most tests look at what a provider is asked: what is kept of it, they write themselves.
    let cache = if provider_extra.contains("cache:") { "" } else { "    cache: none\n" };
    let mut config = format!(
        "providers:\n  staff:\n    adapter: keycloak\n    settings:\n      host: {provider}\n      realm: demo\n    any_audience: true\n{cache}{}\
         routes:\n  - match: {{path: /}}\n    providers: [staff]\n    upstream: {{url: \"{upstream}\", timeout: 3s}}\n{}",
        indent(provider_extra),
        indent(route_extra),
    );
    config.push_str(&routes.replace("{upstream}", upstream));
    config
}

fn indent(lines: &str) -> String {
    lines.lines().filter(|line| !line.is_empty()).map(|line| format!("    {line}\n")).collect()
}

/// A refusal by the gateway: the status, a problem document with a request id, nothing of anybody else's.
pub(crate) fn assert_refused(response: &Response, status: u16, what: &str) {
    assert_eq!(response.status, status, "{what}: {}", response.text());
    assert_eq!(response.header("content-type"), Some("application/problem+json"), "{what}: {response:?}");
    let problem = response.json();
    assert_eq!(problem["status"], status, "{what}: {problem}");
    assert!(problem["request_id"].as_str().is_some_and(|id| !id.is_empty()), "{what}: {problem}");
}

/// The challenge of a refusal; exactly one, and never a Basic one.
pub(crate) fn challenge(response: &Response) -> &str {
    let challenge = response.header("www-authenticate").unwrap_or_else(|| panic!("not one challenge: {response:?}"));
    assert!(challenge.starts_with("Bearer "), "{challenge}");
    assert!(!challenge.to_lowercase().contains("basic"), "{challenge}");
    challenge
}

/// A refusal that does not blame the credential: no challenge, and when to try again.
pub(crate) fn assert_unblamed(response: &Response, what: &str) {
    assert_eq!(response.header("www-authenticate"), None, "{what}: a token that was not judged is not blamed");
    let wait = response.header("retry-after").unwrap_or_else(|| panic!("{what}: no Retry-After"));
    assert!(wait.parse::<u32>().is_ok_and(|seconds| seconds > 0), "{what}: Retry-After: {wait}");
}
