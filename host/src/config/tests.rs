//! Configurations as data: each file of `tests/invalid` ends with the problems that it must be told, line by line.
//!
//! `UPDATE_EXPECT=1 cargo test` writes them anew; read the difference before you commit it.

mod every_name;

use super::*;
use portcullis_core::setting::{CredentialKind, Description, SettingKind, SettingSpec};
use std::path::Path;
use std::sync::LazyLock;

fn spec(name: &str, kind: SettingKind, required: bool, default: Option<&str>) -> SettingSpec {
    SettingSpec {
        name: name.to_owned(),
        kind,
        about: format!("what {name} is."),
        example: None,
        default: default.map(str::to_owned),
        required,
        only_when: None,
        choices: Vec::new(),
    }
}

fn choices(mut spec: SettingSpec, choices: &[&str]) -> SettingSpec {
    spec.choices = choices.iter().map(|choice| ((*choice).to_owned(), String::new())).collect();
    spec
}

fn adapter(title: &str, settings: Vec<SettingSpec>) -> Description {
    Description {
        title: title.to_owned(),
        version: "0.1.0".to_owned(),
        about: String::new(),
        documentation: None,
        credentials: vec![CredentialKind::Bearer],
        settings,
        token_prefixes: Vec::new(),
    }
}

/// Stand-ins: what is tested here is the gateway's reading of descriptions, whatever they are.
fn describe(name: &str) -> Option<Description> {
    use SettingKind::{BaseUrl, Flag, Number, Pairs, Secret, Text, Texts, Url};
    let mut host = spec("host", BaseUrl, true, None);
    host.example = Some("https://sso.example.com".to_owned());
    let mut when = spec("when", Text, true, None);
    when.only_when = Some(("choice".to_owned(), vec!["two".to_owned()]));
    Some(match name {
        "keycloak" => adapter(
            "Keycloak",
            vec![
                host,
                spec("realm", Text, true, None),
                spec("base_path", Text, false, Some("\"\"")),
                choices(spec("mode", Text, false, Some("userinfo")), &["userinfo", "introspection"]),
            ],
        ),
        "userinfo" => adapter("Userinfo", vec![spec("url", Url, true, None)]),
        "kinds" => adapter(
            "Kinds",
            vec![
                spec("text", Text, true, None),
                spec("flag", Flag, false, Some("true")),
                spec("number", Number, false, Some("-7")),
                spec("texts", Texts, false, Some("[a, b]")),
                spec("pairs", Pairs, false, Some("{a: b}")),
                spec("secret", Secret, false, None),
                spec("base", BaseUrl, false, Some("login.example.com")),
                choices(spec("choice", Text, false, Some("one")), &["one", "two"]),
                when,
            ],
        ),
        _ => return None,
    })
}

fn known() -> Vec<String> {
    ["keycloak", "userinfo", "kinds", "broken"].map(str::to_owned).to_vec()
}

/// An environment and files of the tests' own. Values begin with `canary`, which no message may hold.
struct Fixed;

/// A certificate, and its key below a line of its own, which PEM allows.
static PAIR: LazyLock<(String, String)> = LazyLock::new(|| {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    (made.cert.pem(), format!("canary\n{}", made.signing_key.serialize_pem()))
});

