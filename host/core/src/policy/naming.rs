//! What an operator may have done to a provider's usernames before anybody acts under them. Two people must never become one by
//! it: that is why a domain is taken off only where it was there, and a name that had none is refused then, and why letter
//! case is that of ASCII: Unicode's mappings make `karen` of a name that begins with U+212A (KELVIN SIGN).

use crate::identity::{Actor, Identity};
use crate::refusal::Refusal;

/// `username` of a provider. What comes of it is judged as any username is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Naming {
    /// ASCII letters in lower case, for a provider to which case means nothing. Other letters stay as they are.
    pub lower_case: bool,
    /// Without `@` and this domain. One, since `a@one` and `a@two` would be the same `a`.
    pub strip_domain: Option<String>,
    /// People need an e-mail address that the provider verified.
    pub require_verified_email: bool,
}

impl Naming {
    /// The identity under its name here.
    ///
    /// # Errors
    ///
    /// 401 for a name that could be somebody else's after the domain is off, and for an address that is not verified.
    pub fn apply(&self, mut identity: Identity) -> Result<Identity, Refusal> {
        let unverified = |reason: &str| Err(Refusal::invalid(reason).by("username.require_verified_email"));
        let stripped = |reason: &str| Err(Refusal::invalid(reason).by("username.strip_domain"));
        if self.require_verified_email && identity.kind == Actor::User {
            match identity.email.as_ref().map(|email| email.verified) {
                Some(Some(true)) => {}
                Some(Some(false)) => return unverified("the user's e-mail address is not verified"),
                Some(None) => return unverified("the provider does not tell whether the e-mail address is verified"),
                None => return unverified("the provider does not tell an e-mail address"),
            }
        }
        if let Some(domain) = &self.strip_domain {
            identity.username = match identity.username.rsplit_once('@') {
                // `bob@b.org@example.com` would come out as bob of b.org.
                Some((local, found)) if found.eq_ignore_ascii_case(domain) && local.contains('@') => {
                    return stripped("the username has two domains");
                }
                Some((local, found)) if found.eq_ignore_ascii_case(domain) => local.to_owned(),
                // Of another domain: it keeps it, and so stays somebody else.
                Some(_) => identity.username,
                None => {
                    return stripped(
                        "the username has no domain, and would be the same as one whose domain is taken off (`username.strip_domain`)",
                    );
                }
            };
        }
        if self.lower_case {
            identity.username.make_ascii_lowercase();
        }
        Ok(identity)
    }
}

/// Whether an attribute is an e-mail address by its name: `email`, `mail`, `user.emailAddress`, a claim type's URL that ends so.
#[must_use]
pub fn is_email_by_name(attribute: &str) -> bool {
    let last = attribute.rsplit(['.', '/', ':']).next().unwrap_or(attribute);
    last.to_ascii_lowercase().replace(['-', '_'], "").contains("mail")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::Email;
    use proptest::prelude::*;

    fn naming(strip: Option<&str>, lower_case: bool) -> Naming {
        Naming { lower_case, strip_domain: strip.map(str::to_owned), require_verified_email: false }
    }

    fn named(naming: &Naming, username: &str) -> Option<String> {
        naming.apply(Identity::named(username, "upn")).ok().map(|identity| identity.username)
    }

    #[test]
    fn a_domain_is_taken_off_and_nobody_becomes_somebody_else() {
        let strip = naming(Some("example.com"), false);
        for (username, expected) in [
            ("alice@example.com", Some("alice")),
            ("alice@EXAMPLE.com", Some("alice")),
            ("alice@example.org", Some("alice@example.org")),
            ("alice@sub.example.com", Some("alice@sub.example.com")),
            ("alice@notexample.com", Some("alice@notexample.com")),
            ("alice", None),
            ("bob@example.org@example.com", None),
            ("@example.com", Some("")),
        ] {
            assert_eq!(named(&strip, username).as_deref(), expected, "{username}");
        }
        assert_eq!(named(&naming(None, true), "Alice@Example.com").as_deref(), Some("alice@example.com"));
        assert_eq!(named(&naming(Some("example.com"), true), "ALICE@example.com").as_deref(), Some("alice"));
        assert_eq!(named(&naming(None, false), "Alice").as_deref(), Some("Alice"));
        // Unicode's lower case of these is `karen`, and its upper case `SUSAN`.
        assert_eq!(named(&naming(None, true), "\u{212a}aren").as_deref(), Some("\u{212a}aren"));
        assert_eq!(
            named(&naming(Some("example.com"), true), "\u{17f}USAN@example.com").as_deref(),
            Some("\u{17f}usan")
        );
        assert_eq!(named(&naming(None, true), "\u{c4}nne").as_deref(), Some("\u{c4}nne"));
    }

    #[test]
    fn an_address_is_known_by_its_name() {
        for name in ["email", "mail", "E-Mail", "primary_email", "user.emailAddress", "http://a/claims/emailaddress"] {
            assert!(is_email_by_name(name), "{name}");
        }
        for name in ["upn", "preferred_username", "email.id", "sub", "name"] {
            assert!(!is_email_by_name(name), "{name}");
        }
    }

    #[test]
    fn an_address_has_to_be_verified_where_that_is_demanded() {
        let naming = Naming { require_verified_email: true, ..Naming::default() };
        let verdict = |verified: Option<Option<bool>>, kind: Actor| {
            let email = verified.map(|verified| Email { address: "a@b".to_owned(), verified });
            naming.apply(Identity { email, kind, ..Identity::named("alice", "x") }).is_ok()
        };
        assert!(verdict(Some(Some(true)), Actor::User));
        for verified in [None, Some(None), Some(Some(false))] {
            assert!(!verdict(verified, Actor::User), "{verified:?}");
        }
        assert!(verdict(None, Actor::Service), "a program has none; the route says whether it passes");
    }

    proptest! {
        /// But for case in the domain, and where lower case is asked for.
        #[test]
        fn two_names_stay_two(a in "[ab@.]{0,8}(@x[.]y)?", b in "[ab@.]{0,8}(@x[.]y)?") {
            let strip = naming(Some("x.y"), false);
            if a != b && let (Some(first), Some(second)) = (named(&strip, &a), named(&strip, &b)) {
                prop_assert_ne!(first, second);
            }
        }

        /// Whatever is configured, and whatever letters names have: characters are drawn from those that Unicode's case
        /// mappings and compatibility forms make equal to ASCII ones.
        #[test]
        fn two_names_become_one_only_if_they_were_one_under_ascii_case(
            a in "[kKsSiI\u{212a}\u{17f}\u{130}\u{131}\u{ff2b}\u{df}\u{c4}\u{e4}@.]{0,5}(@[xX][.](y|Y|\u{ff39}))?",
            b in "[kKsSiI\u{212a}\u{17f}\u{130}\u{131}\u{ff2b}\u{df}\u{c4}\u{e4}@.]{0,5}(@[xX][.](y|Y|\u{ff39}))?",
            strip in any::<bool>(),
            lower in any::<bool>(),
            same in any::<bool>(),
        ) {
            let b = if same { a.to_lowercase() } else { b };
            let naming = naming(strip.then_some("x.y"), lower);
            if let (Some(first), Some(second)) = (named(&naming, &a), named(&naming, &b)) && first == second {
                prop_assert!(a.eq_ignore_ascii_case(&b), "{:?} and {:?} are both {:?}", a, b, first);
            }
        }
    }
}
