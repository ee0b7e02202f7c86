//! Files that are no adapters, and components that want more than an adapter gets: refused at load, by name, with a reason
//! and a remedy, and without harm to the adapters beside them.

use crate::wasm;
use portcullis_tests::gateway::{Folder, adapters, run, test_adapter};
use std::fs;

/// Puts the file into a folder beside an honest adapter, and gives what `adapter list` and `adapter show` say of it.
fn said_of(name: &str, bytes: &[u8]) -> String {
    let folder = Folder::new().unwrap();
    let file = folder.path().join(name).with_extension("wasm");
    fs::write(&file, bytes).unwrap();
    fs::copy(adapters().join("userinfo.wasm"), folder.path().join("userinfo.wasm")).unwrap();
    let list = run(&["adapter", "list", folder.path().to_str().unwrap()], "", &[]).unwrap();
    let listed = format!("{}{}", String::from_utf8_lossy(&list.stdout), String::from_utf8_lossy(&list.stderr));
    assert!(listed.contains("Userinfo endpoint"), "the adapter beside {name} is gone: {listed}");
    let show = run(&["adapter", "show", file.to_str().unwrap()], "", &[]).unwrap();
    let said = String::from_utf8_lossy(&show.stderr).into_owned();
    assert_eq!(show.status.code(), Some(1), "{name}: {said}");
    assert!(said.contains(file.to_str().unwrap()), "{name}: the file is not named: {said}");
    // What a provider that uses it would meet.
    let config = format!(
        "adapters: {{folder: \"{}\"}}\nproviders:\n  staff:\n    adapter: {name}\nroutes:\n  - match: {{path: /}}\n    \
         providers: [staff]\n    upstream: {{url: \"http://127.0.0.1:1\"}}\n",
        folder.path().display()
    );
    for command in ["check", "serve"] {
        let started = run(&[command, "--config", "{config}"], &config, &[]).unwrap();
        let complaint = String::from_utf8_lossy(&started.stderr).into_owned();
        assert_eq!(started.status.code(), Some(2), "{name}, {command}: {complaint}");
        assert!(complaint.contains(file.to_str().unwrap()), "{name}, {command}: {complaint}");
    }
    said
}

fn bytes(dist: &str, name: &str) -> Vec<u8> {
    fs::read(test_adapter(dist, name).unwrap()).unwrap()
}

/// The tests' own component with one text in its binary replaced by another of the same length.
fn patched(from: &str, to: &str) -> Vec<u8> {
    replaced(bytes("dist", "odd"), from, to)
}

fn replaced(mut bytes: Vec<u8>, from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let places: Vec<usize> = bytes
        .windows(from.len())
        .enumerate()
        .filter(|(_, window)| *window == from.as_bytes())
        .map(|(at, _)| at)
        .collect();
    assert!(!places.is_empty(), "{from} is not in the component");
    for at in places {
        bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
    }
    bytes
}

#[test]
fn a_file_that_is_no_component_is_refused_for_what_it_is() {
    let whole = bytes("dist", "odd");
    let cut = |share: usize| whole[..whole.len() * share / 10].to_vec();
    let mut flipped = whole.clone();
    let middle = flipped.len() / 2;
    flipped[middle..middle + 64].fill(0xff);
    let files: Vec<(&str, Vec<u8>, &str)> = vec![
        ("text", b"providers: {}\n".to_vec(), "is no WebAssembly component"),
        ("empty", Vec::new(), "is no WebAssembly component"),
        ("magic", b"\0asm".to_vec(), "is torn or damaged"),
        ("module", b"\0asm\x01\0\0\0".to_vec(), "is a core WebAssembly module"),
        ("nothing", b"\0asm\x0d\0\x01\0".to_vec(), "does not export `portcullis:adapter/provider@0.1.0`"),
        ("torn-1", cut(1), "is torn or damaged"),
        ("torn-5", cut(5), "is torn or damaged"),
        ("torn-9", cut(9), "is torn or damaged"),
        ("torn-last", whole[..whole.len() - 1].to_vec(), "is torn or damaged"),
        ("longer", [whole.clone(), vec![0xff; 16]].concat(), "is torn or damaged"),
        ("flipped", flipped, "is torn or damaged"),
    ];
    for (name, bytes, reason) in files {
        let said = said_of(name, &bytes);
        assert!(said.contains(reason), "{name}: {said}");
    }
}

