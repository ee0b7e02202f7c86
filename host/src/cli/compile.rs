//! `portcullis compile-adapter`: not for people. The gateway runs it on an adapter that it has not compiled before.

use super::out::complain;
use super::{CANNOT, YES};
use crate::adapter;
use std::path::Path;

pub(super) fn run(folder: &Path, aside: bool) -> u8 {
    match adapter::compile(folder, aside) {
        Ok(()) => YES,
        Err(reason) => {
            complain(reason);
            CANNOT
        }
    }
}
