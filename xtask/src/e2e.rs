//! `cargo xtask e2e`: the gateway against real identity providers, in front of servers that others wrote, behind a real toxiproxy,
//! watched by a real Prometheus. With `--all` every provider is asked, and the table of what became of each token is written
//! into docs/providers.md.
//!
//! What is missing is an error that says how to get it. It never passes by skipping.

use crate::adapters::{self, Build};
use crate::tools;
use crate::workspace::{self, Outcome, cargo, output, root, target_dir};
use std::fs;
use std::path::Path;
use std::process::Command;

/// The providers in the order of the table, as their tests call them.
const PROVIDERS: [&str; 6] =
    ["Keycloak", "oidc-provider", "glewlwyd", "Django OAuth Toolkit", "canaille", "Zitadel's OP library"];
/// Between these lines of docs/providers.md stands the table.
const BEGIN: &str = "<!-- the real providers' table: written by cargo xtask e2e --all -->";
const END: &str = "<!-- the end of the real providers' table -->";

/// What the command takes.
#[derive(Default, clap::Args)]
pub(crate) struct Arguments {
    /// Every provider, those that take long to install as well; writes the table in docs/providers.md
    #[arg(long)]
    all: bool,
}

/// What the servers need, the argument that proves it works, and how to get it.
const NEEDED: &[(&str, &str, &str)] = &[
    ("java", "-version", "apt-get install openjdk-17-jdk-headless"),
    ("javac", "-version", "apt-get install openjdk-17-jdk-headless"),
    ("mvn", "-version", "apt-get install maven"),
    ("nginx", "-v", "apt-get install nginx-light"),
    ("php", "-v", "apt-get install php-cli"),
    ("prometheus", "--version", "apt-get install --no-install-recommends prometheus"),
    ("promtool", "--version", "apt-get install --no-install-recommends prometheus"),
    ("curl", "--version", "apt-get install curl"),
    ("go", "version", "apt-get install golang-go"),
    ("python3", "--version", "apt-get install python3 python3-venv"),
    ("node", "--version", "apt-get install nodejs"),
    ("npm", "--version", "apt-get install npm"),
    ("glewlwyd", "--version", "apt-get install --no-install-recommends glewlwyd"),
    ("sqlite3", "--version", "apt-get install sqlite3"),
    ("openssl", "version", "apt-get install openssl"),
];

/// Runs the command.
pub(crate) fn run(Arguments { all }: &Arguments) -> Outcome {
    // With `KEYCLOAK_URL` too: some tests stop and start a Keycloak of their own.
    for (tool, argument, remedy) in NEEDED {
        if !tools::answers(tool, argument) {
            return Err(format!("`{tool}` is missing, and these tests never pass by skipping; try: {remedy}"));
        }
    }
    adapters::run_builds(&[Build::Pure], None)?;
    workspace::build_gateway()?;
    let tables = target_dir().join("providers");
    drop(fs::remove_dir_all(&tables));
    fs::create_dir_all(&tables).map_err(|error| format!("cannot make {}: {error}", tables.display()))?;
    // Side by side: most of their time is waiting until a token is more than the skew past its end.
    let mut providers = vec!["providers::", "--test-threads=3"];
    if *all {
        providers.push("--include-ignored");
    }
    test(&providers, &tables)?;
    // One at a time: they share one Keycloak, and one of them stops and starts it.
    test(&["--skip", "providers::", "--test-threads=1"], &tables)?;
    if *all { write_table(&tables) } else { Ok(()) }
}

fn test(arguments: &[&str], tables: &Path) -> Outcome {
    // The selection of the other tests, so that nothing is compiled twice.
    let selection = ["test", "--workspace", "--features", "portcullis-tests/e2e", "--test", "e2e", "--"];
    let mut command = cargo();
    command.args(selection).args(arguments);
    workspace::run(command.env("PORTCULLIS_BIN", workspace::gateway()).env("PORTCULLIS_TABLES", tables))
}

/// Joins the tables of the providers and puts them in place of those of the last full run.
fn write_table(tables: &Path) -> Outcome {
    let mut text = format!("{BEGIN}\n\nLast full run: {}.\n", output(Command::new("date").args(["-u", "+%F"]))?.trim());
    for provider in PROVIDERS {
        let file = tables.join(format!("{provider}.md"));
        let table = fs::read_to_string(&file).map_err(|error| format!("there is no {}: {error}", file.display()))?;
        text.push('\n');
        text.push_str(&table);
    }
    text.push('\n');
    let page = root().join("docs/providers.md");
    let old = fs::read_to_string(&page).map_err(|error| format!("cannot read {}: {error}", page.display()))?;
    let parts = old.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let (before, after) = parts.ok_or_else(|| format!("{} lacks the lines `{BEGIN}` and `{END}`", page.display()))?;
    fs::write(&page, format!("{before}{text}{END}{after}")).map_err(|error| format!("cannot write: {error}"))
}
