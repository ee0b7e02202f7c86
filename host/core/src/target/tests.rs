//! Tables and properties of the normaliser.

use super::{NormalTarget, Oddity, QueryNames, TargetError};
use proptest::prelude::*;

fn path(raw: &str) -> Result<NormalTarget, TargetError> {
    NormalTarget::parse(raw, &["api.example.com"], "GET")
}

#[test]
fn refuses_what_servers_read_differently() {
    use TargetError as E;
    for (raw, expected) in [
        ("/.", E::DotSegment),
        ("/..", E::DotSegment),
        ("/a/../b", E::DotSegment),
        ("/a/./b", E::DotSegment),
        ("/a/..", E::DotSegment),
        ("/a/..;x/b", E::DotSegment),
        ("/a/..;/b", E::DotSegment),
        ("/a/..%2fb", E::DotSegment),
        ("/a/..%5cb", E::DotSegment),
        ("/a%2f..", E::DotSegment),
        ("/a%5c..%5cb", E::DotSegment),
        ("/a;x/..", E::DotSegment),
        ("/a//../b", E::DotSegment),
        ("/%2e%2e/b", E::NeedlessEscape),
        ("/%2E/b", E::NeedlessEscape),
        ("/.%2e/b", E::NeedlessEscape),
        ("/%72est", E::NeedlessEscape),
        ("/%5F", E::NeedlessEscape),
        ("/a\\b", E::Backslash),
        ("/a%00", E::Control),
        ("/a%0d%0aX:y", E::Control),
        ("/a%7f", E::Control),
        ("/a b", E::Control),
        ("/a\tb", E::Control),
        ("/a?x=\u{1}", E::Control),
        ("/ä", E::NonAscii),
        ("/a?ä", E::NonAscii),
        ("/a#b", E::Fragment),
        ("/a?x#b", E::Fragment),
        ("/a%", E::Escape),
        ("/a%2", E::Escape),
        ("/a%zz", E::Escape),
        ("/a%u002e", E::Escape),
        ("/a%+1", E::Escape),
        ("/%c0%af", E::Utf8),
        ("/%c0%ae%c0%ae", E::Utf8),
        ("/%ff", E::Utf8),
        ("/a;%c0%af", E::Utf8),
        // Where only a server that decodes once more, or parses what another decoded, finds them.
        ("/%252e%252e/b", E::DotSegment),
        ("/a/%252e", E::DotSegment),
        ("/a/%25252e./b", E::DotSegment),
        ("/a/..%252fb", E::DotSegment),
        ("/a%252f..", E::DotSegment),
        ("/a%255c..%255cb", E::DotSegment),
        ("/a/..%3bx/b", E::DotSegment),
        ("/a/..%253bx/b", E::DotSegment),
        ("/a/..%3fx", E::DotSegment),
        ("/a/..%23", E::DotSegment),
        ("/a%3fx/%252e%252e/b", E::DotSegment),
        ("/a%3f%2f%252e%252e", E::DotSegment),
        ("/a%2500", E::Control),
        ("/a%25250a", E::Control),
        ("/%25c0%25af", E::Utf8),
        ("/a%3b%25ff", E::Utf8),
        ("/a%3f%25ff", E::Utf8),
        ("/%252525252541", E::Depth),
        ("", E::Form),
        ("*", E::Form),
        ("a/b", E::Form),
        ("?x", E::Form),
        ("ftp://api.example.com/", E::Form),
        ("api.example.com:443", E::Form),
        ("http://other.example.com/", E::HostMismatch),
        ("http://api.example.com:8080/", E::HostMismatch),
        ("http://u@api.example.com/", E::Host),
        ("http:///x", E::Host),
    ] {
        assert_eq!(path(raw).unwrap_err(), expected, "{raw}");
    }
}

#[test]
fn connect_and_asterisk_are_refused() {
    assert_eq!(NormalTarget::parse("/x", &["h"], "CONNECT").unwrap_err(), TargetError::Form);
    assert_eq!(NormalTarget::parse("*", &["h"], "OPTIONS").unwrap_err(), TargetError::Form);
}

#[test]
fn a_method_that_servers_read_differently_is_refused() {
    for method in ["delete", "Delete", "DELETe", "connect", "DEL!ETE", &"A".repeat(33)] {
        assert_eq!(NormalTarget::parse("/x", &["h"], method).unwrap_err(), TargetError::Method, "{method}");
        let http2 = NormalTarget::parse_http2("/x", Some("h"), &[], method);
        assert_eq!(http2.unwrap_err(), TargetError::Method, "{method}");
    }
}

