//! The real `portcullis` binary as a process of its own: a configuration in, sockets out, its log kept for reading.
//!
//! The process ends with the value. Nothing of the gateway is linked here: what is tested is what is shipped.

use crate::client;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// A running gateway.
#[derive(Debug)]
pub struct Gateway {
    child: Child,
    folder: Folder,
    /// Where it serves.
    pub address: SocketAddr,
    /// Where its admin listener is.
    pub admin: SocketAddr,
}

impl Gateway {
    /// Starts it and waits until it is ready. `rest` is the configuration without `listen`, `admin` and, unless it begins
    /// with them, `adapters`.
    ///
    /// # Errors
    /// When it ends or is not ready in time; the message holds its log.
    pub fn start(rest: &str) -> io::Result<Self> {
        Self::start_with(rest, &[])
    }

    /// As [`Gateway::start`], with files beside the configuration (name and content).
    ///
    /// # Errors
    /// As [`Gateway::start`].
    pub fn start_with(rest: &str, files: &[(&str, &str)]) -> io::Result<Self> {
        Self::launch(rest, files, None)?.when_ready()
    }

    /// As [`Gateway::start`], after a shell in its folder has done this.
    ///
    /// # Errors
    /// As [`Gateway::start`].
    pub fn start_after(first: &str, rest: &str) -> io::Result<Self> {
        Self::launch(rest, &[], Some(first))?.when_ready()
    }

    /// Waits until it is ready.
    ///
    /// # Errors
    /// When it ends or is not ready in time; the message holds its log.
    pub fn when_ready(mut self) -> io::Result<Self> {
        self.wait_until("ready", |gateway| {
            client::get(gateway.admin, "/readyz", &[]).is_ok_and(|response| response.status == 200)
        })?;
        Ok(self)
    }

    /// Starts it and waits only until its admin listener answers.
    ///
    /// # Errors
    /// As [`Gateway::start`].
    pub fn start_unready(rest: &str) -> io::Result<Self> {
        let mut gateway = Self::launch(rest, &[], None)?;
        gateway.wait_until("alive", |gateway| client::get(gateway.admin, "/livez", &[]).is_ok())?;
        Ok(gateway)
    }

    /// Starts it without any compiled code, and waits only until it compiles an adapter.
    ///
    /// # Errors
    /// When it ends, or compiles none in time.
    pub fn start_compiling(rest: &str) -> io::Result<Self> {
        let mut gateway = Self::launch(rest, &[], Some("export PORTCULLIS_CACHE_DIR=\"$PWD/compiled\""))?;
        gateway.wait_until("compiling", |gateway| gateway.compiler().is_some())?;
        Ok(gateway)
    }

