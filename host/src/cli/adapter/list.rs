//! `portcullis adapter list`.

use crate::adapter::Entry;
use crate::cli::out::say;
use crate::cli::world;
use std::path::Path;

pub(super) fn run(folder: &Path) -> u8 {
    let (catalogue, code) = match world::adapters(folder) {
        Ok(found) => found,
        Err(code) => return code,
    };
    for (name, entry) in catalogue.entries() {
        if let Entry::Loaded(adapter) = entry {
            let description = adapter.description();
            say(format_args!("{name:20} {:8} {}", description.version, description.title));
        }
    }
    code
}
