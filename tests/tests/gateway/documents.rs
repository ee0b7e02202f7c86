//! What the documents promise is there.

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
