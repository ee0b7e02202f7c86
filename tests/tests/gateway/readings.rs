//! What servers behind read differently reaches none of them, or as one thing: methods, names in the query, paths that are
//! decoded or parsed again, trailers, headers that servers believe. docs/security.md has the table.

use crate::protocols::{h2c, h2c_as};
use crate::world::{ALICE, World, assert_refused};
use portcullis_tests::{client, provider};

const ALICES: &str = "Authorization: Bearer good-token-alice\r\n";

/// Writing is guarded, and whatever is left is public.
const WRITING: &str = "  - match: {path: /api, methods: [GET, POST, DELETE]}\n    providers: [staff]\n    upstream: {url: \"{upstream}\"}\n  \
                       - match: {path: /api}\n    public: true\n    upstream: {url: \"{upstream}\"}\n";

#[test]
fn no_spelling_of_a_method_evades_its_rules() {
    let world = World::build(provider::keycloak, "", "", WRITING);
    for method in ["delete", "Delete", "DELETe", "post", "get", "DEL~ETE", "options", "patch"] {
        for (path, token) in [("/api/x", ""), ("/api/x", ALICES), ("/rest", ALICES)] {
            let head = format!("{method} {path} HTTP/1.1\r\nHost: {{host}}\r\n{token}Connection: close\r\n\r\n");
            assert_refused(&world.raw(method, &head), 400, method);
        }
        let over_http_2 = h2c_as(method, world.gateway.address, "/api/x", &[]);
        assert_eq!(over_http_2.status, 400, "{method} over HTTP/2: {}", over_http_2.text());
    }
    assert!(world.upstream.seen().is_empty(), "{:?}", world.upstream.seen());
    let send = |method: &str| client::send(world.gateway.address, method, "/api/x", &[], b"").unwrap().status;
    assert_eq!(["GET", "POST", "DELETE", "HEAD"].map(send), [401; 4], "HEAD shows what GET shows");
    assert_eq!(["PUT", "PROPFIND", "M-SEARCH"].map(send), [200; 3]);
}

#[test]
fn a_method_without_measure_is_refused_and_not_remembered() {
    let world = World::build(provider::keycloak, "", "", WRITING);
    let long = "A".repeat(60_000);
    let response = world.raw("GET", &format!("{long} /api/x HTTP/1.1\r\nHost: {{host}}\r\nConnection: close\r\n\r\n"));
    assert_eq!(response.status, 400, "{}", response.text());
    assert!(world.upstream.seen().is_empty());
    let decisions = client::get(world.gateway.admin, "/decisions", &[]).unwrap();
    for said in [world.gateway.log(), decisions.text()] {
        assert!(!said.contains(&"A".repeat(33)), "{} bytes", said.len());
    }
    assert!(decisions.text().contains(&"A".repeat(32)), "{}", decisions.text());
}

/// Spellings that PHP, Rails, qs and others read as `NAME`, in which `_` stands for itself.
fn spellings(name: &str) -> Vec<String> {
    let dotted = |with: &str| name.replace('_', with);
    let mut all: Vec<String> =
        ["", "[]", "%5B%5D", "[a]", "%00", "%00x", "+"].map(|end| format!("{name}{end}")).to_vec();
    all.extend(["%20", "+", "[", "?", "%00"].map(|start| format!("{start}{name}")));
    all.extend([".", "+", "%20", "-", "%255f", "%25255f", "%2e"].map(dotted));
    all.push(name.to_uppercase());
    all.push(name.replacen('s', "%c5%bf", 1).replacen('k', "%e2%84%aa", 1));
    if !name.starts_with('_') {
        all.extend(["[", "%5b"].map(|open| name.replacen('_', open, 1)));
        all.push(format!("{}%00x", name.replacen('_', "[", 1)));
    }
    all
}

#[test]
fn no_spelling_of_a_name_in_the_query_passes_for_another() {
    let world = World::build(provider::keycloak, "", "refuse_query: atlassian", WRITING);
    for name in ["access_token", "os_username", "os_password", "os_authType"] {
        for spelling in spellings(name) {
            for target in
                [format!("/rest?{spelling}=x"), format!("/rest?a=b&{spelling}=x"), format!("/rest?a;{spelling}")]
            {
                assert_refused(&world.get(&target, &[ALICE]), 401, &target);
            }
        }
    }
    for spelling in
        spellings("_method").into_iter().chain([".method", "%20.method", "x_http_method_override"].map(str::to_owned))
    {
        let target = format!("/api/x?{spelling}=DELETE");
        let head = format!("PUT {target} HTTP/1.1\r\nHost: {{host}}\r\nConnection: close\r\n\r\n");
        assert_refused(&world.raw("PUT", &head), 400, &target);
    }
    assert!(world.upstream.seen().is_empty(), "{:?}", world.upstream.seen());
    let same = "PUT /api/x?_method=PATCH&method=DELETE HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n";
    assert_eq!(world.raw("PUT", same).status, 200, "PATCH has the same rules");
}

