//! Reading a configuration in two steps: open the file, learn which adapters it wants; finish it with what they say.
//!
//! All problems are told at once. Only a file that is no tree at all (unreadable, empty, not YAML) stops at the first step.

use super::resolve::{self, Resolve, System};
use super::{Configuration, names, provider, routes, top};
use portcullis_core::problem::Problems;
use portcullis_core::setting::{CredentialKind, Description};
use portcullis_core::text::{shown, suggestion};
use portcullis_core::tree::{self, At, Node, Value};
use std::collections::HashSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// `adapters.folder` where the file does not say.
pub(super) const FOLDER: &str = "./adapters";

/// A file that was read, and not checked yet.
#[derive(Debug)]
pub struct Draft {
    file: PathBuf,
    root: Node,
    problems: Problems,
}

/// Reads a file. `${NAME}` is taken from the environment of this process.
///
/// # Errors
/// The file cannot be read, is empty, or is not YAML. Other problems wait for [`Draft::finish`].
pub fn open(file: &Path) -> Result<Draft, Problems> {
    match resolve::read(file) {
        Ok(bytes) => Draft::parse(file, &bytes, &System::beside(file)),
        Err(reason) => {
            let mut problems = Problems::new(file.display().to_string());
            problems.push_whole(format!("cannot be read: {reason}"), "name a readable file with --config");
            Err(problems)
        }
    }
}

impl Draft {
    /// As [`open`], with the file's bytes given, and the environment.
    ///
    /// # Errors
    /// As [`open`].
    pub fn parse(file: &Path, bytes: &[u8], resolve: &dyn Resolve) -> Result<Self, Problems> {
        let mut problems = Problems::new(file.display().to_string());
        let Some(mut root) = tree::parse(bytes, &mut problems) else { return problems.or(None) };
        if !matches!(root.value, Value::Mapping(_)) {
            At::new(&root, "").report(&mut problems, "is not a mapping", "write at least `providers:` and `routes:`");
            return Err(problems);
        }
        tree::expand(&mut root, &|name| resolve.environment(name), &mut problems);
        Ok(Self { file: file.to_owned(), root, problems })
    }

    /// Where the adapters are: absolute, or relative to the working directory.
    #[must_use]
    pub fn adapters_folder(&self) -> PathBuf {
        let written = self.root.get("adapters").and_then(|node| node.get("folder")).and_then(Node::as_text);
        resolve::folder_of(&self.file).join(written.unwrap_or(FOLDER))
    }

    /// `admin.listen`, whatever else the file holds.
    ///
    /// # Errors
    /// It is no address.
    pub fn admin_listen(&self) -> Result<SocketAddr, Problems> {
        let mut problems = Problems::new(self.file.display().to_string());
        let at = At::new(&self.root, "");
        let listen = at
            .mapping(&names::TOP, &mut problems)
            .and_then(|mut walker| top::admin(walker.take("admin").as_ref(), &mut problems));
        problems.or(listen)
    }

    /// The names of the adapters that the providers name, each once, in the order of the file.
    #[must_use]
    pub fn adapters_wanted(&self) -> Vec<String> {
        let Some(Value::Mapping(providers)) = self.root.get("providers").map(|node| &node.value) else {
            return Vec::new();
        };
        let mut seen = HashSet::new();
        let names = providers.iter().filter_map(|(_, node)| node.get("adapter")?.as_text());
        names.filter(|name| seen.insert(*name)).map(str::to_owned).collect()
    }

    /// Checks everything. `describe` gives an adapter's description, `None` where it could not be loaded; `known` are the
    /// names of all adapters in the folder.
    ///
    /// # Errors
    /// All problems of the file.
    pub fn finish(
        &self,
        describe: &dyn Fn(&str) -> Option<Description>,
        known: &[String],
        resolve: &dyn Resolve,
    ) -> Result<Configuration, Problems> {
        let mut problems = self.problems.clone();
        let configuration = self.check(describe, known, resolve, &mut problems);
        problems.or(configuration)
    }

    fn check(
        &self,
        describe: &dyn Fn(&str) -> Option<Description>,
        known: &[String],
        resolve: &dyn Resolve,
        problems: &mut Problems,
    ) -> Option<Configuration> {
        let mut walker = At::new(&self.root, "").mapping(&names::TOP, problems)?;
        let top = top::read(&mut walker, resolve, problems);
        let folder = top::folder(&mut walker, problems);
        let entries = match walker.take("providers") {
            Some(at) => at.entries(problems),
            None => Some(Vec::new()),
        };
        let entries = entries.unwrap_or_default();
        let mut known_providers: Vec<NamedProvider> = Vec::new();
        let mut providers = Vec::new();
        for (name, at) in entries {
            provider_name(&name, &at, problems);
            let description = description(&at, describe, known, problems);
            let takes_basic =
                description.as_ref().is_none_or(|found| found.credentials.contains(&CredentialKind::Basic));
            known_providers.push(NamedProvider { name: name.clone(), takes_basic });
            providers.push(provider::read(&name, &at, description.as_ref(), resolve, problems));
        }
        let routes = walker.need("routes", "write at least one route", problems);
        let routes = routes.and_then(|at| routes::read(&at, &known_providers, resolve, problems));
        walker.finish(problems);
        folder?;
        let top = top?;
        Some(Configuration {
            file: self.file.clone(),
            listen: top.listen,
            tls: top.tls,
            admin_listen: top.admin_listen,
            throttled_is_unavailable: top.throttled_is_unavailable,
            adapters_folder: self.adapters_folder(),
            providers: providers.into_iter().collect::<Option<_>>()?,
            routes: routes?,
        })
    }
}

/// A provider, as routes name it.
pub(super) struct NamedProvider {
    pub(super) name: String,
    /// Whether its adapter takes Basic pairs; `true` where the adapter is not known.
    pub(super) takes_basic: bool,
}

/// A name that fits into logs, metrics and file names as it is.
fn provider_name(name: &str, at: &At<'_>, problems: &mut Problems) {
    let proper = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
    if name.starts_with(['_', '-']) || name.is_empty() || !name.chars().all(proper) {
        let problem = format!("`{}` cannot be a provider's name", shown(name));
        at.report(problems, problem, "write lower-case letters, digits, `_` and `-`, a letter or digit first");
    }
}

/// What the provider's adapter says of itself. An adapter that is not named, or not by a proper name, is reported elsewhere.
fn description(
    provider: &At<'_>,
    describe: &dyn Fn(&str) -> Option<Description>,
    known: &[String],
    problems: &mut Problems,
) -> Option<Description> {
    let node = provider.node().get("adapter")?;
    let name = At::new(node, "").text(&mut Problems::new(""))?;
    let name = name.as_str();
    let proper = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    if !proper || name.is_empty() {
        return None;
    }
    let description = describe(name);
    if description.is_none() {
        let at = At::new(node, format!("{}.adapter", provider.path()));
        if known.iter().any(|other| other == name) {
            let remedy = format!("see why with `portcullis adapter show {}`", at.shown());
            at.report(problems, format!("the adapter `{}` cannot be loaded", at.shown()), remedy);
        } else {
            let remedy = match known.len() {
                0 => "the adapters folder holds none: put its .wasm file there".to_owned(),
                _ => suggestion(name, known.iter().map(String::as_str)),
            };
            at.report(problems, format!("there is no adapter `{}` in the adapters folder", at.shown()), remedy);
        }
    }
    description
}
