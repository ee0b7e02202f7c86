//! PingFederate, on a server of one's own.
//!
//! What introspection tells is what was mapped in the access token manager: without a mapping there is neither `username`
//! nor `sub`. Of a refresh token it says `active`, and nothing else.

use portcullis_sdk::{
    Adapter, Answer, Binding, Context, Description, Facts, Finding, Plan, PlanError, Problems, Refusal, Response, Step,
    claims, issuer, mode, register, request, setting,
};

/// The adapter.
#[derive(Debug)]
pub struct PingFederate;
register!(PingFederate);

impl Adapter for PingFederate {
    fn describe() -> Description {
        Description::of(
            "PingFederate",
            env!("CARGO_PKG_VERSION"),
            "Checks access tokens of a PingFederate server. `mode: userinfo` needs the openid scope, `mode: introspection` a username that is mapped.",
        )
        .documentation("https://docs.pingidentity.com/pingfederate/latest/developers_reference_guide/pf_introspec_endpoint.html")
        .settings([
            setting("host", "The server, with its port.").base_url().required().example("sso.example.com:9031"),
            issuer("https://sso.example.com"),
            mode(&[
                ("userinfo", "Ask the userinfo endpoint with the token."),
                ("introspection", "Ask about the token, as a client; tells the audience, where it is mapped."),
            ]),
        ])
    }

    fn make_plan(context: &Context, _: &[Response]) -> Result<Step, PlanError> {
        let host = context.text("host");
        let mut problems = Problems::none();
        let issuer = problems.issuer(context, host);
        problems.check()?;

        let plan = match context.text("mode") {
            "introspection" => Plan::asking(request::introspection(format!("{host}/as/introspect.oauth2")))
                .binding(Binding::Audience)
                .usernames(&["username", "email", "sub"])
                .note("`username` is there only if the access token manager maps it"),
            _ => Plan::asking(request::userinfo(format!("{host}/idp/userinfo.openid")))
                .usernames(&["sub", "preferred_username", "email"])
                .note("userinfo does not tell for whom a token was issued: any token of this server passes"),
        };
        Ok(plan
            .issuer(issuer)
            .endpoints(
                format!("{host}/as/authorization.oauth2"),
                format!("{host}/as/token.oauth2"),
                &["openid", "profile"],
            )
            .device(format!("{host}/as/device_authz.oauth2"))
            .pkce(&["S256"])
            .ready())
    }

    fn identify(context: &Context, answers: &[Answer]) -> Result<Finding, Refusal> {
        let claims = claims(context, answers)?;
        let username = if context.mode("introspection") { "username" } else { "sub" };
        Facts::of_token(context, &claims).username(username).identity().map(Finding::Identity)
    }
}
