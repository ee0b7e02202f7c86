//! Whom a token is shown to, over generated sets of providers.

use super::{Choice, choose};
use crate::adapter::contract::{
    Authorization, Binding, Body, Check, Endpoints, Field, Method, Plan, Request, Shape, SignatureRules, Source, Verb,
};
use crate::provider::{Declared, Fit};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portcullis_core::credential::{BearerToken, Credential, JwtForm};
use portcullis_core::setting::CredentialKind;
use proptest::prelude::*;

const ISSUERS: [&str; 4] = ["https://a.example", "https://b.example", "https://c.example/t1", "https://c.example/t2"];
const TEMPLATE: &str = "https://c.example/{tid}";
/// The last one is how every JWT begins.
const PREFIXES: [&str; 3] = ["gho_", "glpat-", "eyJ"];

/// What a provider declares, owned.
#[derive(Debug, Clone)]
struct Provider {
    prefixes: Vec<String>,
    plan: Option<Plan>,
}

impl Provider {
    fn fit(&self, token: &Credential) -> Fit {
        let credentials = &[CredentialKind::Bearer];
        Declared { credentials, prefixes: &self.prefixes, plan: self.plan.as_ref() }.fit(token)
    }

    /// Whether it says that this token is its own, read another way than the gateway does.
    fn claims(&self, token: &str, iss: Option<&str>) -> bool {
        let names = |list: &[String]| iss.is_some_and(|iss| list.contains(&iss.to_owned()));
        let begins = |list: &[String]| list.iter().any(|prefix| token.starts_with(prefix.as_str()));
        let of_plan = |plan: &Plan| {
            names(&plan.issuers)
                || plan.checks.iter().any(|check| match (&check.when, &check.how) {
                    (Shape::JwtFrom(list), _) if names(list) => true,
                    (Shape::Prefixed(list), _) if begins(list) => true,
                    (_, Method::Verify(rules)) => names(&rules.issuers),
                    _ => false,
                })
        };
        begins(&self.prefixes) || self.plan.as_ref().is_some_and(of_plan)
    }

    /// The check that it would make of the token.
    fn check(&self, token: &str, iss: Option<&str>, is_jwt: bool) -> Option<&Check> {
        self.plan.as_ref()?.checks.iter().find(|check| match &check.when {
            Shape::Any => true,
            Shape::Jwt => is_jwt,
            Shape::JwtFrom(list) => is_jwt && iss.is_some_and(|iss| list.contains(&iss.to_owned())),
            Shape::Opaque => !is_jwt,
            Shape::Prefixed(list) => list.iter().any(|prefix| token.starts_with(prefix.as_str())),
            Shape::Basic | Shape::ApiKey => false,
        })
    }
}

fn some_of(pool: &'static [&'static str]) -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec(proptest::sample::select(pool).prop_map(str::to_owned), 0..2)
}

fn request(introspects: bool) -> Request {
    let token = Field { name: "token".to_owned(), value: vec![Source::Credential] };
    Request {
        label: "check".to_owned(),
        method: Verb::Post,
        url: "https://id.example/check".to_owned(),
        headers: Vec::new(),
        authorization: if introspects { Authorization::Client } else { Authorization::Bearer },
        body: if introspects { Body::Form(vec![token]) } else { Body::None },
        signed: None,
    }
}

fn check() -> impl Strategy<Value = Check> {
    let shape = prop_oneof![
        Just(Shape::Any),
        Just(Shape::Any),
        Just(Shape::Jwt),
        Just(Shape::Opaque),
        Just(Shape::Basic),
        some_of(&ISSUERS).prop_map(Shape::JwtFrom),
        some_of(&PREFIXES).prop_map(Shape::Prefixed),
    ];
    let rules = |issuers| SignatureRules {
        keys: "https://id.example/keys".to_owned(),
        issuers,
        algorithms: vec!["RS256".to_owned()],
        types: Vec::new(),
        expires: true,
    };
    let method = prop_oneof![
        4 => Just(Method::Call(request(false))),
        2 => Just(Method::Call(request(true))),
        2 => some_of(&ISSUERS).prop_map(move |issuers| Method::Verify(rules(issuers))),
        1 => Just(Method::Verify(rules(vec![TEMPLATE.to_owned()]))),
        1 => Just(Method::Refuse("no access token".to_owned())),
    ];
    (shape, method).prop_map(|(when, how)| Check { when, how })
}

fn provider() -> impl Strategy<Value = Provider> {
    let checks = proptest::collection::vec(check(), 1..3);
    let plan = (checks, some_of(&ISSUERS), any::<bool>()).prop_map(|(checks, issuers, openid)| Plan {
        checks,
        origins: Vec::new(),
        username_attributes: Vec::new(),
        binding: Binding::None,
        issuers,
        endpoints: Endpoints {
            authorize: None,
            token: None,
            device: None,
            revoke: None,
            scopes: if openid { vec!["openid".to_owned()] } else { Vec::new() },
            pkce: Vec::new(),
            authorize_parameters: Vec::new(),
        },
        notes: Vec::new(),
    });
    let prefixes = prop_oneof![3 => Just(Vec::new()), 1 => some_of(&PREFIXES)];
    (prefixes, proptest::option::weighted(0.9, plan)).prop_map(|(prefixes, plan)| Provider { prefixes, plan })
}

