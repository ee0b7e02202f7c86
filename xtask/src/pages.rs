//! `cargo xtask pages`: carries what the adapters say of themselves into the providers' pages.

use crate::workspace::Outcome;
use crate::{adapters, workspace};
use portcullis_tests::pages;
use std::fs;

/// Runs the command.
pub(crate) fn run() -> Outcome {
    adapters::run_builds(&[adapters::Build::Pure], None)?;
    workspace::build_gateway()?;
    let told = |path: &std::path::Path, error: std::io::Error| format!("{}: {error}", path.display());
    let adapters = pages::adapters().map_err(|error| format!("the adapters: {error}"))?;
    for adapter in adapters {
        let page = pages::page_of(&adapter);
        let text = fs::read_to_string(&page).map_err(|error| told(&page, error))?;
        let renewed = pages::renewed(&text, &adapter).map_err(|error| told(&page, error))?;
        if renewed != text {
            fs::write(&page, renewed).map_err(|error| told(&page, error))?;
            println!("{}", page.strip_prefix(workspace::root()).unwrap_or(&page).display());
        }
    }
    Ok(())
}
