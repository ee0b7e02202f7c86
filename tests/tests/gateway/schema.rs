//! `portcullis schema`, with the shipped adapters, read by a validator that others wrote: what `check` takes is valid, and a
//! typo is not. The names themselves are compared with the readers beside the code (`config/tests/every_name.rs`).

use portcullis_tests::gateway::{adapters, root, run};
use serde_json::{Map, Value, json};
use serde_yaml::{Event, Parser, ScalarStyle};
use std::collections::BTreeSet;
use std::path::Path;

fn printed() -> String {
    let output = run(&["schema", "--folder", &adapters().to_string_lossy()], "", &[]).unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

struct Validator(boon::Schemas, boon::SchemaIndex);

impl Validator {
    fn of_the_shipped_adapters() -> Self {
        let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
        compiler.add_resource("schema.json", serde_json::from_str(&printed()).unwrap()).unwrap();
        let index = compiler.compile("schema.json", &mut schemas).unwrap_or_else(|error| panic!("{error:#}"));
        Self(schemas, index)
    }

    fn complaint(&self, yaml: &str) -> Option<String> {
        self.0.validate(&parsed(yaml), self.1).err().map(|error| error.to_string())
    }
}

/// A document as an editor's parser takes it (YAML 1.2, core schema).
fn parsed(yaml: &str) -> Value {
    let mut parser = Parser::new_from_str(yaml);
    loop {
        let event = parser.next_event().unwrap().unwrap().0;
        if !matches!(event, Event::StreamStart | Event::DocumentStart(_)) {
            return node(&mut parser, event);
        }
    }
}

fn node<'a>(parser: &mut Parser<'a, serde_yaml::StrInput<'a>>, event: Event<'a>) -> Value {
    let next = |parser: &mut Parser<'a, serde_yaml::StrInput<'a>>| parser.next_event().unwrap().unwrap().0;
    match event {
        Event::Scalar(text, ScalarStyle::Plain, ..) => match text.as_ref() {
            "" | "null" | "~" => Value::Null,
            text => match serde_json::from_str(text) {
                Ok(plain @ (Value::Bool(_) | Value::Number(_))) => plain,
                _ => json!(text),
            },
        },
        Event::Scalar(text, ..) => json!(text),
        Event::SequenceStart(..) => {
            let mut items = Vec::new();
            loop {
                match next(parser) {
                    Event::SequenceEnd => return Value::Array(items),
                    event => items.push(node(parser, event)),
                }
            }
        }
        Event::MappingStart(..) => {
            let mut entries = Map::new();
            loop {
                match next(parser) {
                    Event::MappingEnd => return Value::Object(entries),
                    Event::Scalar(name, ..) => {
                        let event = next(parser);
                        let value = node(parser, event);
                        entries.insert(name.into_owned(), value);
                    }
                    other => panic!("a name that is no text: {other:?}"),
                }
            }
        }
        other => panic!("{other:?}"),
    }
}

fn files(folder: &Path, extension: &str, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, extension, found);
        } else if path.extension().is_some_and(|is| is == extension) {
            found.push(path);
        }
    }
}

#[test]
fn every_example_and_every_configuration_of_the_documents_is_valid() {
    let validator = Validator::of_the_shipped_adapters();
    let (mut examples, mut documents) = (Vec::new(), vec![root().join("README.md")]);
    files(&root().join("config"), "yaml", &mut examples);
    files(&root().join("docs"), "md", &mut documents);
    let mut count = 0;
    for file in examples.into_iter().chain(documents) {
        let text = std::fs::read_to_string(&file).unwrap();
        let blocks: Vec<&str> = match file.extension().is_some_and(|is| is == "yaml") {
            true => vec![&text],
            false => text.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect(),
        };
        for block in blocks {
            assert_eq!(validator.complaint(block), None, "{}", file.display());
            count += 1;
        }
    }
    assert!(count >= 31, "{count}");
}

