//! The command line: what scripts and people rely on, exit codes first.

use portcullis_tests::gateway::{adapters, run};
use std::process::Output;

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
