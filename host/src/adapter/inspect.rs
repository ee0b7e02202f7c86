//! What a file is, found out before anything of it is compiled.

use super::fault::LoadFault;
use super::measure::{Flaw, Measure};
use portcullis_core::text::shown;
use std::path::Path;
use wasmparser::{Encoding, Parser, Payload, Validator, WasmFeatures};

/// The interface that an adapter exports.
pub(super) const EXPORT: &str = "portcullis:adapter/provider@0.1.0";
const EXPORT_STEM: &str = "portcullis:adapter/provider@";
const LOG: &str = "portcullis:adapter/log@0.1.0";
/// WASI 0.2 as `cargo component` and the target wasm32-wasip2 import it; all of it is empty here.
const WASI: [&str; 5] = ["wasi:cli/", "wasi:io/", "wasi:clocks/", "wasi:filesystem/", "wasi:random/"];

/// The names that a component imports, sorted; all of them allowed.
pub(super) fn imports(file: &Path, bytes: &[u8]) -> Result<Vec<String>, LoadFault> {
    let torn = |reason: String| LoadFault::Torn { file: file.to_owned(), reason };
    if !bytes.starts_with(b"\0asm") {
        return Err(LoadFault::NotWasm { file: file.to_owned() });
    }
    let (mut imports, mut exports, mut depth) = (Vec::new(), Vec::new(), 0_u32);
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(|error| torn(error.to_string()))? {
            Payload::Version { encoding: Encoding::Module, .. } if depth == 0 => {
                return Err(LoadFault::CoreModule { file: file.to_owned() });
            }
            Payload::Version { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 1 => {
                for import in section {
                    imports.push(import.map_err(|error| torn(error.to_string()))?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 1 => {
                for export in section {
                    exports.push(export.map_err(|error| torn(error.to_string()))?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    imports.sort();
    // Another version of the contract first: its log import would otherwise be reported as a forbidden one.
    if !exports.iter().any(|name| name == EXPORT) {
        return Err(match exports.iter().find(|name| name.starts_with(EXPORT_STEM)) {
            Some(found) => LoadFault::OtherVersion { file: file.to_owned(), found: shown(found), wanted: EXPORT },
            None => LoadFault::NotAnAdapter { file: file.to_owned(), wanted: EXPORT },
        });
    }
    if let Some(import) = imports.iter().find(|name| !allowed(name)) {
        return Err(LoadFault::ForbiddenImport { file: file.to_owned(), import: shown(import) });
    }
    let mut measure = Measure::default();
    for payload in Parser::new(0).parse_all(bytes) {
        let added = payload.map_err(Flaw::from).and_then(|payload| measure.add(&payload));
        added.map_err(|flaw| match flaw {
            Flaw::TooMuch(what, found, max) => {
                LoadFault::TooMuch { file: file.to_owned(), what: format!("{found} {what}"), max }
            }
            Flaw::Torn(error) => torn(error.to_string()),
        })?;
    }
    Validator::new_with_features(WasmFeatures::default())
        .validate_all(bytes)
        .map_err(|error| torn(error.to_string()))?;
    Ok(imports)
}

fn allowed(import: &str) -> bool {
    // A types-only import of the contract's own interface needs nothing of the gateway.
    import == LOG || import == EXPORT || wasi(import)
}

/// Whether an import is of the empty WASI.
pub(super) fn wasi(import: &str) -> bool {
    WASI.iter().any(|stem| import.starts_with(stem)) && import.contains("@0.2.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_log_and_the_empty_wasi_are_allowed() {
        for name in [LOG, "wasi:cli/exit@0.2.3", "wasi:io/streams@0.2.6", "wasi:random/insecure-seed@0.2.0"] {
            assert!(allowed(name), "{name}");
        }
        for name in [
            "wasi:sockets/tcp@0.2.0",
            "wasi:http/outgoing-handler@0.2.0",
            "wasi:cli/exit@0.3.0",
            "evil:x/y",
            "portcullis:adapter/secrets@0.1.0",
        ] {
            assert!(!allowed(name), "{name}");
        }
    }
}
