//! The names of `names.rs` against the readers, and the schema that is made of them against both, on documents that hold
//! every name that there is.

use super::super::form::{Form, Name};
use super::super::names;
use super::super::schema::yaml;
use super::*;
use serde_json::{Map, Value, json};

/// Every name, with its example or its default; from `turn` 1 on with one word or form after the other.
fn everything(turn: usize) -> Value {
    mapping(&names::TOP, turn)
}

fn mapping(names: &'static [Name], turn: usize) -> Value {
    Value::Object(names.iter().map(|name| (name.name.to_owned(), value(name, turn))).collect())
}

fn value(name: &Name, turn: usize) -> Value {
    let written = name.example.or(name.default).filter(|_| turn == 0 || !has_turns(&name.form));
    match name.name {
        // Every provider that there is, so that `fall_through` has somebody to fall to.
        "providers" if matches!(name.form, Form::List(..)) => json!(["staff", "others"]),
        _ => written.map_or_else(|| form(&name.form, turn), yaml),
    }
}

fn has_turns(form: &Form) -> bool {
    match form {
        Form::Text | Form::Secret | Form::Like(_) | Form::Duration => false,
        Form::List(member, _) => has_turns(member),
        Form::Either(forms) => forms.iter().any(has_turns),
        _ => true,
    }
}

fn form(form: &Form, turn: usize) -> Value {
    let turn_of = |count: usize| turn.saturating_sub(1) % count;
    match form {
        Form::Text | Form::Secret => json!("a"),
        Form::Like(_) => json!("attributes.department"),
        Form::Flag => json!(turn > 0 && turn.is_multiple_of(2)),
        Form::Duration => json!("5s"),
        Form::Choice(words) => json!(words[turn_of(words.len())]),
        Form::Number(numbers) => yaml(numbers[turn_of(numbers.len())]),
        Form::List(Form::Text, least) => (0..*least.max(&1)).map(|index| json!(format!("a{index}"))).collect(),
        Form::List(member, _) => json!([self::form(member, turn)]),
        Form::Mapping(names) => mapping(names, turn),
        Form::Named(Form::Provider) => json!({"staff": provider(turn), "others": provider(turn)}),
        Form::Named(member) => json!({"X-Some-Name": self::form(member, turn)}),
        Form::Either(forms) => self::form(&forms[turn_of(forms.len())], turn.div_ceil(forms.len())),
        Form::Provider => provider(turn),
        Form::Route => mapping(&names::ROUTE, turn),
        Form::Adapter => json!("keycloak"),
        Form::Settings => mapping(&names::CLIENT, turn),
    }
}

fn provider(turn: usize) -> Value {
    let mut provider = mapping(&names::PROVIDER, turn);
    provider["settings"]["host"] = json!("https://sso.example.com");
    provider["settings"]["realm"] = json!("staff");
    provider
}

/// What is right in itself and needs something else, which these documents do not have.
fn is_about_something_else(problem: &str) -> bool {
    ["stands beside `public: true`", "no provider of the route takes Basic pairs"]
        .iter()
        .any(|part| problem.contains(part))
}

fn problems(document: &Value) -> Vec<String> {
    let read = read(document.to_string().as_bytes());
    let told = read.err().map(|problems| problems.to_string()).unwrap_or_default();
    told.lines().filter(|line| !is_about_something_else(line)).map(str::to_owned).collect()
}

#[test]
fn every_name_example_default_and_word_is_taken_by_the_readers() {
    for turn in 0..=10 {
        let document = everything(turn);
        assert_eq!(problems(&document), [""; 0], "{document:#}");
    }
}

