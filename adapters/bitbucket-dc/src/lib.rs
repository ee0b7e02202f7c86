//! Bitbucket Data Center as the provider: its OAuth 2.0 tokens and HTTP access tokens.
//!
//! There is no call that says who the caller is. Every answer to an authenticated one does, in the header `X-AUSERNAME`,
//! where the name is percent-encoded (`jens%40example.com`); without the header the caller was an anonymous one.

use portcullis_sdk::{
    Adapter, Answer, Context, Description, Facts, Finding, Object, PlanError, Refusal, Response, Step, atlassian,
    first, register, request, url,
};

/// The header, and the only attribute that there is.
const USERNAME: &str = "X-AUSERNAME";

/// The adapter.
#[derive(Debug)]
pub struct BitbucketDc;
register!(BitbucketDc);

impl Adapter for BitbucketDc {
    fn describe() -> Description {
        Description::of(
            "Bitbucket Data Center",
            env!("CARGO_PKG_VERSION"),
            "Checks OAuth 2.0 tokens and HTTP access tokens of a Bitbucket of your own, by the account that its answers name.",
        )
        .documentation("https://confluence.atlassian.com/display/BITBUCKETSERVER091/Bitbucket+OAuth+2.0+provider+API")
        .settings([atlassian::base_url("https://git.example.com/bitbucket")])
    }

    fn make_plan(context: &Context, _: &[Response]) -> Result<Step, PlanError> {
        let base = context.text("base_url");
        let properties = request::userinfo(format!("{base}/rest/api/latest/application-properties"));
        Ok(atlassian::data_center(base, properties, "PUBLIC_REPOS").usernames(&[USERNAME]).ready())
    }

    fn identify(context: &Context, answers: &[Answer]) -> Result<Finding, Refusal> {
        let response = first(answers)?;
        // Its members say nothing of the caller; but what has none was answered by something else.
        response.object()?;
        let account = Object::default().with_text(USERNAME, &caller(response)?);
        Facts::of_account(context, &account).username(USERNAME).subject("").identity().map(Finding::Identity)
    }
}

/// The name in the header; empty where there is none.
fn caller(response: &Response) -> Result<String, Refusal> {
    let doubtful = || Refusal::unavailable(format!("`{USERNAME}` cannot be read in one way only"));
    let mut names = response.headers.iter().filter(|header| header.name.eq_ignore_ascii_case(USERNAME));
    match (names.next(), names.next()) {
        (None, _) => Ok(String::new()),
        // The gateway puts U+FFFD where bytes are no UTF-8, and so two names could become one.
        (Some(name), None) if name.value.contains(char::REPLACEMENT_CHARACTER) => Err(doubtful()),
        (Some(name), None) => url::form_decode(&name.value).ok_or_else(doubtful),
        (Some(_), Some(_)) => Err(doubtful()),
    }
}
