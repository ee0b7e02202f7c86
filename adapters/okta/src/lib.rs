//! Okta: the org's own authorization server, the one named `default`, and custom ones.
//!
//! Tokens of the org server can be read by Okta alone, so they are never verified here. `preferred_username` comes with
//! the `profile` scope. A program's token has its client's id as `sub`, and no username.

use portcullis_sdk::{
    Adapter, Answer, Binding, Context, Description, Facts, Finding, Plan, PlanError, Problems, Refusal, Response, Step,
    claims, issuer, mode, register, request, setting, url,
};

/// Okta's own domains, whose `-admin` hosts serve the administrator's console and no tokens.
const OKTA_DOMAINS: [&str; 6] =
    [".okta.com", ".okta-emea.com", ".oktapreview.com", ".okta-gov.com", ".okta.mil", ".trexcloud.com"];

/// The adapter.
#[derive(Debug)]
pub struct Okta;
register!(Okta);

impl Adapter for Okta {
    fn describe() -> Description {
        Description::of(
            "Okta",
            env!("CARGO_PKG_VERSION"),
            "Checks access tokens of one authorization server of an Okta org. The `profile` scope gives `preferred_username`.",
        )
        .documentation("https://developer.okta.com/docs/reference/api/oidc/")
        .settings([
            setting("domain", "The org's Okta domain or custom domain, without `-admin`.")
                .base_url()
                .required()
                .example("acme.okta.com"),
            setting("auth_server", "The authorization server: `default`, `org` for the org's own, or an id.")
                .default("default")
                .example("aus9o8wzkhckw9TLa0h7z"),
            issuer("https://acme.okta.com/oauth2/default"),
            mode(&[
                ("userinfo", "Ask the userinfo endpoint with the token."),
                ("introspection", "Ask about the token, as a client; tells the audience."),
                ("jwt", "Verify the token's signature here, under the published keys; not with `auth_server: org`."),
            ]),
        ])
    }

    fn make_plan(context: &Context, _: &[Response]) -> Result<Step, PlanError> {
        let mut problems = Problems::none();
        let domain = problems.host_only(context, "domain");
        let host = url::host(domain).split(':').next().unwrap_or_default();
        if OKTA_DOMAINS.iter().filter_map(|okta| host.strip_suffix(okta)).any(|org| org.ends_with("-admin")) {
            problems.add("domain", "is the host of the admin console", "write it without `-admin`");
        }
        let org = context.text("auth_server") == "org";
        if org && context.mode("jwt") {
            problems.add(
                "mode",
                "is jwt, and tokens of the org's own server can be verified by Okta alone",
                "write `mode: userinfo` or `introspection`, or take another `auth_server`",
            );
        }
        let server = problems.segment(context, "auth_server");
        let base = if org { format!("{domain}/oauth2") } else { format!("{domain}/oauth2/{server}") };
        let issuer = problems.issuer(context, if org { domain } else { &base });
        problems.check()?;

        let plan = match context.text("mode") {
            "introspection" => Plan::asking(request::introspection(format!("{base}/v1/introspect")))
                .binding(Binding::Audience)
                .usernames(&["username", "email", "sub", "uid"]),
            "jwt" => Plan::verifying(format!("{base}/v1/keys"), vec![issuer.clone()]).usernames(&["sub", "uid"]),
            _ => Plan::asking(request::userinfo(format!("{base}/v1/userinfo")))
                .usernames(&["preferred_username", "email", "sub"])
                .note("`preferred_username` is only there for tokens with the `profile` scope"),
        };
        Ok(plan
            .issuer(issuer)
            .endpoints(format!("{base}/v1/authorize"), format!("{base}/v1/token"), &["openid", "profile"])
            .device(format!("{base}/v1/device/authorize"))
            .revoke(format!("{base}/v1/revoke"))
            .pkce(&["S256"])
            .ready())
    }

    fn identify(context: &Context, answers: &[Answer]) -> Result<Finding, Refusal> {
        let claims = claims(context, answers)?;
        let username = match context.text("mode") {
            "introspection" => "username",
            "jwt" => "sub",
            _ => "preferred_username",
        };
        Facts::of_token(context, &claims).username(username).identity().map(Finding::Identity)
    }
}
