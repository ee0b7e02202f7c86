//! Nothing that is read of a request before a verdict is known costs more than linear time and a bounded constant: each
//! parser is fed the worst input that is known, of 16 and of 64 KB, beside a plain input of the same length.
//!
//! Ratios of processor time are compared, the fastest of several runs each: four times the input may cost at most eight times
//! as much (a quadratic parser takes sixteen times), and the worst input at most so many times what the plain one costs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, in its helpers too"
)]

use portcullis_core::credential::{Credential, Presented, read_authorization};
use portcullis_core::header;
use portcullis_core::json::{self, Limits};
use portcullis_core::method;
use portcullis_core::problem::Problems;
use portcullis_core::target::{NormalTarget, QueryNames};
use portcullis_core::tree;
use std::hint::black_box;
use std::time::Instant;

const SIZES: [usize; 2] = [16 * 1024, 64 * 1024];
/// A quadratic parser takes 16 times as long for four times the input.
const GROWTH_MAX: f64 = 8.0;
/// The worst input beside a plain one of the same length. Escapes, many small pieces, and what is looked at three times have
/// their price; a quadratic parser is over 1,000 here.
const WORST_MAX: f64 = 60.0;

/// Processor time of this thread, in seconds: what others do at the same time does not count. Where the kernel does not tell,
/// the time since `began`.
fn spent(began: Instant) -> f64 {
    // The kernel brings the number up to date when the thread yields.
    std::thread::yield_now();
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = told.and_then(|text| text.split(' ').next()?.parse::<f64>().ok()).filter(|time| *time > 0.0);
    nanoseconds.map_or_else(|| began.elapsed().as_secs_f64(), |time| time / 1e9)
}

/// Seconds for one run, the fastest of several series of at least two milliseconds.
fn seconds(input: &[u8], parser: &dyn Fn(&[u8])) -> f64 {
    let began = Instant::now();
    let series = |runs: u32| {
        let before = spent(began);
        for _ in 0..runs {
            parser(black_box(input));
        }
        spent(began) - before
    };
    let mut runs = 1;
    while series(runs) < 0.002 && runs < 1 << 16 {
        runs *= 2;
    }
    (0..7).map(|_| series(runs)).fold(f64::INFINITY, f64::min) / f64::from(runs)
}

/// Looks at every byte once: no parser can be expected to be faster than that on plain input, though some give up early.
fn one_pass(input: &[u8]) {
    black_box(input.iter().fold(0_u32, |sum, byte| black_box(sum).wrapping_mul(31).wrapping_add(u32::from(*byte))));
}

/// `piece` as often as it fits into `size` bytes between the other two.
fn filled(start: &str, piece: &str, end: &str, size: usize) -> Vec<u8> {
    let room = size.saturating_sub(start.len() + end.len());
    [start, &piece.repeat(room / piece.len()), end].concat().into_bytes()
}

/// Pieces that differ: `{n}` in a piece is a number of its own.
fn numbered(start: &str, piece: &str, end: &str, size: usize) -> Vec<u8> {
    let mut text = start.to_owned();
    let mut number = 0;
    while text.len() + piece.len() + 8 + end.len() < size {
        text.push_str(&piece.replace("{n}", &format!("{number:05x}")));
        number += 1;
    }
    text.push_str(end);
    text.into_bytes()
}

type Make<'m> = (&'m str, &'m dyn Fn(usize) -> Vec<u8>);

