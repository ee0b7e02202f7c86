//! The national clouds, and which issuers sign for a tenant in each. A token of one cloud is worth nothing in another.

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

    /// The issuer of the tenant's v1.0 tokens.
    pub(crate) fn v1(&self, tid: &str) -> String {
        format!("{}/{tid}/", self.issuer_v1)
    }

    /// The issuer of the tenant's v2.0 tokens, which its metadata names.
    pub(crate) fn v2(&self, tid: &str) -> String {
        format!("{}/{tid}/v2.0", self.issuer_v2)
    }

    /// The tenant for which this issuer signs v2.0 tokens.
    pub(crate) fn tenant_of(&self, issuer: &str) -> Option<String> {
        let path = issuer.strip_prefix(self.issuer_v2)?.strip_prefix('/')?;
        path.strip_suffix("/v2.0").filter(|tid| portcullis_sdk::forms::is_guid(tid)).map(str::to_ascii_lowercase)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TID: &str = "a8990e1f-ff32-408a-9f8e-78d3b9139b95";

    #[test]
    fn each_cloud_has_issuers_of_its_own() {
        for (cloud, v1, v2) in [
            ("global", "https://sts.windows.net/", "https://login.microsoftonline.com/"),
            ("us", "https://sts.windows.net/", "https://login.microsoftonline.us/"),
            ("us-dod", "https://sts.windows.net/", "https://login.microsoftonline.us/"),
            ("china", "https://sts.chinacloudapi.cn/", "https://login.partner.microsoftonline.cn/"),
        ] {
            let cloud = Cloud::of(cloud);
            assert_eq!(cloud.v1(TID), format!("{v1}{TID}/"));
            assert_eq!(cloud.v2(TID), format!("{v2}{TID}/v2.0"));
            assert_eq!(cloud.tenant_of(&cloud.v2(&TID.to_uppercase())).as_deref(), Some(TID));
        }
    }

    #[test]
    fn only_the_clouds_own_issuer_names_a_tenant() {
        for other in [
            "https://sts.windows.net/a8990e1f-ff32-408a-9f8e-78d3b9139b95/",
            "https://login.microsoftonline.com/{tenantid}/v2.0",
            "https://login.microsoftonline.com/common/v2.0",
            "https://login.microsoftonline.com/a8990e1f-ff32-408a-9f8e-78d3b9139b95",
            "https://login.microsoftonline.com/a8990e1f-ff32-408a-9f8e-78d3b9139b95/v2.0/",
            "https://login.microsoftonline.com/x/a8990e1f-ff32-408a-9f8e-78d3b9139b95/v2.0",
            "https://login.microsoftonline.com.evil.example/a8990e1f-ff32-408a-9f8e-78d3b9139b95/v2.0",
            "https://login.microsoftonline.us/a8990e1f-ff32-408a-9f8e-78d3b9139b95/v2.0",
            "",
        ] {
            assert_eq!(Cloud::of("global").tenant_of(other), None, "{other}");
        }
    }
}
