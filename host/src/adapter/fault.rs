//! What can go wrong with an adapter, and the words for it. None of it is ever the credential's fault.

use std::path::PathBuf;

/// A file that is no usable adapter.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadFault {
    /// The file could not be read.
    #[error("{}: cannot be read: {reason}; name a readable .wasm file", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// The system's words.
        reason: String,
    },
    /// Not wasm at all.
    #[error("{}: is no WebAssembly component: it does not begin with the wasm magic number; drop the compiled .wasm file here", file.display())]
    NotWasm {
        /// The file.
        file: PathBuf,
    },
    /// A core module.
    #[error("{}: is a core WebAssembly module and no component; build it with `cargo xtask adapters`, `cargo component build` or for the target wasm32-wasip2", file.display())]
    CoreModule {
        /// The file.
        file: PathBuf,
    },
    /// Half a file, or damaged.
    #[error("{}: is torn or damaged: {reason}; copy it again, under another name first, and rename it", file.display())]
    Torn {
        /// The file.
        file: PathBuf,
        /// What the parser met.
        reason: String,
    },
    /// Larger in some way than what is compiled.
    #[error("{}: has {what}, more than the {max} that an adapter may have", file.display())]
    TooMuch {
        /// The file.
        file: PathBuf,
        /// What there is too much of, and how much.
        what: String,
        /// The limit.
        max: u64,
    },
    /// It wants something that an adapter does not get.
    #[error("{}: imports `{import}`, which an adapter may not have: an adapter does no I/O; it may import `portcullis:adapter/log` and the empty WASI (cli, io, clocks, filesystem, random)", file.display())]
    ForbiddenImport {
        /// The file.
        file: PathBuf,
        /// The import's name.
        import: String,
    },
    /// Made for another version of the contract.
    #[error("{}: was built for `{found}`, and this gateway speaks `{wanted}`; build the adapter against the wit/ folder of this release, or take a gateway that speaks its version", file.display())]
    OtherVersion {
        /// The file.
        file: PathBuf,
        /// What it exports.
        found: String,
        /// What would be right.
        wanted: &'static str,
    },
    /// A component, but no adapter.
    #[error("{}: is a component and no adapter: it does not export `{wanted}`", file.display())]
    NotAnAdapter {
        /// The file.
        file: PathBuf,
        /// What would be right.
        wanted: &'static str,
    },
    /// It does not compile or link.
    #[error("{}: cannot be made ready: {reason}", file.display())]
    Unusable {
        /// The file.
        file: PathBuf,
        /// wasmtime's words.
        reason: String,
    },
    /// `describe` failed, or said what it may not.
    #[error("{}: describes itself wrongly: {reason}", file.display())]
    BadDescription {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

/// A call into a component that did not return a result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallFault {
    /// It computed too long.
    #[error("adapter {adapter}: `{function}` did not end within {max} ms", max = super::limits::CALL_MS_MAX)]
    TooSlow {
        /// The adapter.
        adapter: String,
        /// The function.
        function: &'static str,
    },
    /// It panicked, ran out of memory or stack, or met an import that traps.
    #[error("adapter {adapter}: `{function}` trapped: {reason}")]
    Trapped {
        /// The adapter.
        adapter: String,
        /// The function.
        function: &'static str,
        /// wasmtime's words, in one line.
        reason: String,
    },
    /// It returned more than a call may.
    #[error("adapter {adapter}: `{function}` returned more than {max} bytes", max = super::limits::OUTPUT_BYTES_MAX)]
    TooMuch {
        /// The adapter.
        adapter: String,
        /// The function.
        function: &'static str,
    },
    /// Too many slow calls at once.
    #[error("adapter {adapter}: is slow, and its {max} turns were taken for {wait:?}", max = super::limits::SLOW_CALLS_MAX, wait = super::limits::SLOW_WAIT)]
    NoTurn {
        /// The adapter.
        adapter: String,
    },
}
