//! From a plan's request to the one that goes out: the gateway puts credential and secrets where the plan says they go,
//! escaped for the place where they stand.

use super::assertion::Signer;
use super::call::Call;
use crate::adapter::contract::{Authorization, Body, Request, Source, Verb};
use crate::config::{ClientAuth, ProviderConfig};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue};
use portcullis_core::credential::Credential;
use portcullis_core::secret::{MASK, Secret};
use portcullis_core::setting::SettingValue;
use std::sync::Arc;
use url::Url;

/// What the gateway calls itself. GitHub refuses requests without a name.
pub(super) const OUR_NAME: &str = concat!("portcullis/", env!("CARGO_PKG_VERSION"));

/// Headers that belong to the gateway or to the connection.
pub(super) const RESERVED_HEADERS: [&str; 13] = [
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// As whom the gateway asks.
#[derive(Clone, Copy)]
pub(super) struct Asker<'a> {
    pub(super) config: &'a ProviderConfig,
    /// Where it names itself by assertions.
    pub(super) signer: Option<&'a Signer>,
    /// Seconds since 1970.
    pub(super) now: i64,
}

/// Renders a request, to what its URL says, for a credential.
///
/// # Errors
///
/// What the plan asks for and this credential or configuration cannot give, in words.
pub(super) fn render(
    request: &Request,
    url: Arc<Url>,
    asker: Asker<'_>,
    credential: &Credential,
) -> Result<Call, String> {
    let signs = request.authorization == Authorization::Client && asker.config.client.auth == ClientAuth::PrivateKeyJwt;
    let assertion = if signs {
        let signer = asker.signer.ok_or_else(|| "`client_id` and `client_key` are not set".to_owned())?;
        Some(signer.assertion(&request.url, asker.now)?)
    } else {
        None
    };
    let filling = Filling { config: asker.config, credential, assertion: assertion.as_ref(), masked: false };
    let (fields, body) = filling.parts(request)?;
    let mut headers = HeaderMap::with_capacity(fields.len());
    for (name, value) in fields {
        let Ok(mut value) = HeaderValue::try_from(value) else {
            let host = host(&url);
            return Err(format!(
                "the value for the header `{name}` towards {host} holds characters that a header cannot"
            ));
        };
        value.set_sensitive(true);
        headers.append(name, value);
    }
    Ok(Call {
        assertion,
        label: request.label.clone(),
        method: verb(request.method),
        url,
        headers,
        body: body.map(Secret::new),
        document: false,
    })
}

/// The same request for people, line by line, with masks in place of credential and secrets.
///
/// # Errors
///
/// As [`render`].
pub(super) fn shown(
    request: &Request,
    config: &ProviderConfig,
    credential: &Credential,
) -> Result<Vec<String>, String> {
    let (headers, body) = Filling { config, credential, assertion: None, masked: true }.parts(request)?;
    let mut lines = vec![format!("{} {}", verb(request.method), parsed(request)?)];
    lines.extend(headers.into_iter().map(|(name, value)| format!("{name}: {value}")));
    lines.extend(body.map(|body| format!("\n{body}")));
    Ok(lines)
}

/// The URL of a request.
///
/// # Errors
///
/// It is none, in words.
pub(super) fn parsed(request: &Request) -> Result<Url, String> {
    Url::parse(&request.url).map_err(|error| format!("the plan's URL is none: {error}"))
}

pub(super) fn verb(verb: Verb) -> http::Method {
    match verb {
        Verb::Get => http::Method::GET,
        Verb::Post => http::Method::POST,
    }
}

/// One rendering, with the real values or with masks.
struct Filling<'a> {
    config: &'a ProviderConfig,
    credential: &'a Credential,
    /// Where the gateway signs one; not needed for a masked rendering.
    assertion: Option<&'a Secret>,
    masked: bool,
}

type Parts = (Vec<(HeaderName, String)>, Option<String>);

