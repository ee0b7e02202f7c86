//! A process on one core, what it has used of it, and its end with the value.

use crate::workspace::Outcome;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The kernel's unit of process times in `/proc`, on every Linux that Rust runs on.
const TICKS_PER_S: u64 = 100;

const LOOPBACK: Ipv4Addr = Ipv4Addr::LOCALHOST;

/// A running process and its children.
pub(crate) struct Process(Child);

impl Process {
    /// Starts a program that may use this core alone. What it says goes to our standard error. It is ended with us, whatever
    /// ends us: the kernel sends it SIGTERM.
    pub(crate) fn start(core: usize, program: &Path, arguments: &[&str]) -> Outcome<Self> {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "TERM", "taskset", "--cpu-list", &core.to_string()]).arg(program).args(arguments);
        command.env("PORTCULLIS_LOG", "warn").stdin(Stdio::null()).stdout(Stdio::null());
        command.spawn().map(Self).map_err(|error| format!("cannot start {}: {error}", program.display()))
    }

    /// Waits until it accepts connections there.
    pub(crate) fn until_it_listens(&mut self, port: u16, limit: Duration) -> Outcome {
        let until = Instant::now() + limit;
        while TcpStream::connect((LOOPBACK, port)).is_err() {
            self.alive()?;
            if Instant::now() > until {
                return Err(format!("nothing listens on {LOOPBACK}:{port}; what was started there says why above"));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        self.alive()
    }

    /// Fails when it has ended.
    pub(crate) fn alive(&mut self) -> Outcome {
        match self.0.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(format!("what is measured has ended ({status}); it says why above")),
            Err(error) => Err(format!("cannot look after what is measured: {error}")),
        }
    }

    /// CPU time of all its processes so far, system calls included.
    pub(crate) fn cpu(&self) -> Outcome<Duration> {
        let mut ticks = 0;
        for pid in self.family()? {
            let stat = read(&format!("/proc/{pid}/stat"))?;
            // Behind the name, which may hold anything but is in brackets: utime and stime are the 12th and 13th from there.
            let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
            let field = |at: usize| fields.get(at).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
            ticks += field(11) + field(12);
        }
        Ok(Duration::from_millis(ticks * 1000 / TICKS_PER_S))
    }

    /// Resident memory of all its processes.
    pub(crate) fn resident_mib(&self) -> Outcome<f64> {
        let mut kib = 0_u32;
        for pid in self.family()? {
            let status = read(&format!("/proc/{pid}/status"))?;
            let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
            kib += line.split_whitespace().next().and_then(|text| text.parse::<u32>().ok()).unwrap_or(0);
        }
        Ok(f64::from(kib) / 1024.0)
    }

    fn family(&self) -> Outcome<Vec<u32>> {
        let own = self.0.id();
        let children = read(&format!("/proc/{own}/task/{own}/children"))?;
        Ok(std::iter::once(own).chain(children.split_whitespace().filter_map(|pid| pid.parse().ok())).collect())
    }
}

impl Drop for Process {
    /// By SIGTERM, so that nginx's master ends its worker; then for good.
    fn drop(&mut self) {
        drop(Command::new("kill").arg(self.0.id().to_string()).status());
        let limit = Instant::now() + Duration::from_secs(3);
        while Instant::now() < limit {
            if matches!(self.0.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Fails when somebody has this port already: they would take a share of the load, or all of it.
pub(crate) fn want_free(port: u16) -> Outcome {
    let taken = |error| format!("cannot have {LOOPBACK}:{port}: {error}; end what listens there");
    TcpListener::bind((LOOPBACK, port)).map(drop).map_err(taken)
}

fn read(file: &str) -> Outcome<String> {
    std::fs::read_to_string(file).map_err(|error| format!("cannot read {file}: {error}"))
}

/// A folder that is gone with the value.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Outcome<Self> {
        let folder = std::env::temp_dir().join(format!("portcullis-bench-{}", std::process::id()));
        std::fs::create_dir_all(&folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
        Ok(Self(folder))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}
