//! The command line: what scripts and people rely on, exit codes first.

use portcullis_tests::gateway::{Folder, adapters, run};
use std::fs;
use std::process::{Command, Output};
use std::sync::mpsc;
use std::time::Duration;

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Runs one case of Keycloak's userinfo, after a change to it.
fn case_with(change: impl Fn(&mut serde_json::Value)) -> Output {
    let folder = adapters();
    let cases = folder.join("../keycloak/cases/keycloak.json");
    let cases: Vec<serde_json::Value> = serde_json::from_str(&std::fs::read_to_string(cases).unwrap()).unwrap();
    let mut case = cases.into_iter().find(|case| case["id"] == "kc-userinfo-modern").unwrap();
    change(&mut case);
    let folder = folder.to_str().unwrap().to_owned();
    let arguments = ["adapter", "test", &folder, "--cases", "{folder}/cases.json"];
    run(&arguments, "", &[("cases.json", &serde_json::Value::Array(vec![case]).to_string())]).unwrap()
}

#[test]
fn a_case_that_was_altered_fails() {
    let untouched = case_with(|_| ());
    assert_eq!(untouched.status.code(), Some(0), "{}", text(&untouched));
    assert!(text(&untouched).ends_with("1 passed, 0 failed, 0 skipped\n"));
    type Change = fn(&mut serde_json::Value);
    let changes: [(Change, &str); 8] = [
        (|case| case["expect"]["username"] = "somebody-else".into(), "expected \"somebody-else\""),
        (|case| case["expect"]["subject"] = "x".into(), "subject: expected"),
        (|case| case["expect"] = serde_json::json!({"reject": "invalid_token"}), "expected invalid_token"),
        (
            |case| case["expect"] = serde_json::json!({"problem": {"setting": "realm"}}),
            "expected a problem with `realm`",
        ),
        (|case| case["expect_request"]["url"] = "https://keycloak.example.com/x".into(), "url: expected"),
        (|case| case["expect_request"]["method"] = "POST".into(), "method: expected"),
        (|case| case["expect_request"]["headers"]["Authorization"] = "Bearer other".into(), "Authorization: expected"),
        (|case| case["expect_calls"] = 0.into(), "expected 0 call(s)"),
    ];
    for (change, complaint) in changes {
        let altered = case_with(change);
        assert_eq!(altered.status.code(), Some(1), "{complaint}: {}", text(&altered));
        assert!(text(&altered).contains(complaint), "{complaint}: {}", text(&altered));
        assert!(text(&altered).ends_with("0 passed, 1 failed, 0 skipped\n"));
    }
}

#[test]
fn a_case_is_skipped_only_where_its_adapter_is_not_there_and_named() {
    let jwt = case_with(|case| case["settings"]["mode"] = "jwt".into());
    assert_eq!(jwt.status.code(), Some(1), "{}", text(&jwt));
    assert!(text(&jwt).contains("expected a plan, got: setting `audience` is missing"), "{}", text(&jwt));
    assert!(text(&jwt).ends_with("0 passed, 1 failed, 0 skipped\n"));
    let missing = case_with(|case| case["provider"] = "nobody".into());
    assert!(text(&missing).contains("skipped kc-userinfo-modern: no such adapter in the folder"), "{}", text(&missing));
}

#[test]
fn an_exchange_that_is_listed_and_not_made_fails_the_case() {
    let more = case_with(|case| {
        let exchange = serde_json::json!({"expect_request": case["expect_request"], "response": case["response"]});
        let mut second = exchange.clone();
        second["expect_request"]["url"] = "https://keycloak.example.com/groups".into();
        let object = case.as_object_mut().unwrap();
        object.remove("expect_request");
        object.remove("response");
        object.insert("exchanges".to_owned(), serde_json::json!([exchange, second]));
    });
    assert_eq!(more.status.code(), Some(1), "{}", text(&more));
    assert!(text(&more).contains("which was not asked"), "{}", text(&more));
}

#[test]
fn all_mistakes_of_a_file_are_reported_at_once_and_nothing_starts() {
    let adapters = adapters();
    let config = format!(
        "adapters: {{folder: {}}}\n\
         providers:\n  \
           staff:\n    \
             adapter: keycloak\n    \
             settings: {{host: https://sso.example.com, relam: staff}}\n    \
             timeout: 5\n  \
           hub:\n    \
             adapter: github\n\
         routes:\n  \
           - {{match: {{path: /}}, providers: [stuff], upstream: {{url: \"http://127.0.0.1:1\"}}}}\n",
        adapters.display()
    );
    for command in ["check", "serve"] {
        let output = run(&[command, "--config", "{config}"], &config, &[]).unwrap();
        let said = text(&output);
        assert_eq!(output.status.code(), Some(2), "{command}: {said}");
        for expected in [
            "relam",
            "did you mean `realm`",
            "providers.staff.settings.realm",
            "write 5s",
            "stuff",
            "portcullis.yaml:5",
        ] {
            assert!(said.contains(expected), "{command}: {expected} is not in: {said}");
        }
    }
}