/// Compares the worst inputs with each other and with a plain one.
fn compare(name: &str, parser: &dyn Fn(&[u8]), plain: &dyn Fn(usize) -> Vec<u8>, worst: &[Make<'_>]) {
    let usual = SIZES.map(|size| seconds(&plain(size), parser).max(seconds(&plain(size), &one_pass)));
    let mut failures = String::new();
    for (what, make) in worst {
        let times = SIZES.map(|size| {
            let input = make(size);
            assert!(input.len() <= size && input.len() > size - 1024, "{name}: {what}: {} bytes", input.len());
            seconds(&input, parser)
        });
        let (growth, ratio) = (times[1] / times[0], times[1] / usual[1]);
        if growth > GROWTH_MAX || ratio > WORST_MAX {
            failures.push_str(&format!("{name}: {what}: grows {growth:.1} times, {ratio:.1} times a plain one\n"));
        }
    }
    assert!(failures.is_empty(), "{failures}");
}

fn base64url(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

#[test]
fn paths() {
    let parser = |input: &[u8]| {
        let text = std::str::from_utf8(input).unwrap();
        let target = NormalTarget::parse(text, &["api.example.com"], "GET");
        if let Ok(target) = black_box(target) {
            let further = target.further_readings().filter(|reading| reading.has_prefix("/a/b")).count();
            black_box((target.has_prefix("/a/b"), target.has_prefix_as_written("/a/b"), further));
        }
    };
    compare(
        "path",
        &parser,
        &|size| filled("/", "a", "", size),
        &[
            ("slashes", &|size| filled("/", "/", "", size)),
            ("segments", &|size| filled("", "/a", "", size)),
            ("escapes", &|size| filled("/", "%20", "", size)),
            ("encoded slashes", &|size| filled("/", "%2f", "", size)),
            ("parameters", &|size| filled("/", ";", "", size)),
            ("parsed again", &|size| filled("/%3b", "%3f", "", size)),
            ("decoded twice", &|size| filled("/", "%2541", "", size)),
            ("decoded three times", &|size| filled("/", "%252541", "", size)),
            ("decoded without end", &|size| filled("/%", "25", "41", size)),
            ("escapes of escapes", &|size| filled("/", "%252525252541", "", size)),
        ],
    );
}

#[test]
fn queries() {
    let refused = QueryNames::of(["access_token", "os_username", "os_password", "os_authType", "_method", "X-Key"]);
    let parser = |input: &[u8]| {
        let text = std::str::from_utf8(input).unwrap();
        let target = NormalTarget::parse(text, &["api.example.com"], "GET").unwrap();
        black_box(target.query_name(&refused));
        black_box(target.query_values(&refused).count());
    };
    compare(
        "query",
        &parser,
        &|size| filled("/?a=", "b", "", size),
        &[
            ("nothing but separators", &|size| filled("/?", "&", "", size)),
            ("names of a letter", &|size| filled("/?", "a&", "", size)),
            ("names that are nearly refused", &|size| filled("/?", "access_tokem&", "", size)),
            ("refused names", &|size| filled("/?", "access.token&", "", size)),
            ("names and values", &|size| filled("/?", "a=b;", "", size)),
            ("one long name", &|size| filled("/?", "a", "", size)),
            ("one name of escapes", &|size| filled("/?", "%41", "", size)),
            ("one name of signs", &|size| filled("/?", "+", "", size)),
            ("one name of brackets", &|size| filled("/?", "[", "", size)),
            ("one name of NUL", &|size| filled("/?", "%00", "", size)),
            ("names beyond ASCII", &|size| filled("/?", "%e2%84%aa%e2%84%aa%e2%84%aa%e2%84%aa&", "", size)),
            ("decoded three times", &|size| filled("/?", "%252561%2525%252561%2525&", "", size)),
            ("decoded without end", &|size| filled("/?%", "25", "41", size)),
        ],
    );
}

#[test]
fn hosts() {
    let parser = |input: &[u8]| {
        drop(black_box(NormalTarget::parse("/", &[std::str::from_utf8(input).unwrap()], "GET")));
    };
    compare(
        "host",
        &parser,
        &|size| filled("", "a", "", size),
        &[
            ("labels", &|size| filled("", "a.", "a", size)),
            ("colons", &|size| filled("", ":", "", size)),
            ("digits of a port", &|size| filled("a:", "0", "1", size)),
            ("brackets", &|size| filled("[", ":", "]", size)),
        ],
    );
}

#[test]
fn names_of_headers() {
    let parser = |input: &[u8]| {
        let folded = header::fold(std::str::from_utf8(input).unwrap());
        black_box((header::is_trusted(&folded), header::is_http_own(&folded), header::is_hop_by_hop(&folded)));
        black_box(header::is_method_override(&folded));
    };
    compare(
        "header name",
        &parser,
        &|size| filled("", "a", "", size),
        &[
            ("signs", &|size| filled("", "_", "", size)),
            ("a family", &|size| filled("X-Forwarded-", "for-", "", size)),
            ("upper case", &|size| filled("", "A", "", size)),
        ],
    );
}

#[test]
fn methods() {
    let parser = |input: &[u8]| {
        black_box((method::is_unambiguous(input), method::claimed(input)));
    };
    compare(
        "method",
        &parser,
        &|size| filled("", "A", "", size),
        &[("lower case", &|size| filled("", "a", "", size)), ("blanks", &|size| filled("", " ", "", size))],
    );
}

/// What a credential looks like is read for every request; a token may have 16 KiB, here it is given more all the same.
#[test]
fn authorization() {
    let parser = |input: &[u8]| {
        if let Presented::Credential(Credential::Bearer(token)) = black_box(read_authorization([input].into_iter())) {
            black_box(token.form());
        }
    };
    compare(
        "Authorization",
        &parser,
        &|size| filled("Bearer ", "a", "", size),
        &[
            ("spaces", &|size| filled("Bearer", " ", "a", size)),
            ("padding", &|size| filled("Bearer a", "=", "", size)),
            ("dots", &|size| filled("Bearer ", ".", "", size)),
            ("an unknown scheme", &|size| filled("", "A", "", size)),
            ("a pair of colons", &|size| filled("Basic ", "Ojo6", "", size)),
            ("a pair of control characters", &|size| filled("Basic ", "AAAA", "", size)),
            ("commas", &|size| filled("Bearer ", ",", "", size)),
        ],
    );
}

/// Of the sizes that a token may have: 3 and 12 KB in its decoded parts.
#[test]
fn tokens() {
    let parser = |input: &[u8]| {
        if let Presented::Credential(Credential::Bearer(token)) = read_authorization([input].into_iter()) {
            black_box(token.form());
        }
    };
    let token = |header: &[u8], claims: &[u8]| format!("Bearer {}.{}.c2ln", base64url(header), base64url(claims));
    let times = |make: &dyn Fn(usize) -> Vec<u8>| [3000, 11_900].map(|size| seconds(&make(size), &parser));
    let alg = "{\"alg\":\"RS256\",\"x\":";
    let members = |size| numbered("{\"alg\":\"RS256\"", ",\"{n}\":0", "}", size);
    let nested = |size| numbered("{\"alg\":\"RS256\",\"x\":{\"a\":0", ",\"{n}\":0", "}}", size);
    let deep = |size| filled(alg, "[", "}", size);
    let escapes = |size| filled(alg, "\"\\u0061\",", "0}", size);
    let text = |size| filled("{\"alg\":\"RS256\",\"x\":\"", "y", "\"}", size);
    let makers: [Make<'_>; 4] =
        [("members", &members), ("members below", &nested), ("brackets", &deep), ("escapes", &escapes)];
    let usual = times(&|size| token(b"{\"alg\":\"RS256\"}", &text(size)).into_bytes());
    for (what, make) in makers {
        for (part, found) in [
            ("header", times(&|size| token(&make(size), b"{\"iss\":\"a\"}").into_bytes())),
            ("claims", times(&|size| token(b"{\"alg\":\"RS256\"}", &make(size)).into_bytes())),
        ] {
            let (growth, ratio) = (found[1] / found[0], found[1] / usual[1]);
            assert!(
                growth < GROWTH_MAX && ratio < WORST_MAX,
                "{what} in its {part}: {growth:.1} times, {ratio:.1} times"
            );
        }
    }
}

/// Not before the cache, but an answer may be somebody else's to write.
#[test]
fn json() {
    let parser = |input: &[u8]| {
        black_box(json::check(input, Limits::default()));
    };
    compare(
        "JSON",
        &parser,
        &|size| filled("{\"a\":\"", "b", "\"}", size),
        &[
            ("members", &|size| numbered("{\"a\":0", ",\"{n}\":0", "}", size)),
            ("members below", &|size| numbered("{\"a\":{\"b\":0", ",\"{n}\":0", "}}", size)),
            ("small values", &|size| filled("[0", ",0", "]", size)),
            ("escapes", &|size| filled("[\"", "\\u0061", "\"]", size)),
            ("brackets", &|size| filled("", "[", "", size)),
            ("digits", &|size| filled("[1.", "0", "]", size)),
        ],
    );
}

/// What an operator writes, or somebody who may write to the file.
#[test]
fn yaml() {
    let parser = |input: &[u8]| {
        let mut problems = Problems::new("cost.yaml");
        if let Some(mut root) = tree::parse(input, &mut problems) {
            tree::expand(&mut root, &|_| Some("value".to_owned()), &mut problems);
            let at = tree::At::new(&root, "");
            if let Some(walker) = at.mapping(["listen", "providers", "routes", "adapters"], &mut problems) {
                walker.finish(&mut problems);
            }
        }
        black_box(problems.len());
    };
    compare(
        "YAML",
        &parser,
        &|size| numbered("", "{n}x: a text of some length, as most of them have\n", "", size),
        &[
            ("one text", &|size| filled("a: ", "b", "\n", size)),
            ("names", &|size| numbered("", "{n}x: 1\n", "", size)),
            ("names of a flow mapping", &|size| numbered("{a: 1", ", {n}x: 1", "}", size)),
            ("one name again and again", &|size| filled("", "a: 1\n", "", size)),
            ("names that nobody knows", &|size| numbered("", "provider{n}: 1\n", "", size)),
            ("items", &|size| filled("a:\n", "- b\n", "", size)),
            ("items of a flow sequence", &|size| filled("a: [", "b, ", "b]", size)),
            ("anchors", &|size| numbered("", "{n}x: &a{n} 1\n", "", size)),
            ("tags", &|size| numbered("", "{n}x: !t 1\n", "", size)),
            ("environment", &|size| filled("a: \"", "${A}", "\"", size)),
            ("comments", &|size| filled("a: b\n", "#\n", "", size)),
            ("lines of one text", &|size| filled("a: b\n", "  b\n", "", size)),
            ("quoted lines", &|size| filled("a: \"", "b\n  ", "\"", size)),
            ("a block", &|size| filled("a: |\n", "  b\n", "", size)),
            ("brackets", &|size| filled("a: ", "[", "", size)),
        ],
    );
}
