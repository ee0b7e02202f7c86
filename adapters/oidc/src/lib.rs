//! Any OpenID Connect provider or OAuth 2.0 authorization server that publishes its metadata.
//!
//! The generic adapter, for a provider that has none of its own: the issuer is all that must be known, and its document
//! names the endpoints. A document is believed only where it is the issuer's own, to the letter.

use portcullis_sdk::{
    Adapter, Answer, Binding, Context, Description, Facts, Finding, Plan, PlanError, Problems, Refusal, Response, Step,
    attributes, claims,
    discovery::{self, Metadata},
    method, mode, register, request, setting,
};

/// The adapter.
#[derive(Debug)]
pub struct Oidc;
register!(Oidc);

impl Adapter for Oidc {
    fn describe() -> Description {
        Description::of(
            "OpenID Connect",
            env!("CARGO_PKG_VERSION"),
            "Checks access tokens of any provider that publishes its metadata (OpenID Connect Discovery, RFC 8414).",
        )
        .documentation("https://openid.net/specs/openid-connect-discovery-1_0.html")
        .settings([
            setting("issuer", "The issuer, to the letter as the provider writes it, a slash at its end too.")
                .url()
                .required()
                .example("https://id.example.com"),
            mode(&[
                ("userinfo", "Ask the userinfo endpoint with the token."),
                ("introspection", "Ask about the token, as a client; tells the audience."),
                ("jwt", "Verify the token's signature here, under the published keys."),
            ]),
            discovery::form(),
            setting("userinfo_endpoint", "Written by hand, where there is no metadata; none is fetched then.")
                .url()
                .only_when("mode", &["userinfo"])
                .example("https://id.example.com/oauth2/userinfo"),
            method().only_when("mode", &["userinfo"]),
        ])
        .settings(attributes())
    }

    fn make_plan(context: &Context, documents: &[Response]) -> Result<Step, PlanError> {
        let mut problems = Problems::none();
        let issuer = context.text("issuer");
        if issuer.contains('?') {
            problems.add("issuer", "has a query, and an issuer has none", "write it as the provider's tokens do");
        }
        if context.mode("introspection") {
            problems.client(context);
        }
        problems.check()?;

        let by_hand = context.text("userinfo_endpoint");
        if context.mode("userinfo") && !by_hand.is_empty() {
            return Ok(userinfo(context, by_hand).issuer(issuer).ready());
        }
        let Some(metadata) = Metadata::of(issuer, documents)? else { return Ok(discovery::fetch(context, issuer)) };
        let mut plan = match context.text("mode") {
            "introspection" => Plan::asking(request::introspection(metadata.required("introspection_endpoint")?))
                .binding(Binding::Audience)
                .usernames(&["preferred_username", "username", "email", "sub"]),
            "jwt" => Plan::verifying(metadata.required("jwks_uri")?, vec![issuer.into()]).usernames(&[
                "preferred_username",
                "email",
                "sub",
            ]),
            _ => userinfo(context, metadata.required("userinfo_endpoint")?),
        };
        plan.endpoints = metadata.endpoints(&["openid", "profile"]);
        Ok(plan.issuer(issuer).ready())
    }

    fn identify(context: &Context, answers: &[Answer]) -> Result<Finding, Refusal> {
        let claims = claims(context, answers)?;
        Facts::of_token(context, &claims).as_set().identity().map(Finding::Identity)
    }
}

fn userinfo(context: &Context, endpoint: impl Into<String>) -> Plan {
    Plan::asking(request::userinfo_as_set(context, endpoint))
        .usernames(&["preferred_username", "email", "sub"])
        .note("userinfo does not tell for whom a token was issued: any token of this provider passes")
}