#[test]
fn an_origin_that_is_not_granted_is_refused_with_the_line_to_add() {
    let config = |extra: &str| {
        format!(
            "adapters: {{folder: {}}}\nproviders:\n  hub:\n    adapter: github\n{extra}routes:\n  \
             - {{match: {{path: /}}, providers: [hub], upstream: {{url: \"http://127.0.0.1:1\"}}}}\n",
            adapters().display()
        )
    };
    let refused = run(&["check", "--config", "{config}"], &config(""), &[]).unwrap();
    assert_eq!(refused.status.code(), Some(2), "{}", text(&refused));
    assert!(text(&refused).contains("`origins: [https://api.github.com]`"), "{}", text(&refused));
    let granted = config("    origins: [https://api.github.com]\n    any_audience: true\n");
    let granted = run(&["check", "--config", "{config}"], &granted, &[]).unwrap();
    assert_eq!(granted.status.code(), Some(0), "{}", text(&granted));
}

/// A configuration that is right may still let in more than its author thinks.
#[test]
fn check_and_the_start_warn_of_a_username_that_somebody_may_have_chosen() {
    let upstream = "http://127.0.0.1:9";
    for (attribute, warned) in
        [("email", true), ("[preferred_username, mail]", true), ("preferred_username", false), ("email.id", false)]
    {
        for (naming, warned) in [("", warned), ("username: {require_verified_email: true}\n", false)] {
            let provider = format!("username_attribute: {attribute}\n{naming}");
            let folder = format!("adapters: {{folder: {}}}\n", adapters().display());
            let config = folder + &crate::world::config("http://127.0.0.1:9", upstream, &provider, "", "");
            let output = run(&["check", "--config", "{config}"], &config, &[]).unwrap();
            assert_eq!(output.status.code(), Some(0), "{}", text(&output));
            assert_eq!(text(&output).contains("the username is an e-mail address"), warned, "{}", text(&output));
            assert!(text(&output).contains("warning: providers.staff: any_audience"), "{}", text(&output));
        }
    }
    let config = crate::world::config("http://127.0.0.1:9", upstream, "username_attribute: email", "", "");
    let gateway = portcullis_tests::gateway::Gateway::start(&config).unwrap();
    assert!(
        gateway.log().contains("providers.staff: the username is an e-mail address (`email`)"),
        "{}",
        gateway.log()
    );
}

/// What an adapter has to say of these settings is read where the file is written, and not only in the log of the start.
#[test]
fn check_shows_what_the_adapter_notes_of_the_settings() {
    for (allowed, noted) in [("", true), (", allowed_tenants: [a8990e1f-ff32-408a-9f8e-78d3b9139b95]", false)] {
        let config = format!(
            "adapters: {{folder: {}}}\nproviders:\n  staff:\n    adapter: azure-ad\n    any_audience: true\n    \
             origins: [https://graph.microsoft.com]\n    settings: {{tenant: common{allowed}}}\nroutes:\n  - match: {{path: /}}\n    \
             providers: [staff]\n    upstream: {{url: \"http://127.0.0.1:9\"}}\n",
            adapters().display()
        );
        let output = run(&["check", "--config", "{config}"], &config, &[]).unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", text(&output));
        let note = "note: providers.staff: tokens of every directory of the world pass";
        assert_eq!(text(&output).contains(note), noted, "{}", text(&output));
    }
}

/// As [`run`], and it must come to an end.
fn run_in_time(arguments: &[&str], config: &str) -> Output {
    let (done, ended) = mpsc::channel();
    let (owned, config) =
        (arguments.iter().map(|argument| (*argument).to_owned()).collect::<Vec<_>>(), config.to_owned());
    std::thread::spawn(move || {
        let arguments: Vec<&str> = owned.iter().map(String::as_str).collect();
        done.send(run(&arguments, &config, &[]).unwrap())
    });
    ended.recv_timeout(Duration::from_secs(30)).unwrap_or_else(|_| panic!("{arguments:?} does not end"))
}

