//! Copies of what somebody must not see, in a text: found in any escaping, and masked.

use percent_encoding::percent_decode_str;
use std::borrow::Cow;

/// Escapings one within the other that are looked through.
const DEPTH: usize = 2;

/// The text with every copy of a needle replaced. Copies that overlap are replaced by one mask. A text whose copy only
/// shows when it is unescaped (URL or JSON, also one within the other) is replaced whole.
#[must_use]
pub fn mask<'t>(text: &'t str, needles: &[&str], mask: &str) -> Cow<'t, str> {
    let masked = masked(text, needles, mask).map_or(Cow::Borrowed(text), Cow::Owned);
    if escaped(&masked, needles, DEPTH) { Cow::Owned(mask.to_owned()) } else { masked }
}

/// Whether a text holds a copy of a needle, as it is or escaped.
#[must_use]
pub fn found(text: &str, needles: &[&str]) -> bool {
    plain(text, needles) || escaped(text, needles, DEPTH)
}

fn plain(text: &str, needles: &[&str]) -> bool {
    needles.iter().any(|needle| !needle.is_empty() && text.contains(needle))
}

/// Whether a copy shows when the text is unescaped.
fn escaped(text: &str, needles: &[&str], depth: usize) -> bool {
    if depth == 0 || !text.bytes().any(|byte| matches!(byte, b'\\' | b'%' | b'+')) {
        return false;
    }
    let shows = |unescaped: &str| plain(unescaped, needles) || escaped(unescaped, needles, depth - 1);
    if text.contains('\\') && shows(&without_backslashes(text)) {
        return true;
    }
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    (text.contains('%') && shows(&decoded(text))) || (text.contains('+') && shows(&decoded(&text.replace('+', " "))))
}

/// As a JSON string's inside would be read, leniently: what is no escape stays.
fn without_backslashes(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        result.push_str(rest.get(..at).unwrap_or_default());
        rest = rest.get(at + 1..).unwrap_or_default();
        let Some(c) = rest.chars().next() else { break };
        let unit = |digits: &str| u16::from_str_radix(digits, 16).ok();
        let mut units = Vec::new();
        // A run of them, since a character beyond U+FFFF takes two.
        let mut run = rest;
        while let Some(digits) = run.strip_prefix('u').and_then(|run| run.get(..4)).and_then(unit) {
            units.push(digits);
            rest = run.get(5..).unwrap_or_default();
            run = rest.strip_prefix('\\').unwrap_or_default();
        }
        if !units.is_empty() {
            result.push_str(&String::from_utf16_lossy(&units));
            continue;
        }
        result.push(match c {
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            other => other,
        });
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
    }
    result.push_str(rest);
    result
}

/// The text with all plain copies replaced; `None` where there is none.
fn masked(text: &str, needles: &[&str], mask: &str) -> Option<String> {
    let mut text = Cow::Borrowed(text);
    // What stands beside a mask may, with a part of the mask, be a copy again.
    for _ in 0..4 {
        match replaced(&text, needles, mask) {
            Some(new) => text = Cow::Owned(new),
            None => {
                return match text {
                    Cow::Borrowed(_) => None,
                    Cow::Owned(text) => Some(text),
                };
            }
        }
    }
    Some(mask.to_owned())
}

fn replaced(text: &str, needles: &[&str], mask: &str) -> Option<String> {
    // Copies of one needle may overlap each other too, so the search goes on one character after a copy's start.
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    // A search begins by studying its needle, which for a long token costs more than all the rest: not for a short text.
    for needle in needles.iter().filter(|needle| !needle.is_empty() && needle.len() <= text.len()) {
        let step = needle.chars().next().map_or(1, char::len_utf8);
        let mut from = 0;
        while let Some(found) = text.get(from..).and_then(|rest| rest.find(needle)) {
            let start = from + found;
            ranges.push((start, start + needle.len()));
            from = start + step;
        }
    }
    if ranges.is_empty() {
        return None;
    }
    ranges.sort_unstable();
    let mut result = String::with_capacity(text.len());
    let mut covered = 0;
    let mut first = true;
    for (start, end) in ranges {
        if first || start >= covered {
            result.push_str(text.get(covered..start).unwrap_or_default());
            result.push_str(mask);
        }
        covered = covered.max(end);
        first = false;
    }
    result.push_str(text.get(covered..).unwrap_or_default());
    Some(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEEDLE: &str = "to/k+en ü𝄞";

    #[test]
    fn a_copy_is_found_in_any_escaping() {
        let utf16: String = NEEDLE.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect();
        let percent: String = NEEDLE.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let form: String = url::form_urlencoded::byte_serialize(NEEDLE.as_bytes()).collect();
        for copy in [
            NEEDLE.to_owned(),
            NEEDLE.replace('/', "\\/"),
            utf16.clone(),
            percent.clone(),
            form,
            utf16.replace('\\', "\\\\"),
            utf16.replace('\\', "%5C"),
            percent.replace('%', "%25"),
            percent.replace('%', "\\u0025"),
        ] {
            let text = format!("before {copy} after %zz \\q \\u12");
            assert!(found(&text, &[NEEDLE]), "{text}");
            let masked = mask(&text, &[NEEDLE], "M");
            assert!(masked == "M" || masked == "before M after %zz \\q \\u12", "{masked}");
        }
    }

    #[test]
    fn a_form_encoding_that_changes_only_spaces_is_seen_through() {
        let needle = "correct horse battery";
        for text in ["correct+horse+battery", "a=1&b=correct+horse+battery&c", "correct\\u002bhorse+battery"] {
            assert!(found(text, &[needle]), "{text}");
            assert_eq!(mask(text, &[needle], "M"), "M", "{text}");
        }
        assert!(!found("correct+horse", &[needle]));
    }

    #[test]
    fn what_is_no_copy_stays_as_it_is() {
        for text in ["", "%", "\\", "\\u", "\\ud834", "100%+\\/", "to/k", "\\u0074o"] {
            assert!(!found(text, &[NEEDLE, ""]), "{text}");
            assert!(matches!(mask(text, &[NEEDLE, ""], "M"), Cow::Borrowed(same) if same == text), "{text}");
        }
    }
}
