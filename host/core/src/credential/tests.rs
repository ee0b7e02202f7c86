//! Tables and properties of reading credentials.

use super::jwt::jwt_form;
use super::{BearerToken, CREDENTIAL_BYTES_MAX, Credential, JwtForm, Presented, read_authorization};
use crate::secret::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use proptest::prelude::*;

fn read(values: &[&str]) -> Presented {
    read_authorization(values.iter().map(|value| value.as_bytes()))
}

fn bearer(token: &str) -> Presented {
    Presented::Credential(Credential::Bearer(BearerToken::new(token)))
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
    let encrypted = |header: &str| jwt_form(&format!("{}.a.b.c.d", URL_SAFE_NO_PAD.encode(header)));
    assert_eq!(encrypted(r#"{"alg":"dir","enc":"A"}"#), JwtForm::Encrypted { iss: None });
    let form = encrypted(r#"{"alg":"dir","enc":"A","iss":"https://a"}"#);
    assert_eq!(form, JwtForm::Encrypted { iss: Some("https://a".into()) });
    assert!(!form.is_unsigned());
    for header in [r#"{"alg":"dir"}"#, r#"{"enc":"A","iss":"a","iss":"b"}"#, "[]", "junk"] {
        assert_eq!(encrypted(header), JwtForm::NotJwt, "{header}");
    }
    for token in
        ["abc", "a.b", "a.b.c", "gho_abc", "..", "W10.e30.x", "a.b.c.d.e", "a.b.c.d", "a.b.c.d.e.f", "bnVsbA.e30."]
    {
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

/// A token's first two parts are anybody's to write: whatever is in them, reading them costs about what decoding costs.
#[test]
fn the_worst_token_costs_about_as_much_as_a_plain_one() {
    let members = |bytes: usize| -> String { (0..bytes / 10).map(|number| format!(",\"{number:05x}\":0")).collect() };
    let plain = |bytes: usize| format!(r#"{{"alg":"RS256","x":"{}"}}"#, "y".repeat(bytes));
    let fastest = |token: &str| {
        (0..20)
            .map(|_| {
                let began = std::time::Instant::now();
                std::hint::black_box(jwt_form(std::hint::black_box(token)));
                began.elapsed()
            })
            .min()
            .unwrap()
    };
    for bytes in [12_000, 48_000] {
        let many = format!(r#"{{"alg":"RS256"{}}}"#, members(bytes));
        let nested = format!(r#"{{"alg":"RS256","x":{{"a":0{}}}}}"#, members(bytes));
        let deep = format!(r#"{{"alg":"RS256","x":{}}}"#, "[".repeat(bytes));
        let escaped = format!(r#"{{"alg":"RS256","x":"{}"}}"#, "\\u0061".repeat(bytes / 6));
        let usual = fastest(&jwt(r#"{"alg":"RS256"}"#, &plain(bytes)));
        for worst in [many, nested, deep, escaped] {
            for token in [jwt(&worst, "{}"), jwt(r#"{"alg":"RS256"}"#, &worst)] {
                let ratio = fastest(&token).as_secs_f64() / usual.as_secs_f64();
                assert!(
                    ratio < 20.0,
                    "{ratio:.1} times a plain token of {bytes} bytes: {}",
                    worst.chars().take(40).collect::<String>()
                );
            }
        }
    }
}

#[test]
fn a_header_beyond_measure_is_broken() {
    let with = |count: usize| -> String { (1..count).map(|number| format!(",\"a{number}\":0")).collect() };
    for (header, fits) in [
        (format!(r#"{{"alg":"RS256"{}}}"#, with(64)), true),
        (format!(r#"{{"alg":"RS256"{}}}"#, with(65)), false),
        (format!(r#"{{"alg":"RS256","x":"{}"}}"#, "y".repeat(4096 - 22)), true),
        (format!(r#"{{"alg":"RS256","x":"{}"}}"#, "y".repeat(4097 - 22)), false),
        (format!(r#"{{"alg":"RS256","x":{}0{}}}"#, "[".repeat(31), "]".repeat(31)), true),
        (format!(r#"{{"alg":"RS256","x":{}0{}}}"#, "[".repeat(32), "]".repeat(32)), false),
        (r#"{"alg":"RS256","x":{"b":0,"b":0}}"#.to_owned(), false),
    ] {
        let form = jwt_form(&jwt(&header, r#"{"iss":"a"}"#));
        assert_eq!(form == JwtForm::BrokenHeader, !fits, "{} bytes: {form:?}", header.len());
        assert_eq!(form.is_unsigned(), !fits);
    }
    // Claims have no such bounds: whoever is asked about the token, or verifies it, judges them.
    let claims = format!(r#"{{"\u0069ss":"a"{}}}"#, with(1000));
    assert_eq!(
        jwt_form(&jwt(r#"{"alg":"RS256"}"#, &claims)),
        JwtForm::Jwt { alg: Some("RS256".into()), iss: Some("a".into()) }
    );
}

#[test]
fn a_token_is_parsed_once_however_many_look_at_it() {
    let token = BearerToken::new(jwt(r#"{"alg":"RS256"}"#, r#"{"iss":"a"}"#));
    let shared = token.clone();
    assert!(std::ptr::eq(token.form(), shared.form()) && std::ptr::eq(token.reveal(), shared.reveal()));
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
