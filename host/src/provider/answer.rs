//! From a raw response to the answer that an adapter is given: checked strictly once, and without any copy of what the
//! adapter must not see.

use super::call::Raw;
use super::render::client_pair;
use crate::adapter::contract::{Content, Pair, Response};
use crate::config::ProviderConfig;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use portcullis_core::copies;
use portcullis_core::credential::Credential;
use portcullis_core::json;
use portcullis_core::secret::{MASK, Secret};
use portcullis_core::setting::SettingValue;
use std::borrow::Cow;

/// A shorter client secret is not looked for: no provider repeats it, and an `x` would be found in every name.
const SECRET_BYTES_MIN: usize = 8;

/// What a client presents may be any word. One shorter than this is no credential that a provider made, and may be a word that
/// says no (`anonymous`).
const CREDENTIAL_BYTES_MIN: usize = 16;

/// The spellings of a provider's secrets, made when it is planned.
pub(super) struct SecretNeedles(Vec<Secret>);

impl SecretNeedles {
    /// Of all secrets of a provider.
    pub(super) fn of(config: &ProviderConfig) -> Self {
        let bare = config.settings.iter().filter_map(|(_, value)| match value {
            SettingValue::Secret(secret) if secret.reveal().len() >= SECRET_BYTES_MIN => Some(secret.reveal()),
            _ => None,
        });
        let mut needles = spellings(bare);
        if let (Some(id), Some(secret)) = (&config.client.id, &config.client.secret) {
            needles.push(Secret::new(client_pair(id, secret)));
            needles.push(Secret::new(STANDARD.encode(format!("{id}:{}", secret.reveal()))));
        }
        Self(needles)
    }
}

/// What must not reach an adapter.
#[derive(Clone)]
pub(super) struct Needles<'p> {
    secrets: &'p [Secret],
    /// What was sent along.
    sent: Vec<&'p str>,
}

impl<'p> Needles<'p> {
    /// Of a provider's secrets, and of a credential, if one is sent.
    pub(super) fn new(secrets: &'p SecretNeedles, credential: Option<&'p Credential>) -> Self {
        let sent = match credential {
            Some(Credential::Bearer(token)) => vec![token.reveal()],
            Some(Credential::Basic { password, presented, .. }) => vec![presented.reveal(), password.reveal()],
            None => Vec::new(),
        };
        Self { secrets: &secrets.0, sent }
    }

    /// The same, and this secret, which was sent along once.
    pub(super) fn and(mut self, secret: &'p Secret) -> Self {
        self.sent.insert(0, secret.reveal());
        self
    }

    /// The spellings in which a text of this many bytes could repeat them. No unescaping makes a text longer, so a short
    /// answer holds no copy of a long token, and that token's spellings are not even made.
    fn spelled(&self, bytes: usize) -> Spelled<'p> {
        Spelled {
            secrets: self.secrets,
            sent: spellings(self.sent.iter().copied().filter(|text| text.len() <= bytes)),
            may_be_words: self.sent.iter().any(|text| text.len() < CREDENTIAL_BYTES_MIN),
        }
    }
}

/// Needles as they are looked for.
struct Spelled<'p> {
    secrets: &'p [Secret],
    sent: Vec<Secret>,
    /// Something that was sent is as short as a word.
    may_be_words: bool,
}

impl Spelled<'_> {
    /// Secrets first: a credential that is a part of one must not leave the rest of it standing.
    fn texts(&self) -> Vec<&str> {
        self.secrets.iter().chain(&self.sent).map(Secret::reveal).collect()
    }
}

/// A text as it is and in base64, without the padding that may follow; the longest first, so that a longer copy is not left
/// behind in pieces. URL- and JSON-escaped copies are found by unescaping, see [`copies`].
fn spellings<'t>(bare: impl Iterator<Item = &'t str>) -> Vec<Secret> {
    let mut needles: Vec<String> = Vec::new();
    for text in bare.filter(|text| !text.is_empty()) {
        let standard = STANDARD_NO_PAD.encode(text);
        if standard.contains(['+', '/']) {
            needles.push(standard.replace('+', "-").replace('/', "_"));
        }
        needles.push(standard);
        needles.push(text.to_owned());
    }
    needles.sort_by_key(|needle| std::cmp::Reverse(needle.len()));
    needles.into_iter().map(Secret::new).collect()
}

