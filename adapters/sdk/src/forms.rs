//! Forms that settings have at several providers. What is described to the gateway is checked there; these are the forms
//! that a description cannot say.

/// Whether this is a GUID (RFC 9562 4), in any letter case.
#[must_use]
pub fn is_guid(text: &str) -> bool {
    let lengths: Vec<_> = text.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

/// Whether this can stand between two dots of a host (RFC 1123 2.1): lower-case letters, digits and inner hyphens, at most
/// 63 of them.
#[must_use]
pub fn is_label(text: &str) -> bool {
    let of_a_label = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let hyphen_outside = text.starts_with('-') || text.ends_with('-');
    (1..=63).contains(&text.len()) && !hyphen_outside && text.bytes().all(of_a_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guids() {
        for guid in ["5caa81af-ec05-41ff-a709-c7378007a99c", "5CAA81AF-EC05-41FF-A709-C7378007A99C"] {
            assert!(is_guid(guid), "{guid}");
        }
        for other in [
            "",
            "----",
            "5caa81afec0541ffa709c7378007a99c",
            "5caa81af-ec05-41ff-a709-c7378007a99",
            "5caa81af-ec05-41ff-a709-c7378007a99c-",
            "{5caa81af-ec05-41ff-a709-c7378007a99c}",
            "5caa81ag-ec05-41ff-a709-c7378007a99c",
            "5caa81af-ec05-41ff-a709-c7378007é99",
        ] {
            assert!(!is_guid(other), "{other}");
        }
    }

    #[test]
    fn labels() {
        for label in ["acme", "a", "oidc-sample", "1password", &"a".repeat(63)] {
            assert!(is_label(label), "{label}");
        }
        for other in ["", "-a", "a-", "a.b", "Acme", "a_b", "a/b", "a@b", "a:1", "übung", "a b", &"a".repeat(64)] {
            assert!(!is_label(other), "{other}");
        }
    }
}
