//! The gateway's own rules about an identity, the same for every provider. An adapter tells facts; this judges them.

mod naming;
mod require;
mod scopes;

pub use naming::{Naming, is_email_by_name};
pub use require::Require;
pub use scopes::{ATLASSIAN, ScopeOrders};

use crate::identity::Identity;
use crate::refusal::{Cause, Refusal};
use crate::secret::MASK;

/// How far two clocks may be apart, in seconds.
pub const CLOCK_SKEW_S: i64 = 60;
/// The longest username, in characters.
pub const USERNAME_CHARS_MAX: usize = 256;

/// What a provider's configuration demands of every identity that comes from it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    /// One of these must be among the audiences; empty: not asked for.
    pub audience: Vec<String>,
    /// All of these must be among the scopes, or one that stands for it.
    pub required_scopes: Vec<String>,
    /// Which scopes stand for which.
    pub scope_orders: ScopeOrders,
}

/// Judges an identity at `now`; its answer arrived at `arrived` (both in seconds since 1970).
///
/// # Errors
///
/// The first rule that it breaks. A fact that a rule needs and the provider does not tell breaks it.
pub fn judge(identity: &Identity, rules: &Rules, now: i64, arrived: i64) -> Result<(), Refusal> {
    usable(identity)?;
    if let Some(expires) = identity.expires.map(|moment| moment.resolve(arrived))
        && expires.saturating_add(CLOCK_SKEW_S) <= now
    {
        return Err(Refusal::invalid(format!("expired {} s ago", now.saturating_sub(expires))));
    }
    if let Some(from) = identity.not_before.map(|moment| moment.resolve(arrived))
        && from.saturating_sub(CLOCK_SKEW_S) > now
    {
        return Err(Refusal::invalid(format!("not valid for another {} s", from.saturating_sub(now))));
    }
    // RFC 9449 7.2, RFC 8705 3: a bound token is worth nothing without its proof, and a plain bearer token shows none.
    if let Some((name, _)) = identity.confirmation.first() {
        return Err(Refusal::invalid(format!(
            "the token is bound to a key (`cnf.{name}`) and was presented without proof"
        )));
    }
    if !rules.audience.is_empty() {
        let told = identity.audiences.as_deref().ok_or_else(|| {
            Refusal::invalid("`audience` is configured, and the provider's answer does not tell for whom the token is")
                .by("audience")
        })?;
        if !told.iter().any(|audience| rules.audience.contains(audience)) {
            let reason = format!("the token is for {told:?}, not for {:?}", rules.audience);
            return Err(Refusal::invalid(reason).by("audience"));
        }
    }
    if !rules.required_scopes.is_empty() {
        let lacks = |reason: String| Refusal {
            scopes: rules.required_scopes.clone(),
            ..Refusal::new(Cause::InsufficientScope, reason).by("required_scopes")
        };
        let told = identity.scopes.as_deref().ok_or_else(|| {
            lacks(
                "`required_scopes` is configured, and the provider's answer does not tell the token's scopes"
                    .to_owned(),
            )
        })?;
        if let Some(missing) = rules.scope_orders.missing(told.iter().map(String::as_str), &rules.required_scopes) {
            return Err(lacks(format!("the token lacks the scope `{missing}`")));
        }
    }
    Ok(())
}

