//! Whose tokens the settings `tenant` and `allowed_tenants` take.
//!
//! Microsoft Graph answers for tokens of every tenant, and with `common` and `organizations` every tenant may sign, so what
//! these settings name has to be held here, in every mode.

use portcullis_sdk::{
    Context, PlanError, Problems, Refusal, Response,
    discovery::{self, Metadata},
    forms::is_guid,
};

use crate::cloud::Cloud;

/// The tenant of personal accounts.
pub(crate) const CONSUMERS: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

const WRITE_GUID: &str = "write the tenant's GUID, as the Entra admin center shows it";

/// The setting `tenant`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Tenant {
    /// `common`: every directory, and personal accounts.
    Any,
    /// `organizations`: every directory, and no personal account.
    Organizations,
    /// One, by its id in lower case.
    One(String),
    /// One, by a domain of its own.
    Domain,
}

impl Tenant {
    /// Blames `tenant` where it is none, or where it is a domain and tokens are verified here.
    pub(crate) fn of(context: &Context, problems: &mut Problems) -> Self {
        match context.text("tenant") {
            "common" => return Self::Any,
            "organizations" => return Self::Organizations,
            "consumers" => return Self::One(CONSUMERS.into()),
            guid if is_guid(guid) => return Self::One(guid.to_ascii_lowercase()),
            domain if is_domain(domain) && context.mode("jwt") => {
                problems.add("tenant", "is a domain, and `mode: jwt` needs the GUID, which tokens carry", WRITE_GUID);
            }
            // Said by the check of its form as a path segment, where it is empty.
            domain if is_domain(domain) || domain.is_empty() => {}
            other => {
                let remedy = "write a GUID, a verified domain, or one of common, organizations, consumers";
                problems.add("tenant", format!("is no tenant: `{other}`"), remedy);
            }
        }
        Self::Domain
    }

    /// The same, with the id of a domain's tenant from its metadata; none where that was not fetched yet.
    pub(crate) fn resolved(self, cloud: &Cloud, documents: &[Response]) -> Result<Option<Self>, PlanError> {
        if self != Self::Domain {
            return Ok(Some(self));
        }
        let metadata = Metadata::of_one(documents, |issuer| cloud.tenant_of(issuer).is_some())?;
        Ok(metadata.and_then(|metadata| cloud.tenant_of(&metadata.issuer())).map(Self::One))
    }

    /// The ids of the tenants whose tokens are taken, in lower case; none where those of every directory are. Blames
    /// `allowed_tenants` where nobody's would be left.
    pub(crate) fn taken(&self, context: &Context, problems: &mut Problems) -> Option<Vec<String>> {
        let allowed = context.texts("allowed_tenants");
        let fits = |tid: &String| match self {
            Self::Any | Self::Domain => true,
            Self::Organizations => tid != CONSUMERS,
            Self::One(one) => tid == one,
        };
        if allowed.is_empty() {
            return if let Self::One(one) = self { Some(vec![one.clone()]) } else { None };
        }
        let taken: Vec<_> = allowed.iter().map(|tid| tid.to_ascii_lowercase()).filter(fits).collect();
        if taken.is_empty() {
            let problem = "names no tenant that `tenant` takes, so nobody would pass";
            problems.add("allowed_tenants", problem, "write `tenant: organizations`, or leave the list out");
        }
        Some(taken)
    }
}

/// Where the metadata of the tenant is, of which `segment` is the name in a path.
pub(crate) fn metadata(cloud: &Cloud, segment: &str) -> portcullis_sdk::Step {
    discovery::fetch_from(format!("{}/{segment}/v2.0/.well-known/openid-configuration", cloud.login))
}

/// Refuses a list that could not be kept, since it is there to shut somebody out.
pub(crate) fn check(context: &Context, problems: &mut Problems) {
    if let Some(other) = context.texts("allowed_tenants").iter().find(|tenant| !is_guid(tenant)) {
        problems.add("allowed_tenants", format!("is a list of GUIDs, and `{other}` is none"), WRITE_GUID);
    }
}

/// Refuses the claims of a token that is verified here and of no tenant that is taken.
pub(crate) fn hold(context: &Context, tenant: &str) -> Result<(), Refusal> {
    let is = |other: &str| tenant.eq_ignore_ascii_case(other);
    let allowed = context.texts("allowed_tenants");
    if !allowed.is_empty() && !allowed.iter().any(|allowed| is(allowed)) {
        return Err(Refusal::invalid("the token is of none of `allowed_tenants`"));
    }
    if context.text("tenant") == "organizations" && is(CONSUMERS) {
        return Err(Refusal::invalid("the token is of a personal account, and `tenant` is organizations"));
    }
    Ok(())
}

fn is_domain(text: &str) -> bool {
    let label = |label: &str| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-');
    text.contains('.') && text.split('.').all(label)
}
