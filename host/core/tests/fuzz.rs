//! Fuzzing of what reads hostile bytes, on stable: inputs of a kept corpus (`corpus/`), mutated. Each target says what must hold
//! whatever comes in. `PROPTEST_CASES` sets how many; an input that was found goes into the corpus under a name that says why.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, in its helpers too"
)]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portcullis_core::credential::{BearerToken, Credential, JwtForm, Presented, is_b64token, read_authorization};
use portcullis_core::header::{is_visible_ascii, percent_encode, render_one};
use portcullis_core::json::{self, Content, Limits};
use portcullis_core::jws::Jws;
use portcullis_core::method;
use portcullis_core::problem::Problems;
use portcullis_core::target::{NormalTarget, QueryNames};
use portcullis_core::tree;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::path::Path;

/// A change of an input.
#[derive(Debug, Clone)]
enum Change {
    Put(usize, Vec<u8>),
    Cut(usize, usize),
    Flip(usize, u8),
    Repeat(usize, usize, usize),
}

/// What breaks parsers more often than chance finds it.
const PIECES: [&[u8]; 24] = [
    b"%2f",
    b"%2e%2e",
    b"/../",
    b"//",
    b"\\",
    b";",
    b"#",
    b"?",
    b"%",
    b"%00",
    b"\r\n",
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"${A}",
    b": ",
    b"- ",
    b"&a",
    b"*a",
    b"{",
    b"[",
    b"\"",
    b"\\u0000",
    b",",
];

fn change() -> impl Strategy<Value = Change> {
    let piece = prop_oneof![
        proptest::sample::select(PIECES.as_slice()).prop_map(<[u8]>::to_vec),
        proptest::collection::vec(any::<u8>(), 1..6)
    ];
    prop_oneof![
        (any::<usize>(), piece).prop_map(|(at, piece)| Change::Put(at, piece)),
        (any::<usize>(), 1..20_usize).prop_map(|(at, length)| Change::Cut(at, length)),
        (any::<usize>(), any::<u8>()).prop_map(|(at, mask)| Change::Flip(at, mask)),
        (any::<usize>(), 1..30_usize, 1..40_usize).prop_map(|(at, length, times)| Change::Repeat(at, length, times)),
    ]
}

fn changed(mut input: Vec<u8>, changes: &[Change]) -> Vec<u8> {
    for change in changes {
        let place = |at: usize| at % (input.len() + 1);
        match change {
            Change::Put(at, piece) => {
                let at = place(*at);
                input.splice(at..at, piece.iter().copied());
            }
            Change::Cut(at, length) => {
                let at = place(*at);
                let end = (at + length).min(input.len());
                input.drain(at..end);
            }
            Change::Flip(at, mask) => {
                let at = place(*at);
                if let Some(byte) = input.get_mut(at) {
                    *byte ^= mask;
                }
            }
            Change::Repeat(at, length, times) => {
                let at = place(*at);
                let end = (at + length).min(input.len());
                let piece = input[at..end].repeat(*times);
                input.splice(at..at, piece);
            }
        }
    }
    input
}

/// Runs a target over its corpus as it is, then over changes of it.
fn fuzz(name: &str, target: impl Fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(name);
    let folder = if folder.is_dir() { folder } else { Path::new("tests/corpus").join(name) };
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let corpus: Vec<Vec<u8>> = files.iter().map(|file| std::fs::read(file).unwrap()).collect();
    assert!(corpus.len() >= 3, "{} holds {} inputs", folder.display(), corpus.len());
    for input in &corpus {
        target(input);
    }
    let config = Config { failure_persistence: None, ..Config::default() };
    let strategy = (proptest::sample::select(corpus), proptest::collection::vec(change(), 0..8));
    TestRunner::new(config)
        .run(&strategy, |(input, changes)| {
            target(&changed(input, &changes));
            Ok(())
        })
        .unwrap();
}