#[test]
fn what_is_called_a_default_is_what_holds_where_nothing_is_written() {
    fn defaults(names: &'static [Name]) -> Map<String, Value> {
        let of = |name: &'static Name| match (name.default, &name.form) {
            (Some(default), _) => Some(yaml(default)),
            (None, Form::Mapping(names)) => Some(Value::Object(defaults(names))).filter(|found| *found != json!({})),
            _ => None,
        };
        names.iter().filter_map(|name| Some((name.name.to_owned(), of(name)?))).collect()
    }
    let settings = json!({"host": "https://sso.example.com", "realm": "staff"});
    let providers = |extra: &Map<String, Value>| {
        let mut provider = extra.clone();
        provider.extend([("adapter".to_owned(), json!("keycloak")), ("settings".to_owned(), settings.clone())]);
        json!({"staff": provider, "others": provider})
    };
    let routes = |extra: &Map<String, Value>| {
        let mut route = Value::Object(extra.clone());
        route["providers"] = json!(["staff", "others"]);
        route["upstream"]["url"] = json!("http://127.0.0.1:8090");
        json!([route])
    };
    let none = Map::new();
    let unwritten = json!({"providers": providers(&none), "routes": routes(&none)});
    let mut written = Value::Object(defaults(&names::TOP));
    written["providers"] = providers(&defaults(&names::PROVIDER));
    written["routes"] = routes(&defaults(&names::ROUTE));
    assert!(written["routes"][0].as_object().unwrap().len() >= 10, "{written:#}");
    assert_eq!(format!("{:?}", good(&written.to_string())), format!("{:?}", good(&unwritten.to_string())));
    assert!(names::CLIENT.iter().all(|name| name.default.is_none_or(|word| word == "basic")));
    assert_eq!(ClientAuth::default(), ClientAuth::Basic);
}

#[test]
fn the_clients_names_are_the_reserved_ones() {
    assert_eq!(names::CLIENT.iter().map(|name| name.name).collect::<Vec<_>>(), portcullis_core::setting::RESERVED);
}

/// The schema with the stand-ins for adapters, as somebody else's validator reads it.
struct Validator(boon::Schemas, boon::SchemaIndex);

impl Validator {
    fn new() -> Self {
        let described = ["keycloak", "kinds", "userinfo"].map(|name| (name, describe(name).unwrap()));
        let adapters: Vec<(&str, &Description)> = described.iter().map(|(name, found)| (*name, found)).collect();
        let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
        compiler.add_resource("portcullis.schema.json", schema(&adapters)).unwrap();
        let index =
            compiler.compile("portcullis.schema.json", &mut schemas).unwrap_or_else(|error| panic!("{error:#}"));
        Self(schemas, index)
    }

    fn complaint(&self, document: &Value) -> Option<String> {
        self.0.validate(document, self.1).err().map(|error| error.to_string())
    }
}

/// Exactly one of `providers` and `public`, so that a document is right as a whole.
fn right(turn: usize) -> Value {
    let mut document = everything(turn);
    document["routes"][0].as_object_mut().unwrap().remove("public");
    document["routes"][0]["basic_auth"] = json!("block");
    document
}

#[test]
fn the_schema_takes_what_the_readers_take() {
    let validator = Validator::new();
    for turn in 0..=10 {
        let document = right(turn);
        good(&document.to_string());
        assert_eq!(validator.complaint(&document), None, "{document:#}");
    }
    let kinds = json!({"text": "5", "flag": false, "number": 12, "texts": ["x"], "pairs": {"k": ""},
        "secret": "file:secret.txt", "base": "sso.example.com", "choice": "two", "when": "now"});
    for (name, value) in [("flag", "${TRUE}"), ("choice", "${CHOICE}"), ("number", "${PORT}"), ("secret", "${GOOD}")] {
        let mut document = right(0);
        document["providers"]["staff"] = json!({"adapter": "kinds", "settings": kinds});
        assert_eq!(validator.complaint(&document), None, "{document:#}");
        good(&document.to_string());
        document["providers"]["staff"]["settings"][name] = json!(value);
        assert_eq!(validator.complaint(&document), None, "{name}");
        good(&document.to_string());
    }
}

