//! PingOne: one environment, in the region where it was made.
//!
//! Introspection may be asked by the application that the token was issued to, or by the custom resource that it is for, each
//! with its own id and secret; it tells no more than RFC 7662 names.

use portcullis_sdk::{
    Adapter, Answer, Binding, Context, Description, Facts, Finding, Plan, PlanError, Problems, Refusal, Response, Step,
    claims, forms, mode, register, request, setting,
};

/// The adapter.
#[derive(Debug)]
pub struct PingOne;
register!(PingOne);

impl Adapter for PingOne {
    fn describe() -> Description {
        Description::of(
            "PingOne",
            env!("CARGO_PKG_VERSION"),
            "Checks access tokens of one environment of PingOne. `mode: userinfo` needs the openid scope.",
        )
        .documentation("https://developer.pingidentity.com/pingone-api/auth/introduction.html")
        .settings([
            setting("region", "The region, by the end of its hosts' names.")
                .choices(&[
                    ("com", "North America."),
                    ("eu", "Europe."),
                    ("ca", "Canada."),
                    ("asia", "Asia-Pacific."),
                    ("com.au", "Australia."),
                    ("sg", "Singapore."),
                ])
                .required(),
            setting("env_id", "The environment's id.").required().example("5caa81af-ec05-41ff-a709-c7378007a99c"),
            mode(&[
                ("userinfo", "Ask the userinfo endpoint with the token."),
                (
                    "introspection",
                    "Ask about the token, as the application or the custom resource; tells the audience.",
                ),
                ("jwt", "Verify the token's signature here, under the environment's published keys."),
            ]),
        ])
    }

    fn make_plan(context: &Context, _: &[Response]) -> Result<Step, PlanError> {
        let mut problems = Problems::none();
        let environment = context.text("env_id").to_ascii_lowercase();
        if !forms::is_guid(&environment) {
            let problem = format!("is no id of an environment: `{environment}`");
            problems.add("env_id", problem, "write the GUID that the environment's properties show");
        }
        problems.check()?;

        let server = format!("https://auth.pingone.{}/{environment}/as", context.text("region"));
        let plan = match context.text("mode") {
            "introspection" => Plan::asking(request::introspection(format!("{server}/introspect")))
                .binding(Binding::Audience)
                .usernames(&["username", "email", "sub"]),
            "jwt" => Plan::verifying(format!("{server}/jwks"), vec![server.clone()]).usernames(&["sub"]),
            _ => Plan::asking(request::userinfo(format!("{server}/userinfo")))
                .usernames(&["preferred_username", "email", "sub"])
                .note("userinfo does not tell for whom a token was issued: any token of this environment passes"),
        };
        Ok(plan
            .issuer(server.clone())
            .endpoints(format!("{server}/authorize"), format!("{server}/token"), &["openid", "profile"])
            .device(format!("{server}/device_authorization"))
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
