//! What may become of the contract, and what not: the real file with a change in it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;

fn frozen() -> String {
    read(&root().join("wit/released/0.1.0/adapter.wit")).unwrap()
}

/// The frozen contract with texts replaced, each of them there.
fn with(changes: &[(&str, &str)]) -> String {
    changes.iter().fold(frozen(), |text, (from, to)| {
        assert!(text.contains(from), "{from} is not in the contract");
        text.replace(from, to)
    })
}

fn checked(today: &str) -> Outcome<Vec<String>> {
    check(today, &BTreeMap::from([("0.1.0".to_owned(), frozen())]))
}

const NEWER: (&str, &str) = ("package portcullis:adapter@0.1.0", "package portcullis:adapter@0.1.1");
const FIELD: (&str, &str) = ("record pair { name: string, ", "record pair { name: string, note: string, ");
const CASE: (&str, &str) = ("    service,\n  }", "    service,\n    device,\n  }");
const VARIANT: (&str, &str) = ("    at(s64),", "    at(s64),\n    never,");
const GONE: (&str, &str) = ("  describe: func() -> description;", "");
const PARAMETER: (&str, &str) = ("identify: func(context: context,", "identify: func(given: context,");
const RESULT: (&str, &str) = ("result<finding, refusal>", "result<finding, cause>");
const OPTION: (&str, &str) = ("    issuer: option<string>,", "    issuer: string,");
const EXPORTED: (&str, &str) =
    ("  describe: func() -> description;", "  describe: func() -> description;\n  more: func();");
const IMPORT_GONE: (&str, &str) = ("  write: func(level: level, message: string);", "");
const IMPORTED: (&str, &str) = (
    "  write: func(level: level, message: string);",
    "  write: func(level: level, message: string);\n  @since(version = 0.1.1)\n  count: func(what: string);",
);
const INTERFACE: (&str, &str) = (
    "  import log;",
    "  import log;\n  @since(version = 0.1.1)\n  import clock: interface { @since(version = 0.1.1) now: func() -> u64; }",
);

#[test]
fn what_an_adapter_exports_is_frozen() {
    for change in [FIELD, CASE, VARIANT, GONE, PARAMETER, RESULT, OPTION, EXPORTED, IMPORT_GONE] {
        let said = checked(&with(&[NEWER, change])).unwrap_err();
        assert!(said.starts_with("an adapter built for 0.1.0 does not fit 0.1.1"), "{change:?}: {said}");
    }
}

#[test]
fn what_it_may_import_grows_with_a_newer_version() {
    for change in [IMPORTED, INTERFACE] {
        assert_eq!(checked(&with(&[NEWER, change])).unwrap(), ["0.1.0: its adapters fit 0.1.1"], "{change:?}");
    }
}

#[test]
fn a_released_version_is_what_was_released_comments_apart() {
    assert_eq!(checked(&frozen()).unwrap().len(), 1);
    let reworded = with(&[("/// The contract between", "/// This is the contract between")]);
    assert_eq!(checked(&reworded).unwrap().len(), 1);
    // Not even what would be right in a newer one.
    for change in [FIELD, CASE, VARIANT, GONE, PARAMETER, RESULT, OPTION, EXPORTED, IMPORT_GONE, IMPORTED, INTERFACE] {
        let said = checked(&with(&[change]).replace("@since(version = 0.1.1)", "")).unwrap_err();
        assert!(said.contains("is not the 0.1.0 that was released"), "{change:?}: {said}");
    }
}

#[test]
fn an_incompatible_version_is_free_and_an_older_one_is_refused() {
    let next = with(&[("package portcullis:adapter@0.1.0", "package portcullis:adapter@0.2.0"), FIELD]);
    assert_eq!(checked(&next).unwrap(), ["0.1.0: not compatible with 0.2.0 by its number, not compared"]);
    let older = checked(&frozen().replace("0.1.0", "0.0.9"));
    assert!(older.is_err_and(|said| said.contains("0.1.0 is released already")));
}

#[test]
fn a_released_file_is_never_edited_moved_or_removed() {
    let folder = std::env::temp_dir().join(format!("portcullis-released-{}", std::process::id()));
    let write = |name: &str, text: &str| {
        let file = folder.join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    };
    let sums = read(&root().join("wit/released/B3SUMS")).unwrap();
    write("0.1.0/adapter.wit", &frozen());
    write("B3SUMS", &sums);
    assert_eq!(released(&folder).unwrap().len(), 1);
    write("0.1.0/adapter.wit", &format!("{}\n", frozen()));
    assert!(released(&folder).unwrap_err().contains("never edited"));
    write("0.1.0/adapter.wit", &frozen());
    write("0.1.1/adapter.wit", &frozen());
    assert!(released(&folder).unwrap_err().contains("B3SUMS says nothing"));
    fs::remove_dir_all(folder.join("0.1.1")).unwrap();
    fs::remove_dir_all(folder.join("0.1.0")).unwrap();
    assert!(released(&folder).unwrap_err().contains("is in B3SUMS and gone"));
    fs::remove_dir_all(&folder).unwrap();
    // Under another name it would be compared as another version.
    let said = check(&frozen(), &BTreeMap::from([("0.1.2".to_owned(), frozen())])).unwrap_err();
    assert!(said.contains("is named for its version"), "{said}");
}
