//! The adapters folder: every `*.wasm` in it, each loaded or refused on its own.

use super::call::Adapter;
use super::compiled::Priority;
use super::engine::Machine;
use super::fault::LoadFault;
use super::file::AdapterFile;
use super::limits;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// One file of the folder.
#[derive(Debug)]
pub enum Entry {
    /// A usable adapter.
    Loaded(Arc<Adapter>),
    /// A file that is none, and why.
    Refused(LoadFault),
}

/// The adapters by name.
#[derive(Debug, Default)]
pub struct Catalogue {
    entries: BTreeMap<String, Entry>,
}

impl Catalogue {
    /// Loads the adapters of a folder; of those, only `wanted` where given: compiling one takes a tenth of a second.
    ///
    /// # Errors
    ///
    /// When the folder itself cannot be read.
    pub fn open(machine: &Machine, folder: &Path, wanted: Option<&[String]>) -> Result<Self, String> {
        let mut entries = BTreeMap::new();
        for (name, file) in files(folder)? {
            if wanted.is_some_and(|wanted| !wanted.contains(&name)) {
                continue;
            }
            entries.insert(name.clone(), load(machine, &name, &file));
        }
        Ok(Self { entries })
    }

    /// As [`Catalogue::open`] while `running` ones serve: what is still the same is taken over as it is, and the rest compiled
    /// one after the other, each on one thread of low priority.
    ///
    /// # Errors
    ///
    /// When the folder itself cannot be read.
    pub fn beside(
        running: &[&Arc<Adapter>],
        machine: &Machine,
        folder: &Path,
        wanted: &[String],
    ) -> Result<Self, String> {
        let mut entries = BTreeMap::new();
        for (name, path) in files(folder)?.into_iter().filter(|(name, _)| wanted.contains(name)) {
            let made = AdapterFile::read(&path).and_then(|file| {
                match running.iter().find(|adapter| adapter.name() == name && adapter.digest() == file.digest) {
                    Some(same) => Ok(Arc::clone(same)),
                    None => Adapter::make(machine, &name, file, Priority::Low).map(Arc::new),
                }
            });
            entries.insert(name, made.map_or_else(Entry::Refused, Entry::Loaded));
        }
        Ok(Self { entries })
    }

    /// Loads a single file as a catalogue of one.
    #[must_use]
    pub fn single(machine: &Machine, file: &Path) -> Self {
        let name = stem(file).unwrap_or_default();
        let entry = load(machine, &name, file);
        Self { entries: BTreeMap::from([(name, entry)]) }
    }

    /// A usable adapter by name.
    #[must_use]
    pub fn adapter(&self, name: &str) -> Option<&Arc<Adapter>> {
        match self.entries.get(name) {
            Some(Entry::Loaded(adapter)) => Some(adapter),
            _ => None,
        }
    }

    /// Everything found, by name.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.entries.iter().map(|(name, entry)| (name.as_str(), entry))
    }

    /// The names of all `*.wasm` files of a folder, loaded or not.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read.
    pub fn names(folder: &Path) -> Result<Vec<String>, String> {
        Ok(files(folder)?.into_iter().map(|(name, _)| name).collect())
    }
}

fn load(machine: &Machine, name: &str, file: &Path) -> Entry {
    Adapter::load(machine, name, file).map(Arc::new).map_or_else(Entry::Refused, Entry::Loaded)
}

fn stem(file: &Path) -> Option<String> {
    Some(file.file_stem()?.to_str()?.to_owned())
}

fn files(folder: &Path) -> Result<Vec<(String, std::path::PathBuf)>, String> {
    let told = |error: std::io::Error| {
        format!(
            "the adapters folder {} cannot be read: {error}; build the adapters with `cargo xtask adapters`, or set `adapters.folder`",
            folder.display()
        )
    };
    let mut files = Vec::new();
    for (seen, entry) in std::fs::read_dir(folder).map_err(told)?.enumerate() {
        if seen >= limits::FOLDER_FILES_MAX {
            let most = limits::FOLDER_FILES_MAX;
            return Err(format!("the adapters folder {} holds more than {most} files", folder.display()));
        }
        let path = entry.map_err(told)?.path();
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if hidden || path.extension().is_none_or(|extension| extension != "wasm") || path.is_dir() {
            continue;
        }
        if let Some(name) = stem(&path) {
            files.push((name, path));
        }
    }
    files.sort();
    Ok(files)
}
