//! Atlassian Cloud's OAuth 2.0 (3LO): who the token's owner is, and which sites it reaches.
//!
//! A token of any application and any site passes `/me`; `cloud_id` is what shuts the gate. A site may be listed several
//! times, once for each product, with the scopes that the token has there.

use portcullis_sdk::{
    Adapter, Answer, Context, Description, Facts, Finding, Object, Plan, PlanError, Problems, Refusal, Request,
    Response, Step, atlassian, first, register, request, response_to, setting,
};

const API: &str = "https://api.atlassian.com";
const SITES: &str = "sites";
/// What `/me` needs.
const SCOPE: &str = "read:me";

/// The adapter.
#[derive(Debug)]
pub struct AtlassianOauth;
register!(AtlassianOauth);

impl Adapter for AtlassianOauth {
    fn describe() -> Description {
        Description::of(
            "Atlassian Cloud (OAuth 2.0)",
            env!("CARGO_PKG_VERSION"),
            "Checks access tokens of Atlassian's OAuth 2.0 (3LO), which need the read:me scope. For API tokens there is atlassian-cloud.",
        )
        .documentation("https://developer.atlassian.com/cloud/confluence/oauth-2-3lo-apps/")
        .settings([setting("cloud_id", "The site that the token must reach, by its id; without it, any site.")
            .example("1324a887-45db-1bf4-1e99-ef0ff456d421")])
    }

    fn make_plan(context: &Context, _: &[Response]) -> Result<Step, PlanError> {
        let mut problems = Problems::none();
        if context.is_set("cloud_id") {
            problems.segment(context, "cloud_id");
        }
        problems.check()?;

        let mut plan =
            Plan::asking_with_jwts(request::userinfo(format!("{API}/me"))).usernames(&["account_id", "email"]);
        plan = match context.is_set("cloud_id") {
            true => plan.note("a token of any application passes that its owner gave access to the site"),
            false => plan.note("any token of Atlassian's passes, of whatever application and site: set `cloud_id`"),
        };
        Ok(plan
            .endpoints("https://auth.atlassian.com/authorize", "https://auth.atlassian.com/oauth/token", &[SCOPE])
            .authorize_parameter("audience", "api.atlassian.com")
            .authorize_parameter("prompt", "consent")
            .ready())
    }

    fn identify(context: &Context, answers: &[Answer]) -> Result<Finding, Refusal> {
        let me = first(answers)?;
        permitted(me, &[SCOPE])?;
        let account = me.object()?;
        if account.text("account_status").as_deref() != Some("active") {
            return Err(Refusal::invalid("the account is not active"));
        }
        let facts = Facts::of_account(context, &account).username("account_id").subject("account_id");
        let mut identity = facts.identity()?;
        identity.kind = atlassian::actor(&account, "account_type");
        if context.is_set("cloud_id") {
            let Some(response) = response_to(answers, SITES) else {
                let url = format!("{API}/oauth/token/accessible-resources");
                return Ok(Finding::Ask(vec![Request::get(SITES, url).bearer()]));
            };
            permitted(response, &[])?;
            identity.scopes = Some(scopes_at(context.text("cloud_id"), &response.list()?)?);
        }
        Ok(Finding::Identity(identity))
    }
}

/// 403 is a scope that the token lacks: `needed` for `/me`, any one of a product's for the sites.
fn permitted(response: &Response, needed: &[&str]) -> Result<(), Refusal> {
    match response.status {
        403 => Err(Refusal::scope(
            "Atlassian refuses the call: 403, as for a token without the scope",
            needed.iter().map(ToString::to_string).collect(),
        )),
        _ => Ok(()),
    }
}

/// The scopes that the token has at the site, for all of its products.
fn scopes_at(cloud_id: &str, sites: &[Object]) -> Result<Vec<String>, Refusal> {
    let here = sites.iter().filter(|site| site.text("id").is_some_and(|id| id.eq_ignore_ascii_case(cloud_id)));
    let scopes: Vec<_> = here.map(|site| site.texts("scopes").unwrap_or_default()).collect();
    if scopes.is_empty() {
        return Err(Refusal::invalid("the token does not reach the site of `cloud_id`"));
    }
    Ok(scopes.concat())
}
