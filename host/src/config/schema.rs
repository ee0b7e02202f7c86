//! The configuration as a JSON Schema, for editors: the names of `names.rs`, and the settings as the adapters describe them.
//!
//! Draft 07, which every editor knows, yaml-language-server first of all. Whatever `check` takes is valid here; the reverse
//! cannot be: what a file must be beyond names, kinds and words, only `check` says.

use super::form::{Form, Name};
use super::names;
use portcullis_core::setting::{Description, SettingKind, SettingSpec};
use portcullis_core::tree;
use serde_json::{Map, Value, json};

/// `${NAME}` somewhere in a text, and no `$${`, which is no variable.
const VARIABLE: &str = r"(^|[^$])\$\{[A-Za-z_][A-Za-z0-9_]*\}";
/// Not blank.
const FILLED: &str = r"\S";
/// `300ms`, `5s`, `2m`, `1h`; no zero.
const DURATION: &str = "^0*[1-9][0-9]*(ms|s|m|h)$";
/// A provider's name, as `read.rs` wants it.
const PROVIDER_NAME: &str = "^[a-z0-9][a-z0-9_-]*$";

/// The schema of a configuration whose adapters folder holds these, by name.
#[must_use]
pub fn schema(adapters: &[(&str, &Description)]) -> Value {
    let mut schema = mapping(&names::TOP, adapters);
    insert(&mut schema, "$schema", json!("http://json-schema.org/draft-07/schema#"));
    insert(&mut schema, "title", json!("Portcullis"));
    insert(
        &mut schema,
        "description",
        json!("The configuration of a Portcullis gateway, with the adapters of one folder."),
    );
    let settings = adapters.iter().map(|(name, description)| ((*name).to_owned(), settings(description)));
    insert(&mut schema, "definitions", Value::Object(settings.collect()));
    schema
}

fn insert(schema: &mut Value, key: &str, value: Value) {
    if let Some(object) = schema.as_object_mut() {
        object.insert(key.to_owned(), value);
    }
}

/// A mapping that has these names and no other.
fn mapping(names: &[Name], adapters: &[(&str, &Description)]) -> Value {
    let properties: Map<String, Value> =
        names.iter().map(|name| (name.name.to_owned(), property(name, adapters))).collect();
    let required: Vec<&str> = names.iter().filter(|name| name.required).map(|name| name.name).collect();
    let mut schema = json!({"type": "object", "properties": properties, "additionalProperties": false});
    if !required.is_empty() {
        insert(&mut schema, "required", json!(required));
    }
    schema
}

fn property(name: &Name, adapters: &[(&str, &Description)]) -> Value {
    let mut schema = form(&name.form, adapters);
    insert(&mut schema, "description", json!(name.about));
    if let Some(default) = name.default {
        insert(&mut schema, "default", yaml(default));
    }
    if let Some(example) = name.example {
        insert(&mut schema, "examples", json!([yaml(example)]));
    }
    schema
}

fn form(form: &Form, adapters: &[(&str, &Description)]) -> Value {
    match form {
        Form::Text | Form::Secret => text(FILLED),
        Form::Like(pattern) => or_variable(&text(pattern)),
        Form::Flag => or_variable(&json!({"type": "boolean"})),
        Form::Duration => {
            // No keyword of the standard; editors show it in place of the expression.
            let mut schema = text(DURATION);
            insert(&mut schema, "patternErrorMessage", json!("write it like 5s, 300ms or 2m"));
            or_variable(&schema)
        }
        Form::Choice(words) => or_variable(&json!({"enum": words})),
        Form::Number(numbers) => {
            let plain = numbers.iter().map(|number| yaml(number));
            let quoted = numbers.iter().map(|number| json!(number));
            or_variable(&json!({"enum": plain.chain(quoted).collect::<Vec<Value>>()}))
        }
        Form::List(member, least) => {
            let mut schema = json!({"type": "array", "items": self::form(member, adapters)});
            if *least > 0 {
                insert(&mut schema, "minItems", json!(least));
            }
            schema
        }
        Form::Mapping(names) => mapping(names, adapters),
        Form::Named(member) => {
            let mut schema = json!({"type": "object", "additionalProperties": self::form(member, adapters)});
            if matches!(member, Form::Provider) {
                insert(&mut schema, "propertyNames", json!({"pattern": PROVIDER_NAME}));
            }
            schema
        }
        Form::Either(forms) => {
            json!({"anyOf": forms.iter().map(|one| self::form(one, adapters)).collect::<Vec<Value>>()})
        }
        Form::Adapter => {
            let known: Vec<&str> = adapters.iter().map(|(name, _)| *name).collect();
            or_variable(&json!({"enum": known}))
        }
        // Which they are, the adapter's name says: `provider`.
        Form::Settings => json!({"title": "settings", "type": "object"}),
        Form::Provider => provider(adapters),
        Form::Route => route(adapters),
    }
}

