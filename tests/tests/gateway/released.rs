//! Adapters that were compiled when a version of the contract was released, with the cases of that day: today's gateway
//! loads each and comes to the same verdicts. They stand for the adapters that people have built and will not build again.

use portcullis_tests::gateway::{root, run};
use portcullis_tests::sums;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// One folder a released version of the contract.
fn fixtures() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join("tests/fixtures")).unwrap();
    let is_one = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().starts_with("adapters-");
    entries.map(|entry| entry.unwrap().path()).filter(is_one).collect()
}

/// The adapters of one build and their cases, by `portcullis adapter test`: how many passed of each.
fn passed(folder: &Path, names: &BTreeSet<&str>, cases: &Path) -> BTreeMap<String, usize> {
    let mut arguments =
        vec!["adapter".to_owned(), "test".to_owned(), folder.display().to_string(), "--json".to_owned()];
    for name in names {
        arguments.extend(["--cases".to_owned(), cases.join(name).display().to_string()]);
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let output = run(&arguments, "", &[]).unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{complaint}"));
    let mut counted = BTreeMap::new();
    for case in report["cases"].as_array().unwrap() {
        assert_eq!(case["outcome"], "passed", "{}: {case}\n{complaint}", folder.display());
        *counted.entry(case["provider"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    assert_eq!(output.status.code(), Some(0), "{}: {complaint}", folder.display());
    counted
}

#[test]
fn adapters_of_every_released_contract_still_pass_the_cases_of_their_day() {
    let mut tried = BTreeSet::new();
    for folder in fixtures() {
        let files = sums::unchanged(&folder).unwrap();
        let mut builds: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for file in files.keys().filter_map(|file| file.strip_suffix(".wasm")) {
            let (build, name) = file.split_once('/').unwrap();
            builds.entry(build).or_default().insert(name);
        }
        for (build, names) in builds {
            let counted = passed(&folder.join(build), &names, &folder.join("cases"));
            assert_eq!(counted.keys().map(String::as_str).collect::<BTreeSet<_>>(), names, "{build}");
            for (name, count) in counted {
                let recorded = files
                    .iter()
                    .filter(|(file, _)| file.starts_with(&format!("cases/{name}/")))
                    .map(|(_, cases)| serde_json::from_slice::<Vec<serde_json::Value>>(cases).unwrap().len());
                assert_eq!(count, recorded.sum::<usize>(), "{name}: not every case was played");
            }
        }
        tried.insert(folder.file_name().unwrap().to_string_lossy().replace("adapters-", ""));
    }
    // None is left out: a version that is released has its fixtures.
    let released = sums::unchanged(&root().join("wit/released")).unwrap();
    let released = released.keys().map(|file| file.split('/').next().unwrap().to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(tried, released);
}
