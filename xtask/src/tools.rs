//! Tools beyond the toolchain: whether they are there, and how a person gets them.

use crate::workspace::{Outcome, output, root, run};
use std::path::Path;
use std::process::{Command, Stdio};

/// Whether `program argument` runs and succeeds.
pub(crate) fn answers(program: &str, argument: &str) -> bool {
    Command::new(program)
        .arg(argument)
        .current_dir(root())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Adds wasm targets that are missing, where rustup manages the toolchain; else cargo's own message has to do.
pub(crate) fn want_target(target: &str) -> Outcome {
    if !answers("rustup", "--version") {
        return Ok(());
    }
    let installed = output(Command::new("rustup").current_dir(root()).args(["target", "list", "--installed"]))?;
    if installed.lines().any(|line| line.trim() == target) {
        return Ok(());
    }
    println!("adding the target {target}");
    run(Command::new("rustup").current_dir(root()).args(["target", "add", target]))
}

/// cargo-component, or the hint.
pub(crate) fn want_cargo_component() -> Outcome {
    if Command::new("cargo-component").arg("--version").stdout(Stdio::null()).status().is_ok_and(|s| s.success()) {
        return Ok(());
    }
    Err("cargo-component is missing; install it with: cargo install cargo-component --locked --version 0.21.1"
        .to_owned())
}

/// cargo-deny, or the hint.
pub(crate) fn want_cargo_deny() -> Outcome {
    if Command::new("cargo-deny").arg("--version").stdout(Stdio::null()).status().is_ok_and(|s| s.success()) {
        return Ok(());
    }
    Err("cargo-deny is missing; install it with: cargo install cargo-deny --locked".to_owned())
}

/// What the bench needs, or the hint.
pub(crate) fn want_for_bench() -> Outcome {
    let runs = |(program, argument)| Command::new(program).arg(argument).output().is_ok();
    let programs = [("nginx", "-v"), ("setpriv", "--version"), ("taskset", "--version"), ("wrk", "--version")];
    let module = |name: &&str| Path::new("/usr/lib/nginx/modules").join(name).is_file();
    let modules = ["ngx_http_js_module.so", "ngx_http_lua_module.so"];
    if programs.into_iter().all(runs) && modules.iter().all(module) {
        return Ok(());
    }
    Err("the bench needs nginx with its modules for njs and Lua, wrk, setpriv and taskset; on Debian: apt-get install \
         nginx-light libnginx-mod-http-js libnginx-mod-http-lua lua-cjson wrk util-linux"
        .to_owned())
}
