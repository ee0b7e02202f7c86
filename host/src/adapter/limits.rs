//! Every limit on an adapter, in one table. Units stand last in the names.

use std::time::Duration;

/// The largest component file that is looked at.
pub const FILE_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// Modules and components in a component, itself included.
pub const MODULES_MAX: u64 = 64;
/// Instances of modules that it makes.
pub const CORE_INSTANCES_MAX: u64 = 64;
/// Instances of components that it makes: one for each interface that it exports.
pub const COMPONENT_INSTANCES_MAX: u64 = 16;
/// Types in all its modules.
pub const TYPES_MAX: u64 = 20_000;
/// Bytes in which it declares the types of its components' interfaces. A Rust guest's take some 5,000.
pub const TYPE_BYTES_MAX: u64 = 1024 * 1024;
/// Memories that its modules declare: as many as one instance of it gets.
pub const MEMORIES_MAX: u32 = 4;
/// What is kept in lists, over all: imports, exports, globals, segments, aliases. A Rust guest has 200.
pub const ITEMS_MAX: u64 = 200_000;
/// Parameters and results of one function.
pub const SIGNATURE_MAX: u64 = 100;
/// Functions in all its modules. A Rust guest has some 500, an interpreter 10,000.
pub const FUNCTIONS_MAX: u64 = 50_000;
/// Bytes of one function. The largest of an interpreter has some 100,000.
pub const FUNCTION_BYTES_MAX: u64 = 512 * 1024;
/// Local variables of one function. A Rust guest's have up to 80.
pub const LOCALS_MAX: u64 = 2_000;
/// Jumps of one function times the variables that each may carry: what a compiler's memory grows with. A Rust guest's have up to
/// 120,000.
pub const FUNCTION_WORK_MAX: u64 = 4_000_000;
/// The same, over all functions. A Rust guest has some 500,000.
pub const WORK_MAX: u64 = 100_000_000;
/// What compiling one component may take of memory, in a process of its own; its code and threads are part of it.
/// It is address space, a part of which is never touched: a JavaScript engine (10 MB) takes 1.7 GB of it, and 1 GB of memory.
pub const COMPILE_MEMORY_BYTES_MAX: u64 = 2 * 1024 * 1024 * 1024;
/// What compiling one component may take of the processors, all threads together.
pub const COMPILE_CPU_SECONDS_MAX: u64 = 60;
/// How long compiling one component may take, on a machine that is busy as well.
pub const COMPILE_MAX: Duration = Duration::from_secs(180);
/// Threads that compile one component. Each takes address space, so that more of them would refuse what fewer compile.
pub const COMPILE_THREADS_MAX: usize = 2;
/// Native stack of each of them.
pub const COMPILE_STACK_BYTES: usize = 4 * 1024 * 1024;
/// What their allocator reserves at a time, in KiB.
pub const COMPILE_ARENA_KIB: u64 = 64 * 1024;
/// The largest code that a component may become, compressed.
pub const CODE_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Memory that is made ready as one image for all instances, though most of it is zero.
pub const SPARSE_BYTES_MAX: u64 = 2 * 1024 * 1024;
/// The folder of compiled code: beyond this the oldest is removed.
pub const COMPILED_BYTES_MAX: u64 = 512 * 1024 * 1024;
/// Files that an adapters folder may hold.
pub const FOLDER_FILES_MAX: usize = 10_000;
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
pub const LOG_LINES_MAX: usize = 16;
/// What a component that was built for WASI may print in one call; more is an error that its language's library traps on.
pub const PRINT_BYTES_MAX: usize = 16 * 1024;
/// An adapter whose calls take longer than this on average, of the processor's time, leaves the threads that serve requests.
pub const INLINE_US_MAX: u64 = 500;
/// Time that one call may compute there, and at most two ticks more; then it is made once more elsewhere.
pub const INLINE_MS_MAX: u64 = 10;
/// One call that takes longer than this, of the processor's time, sends its adapter away from there as well,
pub const SLOW_CALL_US: u64 = 5_000;
/// for so long.
pub const AWAY: Duration = Duration::from_secs(600);
/// Slow calls at once, for each adapter, so that one of them cannot take all threads.
pub const SLOW_CALLS_MAX: usize = 4;
/// How long a slow call may wait for its turn.
pub const SLOW_WAIT: Duration = Duration::from_secs(2);
