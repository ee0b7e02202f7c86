//! Tables and properties of reading credentials.

use super::{CREDENTIAL_BYTES_MAX, Credential, JwtForm, Presented, jwt_form, read_authorization};
use crate::secret::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use proptest::prelude::*;

fn read(values: &[&str]) -> Presented {
    read_authorization(values.iter().map(|value| value.as_bytes()))
}

fn bearer(token: &str) -> Presented {
    Presented::Credential(Credential::Bearer(Secret::new(token)))
}

fn malformed(presented: &Presented) -> bool {
    matches!(presented, Presented::Malformed(_))
}

#[test]
fn bearer_tokens() {
    assert_eq!(read(&[]), Presented::Nothing);
    for value in ["Bearer abc", "bearer abc", "BEARER   abc", "bEaReR abc "] {
        assert_eq!(read(&[value]), bearer("abc"), "{value}");
    }
    assert_eq!(read(&["Bearer a-._~+/9=="]), bearer("a-._~+/9=="));
    let longest = "a".repeat(CREDENTIAL_BYTES_MAX);
    assert_eq!(read(&[&format!("Bearer {longest}")]), bearer(&longest));
    for value in [
        "",
        " ",
        "Bearer",
        "Bearer ",
        "Bearer =",
        "Bearer a=b",
        "Bearer a b",
        "Bearer a, Bearer b",
        "Bearer a,b",
        "Bearer a,",
        "Bearer \"a\"",
        "Bearer a;b",
        "Bearer\ta",
        "Bearer a\tb",
        "Bearer ä",
        "Bearer a\u{7f}",
        "Bearer, a",
        "Bearer: a",
        "=Bearer a",
        "Bearer a%41",
        "Bearer Bearer a",
        "Bearer {a}",
    ] {
        assert!(malformed(&read(&[value])), "{value}");
    }
    assert!(malformed(&read(&[&format!("Bearer {longest}a")])));
    assert!(malformed(&read(&["Bearer a", "Bearer a"])));
    assert!(malformed(&read(&["Bearer a", ""])));
    assert!(malformed(&read(&["Bearer a", "Basic YTpi"])));
    assert!(malformed(&read_authorization([&b"Bearer \xff"[..]].into_iter())));
}

#[test]
fn other_schemes_are_unknown() {
    for value in
        ["Negotiate YIIZ", "Digest username=\"a\", realm=\"b\"", "abc", "Token abc", "Bearerabc", "SSWS x, Bearer y"]
    {
        assert_eq!(read(&[value]), Presented::UnknownScheme, "{value}");
    }
}

#[test]
fn basic_pairs() {
    let pair = |text: &str| format!("basic {}", STANDARD.encode(text));
    let expected = Credential::Basic {
        username: Secret::new("alice"),
        password: Secret::new("se:cret"),
        presented: Secret::new(STANDARD.encode("alice:se:cret")),
    };
    assert_eq!(read(&[&pair("alice:se:cret")]), Presented::Credential(expected));
    assert!(matches!(read(&[&pair(":")]), Presented::Credential(_)));
    for value in ["Basic", "Basic !", "Basic YTpi,YTpi", "Basic YTpi YTpi", "Basic YTp", "Basic YWI=", "Basic /zph"] {
        assert!(malformed(&read(&[value])), "{value}");
    }
    assert!(malformed(&read(&[&pair("a\r\nb:c")])));
    assert!(malformed(&read(&[&pair(&"a:".repeat(CREDENTIAL_BYTES_MAX))])));
}

#[test]
fn a_credential_is_never_shown() {
    for value in ["Bearer canary-1234", "Basic Y2FuYXJ5LTEyMzQ6Y2FuYXJ5LTEyMzQ=", "Bearer canary-1234,x", "canary-1234"]
    {
        let shown = format!("{:?}", read(&[value]));
        assert!(!shown.contains("canary") && !shown.contains("Y2Fu"), "{shown}");
    }
}

fn jwt(header: &str, claims: &str) -> String {
    format!("{}.{}.c2ln", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims))
}

