//! What a plain (unquoted) scalar would be to a YAML parser that guesses, so that nothing is taken for a text by luck.

/// The kind that YAML's schemas give a plain scalar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plain {
    /// `true`, `false`, and what YAML 1.1 took for them: `yes`, `no`, `on`, `off`.
    Flag,
    /// `null` or `~`.
    Null,
    /// Whole or not, in any base.
    Number,
    /// None of these.
    Text,
}

/// The kind of a plain scalar.
pub(crate) fn kind(text: &str) -> Plain {
    match text.to_ascii_lowercase().as_str() {
        "true" | "false" | "yes" | "no" | "on" | "off" => return Plain::Flag,
        "null" | "~" => return Plain::Null,
        _ => {}
    }
    if is_number(text) { Plain::Number } else { Plain::Text }
}

/// YAML 1.2 core schema (10.3.2), and the underscores of YAML 1.1.
fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(unsigned.to_ascii_lowercase().as_str(), ".inf" | ".nan") {
        return true;
    }
    let based = |prefix: &str, digit: fn(char) -> bool| {
        unsigned.strip_prefix(prefix).is_some_and(|rest| !rest.is_empty() && rest.chars().all(|c| digit(c) || c == '_'))
    };
    if based("0x", |c| c.is_ascii_hexdigit()) || based("0o", |c| c.is_digit(8)) || based("0b", |c| c.is_digit(2)) {
        return true;
    }
    let starts_like_one = unsigned.strip_prefix('.').unwrap_or(unsigned).starts_with(|c: char| c.is_ascii_digit());
    starts_like_one
        && unsigned.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | '_' | 'e' | 'E' | '+' | '-'))
        && unsigned.replace('_', "").parse::<f64>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds() {
        let numbers = [
            "0", "8080", "-1", "+1", "1.5", "1.", ".5", "1e3", "1E-3", "0x1F", "0o17", "0b1", "1_000", ".inf", "-.INF",
        ];
        for text in numbers.into_iter().chain([".nan"]) {
            assert_eq!(kind(text), Plain::Number, "{text}");
        }
        for text in ["true", "False", "NO", "yes", "on", "Off"] {
            assert_eq!(kind(text), Plain::Flag, "{text}");
        }
        for text in ["null", "NULL", "~"] {
            assert_eq!(kind(text), Plain::Null, "{text}");
        }
        for text in [
            "",
            "staff",
            "1.5.2",
            "127.0.0.1",
            "127.0.0.1:8080",
            "5s",
            "e3",
            "-",
            "1-2",
            "12345678-1234-1234-1234-123456789012",
            "0x",
            "nan",
            "inf",
        ] {
            assert_eq!(kind(text), Plain::Text, "{text}");
        }
    }
}
