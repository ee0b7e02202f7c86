//! What a route demands of an identity, after its provider vouched for it: judged at every request, known or asked.
//!
//! A fact that the provider does not tell refuses the rule that needs it. What lets somebody in is compared letter by letter;
//! what keeps somebody out (`users.deny`) in any letter case, since upstreams ignore case: `Root` is root to them.

use super::scopes::ScopeOrders;
use crate::denial::{Denial, Kind};
use crate::facts::Facts;
use crate::list::List;
use crate::text::is_same_in_any_case;

/// `require` of a route. All of it has to hold; what is empty demands nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Require {
    /// All of these, or what stands for them.
    pub scopes: Vec<String>,
    /// One of these.
    pub groups: Vec<String>,
    /// One of these.
    pub audience: Vec<String>,
    /// Nobody but these users.
    pub allow: Vec<String>,
    /// None of these users, in any letter case.
    pub deny: Vec<String>,
    /// Of each attribute one of these values.
    pub attributes: Vec<(String, Vec<String>)>,
}

impl Require {
    /// The facts that it needs, by the contract's names for them (`context.wanted`).
    pub fn facts(&self) -> impl Iterator<Item = &'static str> {
        let needs = [
            ("scopes", !self.scopes.is_empty()),
            ("groups", !self.groups.is_empty()),
            ("attributes", !self.attributes.is_empty()),
        ];
        needs.into_iter().filter_map(|(fact, needed)| needed.then_some(fact))
    }

    /// Judges somebody who passes under this name, which for a program may be another than that of its facts.
    ///
    /// # Errors
    ///
    /// 403 by the first rule that does not hold, which the reason names.
    pub fn judge(&self, username: &str, facts: &Facts, orders: &ScopeOrders) -> Result<(), Denial> {
        if self.deny.iter().any(|name| is_same_in_any_case(name, username)) {
            return Err(Denial::by("require.users.deny", Kind::Forbidden, "require.users.deny names this user"));
        }
        if !self.allow.is_empty() && !self.allow.iter().any(|name| name == username) {
            let reason = "require.users.allow does not name this user";
            return Err(Denial::by("require.users.allow", Kind::Forbidden, reason));
        }
        one_of("require.audience", "", &self.audience, facts.audiences.as_ref())?;
        one_of("require.groups", "", &self.groups, facts.groups.as_ref())?;
        for (path, values) in &self.attributes {
            let told = facts.attributes.iter().find(|(told, _)| **told == **path);
            one_of("require.attributes", path, values, told.map(|(_, values)| values))?;
        }
        if self.scopes.is_empty() {
            return Ok(());
        }
        let kind = || Kind::InsufficientScope { scopes: self.scopes.clone() };
        let lacks = |reason| Err(Denial::by("require.scopes", kind(), reason));
        let Some(held) = &facts.scopes else {
            return lacks(not_told("require.scopes"));
        };
        match orders.missing(held.iter(), &self.scopes) {
            None => Ok(()),
            Some(missing) => lacks(format!("require.scopes: the token lacks `{missing}`")),
        }
    }
}

/// `path` is an attribute's, where the rule is about one.
fn one_of(rule: &'static str, path: &str, wanted: &[String], told: Option<&List>) -> Result<(), Denial> {
    if wanted.is_empty() {
        return Ok(());
    }
    let name = if path.is_empty() { rule.to_owned() } else { format!("{rule}.{path}") };
    let reason = match told {
        None => not_told(&name),
        Some(told) if told.iter().any(|value| wanted.iter().any(|wanted| wanted == value)) => return Ok(()),
        Some(_) => format!("{name}: the provider tells none of those that are wanted"),
    };
    Err(Denial::by(rule, Kind::Forbidden, reason))
}

