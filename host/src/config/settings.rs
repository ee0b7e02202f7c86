//! Settings against what their adapter says of them: names, kinds, choices, what must be there. The adapter sees them only
//! after this.

use super::resolve::Resolve;
use super::{ClientAuth, ClientConfig, files, names};
use portcullis_core::base_url::{self, Origin};
use portcullis_core::problem::{Problem, Problems};
use portcullis_core::setting::{Description, RESERVED, SettingKind, SettingSpec, SettingValue};
use portcullis_core::text::{one_of, shown, suggestion};
use portcullis_core::tree::{self, At};
use std::collections::BTreeMap;

/// Names that stand beside `settings:`, and that people write into it.
const BESIDE: [&str; 8] =
    ["username_attribute", "audience", "required_scopes", "origins", "allow_http", "tls", "timeout", "proxy"];

/// Whether a name stands beside `settings:` and not in it.
pub(crate) fn is_beside_settings(name: &str) -> bool {
    BESIDE.contains(&name)
}

/// What came of a provider's settings.
#[derive(Debug, Default)]
pub(super) struct Checked {
    pub(super) settings: Vec<(String, SettingValue)>,
    pub(super) client: ClientConfig,
    pub(super) granted: Vec<Origin>,
    pub(super) lines: BTreeMap<String, usize>,
}

/// Reads `settings:`; `at` is `None` where it was left out, `provider` the mapping in which it would stand.
pub(super) fn check(
    provider: &At<'_>,
    at: Option<&At<'_>>,
    description: &Description,
    allow_http: bool,
    resolve: &dyn Resolve,
    problems: &mut Problems,
) -> Option<Checked> {
    let entries = match at {
        Some(at) => at.entries(problems)?,
        None => Vec::new(),
    };
    let mut checked = Checked::default();
    // `None`: written, but wrong, which was reported.
    let mut values: BTreeMap<String, Option<SettingValue>> = BTreeMap::new();
    let mut reserved = Vec::new();
    for (name, at) in entries {
        let at = at.of_setting(&name);
        checked.lines.insert(name.clone(), at.position().line);
        if RESERVED.contains(&name.as_str()) {
            reserved.extend(client(&name, &at, &mut checked.client, resolve, problems));
        } else if let Some(spec) = description.setting(&name) {
            let value = value(spec, &at, allow_http, resolve, problems);
            if let (SettingKind::BaseUrl | SettingKind::Url, Some(SettingValue::Text(url))) = (spec.kind, &value) {
                checked.granted.extend(url::Url::parse(url).ok().and_then(|url| Origin::of(&url)));
            }
            values.insert(name, value);
        } else {
            unknown(&name, &at, description, problems);
        }
    }
    for spec in &description.settings {
        if !values.contains_key(&spec.name)
            && let Some(text) = &spec.default
        {
            values.insert(spec.name.clone(), default(spec, text, provider, problems));
        }
    }
    for spec in &description.settings {
        if spec.required && !values.contains_key(&spec.name) && holds(spec, &values) {
            missing(spec, provider, at, problems);
        }
    }
    for spec in &description.settings {
        if let Some(Some(value)) = values.remove(&spec.name) {
            checked.settings.push((spec.name.clone(), value));
        }
    }
    checked.settings.extend(reserved);
    Some(checked)
}

fn value(
    spec: &SettingSpec,
    at: &At<'_>,
    allow_http: bool,
    resolve: &dyn Resolve,
    problems: &mut Problems,
) -> Option<SettingValue> {
    match spec.kind {
        SettingKind::Text => {
            let empty = !spec.required && spec.choices.is_empty() && at.node().as_text() == Some("");
            let text = if empty { at.text_or_blank(problems)? } else { at.text(problems)? };
            if !spec.choices.is_empty() && !spec.choices.iter().any(|(choice, _)| *choice == text) {
                let remedy = format!("write {}", one_of(spec.choices.iter().map(|(choice, _)| choice.as_str())));
                at.report(problems, format!("is `{}`", at.shown()), remedy);
                return None;
            }
            Some(SettingValue::Text(text))
        }
        SettingKind::Flag => at.flag(problems).map(SettingValue::Flag),
        SettingKind::Number => at.whole(problems).map(SettingValue::Number),
        SettingKind::Texts => {
            let texts = at.texts(problems)?;
            if texts.is_empty() {
                // Nobody, or everybody? The adapter's author and the administrator may answer differently.
                at.report(problems, "is an empty list", "write at least one, or leave the line out");
                return None;
            }
            Some(SettingValue::Texts(texts))
        }
        SettingKind::Pairs => at.pairs(problems).map(SettingValue::Pairs),
        SettingKind::Secret => files::secret(at, resolve, problems).map(SettingValue::Secret),
        SettingKind::BaseUrl | SettingKind::Url => {
            let text = at.text(problems)?;
            let url = normal_url(spec.kind, &text);
            if let Err(flaw) = &url {
                at.report(problems, flaw.problem, flaw.remedy);
            }
            let url = url.ok()?;
            encrypted(at, &url, allow_http, problems)?;
            Some(SettingValue::Text(url))
        }
    }
}

fn normal_url(kind: SettingKind, text: &str) -> Result<String, base_url::Flaw> {
    if kind == SettingKind::BaseUrl { base_url::base_url(text) } else { base_url::url(text) }
}

