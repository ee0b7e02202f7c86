//! Who is measured, and what stands around it: each started on its core, on a port that nobody else has.

use super::process::{self, Folder, Process};
use super::{Stage, Subject};
use crate::workspace::{self, Outcome, root};
use std::path::Path;
use std::time::Duration;

/// The API and the provider, a fixed answer each.
const FIXED: u16 = 18090;
const ADMIN: u16 = 18095;
/// Where Debian's nginx has its modules.
const MODULES: &str = "/usr/lib/nginx/modules";

/// Where a subject listens.
pub(super) const fn port(subject: Subject) -> u16 {
    match subject {
        Subject::Nginx => 18091,
        Subject::Njs => 18092,
        Subject::Lua => 18093,
        Subject::Gateway => 18094,
    }
}

/// Starts everything.
pub(super) fn start() -> Outcome<Stage> {
    let folder = Folder::new()?;
    let fixed = nginx(&folder, "fixed", FIXED, 1, &[], include_str!("fixed.conf"))?;
    let plain = nginx(&folder, "plain", port(Subject::Nginx), 0, &[], include_str!("plain.conf"))?;
    write(&folder.path().join("njs/auth.js"), include_str!("njs.js"))?;
    let njs = nginx(&folder, "njs", port(Subject::Njs), 0, &["ngx_http_js_module"], include_str!("njs.conf"))?;
    let modules = ["ndk_http_module", "ngx_http_lua_module"];
    let lua = nginx(&folder, "lua", port(Subject::Lua), 0, &modules, include_str!("lua.conf"))?;
    let gateway = gateway(&folder)?;
    let calls = folder.path().join("fixed/calls.log");
    Ok(Stage { folder, fixed, calls, nginx: plain, njs, lua, gateway })
}

/// nginx with one worker on this core.
fn nginx(folder: &Folder, name: &str, port: u16, core: usize, modules: &[&str], server: &str) -> Outcome<Process> {
    let base = folder.path().join(name);
    let modules: String = modules.iter().map(|module| format!("load_module {MODULES}/{module}.so;\n")).collect();
    let base = base.display().to_string();
    let server = server.replace("PORT", &port.to_string()).replace("FIXED", &FIXED.to_string()).replace("BASE", &base);
    let text = format!(
        "{modules}daemon off; worker_processes 1; pid {base}/pid; error_log {base}/error.log;\nevents {{ worker_connections 1024; }}\n\
         http {{\n  access_log off; keepalive_requests 100000000; client_body_temp_path {base}/body; proxy_temp_path {base}/proxy;\n  \
         fastcgi_temp_path {base}/f; uwsgi_temp_path {base}/u; scgi_temp_path {base}/s;\n{server}\n}}\n",
    );
    let file = Path::new(&base).join("nginx.conf");
    write(&file, &text)?;
    process::want_free(port)?;
    let mut process = Process::start(core, Path::new("nginx"), &["-c", &file.display().to_string(), "-p", &base])?;
    process.until_it_listens(port, Duration::from_secs(10))?;
    Ok(process)
}

/// The gateway, with the access log off as nginx's is.
fn gateway(folder: &Folder) -> Outcome<Process> {
    let port = port(Subject::Gateway);
    let text = include_str!("gateway.yaml")
        .replace("FIXED", &FIXED.to_string())
        .replace("PORT", &port.to_string())
        .replace("ADMIN", &ADMIN.to_string())
        .replace("ADAPTERS", &root().join("adapters/dist").display().to_string());
    let file = folder.path().join("gateway.yaml");
    write(&file, &text)?;
    let binary = workspace::target_dir().join("release/portcullis");
    process::want_free(port)?;
    let mut process = Process::start(0, &binary, &["serve", "--config", &file.display().to_string()])?;
    process.until_it_listens(port, Duration::from_secs(30))?;
    Ok(process)
}

fn write(file: &Path, text: &str) -> Outcome {
    let folder = file.parent().unwrap_or(file);
    std::fs::create_dir_all(folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    std::fs::write(file, text).map_err(|error| format!("cannot write {}: {error}", file.display()))
}
