//! Documents in which a provider says where its endpoints are (OpenID Connect Discovery 1.0, RFC 8414).
//!
//! A document is believed only where it names the very issuer that the operator wrote: whoever could put another one in
//! its place would choose where credentials go. That an endpoint lies on an origin which the operator wrote is the
//! gateway's to check, and that it is asked over TLS is checked here.

use crate::{Context, Endpoints, Lookup, Object, PlanError, Refusal, Response, SettingSpec, Step, setting, url};

/// The label of the document.
const DOCUMENT: &str = "discovery";
/// Longest value of a document that a reason quotes.
const QUOTED_CHARS_MAX: usize = 200;

/// The setting `discovery`: where the document is.
#[must_use]
pub fn form() -> SettingSpec {
    setting("discovery", "Where the provider's metadata is.").choices(&[
        ("oidc", "At the issuer, with `/.well-known/openid-configuration` after its path (OpenID Connect Discovery)."),
        ("rfc8414", "At the issuer's host, with `/.well-known/oauth-authorization-server` before its path (RFC 8414)."),
        ("rfc8414-oidc", "At the issuer's host, with `/.well-known/openid-configuration` before its path (RFC 8414)."),
    ])
}

/// The document of this issuer is needed first; where it is says the setting [`form`].
#[must_use]
pub fn fetch(context: &Context, issuer: &str) -> Step {
    fetch_from(address(issuer, context.text("discovery")))
}

/// The document at this URL is needed first.
#[must_use]
pub fn fetch_from(url: String) -> Step {
    Step::Fetch(vec![Lookup { label: DOCUMENT.into(), url, accept: "application/json".into() }])
}

/// The slash at the issuer's end is dropped in all forms (Discovery 4.1, RFC 8414 3.1).
fn address(issuer: &str, form: &str) -> String {
    let issuer = issuer.strip_suffix('/').unwrap_or(issuer);
    let path = url::path(issuer);
    let host = issuer.strip_suffix(path).unwrap_or(issuer);
    match form {
        "rfc8414" => format!("{host}/.well-known/oauth-authorization-server{path}"),
        "rfc8414-oidc" => format!("{host}/.well-known/openid-configuration{path}"),
        _ => format!("{issuer}/.well-known/openid-configuration"),
    }
}

/// A provider's metadata.
#[derive(Debug)]
pub struct Metadata {
    document: Object,
    clear: bool,
}

impl Metadata {
    /// That of this issuer; none where its document was not fetched yet.
    ///
    /// # Errors
    /// The document cannot be had or read, or is another issuer's.
    pub fn of(issuer: &str, documents: &[Response]) -> Result<Option<Self>, PlanError> {
        Self::of_one(documents, |named| named == issuer)
    }

    /// That of an issuer whose name is known in part only (an Entra ID tenant that is given by its domain), where
    /// `is_expected` says whether the named one can be right; none where its document was not fetched yet.
    ///
    /// # Errors
    /// The document cannot be had or read, or is another issuer's.
    pub fn of_one(documents: &[Response], is_expected: impl Fn(&str) -> bool) -> Result<Option<Self>, PlanError> {
        let document = documents.iter().find(|document| document.to == DOCUMENT);
        document.map(|document| Self::read(document, is_expected)).transpose().map_err(PlanError::Document)
    }

    fn read(response: &Response, is_expected: impl Fn(&str) -> bool) -> Result<Self, Refusal> {
        if response.status != 200 {
            let fault = response.fault();
            return Err(Refusal { reason: format!("the provider's metadata: {}", fault.reason), ..fault });
        }
        let document = Object::parse(&response.body)
            .map_err(|refusal| Refusal::unavailable(format!("the provider's metadata: {}", refusal.reason)))?;
        match document.text("issuer") {
            Some(named) if is_expected(&named) => Ok(Self { document, clear: named.starts_with("http://") }),
            Some(named) => Err(Refusal::misconfigured(format!(
                "the provider's metadata is of another issuer, {}; where that is the right one, write it in the settings",
                shown(&named)
            ))),
            None => Err(Refusal::misconfigured("the provider's metadata names no issuer; is `issuer` right?")),
        }
    }

    /// The issuer that it names.
    #[must_use]
    pub fn issuer(&self) -> String {
        self.document.text("issuer").unwrap_or_default()
    }

    /// An endpoint without which nothing can be checked.
    ///
    /// # Errors
    /// It is not there, or not fit for use.
    pub fn required(&self, name: &str) -> Result<String, PlanError> {
        self.endpoint(name).ok_or_else(|| {
            let reason = if self.document.has(name) {
                format!("`{name}` of the provider's metadata is no https URL")
            } else {
                format!("the provider's metadata has no `{name}`; another `mode` may do without it")
            };
            PlanError::Document(Refusal::misconfigured(reason))
        })
    }