#[test]
fn a_component_that_wants_the_network_is_refused_by_the_imports_name() {
    let said = said_of("caller", &bytes("dist-wasip2", "caller"));
    assert!(said.contains("imports `wasi:sockets/"), "{said}");
    assert!(said.contains("an adapter does no I/O"), "{said}");
    // One that nobody has ever heard of, in the place of the log.
    let said = said_of("unknown", &patched("portcullis:adapter/log@0.1.0", "portcullis:adapter/lag@0.1.0"));
    assert!(said.contains("imports `portcullis:adapter/lag@0.1.0`"), "{said}");
}

#[test]
fn another_version_of_the_contract_is_refused_and_both_are_named() {
    // A newer one that may not fit, a newer one that has more to import (this gateway does not have it), and an older one.
    // All that such an adapter names is of its version, the log as well.
    for version in ["0.2.0", "0.1.1", "0.1.9", "1.0.0", "0.0.9"] {
        let mut bytes = bytes("dist", "odd");
        for interface in ["provider", "log"] {
            let name = |version: &str| format!("portcullis:adapter/{interface}@{version}");
            bytes = replaced(bytes, &name("0.1.0"), &name(version));
        }
        let said = said_of("other", &bytes);
        let theirs = format!("was built for `portcullis:adapter/provider@{version}`");
        assert!(said.contains(&theirs), "{version}: {said}");
        assert!(said.contains("speaks `portcullis:adapter/provider@0.1.0`"), "{version}: {said}");
        // Nothing of it is compiled before: code that no compiler would take is not even noticed.
        let no_code = wasm::module(&[wasm::signature(&[], &[])], &[wasm::body(0, &[0xff; 64])]);
        let said = said_of("broken", &wasm::with_module(&bytes, &no_code));
        assert!(said.contains(&theirs), "{version}, with broken code: {said}");
    }
}

#[test]
fn a_description_that_cannot_be_relied_on_is_refused() {
    for (word, reason) in [
        ("loop", "`describe` did not end within 100 ms"),
        ("trap", "`describe` trapped"),
        ("huge", "`describe` returned more than"),
        ("long", "title"),
        ("none", "credential"),
        ("name", "Be Have"),
        ("dupl", "host"),
        ("ours", "client_secret"),
        ("pref", "the token prefix `ey` claims the JWTs of every issuer"),
        ("when", "depends on a setting that is not described"),
        ("esct", "the text of its title holds a control character"),
        ("escv", "the text of its version holds a control character"),
        ("esca", "the text of what it is about holds a control character"),
        ("escs", "the text of setting `behave` holds a control character"),
        ("escd", "the text of setting `behave` holds a control character"),
    ] {
        let said = said_of(word, &patched("describe:well", &format!("describe:{word}")));
        assert!(said.contains("describes itself wrongly") && said.contains(reason), "{word}: {said}");
    }
}

/// The purity of what is shipped, from the binary: the words of `adapter show`, and the component's own import section.
#[test]
fn shipped_components_import_the_log_and_nothing_else() {
    let folder = adapters();
    let mut seen = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let file = entry.unwrap().path();
        if file.extension().is_none_or(|extension| extension != "wasm") {
            continue;
        }
        seen += 1;
        let show = run(&["adapter", "show", file.to_str().unwrap()], "", &[]).unwrap();
        let shown = String::from_utf8_lossy(&show.stdout).into_owned();
        let imports: Vec<&str> =
            shown.lines().filter_map(|line| line.strip_prefix("Imports:")).map(str::trim).collect();
        assert_eq!(imports, ["portcullis:adapter/log@0.1.0"], "{}", file.display());
        let bytes = fs::read(&file).unwrap();
        let wasi = bytes.windows(5).any(|window| window == b"wasi:" || window == b"wasi_");
        assert!(!wasi, "{} speaks of WASI somewhere", file.display());
    }
    assert!(seen >= 6, "{} holds {seen} components", folder.display());
    // The same question does find WASI where it is.
    let file = test_adapter("dist-wasip2", "odd").unwrap();
    let show = run(&["adapter", "show", file.to_str().unwrap()], "", &[]).unwrap();
    assert!(String::from_utf8_lossy(&show.stdout).contains("wasi:cli/"), "{show:?}");
}

