//! Microsoft Entra ID (Azure AD), in the world's cloud and the national ones.
//!
//! There is no introspection, and tokens for Graph can be read by Graph alone: it is asked who the caller is. Tokens for
//! an API of one's own are verified here (`mode: jwt`). Graph cannot tell for which application a token was issued.

mod cloud;
mod graph;

use portcullis_sdk::{
    Adapter, Answer, Context, Description, Facts, Finding, Plan, PlanError, Problems, Refusal, Response, Step, claims,
    first, mode, register, request, setting,
};

/// The adapter.
#[derive(Debug)]
pub struct AzureAd;
register!(AzureAd);

impl Adapter for AzureAd {
    fn describe() -> Description {
        Description::of(
            "Microsoft Entra ID (Azure AD)",
            env!("CARGO_PKG_VERSION"),
            "Checks access tokens of Entra ID: those for Microsoft Graph by asking Graph, those for an application of your own by their signature.",
        )
        .documentation("https://learn.microsoft.com/entra/identity-platform/access-tokens")
        .settings([
            setting("tenant", "The directory: its GUID or a verified domain; or `common`, `organizations`, `consumers`.")
                .required()
                .example("contoso.com"),
            setting("cloud", "Whose cloud it is.").choices(&[
                ("global", "The world's, and the US government's GCC."),
                ("us", "US government, GCC High (L4)."),
                ("us-dod", "US Department of Defense (L5)."),
                ("china", "China, operated by 21Vianet."),
            ]),
            mode(&[
                ("graph", "Ask Microsoft Graph's /me with the token (scope User.Read)."),
                ("userinfo", "Ask Graph's OpenID Connect userinfo with the token (scope openid); gives few attributes."),
                ("jwt", "Verify the token's signature here; for tokens issued for your own application."),
            ]),
            setting("version", "The form of the tokens.")
                .choices(&[("v2", "Issuer and claims of v2.0."), ("v1", "Issuer and claims of v1.0.")])
                .only_when("mode", &["jwt"]),
            setting("allowed_tenants", "Tenants whose tokens are taken, by GUID.").texts().only_when("mode", &["jwt"]),
        ])
    }

    fn make_plan(context: &Context, _: &[Response]) -> Result<Step, PlanError> {
        let mut problems = Problems::none();
        problems.not_yet(context, "allowed_tenants");
        let cloud = cloud::Cloud::of(context.text("cloud"));
        let tenant = problems.segment(context, "tenant");
        let issuer = cloud.issuer(context, &mut problems);
        problems.check()?;

        let login = format!("{}/{tenant}", cloud.login);
        let plan = match context.text("mode") {
            "jwt" if context.text("version") == "v1" => {
                Plan::verifying(format!("{login}/discovery/keys"), issuer.into_iter().collect()).usernames(&[
                    "upn",
                    "unique_name",
                    "oid",
                    "sub",
                ])
            }
            "jwt" => Plan::verifying(format!("{login}/discovery/v2.0/keys"), issuer.into_iter().collect())
                .usernames(&["preferred_username", "email", "oid", "sub"]),
            "userinfo" => Plan::asking(request::userinfo(format!("{}/oidc/userinfo", cloud.graph)))
                .usernames(&["email", "sub"])
                .note("Graph does not tell for whom a token was issued: any token for Graph passes"),
            _ => Plan::asking(graph::me(&cloud, context))
                .usernames(&["userPrincipalName", "mail", "onPremisesSamAccountName", "id"])
                .note("Graph does not tell for whom a token was issued: any token for Graph passes"),
        };
        let scopes: &[&str] = if context.mode("graph") { &["User.Read"] } else { &["openid", "profile", "email"] };
        Ok(plan
            .endpoints(format!("{login}/oauth2/v2.0/authorize"), format!("{login}/oauth2/v2.0/token"), scopes)
            .device(format!("{login}/oauth2/v2.0/devicecode"))
            .pkce(&["S256", "plain"])
            .ready())
    }

    fn identify(context: &Context, answers: &[Answer]) -> Result<Finding, Refusal> {
        match context.text("mode") {
            "graph" => graph::identify(context, answers),
            "userinfo" => {
                let claims = graph::object(first(answers)?)?;
                Facts::of_token(context, &claims).username("email").identity().map(Finding::Identity)
            }
            _ => {
                let claims = claims(context, answers)?;
                let username = if context.text("version") == "v1" { "upn" } else { "preferred_username" };
                Facts::of_token(context, &claims).username(username).subject("oid").identity().map(Finding::Identity)
            }
        }
    }
}
