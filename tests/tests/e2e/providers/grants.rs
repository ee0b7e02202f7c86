//! What callers ask of a server directly: tokens by a grant, by the code flow, and their revocation.

use crate::part::Part;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portcullis_tests::client;
use portcullis_tests::wire::Response;
use serde_json::Value;
use std::net::SocketAddr;
use std::process::Command;

/// A client of the server, by its name; its secret is `NAME-secret`.
pub(crate) struct Client<'a> {
    pub(crate) server: SocketAddr,
    pub(crate) id: &'a str,
}

impl Client<'_> {
    /// Posts a form as this client. Values need no encoding but for spaces.
    pub(crate) fn post(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        let body: Vec<String> =
            fields.iter().map(|(name, value)| format!("{name}={}", value.replace(' ', "+"))).collect();
        let pair = format!("Basic {}", STANDARD.encode(format!("{0}:{0}-secret", self.id)));
        let headers = [("Content-Type", "application/x-www-form-urlencoded"), ("Authorization", pair.as_str())];
        client::send(self.server, "POST", path, &headers, body.join("&").as_bytes()).unwrap()
    }

    /// The answer of the token endpoint.
    pub(crate) fn tokens(&self, path: &str, fields: &[(&str, &str)]) -> Value {
        let response = self.post(path, fields);
        assert_eq!(response.status, 200, "no token for {}: {}", self.id, response.text());
        response.json()
    }

    /// By the password grant.
    pub(crate) fn by_password(&self, path: &str, user: &str, scope: &str) -> Value {
        let password = format!("{user}-password");
        let fields = [("grant_type", "password"), ("username", user), ("password", &password), ("scope", scope)];
        self.tokens(path, &fields)
    }

    /// Of the client itself.
    pub(crate) fn of_itself(&self, path: &str, more: &[(&str, &str)]) -> String {
        access(&self.tokens(path, &[&[("grant_type", "client_credentials")], more].concat()))
    }

    /// Revokes a token (RFC 7009).
    pub(crate) fn revoke(&self, path: &str, token: &str) {
        let response = self.post(path, &[("token", token)]);
        assert_eq!(response.status, 200, "{}", response.text());
    }
}

/// The token answer of the code flow, which a script beside the server's goes through with curl.
pub(crate) fn by_code(part: &Part, script: &str, arguments: &[&str]) -> Value {
    let script = portcullis_tests::gateway::root().join("tests/parts").join(script);
    let output = Command::new("bash").arg(&script).arg(&part.url).args(arguments).output().expect("bash runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let answer = serde_json::from_str::<Value>(&said).unwrap_or_default();
    assert!(
        answer["access_token"].is_string(),
        "{}: {said} {}",
        script.display(),
        String::from_utf8_lossy(&output.stderr)
    );
    answer
}

/// The access token of an answer.
pub(crate) fn access(answer: &Value) -> String {
    answer["access_token"].as_str().expect("an access token").to_owned()
}

/// The refresh token of an answer.
pub(crate) fn refresh(answer: &Value) -> String {
    answer["refresh_token"].as_str().expect("a refresh token").to_owned()
}
