//! From a raw response to the answer that an adapter is given: checked strictly once, and without any copy of what the
//! adapter must not see.

use super::call::Raw;
use super::render::client_pair;
use crate::adapter::contract::{Content, Pair, Response};
use crate::config::ProviderConfig;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use portcullis_core::credential::Credential;
use portcullis_core::json;
use portcullis_core::secret::{MASK, Secret};
use portcullis_core::setting::SettingValue;
use std::borrow::Cow;

/// A shorter client secret is not looked for: no provider repeats it, and an `x` would be found in every name.
const SECRET_BYTES_MIN: usize = 8;

/// What must not reach an adapter, in the spellings in which an answer could repeat it.
pub(super) struct Needles(Vec<Secret>);

impl Needles {
    /// Of a credential, if one was sent, and of all secrets of the provider.
    pub(super) fn new(config: &ProviderConfig, credential: Option<&Credential>) -> Self {
        let mut bare: Vec<&str> = Vec::new();
        match credential {
            Some(Credential::Bearer(token)) => bare.push(token.reveal()),
            Some(Credential::Basic { password, presented, .. }) => bare.extend([presented.reveal(), password.reveal()]),
            None => {}
        }
        for (_, value) in &config.settings {
            if let SettingValue::Secret(secret) = value
                && secret.reveal().len() >= SECRET_BYTES_MIN
            {
                bare.push(secret.reveal());
            }
        }
        let mut needles: Vec<String> = Vec::new();
        for text in bare.into_iter().filter(|text| !text.is_empty()) {
            needles.push(text.to_owned());
            needles.push(STANDARD.encode(text));
            needles.push(STANDARD_NO_PAD.encode(text));
            needles.push(URL_SAFE_NO_PAD.encode(text));
            needles.push(url::form_urlencoded::byte_serialize(text.as_bytes()).collect());
        }
        if let (Some(id), Some(secret)) = (&config.client.id, &config.client.secret) {
            needles.push(client_pair(id, secret));
        }
        // The longest first, so that a longer copy is not left behind in pieces.
        needles.sort_by_key(|needle| std::cmp::Reverse(needle.len()));
        needles.dedup();
        Self(needles.into_iter().map(Secret::new).collect())
    }

    fn texts(&self) -> Vec<&str> {
        self.0.iter().map(Secret::reveal).collect()
    }

    fn in_bytes(&self, bytes: &[u8]) -> bool {
        self.0.iter().any(|needle| {
            let needle = needle.reveal().as_bytes();
            bytes.len() >= needle.len() && bytes.windows(needle.len()).any(|window| window == needle)
        })
    }

    fn mask(&self, text: &str) -> String {
        let mut text = Cow::Borrowed(text);
        for needle in &self.0 {
            if text.contains(needle.reveal()) {
                text = Cow::Owned(text.replace(needle.reveal(), MASK));
            }
        }
        text.into_owned()
    }
}

/// What the adapter sees of a response.
pub(super) fn answer(label: &str, raw: &Raw, needles: &Needles) -> Response {
    let headers = raw
        .headers
        .iter()
        .filter(|(name, _)| name != "set-cookie" && name != "set-cookie2")
        .map(|(name, value)| Pair { name: name.clone(), value: needles.mask(&String::from_utf8_lossy(value)) })
        .collect();
    Response { to: label.to_owned(), status: raw.status, headers, body: content(&raw.body, needles) }
}

fn content(body: &[u8], needles: &Needles) -> Content {
    match json::check(body, json::Limits::default()) {
        json::Content::Empty => Content::Empty,
        json::Content::Json(text) => match json::mask(&text, &needles.texts(), MASK) {
            Cow::Borrowed(_) => Content::Json(text),
            // Masking may have made two names equal.
            Cow::Owned(masked) => match json::check(masked.as_bytes(), json::Limits::default()) {
                json::Content::Json(masked) => Content::Json(masked),
                _ => Content::Other(Vec::new()),
            },
        },
        json::Content::Other if needles.in_bytes(body) => Content::Other(Vec::new()),
        json::Content::Other => Content::Other(body.to_vec()),
    }
}
