//! `require` and `services` of a route, `scope_order` of a provider: what is demanded of whoever comes.
//!
//! An empty demand is refused: whoever wrote the line expects it to keep somebody out.

use super::provider::scopes;
use super::{Services, names};
use portcullis_core::header::is_visible_ascii;
use portcullis_core::policy::{ATLASSIAN, Require, ScopeOrders};
use portcullis_core::problem::Problems;
use portcullis_core::tree::{At, Value};

/// `require`.
pub(super) fn read(at: &At<'_>, problems: &mut Problems) -> Option<Require> {
    let before = problems.len();
    let mut walker = at.mapping(&names::REQUIRE, problems)?;
    let scopes = walker.take("scopes").and_then(|at| filled(&at, scopes(&at, problems), problems));
    let mut require = Require { scopes: scopes.unwrap_or_default(), ..Require::default() };
    for (name, into) in [("groups", &mut require.groups), ("audience", &mut require.audience)] {
        *into = walker.take(name).and_then(|at| texts(&at, problems)).unwrap_or_default();
    }
    if let Some(mut users) = walker.take("users").and_then(|at| at.mapping(&names::USERS, problems)) {
        for (name, into) in [("allow", &mut require.allow), ("deny", &mut require.deny)] {
            *into = users.take(name).and_then(|at| texts(&at, problems)).unwrap_or_default();
        }
        users.finish(problems);
    }
    for (path, at) in walker.take("attributes").and_then(|at| at.entries(problems)).unwrap_or_default() {
        require.attributes.extend(texts(&at, problems).map(|values| (path, values)));
    }
    walker.finish(problems);
    if problems.len() == before && require == Require::default() {
        let remedy = "write what is demanded (scopes, groups, audience, users, attributes), or remove the line";
        at.report(problems, "demands nothing", remedy);
    }
    (problems.len() == before).then_some(require)
}

/// A text or a list of them, at least one.
fn texts(at: &At<'_>, problems: &mut Problems) -> Option<Vec<String>> {
    let texts = at.text_or_texts(problems);
    filled(at, texts, problems)
}

fn filled(at: &At<'_>, texts: Option<Vec<String>>, problems: &mut Problems) -> Option<Vec<String>> {
    let texts = texts?;
    if texts.is_empty() {
        at.report(problems, "is an empty list", "write at least one, or remove the line");
    }
    Some(texts)
}

/// `services`.
pub(super) fn services(at: &At<'_>, problems: &mut Problems) -> Option<Services> {
    if !matches!(at.node().value, Value::Mapping(_)) {
        let choice = at.choice(&names::SERVICES, problems)?;
        return Some(if choice == "pass" { Services::Pass } else { Services::Refuse });
    }
    let mut walker = at.mapping(&names::SERVICES_PREFIX, problems)?;
    let prefix = walker.need("prefix", "write what stands before a program's name: {prefix: \"svc:\"}", problems);
    walker.finish(problems);
    let at = prefix?;
    let prefix = at.text(problems)?;
    if !is_visible_ascii(&prefix) {
        at.report(problems, "cannot stand in a header", "write visible ASCII: \"svc:\"");
        return None;
    }
    Some(Services::Prefix(prefix))
}

/// `scope_order`: `atlassian`, or lists, the weakest scope of each first.
pub(super) fn orders(at: &At<'_>, problems: &mut Problems) -> Option<ScopeOrders> {
    if matches!(at.node().value, Value::Scalar { .. }) {
        at.choice(&names::SCOPE_ORDERS, problems)?;
        return Some(ScopeOrders(vec![ATLASSIAN.map(str::to_owned).into()]));
    }
    let items = at.sequence(problems)?;
    let before = problems.len();
    let mut orders = Vec::new();
    for item in &items {
        let Some(order) = scopes(item, problems) else { continue };
        let mut sorted = order.clone();
        sorted.sort();
        sorted.dedup();
        if order.len() < 2 {
            item.report(problems, "orders nothing", "write at least two scopes, the weakest first: [READ, WRITE]");
        } else if sorted.len() < order.len() {
            item.report(problems, "names a scope twice", "write each once, the weakest first");
        }
        orders.push(order);
    }
    if items.is_empty() {
        at.report(problems, "is an empty list", "write a list of orders: [[READ, WRITE]], or remove the line");
    }
    (problems.len() == before).then_some(ScopeOrders(orders))
}
