//! One engine for all adapters: the pool, the clock that cuts endless loops, the folder of compiled code. It has no compiler.

use super::compiled::Compiled;
use super::limits;
use super::private::PrivateFolder;
use super::sandbox::{self, Sandbox};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use wasmtime::component::Linker;
use wasmtime::{Cache, CacheConfig, Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

/// What adapters are compiled and run with. Cheap to clone; lives as long as the process.
#[derive(Clone)]
pub struct Machine {
    pub(super) engine: Engine,
    pub(super) linker: Arc<Linker<Sandbox>>,
    pub(super) compiled: Arc<Compiled>,
    notes: Arc<Vec<String>>,
}

impl std::fmt::Debug for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Machine").finish_non_exhaustive()
    }
}

impl Machine {
    /// Makes the engine. `cache` is the folder for compiled code; it is used only where nobody but the user that runs this process
    /// can change it, since forged machine code is code execution. Without one, a folder that ends with the process is.
    /// `program` is `portcullis`: it is run to compile (see [`Machine::own_program`]).
    ///
    /// # Errors
    ///
    /// When the engine cannot be made at all, or there is no place for compiled code.
    pub fn new(cache: Option<&Path>, program: &Path) -> Result<Self, String> {
        let mut notes = Vec::new();
        let lasting = cache.and_then(|folder| match PrivateFolder::lasting(folder) {
            Ok(folder) => Some(folder),
            Err(reason) => {
                notes.push(format!("compiled adapters are not kept for the next start: {reason}"));
                None
            }
        });
        let folder = match lasting {
            Some(folder) => folder,
            None => PrivateFolder::temporary().map_err(|reason| format!("no place for compiled adapters: {reason}"))?,
        };
        let cache = open_cache(folder.path())?;
        let engine = match Engine::new(&running(cache.clone(), true)) {
            Ok(engine) => engine,
            Err(pooled) => {
                notes.push(format!("instances are not pooled, a verdict costs some 30 us more: {pooled:#}"));
                Engine::new(&running(cache, false)).map_err(|error| format!("no wasm engine: {error:#}"))?
            }
        };
        let linker = sandbox::linker(&engine).map_err(|error| format!("no wasm linker: {error:#}"))?;
        tick(&engine)?;
        let compiled = Arc::new(Compiled::new(folder, program));
        Ok(Self { engine, linker: Arc::new(linker), compiled, notes: Arc::new(notes) })
    }

    /// The program that runs now, also where its file was replaced meanwhile: what it compiles must fit what it runs.
    ///
    /// # Errors
    ///
    /// The system does not tell.
    pub fn own_program() -> Result<PathBuf, String> {
        if cfg!(target_os = "linux") {
            return Ok(PathBuf::from("/proc/self/exe"));
        }
        std::env::current_exe().map_err(|error| format!("this program cannot be found: {error}"))
    }

    /// What the operator should know of how the engine came up.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Where compiled code is kept unless told otherwise: `$PORTCULLIS_CACHE_DIR`, else `$XDG_CACHE_HOME/portcullis/compiled`,
    /// else `~/.cache/portcullis/compiled`. `None` where none of them is set.
    #[must_use]
    pub fn default_cache() -> Option<PathBuf> {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        set("PORTCULLIS_CACHE_DIR")
            .or_else(|| set("XDG_CACHE_HOME").map(|cache| cache.join("portcullis/compiled")))
            .or_else(|| set("HOME").map(|home| home.join(".cache/portcullis/compiled")))
    }
}

/// What a component is compiled for, and run with: the same for both, or the code is not accepted.
fn common(cache: Cache) -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        // Calls are synchronous: the machinery for concurrent ones only costs.
        .concurrency_support(false)
        .max_wasm_stack(limits::STACK_BYTES_MAX)
        .wasm_component_model(true)
        .memory_init_cow(true)
        .memory_guaranteed_dense_image_size(limits::SPARSE_BYTES_MAX)
        // Bounds are checked by instructions, not by pages that trap: a verdict is short, and making such pages ready and
        // giving them back would be a third of it.
        .signals_based_traps(false)
        .memory_guard_size(0)
        .memory_reservation(limits::MEMORY_BYTES_MAX as u64)
        .cache(Some(cache));
    config
}

/// For the process that compiles, into this folder.
///
/// # Errors
///
/// The folder cannot be used.
pub(super) fn compiling(folder: &Path) -> Result<Config, String> {
    open_cache(folder).map(common)
}

/// For this process. Without a compiler: nothing can be compiled here by accident.
fn running(cache: Cache, pooled: bool) -> Config {
    let mut config = common(cache);
    config.enable_compiler(false);
    if pooled {
        let mut pool = PoolingAllocationConfig::new();
        pool.total_component_instances(limits::INSTANCES_MAX)
            // A component built with WASI is made of several core instances: the guest, the preview 1 bridge and its shims.
            .total_core_instances(limits::INSTANCES_MAX * 4)
            .total_memories(limits::INSTANCES_MAX)
            .total_tables(limits::INSTANCES_MAX * 4)
            .max_core_instances_per_component(20)
            .max_memories_per_component(limits::MEMORIES_MAX)
            .max_tables_per_component(8)
            .max_memory_size(limits::MEMORY_BYTES_MAX)
            .table_elements(limits::TABLE_ELEMENTS_MAX)
            .max_unused_warm_slots(limits::INSTANCES_MAX)
            .linear_memory_keep_resident(limits::RESIDENT_BYTES)
            .table_keep_resident(limits::RESIDENT_BYTES / 16)
            // Where the kernel can tell which pages were written, only those are zeroed.
            .pagemap_scan(wasmtime::Enabled::Auto);
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    }
    config
}

/// Advances the engine's epoch for as long as the engine lives. The thread holds a weak reference, so it ends by itself.
fn tick(engine: &Engine) -> Result<(), String> {
    let engine = engine.weak();
    std::thread::Builder::new()
        .name("epoch".to_owned())
        .spawn(move || {
            loop {
                std::thread::sleep(Duration::from_millis(limits::EPOCH_TICK_MS));
                match engine.upgrade() {
                    Some(engine) => engine.increment_epoch(),
                    None => return,
                }
            }
        })
        .map(drop)
        .map_err(|error| format!("no thread for the adapters' deadline: {error}"))
}

fn open_cache(folder: &Path) -> Result<Cache, String> {
    let mut config = CacheConfig::new();
    // Once. Else what is used often is compressed again by a thread of wasmtime's, at a level that takes 100 MB for it.
    config.with_directory(folder).with_optimized_compression_usage_counter_threshold(u64::MAX);
    Cache::new(config).map_err(|error| format!("{}: {error:#}", folder.display()))
}
