//! Compiled code: found in a folder, or made by another process ([`super::compile`]) that is bounded in memory and time.
//!
//! It must never compile in this process: the engine here has no compiler, so what is not in the folder is an error. wasmtime's
//! cache is the safe interface to code on disk; it is used from both sides, and since an engine without a compiler looks under
//! another name, what the other process wrote is renamed.

use super::limits;
use super::private::{PrivateFolder, WORKSHOP};
use crate::regular;
use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustix::io::Errno;
use std::fs::{self, File};
use std::hash::{Hash, Hasher};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant, SystemTime};
use wasmtime::Engine;
use wasmtime::component::Component;

/// The hidden command of this program that compiles.
pub const COMMAND: &str = "compile-adapter";
/// Its flag for compiling while requests are served.
const ASIDE: &str = "--aside";

/// Where wasmtime's cache keeps code, below its folder: in a folder for each version of wasmtime.
const MODULES: &str = "modules";
/// How often is looked whether the other process has ended.
const LOOK_EVERY: Duration = Duration::from_millis(2);
/// What is read of what a failed process said.
const SAID_BYTES_MAX: u64 = 4 * 1024;

/// How much of the machine compiling may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Priority {
    /// Nothing is served yet.
    Ordinary,
    /// Requests are served meanwhile, and come first.
    Low,
}

/// The folder, and the program that fills it.
#[derive(Debug)]
pub(super) struct Compiled {
    folder: PrivateFolder,
    program: PathBuf,
}

impl Compiled {
    pub(super) fn new(folder: PrivateFolder, program: &Path) -> Self {
        Self { folder, program: program.to_owned() }
    }

    /// The component, ready to be linked. `engine` is one without a compiler, whose cache is in this folder.
    ///
    /// # Errors
    ///
    /// The other process failed or met a limit, or its code is not usable.
    pub(super) fn component(&self, engine: &Engine, bytes: &[u8], priority: Priority) -> Result<Component, String> {
        if let Ok(component) = Component::from_binary(engine, bytes) {
            return Ok(component);
        }
        let code = self.compile(engine, bytes, priority)?;
        let component = Component::from_binary(engine, bytes)
            .map_err(|error| format!("what was compiled cannot be loaded: {error:#}"));
        if self.folder.is_temporary() {
            // It is in memory now, and nobody looks for it again.
            let _ = fs::remove_file(code);
        } else {
            self.prune();
        }
        component
    }

