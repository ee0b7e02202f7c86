//! How well a credential fits what a provider declares: by the outer form of the credential, and by what a token says of itself
//! without proof.
//!
//! It only keeps a credential from providers that it cannot belong to. Nothing is verified here, and a wrong guess ends in a
//! refusal by the provider that is asked.

use crate::adapter::contract::{Authorization, Body, Check, Method, Plan, Request, Shape, Source};
use portcullis_core::credential::{BearerToken, Credential, JwtForm};
use portcullis_core::jws::issuer_template;
use portcullis_core::setting::CredentialKind;

/// How well a credential fits, the better the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    /// It cannot belong to this provider, or its plan cannot find out.
    No,
    /// There is no plan yet.
    Unknown,
    /// It may belong to this provider, as to others.
    Possible,
    /// Its unverified issuer is one of a family whose signatures the plan verifies (`https://host/{tid}/v2.0`).
    Family,
    /// Its prefix or its unverified issuer is this provider's own.
    Own,
}

/// What a provider declares of the credentials that belong to it.
#[derive(Debug, Clone, Copy)]
pub struct Declared<'p> {
    /// The kinds that its adapter accepts.
    pub credentials: &'p [CredentialKind],
    /// Prefixes of tokens that are its own.
    pub prefixes: &'p [String],
    /// Its plan; `None` where there is none yet.
    pub plan: Option<&'p Plan>,
}

impl Declared<'_> {
    /// How well a credential fits.
    #[must_use]
    pub fn fit(&self, credential: &Credential) -> Fit {
        let token = match credential {
            Credential::Bearer(token) if self.credentials.contains(&CredentialKind::Bearer) => token,
            Credential::Basic { .. } if self.credentials.contains(&CredentialKind::Basic) => {
                return self.plan.map_or(Fit::Unknown, |plan| {
                    if check_for(plan, credential).is_some() { Fit::Possible } else { Fit::No }
                });
            }
            _ => return Fit::No,
        };
        if token.form().is_unsigned() {
            return Fit::No;
        }
        if starts_with_one_of(token, self.prefixes) {
            return Fit::Own;
        }
        let Some(plan) = self.plan else { return Fit::Unknown };
        if claims(plan, token) {
            return Fit::Own;
        }
        let Some(check) = check_for(plan, credential) else { return Fit::No };
        let (is_jwt, is_encrypted) = match token.form() {
            JwtForm::Jwt { .. } => (true, false),
            JwtForm::Encrypted { .. } => (false, true),
            JwtForm::NotJwt | JwtForm::BrokenHeader => (false, false),
        };
        match &check.how {
            // A signature is compared with its issuer: another one's token is refused, and so is one without an issuer.
            Method::Verify(rules)
                if issuer(token).is_some_and(|iss| rules.issuers.iter().any(|one| is_of(one, iss))) =>
            {
                Fit::Family
            }
            Method::Verify(_) | Method::Refuse(_) => Fit::No,
            // A provider that is asked says itself whose token it is, whatever `iss` it carries; but one that takes just anything
            // does not have JWTs of its own.
            Method::Call(_) if is_jwt && matches!(check.when, Shape::Any) && !knows_jwts(plan) => Fit::No,
            // Nor does one that plans for what is no JWT have encrypted ones.
            Method::Call(_) if is_encrypted && matches!(check.when, Shape::Opaque) && !plans_for_jwts(plan) => Fit::No,
            Method::Call(_) => Fit::Possible,
        }
    }
}

/// The check that a plan makes of a credential: the first that fits.
pub(super) fn check_for<'p>(plan: &'p Plan, credential: &Credential) -> Option<&'p Check> {
    plan.checks.iter().find(|check| has_shape(&check.when, credential))
}

/// Whether a plan claims a token for its provider alone, by the token's unverified issuer or its prefix.
fn claims(plan: &Plan, token: &BearerToken) -> bool {
    let issuer = issuer(token);
    let is_listed = |issuers: &[String]| issuer.is_some_and(|iss| issuers.iter().any(|one| one == iss));
    is_listed(&plan.issuers)
        || plan.checks.iter().any(|check| {
            let by_shape = match &check.when {
                Shape::JwtFrom(issuers) => is_listed(issuers),
                Shape::Prefixed(prefixes) => starts_with_one_of(token, prefixes),
                Shape::Any | Shape::Basic | Shape::ApiKey | Shape::Jwt | Shape::Opaque => false,
            };
            by_shape || matches!(&check.how, Method::Verify(rules) if is_listed(&rules.issuers))
        })
}

/// Whether a provider that is asked about any credential has JWTs among its own: it names an issuer, its plan has a check for
/// JWTs, or it is asked as OpenID Connect (the `openid` scope) or RFC 7662 (an introspection request) say.
fn knows_jwts(plan: &Plan) -> bool {
    plans_for_jwts(plan)
        || plan.endpoints.scopes.iter().any(|scope| scope == "openid")
        || plan.checks.iter().any(|check| matches!(&check.how, Method::Call(request) if is_introspection(request)))
}

/// Whether a plan names an issuer or has a check for JWTs.
fn plans_for_jwts(plan: &Plan) -> bool {
    !plan.issuers.is_empty() || plan.checks.iter().any(|check| matches!(check.when, Shape::Jwt | Shape::JwtFrom(_)))
}

/// RFC 7662 2.1: the token in the form field `token`, by a client.
fn is_introspection(request: &Request) -> bool {
    let Body::Form(fields) = &request.body else { return false };
    request.authorization == Authorization::Client
        && fields.iter().any(|field| field.name == "token" && field.value == [Source::Credential])
}

/// Whether a credential has a shape.
fn has_shape(shape: &Shape, credential: &Credential) -> bool {
    let Credential::Bearer(token) = credential else {
        return matches!(shape, Shape::Any | Shape::Basic);
    };
    match shape {
        Shape::Any => true,
        Shape::Basic | Shape::ApiKey => false,
        Shape::Jwt => matches!(token.form(), JwtForm::Jwt { .. }),
        Shape::JwtFrom(issuers) => {
            matches!(token.form(), JwtForm::Jwt { iss: Some(iss), .. } if issuers.contains(iss))
        }
        Shape::Opaque => !matches!(token.form(), JwtForm::Jwt { .. }),
        Shape::Prefixed(prefixes) => starts_with_one_of(token, prefixes),
    }
}

/// The unverified `iss` of a token, of an encrypted one that of its header.
fn issuer(token: &BearerToken) -> Option<&str> {
    match token.form() {
        JwtForm::Jwt { iss, .. } | JwtForm::Encrypted { iss } => iss.as_deref(),
        JwtForm::NotJwt | JwtForm::BrokenHeader => None,
    }
}

/// Whether an issuer may be one of a template's, whatever the claim says that stands in it.
fn is_of(template: &str, issuer: &str) -> bool {
    issuer_template(template).is_some_and(|(before, _, after)| {
        issuer.strip_prefix(before).and_then(|rest| rest.strip_suffix(after)).is_some_and(|claim| !claim.is_empty())
    })
}

fn starts_with_one_of(token: &BearerToken, prefixes: &[String]) -> bool {
    prefixes.iter().any(|prefix| !prefix.is_empty() && token.reveal().starts_with(prefix.as_str()))
}
