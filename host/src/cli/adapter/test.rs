//! `portcullis adapter test`: recorded cases through the real component and the very code that `serve` decides with.

use super::cases::{self, Case};
use super::compare::differences;
use super::hostile;
use super::replay::Replay;
use crate::adapter::{Adapter, Catalogue, Entry};
use crate::cli::out::{complain, say};
use crate::cli::{NO, WRONG, YES, world};
use crate::config::{self, ProviderConfig};
use crate::provider::{PlanProblem, Provider, Transport};
use portcullis_core::base_url::Origin;
use portcullis_core::problem::Problems;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What stands beside `settings:` in a configuration and among a case's settings.
const OF_THE_PROVIDER: [&str; 4] = ["username_attribute", "audience", "required_scopes", "allow_http"];

enum Outcome {
    Passed,
    Failed(Vec<String>),
    Skipped(String),
}

pub(super) fn run(adapters: &Path, paths: &[PathBuf], json: bool) -> u8 {
    let machine = match world::machine() {
        Ok(machine) => machine,
        Err(code) => return code,
    };
    let opened = if adapters.is_dir() {
        Catalogue::open(&machine, adapters, None)
    } else {
        Ok(Catalogue::single(&machine, adapters))
    };
    let read = paths.iter().map(|path| cases::read(path)).collect::<Result<Vec<_>, _>>();
    let (catalogue, all) = match opened.and_then(|catalogue| read.map(|read| (catalogue, read.concat()))) {
        Ok(found) => found,
        Err(reason) => {
            complain(reason);
            return WRONG;
        }
    };
    let runtime = match world::runtime() {
        Ok(runtime) => runtime,
        Err(code) => return code,
    };
    let (mut refused, mut tried) = (false, BTreeSet::new());
    for (_, entry) in catalogue.entries() {
        if let Entry::Refused(fault) = entry {
            complain(fault);
            refused = true;
        }
    }
    let outcomes: Vec<(Case, Outcome)> = all
        .into_iter()
        .map(|case| {
            let outcome = match catalogue.adapter(&case.provider) {
                None => Outcome::Skipped("no such adapter in the folder".to_owned()),
                Some(adapter) => runtime.block_on(play(&case, adapter, &mut tried)),
            };
            (case, outcome)
        })
        .collect();
    let failed = report(&outcomes, json);
    if failed || refused { NO } else { YES }
}

/// `tried`: the configurations that had their hostile answers already.
async fn play(case: &Case, adapter: &Arc<Adapter>, tried: &mut BTreeSet<String>) -> Outcome {
    let expected = case.expect.problem.as_ref().map(|problem| problem.setting.as_str());
    let presented = case.presented();
    let replay = Arc::new(Replay::new(case, &presented));
    let made = configure(case, adapter).and_then(|config| {
        let transport: Arc<dyn Transport> = Arc::clone(&replay) as _;
        plan(case, adapter, config, &transport)
    });
    let provider = match (made, expected) {
        (Ok(provider), None) => provider,
        (Ok(_), Some(setting)) => {
            return Outcome::Failed(vec![format!("expected a problem with `{setting}`, got a plan")]);
        }
        (Err(problems), Some(setting))
            if problems.iter().any(|problem| problem.setting.as_deref() == Some(setting)) =>
        {
            return Outcome::Passed;
        }
        (Err(problems), Some(setting)) => {
            return Outcome::Failed(vec![format!("expected a problem with `{setting}`, got: {}", joined(&problems))]);
        }
        (Err(problems), None) => return Outcome::Failed(vec![format!("expected a plan, got: {}", joined(&problems))]),
    };
    // A document that cannot be had shows in the verdict.
    let _ = provider.complete().await;
    let verdict = provider.verdict(&presented.credential, None).await;
    let mut flaws = replay.complaints();
    flaws.extend(differences(&case.expect, &verdict));
    if let Some(calls) = case.expect_calls.filter(|calls| *calls != replay.calls()) {
        flaws.push(format!("expected {calls} call(s), got {}", replay.calls()));
    }
    if tried.insert(format!("{} {:?}", case.provider, provider.context())) {
        flaws.extend(hostile::flaws(adapter, &provider));
    }
    if flaws.is_empty() { Outcome::Passed } else { Outcome::Failed(flaws) }
}