    /// An endpoint, where there is one that is fit for use: an absolute https URL without fragment. An issuer that the
    /// operator wrote with http may have such endpoints too.
    #[must_use]
    pub fn endpoint(&self, name: &str) -> Option<String> {
        let endpoint = self.document.text(name)?;
        let origin = url::origin(&endpoint)?;
        ((self.clear || origin.starts_with("https://")) && !endpoint.contains('#')).then_some(endpoint)
    }

    /// How a token is had here (RFC 8414 2), with the scopes without which the check does not work.
    #[must_use]
    pub fn endpoints(&self, scopes: &[&str]) -> Endpoints {
        Endpoints {
            authorize: self.endpoint("authorization_endpoint"),
            token: self.endpoint("token_endpoint"),
            device: self.endpoint("device_authorization_endpoint"),
            revoke: self.endpoint("revocation_endpoint"),
            scopes: scopes.iter().map(ToString::to_string).collect(),
            pkce: self.document.texts("code_challenge_methods_supported").unwrap_or_default(),
            authorize_parameters: Vec::new(),
        }
    }
}

/// A document is public, so a value of it may be quoted, if it looks like a URL.
fn shown(value: &str) -> String {
    let printable = value.len() <= QUOTED_CHARS_MAX && value.bytes().all(|byte| byte.is_ascii_graphic());
    if printable { format!("`{value}`") } else { "which is no URL".into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Content;

    #[test]
    fn three_addresses() {
        for (issuer, form, expected) in [
            ("https://a.example", "oidc", "https://a.example/.well-known/openid-configuration"),
            ("https://a.example/", "oidc", "https://a.example/.well-known/openid-configuration"),
            ("https://a.example/x/y", "oidc", "https://a.example/x/y/.well-known/openid-configuration"),
            ("https://a.example", "rfc8414", "https://a.example/.well-known/oauth-authorization-server"),
            ("https://a.example/", "rfc8414", "https://a.example/.well-known/oauth-authorization-server"),
            ("https://a:8443/x/y", "rfc8414", "https://a:8443/.well-known/oauth-authorization-server/x/y"),
            ("https://a.example/x/", "rfc8414", "https://a.example/.well-known/oauth-authorization-server/x"),
            ("https://a.example/x/", "rfc8414-oidc", "https://a.example/.well-known/openid-configuration/x"),
        ] {
            assert_eq!(address(issuer, form), expected, "{issuer} {form}");
        }
    }

    fn read(issuer: &str, status: u16, body: &str) -> Result<Metadata, String> {
        let body = Content::Json(body.into());
        let response = Response { to: DOCUMENT.into(), status, headers: Vec::new(), body };
        match Metadata::of(issuer, &[response]) {
            Ok(metadata) => Ok(metadata.expect("the document is there")),
            Err(PlanError::Document(refusal)) => Err(refusal.reason),
            Err(PlanError::Settings(_)) => Err("settings".into()),
        }
    }

    #[test]
    fn the_issuer_is_the_very_same() {
        let issuer = "https://a.example";
        assert!(read(issuer, 200, r#"{"issuer":"https://a.example"}"#).is_ok());
        for wrong in ["https://a.example/", "https://A.example", "http://a.example", "https://a.example.evil", ""] {
            assert!(read(issuer, 200, &format!(r#"{{"issuer":"{wrong}"}}"#)).is_err(), "{wrong}");
        }
        for wrong in ["{}", r#"{"issuer":null}"#, r#"{"issuer":["https://a.example"]}"#, "[]"] {
            assert!(read(issuer, 200, wrong).is_err(), "{wrong}");
        }
        let hint = read(issuer, 200, r#"{"issuer":"https://a.example/"}"#).unwrap_err();
        assert!(hint.contains("`https://a.example/`"), "{hint}");
        let other = read(issuer, 200, r#"{"issuer":"line\nbreak"}"#).unwrap_err();
        assert!(!other.contains('\n'), "{other}");
    }

    #[test]
    fn another_status_is_no_document() {
        for status in [201, 204, 301, 401, 404, 429, 500, 503] {
            assert!(read("https://a", status, r#"{"issuer":"https://a"}"#).is_err(), "{status}");
        }
    }

    #[test]
    fn endpoints_are_asked_over_tls() {
        for (issuer, endpoint, fit) in [
            ("https://a", "https://a/x?y=z", true),
            ("https://a", "https://b/x", true),
            ("https://a", "http://a/x", false),
            ("http://a", "http://a/x", true),
            ("https://a", "https://u@a/x", false),
            ("https://a", "https://a/x#y", false),
            ("https://a", "/x", false),
            ("https://a", "javascript:x", false),
            ("https://a", "", false),
        ] {
            let document = format!(r#"{{"issuer":"{issuer}","e":"{endpoint}"}}"#);
            let metadata = read(issuer, 200, &document).unwrap();
            assert_eq!(metadata.endpoint("e").is_some(), fit, "{issuer} {endpoint}");
            assert_eq!(metadata.required("e").is_ok(), fit, "{issuer} {endpoint}");
        }
        assert!(read("https://a", 200, r#"{"issuer":"https://a"}"#).unwrap().required("e").is_err());
    }
}
