//! HTTP methods that every server reads alike.
//!
//! Methods are case-sensitive (RFC 9110 9.1), and no registered one has a lower-case letter. Django and Flask convert
//! them to upper case, so `delete`, which no rule about DELETE matches, is a DELETE to them. Such a method is refused.

/// The longest method that is accepted, in bytes. The longest registered one (`UPDATEREDIRECTREF`) has 17.
pub const METHOD_BYTES_MAX: usize = 32;

/// Whether every server reads a method alike: upper-case ASCII letters, digits, `-` and `_`, at most
/// [`METHOD_BYTES_MAX`] bytes.
#[must_use]
pub fn is_unambiguous(method: &[u8]) -> bool {
    let fits = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
    !method.is_empty() && method.len() <= METHOD_BYTES_MAX && method.iter().all(fits)
}

/// The method that a request claims elsewhere (`X-HTTP-Method-Override`, `_method`), where letter case and surrounding
/// white space do not count. `None`: it is not a method that every server reads alike.
#[must_use]
pub fn claimed(value: &[u8]) -> Option<String> {
    let value = value.trim_ascii();
    if value.len() > METHOD_BYTES_MAX {
        return None;
    }
    let upper = value.to_ascii_uppercase();
    is_unambiguous(&upper).then(|| String::from_utf8(upper).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registered_methods_are_accepted_and_no_lower_case_letter() {
        for method in ["GET", "UPDATEREDIRECTREF", "BASELINE-CONTROL", "M-SEARCH", "X_1", &"A".repeat(32)] {
            assert!(is_unambiguous(method.as_bytes()), "{method}");
        }
        for method in ["", "get", "Get", "DELETe", "DELETE ", "DEL\u{c9}TE", "GET!", "*", "A.B", &"A".repeat(33)] {
            assert!(!is_unambiguous(method.as_bytes()), "{method}");
        }
    }

    #[test]
    fn a_claimed_method_is_read_in_any_letter_case() {
        for (value, expected) in [
            ("DELETE", Some("DELETE")),
            (" delete\t", Some("DELETE")),
            ("Patch", Some("PATCH")),
            ("PUT, DELETE", None),
            ("%44ELETE", None),
            ("\u{17f}earch", None),
            ("", None),
            (&"a".repeat(33), None),
        ] {
            assert_eq!(claimed(value.as_bytes()).as_deref(), expected, "{value:?}");
        }
    }
}
