//! `portcullis check`: everything that `serve` checks before it listens, and nothing that needs the network.

use super::out::say;
use super::{YES, warnings, world};
use crate::provider::Readiness;
use portcullis_core::text::one_line;
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
            for provider in world.snapshot.providers() {
                if let Readiness::Ready(plan) = &*provider.readiness() {
                    for note in &plan.plan().notes {
                        say(format_args!("note: providers.{}: {}", provider.config().name, one_line(note)));
                    }
                }
            }
            for warning in warnings::of(&world.configuration, &world.snapshot) {
                say(format_args!("warning: {warning}"));
            }
            YES
        }
        Err(code) => code,
    }
}
