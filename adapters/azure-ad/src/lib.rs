//! Microsoft Entra ID (Azure AD), in the world's cloud and the national ones.
//!
//! There is no introspection, and tokens for Graph can be verified by Graph alone: it is asked who the caller is. Tokens for
//! an API of one's own are verified here (`mode: jwt`). Graph cannot tell for which application a token was issued, and it
//! answers for every tenant, so that whose tokens are taken is held by their issuer.

mod cloud;
mod graph;
mod tenants;
mod token;

use portcullis_sdk::{
    Adapter, Answer, Context, Description, Facts, Finding, PlanError, Problems, Refusal, Response, Step, claims, first,
    mode, register, request, setting,
};

use crate::cloud::Cloud;
use crate::tenants::Tenant;

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
            setting("allowed_tenants", "Of `common` and `organizations`, the tenants whose tokens are taken, by GUID; all, where it is left out.")
                .texts()
                .example("[a8990e1f-ff32-408a-9f8e-78d3b9139b95]"),
        ])
    }

    fn make_plan(context: &Context, documents: &[Response]) -> Result<Step, PlanError> {
        let mut problems = Problems::none();
        let cloud = Cloud::of(context.text("cloud"));
        let segment = problems.segment(context, "tenant");
        let tenant = Tenant::of(context, &mut problems);
        tenants::check(context, &mut problems);
        tenant.taken(context, &mut problems);
        problems.check()?;
        let Some(tenant) = tenant.resolved(&cloud, documents)? else { return Ok(tenants::metadata(&cloud, &segment)) };
        let mut problems = Problems::none();
        let taken = tenant.taken(context, &mut problems);
        problems.check()?;

        let login = format!("{}/{segment}", cloud.login);
        let mut plan = match context.text("mode") {
            "jwt" => token::plan(context, &cloud, &login, &tenant),
            "userinfo" => {
                let userinfo = request::userinfo(format!("{}/oidc/userinfo", cloud.graph));
                graph::plan(&cloud, &tenant, taken.as_deref(), userinfo).usernames(&["sub"])
            }
            _ => graph::plan(&cloud, &tenant, taken.as_deref(), graph::me(&cloud, context)).usernames(&[
                "userPrincipalName",
                "onPremisesSamAccountName",
                "id",
            ]),
        };
        if !context.mode("jwt") {
            plan = plan.note(
                "Graph does not tell for whom a token was issued: any token for Graph passes that its tenant issued",
            );
        }
        if taken.is_none() {
            plan = plan.note("tokens of every directory of the world pass, and each names its people as it likes: write `allowed_tenants`");
        }
        if context.username_attributes.iter().any(|name| ["email", "mail"].contains(&name.as_str())) {
            plan = plan.note("an address as username is whatever a directory's administrator wrote, and proves nothing: take `oid`, `id` or `sub`");
        }
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
                // Not `email`, which whoever administers some directory can choose.
                Facts::of_token(context, &claims).username("sub").identity().map(Finding::Identity)
            }
            _ => token::identify(context, &claims(context, answers)?).map(Finding::Identity),
        }
    }
}
