//! All adapters, by their names.

use portcullis_sdk::{Adapter, Answer, Context, Description, Finding, PlanError, Refusal, Response, Step, testing};
use serde_json::Value;

/// An adapter, as functions.
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    pub(crate) describe: fn() -> Description,
    pub(crate) plan: fn(&Context, &[Response]) -> Result<Step, PlanError>,
    pub(crate) identify: fn(&Context, &[Answer]) -> Result<Finding, Refusal>,
    /// Runs a case; an error says how it failed.
    pub(crate) case: fn(&Value) -> Result<(), String>,
}

fn entry<A: Adapter>(name: &'static str) -> Entry {
    Entry { name, describe: A::describe, plan: A::make_plan, identify: A::identify, case: testing::run_one::<A> }
}

pub(crate) fn adapters() -> Vec<Entry> {
    vec![
        entry::<atlassian_cloud::AtlassianCloud>("atlassian-cloud"),
        entry::<atlassian_oauth::AtlassianOauth>("atlassian-oauth"),
        entry::<auth0::Auth0>("auth0"),
        entry::<authentik::Authentik>("authentik"),
        entry::<azure_ad::AzureAd>("azure-ad"),
        entry::<bitbucket_dc::BitbucketDc>("bitbucket-dc"),
        entry::<cognito::Cognito>("cognito"),
        entry::<confluence_dc::ConfluenceDc>("confluence-dc"),
        entry::<dex::Dex>("dex"),
        entry::<github::GitHub>("github"),
        entry::<gitlab::GitLab>("gitlab"),
        entry::<google::Google>("google"),
        entry::<hydra::Hydra>("hydra"),
        entry::<introspection::Introspection>("introspection"),
        entry::<jira_dc::JiraDc>("jira-dc"),
        entry::<jumpcloud::JumpCloud>("jumpcloud"),
        entry::<keycloak::Keycloak>("keycloak"),
        entry::<miniorange::MiniOrange>("miniorange"),
        entry::<oidc::Oidc>("oidc"),
        entry::<okta::Okta>("okta"),
        entry::<onelogin::OneLogin>("onelogin"),
        entry::<pingfederate::PingFederate>("pingfederate"),
        entry::<pingone::PingOne>("pingone"),
        entry::<userinfo::Userinfo>("userinfo"),
        entry::<zitadel::Zitadel>("zitadel"),
    ]
}
