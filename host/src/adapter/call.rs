//! One loaded adapter and the three calls of the contract, each on a fresh instance.

use super::bindings::AdapterPre;
use super::compiled::Priority;
use super::contract::{Answer, Context, Finding, PlanError, Refusal, Response, Step};
use super::engine::Machine;
use super::fault::{CallFault, LoadFault};
use super::file::AdapterFile;
use super::pace::Pace;
use super::sandbox::{Sandbox, bounded_line};
use super::{convert, inspect, limits};
use portcullis_core::setting::Description;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::Semaphore;
use wasmtime::component::ComponentExportIndex;
use wasmtime::{Store, Trap};

/// A component, compiled, linked and described. Stateless; shared by all its providers.
pub struct Adapter {
    name: String,
    digest: String,
    imports: Vec<String>,
    description: Description,
    core: Arc<Core>,
}

/// What a call needs, apart from the rest so that a slow call can take it along to another thread.
struct Core {
    name: String,
    machine: Machine,
    pre: AdapterPre<Sandbox>,
    /// Where `identify` is. The bindings would check the types of all three functions for each verdict; wasmtime checks
    /// this one's.
    identify: ComponentExportIndex,
    wasi: bool,
    pace: Pace,
    turns: Semaphore,
}

impl std::fmt::Debug for Adapter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Adapter").field("name", &self.name).field("digest", &self.digest).finish_non_exhaustive()
    }
}

impl Adapter {
    /// Reads and makes ready one file.
    ///
    /// # Errors
    ///
    /// A [`LoadFault`] that names the file and what to do.
    pub fn load(machine: &Machine, name: &str, file: &Path) -> Result<Self, LoadFault> {
        Self::make(machine, name, AdapterFile::read(file)?, Priority::Ordinary)
    }

    /// Inspects, compiles (or takes from the cache), links and describes what was read.
    ///
    /// # Errors
    ///
    /// A [`LoadFault`] that names the file and what to do.
    pub(super) fn make(
        machine: &Machine,
        name: &str,
        file: AdapterFile,
        priority: Priority,
    ) -> Result<Self, LoadFault> {
        let began = Instant::now();
        let AdapterFile { path, bytes, digest } = file;
        let imports = inspect::imports(&path, &bytes)?;
        let uncompiled = |reason: String| LoadFault::Unusable { file: path.clone(), reason: bounded_line(&reason) };
        let unusable = |error: wasmtime::Error| uncompiled(format!("{error:#}"));
        let component = machine.compiled.component(&machine.engine, &bytes, priority).map_err(uncompiled)?;
        let pre = machine.linker.instantiate_pre(&component).and_then(AdapterPre::new).map_err(unusable)?;
        let identify = component
            .get_export_index(None, inspect::EXPORT)
            .and_then(|interface| component.get_export_index(Some(&interface), "identify"))
            .ok_or_else(|| unusable(wasmtime::Error::msg("it exports no `identify`")))?;
        let core = Arc::new(Core {
            name: name.to_owned(),
            machine: machine.clone(),
            pre,
            identify,
            wasi: imports.iter().any(|import| inspect::wasi(import)),
            pace: Pace::new(),
            turns: Semaphore::new(limits::SLOW_CALLS_MAX),
        });
        let bad = |reason: String| LoadFault::BadDescription { file: path.clone(), reason };
        let described = core.describe().map_err(|fault| bad(fault.to_string()))?;
        let description = convert::description(described).map_err(bad)?;
        let ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(adapter = name, digest, ms, "the adapter was made ready");
        Ok(Self { name: name.to_owned(), digest, imports, description, core })
    }

    /// The file's stem.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// BLAKE3 of the file, in hexadecimal.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// What the component imports.
    #[must_use]
    pub fn imports(&self) -> &[String] {
        &self.imports
    }

    /// What it said of itself.
    #[must_use]
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// From settings to a plan. For load time: it may hold the thread for [`limits::CALL_MS_MAX`].
    ///
    /// # Errors
    ///
    /// A trap or a limit.
    pub fn make_plan(&self, context: &Context, documents: &[Response]) -> Result<Result<Step, PlanError>, CallFault> {
        self.core.make_plan(context, documents)
    }

    /// As [`Adapter::make_plan`] while requests are served: in one of this adapter's turns on the blocking pool. The documents are
    /// returned, but not where the call was lost.
    ///
    /// # Errors
    ///
    /// A trap or a limit, or no turn.
    pub async fn make_plan_aside(
        &self,
        context: &Arc<Context>,
        documents: Vec<Response>,
    ) -> (Vec<Response>, Result<Result<Step, PlanError>, CallFault>) {
        let no_turn = || CallFault::NoTurn { adapter: self.name.clone() };
        let (core, context) = (Arc::clone(&self.core), Arc::clone(context));
        // Nobody's request waits for a plan, so it may wait for its turn.
        let Ok(_turn) = self.core.turns.acquire().await else { return (documents, Err(no_turn())) };
        let call = tokio::task::spawn_blocking(move || {
            let made = core.make_plan(&context, &documents);
            (documents, made)
        });
        call.await.unwrap_or_else(|_| (Vec::new(), Err(no_turn())))
    }

