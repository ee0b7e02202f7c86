//! Microsoft Entra ID (Azure AD), in the world's cloud and the national ones.
//!
//! There is no introspection, and tokens for Graph can be read by Graph alone: it is asked who the caller is. Tokens for
//! an API of one's own are verified here (`mode: jwt`). Graph cannot tell for which application a token was issued.

mod cloud;
mod graph;
mod tenants;

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
            setting("allowed_tenants", "Tenants whose tokens are taken, by GUID; all, where it is left out.")
                .texts()
                .only_when("mode", &["jwt"])
                .example("[a8990e1f-ff32-408a-9f8e-78d3b9139b95]"),
        ])
    }

    fn make_plan(context: &Context, _: &[Response]) -> Result<Step, PlanError> {
        let mut problems = Problems::none();
        let cloud = cloud::Cloud::of(context.text("cloud"));
        let tenant = problems.segment(context, "tenant");
        let issuer = cloud.issuer(context, &mut problems);
        tenants::check(context, &mut problems);
        problems.check()?;

        let login = format!("{}/{tenant}", cloud.login);
        let issuers: Vec<_> = issuer.into_iter().collect();
        let mut plan = match context.text("mode") {
            "jwt" if context.text("version") == "v1" => {
                let plan = Plan::verifying(format!("{login}/discovery/keys"), issuers.clone());
                plan.usernames(&["upn", "unique_name", "oid", "sub"])
            }
            "jwt" => {
                let plan = Plan::verifying(format!("{login}/discovery/v2.0/keys"), issuers.clone());
                plan.usernames(&["preferred_username", "email", "oid", "sub"])
            }
            "userinfo" => Plan::asking(request::userinfo(format!("{}/oidc/userinfo", cloud.graph)))
                .usernames(&["email", "sub"])
                .note("Graph does not tell for whom a token was issued: any token for Graph passes"),
            _ => Plan::asking(graph::me(&cloud, context))
                .usernames(&["userPrincipalName", "mail", "onPremisesSamAccountName", "id"])
                .note("Graph does not tell for whom a token was issued: any token for Graph passes"),
        };
        // One that holds for any tenant names none.
        plan.issuers = issuers.into_iter().filter(|issuer| !issuer.contains('{')).collect();
        let scopes: &[&str] = match context.text("mode") {
            "graph" => &["User.Read"],
            "userinfo" => &["openid", "profile", "email"],
            // Those of the application for which the tokens are.
            _ => &[],
        };
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
            _ => tenants::identify(context, &claims(context, answers)?).map(Finding::Identity),
        }
    }
}
