//! What the documents promise is there.

use portcullis_tests::pages;

/// docs/security.md names a test for each item: a table of tests that were renamed or removed would be worth nothing.
#[test]
fn the_tests_that_docs_security_names_exist() {
    let root = portcullis_tests::gateway::root();
    let document = std::fs::read_to_string(root.join("docs/security.md")).unwrap();
    let mut count = 0;
    for row in document.lines().filter(|line| line.starts_with("| ") && line.as_bytes()[2].is_ascii_digit()) {
        let tests: Vec<(&str, &str)> = row.split('`').filter_map(|word| word.split_once("::")).collect();
        assert!(!tests.is_empty(), "no test: {row}");
        for (file, test) in tests {
            let source = root.join("tests/tests/gateway").join(file).with_extension("rs");
            let source = std::fs::read_to_string(&source).unwrap_or_else(|_| panic!("{} is missing", source.display()));
            assert!(source.contains(&format!("fn {test}()")), "{file}::{test} is missing");
            count += 1;
        }
    }
    assert!(count >= 40, "only {count} tests were found in the table");
}

/// The configuration of each page about a provider is taken as it stands there.
#[test]
fn the_configurations_of_the_providers_pages_are_good() {
    let pages = portcullis_tests::gateway::root().join("docs/providers");
    let mut count = 0;
    for page in std::fs::read_dir(&pages).unwrap().map(|entry| entry.unwrap().path()) {
        let text = std::fs::read_to_string(&page).unwrap();
        let blocks: Vec<&str> = text.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
        assert!(!blocks.is_empty(), "{}: no configuration", page.display());
        for block in blocks {
            let stem = page.file_stem().unwrap().to_string_lossy().into_owned();
            assert!(block.contains(&format!("adapter: {stem}\n")), "{}: another adapter's", page.display());
            let folder = portcullis_tests::gateway::adapters();
            let config = block.replace("./adapters", &folder.to_string_lossy());
            let config = filled(&config);
            let output = portcullis_tests::gateway::run(&["check", "--config", "{config}"], &config, &[]).unwrap();
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(0), "{}: {said}", page.display());
            count += 1;
        }
    }
    assert!(count >= 25, "{count}");
}

/// Each example of `config/` is taken as it stands there, with the shipped adapters.
#[test]
fn the_examples_are_good() {
    let pair = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (certificate, key) = (pair.cert.pem(), pair.signing_key.serialize_pem());
    let files = [("gate.pem", certificate.as_str()), ("gate.key", key.as_str())];
    let adapters = format!("adapters: {{folder: {}}}\n", portcullis_tests::gateway::adapters().display());
    let mut count = 0;
    for example in std::fs::read_dir(portcullis_tests::gateway::root().join("config")).unwrap() {
        let example = example.unwrap().path();
        let text = std::fs::read_to_string(&example).unwrap();
        let rest = text.lines().filter(|line| !line.starts_with("adapters:")).collect::<Vec<_>>().join("\n");
        let config = filled(&format!("{adapters}{rest}\n"));
        let output = portcullis_tests::gateway::run(&["check", "--config", "{config}"], &config, &files).unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{}: {said}", example.display());
        count += 1;
    }
    assert!(count >= 5, "{count}");
}

/// There is a page for each adapter, and what it shows of the settings is what the adapter says of itself.
#[test]
fn each_adapter_has_a_page_with_its_own_description() {
    let table = std::fs::read_to_string(pages::folder().with_extension("md")).unwrap();
    let adapters = pages::adapters().unwrap();
    assert!(adapters.len() >= 25, "{adapters:?}");
    for adapter in adapters {
        let page = pages::page_of(&adapter);
        let text = std::fs::read_to_string(&page).unwrap_or_else(|_| panic!("{} is missing", page.display()));
        let renewed = pages::renewed(&text, &adapter).unwrap_or_else(|error| panic!("{}: {error}", page.display()));
        assert!(text == renewed, "{} is not what its adapter says now: run `cargo xtask pages`", page.display());
        let name = page.file_name().unwrap().to_string_lossy().into_owned();
        assert!(table.contains(&format!("](providers/{name})")), "docs/providers.md does not name {name}");
    }
}

/// What docs/adapters.md quotes of a file stands in that file, and the crate keeps the contract that was released.
/// (`cargo xtask outside` does what the page says.)
#[test]
fn the_page_for_authors_of_adapters_quotes_the_crate_that_is_built() {
    let root = portcullis_tests::gateway::root();
    let slack = root.join("tests/outside/slack");
    let read = |file: &std::path::Path| std::fs::read_to_string(file).unwrap();
    let page = read(&root.join("docs/adapters.md"));
    let mut quoted = std::collections::BTreeSet::new();
    for block in page.split("\n```").skip(1).step_by(2) {
        let (kind, text) = block.split_once('\n').unwrap();
        if let Some((_, file)) = kind.split_once(' ') {
            let whole = read(&slack.join(file));
            assert!(format!("\n{whole}").contains(&format!("\n{text}")), "{file} does not have this:\n{text}");
            quoted.insert(file);
        } else {
            assert_eq!(kind, "console");
        }
    }
    assert_eq!(
        quoted.into_iter().collect::<Vec<_>>(),
        ["Cargo.toml", "cases/slack.json", "portcullis.yaml", "src/lib.rs"]
    );
    assert_eq!(read(&slack.join("wit/adapter.wit")), read(&root.join("wit/released/0.1.0/adapter.wit")));
}

/// With something in the place of what comes from the environment.
fn filled(config: &str) -> String {
    let mut parts = config.split("${");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |filled, part| {
        let rest = part.split_once('}').unwrap_or_else(|| panic!("no end of ${{: {part}")).1;
        format!("{filled}from-the-environment{rest}")
    })
}
