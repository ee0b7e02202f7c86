//! The process that compiles: it reads a component from standard input, compiles it, writes the code into a folder, and ends.
//!
//! It must never begin before its limits are set: a compiler takes more memory and time than any measure of its input tells.
//! It has no credentials (its environment is empty), and needs no network.

use super::{engine, limits};
use crate::regular;
use rayon::ThreadPoolBuilder;
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::path::Path;
use wasmtime::Engine;
use wasmtime::component::Component;

/// How far below the rest, where requests are served meanwhile: with the kernel's weights, a tenth of a core that others want too.
const NICE: i32 = 10;

/// Compiles what comes in at standard input; the code lies in `folder` afterwards, as wasmtime's cache writes it.
/// With `aside`, on one thread of low priority.
///
/// # Errors
///
/// It cannot be compiled, in wasmtime's words, or the limits cannot be set. Where a limit is met, the process dies.
pub fn compile(folder: &Path, aside: bool) -> Result<(), String> {
    confine(aside)?;
    let bytes = regular::read_input(limits::FILE_BYTES_MAX).map_err(|error| format!("no component: {error}"))?;
    let config = engine::compiling(folder)?;
    let engine = Engine::new(&config).map_err(|error| format!("no wasm engine: {error:#}"))?;
    let threads = match aside {
        true => 1,
        false => std::thread::available_parallelism().map_or(1, usize::from).min(limits::COMPILE_THREADS_MAX),
    };
    // wasmtime compiles the functions of a component on all threads of the pool that it finds itself in.
    let pool = ThreadPoolBuilder::new()
        .num_threads(threads)
        .stack_size(limits::COMPILE_STACK_BYTES)
        .build()
        .map_err(|error| format!("no thread to compile it on: {error}"))?;
    pool.install(|| Component::from_binary(&engine, &bytes)).map(drop).map_err(|error| format!("{error:#}"))
}

/// Sets the limits of this process. They can never be raised again.
fn confine(aside: bool) -> Result<(), String> {
    let told = |what: &str, error: Errno| format!("no limit of {what}: {error}");
    if aside {
        // Where the system does not let it (a filter of system calls), it shares the processors as others do.
        let _ = rustix::process::nice(NICE);
    }
    #[cfg(target_os = "linux")]
    {
        // It ends with the process that wants the code.
        rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))
            .map_err(|error| told("life", error))?;
        // Where memory runs out all the same, it goes first. Without /proc it is one among others.
        let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
    }
    for (what, resource, most) in [
        ("memory", Resource::As, limits::COMPILE_MEMORY_BYTES_MAX),
        ("processor time", Resource::Cpu, limits::COMPILE_CPU_SECONDS_MAX),
        ("file size", Resource::Fsize, limits::CODE_BYTES_MAX),
        ("core dumps", Resource::Core, 0),
    ] {
        // One that is lower already cannot be raised.
        let most = getrlimit(resource).maximum.map_or(most, |found| found.min(most));
        setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) }).map_err(|error| told(what, error))?;
    }
    Ok(())
}
