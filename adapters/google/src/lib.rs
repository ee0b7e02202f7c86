//! Google accounts and Workspace.
//!
//! Access tokens are opaque. Userinfo tells whose one is, and tokeninfo also for whom it was issued, which matters: any
//! application's token passes userinfo. ID tokens are verified here. A Workspace is told by `hd`, never by the address.

use portcullis_sdk::{
    Adapter, Answer, Binding, Context, Description, Facts, Finding, Object, Plan, PlanError, Problems, Refusal,
    Request, Response, Step, claims, mode, register,
    request::{self, CHECK},
    setting,
};

/// The adapter.
#[derive(Debug)]
pub struct Google;
register!(Google);

impl Adapter for Google {
    fn describe() -> Description {
        Description::of(
            "Google",
            env!("CARGO_PKG_VERSION"),
            "Checks Google's access tokens by asking Google, or ID tokens by their signature. Tokens need the scopes openid and email.",
        )
        .documentation("https://developers.google.com/identity/openid-connect/openid-connect")
        .token_prefixes(&["ya29."])
        .settings([
            mode(&[
                ("userinfo", "Ask the userinfo endpoint with the token; takes tokens of any application."),
                ("tokeninfo", "Ask tokeninfo about the token; tells the audience, and may be throttled."),
                ("jwt", "Verify an ID token's signature here, under Google's published keys."),
            ]),
            setting("allowed_hd", "Workspace domains, one of which the account must be of; all accounts, where it is left out.")
                .texts()
                .example("[example.com]"),
            setting("require_verified_email", "Whether an e-mail address as username must be one that Google verified.")
                .flag()
                .default("true"),
        ])
    }

    fn make_plan(context: &Context, _: &[Response]) -> Result<Step, PlanError> {
        let mut problems = Problems::none();
        if context.mode("tokeninfo") && context.is_set("allowed_hd") {
            let problem =
                "cannot be held with `mode: tokeninfo`, which does not tell the Workspace domain of an access token";
            problems.add("allowed_hd", problem, "write `mode: userinfo`, or `mode: jwt` for ID tokens");
        }
        problems.check()?;

        let plan = match context.text("mode") {
            "tokeninfo" => {
                let tokeninfo = Request::post(CHECK, "https://oauth2.googleapis.com/tokeninfo");
                Plan::asking_opaque(tokeninfo.form_credential("access_token")).binding(Binding::Audience)
            }
            "jwt" => Plan::verifying(
                "https://www.googleapis.com/oauth2/v3/certs",
                // Old tokens name it without the scheme.
                vec!["https://accounts.google.com".into(), "accounts.google.com".into()],
            )
            .issuer("https://accounts.google.com")
            .issuer("accounts.google.com"),
            _ => Plan::asking_opaque(request::userinfo("https://openidconnect.googleapis.com/v1/userinfo"))
                .note("userinfo takes tokens of any application; `mode: tokeninfo` with `audience` takes only yours"),
        };
        Ok(plan
            .usernames(&["email", "sub"])
            .endpoints(
                "https://accounts.google.com/o/oauth2/v2/auth",
                "https://oauth2.googleapis.com/token",
                &["openid", "email"],
            )
            .device("https://oauth2.googleapis.com/device/code")
            .pkce(&["S256", "plain"])
            .ready())
    }

    fn identify(context: &Context, answers: &[Answer]) -> Result<Finding, Refusal> {
        let mut account = claims(context, answers)?;
        if context.mode("tokeninfo") {
            account = account.with_number("exp");
        }
        of_workspace(context, &account)?;
        let mut facts = Facts::of_token(context, &account).username("email");
        if context.mode("jwt") {
            facts = facts.id_tokens();
        }
        if context.flag("require_verified_email") {
            facts = facts.verified_email();
        }
        facts.identity().map(Finding::Identity)
    }
}

fn of_workspace(context: &Context, account: &Object) -> Result<(), Refusal> {
    let allowed = context.texts("allowed_hd");
    let hd = account.text("hd").unwrap_or_default();
    if allowed.is_empty() || allowed.iter().any(|domain| domain.eq_ignore_ascii_case(&hd)) {
        return Ok(());
    }
    Err(Refusal::invalid("the account is of none of `allowed_hd`"))
}