#[test]
fn target() {
    fuzz("target", |input| {
        let Ok(text) = std::str::from_utf8(input) else { return };
        for method in ["GET", "OPTIONS", "CONNECT"] {
            let Ok(target) = NormalTarget::parse(text, &["api.example.com"], method) else { continue };
            let path = target.path();
            assert!(
                path.starts_with('/') && path.bytes().all(|byte| (0x21..0x7f).contains(&byte)),
                "{text:?}: {path:?}"
            );
            assert!(!path.contains(['\\', '#', '?']), "{text:?}: {path:?}");
            assert!(path.split('/').all(|segment| !matches!(segment, "." | "..")), "{text:?}: {path:?}");
            // What is forwarded is read as the same once more, and by its route.
            let again = target.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
            let again = NormalTarget::parse(&again, &["api.example.com"], "GET").expect("its own output is refused");
            assert_eq!((again.path(), again.query(), again.oddities()), (path, target.query(), target.oddities()));
            assert!(target.has_prefix("") && target.further_readings().all(|reading| reading.has_prefix("")));
            // However often a server decodes, and wherever it cuts, it meets no dot segment.
            let mut decoded = path.to_owned();
            for _ in 0..6 {
                let bare = |segment: &str| segment.split([';', '?', '#']).next().unwrap_or_default().to_owned();
                let dots = decoded.split(['/', '\\']).map(bare).any(|segment| matches!(segment.as_str(), "." | ".."));
                assert!(!dots, "{text:?}: {decoded:?}");
                decoded = percent_encoding::percent_decode_str(&decoded).decode_utf8().expect("looked at").into_owned();
            }
        }
    });
}

/// A name that is refused is found however it is written, by each of the readings that servers have.
#[test]
fn query() {
    let wanted = QueryNames::of(["access_token", "_method"]);
    let fold = |name: &[u8]| -> Vec<u8> { name.iter().map(|byte| portcullis_core::header::fold_byte(*byte)).collect() };
    fuzz("query", |input| {
        let text = String::from_utf8_lossy(input);
        let Ok(target) = NormalTarget::parse(&format!("/?{text}"), &["api.example.com"], "GET") else { return };
        let found = target.query_name(&wanted);
        for pair in text.split(['&', ';']) {
            let name = pair.split('=').next().unwrap_or_default().replace('+', " ");
            let decoded: Vec<u8> = percent_encoding::percent_decode_str(&name).collect();
            // PHP: leading spaces off, cut at NUL, then folded; of a name with brackets what stands before them.
            let php: Vec<u8> =
                decoded.iter().copied().skip_while(|byte| *byte == b' ').take_while(|byte| *byte != 0).collect();
            let before: Vec<u8> = php.iter().copied().take_while(|byte| *byte != b'[').collect();
            let again: Vec<u8> = percent_encoding::percent_decode(&decoded).collect();
            for reading in [&decoded, &php, &before, &again] {
                let folded = fold(reading);
                if folded == b"access-token" || folded == b"-method" {
                    assert!(found.is_some(), "{text:?}: {reading:?}");
                }
            }
        }
        // What was found is found again beside whatever else, and nothing is found where nothing is wanted.
        if let Some(found) = found {
            assert!(target.query_values(&QueryNames::of([found])).count() > 0, "{text:?}");
        }
        assert_eq!(target.query_name(&QueryNames::default()), None);
    });
}

#[test]
fn method() {
    fuzz("method", |input| {
        if let Some(claimed) = method::claimed(input) {
            assert!(method::is_unambiguous(claimed.as_bytes()), "{claimed:?}");
            assert!(claimed.eq_ignore_ascii_case(String::from_utf8_lossy(input).trim()), "{claimed:?}");
        }
        let text = String::from_utf8_lossy(input);
        let accepted = NormalTarget::parse("/", &["a"], &text).is_ok();
        assert_eq!(accepted, method::is_unambiguous(text.as_bytes()) && text != "CONNECT", "{text:?}");
        // No server that maps letter case makes another method of what is accepted.
        assert!(!accepted || (text.to_uppercase() == text && text.len() <= 32), "{text:?}");
    });
}

#[test]
fn value() {
    fuzz("value", |input| {
        let text = String::from_utf8_lossy(input);
        let encoded = render_one(&text, true).expect("anything can be encoded");
        assert!(is_visible_ascii(&encoded) && !encoded.contains(' '), "{text:?}: {encoded:?}");
        let decoded: Vec<u8> = percent_encoding::percent_decode_str(&encoded).collect();
        assert_eq!(decoded, text.as_bytes(), "{encoded:?}");
        assert!(!percent_encode(&text).contains(','));
        if let Ok(plain) = render_one(&text, false) {
            assert!(
                plain == *text && plain.bytes().all(|byte| (0x20..0x7f).contains(&byte) && byte != b','),
                "{plain:?}"
            );
        }
    });
}