fn not_told(name: &str) -> String {
    format!(
        "{name}: the provider's answer does not tell; choose a mode that does (introspection), have the provider add it to the token, or drop the rule"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::{Attribute, Identity};

    fn texts(list: &[&str]) -> Vec<String> {
        list.iter().map(ToString::to_string).collect()
    }

    fn alice() -> Identity {
        Identity {
            groups: Some(texts(&["/docs", "/staff"])),
            scopes: Some(texts(&["WRITE"])),
            audiences: Some(texts(&["confluence"])),
            attributes: vec![Attribute { path: "department".to_owned(), values: texts(&["docs"]) }],
            ..Identity::named("alice", "username")
        }
    }

    fn orders() -> ScopeOrders {
        ScopeOrders(vec![texts(&["READ", "WRITE"])])
    }

    /// The status, and a word that the reason has to hold.
    fn assert_judged(require: &Require, identity: &Identity, expected: Option<(u16, &str)>) {
        match (require.judge(&identity.username, &Facts::of(identity), &orders()), expected) {
            (Ok(()), None) => {}
            (Err(denial), Some((status, word))) => {
                assert_eq!(denial.status(), status, "{require:?}");
                assert!(denial.reason.contains(word), "{}", denial.reason);
            }
            (judged, expected) => panic!("{require:?}: {judged:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn each_rule_holds_refuses_and_refuses_what_is_not_told() {
        let silent = Identity::named("alice", "username");
        let rules: [(Require, Require, &str, u16); 5] = [
            (
                Require { scopes: texts(&["READ"]), ..Require::default() },
                Require { scopes: texts(&["READ", "ADMIN"]), ..Require::default() },
                "require.scopes",
                403,
            ),
            (
                Require { groups: texts(&["/x", "/docs"]), ..Require::default() },
                Require { groups: texts(&["docs", "/DOCS"]), ..Require::default() },
                "require.groups",
                403,
            ),
            (
                Require { audience: texts(&["confluence"]), ..Require::default() },
                Require { audience: texts(&["jira"]), ..Require::default() },
                "require.audience",
                403,
            ),
            (
                Require { attributes: vec![("department".to_owned(), texts(&["it", "docs"]))], ..Require::default() },
                Require { attributes: vec![("department".to_owned(), texts(&["it"]))], ..Require::default() },
                "require.attributes.department",
                403,
            ),
            (
                Require { allow: texts(&["alice"]), ..Require::default() },
                Require { allow: texts(&["Alice", "bob"]), ..Require::default() },
                "require.users.allow",
                403,
            ),
        ];
        for (holds, refuses, word, status) in rules {
            assert_judged(&holds, &alice(), None);
            assert_judged(&refuses, &alice(), Some((status, word)));
            if holds.allow.is_empty() {
                assert_judged(&holds, &silent, Some((status, "does not tell")));
            }
        }
        let deny = Require { deny: texts(&["mallory", "alice"]), allow: texts(&["alice"]), ..Require::default() };
        assert_judged(&deny, &alice(), Some((403, "require.users.deny")));
        for alias in ["Alice", "ALICE", " alice", "alice\u{a0}"] {
            let alias = Identity::named(alias, "username");
            assert_judged(&deny, &alias, Some((403, "require.users.deny")));
        }
        let karen = Require { deny: texts(&["karen"]), ..Require::default() };
        assert_judged(&karen, &Identity::named("\u{212a}AREN", "username"), Some((403, "require.users.deny")));
        assert_judged(&karen, &Identity::named("karens", "username"), None);
        assert_judged(&Require::default(), &silent, None);
    }

    #[test]
    fn all_rules_have_to_hold() {
        let both = Require { groups: texts(&["/docs"]), scopes: texts(&["ADMIN"]), ..Require::default() };
        assert_judged(&both, &alice(), Some((403, "require.scopes")));
        let denial = both.judge("alice", &Facts::of(&alice()), &orders());
        assert!(matches!(denial, Err(Denial { kind: Kind::InsufficientScope { scopes }, .. }) if scopes == ["ADMIN"]));
    }

    #[test]
    fn told_and_empty_is_not_the_same_as_not_told() {
        let none = Identity { groups: Some(Vec::new()), ..Identity::named("alice", "username") };
        let require = Require { groups: texts(&["/docs"]), ..Require::default() };
        assert_judged(&require, &none, Some((403, "none of those")));
    }
}
