//! Plans that are not what the operator agreed to.

use crate::{deeds, search};
use portcullis_sdk::{
    Authorization, Body, Check, Context, Header, JsonBody, Lookup, Method, Object, Plan, PlanError, Refusal, Request,
    Response, Shape, SignatureRules, Slot, Source, Step, request,
};

/// The plan that `behave` asks for.
pub(crate) fn plan(context: &Context, documents: &[Response]) -> Result<Step, PlanError> {
    let elsewhere = context.text("elsewhere");
    let honest = || request::userinfo(format!("{}/me", context.text("host")));
    let with = |change: &dyn Fn(&mut Request)| {
        let mut request = honest();
        change(&mut request);
        Plan::asking(request)
    };
    let header = |name: &str, value: &str| Header { name: name.into(), value: vec![Source::Text(value.into())] };
    let plan = match context.text("behave") {
        "basic" => Plan::of(vec![Check {
            when: Shape::Basic,
            how: Method::Call(Request { authorization: Authorization::Presented, ..honest() }),
        }]),
        // Of the pair, the name alone is shown.
        "half" | "half-then-whole" => Plan::of(vec![Check {
            when: Shape::Basic,
            how: Method::Call(Request {
                authorization: Authorization::None,
                headers: vec![Header { name: "X-User".into(), value: vec![Source::Username] }],
                ..honest()
            }),
        }]),
        "plan-unshown" => with(&|request| request.authorization = Authorization::None),
        "plan-unshown-client" => with(&|request| request.authorization = Authorization::Client),
        "plan-slot-twice" => with(&|request| {
            let slot = |pointer: &str, value| Slot { pointer: pointer.into(), value: vec![value] };
            let slots = vec![slot("/a~0", Source::Credential), slot("/a~", Source::Text("mine".into()))];
            request.body = Body::Json(JsonBody { text: "{\"a~\":\"\"}".into(), slots });
            request.authorization = Authorization::None;
        }),
        // The credential is put into a place, which is then replaced whole.
        "plan-slot-within" | "plan-slot-root" => with(&|request| {
            let slot = |pointer: &str, value| Slot { pointer: pointer.into(), value: vec![value] };
            let whole = if context.text("behave") == "plan-slot-root" { "" } else { "/a" };
            let slots = vec![slot("/a/b", Source::Credential), slot(whole, Source::Text("mine".into()))];
            request.body = Body::Json(JsonBody { text: r#"{"a":{"b":""}}"#.into(), slots });
            request.authorization = Authorization::None;
        }),
        // It loops once its document is there.
        "plan-discovered-loop" => match documents.first() {
            None => return Ok(fetch(format!("{}/document", context.text("host")))),
            Some(_) => deeds::run_forever(),
        },
        "plan-prefix-jwt" => Plan::of(vec![Check::prefixed("eyJ", honest()), Check::any(honest())]),
        "plan-loop" => deeds::run_forever(),
        "plan-trap" => panic!("as told"),
        "plan-huge" => Plan::asking(honest()).note(&"x".repeat(1024 * 1024)),
        "plan-nothing" => Plan::of(Vec::new()),
        "plan-foreign" => Plan::asking(request::userinfo(format!("{elsewhere}/me"))),
        "plan-foreign-second" => {
            Plan::of(vec![Check::any(honest()), Check::any(request::userinfo(format!("{elsewhere}/me")))])
        }
        "plan-foreign-origin" => {
            let mut plan = Plan::asking(honest());
            plan.origins.push(elsewhere.into());
            plan
        }
        "plan-user-info" => with(&|request| request.url = request.url.replacen("://", "://user@", 1)),
        "plan-relative" => with(&|request| request.url = "/me".into()),
        "plan-file" => with(&|request| request.url = "file:///etc/passwd".into()),
        "plan-authorization" => with(&|request| request.headers.push(header("authorization", "Bearer mine"))),
        "plan-host" => with(&|request| request.headers.push(header("Host", "elsewhere"))),
        "plan-length" => with(&|request| request.headers.push(header("Content-Length", "5"))),
        "plan-line" => with(&|request| request.headers.push(header("X-A", "b\r\nX-C: d"))),
        "plan-header-name" => with(&|request| request.headers.push(header("X-A: b\r\nX-C", "d"))),
        "plan-secret" => with(&|request| {
            request.headers.push(Header { name: "X-A".into(), value: vec![Source::Secret("nobodys".into())] });
        }),
        "plan-verify" => verifying(rules(context)),
        "plan-verify-none" => verifying(SignatureRules { algorithms: vec!["none".into()], ..rules(context) }),
        "plan-verify-hmac" => verifying(SignatureRules {
            algorithms: ["HS256", "RS256", "hs256"].map(Into::into).to_vec(),
            ..rules(context)
        }),
        "plan-verify-nobody" => verifying(SignatureRules { issuers: Vec::new(), ..rules(context) }),
        "plan-verify-anybody" => verifying(SignatureRules { issuers: vec!["{iss}".into()], ..rules(context) }),
        "plan-verify-file" => verifying(SignatureRules { keys: "file:///etc/passwd".into(), ..rules(context) }),
        "plan-verify-clear" => verifying(SignatureRules { keys: "http://192.0.2.1/keys".into(), ..rules(context) }),
        // A provider with tenants: the issuer holds one claim of the same token.
        "plan-verify-tenants" => verifying(SignatureRules {
            issuers: vec![format!("{}/{{tid}}/v2.0", context.text("host"))],
            ..rules(context)
        }),
        "plan-signed" | "plan-signed-ask-own" | "plan-signed-ask-other" => {
            with(&|request| request.signed = Some(rules(context)))
        }
        "plan-signed-client" => {
            let mut request = request::introspection(format!("{}/me", context.text("host")));
            request.signed = Some(rules(context));
            Plan::asking(request)
        }
        "plan-signed-none" => with(&|request| {
            request.signed = Some(SignatureRules { algorithms: vec!["none".into()], ..rules(context) });
        }),
        "plan-fetch-foreign" => return Ok(fetch(format!("{elsewhere}/document"))),
        "plan-fetch-endless" => return Ok(fetch(format!("{}/document", context.text("host")))),
        "plan-fetch-five" => {
            return Ok(Step::Fetch(
                (0..5).flat_map(|_| lookups(format!("{}/document", context.text("host")))).collect(),
            ));
        }
        "plan-discovered" => match documents.first() {
            None => return Ok(fetch(format!("{}/document", context.text("host")))),
            Some(document) => {
                let found = document.object().map_err(PlanError::Document)?;
                Plan::asking(request::userinfo(endpoint(&found)?))
            }
        },
        "search" => with(&|request| {
            request.headers.push(Header { name: "X-Key".into(), value: vec![Source::Secret("key".into())] });
            request.headers.push(Header { name: "X-Token".into(), value: vec![Source::Credential] });
        })
        .note(&search::words(context)),
        "search-as-client" => {
            Plan::asking(request::introspection(format!("{}/me", context.text("host")))).note(&search::words(context))
        }
        _ => Plan::asking(honest()),
    };
    Ok(plan.usernames(&["preferred_username"]).ready())
}

fn verifying(rules: SignatureRules) -> Plan {
    Plan::of(vec![Check { when: Shape::Jwt, how: Method::Verify(rules) }])
}

pub(crate) fn rules(context: &Context) -> SignatureRules {
    SignatureRules {
        keys: format!("{}/keys", context.text("host")),
        issuers: vec![context.text("host").into()],
        algorithms: vec!["RS256".into()],
        types: Vec::new(),
        expires: true,
    }
}

fn fetch(url: String) -> Step {
    Step::Fetch(lookups(url))
}

fn lookups(url: String) -> Vec<Lookup> {
    vec![Lookup { label: "document".into(), url, accept: "application/json".into() }]
}

fn endpoint(document: &Object) -> Result<String, PlanError> {
    document.text("userinfo_endpoint").ok_or_else(|| PlanError::Document(Refusal::unavailable("no userinfo_endpoint")))
}