impl Resolve for Fixed {
    fn environment(&self, name: &str) -> Option<String> {
        match name {
            "GOOD" => Some("canary-good".to_owned()),
            "TRICK" => Some("file:canary.txt".to_owned()),
            "CLIENT_SECRET" => Some("canary-client".to_owned()),
            "CHOICE" => Some("two".to_owned()),
            "HOST" => Some("sso.example.com".to_owned()),
            "PORT" => Some("9443".to_owned()),
            "TRUE" => Some("true".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        }
    }

    fn file(&self, path: &Path) -> Result<Vec<u8>, String> {
        match path.to_str() {
            Some("secret.txt") => Ok(b"canary-secret\n".to_vec()),
            Some("windows.txt") => Ok(b"canary-windows\r\n".to_vec()),
            Some("two-lines.txt") => Ok(b"canary\n\n".to_vec()),
            Some("empty.txt") => Ok(b"\n".to_vec()),
            Some("ca.pem" | "corp-ca.pem" | "gate.pem") => Ok(PAIR.0.clone().into_bytes()),
            Some("gate.key" | "client.pem") => Ok(PAIR.1.clone().into_bytes()),
            Some("not.pem") => Ok(b"canary".to_vec()),
            _ => Err("no such file".to_owned()),
        }
    }
}

fn read(yaml: &[u8]) -> Result<Configuration, portcullis_core::problem::Problems> {
    Draft::parse(Path::new("conf/gate.yaml"), yaml, &Fixed)?.finish(&describe, &known(), &Fixed)
}

fn good(yaml: &str) -> Configuration {
    read(yaml.as_bytes()).unwrap_or_else(|problems| panic!("{problems}"))
}

fn bad(yaml: &str) -> String {
    read(yaml.as_bytes()).expect_err(yaml).to_string()
}

#[test]
fn invalid_files_are_told_what_is_wrong() {
    let folder = Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").unwrap()).join("src/config/tests/invalid");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 20, "the folder was found");
    let mut differences = String::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let (yaml, expected) = text.split_once("# expect:\n").unwrap_or((&text, ""));
        let got = bad(yaml);
        assert!(!got.contains("canary"), "a value of the environment or a file is told: {got}");
        let got: String =
            got.lines().map(|line| format!("# {}\n", line.trim_start_matches("conf/gate.yaml:"))).collect();
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            std::fs::write(&file, format!("{yaml}# expect:\n{got}")).unwrap();
        } else if got != expected {
            differences.push_str(&format!("{}\nexpected\n{expected}got\n{got}\n", file.display()));
        }
    }
    assert!(differences.is_empty(), "{differences}");
}

#[test]
fn bytes_that_are_no_text() {
    let problems = read(b"listen: 127.0.0.1:80\nroutes: \xff\n").unwrap_err().to_string();
    assert_eq!(problems, "conf/gate.yaml:2: holds bytes that are not UTF-8; save the file as UTF-8");
    assert!(open(Path::new("/nonexistent/gate.yaml")).unwrap_err().to_string().contains("cannot be read"));
}

const ROUTES: &str = "routes: [{providers: [staff], upstream: {url: 'http://127.0.0.1:8090'}}]\n";