#[test]
fn a_path_that_is_decoded_or_parsed_again_is_of_the_same_route() {
    let allow = "allow_in_path: [encoded_percent]";
    let public =
        format!("  - match: {{path: /open}}\n    public: true\n    upstream: {{url: \"{{upstream}}\"}}\n    {allow}\n");
    let world = World::build(provider::keycloak, "", allow, &public);
    // A server behind that decodes once more, or that parses what another decoded, would find itself elsewhere.
    for target in ["/%256fpen/x", "/%25256fpen", "/open%3bx", "/open%3fx", "/open%23", "/open%252fx", "/%256fpen%3fx"] {
        let response = world.get(target, &[ALICE]);
        assert_refused(&response, 400, target);
    }
    for target in ["/open/%252e%252e/rest", "/open/..%252frest", "/open/..%3b/rest", "/open/..%3fx", "/open/%25252e./x"]
    {
        assert_refused(&world.get(target, &[]), 400, target);
    }
    assert!(world.upstream.seen().is_empty(), "{:?}", world.upstream.seen());
    for target in ["/open/%256fpen", "/open/what%3F", "/open/a%3bb/c%23", "/open/100%25", "/open/a%252fb"] {
        assert_eq!(world.get(target, &[]).status, 200, "{target}");
        assert_eq!(world.upstream.seen().pop().unwrap().target, target);
    }
}

#[test]
fn a_trailer_says_no_more_than_a_header_may() {
    let world = World::build(provider::keycloak, "", "cookies: pass\nauthorization: keep", WRITING);
    let names = [
        "X-Remote-User",
        "x_remote_user",
        "X-HTTP-Method-Override",
        "x.http.method",
        "X_Method_Override",
        "True-Client-IP",
        "X-Forwarded-For",
        "SSL_CLIENT_CERT",
        "Authorization",
        "Cookie",
        "Content-Type",
        "content_length",
        "If-Match",
        "Range",
        "Proxy",
        "X-Request-Id",
    ];
    let trailers: String = names.iter().map(|name| format!("{name}: DELETE\r\n")).collect();
    let announced = names.join(", ");
    for (path, token) in [("/rest", ALICES), ("/api/x", "")] {
        let method = if token.is_empty() { "PUT" } else { "POST" };
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {{host}}\r\n{token}Transfer-Encoding: chunked\r\nTrailer: {announced}, X-Sum\r\nConnection: close\r\n"
        );
        let body = format!("\r\n3\r\nabc\r\n0\r\n{trailers}X-Sum: 7\r\n\r\n");
        let response = world.raw(method, &(head + &body));
        assert_eq!(response.status, 200, "{}", response.text());
        let seen = world.upstream.seen().pop().unwrap();
        let passed: Vec<String> = seen.trailers.iter().map(|(name, _)| name.to_lowercase()).collect();
        assert_eq!(passed, ["x-sum"], "{path}");
        assert_eq!(seen.body, b"abc");
    }
}

#[test]
fn headers_that_servers_believe_do_not_pass() {
    let world = World::build(provider::keycloak, "", "", WRITING);
    let names = [
        "True-Client-IP",
        "CF-Connecting-IP",
        "CF-Visitor",
        "X-Client-IP",
        "Client-IP",
        "Client_IP",
        "X-Cluster-Client-IP",
        "X-Envoy-External-Address",
        "X-Envoy-Internal",
        "X-Real-IP",
        "X-Real_IP",
        "Fastly-Client-IP",
        "X-Appengine-User-IP",
        "X-Appengine-Cron",
        "Front-End-Https",
        "SSL-Client-Cert",
        "SSL_CLIENT_S_DN",
        "X-SSL-Client-Verify",
        "X-Client-Cert",
        "X-Client-Certificate",
        "Client-Cert",
        "Client-Cert-Chain",
        "X-ARR-ClientCert",
        "X-Forwarded-Client-Cert",
        "X-Amzn-Mtls-Clientcert",
        "WL-Proxy-Client-IP",
        "X-Azure-ClientIP",
        "Forwarded-For",
        "X-Host",
        "X-Original-URL",
        "X-Rewrite-URL",
        "X-Accel-Mapping",
        "X-Middleware-Subrequest",
    ];
    let mut headers: Vec<(&str, &str)> = names.iter().map(|name| (*name, "203.0.113.66")).collect();
    headers.extend([("X-Other", "kept"), ("Client", "kept")]);
    let lower: Vec<(String, &str)> = headers.iter().map(|(name, value)| (name.to_lowercase(), *value)).collect();
    let lower: Vec<(&str, &str)> = lower.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    let check = |what: &str| {
        let seen = world.upstream.seen().pop().unwrap();
        assert!(!seen.headers.iter().any(|(_, value)| value.contains("203.0.113.66")), "{what}: {:?}", seen.headers);
        assert_eq!((seen.header("x-other"), seen.header("client")), (Some("kept"), Some("kept")), "{what}");
    };
    let with = |headers: &[(&'static str, &'static str)]| headers.to_vec();
    for (path, credential) in [("/rest", with(&[ALICE])), ("/api/x", Vec::new())] {
        let method = if path == "/rest" { "GET" } else { "PUT" };
        let all = [credential.clone(), headers.clone()].concat();
        assert_eq!(client::send(world.gateway.address, method, path, &all, b"").unwrap().status, 200, "{path}");
        check(path);
    }
    let all = [&[("authorization", ALICE.1)], &lower[..]].concat();
    assert_eq!(h2c(world.gateway.address, "/rest", &all).status, 200);
    check("over HTTP/2");
}