#[test]
fn keeps_path_and_query_byte_for_byte() {
    for raw in [
        "/",
        "/rest/api/content/1?expand=a,b&x=%2e%2e/../;//%00%zz",
        "/a/",
        "/...",
        "/.well-known/x",
        "/a..b",
        "/a%20b",
        "/%C3%A4",
        "/%7Ejdoe",
        "/100%25",
        "/a?",
        "/a??b?",
        "/a:b@c!$&'()*+,=",
    ] {
        let target = path(raw).unwrap_or_else(|error| panic!("{raw}: {error}"));
        let again = match target.query() {
            Some(query) => format!("{}?{query}", target.path()),
            None => target.path().to_owned(),
        };
        assert_eq!(again, raw);
        assert_eq!(target.oddities(), []);
    }
}

#[test]
fn an_absolute_form_names_the_same_host() {
    let target = path("HTTP://API.example.com:80/a?b").expect("same host");
    assert_eq!((target.host(), target.path(), target.query()), ("api.example.com", "/a", Some("b")));
    assert_eq!(path("http://api.example.com").expect("empty path").path(), "/");
    assert_eq!(path("http://api.example.com?x").expect("empty path").query(), Some("x"));
}

#[test]
fn oddities_are_collected() {
    use Oddity as O;
    for (raw, expected) in [
        ("/a%2fb", vec![O::EncodedSlash]),
        ("/a%2Fb%2f", vec![O::EncodedSlash]),
        ("/a%5cb", vec![O::EncodedBackslash]),
        ("//", vec![O::DoubleSlash]),
        ("/a//b", vec![O::DoubleSlash]),
        ("/a;b=c/d", vec![O::Semicolon]),
        ("/%2541", vec![O::EncodedPercent]),
        ("/%252541", vec![O::EncodedPercent]),
        ("/%2572", vec![O::EncodedPercent]),
        ("/%25zz", vec![]),
        ("/a%2f;//", vec![O::EncodedSlash, O::Semicolon, O::DoubleSlash]),
    ] {
        assert_eq!(path(raw).expect(raw).oddities(), expected, "{raw}");
    }
    for oddity in O::ALL {
        assert_eq!(O::parse(oddity.name()), Some(oddity));
    }
    assert_eq!(O::parse("dot_segment"), None);
}

#[test]
fn a_prefix_is_of_whole_segments_in_every_reading() {
    for (raw, prefix, expected) in [
        ("/rest", "/rest", true),
        ("/rest/", "/rest", true),
        ("/rest/a", "/rest", true),
        ("/rest?x", "/rest", true),
        ("/restless", "/rest", false),
        ("/Rest", "/rest", false),
        ("/other", "", true),
        ("/", "", true),
        ("/res", "/rest", false),
        ("/rest%2fa", "/rest", true),
        ("/rest%5ca", "/rest", true),
        ("/rest;x=1", "/rest", true),
        ("/rest;x/a", "/rest/a", true),
        ("//rest", "/rest", true),
        ("/;x/rest", "/rest", true),
        ("/a%2fb/c", "/a/b", true),
        ("/%7Eadmin", "/~admin", true),
        ("/%40me", "/@me", true),
        ("/rest%20", "/rest", false),
    ] {
        assert_eq!(path(raw).expect(raw).has_prefix(prefix), expected, "{raw} under {prefix}");
    }
}

#[test]
fn hosts() {
    for host in ["api.example.com", "API.EXAMPLE.COM", "api.example.com:8443", "127.0.0.1:1", "[::1]:80", "a_b-c"] {
        NormalTarget::parse("/", &[host], "GET").unwrap_or_else(|error| panic!("{host}: {error}"));
    }
    assert_eq!(NormalTarget::parse("/", &["API.example.com:8443"], "GET").expect("host").host(), "api.example.com");
    assert_eq!(NormalTarget::parse("/", &["[::1]:8443"], "GET").expect("host").host(), "[::1]");
    for host in [
        "",
        ":80",
        "a:",
        "a:0",
        "a:65536",
        "a:8a",
        "a:+80",
        "u@a",
        "a b",
        "a/b",
        "a?b",
        "a#b",
        "a,b",
        "a..b",
        ".a",
        "a.",
        "a%2e",
        "ä",
        "[::1",
        "::1",
        "[::1]x",
        "[1]",
        "a:1:2",
        "a\\b",
        "[::1%25eth0]",
    ] {
        assert_eq!(NormalTarget::parse("/", &[host], "GET").unwrap_err(), TargetError::Host, "{host}");
    }
    assert_eq!(NormalTarget::parse("/", &[], "GET").unwrap_err(), TargetError::NoHost);
    assert_eq!(NormalTarget::parse("http://a/", &[], "GET").unwrap_err(), TargetError::NoHost);
    assert_eq!(NormalTarget::parse("/", &["a", "a"], "GET").unwrap_err(), TargetError::ManyHosts);
}

