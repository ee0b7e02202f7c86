//! The national clouds, and which issuer signs for a tenant in each. A token of one cloud is worth nothing in another.

use portcullis_sdk::{Context, Problems, forms::is_guid};

/// The tenant of personal accounts.
pub(crate) const CONSUMERS: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

/// Where a cloud signs people in, and where its Graph is.
pub(crate) struct Cloud {
    pub(crate) login: &'static str,
    pub(crate) graph: &'static str,
    issuer_v1: &'static str,
    issuer_v2: &'static str,
}

impl Cloud {
    pub(crate) fn of(name: &str) -> Self {
        let (login, graph) = match name {
            "us" => ("https://login.microsoftonline.us", "https://graph.microsoft.us"),
            "us-dod" => ("https://login.microsoftonline.us", "https://dod-graph.microsoft.us"),
            "china" => ("https://login.chinacloudapi.cn", "https://microsoftgraph.chinacloudapi.cn"),
            _ => ("https://login.microsoftonline.com", "https://graph.microsoft.com"),
        };
        // In China keys and issuers are on different hosts.
        let (issuer_v1, issuer_v2) = match name {
            "china" => ("https://sts.chinacloudapi.cn", "https://login.partner.microsoftonline.cn"),
            _ => ("https://sts.windows.net", login),
        };
        Self { login, graph, issuer_v1, issuer_v2 }
    }

    /// Who signs for the tenant; none where nothing here verifies signatures. Blames `tenant` where it is none, or where it
    /// is a domain, for which the issuer, which holds the GUID, cannot be known.
    pub(crate) fn issuer(&self, context: &Context, problems: &mut Problems) -> Option<String> {
        let tenant = context.text("tenant");
        let jwt = context.mode("jwt");
        let tid = match tenant {
            "common" | "organizations" => "{tid}".into(),
            "consumers" => CONSUMERS.into(),
            guid if is_guid(guid) => guid.to_ascii_lowercase(),
            domain if is_domain(domain) && jwt => {
                let remedy = "write the tenant's GUID, as the Entra admin center shows it";
                problems.add("tenant", "is a domain, and `mode: jwt` needs the GUID, which tokens carry", remedy);
                return None;
            }
            domain if is_domain(domain) => return None,
            "" => return None,
            other => {
                let remedy = "write a GUID, a verified domain, or one of common, organizations, consumers";
                problems.add("tenant", format!("is no tenant: `{other}`"), remedy);
                return None;
            }
        };
        jwt.then(|| match context.text("version") {
            "v1" => format!("{}/{tid}/", self.issuer_v1),
            _ => format!("{}/{tid}/v2.0", self.issuer_v2),
        })
    }
}

fn is_domain(text: &str) -> bool {
    let label = |label: &str| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-');
    text.contains('.') && text.split('.').all(label)
}
