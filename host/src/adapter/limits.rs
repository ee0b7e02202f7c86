//! Every limit on an adapter, in one table. Units stand last in the names.

use std::time::Duration;

/// The largest component file that is looked at.
pub const FILE_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// Linear memory of one instance. A Rust guest uses 1 to 2 MiB; interpreters take tens.
pub const MEMORY_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Elements of one table.
pub const TABLE_ELEMENTS_MAX: usize = 20_000;
/// Time that one call may compute. A Rust guest takes 0.05 ms.
pub const CALL_MS_MAX: u64 = 100;
/// The step in which computing time is measured: a call is cut at most this much late.
pub const EPOCH_TICK_MS: u64 = 5;
/// Native stack of a call.
pub const STACK_BYTES_MAX: usize = 512 * 1024;
/// Instances at once: more than the threads that call.
pub const INSTANCES_MAX: u32 = 64;
/// Memory of a returned slot that is zeroed by hand instead of given back to the kernel: the stack and heap of a small guest.
pub const RESIDENT_BYTES: usize = 256 * 1024;
/// Characters of text, over all, that a call may return.
pub const OUTPUT_BYTES_MAX: usize = 256 * 1024;
/// What the gateway copies out of a component in one call, before it is even looked at: a list may name the same text
/// many times.
pub const TRANSFER_BYTES_MAX: usize = 4 * 1024 * 1024;
/// One log line.
pub const LOG_LINE_BYTES_MAX: usize = 1024;
/// Log lines of one call.
pub const LOG_LINES_MAX: u32 = 16;
/// What a component that was built for WASI may print in one call; more is an error that its language's library traps on.
pub const PRINT_BYTES_MAX: usize = 16 * 1024;
/// An adapter whose calls take longer than this leaves the request's own thread.
pub const INLINE_US_MAX: u64 = 500;
/// Slow calls at once, for each adapter, so that one of them cannot take all threads.
pub const SLOW_CALLS_MAX: usize = 4;
/// How long a slow call may wait for its turn.
pub const SLOW_WAIT: Duration = Duration::from_secs(2);
