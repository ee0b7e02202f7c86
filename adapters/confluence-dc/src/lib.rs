//! Confluence Data Center as the provider: its OAuth 2.0 tokens (7.17 and later) and personal access tokens.
//!
//! With anonymous access on, a call without a credential that Confluence knows is answered all the same, as an anonymous
//! one. Its tokens are JWTs that it alone can verify.

use portcullis_sdk::{
    Adapter, Answer, Context, Description, Facts, Finding, PlanError, Refusal, Response, Step, atlassian, first,
    register, request,
};

/// The adapter.
#[derive(Debug)]
pub struct ConfluenceDc;
register!(ConfluenceDc);

impl Adapter for ConfluenceDc {
    fn describe() -> Description {
        Description::of(
            "Confluence Data Center",
            env!("CARGO_PKG_VERSION"),
            "Checks OAuth 2.0 tokens and personal access tokens of a Confluence of your own, by asking it who the caller is.",
        )
        .documentation("https://developer.atlassian.com/server/confluence/confluence-oauth2-provider-api/")
        .settings([atlassian::base_url("https://wiki.example.com/confluence")])
    }

    fn make_plan(context: &Context, _: &[Response]) -> Result<Step, PlanError> {
        let base = context.text("base_url");
        let current = request::userinfo(format!("{base}/rest/api/user/current"));
        Ok(atlassian::data_center(base, current, "READ").usernames(&["username", "userKey"]).ready())
    }

    fn identify(context: &Context, answers: &[Answer]) -> Result<Finding, Refusal> {
        let account = atlassian::account(first(answers)?)?;
        let facts = Facts::of_account(context, &account).username("username").subject("userKey");
        facts.identity().map(Finding::Identity)
    }
}
