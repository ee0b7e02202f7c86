//! A server started by one of the scripts of `tests/parts`. It ends with the value.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub(crate) struct Part {
    child: Child,
    /// What the script said it serves: `http://address/path`.
    pub(crate) url: String,
}

impl Part {
    /// Starts a script on this address and waits for its `READY`. The first run may take minutes: it downloads and installs.
    pub(crate) fn start(script: &str, address: SocketAddr, environment: &[(&str, &str)]) -> Self {
        let script = portcullis_tests::gateway::root().join("tests/parts").join(script);
        let mut child = Command::new("bash")
            .arg(&script)
            .env("PORT", address.port().to_string())
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("bash runs");
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let url = lines.map_while(Result::ok).find_map(|line| line.strip_prefix("READY ").map(str::to_owned));
        let Some(url) = url else {
            let status = child.wait().unwrap();
            panic!("{} ended ({status}) before it was ready; what it said is above", script.display());
        };
        Self { child, url }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // TERM, so that the script takes its server along.
        drop(Command::new("sh").arg("-c").arg(format!("kill -TERM {}", self.child.id())).status());
        let limit = Instant::now() + Duration::from_secs(20);
        while Instant::now() < limit {
            if self.child.try_wait().is_ok_and(|status| status.is_some()) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
