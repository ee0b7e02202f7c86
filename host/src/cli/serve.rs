//! `portcullis serve`.

use super::out::complain;
use super::{CANNOT, world};
use crate::decision::Setup;
use std::path::Path;

pub(super) fn run(file: &Path) -> u8 {
    let opened = world::machine().and_then(|machine| world::open(file, &machine, &Setup::network()));
    match opened {
        Ok(_world) => {
            complain("not yet");
            CANNOT
        }
        Err(code) => code,
    }
}
