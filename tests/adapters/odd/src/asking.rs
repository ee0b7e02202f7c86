//! Further calls that no honest adapter asks for.

use crate::planning;
use portcullis_sdk::{
    Answer, Authorization, Context, Finding, Header, Refusal, Request, SignatureRules, Source, request,
};

/// The second call of `half-then-whole`, and of a plan whose answers are signed.
pub(crate) fn second(behave: &str, context: &Context) -> Finding {
    let request = Request::get("second", format!("{}/more", context.text("host")));
    let signed = |path: &str| {
        let keys = format!("{}{path}", context.text("host"));
        Some(SignatureRules { keys, ..planning::rules(context) })
    };
    Finding::Ask(vec![match behave {
        "plan-signed-ask-own" => Request { signed: signed("/keys"), ..request.bearer() },
        "plan-signed-ask-other" => Request { signed: signed("/keys?answer=alice"), ..request.bearer() },
        _ => request.presented(),
    }])
}

/// What `ask-...` asks for. It is never content.
pub(crate) fn ask(what: &str, context: &Context, answers: &[Answer]) -> Result<Finding, Refusal> {
    let host = context.text("host");
    let more = |label: &str| Request::get(label, format!("{host}/more")).bearer();
    let foreign = || Request::get("foreign", format!("{}/more", context.text("elsewhere"))).bearer();
    let label = format!("more-{}", answers.len());
    let with = |change: &dyn Fn(&mut Request)| {
        let mut request = more(&label);
        change(&mut request);
        vec![request]
    };
    let header = |name: &str, value: &str| Header { name: name.into(), value: vec![Source::Text(value.into())] };
    let requests = match what {
        "endless" => vec![more(&label)],
        "many" => (0..17).map(|number| more(&format!("more-{number}"))).collect(),
        "nothing" => Vec::new(),
        "twice" => vec![more("same"), more("same")],
        "again" => vec![more(request::CHECK)],
        "unlabelled" => vec![more("")],
        "foreign" => vec![foreign()],
        // The first is honest: nothing of it may be sent where the second is not.
        "foreign-beside" => vec![more(&label), foreign()],
        "user-info" => with(&|request| request.url = request.url.replacen("://", "://user@", 1)),
        "line" => with(&|request| request.headers.push(header("X-A", "b\r\nX-C: d"))),
        "host" => with(&|request| request.headers.push(header("Host", "elsewhere"))),
        "authorization" => with(&|request| request.headers.push(header("Authorization", "Bearer mine"))),
        "secret" => with(&|request| {
            request.headers.push(Header { name: "X-A".into(), value: vec![Source::Secret("nobodys".into())] });
        }),
        // What an answer holds could be carried to a stranger in such a URL, which needs no credential.
        "keys" => with(&|request| {
            let keys = format!("{}/keys?answer=alice", context.text("elsewhere"));
            request.signed = Some(SignatureRules { keys, ..planning::rules(context) });
        }),
        "keys-here" => with(&|request| {
            let keys = format!("{host}/keys?answer=alice");
            request.signed = Some(SignatureRules { keys, ..planning::rules(context) });
        }),
        "client" => with(&|request| request.authorization = Authorization::Client),
        _ => vec![more(&label)],
    };
    Ok(Finding::Ask(requests))
}