/// What would take a compiler gigabytes, or minutes: a few KiB of each kind, refused by name before anything is compiled.
#[test]
fn what_would_exhaust_a_compiler_is_refused_before_it_is_compiled() {
    let honest = fs::read(adapters().join("userinfo.wasm")).unwrap();
    let unary = || vec![wasm::signature(&[wasm::I32], &[])];
    let one = |locals: usize, code: &[u8]| wasm::module(&unary(), &[wasm::body(locals, code)]);
    // (local.get 0) (br_if 0), many times: each may carry every variable on.
    let jumps = |count: usize| [0x20, 0, 0x0d, 0].repeat(count);
    let table = |targets: usize| {
        let mut code = vec![0x20, 0, 0x0e];
        wasm::leb(&mut code, targets);
        code.extend(vec![0; targets + 1]);
        code
    };
    let declares = |id: u8, content: &[u8]| [wasm::MODULE, &wasm::section(id, content)].concat();
    let (mut pages, mut elements) = (vec![1, 0], vec![1, 0x70, 0]);
    wasm::leb(&mut pages, 1025);
    wasm::leb(&mut elements, 20_001);
    let many: Vec<u8> = (0..1000).flat_map(|_| [wasm::I32]).collect();
    let modules: Vec<(&str, Vec<u8>, &str)> = vec![
        ("functions", wasm::module(&unary(), &vec![wasm::body(0, &[]); 50_001]), "functions"),
        ("length", one(0, &vec![1; 512 * 1024]), "bytes in a function"),
        ("locals", one(2_001, &[]), "local variables in a function"),
        ("parameters", wasm::module(&[wasm::signature(&many, &[])], &[wasm::body(0, &[])]), "parameters and results"),
        ("results", wasm::module(&[wasm::signature(&[], &many)], &[wasm::body(0, &[0])]), "parameters and results"),
        ("types", wasm::module(&vec![wasm::signature(&[], &[]); 20_001], &[]), "types"),
        ("phi", one(1_900, &jumps(2_200)), "jumps times local variables in a function"),
        ("table", one(1_900, &table(2_200)), "jumps times local variables in a function"),
        (
            "over-all",
            wasm::module(&unary(), &vec![wasm::body(1_900, &jumps(1_900)); 30]),
            "jumps times local variables over all",
        ),
        ("memory", declares(5, &pages), "bytes of memory"),
        ("elements", declares(4, &elements), "elements of a table"),
        // Two bytes far from each other would make an image of megabytes of each.
        ("memories", declares(5, &wasm::list(&[[0, 255, 1]; 4])), "memories"),
        ("globals", declares(6, &wasm::list(&vec![[wasm::I32, 0, 0x41, 0, 0x0b]; 200_001])), "globals"),
        ("elements-many", declares(9, &wasm::list(&vec![[1, 0, 0]; 200_001])), "segments"),
    ];
    let mut components: Vec<(&str, Vec<u8>, &str)> =
        modules.into_iter().map(|(name, module, what)| (name, wasm::with_module(&honest, &module), what)).collect();
    components.push((
        "modules",
        [honest.clone(), wasm::section(1, wasm::MODULE).repeat(64)].concat(),
        "modules and components",
    ));
    // A component within, and instances of it: were it one that does the same, each level would double what is compiled.
    let instances = wasm::section(5, &wasm::list(&[[0, 0, 0]; 17]));
    let nested = [honest.clone(), wasm::section(4, wasm::COMPONENT), instances].concat();
    components.push(("instances", nested, "instances of components"));
    // Types of components: records of one number, which a validator takes thirty times as much memory for.
    let record = [0x72, 1, 1, b'a', 0x79];
    let types = wasm::section(7, &wasm::list(&vec![record; 220_000]));
    components.push(("component-types", [honest, types].concat(), "bytes of component types"));
    for (name, bytes, what) in components {
        let said = said_of(name, &bytes);
        let clear =
            said.contains(what) && said.contains(", more than the ") && said.contains("that an adapter may have");
        assert!(clear, "{name} ({} bytes): {said}", bytes.len());
    }
}
