//! The two hosts of a user pool, and what its settings must look like.

use portcullis_sdk::{Context, Problems, forms::is_label};

/// Words that AWS keeps for itself.
const RESERVED: [&str; 3] = ["aws", "amazon", "cognito"];

/// The base URL of sign-in and userInfo; empty where `mode: jwt` does without.
pub(crate) fn domain(context: &Context, problems: &mut Problems) -> String {
    let (domain, prefix, region) = (context.text("domain"), context.text("domain_prefix"), context.text("region"));
    match (domain.is_empty(), prefix.is_empty()) {
        (true, true) if context.mode("jwt") => {}
        (true, true) => {
            problems.add("domain", "is missing, and so is `domain_prefix`", "write the pool's domain, or its prefix");
        }
        (false, false) => problems.add("domain_prefix", "stands beside `domain`", "write one of them"),
        (false, true) => return domain.into(),
        (true, false) => {}
    }
    if prefix.is_empty() {
        return String::new();
    }
    if !is_label(prefix) || RESERVED.iter().any(|word| prefix.contains(word)) {
        let problem = format!("is no prefix of a domain: `{prefix}`");
        let remedy = "write it as the console shows it: a-z, 0-9 and `-`, without aws, amazon and cognito in it";
        problems.add("domain_prefix", problem, remedy);
    }
    check_region(region, problems);
    let auth = if region.starts_with("us-gov-") { "auth-fips" } else { "auth" };
    format!("https://{prefix}.{auth}.{region}.amazoncognito.com")
}

/// Who signs the pool's tokens; empty where nothing names the pool, and nothing here verifies signatures.
pub(crate) fn issuer(context: &Context, problems: &mut Problems) -> String {
    if !context.mode("jwt") && !context.is_set("user_pool_id") {
        return String::new();
    }
    let (region, pool) = (context.text("region"), context.text("user_pool_id"));
    // Said already where a domain of the prefix needs it too.
    if context.text("domain_prefix").is_empty() {
        check_region(region, problems);
    }
    let id = pool.strip_prefix(region).and_then(|rest| rest.strip_prefix('_')).unwrap_or_default();
    if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        let problem = format!("is no pool of the region: `{pool}`");
        problems.add("user_pool_id", problem, "write it as the console shows it, as in `eu-west-1_aB3dE5fG7`");
    }
    let partition = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    format!("https://cognito-idp.{region}.{partition}/{pool}")
}

fn check_region(region: &str, problems: &mut Problems) {
    if region.is_empty() {
        problems.add("region", "is missing", "write the pool's AWS region, as in `eu-west-1`");
    } else if !is_label(region) || region.split('-').count() < 3 || !region.ends_with(|c: char| c.is_ascii_digit()) {
        problems.add("region", format!("is no AWS region: `{region}`"), "write it as in `eu-west-1`");
    }
}
