//! Where things are, and how other programs are run: their output stays visible, their failure names what was run.

pub(crate) use portcullis_tests::gateway::root;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a command came to; the text is for the person at the terminal.
pub(crate) type Outcome<T = ()> = Result<T, String>;

/// Where cargo puts what it builds for the gateway's workspace: `CARGO_TARGET_DIR`, or `target`.
pub(crate) fn target_dir() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(dir) if !dir.is_empty() => std::path::absolute(&dir).unwrap_or_else(|_| PathBuf::from(dir)),
        _ => root().join("target"),
    }
}

/// The gateway's binary, as [`build_gateway`] makes it.
pub(crate) fn gateway() -> PathBuf {
    target_dir().join("debug").join(format!("portcullis{}", std::env::consts::EXE_SUFFIX))
}

/// Builds the gateway; cargo shows its progress.
///
/// `--workspace` and not `--package portcullis`: cargo unites features over the selected packages, and with the same ones as
/// `cargo test --workspace` selects, wasmtime is compiled once for both.
pub(crate) fn build_gateway() -> Outcome {
    run(cargo().args(["build", "--workspace", "--bin", "portcullis"]))
}

/// The cargo that runs us, in the workspace's folder.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root()).env("CARGO_TARGET_DIR", target_dir());
    // What cargo told us about ourselves is not for the cargo below: a build script may watch these variables, and
    // with them every build would compile it, and all of TLS, once more.
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")) {
            command.env_remove(name);
        }
    }
    command
}

/// Cargo in another workspace of this repository, with a target folder of its own below ours.
pub(crate) fn cargo_in(folder: &Path, target: &str) -> Command {
    let mut command = cargo();
    command.current_dir(folder).env("CARGO_TARGET_DIR", target_dir().join(target));
    command
}

/// Runs to the end with inherited output.
pub(crate) fn run(command: &mut Command) -> Outcome {
    let shown = show(command);
    let status = command.status().map_err(|error| format!("cannot run `{shown}`: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("`{shown}` failed ({status})")) }
}

/// Runs to the end and gives standard output.
pub(crate) fn output(command: &mut Command) -> Outcome<String> {
    let shown = show(command);
    let output = command.output().map_err(|error| format!("cannot run `{shown}`: {error}"))?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(format!("`{shown}` failed ({}): {}", output.status, complaint.trim()));
    }
    String::from_utf8(output.stdout).map_err(|_| format!("`{shown}` printed no UTF-8"))
}

/// The triple of this machine.
pub(crate) fn host_triple() -> Outcome<String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let about = output(Command::new(rustc).current_dir(root()).arg("-vV"))?;
    let host = about.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| "`rustc -vV` names no host".to_owned())
}

/// A command as a person would type it.
fn show(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let mut shown = program.to_string_lossy().into_owned();
    for argument in command.get_args() {
        shown.push(' ');
        shown.push_str(&argument.to_string_lossy());
    }
    shown
}
