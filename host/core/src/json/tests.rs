//! Strict JSON as tables and properties.

use super::*;
use proptest::prelude::*;
use serde_json::Value;

fn is_json(text: &str) -> bool {
    check(text.as_bytes(), Limits::default()) == Content::Json(text.to_owned())
}

#[test]
fn what_is_json() {
    for text in [
        "{}",
        "[]",
        " {\"a\":1}\n",
        "{\"a\":{\"a\":1},\"b\":[{\"a\":1},{\"a\":2}]}",
        "[1,-0,1.5e+3,0.1,1E5,123456789012345678901234567890]",
        "[\"\\u00e9\\ud83d\\ude00\\n\\/\"]",
        "[true,false,null,\"\"]",
        "{\"\":1}",
        "[\"\u{7f}\u{2028}\"]",
        "{\"A\":1,\"a\":2}",
    ] {
        assert!(is_json(text), "{text}");
        assert!(serde_json::from_str::<Value>(text).is_ok(), "{text}");
    }
}

#[test]
fn what_is_not() {
    for text in [
        "1",
        "\"a\"",
        "true",
        "null",
        "{",
        "}",
        "{]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{a:1}",
        "{'a':1}",
        "[01]",
        "[1.]",
        "[.5]",
        "[+1]",
        "[1e]",
        "[-]",
        "[NaN]",
        "[tru]",
        "[\"\\x\"]",
        "[\"\\u12\"]",
        "[\"\\ud800\"]",
        "[\"\\ud800\\u0041\"]",
        "[\"\\udc00\"]",
        "[\"\n\"]",
        "[\"]",
        "[\"\\\"]",
        "{} {}",
        "{}x",
        "<html>",
        "//x\n{}",
        "{\"a\":1,\"a\":2}",
        "{\"a\":1,\"\\u0061\":2}",
        "{\"x\":{\"b\":1,\"b\":1}}",
        "[{\"b\":1,\"b\":1}]",
        "{\"$serde_json::private::Number\":\"1\"}",
        "\u{feff}\u{feff}{}",
        "\u{a0}{}",
        "eyJhbGciOiJub25lIn0.e30.",
    ] {
        assert_eq!(check(text.as_bytes(), Limits::default()), Content::Other, "{text}");
    }
    assert_eq!(check(b"{\"a\":\"\xff\"}", Limits::default()), Content::Other);
}

#[test]
fn empty_mark_depth_and_size() {
    for bytes in [&b""[..], b" \r\n\t", b"\xef\xbb\xbf", b"\xef\xbb\xbf \n"] {
        assert_eq!(check(bytes, Limits::default()), Content::Empty);
    }
    assert_eq!(check(b"\xef\xbb\xbf{}", Limits::default()), Content::Json("{}".to_owned()));
    let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert!(is_json(&deep(32)));
    assert!(!is_json(&deep(33)));
    assert!(!is_json(&deep(100_000)));
    assert!(!is_json(&format!("{}1{}", "{\"a\":".repeat(33), "}".repeat(33))));
    let limits = Limits { bytes: 4, depth: 32 };
    assert_eq!(check(b"[11]", limits), Content::Json("[11]".to_owned()));
    assert_eq!(check(b"[111]", limits), Content::Other);
}