/// The settings are those of the adapter that is named.
fn provider(adapters: &[(&str, &Description)]) -> Value {
    let of_adapter = |(name, description): &(&str, &Description)| {
        let mut then = json!({"properties": {"settings": {"$ref": format!("#/definitions/{name}")}}});
        if description.settings.iter().any(is_demanded) {
            insert(&mut then, "required", json!(["settings"]));
        }
        json!({"if": {"properties": {"adapter": {"const": name}}, "required": ["adapter"]}, "then": then})
    };
    let mut schema = mapping(&names::PROVIDER, adapters);
    insert(&mut schema, "title", json!("provider"));
    if !adapters.is_empty() {
        insert(&mut schema, "allOf", adapters.iter().map(of_adapter).collect());
    }
    schema
}

/// Exactly one of `providers` and `public: true`, and nothing on a public route that has no meaning there.
fn route(adapters: &[(&str, &Description)]) -> Value {
    let mut schema = mapping(&names::ROUTE, adapters);
    insert(&mut schema, "title", json!("route"));
    insert(&mut schema, "anyOf", json!([{"required": ["providers"]}, {"required": ["public"]}]));
    let is = |flag: bool| or_variable(&json!({"const": flag}));
    let mut public: Map<String, Value> =
        names::NOT_PUBLIC.iter().map(|name| ((*name).to_owned(), json!(false))).collect();
    public.insert("public".to_owned(), is(true));
    insert(&mut schema, "if", json!({"required": ["providers"]}));
    insert(&mut schema, "then", json!({"properties": {"public": is(false)}}));
    insert(&mut schema, "else", json!({"properties": public}));
    schema
}

/// What may stand under `settings:` of an adapter: what it describes, and the gateway as a client.
fn settings(description: &Description) -> Value {
    let mut schema = mapping(&names::CLIENT, &[]);
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.extend(description.settings.iter().map(|spec| (spec.name.clone(), setting(spec))));
    }
    let about = format!("{} {}: {}", description.title, description.version, description.about);
    insert(&mut schema, "title", json!(format!("settings of {}", description.title)));
    insert(&mut schema, "description", json!(about));
    let required: Vec<&str> =
        description.settings.iter().filter(|spec| is_demanded(spec)).map(|spec| spec.name.as_str()).collect();
    if !required.is_empty() {
        insert(&mut schema, "required", json!(required));
    }
    let conditions: Vec<Value> = description.settings.iter().filter_map(|spec| condition(spec, description)).collect();
    if !conditions.is_empty() {
        insert(&mut schema, "allOf", json!(conditions));
    }
    schema
}

/// Whether it must be there whatever else is: what has a default is never missing.
fn is_demanded(spec: &SettingSpec) -> bool {
    spec.required && spec.default.is_none() && spec.only_when.is_none()
}