/// Plans the provider of a case. It is granted the origins of the requests that the case expects; a case that expects none
/// has none to grant, so there the plan gets what it asks for: any call that it made would fail the case.
fn plan(
    case: &Case,
    adapter: &Arc<Adapter>,
    mut config: ProviderConfig,
    transport: &Arc<dyn Transport>,
) -> Result<Provider, Vec<PlanProblem>> {
    let (wanted, clock) = (case.wanted.iter().cloned().collect(), case.clock());
    let make = |config: &ProviderConfig| {
        Provider::new(config.clone(), Arc::clone(adapter), &wanted, Arc::clone(transport), Arc::new(move || clock))
    };
    let made = make(&config);
    match made {
        Err(problems) if case.exchanges().is_empty() && problems.iter().any(|problem| problem.ungranted.is_some()) => {
            config.granted_origins.extend(problems.into_iter().filter_map(|problem| problem.ungranted));
            make(&config)
        }
        made => made,
    }
}

fn joined(problems: &[PlanProblem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// The case's settings as a provider of a configuration, read by the code that reads configurations.
fn configure(case: &Case, adapter: &Adapter) -> Result<ProviderConfig, Vec<PlanProblem>> {
    let (own, settings): (Map<String, Value>, Map<String, Value>) =
        case.settings().into_iter().partition(|(name, _)| OF_THE_PROVIDER.contains(&name.as_str()));
    let mut provider = own;
    provider.insert("adapter".to_owned(), Value::String(case.provider.clone()));
    provider.insert("settings".to_owned(), Value::Object(settings));
    let mut problems = Problems::new(&*case.id);
    let text = Value::Object(provider).to_string();
    let config = portcullis_core::tree::parse(text.as_bytes(), &mut problems).and_then(|node| {
        config::provider(&case.provider, &node, adapter.description(), &config::Nothing, &mut problems)
    });
    let mut config = problems.or(config).map_err(|problems| {
        let found = problems.sorted().into_iter();
        found.map(|p| PlanProblem::new(p.setting.as_deref(), &*p.problem, &*p.remedy)).collect::<Vec<_>>()
    })?;
    // What a token is good for here is the case's matter.
    config.any_audience = true;
    // An operator would grant what the provider needs; a case grants just what it expects to be asked.
    for exchange in case.exchanges() {
        config.granted_origins.extend(url::Url::parse(&exchange.expect_request.url).ok().as_ref().and_then(Origin::of));
    }
    Ok(config)
}

/// Prints what came of it; says whether anything failed.
fn report(outcomes: &[(Case, Outcome)], json: bool) -> bool {
    let count = |wanted: fn(&Outcome) -> bool| outcomes.iter().filter(|(_, outcome)| wanted(outcome)).count();
    let passed = count(|outcome| matches!(outcome, Outcome::Passed));
    let failed = count(|outcome| matches!(outcome, Outcome::Failed(_)));
    let skipped = count(|outcome| matches!(outcome, Outcome::Skipped(_)));
    if json {
        let cases: Vec<Value> = outcomes
            .iter()
            .map(|(case, outcome)| match outcome {
                Outcome::Passed => serde_json::json!({"id": case.id, "provider": case.provider, "outcome": "passed"}),
                Outcome::Failed(flaws) => serde_json::json!({"id": case.id, "provider": case.provider, "outcome": "failed", "flaws": flaws}),
                Outcome::Skipped(reason) => serde_json::json!({"id": case.id, "provider": case.provider, "outcome": "skipped", "reason": reason}),
            })
            .collect();
        say(serde_json::json!({"passed": passed, "failed": failed, "skipped": skipped, "cases": cases}));
        return failed > 0;
    }
    for (case, outcome) in outcomes {
        match outcome {
            Outcome::Passed => {}
            Outcome::Failed(flaws) => {
                say(format_args!("FAILED  {}", case.id));
                for flaw in flaws {
                    say(format_args!("        {flaw}"));
                }
            }
            Outcome::Skipped(reason) => say(format_args!("skipped {}: {reason}", case.id)),
        }
    }
    say(format_args!("{passed} passed, {failed} failed, {skipped} skipped"));
    failed > 0
}
