//! `portcullis schema`: the configuration as a JSON Schema, for an editor. All of it from the code and from `describe`.

use super::out::{complain, say};
use super::{NO, WRONG, YES, world};
use crate::adapter::{Catalogue, Entry};
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
    let machine = match world::machine() {
        Ok(machine) => machine,
        Err(code) => return code,
    };
    let catalogue = match Catalogue::open(&machine, folder, None) {
        Ok(catalogue) => catalogue,
        Err(reason) => {
            complain(reason);
            return WRONG;
        }
    };
    let mut adapters = Vec::new();
    let mut code = YES;
    for (name, entry) in catalogue.entries() {
        match entry {
            Entry::Loaded(adapter) => adapters.push((name, adapter.description())),
            Entry::Refused(fault) => {
                complain(fault);
                code = NO;
            }
        }
    }
    say(format_args!("{:#}", config::schema(&adapters)));
    code
}
