//! From a file to a world: configuration, adapters, plans. Shared by `serve`, `check` and `probe`, so that they cannot
//! disagree on what is right.

use super::out::complain;
use super::watch::Watch;
use super::{CANNOT, NO, WRONG, YES};
use crate::adapter::{Catalogue, Entry, Machine};
use crate::config::{self, Configuration};
use crate::decision::{Snapshot, Verdicts};
use crate::gateway;
use crate::provider::PlanProblem;
use portcullis_core::problem::{Problem, Problems};
use std::path::Path;
use std::sync::Arc;
use tokio::runtime::{Builder, Runtime};

/// What a configuration came to.
pub(super) struct World {
    pub(super) configuration: Configuration,
    pub(super) tls: Option<Arc<rustls::ServerConfig>>,
    pub(super) snapshot: Snapshot,
}

/// The engine, or the exit code after having said why not.
pub(super) fn machine() -> Result<Machine, u8> {
    let program = Machine::own_program();
    program.and_then(|program| Machine::new(Machine::default_cache().as_deref(), &program)).map_err(|reason| {
        complain(reason);
        CANNOT
    })
}

/// The adapters of a folder, and the exit code that those deserve which cannot be used: each was complained of.
pub(super) fn adapters(folder: &Path) -> Result<(Catalogue, u8), u8> {
    let catalogue = Catalogue::open(&machine()?, folder, None).map_err(|reason| {
        complain(reason);
        WRONG
    })?;
    let mut code = YES;
    for (_, entry) in catalogue.entries() {
        if let Entry::Refused(fault) = entry {
            complain(fault);
            code = NO;
        }
    }
    Ok((catalogue, code))
}

/// What a command that asks somebody runs on, or the exit code after having said why there is none.
pub(super) fn runtime() -> Result<Runtime, u8> {
    Builder::new_current_thread().enable_all().build().map_err(|error| {
        complain(format_args!("no runtime: {error}"));
        CANNOT
    })
}

/// Reads, checks, loads and plans; sends nothing. All problems are written to standard error.
pub(super) fn open(file: &Path, machine: &Machine) -> Result<World, u8> {
    open_watched(file, machine).map(|(world, _)| world)
}

/// As [`open`], with what it was made of.
pub(super) fn open_watched(file: &Path, machine: &Machine) -> Result<(World, Watch), u8> {
    let mut watch = Watch::of(file);
    let world = assemble(file, machine, None, &mut watch);
    world.map(|world| (world, watch)).map_err(|problems| {
        complain(&problems);
        WRONG
    })
}

/// As [`open`], beside a world that runs: what did not change is taken over, and what is known of credentials stays known.
/// `watch` learns which files it was made of, also where it fails.
///
/// # Errors
///
/// All problems, with their places.
pub(super) fn assemble(
    file: &Path,
    machine: &Machine,
    previous: Option<&Snapshot>,
    watch: &mut Watch,
) -> Result<World, Problems> {
    let draft = config::open(file)?;
    let whole = |problem: String, remedy: &str| {
        let mut problems = Problems::new(file.display().to_string());
        problems.push_whole(problem, remedy);
        problems
    };
    let folder = draft.adapters_folder();
    watch.folder(&folder);
    let known = Catalogue::names(&folder).map_err(|problem| whole(problem, "correct `adapters.folder`"))?;
    let wanted = draft.adapters_wanted();
    let catalogue = match previous {
        Some(previous) => {
            let running: Vec<_> = previous.providers().map(|provider| provider.adapter()).collect();
            Catalogue::beside(&running, machine, &folder, &wanted)
        }
        None => Catalogue::open(machine, &folder, Some(&wanted)),
    };
    let catalogue = catalogue.map_err(|problem| whole(problem, "correct `adapters.folder`"))?;
    let mut problems = Problems::new(file.display().to_string());
    for (_, entry) in catalogue.entries() {
        if let Entry::Refused(fault) = entry {
            problems.push_whole(format!("adapter {fault}"), "until then its providers cannot be used");
        }
    }
    let describe = |name: &str| catalogue.adapter(name).map(|adapter| adapter.description().clone());
    let system = config::System::beside(file);
    let finished = draft.finish(&describe, &known, &system);
    watch.files(system.files());
    let configuration = match finished {
        Ok(configuration) if problems.is_empty() => configuration,
        Ok(_) => return Err(problems),
        Err(others) => {
            problems.append(&others);
            return Err(problems);
        }
    };
    let tls = configuration.tls.as_ref().map(gateway::server_config).transpose();
    let tls = tls.map_err(|error| whole(error.to_string(), "correct the section `tls`"))?;
    let verdicts = match previous {
        Some(previous) => Arc::clone(previous.verdicts()),
        None => Verdicts::new().map(Arc::new).map_err(|problem| whole(problem, "look at the system's log"))?,
    };
    let snapshot = Snapshot::build(&configuration, &catalogue, &verdicts, previous)
        .map_err(|found| placed(file, &configuration, found))?;
    Ok(World { configuration, tls, snapshot })
}

/// Gives what a plan was refused for the place in the file that it is about.
fn placed(file: &Path, configuration: &Configuration, found: Vec<(String, PlanProblem)>) -> Problems {
    let mut problems = Problems::new(file.display().to_string());
    for (name, PlanProblem { setting, problem, remedy, ungranted: _ }) in found {
        let lines =
            configuration.providers.iter().find(|provider| provider.name == name).map(|provider| &provider.lines);
        let line =
            lines.and_then(|lines| setting.as_ref().and_then(|setting| lines.get(setting)).or_else(|| lines.get("")));
        let path = match &setting {
            Some(setting) if config::is_beside_settings(setting) => format!("providers.{name}.{setting}"),
            Some(setting) => format!("providers.{name}.settings.{setting}"),
            None => format!("providers.{name}"),
        };
        problems.push(Problem { line: line.copied(), column: None, path, setting, problem, remedy });
    }
    problems
}
