//! What an identity rests on: the provider was shown the very credential that was presented, or a signature over it was verified
//! here. Without either, what an adapter says is about nobody in particular, and is its fault.

use super::verify::VerifiedClaims;
use crate::adapter::contract::{Authorization, Body, Request, Source};
use portcullis_core::credential::Credential;
use portcullis_core::identity::Identity;
use portcullis_core::policy::{self, Naming, Rules};
use portcullis_core::refusal::Refusal;

/// What was done about one credential so far.
#[derive(Default)]
pub(super) struct Evidence(Option<Proof>);

/// That an identity is about the presented credential. Only [`Evidence`] makes one.
pub(super) struct Proof {
    /// Where the credential itself was verified.
    claims: Option<VerifiedClaims>,
}

impl Evidence {
    /// The credential itself was verified.
    pub(super) fn verified(claims: VerifiedClaims) -> Self {
        Self(Some(Proof { claims: Some(claims) }))
    }

    /// The provider answered these requests, with whatever status.
    pub(super) fn answered(&mut self, requests: &[Request], credential: &Credential) {
        if self.0.is_none() && requests.iter().any(|request| carries(request, credential)) {
            self.0 = Some(Proof { claims: None });
        }
    }

    /// The proof, where there is one.
    pub(super) fn proof(&self) -> Option<&Proof> {
        self.0.as_ref()
    }
}

impl Proof {
    /// The identity under its configured name, if the gateway's own rules admit it at `now` (seconds since 1970).
    ///
    /// # Errors
    ///
    /// The rule that it breaks.
    pub(super) fn judge(
        &self,
        identity: Identity,
        naming: &Naming,
        rules: &Rules,
        now: i64,
    ) -> Result<Identity, Refusal> {
        let mut identity = naming.apply(identity)?;
        if let Some(claims) = &self.claims {
            claims.hold(&mut identity, now);
        }
        policy::judge(&identity, rules, now, now).map(|()| identity)
    }
}

/// Whether a request shows the provider the whole credential: the token, or both halves of the pair.
fn carries(request: &Request, credential: &Credential) -> bool {
    let has = |wanted: &Source| sources(request).any(|source| source == wanted);
    match (credential, &request.authorization) {
        (_, Authorization::Presented) | (Credential::Bearer(_), Authorization::Bearer) => true,
        (Credential::Bearer(_), _) => has(&Source::Credential),
        (Credential::Basic { .. }, _) => has(&Source::Username) && has(&Source::Password),
    }
}

/// Whether a request shows the provider any part of whatever credential is presented.
pub(super) fn carries_anything(request: &Request) -> bool {
    matches!(request.authorization, Authorization::Presented | Authorization::Bearer)
        || sources(request).any(|source| matches!(source, Source::Credential | Source::Username | Source::Password))
}

/// All the pieces that a request is filled with.
pub(super) fn sources(request: &Request) -> impl Iterator<Item = &Source> {
    let (fields, slots): (&[_], &[_]) = match &request.body {
        Body::Form(fields) => (fields, &[]),
        Body::Json(json) => (&[], &json.slots),
        Body::None => (&[], &[]),
    };
    let scheme: &[Source] = match &request.authorization {
        Authorization::Scheme(scheme) => &scheme.value,
        _ => &[],
    };
    let of_headers = request.headers.iter().flat_map(|header| &header.value);
    let of_body = fields.iter().flat_map(|field| &field.value).chain(slots.iter().flat_map(|slot| &slot.value));
    of_headers.chain(of_body).chain(scheme)
}
