//! What one instance has: a log that is bounded, memory that is bounded, and a WASI in which there is nothing.

use super::bindings::portcullis::adapter::log;
use super::limits;
use portcullis_core::text::acts;
use std::time::Duration;
use wasmtime::component::{Linker, Resource, ResourceTable};
use wasmtime::{Engine, Store, StoreLimits, StoreLimitsBuilder};
use wasmtime_wasi::p2::DynPollable;
use wasmtime_wasi::p2::pipe::MemoryOutputPipe;
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

/// The state of one instance. Made for one call sequence and dropped with it.
pub(super) struct Sandbox {
    adapter: String,
    limits: StoreLimits,
    /// What it said so far, written to the log by [`Sandbox::flush`].
    said: Vec<(log::Level, String)>,
    says_too_much: bool,
    /// Only for a component that imports WASI: building it costs more than a call.
    wasi: Option<Box<Wasi>>,
}

struct Wasi {
    ctx: WasiCtx,
    table: ResourceTable,
    printed: MemoryOutputPipe,
}

impl Sandbox {
    /// A fresh store for one instance, its deadline already running: `ms_max`, and at most two ticks more.
    pub(super) fn store(engine: &Engine, adapter: &str, wasi: bool, ms_max: u64) -> Store<Self> {
        let sandbox = Self {
            adapter: adapter.to_owned(),
            limits: StoreLimitsBuilder::new()
                .memory_size(limits::MEMORY_BYTES_MAX)
                .table_elements(limits::TABLE_ELEMENTS_MAX)
                .build(),
            said: Vec::new(),
            says_too_much: false,
            wasi: wasi.then(|| Box::new(Wasi::empty())),
        };
        let mut store = Store::new(engine, sandbox);
        store.set_hostcall_fuel(limits::TRANSFER_BYTES_MAX);
        store.limiter(|sandbox| &mut sandbox.limits);
        store.set_epoch_deadline(ms_max.div_ceil(limits::EPOCH_TICK_MS) + 1);
        store.epoch_deadline_trap();
        store
    }

    /// Writes what it said, and what a WASI component printed, into the log.
    pub(super) fn flush(&mut self) {
        let printed = self.wasi.as_ref().map(|wasi| String::from_utf8_lossy(&wasi.printed.contents()).into_owned());
        for line in printed.iter().flat_map(|printed| printed.lines()).filter(|line| !line.trim().is_empty()) {
            self.line(log::Level::Info, line);
        }
        let adapter = self.adapter.as_str();
        for (level, message) in self.said.drain(..) {
            match level {
                log::Level::Debug => tracing::debug!(adapter, "{message}"),
                log::Level::Info => tracing::info!(adapter, "{message}"),
                log::Level::Warn => tracing::warn!(adapter, "{message}"),
                log::Level::Error => tracing::error!(adapter, "{message}"),
            }
        }
        if self.says_too_much {
            tracing::warn!(adapter, "the adapter logs too much, the rest of this call's lines is dropped");
        }
    }

    fn line(&mut self, level: log::Level, message: &str) {
        if self.said.len() < limits::LOG_LINES_MAX {
            self.said.push((level, bounded_line(message)));
        } else {
            self.says_too_much = true;
        }
    }
}

/// Cut to the limit, without control characters: an adapter must not be able to forge a log line.
pub(super) fn bounded_line(message: &str) -> String {
    let mut line = String::new();
    for c in message.chars() {
        if line.len() + c.len_utf8() > limits::LOG_LINE_BYTES_MAX {
            break;
        }
        line.push(if acts(c) { ' ' } else { c });
    }
    line
}

impl log::Host for Sandbox {
    fn write(&mut self, level: log::Level, message: String) {
        self.line(level, &message);
    }
}

impl Wasi {
    fn empty() -> Self {
        let printed = MemoryOutputPipe::new(limits::PRINT_BYTES_MAX);
        let ctx = WasiCtxBuilder::new()
            .stdout(printed.clone())
            .stderr(printed.clone())
            .wall_clock(Still)
            .monotonic_clock(Still)
            .secure_random(wasmtime_wasi::random::Deterministic::new(b"portcullis".to_vec()))
            .insecure_random(wasmtime_wasi::random::Deterministic::new(b"portcullis".to_vec()))
            .insecure_random_seed(0)
            .max_random_size(64 * 1024)
            .build();
        Self { ctx, table: ResourceTable::new(), printed }
    }
}

/// A clock that stands still: an adapter is a pure function, so time is not among its inputs.
struct Still;

impl HostWallClock for Still {
    fn resolution(&self) -> Duration {
        Duration::from_secs(1)
    }
    fn now(&self) -> Duration {
        Duration::ZERO
    }
}

impl HostMonotonicClock for Still {
    fn resolution(&self) -> u64 {
        1_000_000_000
    }
    fn now(&self) -> u64 {
        0
    }
}

impl WasiView for Sandbox {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let wasi = self.wasi.get_or_insert_with(|| Box::new(Wasi::empty()));
        WasiCtxView { ctx: &mut wasi.ctx, table: &mut wasi.table }
    }
}

/// The clock in the version that wasmtime-wasi links, which stands for all of 0.2. Under another one its functions would stay
/// as they are; the tests of hostile adapters have one that sleeps.
const CLOCK: &str = "wasi:clocks/monotonic-clock@0.2.12";

/// The linker for all adapters: `log`, and the empty WASI. What a component may import at all is decided before, by name
/// (see `inspect`).
pub(super) fn linker(engine: &Engine) -> wasmtime::Result<Linker<Sandbox>> {
    let mut linker = Linker::new(engine);
    log::add_to_linker::<_, wasmtime::component::HasSelf<_>>(&mut linker, |sandbox: &mut Sandbox| sandbox)?;
    wasmtime_wasi::p2::add_to_linker_sync(&mut linker)?;
    // Waiting for the clock would hold a thread where the deadline does not reach, and time does not pass here anyway.
    linker.allow_shadowing(true);
    let mut clock = linker.instance(CLOCK)?;
    for name in ["subscribe-instant", "subscribe-duration"] {
        clock.func_wrap(name, |_, (_when,): (u64,)| -> wasmtime::Result<(Resource<DynPollable>,)> {
            Err(wasmtime::Error::msg("an adapter may not wait"))
        })?;
    }
    linker.allow_shadowing(false);
    Ok(linker)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_line_stays_one_short_line() {
        assert_eq!(bounded_line("a\nb\r\x1b[31mc"), "a b  [31mc");
        assert!(bounded_line(&"ü".repeat(5000)).len() <= limits::LOG_LINE_BYTES_MAX);
    }
}
