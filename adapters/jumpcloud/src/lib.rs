//! JumpCloud: one issuer for all organisations. There is an Ory Hydra underneath.
//!
//! Userinfo tells for which client the token was issued (`aud`), and since any organisation's token passes, that is what
//! shuts the gate. A program's token is answered with 200 and no `sub`: it is nobody's.

use portcullis_sdk::{
    Adapter, Answer, Binding, Context, Description, Facts, Finding, Plan, PlanError, Refusal, Response, Step, claims,
    register, request,
};

const HOST: &str = "https://oauth.id.jumpcloud.com";

/// The adapter.
#[derive(Debug)]
pub struct JumpCloud;
register!(JumpCloud);

impl Adapter for JumpCloud {
    fn describe() -> Description {
        Description::of(
            "JumpCloud",
            env!("CARGO_PKG_VERSION"),
            "Checks access tokens of JumpCloud by asking its userinfo endpoint. Set `audience` to your client's id: all organisations share one issuer.",
        )
        .documentation("https://jumpcloud.com/support/sso-with-oidc")
    }

    fn make_plan(_: &Context, _: &[Response]) -> Result<Step, PlanError> {
        Ok(Plan::asking(request::userinfo(format!("{HOST}/userinfo")))
            .binding(Binding::Audience)
            .usernames(&["preferred_username", "email", "sub"])
            .note("all organisations share one issuer: without `audience` any token of any of them passes")
            // The slash is part of it.
            .issuer(format!("{HOST}/"))
            .endpoints(format!("{HOST}/oauth2/auth"), format!("{HOST}/oauth2/token"), &["openid", "profile"])
            .pkce(&["S256"])
            .ready())
    }

    fn identify(context: &Context, answers: &[Answer]) -> Result<Finding, Refusal> {
        let claims = claims(context, answers)?.of_somebody()?;
        Facts::of_token(context, &claims).identity().map(Finding::Identity)
    }
}
