//! The format of recorded cases, and the credential that a case presents.

use super::keys;
use crate::regular;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use portcullis_core::credential::{BearerToken, Credential};
use portcullis_core::secret::Secret;
use portcullis_core::text::one_line;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

/// One case.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    pub(super) id: String,
    pub(super) provider: String,
    #[serde(default)]
    settings: Map<String, Value>,
    #[serde(default)]
    credential: Kind,
    expect_request: Option<ExpectedRequest>,
    response: Option<Recorded>,
    #[serde(default)]
    exchanges: Vec<Exchange>,
    token: Option<String>,
    token_claims: Option<Value>,
    token_header: Option<Value>,
    #[serde(default)]
    token_key: TokenKey,
    clock: Option<i64>,
    #[serde(default)]
    pub(super) wanted: Vec<String>,
    pub(super) expect: Expected,
    pub(super) expect_calls: Option<usize>,
    #[serde(rename = "source")]
    _source: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    #[default]
    Bearer,
    Basic,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum TokenKey {
    #[default]
    Test,
    Stranger,
    None,
    Hmac,
}

/// A request and the answer to it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Exchange {
    pub(super) expect_request: ExpectedRequest,
    pub(super) response: Recorded,
}

/// What must hold of a request.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExpectedRequest {
    pub(super) method: String,
    pub(super) url: String,
    #[serde(default)]
    pub(super) headers: Map<String, Value>,
    pub(super) form: Option<Map<String, Value>>,
    pub(super) json: Option<Value>,
}

/// A recorded answer.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Recorded {
    pub(super) status: u16,
    #[serde(default)]
    pub(super) headers: Map<String, Value>,
    pub(super) body: Option<Value>,
    #[serde(default)]
    pub(super) jwks: bool,
}

/// What must come of it. Fields that are not there are not checked.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Expected {
    pub(super) username: Option<String>,
    pub(super) subject: Option<String>,
    pub(super) email: Option<String>,
    pub(super) groups: Option<Vec<String>>,
    pub(super) scopes: Option<Vec<String>>,
    pub(super) reject: Option<String>,
    pub(super) unavailable: Option<bool>,
    pub(super) problem: Option<ExpectedProblem>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExpectedProblem {
    pub(super) setting: String,
}

/// What a case presents: the credential, and what its placeholders stand for.
pub(super) struct Presented {
    pub(super) credential: Credential,
    pub(super) token: String,
    pub(super) basic: String,
}

/// A token of a form that no provider claims.
const OPAQUE: &str = "opaque-credential-of-a-case.7f3a9c51";

impl Case {
    /// The exchanges, whichever way they are written.
    pub(super) fn exchanges(&self) -> Vec<Exchange> {
        let single = self.expect_request.clone().zip(self.response.clone());
        let single = single.map(|(expect_request, response)| Exchange { expect_request, response });
        self.exchanges.iter().cloned().chain(single).collect()
    }

    /// The clock: the `Date` of the last response that has one, else `clock`, else any.
    pub(super) fn clock(&self) -> i64 {
        let mut dates = self.exchanges().into_iter().filter_map(|exchange| {
            let headers = exchange.response.headers;
            let date = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("date"))?.1.as_str()?.to_owned();
            let since = httpdate::parse_http_date(&date).ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
            i64::try_from(since.as_secs()).ok()
        });
        dates.next_back().or(self.clock).unwrap_or(1_700_000_000)
    }

    /// The presented credential.
    pub(super) fn presented(&self) -> Presented {
        let token = match (&self.token, &self.token_claims) {
            (Some(token), _) => token.clone(),
            (None, Some(claims)) => self.jwt(claims),
            (None, None) => OPAQUE.to_owned(),
        };
        let (username, password) = ("someone@example.com", "api-token-of-a-case-51d0");
        let basic = STANDARD.encode(format!("{username}:{password}"));
        let credential = match self.credential {
            Kind::Bearer => Credential::Bearer(BearerToken::new(&*token)),
            Kind::Basic => Credential::Basic {
                username: Secret::new(username),
                password: Secret::new(password),
                presented: Secret::new(&*basic),
            },
        };
        Presented { credential, token, basic }
    }

    /// A JWT with these claims, signed as the case says.
    fn jwt(&self, claims: &Value) -> String {
        let header = self.token_header.clone().unwrap_or_else(|| match self.token_key {
            TokenKey::Test | TokenKey::Stranger => serde_json::json!({"alg": "RS256", "kid": "test-rsa"}),
            TokenKey::None => serde_json::json!({"alg": "none"}),
            TokenKey::Hmac => serde_json::json!({"alg": "HS256", "kid": "test-rsa"}),
        });
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(text(&header)), URL_SAFE_NO_PAD.encode(text(claims)));
        let algorithm = header.get("alg").and_then(Value::as_str).unwrap_or_default();
        let signature = match self.token_key {
            TokenKey::None => String::new(),
            TokenKey::Hmac => keys::sign_by_hmac(&message),
            TokenKey::Test | TokenKey::Stranger => {
                keys::sign(&message, algorithm, self.token_key == TokenKey::Stranger)
            }
        };
        format!("{message}.{signature}")
    }

    /// The settings, with the test key in the place of its name.
    pub(super) fn settings(&self) -> Map<String, Value> {
        let filled = |(name, value): (&String, &Value)| match value.as_str() {
            Some("{test-rsa}") => (name.clone(), keys::rsa_private_pem().into()),
            _ => (name.clone(), value.clone()),
        };
        self.settings.iter().map(filled).collect()
    }
}

/// The longest file of cases, in bytes.
const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// All cases of a file, or of the `*.json` files of a folder.
pub(super) fn read(path: &Path) -> Result<Vec<Case>, String> {
    if !path.is_dir() {
        return read_file(path);
    }
    let unreadable = |error: std::io::Error| format!("{}: {error}", path.display());
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(path).map_err(unreadable)? {
        let file = entry.map_err(unreadable)?.path();
        if file.extension().is_some_and(|extension| extension == "json") {
            files.push(file);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(format!("{}: holds no .json file of cases", path.display()));
    }
    let cases: Vec<Vec<Case>> = files.iter().map(|file| read_file(file)).collect::<Result<_, _>>()?;
    Ok(cases.into_iter().flatten().collect())
}

fn read_file(file: &Path) -> Result<Vec<Case>, String> {
    let text = regular::read_text(file, FILE_BYTES_MAX).map_err(|unread| format!("{}: {unread}", file.display()))?;
    let mut cases: Vec<Case> = serde_json::from_str(&text)
        .map_err(|error| format!("{}: is no array of cases: {}", file.display(), one_line(&error.to_string())))?;
    for case in &mut cases {
        // They are printed within a line.
        case.id = one_line(&case.id).into_owned();
        case.provider = one_line(&case.provider).into_owned();
    }
    Ok(cases)
}
