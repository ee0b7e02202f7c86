//! One thread of low priority, for compiling while requests are served: they come first, and what it takes is time.
//!
//! It must never run what a request waits for, or what holds a lock that one could want.

use rayon::ThreadPoolBuilder;

/// The thread's name, as `top -H` and `/proc` show it.
const NAME: &str = "compile";
/// How far below the rest of the process: with the kernel's weights, a tenth of a core that others want too.
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

/// Does this work on a thread of its own, and waits for it. wasmtime compiles the functions of a component on all threads of
/// the pool that it finds itself in; here that is this one thread.
///
/// # Errors
///
/// There is no thread to be had, in the system's words.
pub(super) fn aside<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, String> {
    let pool = ThreadPoolBuilder::new()
        .num_threads(1)
        .thread_name(|_| NAME.to_owned())
        .start_handler(|_| lower())
        .build()
        .map_err(|error| format!("no thread to compile it on: {error}"))?;
    Ok(pool.install(work))
}

/// Linux has a priority for each thread. Elsewhere it is the process's, and stays.
fn lower() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(NICE) {
        tracing::warn!("adapters are compiled at the priority of everything else: {error}");
    }
}
