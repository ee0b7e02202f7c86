//! OneLogin: one account, by its subdomain.
//!
//! A token without scopes gets an empty object from userinfo, with 200: it names nobody. `preferred_username` is whatever
//! the administrator maps, and not always an address.

use portcullis_sdk::{
    Adapter, Answer, Binding, Context, Description, Facts, Finding, Plan, PlanError, Problems, Refusal, Response, Step,
    claims, forms, mode, register, request, setting,
};

/// The adapter.
#[derive(Debug)]
pub struct OneLogin;
register!(OneLogin);

impl Adapter for OneLogin {
    fn describe() -> Description {
        Description::of(
            "OneLogin",
            env!("CARGO_PKG_VERSION"),
            "Checks access tokens of a OneLogin account. Tokens need the openid and profile scopes; groups is for `groups`.",
        )
        .documentation("https://developers.onelogin.com/openid-connect/api/user-info")
        .settings([
            setting("subdomain", "The account's subdomain: `acme` of acme.onelogin.com.").required().example("acme"),
            mode(&[
                ("userinfo", "Ask the userinfo endpoint with the token."),
                ("introspection", "Ask about the token, as a client; tells the audience."),
            ]),
        ])
    }

    fn make_plan(context: &Context, _: &[Response]) -> Result<Step, PlanError> {
        let mut problems = Problems::none();
        let subdomain = context.text("subdomain").to_ascii_lowercase();
        if !forms::is_label(&subdomain) {
            let problem = format!("is no subdomain: `{subdomain}`");
            problems.add("subdomain", problem, "write what stands before .onelogin.com, as in `acme`");
        }
        problems.check()?;

        let issuer = format!("https://{subdomain}.onelogin.com/oidc/2");
        let plan = match context.text("mode") {
            "introspection" => Plan::asking(request::introspection(format!("{issuer}/token/introspection")))
                .binding(Binding::Audience)
                .usernames(&["username", "email", "sub"]),
            _ => Plan::asking(request::userinfo(format!("{issuer}/me")))
                .usernames(&["preferred_username", "email", "sub"])
                .note("userinfo does not tell for whom a token was issued: any token of this account passes"),
        };
        Ok(plan
            .issuer(issuer.clone())
            .endpoints(format!("{issuer}/auth"), format!("{issuer}/token"), &["openid", "profile"])
            .pkce(&["S256"])
            .ready())
    }

    fn identify(context: &Context, answers: &[Answer]) -> Result<Finding, Refusal> {
        let claims = claims(context, answers)?;
        let username = if context.mode("introspection") { "username" } else { "preferred_username" };
        Facts::of_token(context, &claims).username(username).identity().map(Finding::Identity)
    }
}
