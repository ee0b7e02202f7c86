//! Any provider with an introspection endpoint (RFC 7662), which is asked about a token as a client.
//!
//! What `username` says is the provider's choice: RFC 7662 calls it human-readable, so `sub` may serve better. Refresh and
//! ID tokens are active at some providers; where the answer says the kind of a token, only access tokens pass.

use portcullis_sdk::{
    Adapter, Answer, Binding, Context, Description, Facts, Finding, Plan, PlanError, Problems, Refusal, Response, Step,
    attributes, first, register, request, setting,
};

/// The adapter.
#[derive(Debug)]
pub struct Introspection;
register!(Introspection);

impl Adapter for Introspection {
    fn describe() -> Description {
        Description::of(
            "Introspection endpoint",
            env!("CARGO_PKG_VERSION"),
            "Checks bearer tokens at any introspection endpoint (RFC 7662), as a client of the provider.",
        )
        .documentation("https://www.rfc-editor.org/rfc/rfc7662")
        .settings([
            setting("url", "The introspection endpoint.")
                .url()
                .required()
                .example("https://id.example.com/oauth2/introspect"),
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

        Ok(Plan::asking(request::introspection(context.text("url")))
            .issuer(issuer)
            .binding(Binding::Audience)
            .usernames(&["username", "preferred_username", "email", "sub"])
            .ready())
    }

    fn identify(context: &Context, answers: &[Answer]) -> Result<Finding, Refusal> {
        let claims = first(answers)?.introspected()?;
        Facts::of_token(context, &claims).username("username").as_set().identity().map(Finding::Identity)
    }
}
