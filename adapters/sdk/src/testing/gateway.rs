//! The gateway's part of a case, in the simplest form that the recorded cases need. Not a reference for its rules.

use serde_json::Value;

use crate::{
    Authorization, Cause, Context, Description, Identity, Method, Moment, Plan, Setting, SettingKind, SettingSpec,
    SettingValue, url,
};

/// Settings that stand in a case and are never the adapter's.
const OUTSIDE: [&str; 4] = ["username_attribute", "audience", "required_scopes", "allow_http"];
const RESERVED: [&str; 6] =
    ["client_id", "client_secret", "client_auth", "client_key", "client_key_id", "assertion_audience"];

/// A context of texts, for unit tests.
#[must_use]
pub fn context(settings: &[(&str, &str)], username: &[&str], wanted: &[&str]) -> Context {
    let list = |texts: &[&str]| texts.iter().map(ToString::to_string).collect();
    let setting =
        |(name, value): &(&str, &str)| Setting { name: (*name).into(), value: SettingValue::Text((*value).into()) };
    Context {
        settings: settings.iter().map(setting).collect(),
        username_attributes: list(username),
        wanted: list(wanted),
    }
}

/// What the gateway demands of a description when it loads the component.
pub(super) fn check_description(description: &Description) {
    assert!(
        !description.title.is_empty() && description.title.chars().count() <= 64,
        "the title has 1 to 64 characters"
    );
    assert!(description.documentation.iter().all(|url| url.starts_with("https://")), "documentation is an https URL");
    assert!(!description.credentials.is_empty(), "an adapter checks something");
    for spec in &description.settings {
        let name = &spec.name;
        assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'), "the name `{name}`");
        assert!(!OUTSIDE.contains(&name.as_str()) && !RESERVED.contains(&name.as_str()), "`{name}` is the gateway's");
        assert!(!(spec.required && spec.default.is_some()), "`{name}` is required and has a default");
        let allowed =
            |value: &String| spec.choices.is_empty() || spec.choices.iter().any(|choice| choice.value == *value);
        assert!(spec.default.iter().all(allowed), "the default of `{name}` is not among its choices");
        let known = |other: &str| description.settings.iter().any(|spec| spec.name == other);
        assert!(spec.only_when.iter().all(|when| known(&when.setting)), "`{name}` depends on a setting that is none");
    }
}

/// What the gateway makes of these settings, with the defaults, where no route wants any fact; or the names of those that are
/// wrong.
///
/// # Errors
/// Some setting is unknown, missing or of another kind.
pub fn context_of(description: &Description, settings: &Value) -> Result<Context, Vec<String>> {
    context_of_case(description, &serde_json::json!({"settings": settings}))
}

/// The same of a case.
pub(super) fn context_of_case(description: &Description, case: &Value) -> Result<Context, Vec<String>> {
    let given = case["settings"].as_object().expect("a case has settings");
    let allow_http = case["settings"]["allow_http"] == true;
    let mut problems: Vec<String> = given
        .keys()
        .filter(|name| !OUTSIDE.contains(&name.as_str()) && !RESERVED.contains(&name.as_str()))
        .filter(|name| !description.settings.iter().any(|spec| spec.name == **name))
        .cloned()
        .collect();
    let mut settings = Vec::new();
    for spec in &description.settings {
        let default = spec.default.as_ref().map(|default| Value::String(default.clone()));
        match given.get(&spec.name).or(default.as_ref()).map(|given| value(spec, given, allow_http)) {
            Some(Some(value)) => settings.push(Setting { name: spec.name.clone(), value }),
            Some(None) => problems.push(spec.name.clone()),
            None if spec.required && holds(description, spec, given) => problems.push(spec.name.clone()),
            None => {}
        }
    }
    for name in RESERVED {
        match given.get(name).and_then(Value::as_str) {
            Some(_) if matches!(name, "client_secret" | "client_key") => {
                settings.push(Setting { name: name.into(), value: SettingValue::Secret });
            }
            Some(text) => settings.push(Setting { name: name.into(), value: SettingValue::Text(text.into()) }),
            None => {}
        }
    }
    if problems.is_empty() {
        let username_attributes = texts(&given.get("username_attribute").cloned().unwrap_or_default());
        Ok(Context { settings, username_attributes, wanted: texts(&case["wanted"]) })
    } else {
        Err(problems)
    }
}

/// Whether a setting has a meaning beside the others.
fn holds(description: &Description, spec: &SettingSpec, given: &serde_json::Map<String, Value>) -> bool {
    spec.only_when.as_ref().is_none_or(|when| {
        let default = description.settings.iter().find(|other| other.name == when.setting);
        let default = default.and_then(|other| other.default.as_deref());
        let value = given.get(&when.setting).and_then(Value::as_str).or(default);
        value.is_some_and(|value| when.one_of.iter().any(|one| one == value))
    })
}

fn value(spec: &SettingSpec, value: &Value, allow_http: bool) -> Option<SettingValue> {
    match spec.kind {
        SettingKind::Texts => {
            value.as_array().filter(|list| !list.is_empty()).map(|_| SettingValue::Texts(texts(value)))
        }
        SettingKind::Flag => flag(value).map(SettingValue::Flag),
        SettingKind::BaseUrl => {
            let url = url_of(value.as_str()?, allow_http).filter(|url| !url.contains('?'))?;
            Some(SettingValue::Text(url.trim_end_matches('/').into()))
        }
        SettingKind::Url => url_of(value.as_str()?, allow_http).map(SettingValue::Text),
        _ => value
            .as_str()
            .filter(|text| spec.choices.is_empty() || spec.choices.iter().any(|choice| choice.value == **text))
            .map(|text| SettingValue::Text(text.into())),
    }
}

