//! `portcullis adapter list`.

use crate::adapter::{Catalogue, Entry};
use crate::cli::out::{complain, say};
use crate::cli::{NO, WRONG, YES, world};
use std::path::Path;

pub(super) fn run(folder: &Path) -> u8 {
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
    let mut code = YES;
    for (name, entry) in catalogue.entries() {
        match entry {
            Entry::Loaded(adapter) => {
                let description = adapter.description();
                say(format_args!("{name:20} {:8} {}", description.version, description.title));
            }
            Entry::Refused(fault) => {
                complain(fault);
                code = NO;
            }
        }
    }
    code
}
