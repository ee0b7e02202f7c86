//! Further calls that no honest adapter asks for.

use portcullis_sdk::{Answer, Authorization, Context, Finding, Header, Refusal, Request, Source, request};

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
        "client" => with(&|request| request.authorization = Authorization::Client),
        _ => vec![more(&label)],
    };
    Ok(Finding::Ask(requests))
}
