//! Which provider a credential is shown to, where a route has several.
//!
//! By what their plans declare: a token's prefix, its unverified issuer, its outer shape. Nothing of a token ever gets into a
//! URL or a message by this, and a guess that is wrong ends in a refusal.

use super::Snapshot;
use super::verdicts::Served;
use crate::provider::Fit;
use portcullis_core::credential::Credential;
use portcullis_core::refusal::Refusal;

/// The providers that a credential may belong to, the most likely first, else in the route's order. None: it has nobody's form.
///
/// # Errors
///
/// One that it may belong to has no plan yet: whoever else was asked would say no to what is perhaps good.
pub(super) fn candidates<'s>(
    snapshot: &'s Snapshot,
    names: &[String],
    credential: &Credential,
) -> Result<Vec<&'s Served>, Refusal> {
    let served = names.iter().filter_map(|name| snapshot.served(name));
    if let [_] = names {
        // It says itself what does not fit, and why.
        return Ok(served.collect());
    }
    let mut fitting: Vec<(Fit, &Served)> =
        served.map(|served| (served.provider.fit(credential), served)).filter(|(fit, _)| *fit != Fit::No).collect();
    fitting.sort_by_key(|(fit, _)| std::cmp::Reverse(*fit));
    let best = fitting.first().map(|(fit, _)| *fit);
    if best != Some(Fit::Own)
        && let Some((_, served)) = fitting.iter().find(|(fit, _)| *fit == Fit::Unknown)
    {
        let reason = format!("the provider {} has no plan yet, and the credential may be of it", served.name());
        return Err(Refusal::unavailable(reason));
    }
    Ok(fitting.into_iter().map(|(_, served)| served).collect())
}
