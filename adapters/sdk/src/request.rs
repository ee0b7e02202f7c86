//! Requests that a plan or an `ask` makes, and what goes into them.
//!
//! A request says where the credential and the secrets go, never what they are: the gateway puts them there.

use crate::{Authorization, Body, Context, Field, Header, JsonBody, Request, Slot, Source, Verb};

impl Request {
    /// A GET; the label names its answer in `identify`. Nothing is put into it yet but `Accept: application/json`.
    #[must_use]
    pub fn get(label: &str, url: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            method: Verb::Get,
            url: url.into(),
            headers: vec![header("Accept", "application/json")],
            authorization: Authorization::None,
            body: Body::None,
            signed: None,
        }
    }

    /// A POST, else as [`Request::get`].
    #[must_use]
    pub fn post(label: &str, url: impl Into<String>) -> Self {
        Self { method: Verb::Post, ..Self::get(label, url) }
    }

    /// With the presented token (RFC 6750 2.1).
    #[must_use]
    pub fn bearer(mut self) -> Self {
        self.authorization = Authorization::Bearer;
        self
    }

    /// With the `Authorization` value as it was presented, a Basic pair (RFC 7617).
    #[must_use]
    pub fn presented(mut self) -> Self {
        self.authorization = Authorization::Presented;
        self
    }

    /// As this provider's client, by the method that the operator configured.
    #[must_use]
    pub fn client(mut self) -> Self {
        self.authorization = Authorization::Client;
        self
    }

    /// Another `Accept` than JSON's.
    #[must_use]
    pub fn accept(mut self, types: &str) -> Self {
        self.headers.retain(|header| !header.name.eq_ignore_ascii_case("accept"));
        self.header("Accept", types)
    }

    /// A header with a fixed value.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push(header(name, value));
        self
    }

    /// A form whose one field, `name`, is the presented token.
    #[must_use]
    pub fn form_credential(mut self, name: &str) -> Self {
        self.body = Body::Form(vec![field(name, Source::Credential)]);
        self
    }

    /// A JSON body without anything secret in it.
    #[must_use]
    pub fn json(mut self, text: impl Into<String>) -> Self {
        self.body = Body::Json(JsonBody { text: text.into(), slots: Vec::new() });
        self
    }

    /// A JSON object whose one member, `name` (without `~`, `/`, `"` and `\`), is the presented token.
    #[must_use]
    pub fn json_credential(mut self, name: &str) -> Self {
        let slot = Slot { pointer: format!("/{name}"), value: vec![Source::Credential] };
        self.body = Body::Json(JsonBody { text: format!("{{\"{name}\":\"\"}}"), slots: vec![slot] });
        self
    }
}

/// The label of the check in every plan of these builders.
pub const CHECK: &str = "check";

/// Asks a userinfo endpoint, with the credential (OpenID Connect Core 5.3.1).
#[must_use]
pub fn userinfo(url: impl Into<String>) -> Request {
    Request::get(CHECK, url).bearer()
}

/// Asks a userinfo endpoint by the setting [`crate::method`].
#[must_use]
pub fn userinfo_as_set(context: &Context, url: impl Into<String>) -> Request {
    let request = userinfo(url);
    if context.text("method") == "POST" { Request { method: Verb::Post, ..request } } else { request }
}

/// Asks an introspection endpoint about the credential, as a client (RFC 7662 2.1).
#[must_use]
pub fn introspection(url: impl Into<String>) -> Request {
    let hint = field("token_type_hint", Source::Text("access_token".into()));
    let body = Body::Form(vec![field("token", Source::Credential), hint]);
    Request { body, ..Request::post(CHECK, url).client() }
}

fn header(name: &str, value: &str) -> Header {
    Header { name: name.into(), value: vec![Source::Text(value.into())] }
}

fn field(name: &str, value: Source) -> Field {
    Field { name: name.into(), value: vec![value] }
}
