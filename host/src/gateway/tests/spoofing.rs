//! No header, name, trailer or `Connection` of a client speaks of its identity or its way to the upstream.

use super::harness::{as_alice, as_nobody, gate, get, http2, raw, route, status, upstream};
use crate::decision::Pass;
use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use std::time::Duration;

const ALIASES: [&str; 16] = [
    "X-Remote-User",
    "x-remote-user",
    "X_Remote_User",
    "X.Remote.User",
    "X-Remote_User",
    "x~remote~user",
    "x!remote!user",
    "x'remote'user",
    "X+REMOTE+USER",
    "x*remote*user",
    "x|remote|user",
    "x^remote`user",
    "x#remote$user",
    "x&remote%user",
    "X-Remote.User",
    "x_remote-groups",
];

fn seen<'a>(answer: &'a str, kind: &str) -> Vec<&'a str> {
    answer.lines().filter_map(|line| line.strip_prefix(kind)?.strip_prefix(": ")).collect()
}

fn identities(answer: &str) -> Vec<&str> {
    let folds_to_identity = |line: &str| {
        let name: String = line.split('=').next().unwrap_or("").chars().filter(char::is_ascii_alphanumeric).collect();
        name.to_lowercase().starts_with("xremote")
    };
    ["header", "trailer"].iter().flat_map(|kind| seen(answer, kind)).filter(|line| folds_to_identity(line)).collect()
}

#[tokio::test]
async fn every_alias_is_dropped_on_every_route_over_http1_and_http2() {
    let upstream = format!("http://{}", upstream().await);
    let protected = gate(route(&upstream, Duration::from_secs(5), None), as_alice).await;
    let public = gate(route(&upstream, Duration::from_secs(5), None), |route, _| Ok(as_nobody(route)).into()).await;
    for (address, expected) in [(protected.address, vec!["x-remote-user=alice"]), (public.address, vec![])] {
        for alias in ALIASES {
            let answer = get(address, "/", &format!("{alias}: admin\r\n{alias}: root\r\nX-Other: kept\r\n")).await;
            assert_eq!(status(&answer), 200, "{alias}: {answer}");
            assert_eq!(identities(&answer), expected, "{alias} over HTTP/1.1");
            assert!(seen(&answer, "header").contains(&"x-other=kept"));

            let request = Request::get("http://api.example.com/")
                .header(alias.to_lowercase(), "admin")
                .header(alias.to_lowercase(), "root")
                .body(Full::<Bytes>::default())
                .expect("request");
            let (_, body) = http2(address, request).await;
            assert_eq!(identities(&body), expected, "{alias} over HTTP/2");
        }
        let all: String = ALIASES.iter().map(|alias| format!("{alias}: admin\r\n")).collect();
        assert_eq!(identities(&get(address, "/", &all).await), expected, "all at once");
    }
}

#[tokio::test]
async fn connection_cannot_name_away_what_is_ours() {
    let gate = super::harness::gate_as_alice().await;
    for named in
        ["x-remote-user", "X-Remote-User, close", "x-forwarded-for, x-request-id, host, forwarded", "content-length"]
    {
        let answer = raw(
            gate.address,
            format!(
                "POST / HTTP/1.1\r\nHost: api.example.com\r\nConnection: close\r\nConnection: {named}, x-hop\r\n\
                 X-Remote-User: admin\r\nX-Hop: 1\r\nContent-Length: 3\r\n\r\nabc"
            ),
        )
        .await;
        assert_eq!(identities(&answer), ["x-remote-user=alice"], "{named}");
        let headers = seen(&answer, "header");
        for ours in ["x-forwarded-for=127.0.0.1", "x-forwarded-host=api.example.com", "content-length=3"] {
            assert!(headers.contains(&ours), "{named}: {headers:?}");
        }
        assert!(
            !headers.iter().any(|line| line.starts_with("x-hop") || line.starts_with("connection=")),
            "{headers:?}"
        );
        assert_eq!(seen(&answer, "body"), ["abc"]);
    }
}

