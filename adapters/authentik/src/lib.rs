//! authentik: one server; its endpoints are the same for all applications, issuer and keys are each application's own.
//!
//! Introspection answers a wrong client secret as it answers a dead token, so nothing here can tell the two; and, in the
//! versions that were read, it speaks of the tokens of other providers of the server too.

use portcullis_sdk::{
    Adapter, Answer, Binding, Context, Description, Facts, Finding, Plan, PlanError, Problems, Refusal, Response, Step,
    claims, issuer, mode, register, request, setting,
};

/// The adapter.
#[derive(Debug)]
pub struct Authentik;
register!(Authentik);

impl Adapter for Authentik {
    fn describe() -> Description {
        Description::of(
            "authentik",
            env!("CARGO_PKG_VERSION"),
            "Checks access tokens of an authentik server. Tokens need the openid scope for `mode: userinfo`, and profile for `preferred_username`.",
        )
        .documentation("https://docs.goauthentik.io/add-secure-apps/providers/oauth2/")
        .settings([
            setting("host", "The server.").base_url().required().example("auth.example.com"),
            mode(&[
                ("userinfo", "Ask the userinfo endpoint with the token; takes tokens of every application."),
                ("introspection", "Ask about the token, as a client; tells the audience."),
                ("jwt", "Verify the token's signature here, under the application's published keys."),
            ]),
            setting("app_slug", "The application's slug, which names its issuer and keys.")
                .required()
                .only_when("mode", &["jwt"])
                .example("wiki"),
            issuer("https://auth.example.com/application/o/wiki/"),
        ])
    }

    fn make_plan(context: &Context, _: &[Response]) -> Result<Step, PlanError> {
        let mut problems = Problems::none();
        // Every address ends in a slash, the issuer's too.
        let oauth = format!("{}/application/o", context.text("host"));
        let application = match context.mode("jwt") {
            true => format!("{oauth}/{}/", problems.segment(context, "app_slug")),
            false => String::new(),
        };
        if context.is_set("app_slug") && !context.mode("jwt") {
            let problem = "needs `mode: jwt`: userinfo and introspection answer for every application of the server";
            problems.add("app_slug", problem, "leave it out, and write `mode: introspection` with the `audience`");
        }
        let issuer = problems.issuer(context, &application);
        problems.check()?;

        let plan = match context.text("mode") {
            "introspection" => Plan::asking(request::introspection(format!("{oauth}/introspect/")))
                .binding(Binding::Audience)
                .note("with a wrong `client_secret` authentik calls every token inactive: everybody is refused")
                .note("authentik speaks of other applications' tokens too: set `audience`"),
            "jwt" => Plan::verifying(format!("{application}jwks/"), vec![issuer.clone()]),
            _ => Plan::asking(request::userinfo(format!("{oauth}/userinfo/")))
                .note("userinfo does not tell for whom a token was issued: any application's token passes"),
        };
        Ok(plan
            .issuer(issuer)
            .usernames(&["preferred_username", "email", "sub"])
            .endpoints(format!("{oauth}/authorize/"), format!("{oauth}/token/"), &["openid", "profile"])
            .device(format!("{oauth}/device/"))
            .pkce(&["S256", "plain"])
            .ready())
    }

    fn identify(context: &Context, answers: &[Answer]) -> Result<Finding, Refusal> {
        let claims = claims(context, answers)?;
        // In the hybrid flow access tokens are made of ID tokens, and have the hash of the code. `at_hash` is in ID tokens, and in
        // what introspection answers of a refresh token, which it calls active as well.
        Facts::of_token(context, &claims).shared_with_id_tokens(&["c_hash"]).identity().map(Finding::Identity)
    }
}
