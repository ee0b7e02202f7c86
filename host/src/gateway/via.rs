//! `Via` (RFC 9110 7.6.3): by which a request that comes back to the gateway that sent it is found.

use http::{HeaderMap, HeaderValue, Version, header};
use std::hash::{BuildHasher, RandomState};

/// The name of this gateway in `Via`: a pseudonym (RFC 9110 7.6.3) of this process alone, so that two gateways in a row are no
/// loop.
pub(super) struct Via {
    pseudonym: String,
    /// The member for a request that came over HTTP/1.0, 1.1 and 2.
    members: [HeaderValue; 3],
}

impl Via {
    /// A new name.
    pub(super) fn new() -> Self {
        let number = RandomState::new().hash_one(std::process::id());
        let pseudonym = format!("portcullis-{:08x}", number >> 32);
        let member = |version: &str| {
            HeaderValue::try_from(format!("{version} {pseudonym}"))
                .unwrap_or(HeaderValue::from_static("1.1 portcullis"))
        };
        let members = ["1.0", "1.1", "2"].map(member);
        Self { pseudonym, members }
    }

    /// Whether a request went through this gateway before.
    pub(super) fn is_in(&self, headers: &HeaderMap) -> bool {
        headers.get_all(header::VIA).iter().any(|value| {
            let mut names = value.as_bytes().split(|byte| matches!(byte, b',' | b' ' | b'\t'));
            names.any(|name| name == self.pseudonym.as_bytes())
        })
    }

    /// Adds this gateway to those that a request went through.
    pub(super) fn add_to(&self, headers: &mut HeaderMap, received: Version) {
        let [http_10, http_11, http_2] = &self.members;
        let member = match received {
            Version::HTTP_10 => http_10,
            Version::HTTP_2 => http_2,
            _ => http_11,
        };
        headers.append(header::VIA, member.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_knows_itself_and_nobody_else() {
        let (ours, other) = (Via::new(), Via::new());
        let mut headers = HeaderMap::new();
        assert!(!ours.is_in(&headers));
        headers.append(header::VIA, HeaderValue::from_static("1.0 fred, 1.1 p.example.net (portcullis)"));
        other.add_to(&mut headers, Version::HTTP_2);
        assert!(!ours.is_in(&headers) && other.is_in(&headers));
        ours.add_to(&mut headers, Version::HTTP_11);
        assert!(ours.is_in(&headers));
        let joined = format!("1.1 a,1.1 {} (b), 1.1 c", ours.pseudonym);
        let joined = [(header::VIA, HeaderValue::try_from(joined).expect("value"))].into_iter().collect();
        assert!(ours.is_in(&joined) && !other.is_in(&joined));
    }
}