#[test]
fn what_an_editor_marks_is_what_check_refuses() {
    let validator = Validator::of_the_shipped_adapters();
    let good = format!(
        "adapters: {{folder: {}}}\nproviders:\n  staff:\n    adapter: keycloak\n    settings: {{host: https://sso.example.com, \
         realm: staff, mode: userinfo}}\n    any_audience: true\nroutes:\n  - match: {{path: /}}\n    providers: [staff]\n    \
         upstream: {{url: \"http://127.0.0.1:8090\"}}\n",
        adapters().display()
    );
    let changes = [
        ("", ""),
        ("realm: staff", "relam: staff"),
        ("realm: staff, ", ""),
        ("realm: staff", "realm: 5"),
        ("mode: userinfo", "mode: user_info"),
        ("mode: userinfo", "allowed_orgs: [acme]"),
        ("adapter: keycloak", "adapter: keyclock"),
        ("any_audience: true", "any_audience: \"true\""),
        ("any_audience: true", "any_audiences: true"),
        ("any_audience: true", "any_audience: true\n    timeout: 5"),
        ("any_audience: true", "any_audience: true\n    realm: staff"),
        ("any_audience: true", "any_audience: true\n    cache: {tll: 60s}"),
        ("providers: [staff]", "providers: staff"),
        ("providers: [staff]", "providers: [staff]\n    basic_auth: maybe"),
        ("providers: [staff]", "providers: [staff]\n    identity_headers: {X-User: name}"),
        ("    providers: [staff]\n", ""),
        ("routes:", "listen: 8080\nroutes:"),
        ("routes:", "rules:"),
    ];
    for (from, to) in changes {
        let config = good.replacen(from, to, 1);
        assert!(config != good || from == to, "{from}");
        let output = run(&["check", "--config", "{config}"], &config, &[]).unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let (checked, complaint) = (output.status.code() == Some(0), validator.complaint(&config));
        assert_eq!(checked, from == to, "{to}: {said}");
        assert_eq!(complaint.is_none(), checked, "{to}: {complaint:?} {said}");
    }
}

#[test]
fn it_is_the_same_each_time_and_complete_in_the_reference() {
    let printed = self::printed();
    assert_eq!(printed, self::printed());
    let schema: Value = serde_json::from_str(&printed).unwrap();
    let mut names = BTreeSet::new();
    collect(&schema["properties"], &mut names);
    assert!(names.len() >= 55, "{names:?}");
    let source = |file: &str| std::fs::read_to_string(root().join(file)).unwrap();
    let (reference, full) = (source("docs/configuration.md"), source("config/full.yaml"));
    let quoted = reference.split('`').skip(1).step_by(2);
    let words: BTreeSet<&str> =
        quoted.flat_map(|code| code.split(|c: char| !c.is_ascii_lowercase() && c != '_')).collect();
    for name in &names {
        assert!(words.contains(name.as_str()), "docs/configuration.md does not have `{name}`");
        assert!(full.contains(&format!("{name}:")), "config/full.yaml does not have `{name}`");
    }
    // Each of the components, with its own settings.
    let mut components = Vec::new();
    files(&adapters(), "wasm", &mut components);
    let described = schema["definitions"].as_object().unwrap();
    assert_eq!(described.len(), components.len());
    assert!(described.values().all(|settings| settings["additionalProperties"] == false));
    assert_eq!(described["keycloak"]["required"], json!(["host", "realm"]));
}

/// The names of all mappings whose names are the gateway's.
fn collect(properties: &Value, names: &mut BTreeSet<String>) {
    for (name, schema) in properties.as_object().into_iter().flatten() {
        names.insert(name.clone());
        descend(schema, names);
    }
}

fn descend(schema: &Value, names: &mut BTreeSet<String>) {
    collect(&schema["properties"], names);
    for part in ["items", "additionalProperties"] {
        if schema[part].is_object() {
            descend(&schema[part], names);
        }
    }
    schema["anyOf"].as_array().into_iter().flatten().for_each(|one| descend(one, names));
}

#[test]
fn it_takes_the_folder_of_a_configuration_and_names_what_cannot_be_used() {
    let with = |arguments: &[&str], config: &str| run(arguments, config, &[("broken.wasm", "no component")]).unwrap();
    // A configuration that is not finished yet still names its folder.
    let config = format!("adapters: {{folder: {}}}\nrules: []\n", adapters().display());
    let output = with(&["schema", "--config", "{config}"], &config);
    assert_eq!((output.status.code(), String::from_utf8(output.stdout).unwrap()), (Some(0), printed()));

    let output = with(&["schema", "--folder", "{folder}"], "");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("broken.wasm"), "{said}");
    let schema: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(schema["definitions"], json!({}), "what can be used is printed all the same");

    for arguments in [["schema", "--folder", "{folder}/nowhere"], ["schema", "--config", "{folder}/nowhere.yaml"]] {
        let output = with(&arguments, "");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("nowhere"), "{arguments:?}");
        assert!(output.stdout.is_empty());
    }
}