/// What must hold of an identity whoever wrote the adapter (rules P2, P20, and nothing masked in it).
fn usable(identity: &Identity) -> Result<(), Refusal> {
    let username = identity.username.as_str();
    if username.trim().is_empty() {
        return Err(Refusal::invalid("the username is empty"));
    }
    if username.chars().count() > USERNAME_CHARS_MAX {
        return Err(Refusal::invalid(format!("the username is longer than {USERNAME_CHARS_MAX} characters")));
    }
    if username.chars().any(char::is_control) {
        return Err(Refusal::invalid("the username holds control characters"));
    }
    let single =
        [Some(&identity.username), identity.subject.as_ref(), identity.client.as_ref(), identity.issuer.as_ref()];
    let email = identity.email.as_ref().map(|email| &email.address);
    let lists = [&identity.groups, &identity.scopes, &identity.audiences];
    let mut texts = single
        .into_iter()
        .flatten()
        .chain(email)
        .chain(lists.into_iter().flatten().flatten())
        .chain(identity.attributes.iter().flat_map(|attribute| &attribute.values));
    if texts.any(|text| text.contains(MASK)) {
        return Err(Refusal::invalid("the provider's answer repeats the credential where the identity is"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::Moment;

    const NOW: i64 = 1_700_000_000;

    fn alice() -> Identity {
        Identity::named("alice", "username")
    }

    fn cause(identity: &Identity, rules: &Rules) -> Option<Cause> {
        judge(identity, rules, NOW, NOW).err().map(|refusal| refusal.cause)
    }

    #[test]
    fn times_are_judged_with_a_minute_of_skew() {
        let at = |expires: Option<i64>, not_before: Option<i64>| Identity {
            expires: expires.map(Moment::At),
            not_before: not_before.map(Moment::At),
            ..alice()
        };
        let none = Rules::default();
        assert_eq!(cause(&at(None, None), &none), None);
        assert_eq!(cause(&at(Some(NOW - 59), None), &none), None);
        assert_eq!(cause(&at(Some(NOW - 60), None), &none), Some(Cause::InvalidToken));
        assert_eq!(cause(&at(Some(i64::MIN), None), &none), Some(Cause::InvalidToken));
        assert_eq!(cause(&at(Some(i64::MAX), None), &none), None);
        assert_eq!(cause(&at(None, Some(NOW + 60)), &none), None);
        assert_eq!(cause(&at(None, Some(NOW + 61)), &none), Some(Cause::InvalidToken));
        assert_eq!(cause(&at(None, Some(i64::MIN)), &none), None);
        let after = Identity { expires: Some(Moment::After(0)), ..alice() };
        assert!(judge(&after, &none, NOW + 61, NOW).is_err());
    }

    #[test]
    fn a_fact_that_is_not_told_breaks_the_rule_that_needs_it() {
        let audience = Rules { audience: vec!["us".to_owned()], ..Rules::default() };
        let scopes = Rules { required_scopes: vec!["a".to_owned(), "b".to_owned()], ..Rules::default() };
        assert_eq!(cause(&alice(), &audience), Some(Cause::InvalidToken));
        assert_eq!(cause(&alice(), &scopes), Some(Cause::InsufficientScope));
        let told = |audiences: &[&str], given: &[&str]| Identity {
            audiences: Some(audiences.iter().map(ToString::to_string).collect()),
            scopes: Some(given.iter().map(ToString::to_string).collect()),
            ..alice()
        };
        assert_eq!(cause(&told(&["them"], &[]), &audience), Some(Cause::InvalidToken));
        assert_eq!(cause(&told(&["them", "us"], &[]), &audience), None);
        assert_eq!(cause(&told(&[], &["a"]), &scopes), Some(Cause::InsufficientScope));
        assert_eq!(cause(&told(&[], &["b", "c", "a"]), &scopes), None);
    }

    #[test]
    fn an_identity_that_no_adapter_should_have_made_is_refused() {
        let named = |username: &str| Identity { username: username.to_owned(), ..alice() };
        for username in ["", "  ", "a\nb", "a\u{85}b", &"x".repeat(257), &format!("x{MASK}")] {
            assert_eq!(cause(&named(username), &Rules::default()), Some(Cause::InvalidToken), "{username:?}");
        }
        assert_eq!(cause(&named(&"ü".repeat(256)), &Rules::default()), None);
        let echoed = Identity { groups: Some(vec![MASK.to_owned()]), ..alice() };
        assert_eq!(cause(&echoed, &Rules::default()), Some(Cause::InvalidToken));
        let bound = Identity { confirmation: vec![("jkt".to_owned(), "x".to_owned())], ..alice() };
        assert_eq!(cause(&bound, &Rules::default()), Some(Cause::InvalidToken));
    }
}