#[test]
fn tokens_in_the_form_of_a_jwt() {
    let form = jwt_form(&jwt(r#"{"alg":"RS256","kid":"x"}"#, r#"{"iss":"https://a","sub":"b"}"#));
    assert_eq!(form, JwtForm::Jwt { alg: Some("RS256".into()), iss: Some("https://a".into()) });
    assert!(!form.is_unsigned());
    for claims in ["{}", "junk", r#"{"iss":5}"#, r#"{"iss":"a","iss":"b"}"#] {
        let form = jwt_form(&jwt(r#"{"alg":"RS256"}"#, claims));
        assert_eq!(form, JwtForm::Jwt { alg: Some("RS256".into()), iss: None }, "{claims}");
    }
    for token in ["abc", "a.b", "a.b.c", "gho_abc", "..", "W10.e30.x", "a.b.c.d.e", "bnVsbA.e30."] {
        assert_eq!(jwt_form(token), JwtForm::NotJwt, "{token}");
        assert!(!jwt_form(token).is_unsigned());
    }
}

#[test]
fn unsigned_tokens_in_any_spelling() {
    for header in [
        r#"{"alg":"none"}"#,
        r#"{"alg":"None"}"#,
        r#"{"alg":"nOnE"}"#,
        r#"{"alg":" none"}"#,
        r#"{"alg":"none\u0000"}"#,
        r#"{"alg":"\u006eone"}"#,
        r#"{"alg":""}"#,
        r#"{"alg":null}"#,
        r#"{"alg":0}"#,
        r#"{"alg":["RS256"]}"#,
        r#"{"typ":"JWT"}"#,
        "{}",
        " { \"alg\" : \"none\" } ",
        r#"{"alg":"none","alg":"RS256"}"#,
        r#"{"alg":"RS256","ALG":"none"}"#,
        r#"{"alg":"RS256"}x"#,
        r#"{"alg":"RS256""#,
        r#"{alg:"RS256"}"#,
    ] {
        let token = jwt(header, "{}");
        assert!(jwt_form(&token).is_unsigned(), "{header}");
        let without_signature = token.trim_end_matches("c2ln");
        assert!(jwt_form(without_signature).is_unsigned(), "{header} without signature");
    }
    let padded = format!("{}.e30.", STANDARD.encode(r#"{"alg":"none","x":"???>>>"}"#));
    assert!(jwt_form(&padded).is_unsigned());
}

proptest! {
    #[test]
    fn what_is_read_is_what_was_sent(token in "[A-Za-z0-9._~+/-]{1,60}={0,2}", spaces in " {1,4}", scheme in "[Bb][Ee][Aa][Rr][Ee][Rr]") {
        prop_assert_eq!(read(&[&format!("{scheme}{spaces}{token}")]), bearer(&token));
    }

    #[test]
    fn anything_else_in_a_token_is_malformed(token in "[ -~]{1,30}") {
        let presented = read(&[&format!("Bearer {token}")]);
        prop_assert_eq!(malformed(&presented), !super::is_b64token(token.trim_matches(' ')));
    }

    #[test]
    fn basic_pairs_come_apart_at_the_first_colon(username in "[^:\\pC]{0,20}", password in "[^\\pC]{0,20}") {
        let value = format!("Basic {}", STANDARD.encode(format!("{username}:{password}")));
        match read(&[&value]) {
            Presented::Credential(Credential::Basic { username: user, password: pass, .. }) => {
                prop_assert_eq!((user.reveal(), pass.reveal()), (&*username, &*password));
            }
            other => prop_assert!(false, "{:?}", other),
        }
    }

    #[test]
    fn no_bytes_cause_a_panic(value in prop::collection::vec(any::<u8>(), 0..60)) {
        let _ = read_authorization([value.as_slice()].into_iter());
        let _ = jwt_form(&String::from_utf8_lossy(&value));
    }

    #[test]
    fn an_algorithm_is_read_as_written(alg in "[A-Za-z0-9]{1,8}") {
        let form = jwt_form(&jwt(&format!(r#"{{"alg":"{alg}"}}"#), "{}"));
        prop_assert_eq!(form.is_unsigned(), alg.eq_ignore_ascii_case("none"));
        prop_assert_eq!(form, JwtForm::Jwt { alg: Some(alg), iss: None });
    }
}