#[test]
fn defaults_of_a_small_file() {
    let yaml = format!(
        "providers: {{staff: {{adapter: keycloak, settings: {{host: SSO.example.com/, realm: s}}}}}}\n{ROUTES}"
    );
    let configuration = good(&yaml);
    assert_eq!(configuration.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(configuration.admin_listen.to_string(), "127.0.0.1:8081");
    assert_eq!(configuration.adapters_folder, Path::new("conf/./adapters"));
    assert!(configuration.tls.is_none());
    let provider = &configuration.providers[0];
    let text = |text: &str| SettingValue::Text(text.to_owned());
    let expected = [("host", "https://sso.example.com"), ("realm", "s"), ("base_path", ""), ("mode", "userinfo")];
    assert_eq!(provider.settings, expected.map(|(name, value)| (name.to_owned(), text(value))));
    assert_eq!(provider.granted_origins, [Origin::parse("https://sso.example.com").unwrap()]);
    assert_eq!((provider.timeout, provider.allow_http), (Duration::from_secs(5), false));
    assert_eq!(provider.lines[""], 1);
    assert_eq!(provider.lines["realm"], 1);
    let route = &configuration.routes[0];
    assert_eq!(route.matches, RouteMatch { host: None, path: String::new(), methods: Vec::new() });
    assert_eq!(route.access, Access::Providers(vec!["staff".to_owned()]));
    assert_eq!(route.identity_headers, [(http::HeaderName::from_static("x-remote-user"), Fact::Username)]);
    assert_eq!(route.refuse_query.iter().collect::<Vec<_>>(), ["access_token"]);
    assert_eq!((route.basic_auth, route.header_values), (BasicAuth::Block, HeaderValues::Refuse));
    assert!(!route.keep_authorization && !route.pass_cookies);
    assert_eq!(route.upstream.timeout, Duration::from_secs(30));
}

#[test]
fn everything_written_is_there() {
    let yaml = r#"
listen: "[::1]:8443"
tls: {cert_file: gate.pem, key_file: gate.key}
admin: {listen: "0.0.0.0:9000"}
adapters: {folder: /opt/adapters}
providers:
  staff:
    adapter: kinds
    settings:
      text: "5"
      flag: false
      number: 12
      texts: [x]
      pairs: {k: v}
      secret: file:secret.txt
      base: ${HOST}:${PORT}
      choice: two
      when: now
      client_id: gate
      client_secret: ${TRICK}
      client_auth: post
    username_attribute: [email, sub]
    audience: confluence
    required_scopes: [openid]
    origins: ["https://graph.example.com:443"]
    allow_http: ${TRUE}
    tls: {ca_file: ca.pem}
    proxy: http://proxy.example.com:3128
    reuse: none
    timeout: 300ms
routes:
  - match: {host: API.Example.com, path: /rest/, methods: [GET, HEAD]}
    providers: [staff]
    basic_auth: pass
    upstream: {url: "https://up.example.com/confluence/", timeout: 2m, tls: {ca_file: ca.pem}}
    identity_headers: {X-User: username, X-Groups: groups, X-Dept: attributes.department.name}
    header_values: percent_encode
    authorization: keep
    cookies: pass
    refuse_query: [atlassian, Token]
    allow_in_path: [encoded_slash, semicolon]
  - match: {path: /status}
    public: true
    upstream: {url: http://127.0.0.1:8090}
"#;
    let configuration = good(yaml);
    assert_eq!(configuration.listen.to_string(), "[::1]:8443");
    assert_eq!(configuration.adapters_folder, Path::new("/opt/adapters"));
    let tls = configuration.tls.unwrap();
    assert_eq!(tls.certificate_pem, PAIR.0.as_bytes());
    assert!(tls.key_pem.reveal().contains("PRIVATE KEY"));
    let provider = &configuration.providers[0];
    let expected = [
        ("text", SettingValue::Text("5".into())),
        ("flag", SettingValue::Flag(false)),
        ("number", SettingValue::Number(12)),
        ("texts", SettingValue::Texts(vec!["x".into()])),
        ("pairs", SettingValue::Pairs(vec![("k".into(), "v".into())])),
        ("secret", SettingValue::Secret(Secret::new("canary-secret"))),
        ("base", SettingValue::Text("https://sso.example.com:9443".into())),
        ("choice", SettingValue::Text("two".into())),
        ("when", SettingValue::Text("now".into())),
        ("client_id", SettingValue::Text("gate".into())),
        // What the environment says is the secret itself, not the name of a file.
        ("client_secret", SettingValue::Secret(Secret::new("file:canary.txt"))),
        ("client_auth", SettingValue::Text("post".into())),
    ];
    assert_eq!(provider.settings, expected.map(|(name, value)| (name.to_owned(), value)));
    assert_eq!(provider.client.auth, ClientAuth::Post);
    assert_eq!(provider.client.id.as_deref(), Some("gate"));
    assert_eq!(provider.client.secret, Some(Secret::new("file:canary.txt")));
    let origins: Vec<&str> = provider.granted_origins.iter().map(Origin::as_str).collect();
    assert_eq!(origins, ["https://graph.example.com", "https://sso.example.com:9443"]);
    assert_eq!(provider.username_attributes, ["email", "sub"]);
    assert_eq!(provider.audience, ["confluence"]);
    assert_eq!(provider.proxy.as_deref(), Some("http://proxy.example.com:3128"));
    assert_eq!(provider.ca_pem.as_deref(), Some(PAIR.0.as_bytes()));
    assert!(provider.allow_http && !provider.reuse);
    assert_eq!(provider.timeout, Duration::from_millis(300));
    let route = &configuration.routes[0];
    assert_eq!(route.matches.host.as_deref(), Some("api.example.com"));
    assert_eq!((route.matches.path.as_str(), route.matches.methods.len()), ("/rest", 2));
    assert_eq!(route.upstream.url.as_str(), "https://up.example.com/confluence");
    let names = ["access_token", "os_authType", "os_password", "os_username", "Token"];
    assert_eq!(route.refuse_query.iter().collect::<Vec<_>>(), names);
    assert_eq!(
        route.identity_headers[2],
        (http::HeaderName::from_static("x-dept"), Fact::Attribute("department.name".to_owned()))
    );
    assert!(route.keep_authorization && route.pass_cookies);
    assert_eq!(route.allow_in_path.len(), 2);
    let public = &configuration.routes[1];
    assert_eq!(public.access, Access::Public);
    assert!(public.identity_headers.is_empty() && public.refuse_query.is_empty() && public.pass_cookies);
    // Whoever prints a configuration prints no secret.
    assert!(!format!("{provider:?}{:?}", tls.key_pem).contains("canary"));
}

/// What a public route does with each key: it means something there, or is refused by its name.
#[test]
fn a_public_route_is_held_to_what_is_written() {
    let with = |key: &str| format!("routes: [{{public: true, upstream: {{url: 'http://127.0.0.1:8090'}}, {key}}}]\n");
    let route = good(&with("cookies: drop, authorization: keep, refuse_query: [os_username]")).routes.remove(0);
    assert!(!route.pass_cookies && route.keep_authorization);
    assert_eq!(route.refuse_query.iter().collect::<Vec<_>>(), ["os_username"]);
    good(&with("cors: pass, allow_in_path: [double_slash]"));
    for (name, key) in [
        ("identity_headers", "identity_headers: {X-User: username}"),
        ("header_values", "header_values: refuse"),
        ("basic_auth", "basic_auth: pass"),
        ("require", "require: {users: {allow: [alice]}}"),
        ("services", "services: pass"),
        ("mode", "mode: observe"),
        ("fall_through", "fall_through: true"),
    ] {
        let told = bad(&with(key));
        assert!(told.contains(&format!("routes[0].{name}: does not belong here")), "{told}");
        assert!(told.contains("on a public route"), "{told}");
    }
}

/// Processor time of this thread, in seconds: what others do at the same time does not count.
fn spent() -> f64 {
    // The kernel brings the number up to date when the thread yields.
    std::thread::yield_now();
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    told.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
}

/// Ten thousands of anything in a file take time in proportion to their number: each of these was or could be compared with
/// all others. Four times as many may take eight times as long, where they would take sixteen times.
#[test]
fn large_configurations_cost_linear_time() {
    let upstream = "upstream: {url: 'http://127.0.0.1:8090'}";
    type Make = fn(usize, &str) -> String;
    let makers: [(&str, Make); 6] = [
        ("unknown names at the top", |count, _| (0..count).map(|n| format!("k{n}: 1\n")).collect()),
        ("unknown settings", |count, _| {
            let names: String = (0..count).map(|n| format!("k{n}: x, ")).collect();
            format!("providers: {{a: {{adapter: keycloak, settings: {{{names}host: a, realm: b}}}}}}\n{ROUTES}")
        }),
        ("routes", |count, upstream| {
            let routes: String =
                (0..count).map(|n| format!("- {{match: {{path: /{n}}}, public: true, {upstream}}}\n")).collect();
            format!("routes:\n{routes}")
        }),
        ("methods of two routes", |count, upstream| {
            let methods = |letter: char| (0..count).map(|n| format!("{letter}{n}, ")).collect::<String>();
            let route =
                |letter| format!("- {{match: {{methods: [{}X]}}, public: true, {upstream}}}\n", methods(letter));
            format!("routes:\n{}{}", route('A'), route('B'))
        }),
        ("providers of a route that are not there", |count, upstream| {
            let names: String = (0..count).map(|n| format!("p{n}, ")).collect();
            format!("routes: [{{providers: [{names}p], {upstream}}}]\n")
        }),
        ("identity headers", |count, upstream| {
            let names: String = (0..count).map(|n| format!("X-{n}: attributes.a{n}, ")).collect();
            format!(
                "providers: {{staff: {{adapter: keycloak, settings: {{host: a, realm: b}}}}}}\n\
                     routes: [{{providers: [staff], {upstream}, identity_headers: {{{names}X-A: email}}}}]\n"
            )
        }),
    ];
    for (what, make) in makers {
        let time = |count: usize| {
            let yaml = make(count, upstream);
            let once = || {
                let before = spent();
                drop(read(yaml.as_bytes()));
                spent() - before
            };
            (0..5).map(|_| once()).fold(f64::INFINITY, f64::min)
        };
        let (few, many) = (time(2000), time(8000));
        assert!(many < 8.0 * few, "{what}: {few} s for 2,000, {many} s for 8,000");
    }
}

/// Defaults of every kind, and that an adapter's own URL grants nothing.
#[test]
fn defaults_of_every_kind() {
    let yaml =
        format!("providers: {{staff: {{adapter: kinds, settings: {{text: x, secret: file:windows.txt}}}}}}\n{ROUTES}");
    let provider = good(&yaml).providers.remove(0);
    let expected = [
        ("text", SettingValue::Text("x".into())),
        ("flag", SettingValue::Flag(true)),
        ("number", SettingValue::Number(-7)),
        ("texts", SettingValue::Texts(vec!["a".into(), "b".into()])),
        ("pairs", SettingValue::Pairs(vec![("a".into(), "b".into())])),
        ("secret", SettingValue::Secret(Secret::new("canary-windows"))),
        ("base", SettingValue::Text("https://login.example.com".into())),
        ("choice", SettingValue::Text("one".into())),
    ];
    assert_eq!(provider.settings, expected.map(|(name, value)| (name.to_owned(), value)));
    assert!(provider.granted_origins.is_empty());
}

#[test]
fn what_is_required_depends() {
    let with = |settings: &str| {
        format!("providers: {{staff: {{adapter: kinds, settings: {{text: x, {settings}}}}}}}\n{ROUTES}")
    };
    good(&with("choice: one"));
    good(&with("choice: two, when: now"));
    assert!(
        bad(&with("choice: two")).contains("providers.staff.settings.when: is missing; write `when`: what when is")
    );
    // A wrong choice is one mistake, not two.
    assert_eq!(bad(&with("choice: three")).lines().count(), 1);
}

/// A provider from a case: JSON, without a file around it.
#[test]
fn a_provider_from_json() {
    let json = r#"{"adapter":"keycloak","settings":{"host":"http://127.0.0.1:9000","realm":"tr\u00fc","relam":"x"},"audience":"a"}"#;
    let run = |json: &str| {
        let mut problems = portcullis_core::problem::Problems::new("case");
        let node = portcullis_core::tree::parse(json.as_bytes(), &mut problems).unwrap();
        let provider = provider("case", &node, &describe("keycloak").unwrap(), &Nothing, &mut problems);
        (provider, problems)
    };
    let (refused, problems) = run(json);
    assert!(refused.is_none());
    let problems = problems.sorted();
    assert_eq!((problems.len(), problems[0].setting.as_deref()), (1, Some("relam")));
    let (provider, problems) = run(&json.replace(",\"relam\":\"x\"", ""));
    assert!(problems.is_empty(), "{problems}");
    assert_eq!(provider.unwrap().settings[1].1, SettingValue::Text("trü".to_owned()));
    // A problem's setting is named, whatever it is.
    for (settings, setting) in [
        (r#"{"host":"sso.example.com"}"#, "realm"),
        (r#"{"host":"sso.example.com?x","realm":"a"}"#, "host"),
        (r#"{"host":"sso.example.com","realm":"a","mode":"x"}"#, "mode"),
        (r#"{"host":"sso.example.com","realm":"a","client_secret":"file:x"}"#, "client_secret"),
        (r#"{"host":"sso.example.com","realm":"a","client_auth":"kerberos"}"#, "client_auth"),
    ] {
        let (refused, problems) = run(&format!(r#"{{"adapter":"keycloak","settings":{settings}}}"#));
        assert!(refused.is_none());
        assert_eq!(problems.sorted()[0].setting.as_deref(), Some(setting));
    }
}

#[test]
fn a_draft_tells_what_is_wanted() {
    let yaml = b"adapters: {folder: \"${GOOD}/x\"}\nproviders: {a: {adapter: one}, b: {adapter: two}, c: {adapter: one}, d: [], e: {adapter: []}}\n";
    let draft = Draft::parse(Path::new("conf/gate.yaml"), yaml, &Fixed).unwrap();
    assert_eq!(draft.adapters_wanted(), ["one", "two"]);
    assert_eq!(draft.adapters_folder(), Path::new("conf/canary-good/x"));
    assert!(!format!("{draft:?}").contains("canary"));
}

/// Each example in `config/` opens, and names only what its adapters would be asked for.
#[test]
fn every_example_opens() {
    let folder = Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").unwrap()).join("../config");
    let files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    let files: Vec<_> = files.into_iter().filter(|file| file.extension().is_some_and(|end| end == "yaml")).collect();
    assert!(files.len() >= 4);
    for file in files {
        let draft = open(&file).unwrap_or_else(|problems| panic!("{problems}"));
        assert!(!draft.adapters_wanted().is_empty(), "{}", file.display());
    }
}