/// A configuration with one provider and one route; further lines of each, and of the top.
fn config_with(top: &str, provider: &str, upstream: &str) -> String {
    format!(
        "{top}adapters: {{folder: \"{}\"}}\nproviders:\n  staff:\n    adapter: keycloak\n{provider}    settings: {{host: \"https://sso.example.com\", \
         realm: staff}}\nroutes:\n  - match: {{path: /}}\n    providers: [staff]\n    upstream: {{url: \"https://127.0.0.1:1\"{upstream}}}\n",
        adapters().display()
    )
}

/// Wherever a command is given a file: a FIFO that nobody writes to is not waited for, a device without end is not read.
#[test]
fn a_file_that_is_none_is_refused_wherever_one_is_named() {
    let folder = Folder::new().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    assert!(Command::new("mkfifo").arg(path("fifo")).status().unwrap().success());
    std::os::unix::fs::symlink("/dev/zero", path("zero")).unwrap();
    for (name, target) in [("fifo", "fifo"), ("zero", "/dev/zero")] {
        let inner = folder.path().join(format!("{name}-folder"));
        fs::create_dir(&inner).unwrap();
        let target = folder.path().join(target);
        for link in ["x.wasm", "x.json"] {
            std::os::unix::fs::symlink(&target, inner.join(link)).unwrap();
        }
    }
    let good = config_with("", "    any_audience: true\n", "");
    for name in ["fifo", "zero"] {
        let (file, inner) = (path(name), path(&format!("{name}-folder")));
        let adapter = format!("{inner}/x.wasm");
        let (shipped, cases) = (adapters(), adapters().join("../keycloak/cases"));
        let (shipped, cases) = (shipped.to_str().unwrap(), cases.to_str().unwrap());
        let secret = config_with("", &format!("    tls: {{ca_file: \"{file}\"}}\n"), "");
        let commands: [(&[&str], &str); 11] = [
            (&["check", "--config", &file], ""),
            (&["serve", "--config", &file], ""),
            (&["status", "--config", &file], ""),
            (&["schema", "--config", &file], ""),
            (&["check", "--config", "{config}"], &secret),
            (&["probe", "--config", "{config}", "--provider", "staff", "--token-file", &file], &good),
            (&["adapter", "list", &inner], ""),
            (&["adapter", "show", &adapter], ""),
            (&["adapter", "test", &adapter, "--cases", cases], ""),
            (&["adapter", "test", shipped, "--cases", &file], ""),
            (&["adapter", "test", shipped, "--cases", &inner], ""),
        ];
        for (arguments, config) in commands {
            let output = run_in_time(arguments, config);
            let said = text(&output);
            assert!(output.status.code().is_some_and(|code| code > 0), "{arguments:?}: {said}");
            assert!(said.contains("not a regular file"), "{arguments:?}: {said}");
        }
    }
}

/// Nothing that is printed may act on the terminal: no control character but line breaks and tabs, and none that turns the
/// direction of the text.
fn assert_inert(output: &Output, what: &str) {
    let said = text(output);
    let acts = |c: &char| (c.is_control() && !matches!(c, '\n' | '\t')) || ('\u{202a}'..='\u{202e}').contains(c);
    assert_eq!(said.chars().find(acts), None, "{what}: {said:?}");
}

