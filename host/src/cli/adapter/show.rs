//! `portcullis adapter show`: all of it from `describe` and from the binary itself.

use crate::adapter::{Adapter, Catalogue, Entry};
use crate::cli::out::{complain, say};
use crate::cli::{NO, WRONG, world};
use portcullis_core::setting::{CredentialKind, SettingKind, SettingSpec};
use std::path::{Path, PathBuf};

pub(super) fn run(adapter: &Path, folder: &Path) -> u8 {
    // What is there and no regular file is refused by its name when it is read.
    let is_there = |file: &Path| file.exists() && !file.is_dir();
    let file = if is_there(adapter) { adapter.to_owned() } else { named(adapter, folder) };
    if !is_there(&file) {
        let known = Catalogue::names(folder).unwrap_or_default().join(", ");
        complain(format_args!(
            "there is no {}; name a .wasm file, or one of the folder {}: {known}",
            file.display(),
            folder.display()
        ));
        return WRONG;
    }
    let machine = match world::machine() {
        Ok(machine) => machine,
        Err(code) => return code,
    };
    match Catalogue::single(&machine, &file).entries().next() {
        Some((_, Entry::Loaded(adapter))) => {
            print(adapter);
            crate::cli::YES
        }
        Some((_, Entry::Refused(fault))) => {
            complain(fault);
            NO
        }
        None => NO,
    }
}

fn named(name: &Path, folder: &Path) -> PathBuf {
    let mut file = folder.join(name).into_os_string();
    file.push(".wasm");
    file.into()
}

fn print(adapter: &Adapter) {
    let description = adapter.description();
    say(format_args!("{} {} (adapter: {})", description.title, description.version, adapter.name()));
    say(format_args!("{}", description.about));
    if let Some(documentation) = &description.documentation {
        say(format_args!("See {documentation}"));
    }
    let takes: Vec<&str> = description
        .credentials
        .iter()
        .map(|kind| match kind {
            CredentialKind::Bearer => "bearer tokens",
            CredentialKind::Basic => "Basic pairs",
            CredentialKind::ApiKey => "API keys",
        })
        .collect();
    say(format_args!("\nTakes:    {}", takes.join(", ")));
    if !description.token_prefixes.is_empty() {
        say(format_args!("Prefixes: {}", description.token_prefixes.join(", ")));
    }
    say(format_args!(
        "Imports:  {}",
        match adapter.imports() {
            [] => "nothing".to_owned(),
            imports => imports.join(", "),
        }
    ));
    say(format_args!("Digest:   blake3:{}", adapter.digest()));
    if description.settings.is_empty() {
        return say("\nSettings: none");
    }
    say("\nSettings:");
    for setting in &description.settings {
        print_setting(setting);
    }
}

fn print_setting(setting: &SettingSpec) {
    let kind = match setting.kind {
        SettingKind::Text => "text",
        SettingKind::Flag => "true or false",
        SettingKind::Number => "whole number",
        SettingKind::Texts => "list of texts",
        SettingKind::Pairs => "mapping of texts",
        SettingKind::Secret => "secret",
        SettingKind::BaseUrl => "base URL",
        SettingKind::Url => "URL",
    };
    let need = match (&setting.default, setting.required) {
        (Some(default), _) => format!("default {default:?}"),
        (None, true) => "required".to_owned(),
        (None, false) => "optional".to_owned(),
    };
    say(format_args!("  {} ({kind}, {need})", setting.name));
    say(format_args!("      {}", setting.about));
    if let Some((other, values)) = &setting.only_when {
        say(format_args!("      only where {other} is {}", values.join(" or ")));
    }
    if let Some(example) = &setting.example {
        say(format_args!("      example: {example}"));
    }
    for (value, about) in &setting.choices {
        say(format_args!("      {value}: {about}"));
    }
}