    /// Has it compiled, and gives where the code lies.
    fn compile(&self, engine: &Engine, bytes: &[u8], priority: Priority) -> Result<PathBuf, String> {
        let workshop = self.folder.workshop()?;
        let failed = |error: std::io::Error| format!("{}: {error}", workshop.path().display());
        let (input, said) = (workshop.path().join("component"), workshop.path().join("said"));
        fs::write(&input, bytes).map_err(failed)?;
        let mut command = Command::new(&self.program);
        command
            .arg(COMMAND)
            .args((priority == Priority::Low).then_some(ASIDE))
            .arg(workshop.path())
            // Secrets of the configuration may be in the environment. The allocator's steps are made small: what it reserves
            // counts as taken.
            .env_clear()
            .env("MIMALLOC_ARENA_RESERVE", limits::COMPILE_ARENA_KIB.to_string())
            .current_dir("/")
            // Signals to the gateway's group (a terminal's, `tini -g`) are not for it; it ends with the gateway all the same.
            .process_group(0)
            .stdin(File::open(&input).map_err(failed)?)
            .stdout(Stdio::null())
            .stderr(File::create(&said).map_err(failed)?);
        let began = Instant::now();
        let child = command.spawn().map_err(|error| format!("{} cannot be run: {error}", self.program.display()))?;
        let ended = ended(child).map_err(|error| format!("the process that compiles was lost: {error}"))?;
        let said = regular::read(&said, SAID_BYTES_MAX).unwrap_or_default();
        if let Some(reason) = reason(ended, &String::from_utf8_lossy(&said)) {
            return Err(reason);
        }
        let made = made(&workshop.path().join(MODULES)).map_err(failed)?;
        let (version, code) = made.ok_or("the process that compiles has left no code")?;
        let kept = self.folder.path().join(MODULES).join(version);
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&kept).map_err(failed)?;
        let kept = kept.join(name(engine, bytes));
        fs::rename(code, &kept).map_err(failed)?;
        let ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(ms, "an adapter was compiled in a process of its own");
        Ok(kept)
    }

    /// Removes the oldest code where there is too much, and what processes that were killed have left.
    fn prune(&self) {
        let listed = |folder: &Path| fs::read_dir(folder).into_iter().flatten().flatten();
        let age = |known: &fs::Metadata| known.modified().ok().and_then(|at| SystemTime::now().duration_since(at).ok());
        for entry in listed(self.folder.path()) {
            let is_workshop = entry.file_name().as_encoded_bytes().starts_with(WORKSHOP.as_bytes());
            let is_old = entry.metadata().ok().and_then(|known| age(&known)).is_some_and(|age| age > LEFT_AFTER);
            if is_workshop && is_old {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        let versions = listed(&self.folder.path().join(MODULES));
        let mut files: Vec<(SystemTime, u64, PathBuf)> = versions
            .flat_map(|version| listed(&version.path()))
            .filter_map(|entry| {
                let known = entry.metadata().ok()?;
                Some((known.modified().ok()?, known.len(), entry.path()))
            })
            .collect();
        let mut total: u64 = files.iter().map(|(_, length, _)| length).sum();
        if total <= limits::COMPILED_BYTES_MAX {
            return;
        }
        files.sort();
        for (_, length, path) in files {
            if total <= limits::COMPILED_BYTES_MAX / 2 {
                return;
            }
            if fs::remove_file(path).is_ok() {
                total = total.saturating_sub(length);
            }
        }
    }
}

/// After which time a folder that a process was to write to is no longer used.
const LEFT_AFTER: Duration = Duration::from_secs(3600);

/// How the process ended.
enum End {
    With(ExitStatus),
    /// The system does not tell: whoever started the gateway has it ignore SIGCHLD.
    Somehow,
    /// It took too long and was killed.
    Late,
}

/// Waits for the end of the process.
fn ended(mut child: Child) -> std::io::Result<End> {
    let is_unknown = |error: &std::io::Error| error.raw_os_error() == Some(Errno::CHILD.raw_os_error());
    let limit = Instant::now() + limits::COMPILE_MAX;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(End::With(status)),
            Ok(None) => {}
            Err(error) if is_unknown(&error) => return Ok(End::Somehow),
            Err(error) => return Err(error),
        }
        if Instant::now() > limit {
            child.kill()?;
            return match child.wait() {
                Err(error) if !is_unknown(&error) => Err(error),
                _ => Ok(End::Late),
            };
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Why it has failed, if it has. Where it succeeds, it says nothing.
fn reason(end: End, said: &str) -> Option<String> {
    let said = said.lines().map(str::trim).find(|line| !line.is_empty());
    match end {
        End::With(status) if status.success() => None,
        End::Somehow => said.map(str::to_owned),
        End::With(status) if status.code().is_some() => Some(said.unwrap_or(NOTHING).to_owned()),
        End::With(status) => Some(format!(
            "it cannot be compiled within {} MiB of memory and {} s of processor time ({status}: {})",
            limits::COMPILE_MEMORY_BYTES_MAX >> 20,
            limits::COMPILE_CPU_SECONDS_MAX,
            said.unwrap_or(NOTHING)
        )),
        End::Late => Some(format!("it was not compiled within {} s", limits::COMPILE_MAX.as_secs())),
    }
}

const NOTHING: &str = "it said nothing";

/// The one file of code below `modules`, and the name of the folder that it is in.
fn made(modules: &Path) -> std::io::Result<Option<(std::ffi::OsString, PathBuf)>> {
    for version in fs::read_dir(modules)? {
        let version = version?;
        for file in fs::read_dir(version.path())? {
            let path = file?.path();
            // Beside it may be statistics, and what was not written to its end.
            if path.extension().is_none() {
                return Ok(Some((version.file_name(), path)));
            }
        }
    }
    Ok(None)
}

/// Under which name wasmtime's cache looks for the code of a component: `ModuleCacheEntry::get_data_raw` and
/// `CodeBuilder::compile_cached` of wasmtime 48. Were it another one, nothing would be found, and no adapter could be loaded.
fn name(engine: &Engine, bytes: &[u8]) -> String {
    let mut hasher = Sha256(digest::Context::new(&digest::SHA256));
    // The engine's settings, the component, no separate DWARF, no unsafe intrinsics.
    (engine.precompile_compatibility_hash(), bytes, None::<&[u8]>, None::<&str>).hash(&mut hasher);
    URL_SAFE_NO_PAD.encode(hasher.0.finish())
}

struct Sha256(digest::Context);

impl Hasher for Sha256 {
    /// Nobody asks for it: what counts is all of the digest.
    fn finish(&self) -> u64 {
        0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }
}
