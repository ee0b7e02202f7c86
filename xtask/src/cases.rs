//! The recorded cases through real components and the gateway's own rules: `portcullis adapter test`.

use crate::adapters::Build;
use crate::workspace::{self, Outcome, root};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// Runs the cases that lie beside the adapters over one build of them.
pub(crate) fn run(build: Build) -> Outcome {
    let components = root().join("adapters").join(build.dist());
    for cases in folders()? {
        workspace::run(
            Command::new(workspace::gateway()).args(["adapter", "test"]).arg(&components).arg("--cases").arg(&cases),
        )
        .map_err(|message| format!("{}: {message}", cases.display()))?;
    }
    Ok(())
}

/// `adapters/*/cases`, sorted. None at all would make this step pass by doing nothing.
fn folders() -> Outcome<Vec<PathBuf>> {
    let adapters = root().join("adapters");
    let entries = fs::read_dir(&adapters).map_err(|error| format!("cannot read {}: {error}", adapters.display()))?;
    let mut folders: Vec<PathBuf> =
        entries.filter_map(|entry| Some(entry.ok()?.path().join("cases"))).filter(|path| path.is_dir()).collect();
    folders.sort();
    if folders.is_empty() {
        return Err(format!("no adapter in {} has a folder `cases`", adapters.display()));
    }
    Ok(folders)
}
