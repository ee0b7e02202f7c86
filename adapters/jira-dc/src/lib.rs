//! Jira Data Center as the provider: its OAuth 2.0 tokens (8.22 and later) and personal access tokens.
//!
//! An account that was anonymised keeps its key and has another name.

use portcullis_sdk::{
    Adapter, Answer, Context, Description, Facts, Finding, PlanError, Refusal, Response, Step, atlassian, first,
    register, request,
};

/// The adapter.
#[derive(Debug)]
pub struct JiraDc;
register!(JiraDc);

impl Adapter for JiraDc {
    fn describe() -> Description {
        Description::of(
            "Jira Data Center",
            env!("CARGO_PKG_VERSION"),
            "Checks OAuth 2.0 tokens and personal access tokens of a Jira of your own, by asking it who the caller is.",
        )
        .documentation(
            "https://confluence.atlassian.com/spaces/ADMINJIRASERVER0910/pages/1282245277/Jira+OAuth+2.0+provider+API",
        )
        .settings([atlassian::base_url("https://jira.example.com/jira")])
    }

    fn make_plan(context: &Context, _: &[Response]) -> Result<Step, PlanError> {
        let base = context.text("base_url");
        let myself = request::userinfo(format!("{base}/rest/api/2/myself"));
        Ok(atlassian::data_center(base, myself, "READ").usernames(&["name", "key", "emailAddress"]).ready())
    }

    fn identify(context: &Context, answers: &[Answer]) -> Result<Finding, Refusal> {
        let account = atlassian::account(first(answers)?)?;
        let facts = Facts::of_account(context, &account).username("name").subject("key").email("emailAddress");
        facts.identity().map(Finding::Identity)
    }
}
