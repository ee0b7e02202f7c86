//! No client chooses its own name: every spelling of an identity header, on every kind of path, in every protocol.

use crate::protocols::h2c;
use crate::world::{ALICE, World, config};
use portcullis_tests::gateway::{Gateway, any_port};
use portcullis_tests::spellings::X_REMOTE_USER;
use portcullis_tests::{client, provider, upstream};
use serde_json::Value;

const PUBLIC: &str = "  - match: {path: /public}\n    public: true\n    upstream: {url: \"{upstream}\", timeout: 3s}\n";

fn world() -> World {
    World::build(provider::keycloak, "", "", PUBLIC)
}

#[test]
fn no_spelling_of_the_header_reaches_the_upstream() {
    let world = world();
    for alias in X_REMOTE_USER {
        let protected = world.get("/rest", &[ALICE, (alias, "root")]);
        assert_eq!(protected.json()["user"], "alice", "{alias}: {}", protected.text());
        let twice = world.get("/rest", &[(alias, "root"), ALICE, (alias, "admin")]);
        assert_eq!(twice.json()["user"], "alice", "{alias} twice: {}", twice.text());
        let public = world.get("/public/x", &[(alias, "root")]);
        assert_eq!(
            (public.status, &public.json()["user"]),
            (200, &Value::Null),
            "{alias} in public: {}",
            public.text()
        );
        let public = world.get("/public/x", &[ALICE, (alias, "root")]);
        assert_eq!(public.json()["user"], Value::Null, "{alias} in public with a token: {}", public.text());
        let refused = world.get("/rest", &[(alias, "root")]);
        assert_eq!(refused.status, 401, "{alias} without a token");
    }
}

#[test]
fn nor_does_it_over_http_2() {
    let world = world();
    for alias in X_REMOTE_USER {
        let alias = alias.to_lowercase();
        let headers = [("authorization", "Bearer good-token-alice"), (alias.as_str(), "root")];
        let protected = h2c(world.gateway.address, "/rest", &headers);
        assert_eq!(protected.json()["user"], "alice", "{alias}: {}", protected.text());
        let public = h2c(world.gateway.address, "/public/x", &[(alias.as_str(), "root")]);
        assert_eq!(public.json()["user"], Value::Null, "{alias} in public: {}", public.text());
    }
}

#[test]
fn every_method_and_the_preflight_too() {
    let world = world();
    for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"] {
        for path in ["/rest", "/public/x"] {
            let headers = [ALICE, ("X_Remote_User", "root"), ("Access-Control-Request-Method", "GET")];
            world.upstream.forget();
            let response = client::send(world.gateway.address, method, path, &headers, b"").unwrap();
            assert_eq!(response.status, 200, "{method} {path}");
            let [request] = &world.upstream.seen()[..] else { panic!("{method} {path}: not one request") };
            let names: Vec<&(String, String)> = request
                .headers
                .iter()
                .filter(|(name, _)| name.to_lowercase().replace('_', "-") == "x-remote-user")
                .collect();
            let expected = if path == "/rest" { vec!["alice"] } else { vec![] };
            assert_eq!(names.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>(), expected, "{method} {path}");
        }
    }
}

#[test]
fn connection_cannot_name_the_identity_away() {
    let world = World::new();
    for connection in ["X-Remote-User", "close, x-remote-user", "keep-alive, X-REMOTE-USER, X_Remote_User"] {
        let response = world.get("/rest", &[ALICE, ("Connection", connection)]);
        assert_eq!(response.json()["user"], "alice", "Connection: {connection}: {}", response.text());
    }
}

#[test]
fn no_header_makes_a_route_public() {
    let world = world();
    let tricks = [
        ("X-Original-URL", "/public/x"),
        ("X-Rewrite-URL", "/public/x"),
        ("X-Forwarded-Uri", "/public/x"),
        ("X-Forwarded-Path", "/public/x"),
        ("X-Forwarded-Prefix", "/public"),
        ("X-Forwarded-For", "127.0.0.1"),
        ("X-HTTP-Method-Override", "OPTIONS"),
        ("User-Agent", "kube-probe/1.30"),
        ("Forwarded", "for=127.0.0.1;host=localhost;proto=https"),
    ];
    for trick in tricks {
        assert_eq!(world.get("/rest", &[trick]).status, 401, "{trick:?}");
    }
    assert!(world.upstream.seen().is_empty());
}

#[test]
fn all_configured_headers_are_protected_on_all_routes() {
    let provider = provider::start(any_port()).unwrap();
    let upstream = upstream::start(any_port()).unwrap();
    let routes = "  - match: {path: /other}\n    providers: [staff]\n    upstream: {url: \"{upstream}\"}\n    \
                  identity_headers: {X-Auth-User: username, X-Auth-Mail: email, X-Auth-Id: subject}\n";
    let gateway = Gateway::start(&config(&provider.url(), &upstream.url(), "", "", routes)).unwrap();
    let spoofed =
        [ALICE, ("X-Auth-User", "root"), ("X.Auth.Mail", "root@x"), ("X_Auth_Id", "0"), ("X-Remote_User", "root")];
    let of = |target: &str| {
        upstream.forget();
        assert_eq!(client::get(gateway.address, target, &spoofed).unwrap().status, 200);
        let mut facts: Vec<(String, String)> = upstream.seen()[0].headers.clone();
        facts.retain(|(name, _)| {
            let name = name.to_lowercase();
            name.contains("auth") || name.contains("remote")
        });
        for (name, _) in &mut facts {
            name.make_ascii_lowercase();
        }
        facts.sort();
        facts
    };
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(of("/rest"), [pair("x-remote-user", "alice")]);
    let subject = provider::claims("alice")["sub"].as_str().unwrap().to_owned();
    assert_eq!(
        of("/other"),
        [pair("x-auth-id", &subject), pair("x-auth-mail", "alice@example.org"), pair("x-auth-user", "alice")]
    );
}