/// A flag, or the text of a default.
fn flag(value: &Value) -> Option<bool> {
    value.as_bool().or_else(|| value.as_str()?.parse().ok())
}

fn url_of(text: &str, allow_http: bool) -> Option<String> {
    let text = text.trim();
    let text = if text.contains("://") { text.into() } else { format!("https://{text}") };
    let (scheme, rest) = text.split_once("://")?;
    let (host, path) = rest.find(['/', '?']).map_or((rest, ""), |at| rest.split_at(at));
    let (scheme, host) = (scheme.to_lowercase(), host.to_lowercase());
    let loopback = ["127.0.0.1", "localhost", "[::1]"].iter().any(|name| host.split(':').next() == Some(name));
    let fit = !host.is_empty() && !rest.contains(['@', '#']) && (scheme == "https" || allow_http || loopback);
    fit.then(|| format!("{scheme}://{host}{path}"))
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(list) => list.iter().filter_map(Value::as_str).map(Into::into).collect(),
        _ => Vec::new(),
    }
}

/// The setting that is missing beside the adapter's own, whatever the plan.
pub(super) fn problem(settings: &Value) -> Option<String> {
    let missing = settings["mode"] == "jwt" && texts(&settings["audience"]).is_empty();
    missing.then(|| "audience".into())
}

/// The setting of the client's that the plan needs and the case has not.
pub(super) fn client_problem(plan: &Plan, settings: &Value) -> Option<String> {
    let missing = |name: &&str| settings[*name].as_str().is_none_or(str::is_empty);
    let as_client = plan.checks.iter().any(
        |check| matches!(&check.how, Method::Call(request) if matches!(request.authorization, Authorization::Client)),
    );
    let needed: &[&str] = match settings["client_auth"].as_str() {
        _ if !as_client => &[],
        Some("none") => &[],
        Some("private_key_jwt") => &["client_id", "client_key"],
        _ => &["client_id", "client_secret"],
    };
    needed.iter().find(|name| missing(name)).map(ToString::to_string)
}

/// The origins that the operator of a case has granted: those of its exchanges.
pub(super) fn granted(exchanges: &[&Value]) -> Vec<String> {
    exchanges.iter().filter_map(|exchange| url::origin(exchange["expect_request"]["url"].as_str()?)).collect()
}

/// A call of the plan's to an origin that is not granted.
pub(super) fn elsewhere(plan: &Plan, granted: &[String]) -> Option<String> {
    // A case without exchanges asks nobody, and grants nothing.
    let calls = plan.checks.iter().filter_map(|check| match &check.how {
        Method::Call(request) => Some(&request.url),
        _ => None,
    });
    let is_granted = |call: &String| url::origin(call).is_some_and(|origin| granted.contains(&origin));
    calls.filter(|_| !granted.is_empty()).find(|call| !is_granted(call)).cloned()
}

/// What the gateway adds to a form that is sent as a client (RFC 6749 2.3.1, RFC 7523 2.2).
pub(super) fn client_fields(settings: &Value) -> Vec<(String, String)> {
    let field = |name: &str| settings[name].as_str().map(|value| (name.to_owned(), value.to_owned()));
    let fixed = |name: &str, value: &str| Some((name.to_owned(), value.to_owned()));
    let fields = match settings["client_auth"].as_str() {
        Some("post") => [field("client_id"), field("client_secret")],
        Some("none") => [field("client_id"), None],
        Some("private_key_jwt") => [
            fixed("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            fixed("client_assertion", "{assertion}"),
        ],
        _ => [None, None],
    };
    fields.into_iter().flatten().collect()
}

/// Whether an answer is a set of keys.
pub(super) fn are_keys(response: &Value) -> bool {
    response["status"] == 200 && (response["jwks"] == true || response["body"]["keys"].is_array())
}

pub(super) fn judge(identity: &Identity, case: &Value) -> Option<Cause> {
    let wanted = texts(&case["settings"]["audience"]);
    let audiences = identity.audiences.clone().unwrap_or_default();
    let expired = case["clock"].as_i64().is_some_and(|now| match identity.expires {
        Some(Moment::At(at)) => at + 60 < now,
        _ => false,
    });
    let elsewhere = !wanted.is_empty() && !wanted.iter().any(|wanted| audiences.contains(wanted));
    if expired || elsewhere || !identity.confirmation.is_empty() {
        return Some(Cause::InvalidToken);
    }
    let scopes = identity.scopes.clone().unwrap_or_default();
    let lacks = texts(&case["settings"]["required_scopes"]).iter().any(|scope| !scopes.contains(scope));
    lacks.then_some(Cause::InsufficientScope)
}

/// Whether some member is named twice: then the parsed value has fewer members than the text.
pub(super) fn names_twice(text: &str, json: &Value) -> bool {
    let members = |text: &str| text.split_whitespace().collect::<String>().matches("\":").count();
    members(text) != members(&json.to_string())
}
