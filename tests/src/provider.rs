//! A stand-in provider that speaks Keycloak's userinfo and introspection, word for word in what gateways look at.
//!
//! The tokens are `good-token-NAME`, and each belongs to NAME. It proves nothing about Keycloak: `cargo xtask e2e` does.

use crate::server::{Answer, Reply, Server};
use crate::wire::Request;
use serde_json::json;
use std::io;
use std::net::SocketAddr;

/// The realm's base path.
pub const REALM: &str = "/realms/demo";

/// Where userinfo is.
pub const USERINFO: &str = "/realms/demo/protocol/openid-connect/userinfo";

/// Where introspection is.
pub const INTROSPECT: &str = "/realms/demo/protocol/openid-connect/token/introspect";

/// Starts it.
///
/// # Errors
/// When the address cannot be had.
pub fn start(address: SocketAddr) -> io::Result<Server> {
    Server::start(address, keycloak)
}

/// What Keycloak 26 answers.
#[must_use]
pub fn keycloak(request: &Request) -> Reply {
    match (request.method.as_str(), request.path()) {
        ("GET" | "POST", USERINFO) => userinfo(request).into(),
        ("POST", INTROSPECT) => introspect(request).into(),
        (_, path) if path.starts_with("/realms/demo/") => {
            Answer::json(404, &json!({"error": "Unable to find matching target resource method"})).into()
        }
        _ => Answer::json(404, &json!({"error": "Realm does not exist"})).into(),
    }
}

/// A successful userinfo answer for this user.
#[must_use]
pub fn claims(username: &str) -> serde_json::Value {
    json!({
        "sub": format!("a11ce000-0000-4000-8000-{:012x}", username.len()),
        "email_verified": true,
        "name": username,
        "preferred_username": username,
        "email": format!("{username}@example.org"),
    })
}

fn userinfo(request: &Request) -> Answer {
    let Some(token) = request.bearer() else {
        return Answer::status(401).with("WWW-Authenticate", "Bearer realm=\"demo\"");
    };
    match token.strip_prefix("good-token-") {
        Some(username) => Answer::json(200, &claims(username)),
        None => Answer::status(401).with(
            "WWW-Authenticate",
            "Bearer realm=\"demo\", error=\"invalid_token\", error_description=\"Token verification failed\"",
        ),
    }
}

fn introspect(request: &Request) -> Answer {
    if request.header("authorization").is_none() {
        return Answer::json(401, &json!({"error": "invalid_request", "error_description": "Authentication failed."}));
    }
    let body = String::from_utf8_lossy(&request.body).into_owned();
    let token = body.split('&').find_map(|field| field.strip_prefix("token=")).unwrap_or_default();
    match token.strip_prefix("good-token-") {
        Some(username) => {
            let mut answer = claims(username);
            if let Some(members) = answer.as_object_mut() {
                members.insert("active".to_owned(), json!(true));
                members.insert("username".to_owned(), json!(username));
                members.insert("typ".to_owned(), json!("Bearer"));
                members.insert("token_type".to_owned(), json!("Bearer"));
                members.insert("scope".to_owned(), json!("openid profile email"));
            }
            Answer::json(200, &answer)
        }
        None => Answer::json(200, &json!({"active": false})),
    }
}
