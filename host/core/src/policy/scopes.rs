//! Which scopes a held scope stands for. Providers order theirs (READ < WRITE), and say only the strongest.

/// Atlassian Data Center's (its documentation, "OAuth 2.0 provider system", scopes).
pub const ATLASSIAN: [&str; 4] = ["READ", "WRITE", "ADMIN", "SYSTEM_ADMIN"];

/// Orders of scopes, each the weakest first. A scope stands for itself and for those before it in its order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScopeOrders(pub Vec<Vec<String>>);

impl ScopeOrders {
    /// The first of the wanted scopes that the held ones do not stand for.
    #[must_use]
    pub fn missing<'h, 'w>(
        &self,
        held: impl Iterator<Item = &'h str> + Clone,
        wanted: &'w [String],
    ) -> Option<&'w String> {
        wanted.iter().find(|wanted| !held.clone().any(|held| self.stands_for(held, wanted)))
    }

    fn stands_for(&self, held: &str, wanted: &str) -> bool {
        held == wanted
            || self.0.iter().any(|order| {
                let rank = |scope: &str| order.iter().position(|member| member == scope);
                matches!((rank(held), rank(wanted)), (Some(held), Some(wanted)) if held > wanted)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(list: &[&str]) -> Vec<String> {
        list.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_stronger_scope_stands_for_the_weaker_and_never_the_other_way() {
        let orders = ScopeOrders(vec![texts(&ATLASSIAN), texts(&["api:read", "api"])]);
        let missing = |held: &[&str], wanted: &[&str]| orders.missing(held.iter().copied(), &texts(wanted)).cloned();
        assert_eq!(missing(&["WRITE"], &["READ"]), None);
        assert_eq!(missing(&["READ"], &["WRITE"]), Some("WRITE".to_owned()));
        assert_eq!(missing(&["SYSTEM_ADMIN"], &["READ", "WRITE", "ADMIN", "SYSTEM_ADMIN"]), None);
        assert_eq!(missing(&["api"], &["api:read", "READ"]), Some("READ".to_owned()));
        assert_eq!(missing(&["READ", "api"], &["api:read", "READ"]), None);
        assert_eq!(missing(&["write"], &["READ"]), Some("READ".to_owned()), "case counts (RFC 6749 3.3)");
        assert_eq!(missing(&[], &["READ"]), Some("READ".to_owned()));
        assert_eq!(missing(&[], &[]), None);
        assert_eq!(ScopeOrders::default().missing(["WRITE"].into_iter(), &texts(&["READ"])), Some(&"READ".to_owned()));
    }

    proptest! {
        #[test]
        fn holding_more_never_refuses(held in proptest::collection::vec(0..4_usize, 0..4), more in 0..4_usize, wanted in 0..4_usize) {
            let orders = ScopeOrders(vec![texts(&ATLASSIAN)]);
            let name = |at: usize| ATLASSIAN[at].to_owned();
            let mut held: Vec<String> = held.into_iter().map(name).collect();
            let before = orders.missing(held.iter().map(String::as_str), &[name(wanted)]).is_none();
            held.push(name(more));
            prop_assert!(!before || orders.missing(held.iter().map(String::as_str), &[name(wanted)]).is_none());
        }

        #[test]
        fn it_is_the_strongest_that_counts(held in 0..4_usize, wanted in 0..4_usize) {
            let orders = ScopeOrders(vec![texts(&ATLASSIAN)]);
            let holds = orders.missing([ATLASSIAN[held]].into_iter(), &[ATLASSIAN[wanted].to_owned()]).is_none();
            prop_assert_eq!(holds, held >= wanted);
        }
    }
}