#[test]
fn the_authority_of_http2_counts_as_the_host() {
    let parse = |authority, hosts: &[&str]| NormalTarget::parse_http2("/", authority, hosts, "GET");
    assert_eq!(parse(Some("A:443"), &[]).expect("authority").host(), "a");
    assert_eq!(parse(Some("a"), &["A"]).expect("both").host(), "a");
    assert_eq!(parse(None, &["a"]).expect("host").host(), "a");
    assert_eq!(parse(Some("a"), &["b"]).unwrap_err(), TargetError::HostMismatch);
    assert_eq!(parse(Some("a"), &["a", "a"]).unwrap_err(), TargetError::ManyHosts);
    assert_eq!(parse(Some("u@a"), &[]).unwrap_err(), TargetError::Host);
    assert_eq!(parse(None, &[]).unwrap_err(), TargetError::NoHost);
}

#[test]
fn further_readings_are_those_of_servers_that_decode_or_parse_again() {
    for (raw, expected) in [
        ("/a/b", &[][..]),
        ("/a%2fb%20c", &[]),
        ("/100%25", &[]),
        ("/%2561dmin/x", &["/%61dmin/x", "/admin/x"]),
        ("/%252561", &["/%2561", "/%61", "/a"]),
        ("/a%252fb", &["/a%2fb", "/a/b"]),
        ("/what%3f/x", &["/what"]),
        ("/a%23b", &["/a"]),
        ("/a%3bx=1/b", &["/a/b"]),
        ("/a%253bx/b", &["/a%3bx/b", "/a/b"]),
        ("/a%255c%3fb", &["/a%5c", "/a/"]),
    ] {
        let target = path(raw).expect(raw);
        // Of each the lenient reading: its escapes decoded.
        let decoded = |text: &&str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().replace('\\', "/");
        let expected: Vec<String> = expected.iter().map(decoded).collect();
        assert_eq!(target.further, expected, "{raw}");
    }
}

#[test]
fn query_names_as_an_upstream_could_read_them() {
    let wanted = QueryNames::of(["access_token", "_method", "os_username", "os_authType", "X-Key"]);
    let found = |query: &str| path(&format!("/?{query}")).expect(query).query_name(&wanted).map(str::to_owned);
    for query in [
        "access_token=x",
        "Access_Token",
        "a=b&access_token=x",
        "a=b;access_token=x",
        "acc%65ss_token=x",
        "%61ccess%5Ftoken",
        // Rails, PHP and qs read an element of a list or a mapping.
        "access_token[]=x",
        "access_token%5B%5D=x",
        "access_token[a][b]=x",
        "[access_token]=x",
        "]access_token=x",
        // PHP strips spaces, folds `.`, spaces and `[`, and cuts at NUL.
        "+access_token=1",
        "access_token%20=1",
        "access_token%00=1",
        "access_token%00x=1",
        "%00access_token=1",
        "access.token=1",
        "access+token=1",
        "access%20token=1",
        "access[token=1",
        "access%5btoken%00x=1",
        "access-token=1",
        // URLSearchParams strips a question mark.
        "?access_token=1",
        // Decoded twice.
        "access%255ftoken=1",
        "%2561ccess%25255ftoken=1",
        // Compared by Unicode's case mapping, or by compatibility forms.
        "acce%c5%bf%c5%bf_to%e2%84%aaen=1",
        "%ef%bd%81ccess%ef%bc%bftoken=1",
    ] {
        assert_eq!(found(query).as_deref(), Some("access_token"), "{query}");
    }
    for query in
        [".method=DELETE", "%20.method=x", "_method", "+_Method", "[.method=1", "%5fmethod[]", "-method", "+method"]
    {
        assert_eq!(found(query).as_deref(), Some("_method"), "{query}");
    }
    assert_eq!(found("os.username=a").as_deref(), Some("os_username"));
    assert_eq!(found("OS_AUTHTYPE=basic").as_deref(), Some("os_authType"));
    assert_eq!(found("x_key=1").as_deref(), Some("X-Key"));
    for query in [
        "",
        "&&&;;;=",
        "method=DELETE",
        "x=access_token",
        "y=%26access_token=1",
        "access_tokens=1",
        "my_access_token=1",
        "user[access_token]=1",
        "accesstoken=1",
        "access%25255fto%25252525656en=1",
    ] {
        assert_eq!(found(query), None, "{query}");
    }
    assert_eq!(path("/").expect("no query").query_name(&wanted), None);
    assert_eq!(path("/?=1&[]=2").expect("blank").query_name(&QueryNames::default()), None);
}

#[test]
fn query_values_are_those_of_every_reading_of_the_name() {
    let wanted = QueryNames::of(["_method"]);
    let target = path("/?.method=DELETE&a=b&_method[]=%70ut+&+_METHOD;_method=a%3Db=c").expect("a query");
    let values: Vec<Vec<u8>> = target.query_values(&wanted).collect();
    assert_eq!(values, [&b"DELETE"[..], b"put ", b"", b"a=b=c"]);
}