/// Everywhere in a document that has every name: another kind, a list, a mapping with an unknown name, an unknown word.
#[test]
fn the_schema_refuses_the_names_kinds_and_words_that_the_readers_refuse() {
    let validator = Validator::new();
    let mut document = right(0);
    document["providers"]["others"] = json!({"adapter": "kinds", "settings": {"text": "5", "flag": false, "number": 12,
        "texts": ["x"], "pairs": {"k": "v"}, "secret": "a", "base": "sso.example.com", "choice": "two", "when": "now"}});
    let mut pointers = Vec::new();
    collect(&document, String::new(), &mut pointers);
    assert!(pointers.len() > 90, "{pointers:?}");
    let (mut refused, mut words) = (0, 0);
    for pointer in &pointers {
        for other in [json!(7), json!([7]), json!(true), json!({"zzz": 7}), json!(null), json!("zzz")] {
            let mut changed = document.clone();
            *changed.pointer_mut(pointer).unwrap() = other.clone();
            let told = read(changed.to_string().as_bytes()).err().map(|problems| problems.to_string());
            let complaint = validator.complaint(&changed);
            let shown = format!("{pointer}: {other}\nthe schema: {complaint:?}\nthe readers: {told:?}");
            // A word may be wrong for more reasons than a schema knows, but never right for the one and wrong for the other.
            let judged = !other.is_string() || told.as_ref().is_none_or(|told| told.contains("is `zzz`; write "));
            assert!(told.is_some() || complaint.is_none(), "{shown}");
            assert!(!judged || told.is_some() == complaint.is_some(), "{shown}");
            refused += usize::from(complaint.is_some());
            words += usize::from(complaint.is_some() && other.is_string());
        }
        let mut changed = document.clone();
        if let Some(mapping) = changed.pointer_mut(pointer).and_then(Value::as_object_mut) {
            mapping.insert("zzz".to_owned(), json!("zzz"));
            let told = read(changed.to_string().as_bytes()).err();
            assert_eq!(told.is_some(), validator.complaint(&changed).is_some(), "{pointer}: {told:?}");
        }
    }
    assert!(refused > 300 && words > 30, "{refused} {words}");
}

fn collect(value: &Value, pointer: String, pointers: &mut Vec<String>) {
    match value {
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| collect(item, format!("{pointer}/{index}"), pointers));
        }
        Value::Object(entries) => {
            entries.iter().for_each(|(name, item)| collect(item, format!("{pointer}/{name}"), pointers));
        }
        _ => {}
    }
    pointers.push(pointer);
}

#[test]
fn what_must_be_there_and_what_excludes_each_other() {
    let validator = Validator::new();
    type Change = fn(&mut Value);
    let changes: [(&str, Change); 9] = [
        ("no routes", |d| drop(d.as_object_mut().unwrap().remove("routes"))),
        ("no adapter", |d| drop(d["providers"]["staff"].as_object_mut().unwrap().remove("adapter"))),
        ("no settings", |d| drop(d["providers"]["staff"].as_object_mut().unwrap().remove("settings"))),
        ("no realm", |d| drop(d["providers"]["staff"]["settings"].as_object_mut().unwrap().remove("realm"))),
        ("another adapter's", |d| d["providers"]["staff"]["adapter"] = json!("userinfo")),
        ("what a choice demands", |d| {
            d["providers"]["staff"] = json!({"adapter": "kinds", "settings": {"text": "a", "choice": "two"}});
        }),
        ("both", |d| d["routes"][0]["public"] = json!(true)),
        ("neither", |d| drop(d["routes"][0].as_object_mut().unwrap().remove("providers"))),
        ("a provider's name", |d| d["providers"]["Staff"] = d["providers"]["staff"].clone()),
    ];
    for (what, change) in changes {
        let mut document = right(0);
        change(&mut document);
        let told = bad(&document.to_string());
        assert!(validator.complaint(&document).is_some(), "{what}: {told}");
    }
    let mut public = json!({"routes": [{"public": true, "upstream": {"url": "http://127.0.0.1:8090"}}]});
    assert_eq!(validator.complaint(&public), None);
    good(&public.to_string());
    for name in names::NOT_PUBLIC {
        let of = names::ROUTE.iter().find(|other| other.name == name).unwrap();
        public["routes"][0] = json!({"public": true, "upstream": {"url": "http://127.0.0.1:8090"}, name: value(of, 0)});
        bad(&public.to_string());
        assert!(validator.complaint(&public).is_some(), "{name}");
    }
}