/// Must be there where another setting has one of some values; that one's default counts.
fn condition(spec: &SettingSpec, description: &Description) -> Option<Value> {
    let (other, wanted) = spec.only_when.as_ref().filter(|_| spec.required && spec.default.is_none())?;
    let other = description.setting(other)?;
    let values: Vec<Value> = wanted.iter().map(|value| value_of(other.kind, value)).collect();
    let holds = match other.kind {
        SettingKind::Texts => json!({"contains": {"enum": values}}),
        _ => json!({"enum": values}),
    };
    let mut condition = json!({"properties": {&other.name: holds}});
    if !other.default.as_ref().is_some_and(|default| wanted.contains(default)) {
        insert(&mut condition, "required", json!([other.name]));
    }
    Some(json!({"if": condition, "then": {"required": [spec.name]}}))
}

fn setting(spec: &SettingSpec) -> Value {
    let mut schema = match spec.kind {
        SettingKind::Text if spec.choices.is_empty() => text(if spec.required { FILLED } else { r"^$|\S" }),
        SettingKind::Text => {
            let words: Vec<&str> = spec.choices.iter().map(|(word, _)| word.as_str()).collect();
            or_variable(&json!({"enum": words}))
        }
        SettingKind::Flag => or_variable(&json!({"type": "boolean"})),
        SettingKind::Number => or_variable(&json!({"type": "integer"})),
        SettingKind::Texts => json!({"type": "array", "items": text(FILLED), "minItems": 1}),
        SettingKind::Pairs => json!({"type": "object", "additionalProperties": {"type": "string"}}),
        SettingKind::Secret | SettingKind::BaseUrl | SettingKind::Url => text(FILLED),
    };
    let mut about = spec.about.clone();
    for (word, meaning) in &spec.choices {
        about.push_str(&format!("\n\n`{word}`: {meaning}"));
    }
    if let Some((other, values)) = &spec.only_when {
        about.push_str(&format!("\n\nOnly where `{other}` is {}.", values.join(" or ")));
    }
    insert(&mut schema, "description", json!(about));
    if let Some(default) = &spec.default {
        insert(&mut schema, "default", value_of(spec.kind, default));
    }
    if let Some(example) = &spec.example {
        insert(&mut schema, "examples", json!([value_of(spec.kind, example)]));
    }
    schema
}

/// A value of an adapter's setting as the adapter writes it: "as it would stand in YAML, without quotes".
fn value_of(kind: SettingKind, written: &str) -> Value {
    match kind {
        SettingKind::Flag | SettingKind::Number | SettingKind::Texts | SettingKind::Pairs => yaml(written),
        SettingKind::Text if written.starts_with(['"', '\'']) => yaml(written),
        SettingKind::Text | SettingKind::Secret | SettingKind::BaseUrl | SettingKind::Url => json!(written),
    }
}

fn text(pattern: &str) -> Value {
    json!({"type": "string", "pattern": pattern})
}

/// This, or what the environment says.
fn or_variable(schema: &Value) -> Value {
    json!({"anyOf": [schema, text(VARIABLE)]})
}

/// A text of YAML as an editor's parser takes it. What cannot be parsed stays a text.
pub(super) fn yaml(written: &str) -> Value {
    let mut problems = portcullis_core::problem::Problems::new("");
    tree::parse(written.as_bytes(), &mut problems)
        .filter(|_| problems.is_empty())
        .map_or_else(|| json!(written), |node| json_of(&node))
}

fn json_of(node: &tree::Node) -> Value {
    match &node.value {
        tree::Value::Scalar { text, quoted: false, .. } => match serde_json::from_str(text) {
            Ok(plain @ (Value::Bool(_) | Value::Number(_))) => plain,
            _ => json!(text),
        },
        tree::Value::Scalar { text, .. } => json!(text),
        tree::Value::Sequence(items) => items.iter().map(json_of).collect(),
        tree::Value::Mapping(entries) => {
            Value::Object(entries.iter().map(|(key, node)| (key.text.clone(), json_of(node))).collect())
        }
        tree::Value::Null | tree::Value::Reported => Value::Null,
    }
}
