//! GitLab: gitlab.com and self-managed servers, a relative root included.
//!
//! Access tokens are never JWTs, and personal ones may begin with whatever the administrator chose. Userinfo needs the openid scope; the API's own /user also takes personal access tokens; token info tells for which
//! application a token was issued, but names its owner by number alone. Every 403 of GitLab's is a scope or a permission.

use portcullis_sdk::{
    Actor, Adapter, Answer, Binding, Complaint, Context, Description, Facts, Finding, Identity, Moment, Object, Plan,
    PlanError, Refusal, Response, Step, first, mode, register, request, setting,
};

/// The adapter.
#[derive(Debug)]
pub struct GitLab;
register!(GitLab);

impl Adapter for GitLab {
    fn describe() -> Description {
        Description::of(
            "GitLab",
            env!("CARGO_PKG_VERSION"),
            "Checks access tokens of gitlab.com or a self-managed GitLab. `mode: userinfo` needs the openid scope, `mode: api_user` read_user or api.",
        )
        .documentation("https://docs.gitlab.com/api/oauth2/")
        .token_prefixes(&["glpat-"])
        .settings([
            setting("host", "The server; a relative root is kept.")
                .base_url()
                .default("https://gitlab.com")
                .example("gitlab.example.com"),
            mode(&[
                ("userinfo", "Ask the OpenID Connect userinfo endpoint with the token."),
                ("api_user", "Ask the API's /user with the token; takes personal access tokens too."),
                ("token_info", "Ask about the token itself: tells its application (`audience`) and scopes, of the owner only the number."),
            ]),
        ])
    }

    fn make_plan(context: &Context, _: &[Response]) -> Result<Step, PlanError> {
        let host = context.text("host");
        let (plan, scopes): (_, &[&str]) = match context.text("mode") {
            "api_user" => (
                Plan::asking_opaque(request::userinfo(format!("{host}/api/v4/user")))
                    .usernames(&["username", "id", "email"])
                    .note("/user does not tell for which application a token was issued: any token of this GitLab passes"),
                &["read_user"],
            ),
            "token_info" => (
                Plan::asking_opaque(request::userinfo(format!("{host}/oauth/token/info")))
                    .binding(Binding::Audience)
                    .usernames(&["resource_owner_id"]),
                &[],
            ),
            _ => (
                Plan::asking_opaque(request::userinfo(format!("{host}/oauth/userinfo")))
                    .usernames(&["preferred_username", "nickname", "email", "sub"])
                    .note("userinfo does not tell for which application a token was issued: any token of this GitLab passes"),
                &["openid", "profile"],
            ),
        };
        Ok(plan
            .endpoints(format!("{host}/oauth/authorize"), format!("{host}/oauth/token"), scopes)
            .device(format!("{host}/oauth/authorize_device"))
            .revoke(format!("{host}/oauth/revoke"))
            .pkce(&["S256", "plain"])
            .ready())
    }

    fn identify(context: &Context, answers: &[Answer]) -> Result<Finding, Refusal> {
        let answer = object(first(answers)?)?;
        let identity = match context.text("mode") {
            "api_user" => account(context, &answer),
            "token_info" => token(context, answer),
            _ => Facts::of_token(context, &answer).identity(),
        };
        identity.map(Finding::Identity)
    }
}

/// What GitLab answers: 403 is a scope that the token lacks, or terms of service that its owner did not accept.
fn object(response: &Response) -> Result<Object, Refusal> {
    match response.status {
        403 => Err(Refusal::scope(
            "GitLab refuses the call: 403, as for a token without the scope or an account that has still to do something",
            Complaint::of(response).scopes,
        )),
        _ => response.object(),
    }
}

/// The API's own words for an account.
fn account(context: &Context, account: &Object) -> Result<Identity, Refusal> {
    if account.has("state") && account.text("state").as_deref() != Some("active") {
        return Err(Refusal::invalid("the account is not active"));
    }
    let mut identity = Facts::of_account(context, account).username("username").subject("id").identity()?;
    // The owner of a project's or a group's access token.
    if account.flag("bot") == Some(true) {
        identity.kind = Actor::Service;
    }
    Ok(identity)
}

/// Doorkeeper's words for a token. `scopes` and `expires_in_seconds` are the older names.
fn token(context: &Context, token: Object) -> Result<Identity, Refusal> {
    let named = |new: &'static str, old: &'static str| if token.has(new) { new } else { old };
    let (scopes, lifetime) = (named("scope", "scopes"), named("expires_in", "expires_in_seconds"));
    let token = token.with("scope", scopes).with("lifetime", lifetime);
    let facts = Facts::of_token(context, &token).username("resource_owner_id").subject("resource_owner_id");
    let mut identity = facts.audience("application.uid").identity()?;
    identity.client = token.text("application.uid");
    if token.has("lifetime") {
        let seconds = token.name("lifetime").and_then(|seconds| seconds.parse().ok());
        identity.expires = Some(Moment::After(seconds.ok_or_else(|| Refusal::invalid("the token has expired"))?));
    }
    Ok(identity)
}