#[test]
fn of_names_that_fold_to_the_same_the_first_is_kept() {
    let names = QueryNames::of(["Token", "token", "os_username", "os.username"]);
    assert_eq!(names.iter().collect::<Vec<_>>(), ["os_username", "Token"]);
}

/// A lenient server, written another way: decodes once, takes backslashes for slashes, cuts parameters, merges slashes and
/// resolves dot segments.
fn lenient(path: &str) -> String {
    let decoded = percent_encoding::percent_decode_str(path).decode_utf8_lossy().replace('\\', "/");
    let mut segments: Vec<&str> = Vec::new();
    for segment in decoded.split('/') {
        match segment.split(';').next().unwrap_or("") {
            "" | "." => {}
            ".." => drop(segments.pop()),
            name => segments.push(name),
        }
    }
    format!("/{}", segments.join("/"))
}

proptest! {
    /// Whatever a chain of servers does to a path that was accepted: each decodes it or does not, and parses what the one
    /// before passed on. No dot segment appears, and where all of a route's readings agree, so does the chain.
    #[test]
    fn a_chain_of_servers_finds_no_place_that_was_not_looked_at(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "/", "a", "..", ".", "%2e", "%252e", "%25252e", "%2f", "%252f", "%5c", "%255c", "%3b", "%253b", "%3f", "%253f", "%23",
                "%2561", "%61", "%25", "25", "2e", ";", "x",
            ]),
            0..7,
        ),
        decodings in 0..5_usize,
        cuts in any::<bool>(),
        prefix in prop::sample::select(vec!["/a", "/x", "/a/x"]),
    ) {
        let raw = format!("/{}", parts.concat());
        if let Ok(target) = path(&raw) {
            let mut text = raw.clone();
            for _ in 0..decodings {
                let end = if cuts { text.find(['?', '#']).unwrap_or(text.len()) } else { text.len() };
                text.truncate(end);
                text = percent_encoding::percent_decode_str(&text).decode_utf8().expect("looked at").into_owned();
            }
            let end = if cuts { text.find(['?', '#']).unwrap_or(text.len()) } else { text.len() };
            let text = text.get(..end).expect("a boundary").replace('\\', "/");
            let named = |segment: &str| segment.split(';').next().unwrap_or("").to_owned();
            prop_assert!(!text.split('/').any(|segment| matches!(named(segment).as_str(), "." | "..")), "{} is {}", raw, text);
            let segments: Vec<String> = text.split('/').map(named).filter(|segment| !segment.is_empty()).collect();
            let read = format!("/{}", segments.join("/"));
            let under = |path: &str| path == prefix || path.starts_with(&format!("{prefix}/"));
            let mut all = target.further_readings().map(|reading| reading.has_prefix(prefix)).collect::<Vec<_>>();
            all.extend([target.has_prefix(prefix), target.has_prefix_as_written(prefix)]);
            prop_assert!(all.contains(&under(&read)), "{} is read as {}, and was looked at as {:?}", raw, read, target);
        }
    }

    #[test]
    fn never_panics_and_never_alters(raw in "\\PC{0,40}") {
        if let Ok(target) = path(&raw) {
            prop_assert!(raw.contains(target.path()) || target.path() == "/");
        }
    }

    /// What passes without an oddity is read by a lenient server exactly where a strict one finds it.
    #[test]
    fn no_server_reads_an_accepted_path_elsewhere(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "/", "a", "rest", ".", "..", "%2e", "%2F", "%5c", "%25", "2e", "2f", ";", "\\", "%20", "%c3%a4", "%41", "~", "%7e", "//",
            ]),
            0..8,
        ),
        prefix in prop::sample::select(vec!["/rest", "/a", "/rest/a"]),
    ) {
        let raw = format!("/{}", parts.concat());
        if let Ok(target) = path(&raw) {
            let read = lenient(target.path());
            let under = read == prefix || read.starts_with(&format!("{prefix}/"));
            // A route that guards what a lenient server would serve is found for it, oddities or not, unless the path
            // was escaped twice, which only a route that allows it by name lets pass.
            if !target.oddities().contains(&Oddity::EncodedPercent) && !target.oddities().contains(&Oddity::Semicolon) {
                prop_assert_eq!(target.has_prefix(prefix), under, "{} is read as {}", raw, read);
            } else if under {
                prop_assert!(target.has_prefix(prefix), "{} is read as {}", raw, read);
            }
            if target.oddities().is_empty() {
                let decoded = percent_encoding::percent_decode_str(target.path()).decode_utf8_lossy().into_owned();
                prop_assert_eq!(read.trim_end_matches('/'), decoded.trim_end_matches('/'));
            }
        }
    }
}
