//! `portcullis schema`: the configuration as a JSON Schema, for an editor. All of it from the code and from `describe`.

use super::out::{complain, say};
use super::{WRONG, world};
use crate::adapter::Entry;
use crate::config;
use std::path::{Path, PathBuf};

/// Prints it with the adapters of the folder, or of the folder that a configuration names.
pub(super) fn run(folder: &Path, file: Option<&Path>) -> u8 {
    match file.map_or_else(|| Ok(folder.to_owned()), named) {
        Ok(folder) => print(&folder),
        Err(code) => code,
    }
}

/// `adapters.folder`, whatever else the file holds: it may be the one that is being written.
fn named(file: &Path) -> Result<PathBuf, u8> {
    config::open(file).map(|draft| draft.adapters_folder()).map_err(|problems| {
        complain(&problems);
        WRONG
    })
}

fn print(folder: &Path) -> u8 {
    let (catalogue, code) = match world::adapters(folder) {
        Ok(found) => found,
        Err(code) => return code,
    };
    let adapters = catalogue.entries().filter_map(|(name, entry)| match entry {
        Entry::Loaded(adapter) => Some((name, adapter.description())),
        Entry::Refused(_) => None,
    });
    let adapters: Vec<_> = adapters.collect();
    say(format_args!("{:#}", config::schema(&adapters)));
    code
}
