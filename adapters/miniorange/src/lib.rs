//! miniOrange, in its cloud and on premises: everything lies under `/moas`.
//!
//! Userinfo uses names of its own (`username`, `firstname`), not OpenID Connect's. Introspection came later than the
//! rest; an old server on premises may not have it.

use portcullis_sdk::{
    Adapter, Answer, Binding, Context, Description, Facts, Finding, Plan, PlanError, Refusal, Response, Step, claims,
    mode, register, request, setting, url,
};

/// The adapter.
#[derive(Debug)]
pub struct MiniOrange;
register!(MiniOrange);

impl Adapter for MiniOrange {
    fn describe() -> Description {
        Description::of(
            "miniOrange",
            env!("CARGO_PKG_VERSION"),
            "Checks access tokens of miniOrange's identity provider, in the cloud or on premises.",
        )
        .documentation("https://developers.miniorange.com/docs/idp/api/oauth-api")
        .settings([
            setting("domain", "The brand's host in the cloud, or a server on premises; `/moas` may stand at its end.")
                .base_url()
                .default("https://login.xecurify.com")
                .example("acme.xecurify.com"),
            mode(&[
                ("userinfo", "Ask the userinfo endpoint with the token."),
                ("introspection", "Ask about the token, as a client; old servers on premises do not have it."),
            ]),
        ])
    }

    fn make_plan(context: &Context, _: &[Response]) -> Result<Step, PlanError> {
        let moas = url::join_once(context.text("domain"), "/moas");
        let oauth = format!("{moas}/rest/oauth");
        let plan = match context.text("mode") {
            "introspection" => {
                Plan::asking(request::introspection(format!("{oauth}/introspect"))).binding(Binding::Audience)
            }
            _ => Plan::asking(request::userinfo(format!("{oauth}/getuserinfo")))
                .note("userinfo does not tell for whom a token was issued: any token of this provider passes"),
        };
        Ok(plan
            .usernames(&["username", "sub", "email"])
            .endpoints(format!("{moas}/idp/openidsso"), format!("{oauth}/token"), &["openid"])
            .revoke(format!("{oauth}/revoke"))
            .ready())
    }

    fn identify(context: &Context, answers: &[Answer]) -> Result<Finding, Refusal> {
        let claims = claims(context, answers)?;
        Facts::of_token(context, &claims).username("username").identity().map(Finding::Identity)
    }
}
