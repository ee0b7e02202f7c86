//! What the cases cannot ask for: kinds, clients, bindings, attributes, and the words of a refusal.

use super::*;
use crate::{Cause, Moment, testing};

fn read(json: &str, username: &[&str], wanted: &[&str]) -> Result<Identity, Refusal> {
    let context = testing::context(&[], username, wanted);
    let answer = Object::claims(json).expect("an object");
    Facts::of_token(&context, &answer).services("service-account-").identity()
}

fn identity(json: &str) -> Identity {
    read(json, &[], &[]).expect("an identity")
}

#[test]
fn a_program_is_told_from_a_person() {
    for (json, service) in [
        (r#"{"preferred_username":"alice","sub":"1","azp":"app"}"#, false),
        (r#"{"preferred_username":"service-account-app"}"#, true),
        (r#"{"preferred_username":"x","username":"service-account-app"}"#, true),
        (r#"{"preferred_username":"x","sub":"app","azp":"app"}"#, true),
        (r#"{"preferred_username":"x","sub":"app","client_id":"app"}"#, true),
        (r#"{"preferred_username":"x","sub":"app","cid":"app"}"#, true),
        (r#"{"preferred_username":"x","sub":"app","azp":"other","client_id":"app"}"#, true),
        (r#"{"preferred_username":"x","sub":"","azp":""}"#, false),
    ] {
        assert_eq!(matches!(identity(json).kind, Actor::Service), service, "{json}");
    }
    // Named by another attribute, it is a program all the same.
    let by_email = read(r#"{"preferred_username":"service-account-app","email":"root@x"}"#, &["email"], &[]).unwrap();
    assert!(matches!(by_email.kind, Actor::Service));
}

#[test]
fn another_kind_of_token_is_none_for_access() {
    let read = |member: &str| {
        let json = format!(r#"{{"preferred_username":"alice","sub":"1","aud":"api",{member}}}"#);
        (json.clone(), Object::claims(&json).expect("an object"))
    };
    let context = testing::context(&[], &[], &[]);
    for (member, as_access, as_id) in [
        (r#""typ":"Bearer""#, true, true),
        (r#""typ":"Refresh""#, false, false),
        (r#""typ":"Offline""#, false, false),
        (r#""typ":"Logout""#, false, false),
        (r#""token_use":"refresh_token""#, false, false),
        (r#""token_type":"urn:ietf:params:oauth:token-type:refresh_token""#, false, false),
        (r#""token_type":"urn:ietf:params:oauth:token-type:access_token""#, true, true),
        (r#""typ":"ID""#, false, true),
        (r#""token_type":"urn:ietf:params:oauth:token-type:id_token""#, false, true),
        (r#""at_hash":"abc""#, false, true),
        (r#""c_hash":"abc""#, false, true),
        (r#""s_hash":"abc""#, false, true),
        (r#""at_hash":null"#, false, true),
        (r#""events":{"http://schemas.openid.net/event/backchannel-logout":{}}"#, false, false),
        (r#""events":{}"#, false, false),
        // What some providers put into access tokens, too, and what is no such object.
        (r#""nonce":"n-1""#, true, true),
        (r#""auth_time":1,"acr":"1","amr":["pwd"],"sid":"s""#, true, true),
        (r#""events":["party"]"#, true, true),
        (r#""events":null"#, true, true),
    ] {
        let (json, claims) = read(member);
        let facts = || Facts::of_token(&context, &claims);
        assert_eq!(facts().identity().is_ok(), as_access, "{json}");
        assert_eq!(facts().id_tokens().identity().is_ok(), as_id, "{json}, where ID tokens are taken");
    }
    // Where access tokens have one of them as well.
    for (member, taken) in [(r#""at_hash":"abc""#, true), (r#""c_hash":"abc""#, false), (r#""typ":"ID""#, false)] {
        let (json, claims) = read(member);
        let facts = Facts::of_token(&context, &claims).shared_with_id_tokens(&["at_hash"]);
        assert_eq!(facts.identity().is_ok(), taken, "{json}");
    }
    // A userinfo answer is no token, and may repeat what stood in one.
    let userinfo = Object::parse(&crate::Content::Json(read(r#""at_hash":"abc","events":{}"#).0)).expect("an object");
    assert!(Facts::of_token(&context, &userinfo).identity().is_ok());
}

#[test]
fn a_binding_is_never_lost() {
    for (cnf, expected) in [
        (r#"{"jkt":"a"}"#, vec![("jkt", "a")]),
        (r#"{"jkt":"a","x5t#S256":"b"}"#, vec![("jkt", "a"), ("x5t#S256", "b")]),
        (r#"{"jwk":{"kty":"EC"}}"#, vec![("jwk", r#"{"kty":"EC"}"#)]),
        ("{}", vec![("cnf", "{}")]),
        (r#""a""#, vec![("cnf", "a")]),
        ("null", vec![]),
    ] {
        let identity = identity(&format!(r#"{{"preferred_username":"x","cnf":{cnf}}}"#));
        let got: Vec<_> = identity.confirmation.iter().map(|pair| (pair.name.as_str(), pair.value.as_str())).collect();
        assert_eq!(got, expected, "{cnf}");
    }
}

/// Nothing else says so where a provider leaves out `cnf`.
#[test]
fn a_bound_kind_of_token_is_refused() {
    let context = testing::context(&[], &[], &[]);
    for kind in ["DPoP", "dpop", "pop", "mac", "Bearer", "bearer", "access_token"] {
        let body = format!(r#"{{"preferred_username":"x","token_type":"{kind}"}}"#);
        let answer = Object::parse(&crate::Content::Json(body)).expect("an object");
        let is_bearer = Facts::of_token(&context, &answer).identity().is_ok();
        assert_eq!(is_bearer, matches!(kind, "Bearer" | "bearer" | "access_token"), "{kind}");
    }
}

#[test]
fn facts_of_a_token() {
    let identity = identity(
        r#"{"preferred_username":"alice","sub":"7","iss":"https://x","azp":"app","aud":["a","b"],"scope":"openid READ",
            "email":"a@x","email_verified":"true","exp":1700000000.7,"iat":1,"nbf":2,"groups":["/staff",""]}"#,
    );
    assert_eq!(identity.username_attribute, "preferred_username");
    assert_eq!(identity.issuer.as_deref(), Some("https://x"));
    assert_eq!(identity.client.as_deref(), Some("app"));
    assert_eq!(identity.audiences.unwrap(), ["a", "b"]);
    assert_eq!(identity.scopes.unwrap(), ["openid", "READ"]);
    assert_eq!(identity.groups.unwrap(), ["/staff"]);
    assert_eq!(identity.email.unwrap().verified, Some(true));
    assert!(matches!(identity.expires, Some(Moment::At(1_700_000_000))));
    assert!(matches!(identity.not_before, Some(Moment::At(2))));
    assert!(identity.attributes.is_empty(), "only when wanted");
}

#[test]
fn what_is_not_told_is_none_and_not_empty() {
    let silent = identity(r#"{"preferred_username":"alice","groups":7,"scope":null,"email":"","sub":{}}"#);
    assert!(silent.groups.is_none() && silent.scopes.is_none() && silent.audiences.is_none());
    assert!(silent.email.is_none() && silent.subject.is_none());
    let told = identity(r#"{"preferred_username":"alice","groups":[],"scope":"","aud":[]}"#);
    assert_eq!((told.groups, told.scopes, told.audiences), (Some(vec![]), Some(vec![]), Some(vec![])));
}

#[test]
fn attributes_by_path() {
    let json = r#"{"preferred_username":"alice","b":{"c":[1,"x",{"y":1}],"d":true},"a":9007199254740993123,"n":null}"#;
    let got: Vec<_> = read(json, &[], &["attributes"])
        .unwrap()
        .attributes
        .into_iter()
        .map(|a| (a.path, a.values.join("|")))
        .collect();
    let expected = [("a", "9007199254740993123"), ("b.c", "1|x"), ("b.d", "true"), ("preferred_username", "alice")];
    assert_eq!(got, expected.map(|(path, values)| (path.to_owned(), values.to_owned())));
}

#[test]
fn a_refusal_names_attributes_and_never_their_values() {
    let refusal = read(r#"{"sub":"canary-1","email":"canary-2","list":["canary-3"]}"#, &[], &[]).unwrap_err();
    assert!(matches!(refusal.cause, Cause::InvalidToken));
    assert_eq!(refusal.reason, "the answer has no attribute `preferred_username`, or it is empty; usable: email, sub");
    let refusal = read(r#"{"sub":["canary"]}"#, &["sub"], &[]).unwrap_err();
    assert_eq!(refusal.reason, "the attribute `sub` is a list, which is no username");
}
