//! Auth0: a tenant, by its own domain or a custom one.
//!
//! A token is a JWT only where an API's audience was asked for, and passes userinfo only with the openid scope; userinfo is
//! limited to a few calls a minute and user. People may register with an address that is not theirs, until it is verified. A program's subject ends in `@clients`.

use portcullis_sdk::{
    Actor, Adapter, Answer, Context, Description, Facts, Finding, Plan, PlanError, Problems, Refusal, Response, Step,
    claims, issuer, mode, register, request, setting,
};

/// The adapter.
#[derive(Debug)]
pub struct Auth0;
register!(Auth0);

impl Adapter for Auth0 {
    fn describe() -> Description {
        Description::of(
            "Auth0",
            env!("CARGO_PKG_VERSION"),
            "Checks access tokens of an Auth0 tenant. `mode: userinfo` needs the openid scope, `mode: jwt` tokens for an API of your own.",
        )
        .documentation("https://auth0.com/docs/secure/tokens/access-tokens")
        .settings([
            setting("domain", "The tenant's domain, or its custom domain.")
                .base_url()
                .required()
                .example("acme.eu.auth0.com"),
            issuer("https://id.example.com/"),
            mode(&[
                ("userinfo", "Ask the userinfo endpoint with the token."),
                ("jwt", "Verify the token's signature here, under the tenant's published keys."),
            ]),
        ])
    }

    fn make_plan(context: &Context, _: &[Response]) -> Result<Step, PlanError> {
        let mut problems = Problems::none();
        let domain = problems.host_only(context, "domain");
        // The slash at its end is part of it.
        let issuer = problems.issuer(context, format!("{domain}/"));
        problems.check()?;

        let (plan, scopes): (_, &[&str]) = match context.text("mode") {
            "jwt" => (
                Plan::verifying(format!("{domain}/.well-known/jwks.json"), vec![issuer.clone()])
                    .usernames(&["sub"])
                    .note("a token is a JWT only where its API's audience was asked for"),
                &[],
            ),
            _ => (
                Plan::asking(request::userinfo(format!("{domain}/userinfo")))
                    .usernames(&["email", "nickname", "sub"])
                    .note("userinfo does not tell for whom a token was issued: any token of this tenant passes")
                    .note("userinfo is limited to a few calls a minute for each user, so verdicts should be kept"),
                &["openid", "profile", "email"],
            ),
        };
        Ok(plan
            .issuer(issuer)
            .endpoints(format!("{domain}/authorize"), format!("{domain}/oauth/token"), scopes)
            .device(format!("{domain}/oauth/device/code"))
            .pkce(&["S256"])
            .ready())
    }

    fn identify(context: &Context, answers: &[Answer]) -> Result<Finding, Refusal> {
        let claims = claims(context, answers)?;
        let username = if context.mode("jwt") { "sub" } else { "email" };
        let mut identity = Facts::of_token(context, &claims).username(username).verified_email().identity()?;
        if claims.text("sub").is_some_and(|subject| subject.ends_with("@clients")) {
            identity.kind = Actor::Service;
        }
        Ok(Finding::Identity(identity))
    }
}
