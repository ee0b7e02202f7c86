//! A text that must not turn up, in every dress in which it could.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use serde_json::json;

/// Every spelling in which a canary could turn up.
pub(crate) fn spellings(canary: &str) -> Vec<String> {
    let mut found = vec![canary.to_owned()];
    for engine in [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD] {
        found.push(engine.encode(canary));
        // Inside a longer base64 text the canary starts at any of three offsets; its middle is the same each time.
        for skip in 1..3 {
            let whole = engine.encode([&b"xx"[..skip], canary.as_bytes()].concat());
            found.push(whole.get(4..whole.len() - 4).unwrap().to_owned());
        }
    }
    for plus in [false, true] {
        let escaped: String = canary
            .bytes()
            .map(|byte| match byte {
                b' ' if plus => "+".to_owned(),
                b'-' | b'.' | b'_' | b'~' => (byte as char).to_string(),
                _ if byte.is_ascii_alphanumeric() => (byte as char).to_string(),
                _ => format!("%{byte:02X}"),
            })
            .collect();
        found.push(escaped.to_lowercase());
        found.push(escaped);
    }
    let escaped = json!(canary).to_string();
    found.push(escaped.trim_matches('"').to_owned());
    found.push(canary.replace('/', "\\/"));
    found.push(format!("{canary:?}").trim_matches('"').to_owned());
    found.push(canary.bytes().map(|byte| byte.to_string()).collect::<Vec<_>>().join(", "));
    found.push(canary.bytes().map(|byte| format!("{byte:02x}")).collect());
    found
}