#[test]
fn masks_what_strings_say_and_nothing_else() {
    let cases = [
        (r#"{"active":false}"#, vec!["false"], r#"{"active":false}"#),
        (r#"{"a":"false","n":12345678}"#, vec!["false", "12345678"], r#"{"a":"M","n":12345678}"#),
        (r#"{ "token" : "gho_secret" , "x":"A\u0042" }"#, vec!["gho_secret"], r#"{ "token" : "M" , "x":"A\u0042" }"#),
        (r#"{"t":"\u0067ho_\u0073ecret"}"#, vec!["gho_secret"], r#"{"t":"M"}"#),
        (r#"{"gho_secret":1}"#, vec!["gho_secret"], r#"{"M":1}"#),
        (r#"{"t":"a/b\/c"}"#, vec!["b/c"], r#"{"t":"a/M"}"#),
        (r#"["say \"gho\" now","\\"]"#, vec!["gho"], r#"["say \"M\" now","\\"]"#),
        (r#"["abcdef"]"#, vec!["abcd", "cdef"], r#"["M"]"#),
        (r#"["abcabcabc"]"#, vec!["abcabc"], r#"["M"]"#),
        (r#"["abab"]"#, vec!["ab"], r#"["MM"]"#),
        (r#"["x"]"#, vec![""], r#"["x"]"#),
        (r#"["tail abc"]"#, vec!["abc", ""], r#"["tail M"]"#),
    ];
    for (json, needles, expected) in cases {
        assert_eq!(mask(json, &needles, "M"), expected);
    }
    // Next to a mask a copy may come to be again; a needle that the mask itself holds ends, too.
    assert_eq!(mask(r#"["abMcab"]"#, &["ab", "MMc"], "M"), r#"["MM"]"#);
    assert_eq!(mask(r#"["M"]"#, &["M"], "M"), r#"["M"]"#);
}

#[test]
fn masks_tokens_that_a_provider_hands_out() {
    let cases = [
        (
            r#"{"access_token":"a","refresh_token" : "b","x":"c"}"#,
            r#"{"access_token":"M","refresh_token" : "M","x":"c"}"#,
        ),
        (
            r#"{"accessToken":"a","id-token":"b","ID_TOKEN":"c","client_secret":"d"}"#,
            r#"{"accessToken":"M","id-token":"M","ID_TOKEN":"M","client_secret":"M"}"#,
        ),
        (r#"{"access\u005ftoken":"a\"b"}"#, r#"{"access\u005ftoken":"M"}"#),
        (r#"[{"a":{"id_token":"a"}},"id_token","b"]"#, r#"[{"a":{"id_token":"M"}},"id_token","b"]"#),
        // Neither other names, nor what is no text.
        (
            r#"{"token_type":"a","token":"b","access_token_hash":"c"}"#,
            r#"{"token_type":"a","token":"b","access_token_hash":"c"}"#,
        ),
        (
            r#"{"access_token":null,"a":"b","id_token":"","refresh_token":{"c":"d"}}"#,
            r#"{"access_token":null,"a":"b","id_token":"","refresh_token":{"c":"d"}}"#,
        ),
        (r#"{"id_token":1,"a":"b"}"#, r#"{"id_token":1,"a":"b"}"#),
    ];
    for (json, expected) in cases {
        assert_eq!(mask(json, &[], "M"), expected);
        assert_eq!(mask(json, &["q"], "M"), expected);
    }
}

#[test]
fn single_members() {
    let limits = Limits { bytes: 40, depth: 3 };
    let read = |text: &'static str| members(text.as_bytes(), limits, 2);
    let found = read(r#" {"a\u0062": [1, {}] ,"c":"d"} "#).unwrap();
    assert_eq!(found, [("ab".into(), "[1, {}]"), ("c".into(), "\"d\"")]);
    assert_eq!(read("{}"), Some(Vec::new()));
    for text in [
        r#"{"a":1,"b":2,"c":3}"#,
        r#"{"a":1,"a":2}"#,
        r#"{"a":{"b":1,"b":2}}"#,
        r#"{"a":[[[]]]}"#,
        "[]",
        "{} x",
        r#"{"a":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"}"#,
    ] {
        assert_eq!(read(text), None, "{text}");
    }
    for (text, expected) in [
        (r#"{"b":{"a":"no"},"a":"yes"}"#, Some("yes")),
        (r#"{"\u0061":"y\u0065s","b":1,"b":2}"#, Some("yes")),
        (r#"{"a":"one","a":"two"}"#, None),
        (r#"{"a":"one","\u0061":1}"#, None),
        (r#"{"a":1}"#, None),
        (r#"{"a":"one"} x"#, None),
        (r#"{"a":"one""#, None),
        (r#"["a","one"]"#, None),
        ("", None),
    ] {
        assert_eq!(text_member(text, "a", 32).as_deref(), expected, "{text}");
    }
}

#[test]
fn a_table_of_attributes() {
    let json =
        r#"{"b":{"c":"x","n":9007199254740993123},"l":["p","q",1],"o":[{"name":"g"}],"e":[],"z":null,"t":true,"m":{}}"#;
    let expected = [
        ("b.c", "x"),
        ("b.n", "9007199254740993123"),
        ("e", ""),
        ("l", "p, q, 1"),
        ("m", "{}"),
        ("o.0.name", "g"),
        ("t", "true"),
        ("z", "null"),
    ];
    let mut rows = flatten(json);
    rows.sort();
    assert_eq!(rows, expected.map(|(path, text)| (path.to_owned(), text.to_owned())));
    assert!(flatten("no json").is_empty());
}

/// Any JSON value, with texts in which the needle is likely.
fn values(needle: &'static str) -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        "\\PC{0,12}",
        Just(needle.to_owned()),
        "[a-d]{0,3}".prop_map(move |s| format!("{s}{needle}{s}\\\"")),
        ".{0,8}"
    ];
    let leaf = prop_oneof![
        text.clone().prop_map(Value::String),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        Just(Value::Null)
    ];
    leaf.prop_recursive(4, 32, 5, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
            proptest::collection::btree_map(text.clone(), inner, 0..5)
                .prop_map(|m| Value::Object(m.into_iter().collect())),
        ]
    })
}

/// Each string of a JSON value, names too.
fn strings(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| strings(item, found)),
        Value::Object(members) => {
            for (name, member) in members {
                found.push(name.clone());
                strings(member, found);
            }
        }
        _ => {}
    }
}

const NEEDLE: &str = "tok\"en\\1é";

/// JSON with every character of strings that may be escaped as `\uXXXX`.
fn escaped(json: &str) -> String {
    let value: Value = serde_json::from_str(json).unwrap();
    fn write(value: &Value, out: &mut String) {
        let text = |text: &str, out: &mut String| {
            out.push('"');
            for unit in text.encode_utf16() {
                out.push_str(&format!("\\u{unit:04x}"));
            }
            out.push('"');
        };
        match value {
            Value::String(s) => text(s, out),
            Value::Array(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    write(item, out);
                }
                out.push(']');
            }
            Value::Object(members) => {
                out.push('{');
                for (index, (name, member)) in members.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    text(name, out);
                    out.push(':');
                    write(member, out);
                }
                out.push('}');
            }
            other => out.push_str(&other.to_string()),
        }
    }
    let mut out = String::new();
    write(&value, &mut out);
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn never_panics_and_agrees_with_a_parser(text in "[\\[\\]{}:,\"\\\\u0-9a-f .e+-]{0,30}") {
        if let Content::Json(json) = check(text.as_bytes(), Limits::default()) {
            prop_assert!(serde_json::from_str::<Value>(&json).is_ok(), "{}", json);
        }
        let _ = (mask(&text, &["a", "\\"], "M"), flatten(&text));
    }

    #[test]
    fn bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        let _ = check(&bytes, Limits::default());
    }

    #[test]
    fn what_a_parser_writes_is_strict(value in values(NEEDLE)) {
        let json = Value::Array(vec![value]).to_string();
        prop_assert!(is_json(&json), "{}", json);
        prop_assert!(is_json(&escaped(&json)));
    }

    #[test]
    fn no_copy_is_left_and_it_stays_json(value in values(NEEDLE)) {
        let json = Value::Array(vec![value]).to_string();
        for json in [escaped(&json), json] {
            let out = mask(&json, &[NEEDLE], crate::secret::MASK);
            let parsed: Value = serde_json::from_str(&out).unwrap();
            let mut found = Vec::new();
            strings(&parsed, &mut found);
            prop_assert!(found.iter().all(|text| !text.contains(NEEDLE)), "{}", out);
            let mut before = Vec::new();
            strings(&serde_json::from_str(&json).unwrap(), &mut before);
            if !before.iter().any(|text| text.contains(NEEDLE)) {
                prop_assert_eq!(out.as_ref(), json.as_str());
            }
        }
    }
}
