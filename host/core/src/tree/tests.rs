//! The tree and its readers, as tables.

use super::*;
use crate::problem::Problems;

fn problems(yaml: &[u8]) -> String {
    let mut problems = Problems::new("f");
    parse(yaml, &mut problems);
    problems.to_string()
}

fn tree(yaml: &str) -> Node {
    let mut problems = Problems::new("f");
    let node = parse(yaml.as_bytes(), &mut problems);
    assert!(problems.is_empty(), "{problems}");
    node.unwrap()
}

#[test]
fn what_is_refused() {
    let cases: [(&[u8], &[&str]); 24] = [
        (b"", &["f: is empty"]),
        (b"# only a comment\n", &["f: is empty"]),
        (b"---\n", &["f: is empty"]),
        (b"a: 1\n---\nb: 2\n", &["f:2: holds several documents"]),
        (b"a: &x 1\nb: *x\n", &["f:1: a: has an anchor", "f:2: b: uses an alias"]),
        (b"b: *x\n", &["f:1: b: uses an alias"]),
        (
            b"a: &x {k: v}\nb:\n  <<: *x\n",
            &["f:1: a: has an anchor", "f:3: b: uses a merge key", "f:3: b.?: uses an alias"],
        ),
        (b"a: !!str 5\n", &["f:1: a: has a tag"]),
        (b"a: !secret x\n", &["f:1: a: has a tag"]),
        (b"!!map {a: b}\n", &["f:1: has a tag"]),
        (b"a: 1\nb: 2\na: 3\n", &["f:3: a: is written twice, first in line 1"]),
        (b"a:\n  x: 1\n  'x': 3\n", &["f:3: a.x: is written twice, first in line 2"]),
        (b"no: 1\n", &["f:1: has the name `no`, which is no text; write it in quotes"]),
        (b"1: 1\ntrue: 2\n", &["f:1: has the name `1`", "f:2: has the name `true`"]),
        (b"? [a]\n: 1\n", &["f:1: has a name that is no text"]),
        (b"a: \xff\n", &["f:1: holds bytes that are not UTF-8"]),
        (b"a: 1\nb: 2\nc: \xc3\x28\n", &["f:3: holds bytes that are not UTF-8"]),
        (b"a:\n\t- b\n", &["f:2: a: is not YAML"]),
        (b"a: [1\n", &["is not YAML"]),
        (b"a: 'x\n", &["is not YAML"]),
        (b"a: b: c\n", &["f:1: is not YAML"]),
        (b"a: 1\nb: \x07\n", &["f:2: holds a control character"]),
        (b"a: 1\n---\nb: *x\n", &["f:2: holds several documents"]),
        (b"a: &x 1\na: 2\nb: [\n", &["f:1: a: has an anchor", "f:2: a: is written twice", "is not YAML"]),
    ];
    for (yaml, expected) in cases {
        let got = problems(yaml);
        assert_eq!(got.lines().count(), expected.len(), "{}\n{got}", String::from_utf8_lossy(yaml));
        for (line, expected) in got.lines().zip(expected) {
            assert!(line.contains(expected), "{}\nexpected {expected}\ngot {line}", String::from_utf8_lossy(yaml));
        }
    }
}

#[test]
fn depth_and_size_are_bounded() {
    let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert_eq!(problems(deep(DEPTH_MAX).as_bytes()), "");
    assert!(problems(deep(DEPTH_MAX + 1).as_bytes()).contains("nested deeper than 32 levels"));
    assert!(problems(deep(100_000).as_bytes()).contains("f:1:"));
    assert_eq!(problems(format!("a: {}", "x".repeat(BYTES_MAX - 3)).as_bytes()), "");
    assert!(problems(format!("a: {}", "x".repeat(BYTES_MAX)).as_bytes()).contains("longer than 1 MiB"));
}