/// What the adapter sees of a response.
pub(super) fn answer(label: &str, raw: &Raw, needles: &Needles<'_>) -> Response {
    let headers: Vec<(&str, Cow<'_, str>)> = raw
        .headers
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "set-cookie" | "set-cookie2"))
        .map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value.as_bytes())))
        .collect();
    let body = String::from_utf8_lossy(&raw.body);
    let texts = headers.iter().flat_map(|(name, value)| [*name, value]).chain([&*body]);
    let spelled = needles.spelled(texts.map(str::len).max().unwrap_or(0));
    let needles = spelled.texts();
    let masked = |text: &str| copies::mask(text, &needles, MASK).into_owned();
    let headers = headers.iter().map(|(name, value)| Pair { name: masked(name), value: masked(value) }).collect();
    Response {
        to: label.to_owned(),
        status: raw.status,
        headers,
        body: content(&raw.body, &body, &needles, spelled.may_be_words),
    }
}

/// `text`: the body, read leniently. Needles are ASCII or whole text, so that hides none.
fn content(body: &[u8], text: &str, needles: &[&str], may_be_words: bool) -> Content {
    match json::check(body, json::Limits::default()) {
        json::Content::Empty => Content::Empty,
        json::Content::Json(text) => {
            mask(text, needles, may_be_words).map_or_else(|| Content::Other(Vec::new()), Content::Json)
        }
        json::Content::Other if copies::found(text, needles) || hands_out_token(text) => Content::Other(Vec::new()),
        json::Content::Other => Content::Other(body.to_vec()),
    }
}

/// Whether a text that is no strict JSON may hold a token that the provider hands out: it is a form (GitHub's token endpoint
/// answers so) or names a member that does. A lenient parser reads JSON with a member twice or a comma too many all the same.
fn hands_out_token(text: &str) -> bool {
    json::names_token_member(text)
        || (text.contains('=')
            && url::form_urlencoded::parse(text.as_bytes()).any(|(name, _)| json::is_token_member(name.trim())))
}

/// A checked JSON text without what the adapter must not see; `None` where masking would take a member, or a word that says no, out
/// of it: a client that presents `type` or `anonymous` must not be read another answer than one that presents anything else.
pub(super) fn masked(text: &str, needles: &Needles<'_>) -> Option<String> {
    let spelled = needles.spelled(text.len());
    mask(text.to_owned(), &spelled.texts(), spelled.may_be_words)
}

fn mask(text: String, needles: &[&str], may_be_words: bool) -> Option<String> {
    let Cow::Owned(masked) = json::mask(&text, needles, MASK) else { return Some(text) };
    match json::copies(&text, needles) {
        json::Copies::InNames => None,
        json::Copies::InValues if may_be_words => None,
        json::Copies::InValues | json::Copies::None => Some(masked),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderMap, HeaderValue};
    use portcullis_core::credential::BearerToken;

    const TOKEN: &str = "a-token-of-some-length+/~~.";

    fn seen(header: &str, body: &str) -> String {
        let credential = Credential::Bearer(BearerToken::new(TOKEN));
        let secrets = SecretNeedles(Vec::new());
        let needles = Needles::new(&secrets, Some(&credential));
        let headers: HeaderMap =
            [(http::header::WWW_AUTHENTICATE, HeaderValue::from_str(header).unwrap())].into_iter().collect();
        let raw = Raw { status: 200, headers, body: bytes::Bytes::copy_from_slice(body.as_bytes()) };
        let Response { headers, body, .. } = answer("check", &raw, &needles);
        let body = match body {
            Content::Empty => String::new(),
            Content::Json(text) => text,
            Content::Other(bytes) => String::from_utf8(bytes).unwrap(),
        };
        format!("{headers:?} {body}")
    }

    /// A piece that is just as long as the token may be the token, and so may what is longer when it is escaped.
    #[test]
    fn an_answer_just_long_enough_to_repeat_the_token_is_masked() {
        let percent: String = TOKEN.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let base64 = STANDARD.encode(TOKEN);
        for copy in [TOKEN, &percent, &base64, &base64.replace('+', "-").replace('/', "_")] {
            for seen in [seen(copy, ""), seen("x", copy), seen("x", &format!("{{\"t\":\"{copy}\"}}"))] {
                assert!(!seen.contains(copy), "{seen}");
            }
        }
    }
}