/// A token, its issuer, and whether it is a JWT.
fn token() -> impl Strategy<Value = (String, Option<String>, bool)> {
    let jwt = |claims: String| {
        format!("{}.{}.c2ln", URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256"}"#), URL_SAFE_NO_PAD.encode(claims))
    };
    let issuer = prop_oneof![
        proptest::sample::select(ISSUERS.as_slice()),
        Just("https://nobody.example"),
        Just("https://c.example/"),
    ];
    let issuer_in_header = proptest::sample::select(ISSUERS.as_slice());
    let encrypted = |iss: Option<&str>| {
        let iss = iss.map(|iss| format!(r#","iss":"{iss}""#)).unwrap_or_default();
        format!("{}.a.b.c.d", URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"dir","enc":"A"{iss}}}"#)))
    };
    prop_oneof![
        4 => issuer.prop_map(move |iss| (jwt(format!(r#"{{"iss":"{iss}"}}"#)), Some(iss.to_owned()), true)),
        1 => Just((jwt("{}".to_owned()), None, true)),
        1 => Just(("opaque".to_owned(), None, false)),
        1 => proptest::option::of(issuer_in_header).prop_map(move |iss| (encrypted(iss), iss.map(str::to_owned), false)),
        1 => proptest::sample::select(PREFIXES.as_slice()).prop_map(|prefix| (format!("{prefix}x"), None, false)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn a_token_reaches_nobody_it_cannot_belong_to((text, iss, is_jwt) in token(), providers in proptest::collection::vec(provider(), 1..5)) {
        let token = BearerToken::new(&*text);
        prop_assert_eq!(matches!(token.form(), JwtForm::Jwt { .. }), is_jwt);
        let is_encrypted = text.ends_with(".a.b.c.d");
        prop_assert_eq!(matches!(token.form(), JwtForm::Encrypted { .. }), is_encrypted);
        let token = Credential::Bearer(token);
        let iss = iss.as_deref();
        let claims: Vec<bool> = providers.iter().map(|provider| provider.claims(&text, iss)).collect();
        let claimed = claims.contains(&true);
        let shown = match choose(providers.iter().map(|provider| provider.fit(&token)).zip(0_usize..)) {
            Choice::Wait(at) => {
                prop_assert!(providers[at].plan.is_none() && !claimed);
                return Ok(());
            }
            Choice::Ask(shown) => shown,
        };
        prop_assert!(shown.is_sorted(), "not in the route's order: {:?}", shown);
        // The one rule that must never break: another one's token is shown to nobody.
        for at in &shown {
            prop_assert!(!claimed || claims[*at], "{:?} is shown to {} and claimed by another", text, at);
        }
        if claimed {
            prop_assert!(!shown.is_empty());
            return Ok(());
        }
        let of_family = |check: &Check| {
            let in_family = iss.and_then(|iss| iss.strip_prefix("https://c.example/")).is_some_and(|tid| !tid.is_empty());
            in_family && matches!(&check.how, Method::Verify(rules) if rules.issuers.iter().any(|one| one == TEMPLATE))
        };
        let plans_for_jwts = |plan: &Plan| {
            !plan.issuers.is_empty()
                || plan.checks.iter().any(|check| matches!(check.when, Shape::Jwt | Shape::JwtFrom(_)))
        };
        let knows_jwts = |plan: &Plan| {
            plans_for_jwts(plan)
                || plan.endpoints.scopes.contains(&"openid".to_owned())
                || plan.checks.iter().any(|check| check.how == Method::Call(request(true)))
        };
        // Nobody claims it: who may own it, and who may not.
        let mut family = Vec::new();
        let mut possible = Vec::new();
        for (at, provider) in providers.iter().enumerate() {
            let (Some(check), Some(plan)) = (provider.check(&text, iss, is_jwt), &provider.plan) else { continue };
            match &check.how {
                Method::Verify(_) if of_family(check) => family.push(at),
                // An encrypted token may be one of just anything, but not of a provider that plans for no JWTs.
                Method::Call(_) if is_encrypted && check.when == Shape::Opaque && !plans_for_jwts(plan) => {}
                Method::Call(_) if !is_jwt || check.when != Shape::Any || knows_jwts(plan) => possible.push(at),
                _ => {}
            }
        }
        prop_assert_eq!(shown, if family.is_empty() { possible } else { family });
    }
}

#[test]
fn a_provider_without_a_plan_may_own_what_nobody_claims() {
    assert_eq!(choose([(Fit::Possible, 'a'), (Fit::Unknown, 'b')].into_iter()), Choice::Wait('b'));
    assert_eq!(choose([(Fit::Unknown, 'a'), (Fit::Family, 'b')].into_iter()), Choice::Wait('a'));
    assert_eq!(choose([(Fit::Unknown, 'a'), (Fit::Own, 'b')].into_iter()), Choice::Ask(vec!['b']));
    assert_eq!(
        choose([(Fit::Possible, 'a'), (Fit::No, 'b'), (Fit::Possible, 'c')].into_iter()),
        Choice::Ask(vec!['a', 'c'])
    );
    assert_eq!(choose([(Fit::No, 'a')].into_iter()), Choice::Ask(Vec::new()));
}
