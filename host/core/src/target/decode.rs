//! Percent-decoding (RFC 3986 2.1) once, leniently: what is no escape stays as it is.

/// Decodes into `into`, which is emptied first. Returns whether there was an escape.
pub(super) fn decode(bytes: impl Iterator<Item = u8>, into: &mut Vec<u8>) -> bool {
    into.clear();
    let mut found = false;
    // Up to two bytes after a `%` that may turn out to be no escape.
    let mut held: Option<Option<u8>> = None;
    for byte in bytes {
        match (held, hex(byte)) {
            (None, _) if byte == b'%' => held = Some(None),
            (None, _) => into.push(byte),
            (Some(None), Some(_)) => held = Some(Some(byte)),
            (Some(Some(high)), Some(low)) => {
                into.push(hex(high).unwrap_or_default() << 4 | low);
                found = true;
                held = None;
            }
            (Some(high), None) => {
                into.push(b'%');
                into.extend(high);
                held = None;
                if byte == b'%' { held = Some(None) } else { into.push(byte) }
            }
        }
    }
    if let Some(high) = held {
        into.push(b'%');
        into.extend(high);
    }
    found
}

/// The value of a hexadecimal digit.
pub(super) fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn decodes_as_the_library_does(text in "([%a-f0-9zZ ]|%[0-9a-fA-F]{2}){0,20}") {
            let mut decoded = Vec::new();
            let found = decode(text.bytes(), &mut decoded);
            let expected: Vec<u8> = percent_encoding::percent_decode_str(&text).collect();
            prop_assert_eq!(found, expected != text.as_bytes());
            prop_assert_eq!(decoded, expected);
        }
    }
}