#[test]
fn nothing_that_a_file_brings_along_acts_on_the_terminal() {
    const ACT: &str = "\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}";
    // Cases: whatever of them is printed.
    for field in ["id", "provider", "token", "settings", "expect"] {
        let output = case_with(|case| match field {
            "settings" => case["settings"][ACT] = ACT.into(),
            "expect" => case["expect"]["username"] = ACT.into(),
            field => case[field] = ACT.into(),
        });
        assert_inert(&output, field);
    }
    let output = case_with(|case| case["id"] = "x\nFAILED  another".into());
    assert!(!text(&output).contains("\nFAILED"), "{}", text(&output));
    let unknown = run(
        &["adapter", "test", adapters().to_str().unwrap(), "--cases", "{folder}/c.json"],
        "",
        &[("c.json", &format!("[{{\"{ACT}\": 1}}]"))],
    );
    assert_inert(&unknown.unwrap(), "a field that no case has");
    // The names of files, and what a component says that it imports and exports.
    let folder = Folder::new().unwrap();
    let honest = fs::read(adapters().join("userinfo.wasm")).unwrap();
    fs::write(folder.path().join(format!("{ACT}.wasm")), &honest).unwrap();
    fs::write(folder.path().join(format!("broken-{ACT}.wasm")), &honest[..1000]).unwrap();
    for (name, from, to) in [
        ("import", "portcullis:adapter/log@0.1.0", "\u{1b}[31mullis:adapter/log@0.1.0"),
        ("export", "portcullis:adapter/provider@0.1.0", "portcullis:adapter/provider@0\u{1b}[1m"),
    ] {
        assert_eq!(from.len(), to.len());
        let mut bytes = honest.clone();
        let at: Vec<usize> =
            (0..bytes.len() - from.len()).filter(|at| bytes[*at..].starts_with(from.as_bytes())).collect();
        assert!(!at.is_empty());
        at.into_iter().for_each(|at| bytes[at..at + to.len()].copy_from_slice(to.as_bytes()));
        fs::write(folder.path().join(name).with_extension("wasm"), bytes).unwrap();
    }
    let inside = folder.path().to_str().unwrap();
    for arguments in [&["adapter", "list", inside][..], &["schema", "--folder", inside]] {
        let output = run(arguments, "", &[]).unwrap();
        assert!(text(&output).contains("imports `") && text(&output).contains("was built for"), "{}", text(&output));
        assert_inert(&output, arguments[0]);
    }
    let named = folder.path().join(format!("{ACT}.wasm"));
    assert_inert(&run(&["adapter", "show", named.to_str().unwrap()], "", &[]).unwrap(), "a file's name");
    // A configuration: escapes in YAML make any character of a scalar.
    let escaped = r#""\e]0;owned\a\x9b31m\u202e""#;
    let config = format!(
        "{escaped}: 1\nlisten: {escaped}\nadapters: {{folder: {:?}}}\nproviders: {{{escaped}: {{adapter: {escaped}}}}}\n\
         routes: [{{match: {{path: {escaped}}}}}]\n",
        adapters()
    );
    let output = run(&["check", "--config", "{config}"], &config, &[]).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_inert(&output, "a configuration");
}

/// A certificate or key that is PEM by its first line alone is found by `check`, with its place, and not by the first request.
#[test]
fn check_reads_every_certificate_and_key() {
    let made = || rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (own, other) = (made(), made());
    let (certificate, key) = (own.cert.pem(), own.signing_key.serialize_pem());
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let half = format!("{certificate}{broken}");
    let torn = certificate.replace("-----END CERTIFICATE-----", "");
    let no_key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    let files = [
        ("good.pem", certificate.as_str()),
        ("good.key", key.as_str()),
        ("other.key", &other.signing_key.serialize_pem()),
        ("broken.pem", broken),
        ("half.pem", &half),
        ("torn.pem", &torn),
        ("no.key", no_key),
    ];
    let listener = |certificate: &str, key: &str| format!("tls: {{cert_file: {certificate}, key_file: {key}}}\n");
    let client = |certificate: &str, key: &str| format!("    tls: {{client_cert: {certificate}, client_key: {key}}}\n");
    let authority = |file: &str| format!(", tls: {{ca_file: {file}}}");
    let check = |config: &str| run(&["check", "--config", "{config}"], config, &files).unwrap();
    let good = config_with(
        &listener("good.pem", "good.key"),
        "    any_audience: true\n    tls: {ca_file: good.pem, client_cert: good.pem, client_key: good.key}\n",
        &authority("good.pem"),
    );
    let output = check(&good);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    for file in ["broken.pem", "half.pem", "torn.pem"] {
        for (place, config) in [
            ("tls.cert_file", config_with(&listener(file, "good.key"), "", "")),
            ("providers.staff.tls.ca_file", config_with("", &format!("    tls: {{ca_file: {file}}}\n"), "")),
            ("providers.staff.tls.client_cert", config_with("", &client(file, "good.key"), "")),
            ("routes[0].upstream.tls.ca_file", config_with("", "", &authority(file))),
        ] {
            let output = check(&config);
            let said = text(&output);
            let clear = said.contains(place) && said.contains(file) && said.contains("certificate that cannot be read");
            assert!(output.status.code() == Some(2) && clear, "{place}, {file}: {said}");
        }
    }
    for (key, reason) in [("no.key", "no private key that can be read"), ("other.key", "not the key of")] {
        let output = check(&config_with("", &client("good.pem", key), ""));
        assert!(output.status.code() == Some(2) && text(&output).contains(reason), "{key}: {}", text(&output));
        let output = check(&config_with(&listener("good.pem", key), "", ""));
        assert_eq!(output.status.code(), Some(2), "{key}: {}", text(&output));
    }
}
