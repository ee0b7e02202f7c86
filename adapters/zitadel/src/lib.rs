//! Zitadel: an instance, in its cloud or on a server of one's own.
//!
//! Introspection calls a token active only for those in its audience, so a client has to be of the project whose scope the
//! token was asked for with. Roles are an object, `{role: {organisation: domain}}`: their names are the groups.

use portcullis_sdk::{
    Adapter, Answer, Binding, Context, Description, Facts, Finding, Plan, PlanError, Problems, Refusal, Response, Step,
    claims, issuer, mode, register, request, setting,
};

/// The roles in the project that the token is for.
const ROLES: &str = "urn:zitadel:iam:org:project:roles";

/// The adapter.
#[derive(Debug)]
pub struct Zitadel;
register!(Zitadel);

impl Adapter for Zitadel {
    fn describe() -> Description {
        Description::of(
            "Zitadel",
            env!("CARGO_PKG_VERSION"),
            "Checks access tokens of a Zitadel instance. For `private_key_jwt` set `client_key_id` to the key's id and `assertion_audience` to the issuer.",
        )
        .documentation("https://zitadel.com/docs/apis/openidoauth/endpoints")
        .settings([
            setting("domain", "The instance's domain, or its custom domain.")
                .base_url()
                .required()
                .example("acme-x1y2.zitadel.cloud"),
            issuer("https://acme-x1y2.zitadel.cloud"),
            mode(&[
                ("userinfo", "Ask the userinfo endpoint with the token."),
                ("introspection", "Ask about the token, as a client of the project; tells the audience."),
                ("jwt", "Verify the token's signature here, under the published keys; for applications that get JWTs."),
            ]),
        ])
    }

    fn make_plan(context: &Context, _: &[Response]) -> Result<Step, PlanError> {
        let mut problems = Problems::none();
        let domain = problems.host_only(context, "domain");
        let issuer = problems.issuer(context, domain);
        problems.check()?;

        let oauth = format!("{domain}/oauth/v2");
        let plan = match context.text("mode") {
            "introspection" => Plan::asking(request::introspection(format!("{oauth}/introspect")))
                .binding(Binding::Audience)
                .usernames(&["username", "preferred_username", "email", "sub"])
                .note("a token is active for this client only with the scope urn:zitadel:iam:org:project:id:{id}:aud of its project"),
            "jwt" => Plan::verifying(format!("{oauth}/keys"), vec![issuer.clone()]).usernames(&["sub"]),
            _ => Plan::asking(request::userinfo(format!("{domain}/oidc/v1/userinfo")))
                .usernames(&["preferred_username", "email", "sub"])
                .note("userinfo does not tell for whom a token was issued: any token of this instance passes"),
        };
        Ok(plan
            .issuer(issuer)
            .endpoints(format!("{oauth}/authorize"), format!("{oauth}/token"), &["openid", "profile"])
            .device(format!("{oauth}/device_authorization"))
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
        let mut identity = Facts::of_token(context, &claims).username(username).identity()?;
        identity.groups = claims.names(ROLES).or(identity.groups);
        Ok(Finding::Identity(identity))
    }
}
