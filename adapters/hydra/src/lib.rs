//! Ory Hydra: its public port, and its admin port, where introspection is.
//!
//! Hydra knows no accounts: what stands in a token is what the consent application put there, under `ext` in introspection
//! and JWTs, beside the rest in userinfo. A program's token has its client's id as `sub`, and at userinfo no `sub` at all.

use portcullis_sdk::{
    Adapter, Answer, Binding, Context, Description, Facts, Finding, Object, Plan, PlanError, Problems, Refusal,
    Response, Step, claims, issuer, mode, register, request, setting,
};

/// The adapter.
#[derive(Debug)]
pub struct Hydra;
register!(Hydra);

impl Adapter for Hydra {
    fn describe() -> Description {
        Description::of(
            "Ory Hydra",
            env!("CARGO_PKG_VERSION"),
            "Checks access tokens of an Ory Hydra. The admin port asks for no client: write `client_auth: none` for introspection where nothing before it does.",
        )
        .documentation("https://www.ory.sh/docs/hydra/reference/api")
        .token_prefixes(&["ory_at_"])
        .settings([
            setting("public_url", "The public URL, which with a slash at its end is the issuer too.")
                .base_url()
                .required()
                .example("hydra.example.com"),
            issuer("https://hydra.example.com"),
            mode(&[
                ("userinfo", "Ask the userinfo endpoint with the token; tells the client that it was issued to."),
                ("introspection", "Ask about the token at the admin port; tells the audience."),
                ("jwt", "Verify the token's signature here, under the published keys (`strategies.access_token: jwt`)."),
            ]),
            setting("admin_url", "The admin URL, which nobody but this gateway should reach.")
                .base_url()
                .required()
                .only_when("mode", &["introspection"])
                .example("https://hydra-admin.internal:4445"),
        ])
    }

    fn make_plan(context: &Context, _: &[Response]) -> Result<Step, PlanError> {
        let public = context.text("public_url");
        let mut problems = Problems::none();
        // The slash is part of it, where Hydra's own configuration has it.
        let issuer = problems.issuer(context, format!("{public}/"));
        problems.check()?;

        let plan = match context.text("mode") {
            "introspection" => {
                Plan::asking(request::introspection(format!("{}/admin/oauth2/introspect", context.text("admin_url"))))
                    .usernames(&["sub", "ext.preferred_username", "ext.email"])
            }
            "jwt" => Plan::verifying(format!("{public}/.well-known/jwks.json"), vec![issuer.clone()]).usernames(&[
                "sub",
                "ext.preferred_username",
                "ext.email",
            ]),
            _ => Plan::asking(request::userinfo(format!("{public}/userinfo")))
                .usernames(&["preferred_username", "email", "sub"])
                .note(
                    "`preferred_username` is there only if the consent application put it into the ID token's session",
                ),
        };
        Ok(plan
            .binding(Binding::Audience)
            .issuer(issuer)
            .endpoints(format!("{public}/oauth2/auth"), format!("{public}/oauth2/token"), &["openid"])
            .revoke(format!("{public}/oauth2/revoke"))
            .pkce(&["S256", "plain"])
            .ready())
    }

    fn identify(context: &Context, answers: &[Answer]) -> Result<Finding, Refusal> {
        let claims = claims(context, answers)?.of_somebody()?;
        let username = if context.mode("userinfo") { "preferred_username" } else { "sub" };
        let facts = Facts::of_token(context, &claims)
            .username(username)
            .email(consented(&claims, "ext.email", "email"))
            .groups(consented(&claims, "ext.groups", "groups"));
        facts.identity().map(Finding::Identity)
    }
}

/// Where the consent application put an attribute.
fn consented<'a>(claims: &Object, extra: &'a str, plain: &'a str) -> &'a str {
    if claims.has(extra) { extra } else { plain }
}