/// Refuses an http URL beyond loopback, unless the provider allows it.
pub(super) fn encrypted(at: &At<'_>, url: &str, allow_http: bool, problems: &mut Problems) -> Option<()> {
    if allow_http || !base_url::is_clear(url) {
        return Some(());
    }
    let remedy = "write https://, or `allow_http: true` beside `settings` if the network between is your own";
    at.report(problems, "would send credentials over http, in clear", remedy);
    None
}

/// A default is the adapter's own text, "as it would stand in YAML".
fn default(spec: &SettingSpec, text: &str, provider: &At<'_>, problems: &mut Problems) -> Option<SettingValue> {
    let yaml = || {
        let mut ignored = Problems::new("");
        tree::parse(text.as_bytes(), &mut ignored).filter(|_| ignored.is_empty())
    };
    let mut ignored = Problems::new("");
    let value = match spec.kind {
        SettingKind::Text if text.starts_with(['"', '\'']) => {
            yaml().and_then(|node| node.as_text().map(str::to_owned)).map(SettingValue::Text)
        }
        SettingKind::Text => Some(SettingValue::Text(text.to_owned())),
        SettingKind::BaseUrl | SettingKind::Url => normal_url(spec.kind, text).ok().map(SettingValue::Text),
        SettingKind::Flag => text.parse().ok().map(SettingValue::Flag),
        SettingKind::Number => text.parse().ok().map(SettingValue::Number),
        SettingKind::Texts => {
            yaml().and_then(|node| At::new(&node, "").text_or_texts(&mut ignored)).map(SettingValue::Texts)
        }
        SettingKind::Pairs => yaml().and_then(|node| At::new(&node, "").pairs(&mut ignored)).map(SettingValue::Pairs),
        SettingKind::Secret => None,
    };
    if value.is_none() {
        let problem = format!("has no usable default for its setting `{}`: the adapter is at fault", shown(&spec.name));
        provider.report(problems, problem, "write the setting, and tell the adapter's author");
    }
    value
}

/// Whether a setting has a meaning. Where the setting that decides is itself wrong, nothing more is demanded.
fn holds(spec: &SettingSpec, values: &BTreeMap<String, Option<SettingValue>>) -> bool {
    let Some((other, wanted)) = &spec.only_when else { return true };
    match values.get(other) {
        Some(Some(SettingValue::Text(text))) => wanted.contains(text),
        Some(Some(SettingValue::Flag(flag))) => wanted.contains(&flag.to_string()),
        Some(Some(SettingValue::Number(number))) => wanted.contains(&number.to_string()),
        Some(Some(SettingValue::Texts(texts))) => texts.iter().any(|text| wanted.contains(text)),
        Some(Some(SettingValue::Pairs(_) | SettingValue::Secret(_)) | None) | None => false,
    }
}

fn missing(spec: &SettingSpec, provider: &At<'_>, at: Option<&At<'_>>, problems: &mut Problems) {
    let example = spec.example.as_ref().map(|example| format!(", like {}", shown(example))).unwrap_or_default();
    let about = spec.about.trim_end_matches('.');
    let place = at.unwrap_or(provider).position();
    problems.push(Problem {
        line: Some(place.line),
        column: Some(place.column),
        path: format!("{}.settings.{}", provider.path(), spec.name),
        setting: Some(spec.name.clone()),
        problem: "is missing".to_owned(),
        remedy: format!("write `{}`: {about}{example}", spec.name),
    });
}

fn unknown(name: &str, at: &At<'_>, description: &Description, problems: &mut Problems) {
    if is_beside_settings(name) {
        return at.report(problems, "does not belong here", "write it beside `settings`, one level up");
    }
    let known = description.settings.iter().map(|spec| spec.name.as_str());
    let remedy = if problems.are_few() {
        let near = portcullis_core::text::nearest(name, known.clone().chain(RESERVED));
        near.map_or_else(|| suggestion(name, known), |near| format!("did you mean `{near}`?"))
    } else {
        "remove it".to_owned()
    };
    at.report(problems, format!("is unknown: {} has no setting `{}`", description.title, shown(name)), remedy);
}

/// One of the settings that belong to the gateway for every provider (RFC 6749 2.3).
fn client(
    name: &str,
    at: &At<'_>,
    client: &mut ClientConfig,
    resolve: &dyn Resolve,
    problems: &mut Problems,
) -> Option<(String, SettingValue)> {
    let value = match name {
        "client_id" => {
            let id = at.text(problems)?;
            client.id = Some(id.clone());
            SettingValue::Text(id)
        }
        "client_secret" => {
            let secret = files::secret(at, resolve, problems)?;
            if secret.reveal().chars().any(char::is_control) {
                at.report(problems, "holds a control character", "look for a line break or a tab in it");
                return None;
            }
            client.secret = Some(secret.clone());
            SettingValue::Secret(secret)
        }
        "client_auth" => {
            let auth = at.choice(&names::CLIENT_AUTH, problems)?;
            client.auth = match auth {
                "post" => ClientAuth::Post,
                "none" => ClientAuth::None,
                "private_key_jwt" => ClientAuth::PrivateKeyJwt,
                "mtls" => ClientAuth::Mtls,
                _ => ClientAuth::Basic,
            };
            SettingValue::Text(auth.to_owned())
        }
        "client_key" => {
            let key = files::secret(at, resolve, problems)?;
            client.key = Some(key.clone());
            SettingValue::Secret(key)
        }
        _ => {
            let text = at.text(problems)?;
            match name {
                "client_key_id" => client.key_id = Some(text),
                _ => client.assertion_audience = Some(text),
            }
            // No adapter's matter.
            return None;
        }
    };
    Some((name.to_owned(), value))
}
