//! Any provider with an endpoint that says whose a bearer token is: any URL, any attribute.
//!
//! The generic adapter, for a provider that has none of its own. The token goes into the header, never into the URL.

use portcullis_sdk::{
    Adapter, Answer, Binding, Context, Description, Facts, Finding, Plan, PlanError, Problems, Refusal, Response, Step,
    attributes, claims, method, register, request, setting,
};

/// The adapter.
#[derive(Debug)]
pub struct Userinfo;
register!(Userinfo);

impl Adapter for Userinfo {
    fn describe() -> Description {
        Description::of(
            "Userinfo endpoint",
            env!("CARGO_PKG_VERSION"),
            "Checks bearer tokens at any endpoint that answers with a JSON object about whose they are.",
        )
        .documentation("https://openid.net/specs/openid-connect-core-1_0.html#UserInfo")
        .settings([
            setting("url", "The endpoint.").url().required().example("https://id.example.com/oauth/userinfo"),
            method(),
            setting(
                "issuer",
                "The issuer to the letter as tokens have it in `iss`: says which tokens are this provider's, where a route has several.",
            )
            .example("https://id.example.com"),
        ])
        .settings(attributes())
    }

    fn make_plan(context: &Context, _: &[Response]) -> Result<Step, PlanError> {
        let mut problems = Problems::none();
        let issuer = problems.issuer(context, "");
        problems.check()?;

        Ok(Plan::asking(request::userinfo_as_set(context, context.text("url")))
            .issuer(issuer)
            // Of an endpoint that does not return it, an `audience` refuses everybody.
            .binding(Binding::Audience)
            .usernames(&["preferred_username", "username", "email", "sub"])
            .note("such an endpoint seldom tells for whom a token was issued: any token that it takes passes")
            .ready())
    }

    fn identify(context: &Context, answers: &[Answer]) -> Result<Finding, Refusal> {
        let claims = claims(context, answers)?;
        Facts::of_token(context, &claims).as_set().identity().map(Finding::Identity)
    }
}
