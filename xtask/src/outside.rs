//! `cargo xtask outside`: an adapter as a stranger writes one, made where nothing of this repository is.
//!
//! The crate in tests/outside is copied to a fresh folder, and there everything that docs/adapters.md tells the reader to type is
//! typed. So the page works, and the contract is enough.

use crate::tools;
use crate::workspace::{self, Outcome, gateway, root};
use portcullis_tests::gateway::Folder;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// Runs the command.
pub(crate) fn run() -> Outcome {
    tools::want_target("wasm32-wasip2")?;
    workspace::build_gateway()?;
    let page = root().join("docs/adapters.md");
    let page = fs::read_to_string(&page).map_err(|error| format!("cannot read {}: {error}", page.display()))?;
    let steps = steps(&page);
    if steps.is_empty() {
        return Err("docs/adapters.md has no command".to_owned());
    }
    let folder = Folder::new().map_err(|error| format!("no folder for it: {error}"))?;
    copy(&root().join("tests/outside/slack"), folder.path())?;
    for (command, expected) in steps {
        println!("$ {command}");
        let printed = type_in(&command, folder.path())?;
        print!("{printed}");
        if !expected.is_empty() && printed.trim_end() != expected {
            return Err(format!("docs/adapters.md says that `{command}` prints:\n{expected}"));
        }
    }
    Ok(())
}

/// What stands in the page's `console` blocks: each command with what it prints, where the page tells.
fn steps(page: &str) -> Vec<(String, String)> {
    let mut steps: Vec<(String, String)> = Vec::new();
    let mut inside = false;
    for line in page.lines() {
        match (line, line.strip_prefix("$ ")) {
            ("```console", _) => inside = true,
            ("```", _) => inside = false,
            (_, Some(command)) if inside => steps.push((command.to_owned(), String::new())),
            (line, None) if inside => {
                if let Some((_, expected)) = steps.last_mut() {
                    expected.push_str(if expected.is_empty() { "" } else { "\n" });
                    expected.push_str(line);
                }
            }
            _ => {}
        }
    }
    steps
}

/// By a shell, with the gateway at hand and nothing of what our own builds are told. What it prints.
fn type_in(command: &str, folder: &Path) -> Outcome<String> {
    let beside = gateway().parent().map(Path::to_owned).unwrap_or_default();
    let path = std::env::var("PATH").unwrap_or_default();
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).current_dir(folder).env("PATH", format!("{}:{path}", beside.display()));
    for (name, _) in std::env::vars_os() {
        let ours = |name: &str| name.starts_with("CARGO_") && name != "CARGO_HOME" || name == "RUSTFLAGS";
        if name.to_str().is_some_and(ours) {
            shell.env_remove(name);
        }
    }
    let output = shell.stderr(Stdio::inherit()).output().map_err(|error| format!("cannot run sh: {error}"))?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    match output.status.success() {
        true => Ok(printed),
        false => Err(format!("`{command}` failed ({}): {printed}", output.status)),
    }
}

/// The sources; what was built there is left.
fn copy(from: &Path, to: &Path) -> Outcome {
    let failed = |error: std::io::Error| format!("cannot copy {}: {error}", from.display());
    for entry in fs::read_dir(from).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let target = to.join(entry.file_name());
        if !entry.path().is_dir() {
            fs::copy(entry.path(), target).map_err(failed)?;
        } else if !["target", "adapters"].iter().any(|built| entry.file_name() == *built) {
            fs::create_dir(&target).map_err(failed)?;
            copy(&entry.path(), &target)?;
        }
    }
    Ok(())
}