#[test]
fn positions_styles_and_json() {
    let node = tree("\u{feff}a:\n  b: no\n  c: \"no\"\n  d: |\n    x\n  e:\n");
    let a = node.get("a").unwrap();
    assert_eq!(a.get("b").unwrap().position, Position { line: 2, column: 6 });
    assert!(matches!(&a.get("b").unwrap().value, Value::Scalar { quoted: false, .. }));
    assert!(matches!(&a.get("c").unwrap().value, Value::Scalar { quoted: true, .. }));
    assert!(matches!(&a.get("d").unwrap().value, Value::Scalar { quoted: true, text, .. } if text == "x\n"));
    assert_eq!(a.get("e").unwrap().value, Value::Null);
    let json = tree(r#"{"host":"https://x","n":5,"on":[true,"tr\u00fce"],"q":"a\"b"}"#);
    assert_eq!(json.get("q").unwrap().as_text(), Some("a\"b"));
    assert!(matches!(&json.get("n").unwrap().value, Value::Scalar { quoted: false, .. }));
}

#[test]
fn debug_keeps_texts_to_itself() {
    assert!(!format!("{:?}", tree("a: hunter2\nb: ['hunter2']\n")).contains("hunter2"));
}

/// Reads the value of `x` with a reader; gives what it read, or the problems.
fn read<T: std::fmt::Debug>(value: &str, reader: impl Fn(&At<'_>, &mut Problems) -> Option<T>) -> String {
    let node = tree(&format!("x: {value}\n"));
    let mut problems = Problems::new("f");
    let got = reader(&At::new(node.get("x").unwrap(), "x"), &mut problems);
    assert_eq!(got.is_none(), !problems.is_empty(), "a reader gives a value or a problem: {value}");
    got.map_or_else(|| problems.to_string(), |got| format!("{got:?}"))
}

#[test]
fn readers() {
    let cases: [(&str, String, &str); 40] = [
        (
            "no",
            read("no", |a, p| a.text(p)),
            "f:1: x: `no` is a flag to YAML, and a text is wanted; write it in quotes: \"no\"",
        ),
        ("true", read("true", |a, p| a.text(p)), "`true` is a flag"),
        ("null", read("null", |a, p| a.text(p)), "`null` is null to YAML"),
        ("~", read("~", |a, p| a.text(p)), "`~` is null to YAML"),
        ("1.5", read("1.5", |a, p| a.text(p)), "`1.5` is a number to YAML"),
        ("8080", read("8080", |a, p| a.text(p)), "write it in quotes: \"8080\""),
        ("'8080'", read("'8080'", |a, p| a.text(p)), "\"8080\""),
        ("staff", read("staff", |a, p| a.text(p)), "\"staff\""),
        ("empty", read("", |a, p| a.text(p)), "is empty, and should be a text"),
        ("blank", read("' '", |a, p| a.text(p)), "is blank"),
        ("list", read("[a]", |a, p| a.text(p)), "is a list, and should be a text"),
        ("mapping", read("{a: b}", |a, p| a.text(p)), "is a mapping, and should be a text"),
        ("control", read("\"a\\u0007b\"", |a, p| a.text(p)), "holds a control character"),
        ("line", read("\"a\\nb\"", |a, p| a.text(p)), "holds a control character"),
        ("secret line", read("\"a\\nb\"", |a, p| a.secret(p)), "\"a\\nb\""),
        (
            "secret number",
            read("12345", |a, p| a.secret(p)),
            "f:1: x: is a number to YAML, and a text is wanted; write it in quotes",
        ),
        ("flag", read("true", |a, p| a.flag(p)), "true"),
        ("flag", read("false", |a, p| a.flag(p)), "false"),
        ("yes", read("yes", |a, p| a.flag(p)), "f:1: x: is `yes`, and should be `true` or `false`; write true"),
        ("on", read("on", |a, p| a.flag(p)), "write true"),
        ("Off", read("Off", |a, p| a.flag(p)), "write false"),
        ("TRUE", read("TRUE", |a, p| a.flag(p)), "write true"),
        ("'true'", read("'true'", |a, p| a.flag(p)), "is a text, and should be `true` or `false`"),
        ("1", read("1", |a, p| a.flag(p)), "is a number, and should be `true` or `false`"),
        ("whole", read("-5", |a, p| a.whole(p)), "-5"),
        ("'5'", read("'5'", |a, p| a.whole(p)), "is a text, and should be a whole number"),
        ("1.5", read("1.5", |a, p| a.whole(p)), "is `1.5`, and should be a whole number"),
        ("big", read("9223372036854775808", |a, p| a.whole(p)), "should be a whole number"),
        ("5s", read("5s", |a, p| a.duration(p)), "5s"),
        ("5", read("5", |a, p| a.duration(p)), "f:1: x: is `5`, a duration without a unit; write 5s"),
        ("0", read("0", |a, p| a.duration(p)), "is zero"),
        ("0s", read("0s", |a, p| a.duration(p)), "should be a duration"),
        ("2h", read("2h", |a, p| a.duration(p)), "longer than an hour"),
        ("soon", read("soon", |a, p| a.duration(p)), "is `soon`, and should be a duration"),
        ("texts", read("[a, 'b']", |a, p| a.texts(p)), "[\"a\", \"b\"]"),
        ("text", read("a", |a, p| a.texts(p)), "is a text, and should be a list; write [a]"),
        (
            "mixed",
            read("[a, 5, no]", |a, p| a.texts(p)),
            "f:1: x[1]: `5` is a number to YAML, and a text is wanted; write it in quotes: \"5\"\nf:1: x[2]: `no`",
        ),
        ("one", read("a", |a, p| a.text_or_texts(p)), "[\"a\"]"),
        ("none", read("[]", |a, p| a.text_or_texts(p)), "is an empty list"),
        ("pairs", read("{a: b, c: 5}", |a, p| a.pairs(p)), "f:1: x.c: `5` is a number"),
    ];
    for (what, got, expected) in cases {
        assert!(got.contains(expected), "{what}\nexpected {expected}\ngot {got}");
    }
}

#[test]
fn unknown_and_missing_names() {
    let node = tree("a:\n  hots: x\n  zzz: y\n");
    let mut problems = Problems::new("f");
    let mut walker = At::new(node.get("a").unwrap(), "a").mapping(["host"], &mut problems).unwrap();
    assert!(walker.need("host", "write the host", &mut problems).is_none());
    walker.finish(&mut problems);
    let expected = "f:2: a.host: is missing; write the host\n\
        f:2: a.hots: is unknown: nothing is called `hots` here; did you mean `host`?\n\
        f:3: a.zzz: is unknown: nothing is called `zzz` here; known here: `host`";
    assert_eq!(problems.to_string(), expected);
}

#[test]
fn the_environment_is_put_in_once_and_never_shown() {
    let lookup = |name: &str| match name {
        "A" => Some("alpha".to_owned()),
        "NUMBER" => Some("8080".to_owned()),
        "TRICK" => Some("${A}: [x".to_owned()),
        "EMPTY" => Some(String::new()),
        _ => None,
    };
    let good = [
        ("${A}", "alpha"),
        ("x${A}y${A}", "xalphayalpha"),
        ("${NUMBER}", "8080"),
        ("$${A}", "${A}"),
        ("$A", "$A"),
        ("${TRICK}", "${A}: [x"),
        ("a$$b", "a$$b"),
    ];
    for (yaml, expected) in good {
        let mut node = tree(&format!("x: '{yaml}'\n"));
        let mut problems = Problems::new("f");
        expand(&mut node, &lookup, &mut problems);
        let text = At::new(node.get("x").unwrap(), "x").text(&mut problems);
        assert_eq!(text.as_deref(), Some(expected), "{yaml} {problems}");
    }
    let bad = [
        ("${GONE}", "f:1: x: takes the environment variable GONE, which is not set; set GONE"),
        ("${EMPTY}", "f:1: x: takes the environment variable EMPTY, which is empty"),
        ("${A", "f:1: x: has a `${` without its `}`"),
        ("${a-b}", "f:1: x: names `a-b`, which is no name"),
        ("${}", "f:1: x: names ``"),
    ];
    for (yaml, expected) in bad {
        let mut node = tree(&format!("x: '{yaml}'\n"));
        let mut problems = Problems::new("f");
        expand(&mut node, &lookup, &mut problems);
        assert!(At::new(node.get("x").unwrap(), "x").text(&mut problems).is_none());
        assert_eq!(problems.len(), 1, "reported once: {problems}");
        assert!(problems.to_string().starts_with(expected), "{problems}");
    }
    // A kind that does not fit is told without the value.
    let mut node = tree("x: ${A}\n");
    let mut problems = Problems::new("f");
    expand(&mut node, &lookup, &mut problems);
    let at = At::new(node.get("x").unwrap(), "x");
    at.flag(&mut problems);
    at.whole(&mut problems);
    at.duration(&mut problems);
    at.choice(&["one"], &mut problems);
    at.sequence(&mut problems);
    assert_eq!(problems.len(), 5);
    assert!(!problems.to_string().contains("alpha"), "{problems}");
}

mod properties {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever the bytes: no panic, and no tree without a reason.
        #[test]
        fn parsing_ends_in_a_tree_or_a_problem(text in "\\PC{0,30}|[-a-c:,\\[\\]{}&*!|>'\"%@`#?\\n \\t<\\\\0-9$]{0,60}") {
            let mut problems = Problems::new("f");
            let tree = parse(text.as_bytes(), &mut problems);
            prop_assert!(tree.is_some() || !problems.is_empty());
            if let Some(mut tree) = tree {
                expand(&mut tree, &|_| None, &mut problems);
            }
        }
    }
}