    /// The process in which it compiles now.
    #[must_use]
    pub fn compiler(&self) -> Option<u32> {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.child.id())).ok()?.flatten();
        let children = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
        let children: Vec<u32> = children
            .flat_map(|list| list.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<_>>())
            .collect();
        // Between fork(2) and exec(2) it is still a copy of the gateway.
        let compiles = |id: &u32| {
            fs::read(format!("/proc/{id}/cmdline"))
                .is_ok_and(|line| line.split(|b| *b == 0).any(|a| a == b"compile-adapter"))
        };
        children.into_iter().find(compiles)
    }

    /// The whole configuration, of which `rest` is what [`Gateway::start`] takes.
    #[must_use]
    pub fn configuration(&self, rest: &str) -> String {
        configuration(self.address, self.admin, rest)
    }

    /// Replaces the configuration, by a rename, and asks the gateway to take it (SIGHUP). `rest` is as for [`Gateway::start`].
    ///
    /// # Errors
    /// When the file cannot be written, or there is no shell to send the signal with.
    pub fn reload(&self, rest: &str) -> io::Result<()> {
        self.replace(rest)?;
        self.signal("HUP")
    }

    /// Swaps in another configuration, and says nothing.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn replace(&self, rest: &str) -> io::Result<()> {
        let beside = self.folder.0.join("portcullis.yaml.new");
        fs::write(&beside, self.configuration(rest))?;
        fs::rename(&beside, self.folder.0.join("portcullis.yaml"))
    }

    /// Where the configuration lies.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder.0
    }

    /// Replaces a file beside the configuration.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, name: &str, content: &str) -> io::Result<()> {
        fs::write(self.folder.0.join(name), content)
    }

    /// Waits until the log holds this text so many times.
    ///
    /// # Errors
    /// After half a minute (an adapter may have to be compiled); the message holds the log.
    pub fn until_log_says(&self, text: &str, times: usize) -> io::Result<()> {
        let limit = Instant::now() + Duration::from_secs(30);
        while self.log().matches(text).count() < times {
            if Instant::now() > limit {
                return Err(io::Error::other(format!("the log does not say {text:?} {times} times:\n{}", self.log())));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// `first` is what a shell in its folder does before it becomes the gateway.
    fn launch(rest: &str, files: &[(&str, &str)], first: Option<&str>) -> io::Result<Self> {
        let binary = binary()?;
        let folder = Folder::new()?;
        let (address, admin) = (free_address()?, free_address()?);
        let text = configuration(address, admin, rest);
        for (name, content) in files {
            fs::write(folder.0.join(name), content)?;
        }
        let file = folder.0.join("portcullis.yaml");
        fs::write(&file, text)?;
        let log = fs::File::create(folder.0.join("log"))?;
        let mut command = match first {
            None => Command::new(binary),
            Some(first) => {
                let mut shell = Command::new("sh");
                shell.arg("-c").arg(format!("{first} && exec \"$0\" \"$@\"")).arg(binary).current_dir(&folder.0);
                shell
            }
        };
        let child = command
            .arg("serve")
            .arg("--config")
            .arg(&file)
            .env("PORTCULLIS_LOG", "trace")
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        Ok(Self { child, folder, address, admin })
    }

    fn wait_until(&mut self, what: &str, mut done: impl FnMut(&Self) -> bool) -> io::Result<()> {
        let limit = Instant::now() + Duration::from_secs(60);
        while !done(self) {
            if let Some(status) = self.child.try_wait()? {
                return Err(io::Error::other(format!("the gateway ended ({status}):\n{}", self.log())));
            }
            if Instant::now() > limit {
                return Err(io::Error::other(format!("the gateway is not {what} after 60 s:\n{}", self.log())));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Everything it has written to its terminal, at log level `trace`.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read(self.folder.0.join("log")).map(|log| String::from_utf8_lossy(&log).into_owned()).unwrap_or_default()
    }

    /// The value of a series of `/metrics`; 0 where it is not there.
    ///
    /// # Errors
    /// When the admin listener does not answer.
    pub fn metric(&self, series: &str) -> io::Result<f64> {
        Ok(series_of(&client::get(self.admin, "/metrics", &[])?.text(), series))
    }

    /// A file of its in `/proc`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn proc(&self, name: &str) -> io::Result<String> {
        fs::read_to_string(format!("/proc/{}/{name}", self.child.id()))
    }

    /// Its threads: the name, the nice value, and the processor's time so far, in the kernel's ticks (10 ms).
    ///
    /// # Errors
    /// When `/proc` does not tell.
    pub fn threads(&self) -> io::Result<Vec<(String, i64, u64)>> {
        threads_of(self.child.id())
    }

    /// Resident memory in KiB; 0 where `/proc` does not tell.
    #[must_use]
    pub fn resident_kib(&self) -> u64 {
        resident_kib(self.child.id())
    }

    /// Asks it to end (SIGTERM) and returns at once.
    ///
    /// # Errors
    /// When there is no shell to send the signal with.
    pub fn terminate(&self) -> io::Result<()> {
        self.signal("TERM")
    }

    /// Sends a signal: `HUP`.
    ///
    /// # Errors
    /// When there is no shell to send it with.
    pub fn signal(&self, name: &str) -> io::Result<()> {
        // std can only kill; the shell's own `kill` needs no further package.
        let status = Command::new("sh").arg("-c").arg(format!("kill -{name} {}", self.child.id())).status()?;
        if status.success() { Ok(()) } else { Err(io::Error::other(format!("kill failed ({status})"))) }
    }

    /// Waits for its end; `None` when it has not come within `limit`.
    ///
    /// # Errors
    /// When the process cannot be watched.
    pub fn ended_within(&mut self, limit: Duration) -> io::Result<Option<ExitStatus>> {
        let limit = Instant::now() + limit;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(Some(status));
            }
            if Instant::now() > limit {
                return Ok(None);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// The threads of a process: the name, the nice value, and the processor's time so far, in the kernel's ticks (10 ms).
///
/// # Errors
/// When `/proc` does not tell.
pub fn threads_of(process: u32) -> io::Result<Vec<(String, i64, u64)>> {
    let mut threads = Vec::new();
    for thread in fs::read_dir(format!("/proc/{process}/task"))? {
        // One that has ended meanwhile is none.
        let Ok(text) = fs::read_to_string(thread?.path().join("stat")) else { continue };
        // proc(5): the number, the name in brackets, then the rest, of which the state is field 3.
        let told = || io::Error::other(format!("not understood: {text}"));
        let (name, rest) = text.rsplit_once(") ").ok_or_else(told)?;
        let name = name.split_once(" (").ok_or_else(told)?.1.to_owned();
        let fields: Vec<i64> = rest.split_whitespace().skip(1).map(|field| field.parse().unwrap_or(0)).collect();
        let field = |number: usize| fields.get(number - 4).copied().ok_or_else(told);
        threads.push((name, field(19)?, (field(14)? + field(15)?).unsigned_abs()));
    }
    Ok(threads)
}

/// Resident memory of a process in KiB; 0 where `/proc` does not tell.
#[must_use]
pub fn resident_kib(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()).and_then(|kib| kib.parse().ok()).unwrap_or(0)
}

impl Drop for Gateway {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The value of a series in the text of `/metrics`; 0 where it is not there.
#[must_use]
pub fn series_of(text: &str, series: &str) -> f64 {
    let found = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    // What is there and no number equals nothing.
    found.map_or(0.0, |value| value.parse().unwrap_or(f64::NAN))
}

/// The whole configuration: `rest`, and what the harness knows.
fn configuration(address: SocketAddr, admin: SocketAddr, rest: &str) -> String {
    let adapters = match rest.starts_with("adapters:") {
        true => String::new(),
        false => format!("adapters: {{folder: \"{}\"}}\n", adapters().display()),
    };
    format!("listen: {address}\nadmin: {{listen: \"{admin}\"}}\n{adapters}{rest}\n")
}

/// Runs the binary to its end with this configuration file's text in place of `{config}` among the arguments.
///
/// # Errors
/// When it cannot be run.
pub fn run(arguments: &[&str], config: &str, files: &[(&str, &str)]) -> io::Result<Output> {
    let folder = Folder::new()?;
    for (name, content) in files {
        fs::write(folder.0.join(name), content)?;
    }
    let file = folder.0.join("portcullis.yaml");
    fs::write(&file, config)?;
    let arguments = arguments.iter().map(|argument| match *argument {
        "{config}" => file.clone(),
        other => PathBuf::from(other.replace("{folder}", &folder.0.to_string_lossy())),
    });
    Command::new(binary()?).args(arguments).env("PORTCULLIS_LOG", "trace").stdin(Stdio::null()).output()
}

/// The folder with the shipped components.
#[must_use]
pub fn adapters() -> PathBuf {
    root().join("adapters/dist")
}

/// The tests' own components: those that do what no adapter may. `dist`, or `dist-wasip2` for the same ones with WASI.
///
/// # Errors
/// When they were not built.
pub fn test_adapter(dist: &str, name: &str) -> io::Result<PathBuf> {
    let file = root().join("tests/adapters").join(dist).join(name).with_extension("wasm");
    match file.is_file() {
        true => Ok(file),
        false => Err(io::Error::other(format!("{} is missing; run `cargo xtask adapters --tests`", file.display()))),
    }
}

/// The folder of the workspace: asked when we run and not when we were compiled, since a build cache may come from a clone
/// that lay elsewhere.
#[must_use]
pub fn root() -> PathBuf {
    let here = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    here.parent().map(Path::to_owned).unwrap_or(here)
}

/// The binary: `PORTCULLIS_BIN`, or built now, once. An old one is never taken by accident.
fn binary() -> io::Result<&'static Path> {
    static BINARY: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let found = BINARY.get_or_init(|| {
        if !adapters().join("keycloak.wasm").is_file() {
            return Err("adapters/dist/keycloak.wasm is missing; run `cargo xtask adapters`".to_owned());
        }
        if let Some(binary) = std::env::var_os("PORTCULLIS_BIN") {
            return Ok(PathBuf::from(binary));
        }
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        // The same selection as xtask's: another would compile wasmtime again.
        let arguments = ["build", "--workspace", "--bin", "portcullis", "--message-format", "json-render-diagnostics"];
        let mut command = Command::new(cargo);
        // As xtask does: a build script may watch these.
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")) {
                command.env_remove(name);
            }
        }
        let built = command
            .args(arguments)
            .current_dir(root())
            .stderr(Stdio::inherit())
            .output()
            .map_err(|error| format!("cannot run cargo: {error}"))?;
        String::from_utf8_lossy(&built.stdout)
            .lines()
            .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
            .find_map(|message| message.get("executable")?.as_str().map(PathBuf::from))
            .ok_or_else(|| "`cargo build --workspace --bin portcullis` made no executable".to_owned())
    });
    found.as_deref().map_err(|message| io::Error::other(message.clone()))
}

/// A loopback address that nobody listens on. Ports are handed out once, from below the range that the kernel gives to
/// outgoing connections, so that tests which run at the same time do not take each other's.
///
/// # Errors
/// When none is free.
pub fn free_address() -> io::Result<SocketAddr> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = u16::try_from(std::process::id() % 8000).unwrap_or(0);
    for _ in 0..8000 {
        let port = 20_000 + start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % 8000;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if TcpListener::bind(address).is_ok() {
            return Ok(address);
        }
    }
    Err(io::Error::other("no port between 20000 and 28000 is free"))
}

/// Any free loopback port, for servers that can tell which they got.
#[must_use]
pub fn any_port() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}

/// A folder of our own that is gone with the value.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// An empty one.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new() -> io::Result<Self> {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("portcullis-tests-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder)?;
        Ok(Self(folder))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}
