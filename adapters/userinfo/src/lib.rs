//! Any provider with an endpoint that says whose a bearer token is: any URL, any attribute.
//!
//! The generic adapter, for a provider that has none of its own. The token goes into the header, never into the URL.

use portcullis_sdk::{
    Adapter, Answer, Context, Description, Facts, Finding, Plan, PlanError, Refusal, Response, Step, Verb, claims,
    register, request, setting,
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
            setting("method", "How it is asked.").choices(&[("GET", "A GET."), ("POST", "A POST without a body.")]),
            setting("subject_attribute", "The attribute that is never renamed nor given to another person.")
                .default("sub"),
            setting("email_attribute", "The attribute that is the e-mail address.").default("email"),
            setting(
                "groups_attribute",
                "The attribute that has the groups: a list of texts or of objects with a `name`.",
            )
            .default("groups")
            .example("data.groups"),
        ])
    }

    fn make_plan(context: &Context, _: &[Response]) -> Result<Step, PlanError> {
        let mut request = request::userinfo(context.text("url"));
        if context.text("method") == "POST" {
            request.method = Verb::Post;
        }
        Ok(Plan::asking(request)
            .usernames(&["preferred_username", "username", "email", "sub"])
            .note("such an endpoint seldom tells for whom a token was issued: any token that it takes passes")
            .ready())
    }

    fn identify(context: &Context, answers: &[Answer]) -> Result<Finding, Refusal> {
        let claims = claims(context, answers)?;
        Facts::of_token(context, &claims)
            .username("preferred_username")
            .subject(context.text("subject_attribute"))
            .email(context.text("email_attribute"))
            .groups(context.text("groups_attribute"))
            .identity()
            .map(Finding::Identity)
    }
}
