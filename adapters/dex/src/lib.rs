//! Dex: an issuer, with its path.
//!
//! Its tokens are JWTs, and an ID token differs from an access token in `c_hash` alone, which it has where it was issued for
//! an authorization code; without it the one passes for the other.
//! What userinfo does not take it answers with 403, whatever is wrong; introspection asks for no client and takes refresh
//! tokens for active.

use portcullis_sdk::{
    Adapter, Answer, Binding, Complaint, Context, Description, Facts, Finding, Plan, PlanError, Refusal, Response,
    Step, claims, mode, register, request, setting,
};

/// What the operator should know of every mode.
const ID_TOKENS: &str =
    "an ID token that was not issued for an authorization code passes as an access token does: Dex makes them alike";

/// The adapter.
#[derive(Debug)]
pub struct Dex;
register!(Dex);

impl Adapter for Dex {
    fn describe() -> Description {
        Description::of(
            "Dex",
            env!("CARGO_PKG_VERSION"),
            "Checks access tokens of a Dex. The profile scope gives `preferred_username`; groups and email are scopes too.",
        )
        .documentation("https://dexidp.io/docs/configuration/tokens/")
        .settings([
            setting("issuer", "The issuer, with its path, as Dex's own configuration has it.")
                .base_url()
                .required()
                .example("https://dex.example.com/dex"),
            setting("host", "Where Dex is reached, with its path, if not at the issuer's address.")
                .base_url()
                .example("http://dex.internal:5556/dex"),
            mode(&[
                ("userinfo", "Ask the userinfo endpoint with the token."),
                ("introspection", "Ask about the token; Dex asks for no client, so `client_auth: none` does."),
                ("jwt", "Verify the token's signature here, under the published keys."),
            ]),
        ])
    }

    fn make_plan(context: &Context, _: &[Response]) -> Result<Step, PlanError> {
        let issuer = context.text("issuer");
        let host = if context.is_set("host") { context.text("host") } else { issuer };
        let plan = match context.text("mode") {
            "introspection" => Plan::asking(request::introspection(format!("{host}/token/introspect")))
                .usernames(&["ext.preferred_username", "ext.email", "sub"])
                .note("Dex does not look at sessions here: a revoked token passes until it expires"),
            "jwt" => Plan::verifying(format!("{host}/keys"), vec![issuer.into()]).usernames(&[
                "preferred_username",
                "email",
                "sub",
            ]),
            _ => Plan::asking(request::userinfo(format!("{host}/userinfo"))).usernames(&[
                "preferred_username",
                "email",
                "sub",
            ]),
        };
        Ok(plan
            .binding(Binding::Audience)
            .note(ID_TOKENS)
            .issuer(issuer)
            .endpoints(format!("{issuer}/auth"), format!("{issuer}/token"), &["openid", "profile"])
            .device(format!("{issuer}/device/code"))
            .pkce(&["S256", "plain"])
            .ready())
    }

    fn identify(context: &Context, answers: &[Answer]) -> Result<Finding, Refusal> {
        if let Some(Answer::Response(response)) = answers.first()
            && context.mode("userinfo")
            && response.status == 403
            && Complaint::of(response).is("access_denied")
        {
            return Err(Refusal::invalid("Dex refuses the token: 403 (access_denied)"));
        }
        let claims = claims(context, answers)?;
        // Userinfo repeats the claims of the token, of whatever kind it is.
        if claims.has("c_hash") {
            return Err(Refusal::invalid("this is no access token: it has `c_hash`, which only ID tokens have"));
        }
        // An access token has one too, of a random text.
        let facts = Facts::of_token(context, &claims).shared_with_id_tokens(&["at_hash"]);
        let facts = match context.mode("introspection") {
            true => facts.username("ext.preferred_username").email("ext.email").groups("ext.groups"),
            false => facts,
        };
        facts.identity().map(Finding::Identity)
    }
}
