//! `portcullis check`: everything that `serve` checks before it listens, and nothing that needs the network.

use super::out::say;
use super::{YES, warnings, world};
use std::path::Path;

pub(super) fn run(file: &Path) -> u8 {
    let opened = world::machine().and_then(|machine| world::open(file, &machine));
    match opened {
        Ok(world) => {
            let (providers, routes) = (world.configuration.providers.len(), world.configuration.routes.len());
            say(format_args!("{}: is right: {providers} provider(s), {routes} route(s)", file.display()));
            for (name, reason) in world.snapshot.not_ready() {
                say(format_args!("{name}: its plan was not checked to the end, since nothing was fetched: {reason}"));
            }
            for warning in warnings::of(&world.configuration, &world.snapshot) {
                say(format_args!("warning: {warning}"));
            }
            YES
        }
        Err(code) => code,
    }
}
