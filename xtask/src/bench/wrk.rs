//! Load by wrk, on core 1, and what it measured.

use super::Tokens;
use super::process::Folder;
use crate::workspace::{Outcome, output};
use std::process::Command;

/// Connections that are kept busy.
const CONNECTIONS: u32 = 64;

/// What wrk saw.
pub(crate) struct Load {
    pub(crate) requests: u64,
    /// Statuses other than 2xx and 3xx, and connections that broke.
    pub(crate) failed: u64,
    pub(crate) per_second: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
}

/// Sends requests for so many seconds. The tokens are of the length that Keycloak's have.
pub(crate) fn run(folder: &Folder, port: u16, path: &str, tokens: Tokens, seconds: u64) -> Outcome<Load> {
    let header = r#"local h = {["Authorization"] = ""}; local tail = string.rep("x", 900); local n = 0;
local start = tostring(os.time()) .. tostring(math.random(1e9));"#;
    let next = match tokens {
        Tokens::None => "function request() return wrk.format(nil, nil, {}) end".to_owned(),
        Tokens::Hot => format!(
            "{header}\nfunction request() n = (n + 1) % 16; h[\"Authorization\"] = \"Bearer known-\" .. n .. tail; return wrk.format(nil, nil, h) end"
        ),
        Tokens::Cold => format!(
            "{header}\nfunction request() n = n + 1; h[\"Authorization\"] = \"Bearer \" .. start .. \"-\" .. n .. tail; return wrk.format(nil, nil, h) end"
        ),
    };
    let script = folder.path().join("load.lua");
    // Every kind of load runs a script, so that each costs the generator the same.
    std::fs::write(&script, next).map_err(|error| format!("cannot write {}: {error}", script.display()))?;
    let said = output(
        Command::new("taskset")
            .args(["--cpu-list", "1", "wrk", "--latency", "-t1"])
            .args([format!("-c{CONNECTIONS}"), format!("-d{seconds}s"), "-s".to_owned()])
            .arg(&script)
            .arg(format!("http://127.0.0.1:{port}{path}")),
    )?;
    read(&said).ok_or_else(|| format!("wrk said something else than expected:\n{said}"))
}

fn read(said: &str) -> Option<Load> {
    let line = |start: &str| said.lines().map(str::trim).find_map(|line| line.strip_prefix(start)).map(str::trim);
    let requests = said.lines().find(|line| line.contains(" requests in "))?.split_whitespace().next()?.parse().ok()?;
    let other: u64 = line("Non-2xx or 3xx responses:").map_or(Some(0), |count| count.parse().ok())?;
    let broken: u64 = line("Socket errors:")
        .map_or(0, |text| text.split([' ', ',']).filter_map(|word| word.parse::<u64>().ok()).sum());
    Some(Load {
        requests,
        failed: other + broken,
        per_second: line("Requests/sec:")?.parse().ok()?,
        p50_ms: milliseconds(line("50%")?)?,
        p99_ms: milliseconds(line("99%")?)?,
    })
}

/// `613.00us`, `1.35ms`, `1.02s`.
fn milliseconds(text: &str) -> Option<f64> {
    let (number, factor) = match text {
        text if text.ends_with("us") => (text.strip_suffix("us")?, 0.001),
        text if text.ends_with("ms") => (text.strip_suffix("ms")?, 1.0),
        text => (text.strip_suffix('s')?, 1000.0),
    };
    Some(number.parse::<f64>().ok()? * factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_wrk_says_is_read() {
        let said = "Running 2s test @ http://127.0.0.1:1/\n  1 threads and 64 connections\n  Latency Distribution\n     50%    1.35ms\n\
                         75%    2.00ms\n     90%    2.00ms\n     99%  613.00us\n  84914 requests in 2.00s, 9.00MB read\n  \
                    Socket errors: connect 0, read 1, write 0, timeout 2\n  Non-2xx or 3xx responses: 7\nRequests/sec:  42457.10\n";
        let load = read(said).unwrap_or_else(|| panic!("not read"));
        assert_eq!((load.requests, load.failed), (84_914, 10));
        assert!((load.p50_ms - 1.35).abs() < 1e-9 && (load.p99_ms - 0.613).abs() < 1e-9);
        assert!(read("nonsense").is_none());
    }
}