    /// From answers to a verdict. A quick adapter runs where it is called, within [`limits::INLINE_MS_MAX`]; one that has proved
    /// slow, or that was built for WASI, takes one of its own turns on the blocking pool, so that it cannot hold up others.
    ///
    /// # Errors
    ///
    /// A trap, a limit, or no turn.
    pub async fn identify(
        &self,
        context: &Arc<Context>,
        answers: Vec<Answer>,
    ) -> (Vec<Answer>, Result<Result<Finding, Refusal>, CallFault>) {
        if !self.core.wasi && self.core.pace.is_quick() {
            match self.core.identify(context, &answers, limits::INLINE_MS_MAX) {
                // Once more, with all its time, where it holds up nobody: equal arguments, equal results.
                Err(CallFault::TooSlow { .. }) => {
                    tracing::debug!(
                        adapter = self.name,
                        "a call was cut off where requests are served, and is made again elsewhere"
                    );
                }
                found => return (answers, found),
            }
        }
        let no_turn = || CallFault::NoTurn { adapter: self.name.clone() };
        let core = Arc::clone(&self.core);
        let Ok(Ok(_turn)) = tokio::time::timeout(limits::SLOW_WAIT, self.core.turns.acquire()).await else {
            return (answers, Err(no_turn()));
        };
        let context = Arc::clone(context);
        let call = tokio::task::spawn_blocking(move || {
            let found = core.identify(&context, &answers, limits::CALL_MS_MAX);
            (answers, found)
        });
        call.await.unwrap_or_else(|_| (Vec::new(), Err(no_turn())))
    }

    /// As [`Adapter::identify`], on this thread, however slow.
    ///
    /// # Errors
    ///
    /// A trap or a limit.
    pub fn identify_here(&self, context: &Context, answers: &[Answer]) -> Result<Result<Finding, Refusal>, CallFault> {
        self.core.identify(context, answers, limits::CALL_MS_MAX)
    }
}

impl Core {
    fn describe(&self) -> Result<super::contract::Description, CallFault> {
        self.call("describe", |store| {
            self.pre.instantiate(&mut *store)?.portcullis_adapter_provider().call_describe(store)
        })
        .and_then(|found| self.bounded("describe", found, convert::debug_bytes))
    }

    fn make_plan(&self, context: &Context, documents: &[Response]) -> Result<Result<Step, PlanError>, CallFault> {
        self.call("make-plan", |store| {
            self.pre.instantiate(&mut *store)?.portcullis_adapter_provider().call_make_plan(store, context, documents)
        })
        .and_then(|found| self.bounded("make-plan", found, convert::debug_bytes))
    }

    fn identify(
        &self,
        context: &Context,
        answers: &[Answer],
        ms_max: u64,
    ) -> Result<Result<Finding, Refusal>, CallFault> {
        self.pace.count(|| {
            self.call_within("identify", ms_max, |store| {
                let guest = self.pre.instance_pre().instantiate(&mut *store)?;
                let identify = guest.get_typed_func::<(&Context, &[Answer]), (Result<Finding, Refusal>,)>(
                    &mut *store,
                    &self.identify,
                )?;
                identify.call(store, (context, answers)).map(|(found,)| found)
            })
            .and_then(|found| self.bounded("identify", found, convert::finding_bytes))
        })
    }

    fn call<R>(
        &self,
        function: &'static str,
        call: impl FnOnce(&mut Store<Sandbox>) -> wasmtime::Result<R>,
    ) -> Result<R, CallFault> {
        self.call_within(function, limits::CALL_MS_MAX, call)
    }

    fn call_within<R>(
        &self,
        function: &'static str,
        ms_max: u64,
        call: impl FnOnce(&mut Store<Sandbox>) -> wasmtime::Result<R>,
    ) -> Result<R, CallFault> {
        let mut store = Sandbox::store(&self.machine.engine, &self.name, self.wasi, ms_max);
        let result = call(&mut store).map_err(|error| match error.downcast_ref::<Trap>() {
            Some(Trap::Interrupt) => CallFault::TooSlow { adapter: self.name.clone(), function },
            _ => CallFault::Trapped { adapter: self.name.clone(), function, reason: cause(&error) },
        });
        // A call that is made again says it all again.
        if ms_max == limits::CALL_MS_MAX || !matches!(result, Err(CallFault::TooSlow { .. })) {
            store.data_mut().flush();
        }
        result
    }

    fn bounded<R>(&self, function: &'static str, found: R, size: impl Fn(&R) -> usize) -> Result<R, CallFault> {
        if size(&found) > limits::OUTPUT_BYTES_MAX {
            return Err(CallFault::TooMuch { adapter: self.name.clone(), function });
        }
        Ok(found)
    }
}

/// The innermost cause: the outer ones are wasm frames.
fn cause(error: &wasmtime::Error) -> String {
    bounded_line(&error.root_cause().to_string())
}