#[test]
fn yaml() {
    fuzz("yaml", |input| {
        let mut problems = Problems::new("fuzz.yaml");
        match tree::parse(input, &mut problems) {
            None => assert!(!problems.is_empty(), "refused without a reason: {:?}", String::from_utf8_lossy(input)),
            Some(mut root) => {
                tree::expand(&mut root, &|name| (name.len() < 3).then(|| "value".to_owned()), &mut problems)
            }
        }
        // A message is for a terminal.
        let told = problems.to_string();
        assert!(told.chars().all(|c| c == '\n' || !c.is_control()), "{told:?}");
    });
}

#[test]
fn json() {
    fuzz("json", |input| match json::check(input, Limits::default()) {
        Content::Json(text) => {
            let read: serde_json::Value = serde_json::from_str(&text).expect("strict, and no JSON");
            assert!(read.is_object() || read.is_array(), "{text}");
            let flat = json::flatten(&text);
            assert!(flat.len() <= text.len(), "{text}");
            let masked = json::mask(&text, &["canary-token"], "***");
            assert!(!masked.contains("canary-token"), "{masked}");
            assert!(serde_json::from_str::<serde_json::Value>(&masked).is_ok(), "{masked}");
            let members = json::members(text.as_bytes(), Limits::default(), usize::MAX);
            assert_eq!(members.map(|members| members.len()), read.as_object().map(serde_json::Map::len), "{text}");
            let sub = read.get("sub").and_then(serde_json::Value::as_str);
            assert_eq!(json::text_member(&text, "sub", 32).as_deref(), sub, "{text}");
        }
        Content::Empty => assert!(String::from_utf8_lossy(input).trim_start_matches('\u{feff}').trim().is_empty()),
        Content::Other => {}
    });
}

/// A header and claims, a line each: what chooses among checks agrees with what is later verified.
#[test]
fn jwt() {
    fuzz("jwt", |input| {
        let (header, claims) = input.split_at(input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len()));
        let claims = claims.get(1..).unwrap_or_default();
        let text = format!("{}.{}.c2ln", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let token = BearerToken::new(&*text);
        match (token.form(), Jws::read(&text)) {
            (JwtForm::Jwt { alg, iss }, Ok(read)) => {
                assert_eq!(alg.as_deref(), Some(&*read.algorithm), "{text}");
                let claims: serde_json::Value = serde_json::from_str(&read.claims).expect("strict, and no JSON");
                let has_mark = String::from_utf8_lossy(input).contains('\u{feff}');
                assert!(has_mark || iss.as_deref() == claims.get("iss").and_then(serde_json::Value::as_str), "{text}");
            }
            (JwtForm::Jwt { .. }, Err(_)) => {
                let Content::Json(header) = json::check(header, Limits::default()) else { panic!("no JSON: {text}") };
                assert!(header.trim_start().starts_with('{') && header.len() <= 4096, "{text}");
            }
            (JwtForm::BrokenHeader | JwtForm::NotJwt | JwtForm::Encrypted { .. }, _) => {}
        }
    });
}

#[test]
fn authorization() {
    fuzz("authorization", |input| {
        let text = String::from_utf8_lossy(input);
        match read_authorization(std::iter::once(input)) {
            Presented::Credential(Credential::Bearer(token)) => {
                assert!(is_b64token(token.reveal()) && text.contains(token.reveal()), "{text:?}");
            }
            Presented::Credential(Credential::Basic { username, password, presented }) => {
                assert!(!username.reveal().contains(':') && text.contains(presented.reveal()), "{text:?}");
                let pair = format!("{}{}", username.reveal(), password.reveal());
                assert!(!pair.chars().any(char::is_control), "{text:?}");
            }
            Presented::Nothing => panic!("there was a header: {text:?}"),
            Presented::UnknownScheme | Presented::Malformed(_) => {}
        }
        assert!(matches!(read_authorization([input, input].into_iter()), Presented::Malformed(_)), "two headers");
    });
}
