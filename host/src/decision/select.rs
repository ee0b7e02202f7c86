//! Which providers a credential is shown to, where a route has several.
//!
//! By what their plans declare: a token's prefix, its unverified issuer, its outer shape. Nothing of a token ever gets into a URL
//! by this, and a wrong guess ends in a refusal by the provider that is asked. A credential that a provider of the route claims as
//! its own is shown to no other one.

use super::Snapshot;
use super::verdicts::Served;
use crate::provider::Fit;
use portcullis_core::credential::{Credential, JwtForm};
use portcullis_core::refusal::Refusal;
use portcullis_core::text;

/// The providers that a credential may belong to, in the route's order; at least one where the route has any.
///
/// # Errors
///
/// It can belong to none of them; or one that it may belong to has no plan yet, and whoever else was asked would refuse what may
/// be good.
pub(super) fn candidates<'s>(
    snapshot: &'s Snapshot,
    names: &[String],
    credential: &Credential,
) -> Result<Vec<&'s Served>, Refusal> {
    let served = names.iter().filter_map(|name| snapshot.served(name));
    if let [_] = names {
        // It reports itself what does not fit, and why.
        return Ok(served.collect());
    }
    match choose(served.map(|served| (served.provider.fit(credential), served))) {
        Choice::Ask(candidates) if candidates.is_empty() => Err(nobodys(credential)),
        Choice::Ask(candidates) => Ok(candidates),
        Choice::Wait(served) => {
            let reason = format!("the provider {} has no plan yet, and the credential may belong to it", served.name());
            Err(Refusal::unavailable(reason))
        }
    }
}

/// Whom a credential is shown to.
#[derive(Debug, PartialEq, Eq)]
enum Choice<T> {
    /// These, in this order.
    Ask(Vec<T>),
    /// Nobody, until this one has a plan.
    Wait(T),
}

/// Chooses among the providers of a route, given in its order.
fn choose<T>(offers: impl Iterator<Item = (Fit, T)>) -> Choice<T> {
    let mut offers: Vec<(Fit, T)> = offers.collect();
    let best = offers.iter().map(|(fit, _)| *fit).max().unwrap_or(Fit::No);
    if best != Fit::Own
        && let Some(at) = offers.iter().position(|(fit, _)| *fit == Fit::Unknown)
    {
        return Choice::Wait(offers.swap_remove(at).1);
    }
    Choice::Ask(offers.into_iter().filter(|(fit, _)| *fit == best && best != Fit::No).map(|(_, one)| one).collect())
}

/// Why a credential is shown to nobody, for the log.
fn nobodys(credential: &Credential) -> Refusal {
    let Credential::Bearer(token) = credential else {
        return Refusal::invalid("none of the route's providers accepts a Basic pair");
    };
    Refusal::invalid(match token.form() {
        form if form.is_unsigned() => {
            "the token is an unsigned JWT, or its header is none that a signed one has".to_owned()
        }
        JwtForm::Jwt { iss: Some(iss), .. } => format!(
            "no provider of the route has the token's issuer `{}`, and none of them can be asked about a JWT of another one",
            text::shown(iss)
        ),
        JwtForm::Jwt { iss: None, .. } => {
            "the token is a JWT without an issuer, and no provider of the route can be asked about it".to_owned()
        }
        JwtForm::Encrypted { .. } => {
            "the token is an encrypted JWT, and no provider of the route can be asked about it".to_owned()
        }
        JwtForm::NotJwt | JwtForm::BrokenHeader => {
            "the credential has the form of none of the route's providers".to_owned()
        }
    })
}

#[cfg(test)]
mod tests;
