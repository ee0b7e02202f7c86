//! A verdict against what a case expects of it.

use super::cases::Expected;
use portcullis_core::identity::Identity;
use portcullis_core::refusal::{Cause, Refusal};
use std::collections::BTreeSet;

/// How a verdict differs from what is expected: "expected / got", one line each.
pub(super) fn differences(expected: &Expected, verdict: &Result<Identity, Refusal>) -> Vec<String> {
    let wanted = words(expected);
    match verdict {
        Ok(identity) => match &expected.username {
            None => vec![format!("expected {wanted}, got the user {:?}", identity.username)],
            Some(_) => identity_differences(expected, identity),
        },
        Err(refusal) => {
            let got = match refusal.cause {
                Cause::InvalidToken => "invalid_token",
                Cause::InsufficientScope => "insufficient_scope",
                Cause::Throttled | Cause::Unavailable | Cause::Misconfigured => "unavailable",
            };
            if wanted == got { Vec::new() } else { vec![format!("expected {wanted}, got {got}: {}", refusal.reason)] }
        }
    }
}

fn words(expected: &Expected) -> String {
    match expected {
        Expected { username: Some(username), .. } => format!("the user {username:?}"),
        Expected { reject: Some(reject), .. } => reject.clone(),
        Expected { unavailable: Some(true), .. } => "unavailable".to_owned(),
        Expected { problem: Some(problem), .. } => format!("a problem with `{}`", problem.setting),
        _ => "nothing that a verdict can be".to_owned(),
    }
}

fn identity_differences(expected: &Expected, identity: &Identity) -> Vec<String> {
    let mut differences = Vec::new();
    let mut single = |what: &str, expected: &Option<String>, got: Option<&str>| {
        if let Some(expected) = expected
            && got != Some(expected)
        {
            differences.push(format!("{what}: expected {expected:?}, got {got:?}"));
        }
    };
    single("username", &expected.username, Some(&identity.username));
    single("subject", &expected.subject, identity.subject.as_deref());
    single("email", &expected.email, identity.email.as_ref().map(|email| email.address.as_str()));
    let mut set = |what: &str, expected: &Option<Vec<String>>, got: &Option<Vec<String>>| {
        let sorted = |list: &Vec<String>| list.iter().cloned().collect::<BTreeSet<String>>();
        if let Some(expected) = expected
            && Some(sorted(expected)) != got.as_ref().map(sorted)
        {
            differences.push(format!("{what}: expected {expected:?}, got {got:?}"));
        }
    };
    set("groups", &expected.groups, &identity.groups);
    set("scopes", &expected.scopes, &identity.scopes);
    differences
}
