//! What counts as a credential, what is malformed, and who is asked about it.

use crate::world::{ALICE, World, assert_refused, challenge};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

#[test]
fn a_good_token_passes_as_its_user() {
    let world = World::new();
    for scheme in ["Bearer", "bearer", "BEARER", "bEaReR"] {
        let response = world.get("/rest/me", &[("Authorization", &format!("{scheme} good-token-alice"))]);
        assert_eq!(
            (response.status, &response.json()["user"]),
            (200, &"alice".into()),
            "{scheme}: {}",
            response.text()
        );
    }
    // The provider gets the token as it came, and the upstream does not get it at all.
    let asked = world.provider.seen();
    assert!(!asked.is_empty());
    assert!(asked.iter().all(|request| request.header("authorization") == Some("Bearer good-token-alice")));
    for request in world.upstream.seen() {
        assert_eq!(request.header("authorization"), None);
        assert_eq!(request.header("x-remote-user"), Some("alice"));
    }
}

#[test]
fn different_tokens_are_different_people() {
    let world = World::new();
    for name in ["alice", "bob", "alice", "carol"] {
        let response = world.get("/", &[("Authorization", &format!("Bearer good-token-{name}"))]);
        assert_eq!(response.json()["user"], name);
    }
}

#[test]
fn nothing_presented_is_401_without_an_error_code() {
    let world = World::new();
    let response = world.get("/rest/me", &[]);
    assert_refused(&response, 401, "no credential");
    assert!(!challenge(&response).contains("error"), "RFC 6750 3.1: {response:?}");
    assert_eq!((world.provider.seen().len(), world.upstream.seen().len()), (0, 0));
}

#[test]
fn a_bad_token_is_401_invalid_token() {
    let world = World::new();
    let response = world.get("/rest/me", &[("Authorization", "Bearer not-a-good-token")]);
    assert_refused(&response, 401, "a bad token");
    assert!(challenge(&response).contains("error=\"invalid_token\""));
    assert_eq!((world.provider.seen().len(), world.upstream.seen().len()), (1, 0));
    world.assert_well();
}

#[test]
fn what_is_malformed_is_400_and_nobody_is_asked() {
    let world = World::new();
    let long = format!("Authorization: Bearer {}", "a".repeat(16 * 1024 + 1));
    let malformed = [
        "Authorization: Bearer good-token-alice\r\nAuthorization: Bearer good-token-alice",
        "Authorization: Bearer good-token-alice\r\nAuthorization: Bearer bad",
        "Authorization: Bearer bad\r\nauthorization: Bearer good-token-alice",
        "Authorization: Bearer good-token-alice\r\nAuthorization: Basic YTpi",
        "Authorization: Bearer good-token-alice\r\nAuthorization:",
        "Authorization: Bearer good-token-alice, Bearer good-token-bob",
        "Authorization: Bearer good-token-alice Bearer good-token-bob",
        "Authorization: Bearer good-token-alice,",
        "Authorization: Bearer good token",
        "Authorization: Bearer",
        "Authorization: Bearer \"good-token-alice\"",
        "Authorization: Bearer good-token-alice;x",
        "Authorization: Bearer good=token",
        "Authorization: Bearer =",
        "Authorization: Bearer good-token-ali\u{e7}e",
        "Authorization: Basic !!!",
        &long,
    ];
    for line in malformed {
        let response = world.raw("GET", &format!("GET / HTTP/1.1\r\nHost: {{host}}\r\n{line}\r\n\r\n"));
        let shown: String = line.chars().take(80).collect();
        assert_refused(&response, 400, &shown);
        assert!(challenge(&response).contains("error=\"invalid_request\""), "{shown}");
    }
    assert_eq!((world.provider.seen().len(), world.upstream.seen().len()), (0, 0));
    world.assert_well();
}

#[test]
fn sixteen_kib_are_looked_at() {
    let world = World::new();
    let token = format!("good-token-{}", "a".repeat(16 * 1024 - "good-token-".len()));
    let response = world.get("/", &[("Authorization", &format!("Bearer {token}"))]);
    // The stand-in takes the rest for the name: that it was asked is what counts.
    assert_eq!(world.provider.seen().len(), 1, "{}", response.text());
}

#[test]
fn other_schemes_are_401_with_a_bearer_challenge() {
    let world = World::new();
    for value in
        ["Basic YWxpY2U6cGFzcw==", "basic YWxpY2U6cGFzcw==", "Digest username=a", "Negotiate YII=", "good-token-alice"]
    {
        let response = world.get("/", &[("Authorization", value)]);
        assert_refused(&response, 401, value);
        challenge(&response);
    }
    assert_eq!((world.provider.seen().len(), world.upstream.seen().len()), (0, 0));
}

#[test]
fn a_jwt_that_is_not_signed_is_401_and_nobody_is_asked() {
    let world = World::new();
    let payload = URL_SAFE_NO_PAD.encode(r#"{"preferred_username":"alice"}"#);
    let headers = [
        r#"{"alg":"none"}"#,
        r#"{"alg":"None","typ":"JWT"}"#,
        r#"{"alg":"nOnE"}"#,
        r#"{"typ":"JWT"}"#,
        r#"{"alg":""}"#,
        r#"{"alg":null}"#,
        r#"{"alg":"\u006eone"}"#,
        r#"{}"#,
    ];
    for header in headers {
        for signature in ["", "c2ln"] {
            let token = format!("{}.{payload}.{signature}", URL_SAFE_NO_PAD.encode(header));
            let response = world.get("/", &[("Authorization", &format!("Bearer {token}"))]);
            assert_refused(&response, 401, header);
            assert!(challenge(&response).contains("error=\"invalid_token\""), "{header}");
        }
    }
    assert_eq!((world.provider.seen().len(), world.upstream.seen().len()), (0, 0));

    // One that says how it was signed is the provider's to judge.
    let token = format!("{}.{payload}.c2ln", URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256"}"#));
    assert_eq!(world.get("/", &[("Authorization", &format!("Bearer {token}"))]).status, 401);
    assert_eq!(world.provider.seen().len(), 1);
}

#[test]
fn a_credential_in_the_query_is_not_let_past() {
    let world = World::with_route("refuse_query: atlassian");
    let queries = [
        "/rest?access_token=good-token-alice",
        "/rest?a=b&access_token=good-token-bob",
        "/rest?ACCESS_TOKEN=x",
        "/rest?access%5Ftoken=x",
        "/rest?%61ccess_token=x",
        "/rest?access_token",
        "/rest?os_username=admin&os_password=admin",
        "/rest?os_authType=basic",
        "/rest?os%5fauthtype=basic",
        "/rest?x=1;os_password=admin",
    ];
    for target in queries {
        for headers in [&[ALICE][..], &[]] {
            let response = world.get(target, headers);
            assert!([400, 401].contains(&response.status), "{target}: {} {}", response.status, response.text());
        }
    }
    assert!(world.upstream.seen().is_empty(), "{:?}", world.upstream.seen());
    // Names that only begin or end like these are nobody's credential.
    let response = world.get_as_alice("/rest?my_access_token=1&access_token_hint=2&q=os_username");
    assert_eq!(response.status, 200, "{}", response.text());
}
