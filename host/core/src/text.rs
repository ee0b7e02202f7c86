//! Small questions about texts that several readers ask in the same way.

use std::borrow::Cow;

/// So many known names are looked at when a near one is searched for.
const CANDIDATES_MAX: usize = 200;

/// The known name that somebody most likely meant, if one is near enough to be worth naming.
///
/// Of very many known names only the first 200 are looked at. Distance counts insertions, deletions, substitutions and swaps of neighbours; a third of the name's length is near.
#[must_use]
pub fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let near = (name.chars().count() / 3).max(1);
    known
        .into_iter()
        .take(CANDIDATES_MAX)
        .map(|candidate| (distance(&name.to_lowercase(), &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= near)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// "did you mean `x`?", or all the known names where none is near.
#[must_use]
pub fn suggestion<'k>(name: &str, known: impl IntoIterator<Item = &'k str> + Clone) -> String {
    if let Some(candidate) = nearest(name, known.clone()) {
        return format!("did you mean `{candidate}`?");
    }
    let all: Vec<String> = known.into_iter().map(|candidate| format!("`{candidate}`")).collect();
    match all.len() {
        0 => "remove it".to_owned(),
        1..=16 => format!("known here: {}", all.join(", ")),
        _ => "remove it, or look it up in the reference".to_owned(),
    }
}

/// Names in backticks, for a sentence: "`a`, `b` or `c`".
#[must_use]
pub fn one_of<'k>(names: impl IntoIterator<Item = &'k str>) -> String {
    let mut names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match (names.pop(), names.is_empty()) {
        (None, _) => String::new(),
        (Some(last), true) => last,
        (Some(last), false) => format!("{} or {last}", names.join(", ")),
    }
}

/// A text that may be put into a message: at most 60 characters, control characters replaced.
#[must_use]
pub fn shown(text: &str) -> String {
    let mut short: String =
        text.chars().take(60).map(|c| if acts(c) { char::REPLACEMENT_CHARACTER } else { c }).collect();
    if text.chars().nth(60).is_some() {
        short.push('…');
    }
    short
}

/// Whether two names are one to a server that ignores letter case (by whatever mapping) and white space around them.
///
/// For rules that refuse only: it takes more names for the same than any single server does.
#[must_use]
pub fn is_same_in_any_case(a: &str, b: &str) -> bool {
    any_case(a.trim()).eq(any_case(b.trim()))
}

/// As [`is_same_in_any_case`], whether a name begins with `start`.
#[must_use]
pub fn starts_in_any_case(name: &str, start: &str) -> bool {
    let mut name = any_case(name.trim());
    any_case(start.trim()).all(|wanted| name.next() == Some(wanted))
}

/// Upper case, then lower case: the second step alone keeps `ſ`, the first alone keeps the Kelvin sign.
fn any_case(text: &str) -> impl Iterator<Item = char> {
    text.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase)
}

/// Whether a character acts instead of being seen: control characters (ESC begins what a terminal obeys), line and paragraph
/// separators, and those that change the direction of what follows, so that a reader sees another text than a program.
#[must_use]
pub fn acts(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A text of several lines for a terminal: what [`acts`] is replaced, but for line breaks and tabs.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    let keeps = |c: char| matches!(c, '\n' | '\t') || !acts(c);
    if text.chars().all(keeps) {
        return Cow::Borrowed(text);
    }
    text.chars().map(|c| if keeps(c) { c } else { char::REPLACEMENT_CHARACTER }).collect()
}

/// A text for a place within a line: what [`acts`] is replaced, line breaks too.
#[must_use]
pub fn one_line(text: &str) -> Cow<'_, str> {
    if !text.contains(acts) {
        return Cow::Borrowed(text);
    }
    text.chars().map(|c| if acts(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// Optimal string alignment distance. Quadratic: both texts are cut at 64 characters.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().take(64).collect();
    let b: Vec<char> = b.chars().take(64).collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    let mut previous_a = None;
    for (i, &ca) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        let mut left = i + 1;
        let mut previous_b = None;
        for (j, &cb) in b.iter().enumerate() {
            let diagonal = last.get(j).copied().unwrap_or(usize::MAX - 1);
            let above = last.get(j + 1).copied().unwrap_or(usize::MAX - 1);
            let mut best = (diagonal + usize::from(ca != cb)).min(above + 1).min(left + 1);
            if previous_a == Some(cb)
                && previous_b == Some(ca)
                && let Some(swapped) = j.checked_sub(1).and_then(|j| before_last.get(j))
            {
                best = best.min(swapped + 1);
            }
            row.push(best);
            left = best;
            previous_b = Some(cb);
        }
        before_last = std::mem::replace(&mut last, row);
        previous_a = Some(ca);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        let cases =
            [("", "", 0), ("realm", "relam", 1), ("realm", "realms", 1), ("abc", "", 3), ("kitten", "sitting", 3)];
        for (a, b, expected) in cases {
            assert_eq!(distance(a, b), expected, "{a} {b}");
            assert_eq!(distance(b, a), expected, "{b} {a}");
        }
    }

    #[test]
    fn the_nearest_name_is_named_and_a_far_one_is_not() {
        let known = ["realm", "host", "mode"];
        assert_eq!(nearest("relam", known), Some("realm"));
        assert_eq!(nearest("Host", known), Some("host"));
        assert_eq!(nearest("tenant", known), None);
        assert_eq!(suggestion("hots", known), "did you mean `host`?");
        assert_eq!(suggestion("tenant", known), "known here: `realm`, `host`, `mode`");
        assert_eq!(suggestion("tenant", []), "remove it");
    }

    #[test]
    fn names_in_any_case() {
        for (a, b) in [("svc", "SVC"), ("svc", "\u{17f}vc"), ("kim", "\u{212a}IM"), (" a", "A\t"), ("\u{e4}", "\u{c4}")]
        {
            assert!(is_same_in_any_case(a, b) && is_same_in_any_case(b, a), "{a} {b}");
            assert!(starts_in_any_case(&format!("{}:x", b.trim()), a), "{a} {b}");
        }
        for (a, b) in [("a", "b"), ("a", "aa"), ("aa", "a"), ("", "a")] {
            assert!(!is_same_in_any_case(a, b), "{a} {b}");
        }
        assert!(!starts_in_any_case("sv", "svc:") && starts_in_any_case("SVC:ci", "svc:"));
    }

    #[test]
    fn shown_is_short_and_without_control_characters() {
        assert_eq!(shown("a\u{1b}[31mb"), "a\u{fffd}[31mb");
        assert_eq!(shown(&"x".repeat(61)), format!("{}…", "x".repeat(60)));
        assert_eq!(
            visible("a\u{1b}[31m\n\tb\u{9b}\u{202e}ü\u{7f}\r"),
            "a\u{fffd}[31m\n\tb\u{fffd}\u{fffd}ü\u{fffd}\u{fffd}"
        );
        assert_eq!(one_line("a\nb\u{2028}c ü"), "a\u{fffd}b\u{fffd}c ü");
        assert_eq!(one_of(["a", "b", "c"]), "`a`, `b` or `c`");
        assert_eq!(one_of(["a"]), "`a`");
    }
}
