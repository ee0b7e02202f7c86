use super::*;
use crate::refusal::Cause;
use serde_json::json;
use std::sync::LazyLock;

const NOW: i64 = 1_700_000_000;

fn token(header: &str, claims: &str) -> String {
    format!(
        "{}.{}.{}",
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(claims),
        URL_SAFE_NO_PAD.encode("signature")
    )
}

fn rules() -> SignatureRules<'static> {
    static LISTS: LazyLock<[Vec<String>; 3]> = LazyLock::new(|| {
        [["https://id.example.com", "https://login.example.com/{tid}/v2.0"], ["RS256", "ES256"], ["JWT", "at+jwt"]]
            .map(|list| list.map(str::to_owned).to_vec())
    });
    let [issuers, algorithms, types] = &*LISTS;
    SignatureRules { issuers, algorithms, types, expires: true }
}

fn admit(header: &Value, claims: &Value) -> Result<(), Refusal> {
    let text = token(&header.to_string(), &claims.to_string());
    let token = Jws::read(&text)?;
    rules().admit_header(&token)?;
    rules().admit_claims(&token, NOW)
}

fn header(more: &Value) -> Value {
    let mut header = json!({"alg": "RS256"});
    header.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    header
}

fn claims(more: &Value) -> Value {
    let mut claims = json!({"iss": "https://id.example.com", "exp": NOW + 60});
    claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    claims
}

#[test]
fn what_cannot_be_read_is_the_tokens_fault() {
    let (good_header, good_claims) = (r#"{"alg":"RS256"}"#, r#"{"iss":"x"}"#);
    assert!(Jws::read(&token(good_header, good_claims)).is_ok());
    let long = format!(r#"{{"alg":"RS256","x":{}1{}}}"#, "[".repeat(40), "]".repeat(40));
    for (header, claims) in [
        ("[]", good_claims),
        (r#"{"alg":"RS256","alg":"RS256"}"#, good_claims),
        (r#"{"alg":"RS256","alg":"none"}"#, good_claims),
        (r#"{"alg":1}"#, good_claims),
        (r#"{"typ":"JWT"}"#, good_claims),
        (r#"{"alg":"RS256","kid":7}"#, good_claims),
        (r#"{"alg":"RS256","typ":null}"#, good_claims),
        (r#"{"alg":"RS256","crit":["b64"],"b64":false}"#, good_claims),
        (r#"{"alg":"RS256","crit":[]}"#, good_claims),
        (&long, good_claims),
        (good_header, "[]"),
        (good_header, "\"x\""),
        (good_header, r#"{"iss":"x","iss":"y"}"#),
        (good_header, r#"{"iss":"x""#),
        (good_header, ""),
    ] {
        let refused = Jws::read(&token(header, claims)).unwrap_err();
        assert_eq!(refused.cause, Cause::InvalidToken, "{header} {claims}");
    }
    let good = token(good_header, good_claims);
    let (rest, _) = good.rsplit_once('.').unwrap();
    for broken in [rest.to_owned(), format!("{rest}."), format!("{rest}.a=b"), format!("{good}.x"), format!(" {good}")]
    {
        assert!(Jws::read(&broken).is_err(), "{broken}");
    }
    // Bits behind the last byte, padding, the other alphabet: one token has one spelling.
    for spelling in ["e30=", "e31", "+w"] {
        assert!(Jws::read(&format!("{spelling}.{rest}")).is_err());
        assert!(Jws::read(&format!("{rest}.{spelling}")).is_err(), "{spelling}");
    }
}

#[test]
fn the_header_is_held_to_the_rules() {
    let good = claims(&json!({}));
    for accepted in [
        json!({}),
        json!({"typ": "JWT"}),
        json!({"typ": "jwt"}),
        json!({"typ": "application/AT+JWT"}),
        json!({"alg": "ES256"}),
        // Keys that a token brings along are not looked at.
        json!({"jwk": {"kty": "oct", "k": "eA"}, "jku": "https://evil.example", "x5u": "https://evil.example", "x5c": ["x"]}),
    ] {
        assert_eq!(admit(&header(&accepted), &good), Ok(()), "{accepted}");
    }
    for refused in [
        json!({"alg": "none"}),
        json!({"alg": "HS256"}),
        json!({"alg": "rs256"}),
        json!({"alg": "RS256 "}),
        json!({"alg": "PS256"}),
        json!({"typ": "dpop+jwt"}),
        json!({"typ": "logout+jwt"}),
        json!({"typ": "secevent+jwt"}),
        json!({"typ": "application/x/at+jwt"}),
        json!({"typ": ""}),
    ] {
        assert_eq!(admit(&header(&refused), &good).unwrap_err().cause, Cause::InvalidToken, "{refused}");
    }
}

#[test]
fn the_issuer_is_compared_character_by_character() {
    let iss = |iss: &str, tid: Value| admit(&header(&json!({})), &claims(&json!({"iss": iss, "tid": tid})));
    assert_eq!(iss("https://id.example.com", Value::Null), Ok(()));
    assert_eq!(iss("https://login.example.com/t1/v2.0", json!("t1")), Ok(()));
    for (issuer, tid) in [
        ("https://id.example.com/", Value::Null),
        ("https://ID.example.com", Value::Null),
        ("https://id.example.com.evil.example", Value::Null),
        ("", Value::Null),
        // Another tenant's token, and one that names none.
        ("https://login.example.com/t1/v2.0", json!("t2")),
        ("https://login.example.com/t1/v2.0", Value::Null),
        ("https://login.example.com//v2.0", json!("")),
        ("https://login.example.com/{tid}/v2.0", Value::Null),
        ("https://login.example.com/1/v2.0", json!(1)),
    ] {
        assert!(iss(issuer, tid.clone()).is_err(), "{issuer} {tid}");
    }
    let without = json!({"exp": NOW + 60});
    assert!(admit(&header(&json!({})), &without).is_err());
    assert!(admit(&header(&json!({})), &claims(&json!({"iss": ["https://id.example.com"]}))).is_err());
}

#[test]
fn times_are_numbers_and_a_minute_is_forgiven() {
    let times = |more: Value| admit(&header(&json!({})), &claims(&more));
    for good in [
        json!({"exp": NOW - 59}),
        json!({"exp": NOW as f64 + 0.5}),
        json!({"exp": 1e300}),
        json!({"nbf": NOW + 60}),
        json!({"nbf": -1}),
        json!({"iat": NOW + 100_000}),
    ] {
        assert_eq!(times(good.clone()), Ok(()), "{good}");
    }
    for bad in [
        json!({"exp": NOW - 60}),
        // Rounded down.
        json!({"exp": NOW as f64 - 59.5}),
        json!({"exp": -1}),
        json!({"exp": -1e300}),
        json!({"exp": (NOW + 60).to_string()}),
        json!({"exp": null}),
        json!({"exp": [NOW + 60]}),
        json!({"nbf": NOW + 61}),
        json!({"nbf": "0"}),
        json!({"iat": "0"}),
        json!({"iat": true}),
    ] {
        assert_eq!(times(bad.clone()).unwrap_err().cause, Cause::InvalidToken, "{bad}");
    }
    let text = token(r#"{"alg":"RS256"}"#, r#"{"iss":"https://id.example.com"}"#);
    let endless = Jws::read(&text).unwrap();
    assert!(rules().admit_claims(&endless, NOW).is_err(), "an end is required");
    assert!(SignatureRules { expires: false, ..rules() }.admit_claims(&endless, NOW).is_ok());
}