impl Filling<'_> {
    fn parts(&self, request: &Request) -> Result<Parts, String> {
        let mut headers: Vec<(HeaderName, String)> = Vec::with_capacity(request.headers.len() + 3);
        for header in &request.headers {
            let name = HeaderName::try_from(&header.name).map_err(|_| {
                format!("the plan's header `{}` has no name that can be sent", header.name.escape_debug())
            })?;
            headers.push((name, self.join(&header.value)?));
        }
        if !headers.iter().any(|(name, _)| name == USER_AGENT) {
            headers.push((USER_AGENT, OUR_NAME.to_owned()));
        }
        let mut fields = Vec::new();
        if let Some(value) = self.authorization(&request.authorization, &mut fields)? {
            headers.push((AUTHORIZATION, value));
        }
        let body =
            match &request.body {
                Body::Form(form) => {
                    for field in form {
                        fields.push((field.name.clone(), self.join(&field.value)?));
                    }
                    headers.push((CONTENT_TYPE, "application/x-www-form-urlencoded".to_owned()));
                    Some(self.form(&fields))
                }
                Body::Json(json) => {
                    headers.push((CONTENT_TYPE, "application/json".to_owned()));
                    Some(self.json(
                        &json.text,
                        json.slots.iter().map(|slot| (slot.pointer.as_str(), slot.value.as_slice())),
                    )?)
                }
                Body::None => None,
            };
        if !fields.is_empty() && !matches!(request.body, Body::Form(_)) {
            return Err(
                "this `client_auth` needs a form body, and this request has none; use `client_auth: basic`".to_owned()
            );
        }
        Ok((headers, body))
    }

    fn authorization(
        &self,
        kind: &Authorization,
        fields: &mut Vec<(String, String)>,
    ) -> Result<Option<String>, String> {
        Ok(match kind {
            Authorization::None => None,
            Authorization::Bearer => match self.credential {
                Credential::Bearer(token) => Some(format!("Bearer {}", self.secret(token.secret()))),
                Credential::Basic { .. } => return Err("the plan presents a Basic pair as a bearer token".to_owned()),
            },
            Authorization::Presented => Some(match self.credential {
                Credential::Bearer(token) => format!("Bearer {}", self.secret(token.secret())),
                Credential::Basic { presented, .. } => format!("Basic {}", self.secret(presented)),
            }),
            Authorization::Scheme(scheme) => Some(format!("{} {}", scheme.name, self.join(&scheme.value)?)),
            Authorization::Client => self.client(fields)?,
        })
    }

    /// RFC 6749 2.3.1: id and secret are form-encoded before they are joined for Basic.
    fn client(&self, fields: &mut Vec<(String, String)>) -> Result<Option<String>, String> {
        let client = &self.config.client;
        let id = client.id.as_deref();
        let secret = || client.secret.as_ref().ok_or_else(|| "`client_secret` is not set".to_owned());
        let needed = || id.ok_or_else(|| "`client_id` is not set".to_owned());
        match client.auth {
            ClientAuth::Basic => {
                if self.masked {
                    return Ok(Some(format!("Basic {MASK}")));
                }
                return Ok(Some(format!("Basic {}", client_pair(needed()?, secret()?))));
            }
            ClientAuth::Post => {
                fields.push(("client_id".to_owned(), needed()?.to_owned()));
                fields.push(("client_secret".to_owned(), self.secret(secret()?).to_owned()));
            }
            ClientAuth::PrivateKeyJwt => {
                let assertion = self.assertion.map_or(MASK, |assertion| self.secret(assertion));
                fields.push(("client_assertion_type".to_owned(), super::assertion::TYPE.to_owned()));
                fields.push(("client_assertion".to_owned(), assertion.to_owned()));
            }
            ClientAuth::Mtls => fields.push(("client_id".to_owned(), needed()?.to_owned())),
            ClientAuth::None => fields.extend(id.map(|id| ("client_id".to_owned(), id.to_owned()))),
        }
        Ok(None)
    }

    fn join(&self, pieces: &[Source]) -> Result<String, String> {
        let mut value = String::new();
        for piece in pieces {
            value.push_str(self.piece(piece)?);
        }
        Ok(value)
    }

    fn piece<'a>(&'a self, piece: &'a Source) -> Result<&'a str, String> {
        match (piece, self.credential) {
            (Source::Text(text), _) => Ok(text),
            (Source::Credential, Credential::Bearer(token)) => Ok(self.secret(token.secret())),
            (Source::Username, Credential::Basic { username, .. }) => Ok(self.secret(username)),
            (Source::Password, Credential::Basic { password, .. }) => Ok(self.secret(password)),
            (Source::Secret(name), _) => {
                let value = self.config.settings.iter().find(|(known, _)| known == name).map(|(_, value)| value);
                match value {
                    Some(SettingValue::Secret(secret)) => Ok(self.secret(secret)),
                    _ => Err(format!("the plan uses the secret `{name}`, which is not set")),
                }
            }
            _ => Err("the plan asks for a part that the presented credential does not have".to_owned()),
        }
    }

    fn secret<'a>(&self, secret: &'a Secret) -> &'a str {
        if self.masked { MASK } else { secret.reveal() }
    }

    fn form(&self, fields: &[(String, String)]) -> String {
        let pairs = fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        if self.masked {
            return pairs.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&");
        }
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
    }

    fn json<'s>(&self, text: &str, slots: impl Iterator<Item = (&'s str, &'s [Source])>) -> Result<String, String> {
        let mut value: serde_json::Value =
            serde_json::from_str(text).map_err(|error| format!("the plan's JSON body is none: {error}"))?;
        for (pointer, pieces) in slots {
            let parent = pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
            let inside = value.pointer(parent).is_some_and(serde_json::Value::is_object);
            let slot = value.pointer_mut(pointer).filter(|_| inside);
            *slot.ok_or_else(|| format!("the plan's JSON body has no member at `{pointer}`"))? =
                self.join(pieces)?.into();
        }
        Ok(value.to_string())
    }
}

/// A client's id and secret as Basic presents them.
pub(super) fn client_pair(id: &str, secret: &Secret) -> String {
    STANDARD.encode(format!("{}:{}", form_encode(id), form_encode(secret.reveal())))
}

/// `application/x-www-form-urlencoded`, one value.
fn form_encode(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Host and port of a URL, for messages.
pub(super) fn host(url: &Url) -> String {
    match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.to_owned(),
        (None, _) => "(no host)".to_owned(),
    }
}
