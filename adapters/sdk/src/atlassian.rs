//! What Atlassian's products have in common, on servers of one's own (Data Center) and in the cloud.
//!
//! None of them has userinfo or introspection: one of their own calls is made with the credential, and what it answers is an
//! account. Some take a caller without a known credential for an anonymous one and answer 200: a yes to nobody.

use crate::{Actor, Object, Plan, Refusal, Request, Response, SettingSpec, setting};

/// The setting `base_url` of Data Center.
#[must_use]
pub fn base_url(example: &str) -> SettingSpec {
    setting("base_url", "The server's base URL, with its context path.").base_url().required().example(example)
}

/// A plan for a server of one's own, with the endpoints of the OAuth 2.0 provider that they all have. Personal access tokens
/// pass the same check.
#[must_use]
pub fn data_center(base: &str, request: Request, scope: &str) -> Plan {
    let oauth = format!("{base}/rest/oauth2/latest");
    // OAuth 2.0 tokens are JWTs, which nobody but the server can verify.
    Plan::asking_with_jwts(request)
        .note("the server does not tell for whom a token was issued: any token that it knows passes")
        .note("the server does not tell a token's scopes, so `required_scopes` refuses everybody")
        .endpoints(format!("{oauth}/authorize"), format!("{oauth}/token"), &[scope])
        .revoke(format!("{oauth}/revoke"))
        .pkce(&["S256", "plain"])
}

/// The account that a who-am-I call answers with.
///
/// # Errors
/// As for [`Response::object`]; and the account is nobody's (`type`), or not `active`.
pub fn account(response: &Response) -> Result<Object, Refusal> {
    let account = response.object()?;
    if account.text("type").is_some_and(|kind| matches!(kind.as_str(), "anonymous" | "unknown")) {
        return Err(Refusal::invalid("the provider takes the caller for an anonymous one"));
    }
    if account.has("active") && account.flag("active") != Some(true) {
        return Err(Refusal::invalid("the account is not active"));
    }
    Ok(account)
}

/// Whether this kind of account (`accountType`, `account_type`) is a program's.
#[must_use]
pub fn actor(account: &Object, kind: &str) -> Actor {
    if account.text(kind).as_deref() == Some("app") { Actor::Service } else { Actor::User }
}