#[tokio::test]
async fn trailers_are_cleaned_as_headers_are() {
    let gate = super::harness::gate_as_alice().await;
    let answer = raw(
        gate.address,
        "POST / HTTP/1.1\r\nHost: api.example.com\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\
         Trailer: x-sum, x_remote_user, x-remote-user, authorization, x-forwarded-for, cookie\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 42\r\n\
         X_Remote_User: admin\r\nX-Remote-User: admin\r\nAuthorization: Bearer x\r\nX-Forwarded-For: 6.6.6.6\r\nCookie: a=b\r\n\r\n",
    )
    .await;
    assert_eq!(seen(&answer, "trailer"), ["x-sum=42"], "{answer}");
    assert_eq!(identities(&answer), ["x-remote-user=alice"]);
    assert_eq!(seen(&answer, "body"), ["abc"]);
}

#[tokio::test]
async fn the_forwarding_family_is_set_afresh() {
    let gate = super::harness::gate_as_alice().await;
    let answer = get(
        gate.address,
        "/",
        "X-Forwarded-For: 6.6.6.6\r\nX_Forwarded_For: 6.6.6.6\r\nX.Forwarded.Proto: https\r\nX-Forwarded-Host: evil\r\n\
         X-Forwarded-Prefix: /evil\r\nX-Forwarded-Anything: 1\r\nForwarded: for=6.6.6.6\r\nX-Real-IP: 6.6.6.6\r\n\
         X-Original-URL: /evil\r\nX-Rewrite-URL: /evil\r\nX-Request-Id: evil\r\nX_Request_Id: evil\r\nProxy: http://evil\r\n\
         Content_Length: 5\r\nTransfer_Encoding: chunked\r\nProxy-Authorization: Basic evil\r\n",
    )
    .await;
    let mut headers = seen(&answer, "header");
    headers.retain(|line| !line.starts_with("x-request-id=") && !line.starts_with("via=1.1 portcullis-"));
    headers.sort_unstable();
    let host = headers.iter().find(|line| line.starts_with("host=127.0.0.1:")).copied().expect("the upstream's host");
    assert_eq!(
        headers,
        [
            "forwarded=for=127.0.0.1;host=\"api.example.com\";proto=http",
            host,
            "x-forwarded-for=127.0.0.1",
            "x-forwarded-host=api.example.com",
            "x-forwarded-proto=http",
            "x-remote-user=alice",
        ]
    );
    assert!(!answer.contains("evil"), "{answer}");
}

#[tokio::test]
async fn credentials_go_upstream_only_where_the_route_says_so() {
    let upstream = format!("http://{}", upstream().await);
    let lines = "Authorization: Bearer secret\r\nCookie: session=bob\r\n";
    for (keep, cookies) in [(false, false), (true, false), (false, true), (true, true)] {
        let gate = gate(route(&upstream, Duration::from_secs(5), None), move |route, _| {
            Ok(Pass { keep_authorization: keep, pass_cookies: cookies, ..as_nobody(route) }).into()
        })
        .await;
        let answer = get(gate.address, "/", lines).await;
        let headers = seen(&answer, "header");
        assert_eq!(headers.contains(&"authorization=Bearer secret"), keep);
        assert_eq!(headers.contains(&"cookie=session=bob"), cookies);
        let answer = get(gate.address, "/headers", "").await.to_lowercase();
        assert_eq!(answer.contains("set-cookie: session=alice"), cookies, "{answer}");
        for hop in ["x-hop:", "keep-alive:", "proxy-authenticate:", "upstreams-own"] {
            assert!(!answer.contains(hop), "{hop} in {answer}");
        }
        assert!(answer.contains("x-end: 1\r\n") && answer.contains("x-end: 2\r\n"), "{answer}");
    }
}

#[tokio::test]
async fn a_request_id_is_ours_alike_on_both_sides_and_never_twice() {
    let gate = super::harness::gate_as_alice().await;
    let mut ids = std::collections::HashSet::new();
    for _ in 0..20 {
        let answer = get(gate.address, "/", "").await;
        let ours: Vec<&str> = answer.lines().filter_map(|line| line.strip_prefix("x-request-id: ")).collect();
        let [id] = ours[..] else { panic!("{answer}") };
        assert!(id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
        assert!(seen(&answer, "header").contains(&&*format!("x-request-id={id}")), "{answer}");
        assert!(ids.insert(id.to_owned()), "{id} twice");
    }
}
