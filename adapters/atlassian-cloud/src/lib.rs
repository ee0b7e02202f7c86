//! Atlassian Cloud: a Basic pair of an account's e-mail address and an API token, checked by the site itself.
//!
//! Cloud knows no usernames: `accountId` is the name. Confluence answers an unknown pair as an anonymous caller's where the
//! site lets those in. An address may be hidden by its owner's privacy settings.

use portcullis_sdk::{
    Adapter, Answer, Context, Description, Facts, Finding, Plan, PlanError, Refusal, Request, Response, Step,
    atlassian, first, register, request::CHECK, setting, url,
};

/// The adapter.
#[derive(Debug)]
pub struct AtlassianCloud;
register!(AtlassianCloud);

impl Adapter for AtlassianCloud {
    fn describe() -> Description {
        Description::of(
            "Atlassian Cloud",
            env!("CARGO_PKG_VERSION"),
            "Checks Basic pairs of e-mail address and API token, by asking the site who the caller is. For OAuth 2.0 there is atlassian-oauth.",
        )
        .documentation("https://support.atlassian.com/atlassian-account/docs/manage-api-tokens-for-your-atlassian-account/")
        .basic()
        .settings([
            setting("site", "The site.").base_url().required().example("acme.atlassian.net"),
            setting("product", "Whose API is asked; the account needs access to it.")
                .choices(&[("confluence", "Confluence's, under `/wiki`."), ("jira", "Jira's.")])
                .required(),
        ])
    }

    fn make_plan(context: &Context, _: &[Response]) -> Result<Step, PlanError> {
        let site = site(context.text("site"));
        let (call, email) = match context.text("product") {
            "confluence" => ("/wiki/rest/api/user/current", "email"),
            _ => ("/rest/api/3/myself", "emailAddress"),
        };
        Ok(Plan::asking(Request::get(CHECK, format!("{site}{call}")).presented())
            .usernames(&["accountId", email])
            .note("an API token does what its owner may do; it has neither audience nor scopes that could be checked")
            .ready())
    }

    fn identify(context: &Context, answers: &[Answer]) -> Result<Finding, Refusal> {
        let account = atlassian::account(first(answers)?)?;
        let email = if context.text("product") == "confluence" { "email" } else { "emailAddress" };
        let facts = Facts::of_account(context, &account).username("accountId").subject("accountId").email(email);
        let mut identity = facts.identity()?;
        identity.kind = atlassian::actor(&account, "accountType");
        Ok(Finding::Identity(identity))
    }
}

/// Whatever page of a site was copied, its API is at the host.
fn site(site: &str) -> &str {
    if url::host(site).ends_with(".atlassian.net") { site.strip_suffix(url::path(site)).unwrap_or(site) } else { site }
}
