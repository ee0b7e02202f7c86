//! One engine for all adapters: the pool, the clock that cuts endless loops, the cache of compiled code.

use super::limits;
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
    notes: Arc<Vec<String>>,
}

impl std::fmt::Debug for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Machine").finish_non_exhaustive()
    }
}

impl Machine {
    /// Makes the engine. `cache` is the folder for compiled code; it is used only where it is, or can be made, private to
    /// the user that runs this process, since forged machine code is code execution.
    ///
    /// # Errors
    ///
    /// When the engine cannot be made at all, in wasmtime's words.
    pub fn new(cache: Option<&Path>) -> Result<Self, String> {
        let mut notes = Vec::new();
        let compiled = cache.and_then(|folder| match private_folder(folder).and_then(|folder| open_cache(&folder)) {
            Ok(cache) => Some(cache),
            Err(reason) => {
                notes.push(format!("compiled adapters are not cached: {reason}"));
                None
            }
        });
        let engine = match Engine::new(&config(compiled.clone(), true)) {
            Ok(engine) => engine,
            Err(pooled) => {
                notes.push(format!("instances are not pooled, a verdict costs some 30 us more: {pooled:#}"));
                Engine::new(&config(compiled, false)).map_err(|error| format!("no wasm engine: {error:#}"))?
            }
        };
        let linker = sandbox::linker(&engine).map_err(|error| format!("no wasm linker: {error:#}"))?;
        tick(&engine)?;
        Ok(Self { engine, linker: Arc::new(linker), notes: Arc::new(notes) })
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

fn config(cache: Option<Cache>, pooled: bool) -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        // Calls are synchronous: the machinery for concurrent ones only costs.
        .concurrency_support(false)
        .max_wasm_stack(limits::STACK_BYTES_MAX)
        .wasm_component_model(true)
        .memory_init_cow(true)
        // Bounds are checked by instructions, not by pages that trap: a verdict is short, and making such pages ready and
        // giving them back would be a third of it.
        .signals_based_traps(false)
        .memory_guard_size(0)
        .memory_reservation(limits::MEMORY_BYTES_MAX as u64)
        .cache(cache);
    if pooled {
        let mut pool = PoolingAllocationConfig::new();
        pool.total_component_instances(limits::INSTANCES_MAX)
            // A component built with WASI is made of several core instances: the guest, the preview 1 bridge and its shims.
            .total_core_instances(limits::INSTANCES_MAX * 4)
            .total_memories(limits::INSTANCES_MAX)
            .total_tables(limits::INSTANCES_MAX * 4)
            .max_core_instances_per_component(20)
            .max_memories_per_component(4)
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

/// Makes the folder with mode 0700, or checks that the one which is there is ours alone.
fn private_folder(folder: &Path) -> Result<PathBuf, String> {
    use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
    let told = |error: std::io::Error| format!("{}: {error}", folder.display());
    if let Some(parent) = folder.parent() {
        std::fs::create_dir_all(parent).map_err(told)?;
    }
    match std::fs::DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(told(error)),
    }
    // Not through a link: whoever owns the link chooses where it leads.
    let found = std::fs::symlink_metadata(folder).map_err(told)?;
    let us = std::fs::metadata("/proc/self").map_err(told)?.uid();
    if !found.is_dir() || found.uid() != us || found.permissions().mode() & 0o077 != 0 {
        return Err(format!(
            "{} is not a folder that belongs to this user alone; make it so with `chmod 700`, or set PORTCULLIS_CACHE_DIR",
            folder.display()
        ));
    }
    std::fs::canonicalize(folder).map_err(told)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_cache_folder_that_others_may_enter_is_not_used() {
        let temp = tempfile::tempdir().unwrap();
        let folder = temp.path().join("compiled");
        assert!(private_folder(&folder).is_ok());
        assert_eq!(std::fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o770)).unwrap();
        assert!(private_folder(&folder).unwrap_err().contains("chmod 700"));
        let link = temp.path().join("link");
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700)).unwrap();
        std::os::unix::fs::symlink(&folder, &link).unwrap();
        assert!(private_folder(&link).is_err());
    }
}
