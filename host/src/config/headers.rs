//! `identity_headers`: which headers carry who somebody is.
//!
//! Servers fold names (CGI makes `X-Remote-User` and `X_Remote_User` one), so two that fold to the same are one header with
//! two values; and whatever folds to an identity header is dropped from every request, so a header that HTTP itself or the
//! gateway needs can't be one.

use super::Fact;
use http::HeaderName;
use portcullis_core::header::{fold, is_http_own};
use portcullis_core::problem::Problems;
use portcullis_core::tree::At;
use std::collections::HashMap;

/// RFC 9110 5.6.2.
pub(super) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c))
}

pub(super) fn read(at: &At<'_>, problems: &mut Problems) -> Option<Vec<(HeaderName, Fact)>> {
    let mut headers: Vec<(HeaderName, Fact)> = Vec::new();
    // By their folds, as they are written, for messages.
    let mut written: HashMap<String, String> = HashMap::new();
    let entries = at.entries(problems)?;
    let count = entries.len();
    for (name, at) in entries {
        let folded = fold(&name);
        let Some(header) = HeaderName::try_from(&name).ok().filter(|_| is_token(&name)) else {
            at.report(problems, "is no name of a header", "write letters, digits and `-`: X-Remote-User");
            continue;
        };
        let sections = ["sec-", "x-forwarded-", "x-original-", "x-real-"];
        if is_http_own(&folded) || sections.iter().any(|start| folded.starts_with(start)) {
            let problem = "is a header that HTTP or the gateway itself needs";
            at.report(problems, problem, "write a name of your own: X-Remote-User");
            continue;
        }
        if let Some(other) = written.get(&folded) {
            let problem = format!("is the same header as `{other}` to servers that fold names");
            at.report(problems, problem, "keep one of the two");
            continue;
        }
        if let Some(fact) = fact(&at, problems) {
            headers.push((header, fact));
            written.insert(folded, name);
        }
    }
    (headers.len() == count).then_some(headers)
}

fn fact(at: &At<'_>, problems: &mut Problems) -> Option<Fact> {
    let text = at.text(problems)?;
    match text.as_str() {
        "username" => Some(Fact::Username),
        "subject" => Some(Fact::Subject),
        "email" => Some(Fact::Email),
        "groups" => Some(Fact::Groups),
        "scopes" => Some(Fact::Scopes),
        other => match other.strip_prefix("attributes.") {
            Some(path) if !path.is_empty() => Some(Fact::Attribute(path.to_owned())),
            _ => {
                let remedy = "write `username`, `subject`, `email`, `groups`, `scopes` or `attributes.NAME`";
                at.report(problems, format!("carries `{}`, which is no fact of an identity", at.shown()), remedy);
                None
            }
        },
    }
}
