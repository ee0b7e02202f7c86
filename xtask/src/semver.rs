//! `cargo xtask semver`: whether adapters of every released version of the contract still fit into the gateway of today.
//!
//! wit-component answers the very question: it makes a component of the released world and puts it where one of today's
//! world is wanted. Imports may have been added then, since an old adapter does not call them; what is exported must be the
//! same to the letter. That answer alone would let an export go, which an old adapter merely has too much; so exports are
//! compared both ways.

use crate::workspace::{Outcome, root};
use portcullis_tests::sums;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use wit_component::{WitPrinter, semver_check};
use wit_parser::{PackageId, Resolve, WorldId};

#[cfg(test)]
mod tests;

/// The world that every version of the contract has.
const WORLD: &str = "adapter";

/// Runs the command.
pub(crate) fn run() -> Outcome {
    let today = read(&root().join("wit/adapter.wit"))?;
    let released = released(&root().join("wit/released"))?;
    for line in check(&today, &released)? {
        println!("{line}");
    }
    Ok(())
}

/// Compares the contract of today with every released one; says what was found, a line for each.
fn check(today: &str, released: &BTreeMap<String, String>) -> Outcome<Vec<String>> {
    let now = version(today)?;
    let mut lines = Vec::new();
    for (name, text) in released {
        let then = version(text)?;
        if then.to_string() != *name {
            return Err(format!("wit/released/{name} holds the contract {then}; a folder is named for its version"));
        }
        if now < then {
            return Err(format!("wit/adapter.wit is {now}, and {then} is released already; give it a newer version"));
        }
        if now == then {
            same(text, today).map_err(|reason| {
                format!(
                    "wit/adapter.wit is not the {then} that was released: {reason}; undo it, or give it a newer version \
                     (how the contract grows is in its head)"
                )
            })?;
            lines.push(format!("{then}: wit/adapter.wit is this version, comments apart"));
        } else if compatible(&then, &now) {
            fits(text, today).map_err(|reason| format!("an adapter built for {then} does not fit {now}: {reason}"))?;
            lines.push(format!("{then}: its adapters fit {now}"));
        } else {
            lines.push(format!("{then}: not compatible with {now} by its number, not compared"));
        }
    }
    Ok(lines)
}

/// The released versions, each with its text, no byte of which has changed since.
fn released(folder: &Path) -> Outcome<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    for (file, bytes) in sums::unchanged(folder)? {
        let version = file.strip_suffix("/adapter.wit").ok_or_else(|| format!("wit/released/{file} is no contract"))?;
        let text = String::from_utf8(bytes).map_err(|_| format!("wit/released/{file} is no UTF-8"))?;
        found.insert(version.to_owned(), text);
    }
    if found.is_empty() {
        return Err(format!("{} holds no version", folder.display()));
    }
    Ok(found)
}

/// By the numbers: the same up to the first one that is not zero.
fn compatible(then: &Version, now: &Version) -> bool {
    let key = |version: &Version| {
        if version.0 > 0 {
            (version.0, 0, 0)
        } else if version.1 > 0 {
            (0, version.1, 0)
        } else {
            (0, 0, version.2)
        }
    };
    key(then) == key(now)
}

/// Major, minor, patch.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Version(u64, u64, u64);

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// The version of the package that a text is.
fn version(text: &str) -> Outcome<Version> {
    let (resolve, package) = parse(text)?;
    let found = resolve.packages.get(package).and_then(|package| package.name.version.as_ref());
    match found {
        Some(version) if version.pre.is_empty() && version.build.is_empty() => {
            Ok(Version(version.major, version.minor, version.patch))
        }
        Some(version) => Err(format!("the contract's version is {version}; it has three numbers and nothing else")),
        None => Err("the contract's package has no version".to_owned()),
    }
}

/// Whether two texts are the same contract; comments and layout do not count.
fn same(then: &str, now: &str) -> Outcome {
    let (then, now) = (printed(then)?, printed(now)?);
    let differing = then.lines().zip(now.lines()).find(|(then, now)| then != now);
    match differing {
        Some((then, now)) => Err(format!("`{}` became `{}`", then.trim(), now.trim())),
        None if then.len() != now.len() => Err("one goes on where the other ends".to_owned()),
        None => Ok(()),
    }
}

/// Whether an adapter of the one fits where the other is spoken, and is asked for nothing less.
fn fits(then: &str, now: &str) -> Outcome {
    let (resolve, then, now) = both(then, now)?;
    semver_check(resolve.clone(), then, now).map_err(|error| format!("{error:#}"))?;
    let mut exports = resolve;
    for world in [then, now] {
        if let Some(world) = exports.worlds.get_mut(world) {
            world.imports.clear();
        }
    }
    semver_check(exports, now, then).map_err(|error| format!("something is no longer exported: {error:#}"))
}

fn both(then: &str, now: &str) -> Outcome<(Resolve, WorldId, WorldId)> {
    let mut resolve = Resolve::default();
    let mut world = |text: &str| {
        let package = resolve.push_str("adapter.wit", text).map_err(words)?;
        let found = resolve.packages.get(package).and_then(|package| package.worlds.get(WORLD).copied());
        found.ok_or_else(|| format!("it has no world `{WORLD}`"))
    };
    let (then, now) = (world(then)?, world(now)?);
    Ok((resolve, then, now))
}

fn parse(text: &str) -> Outcome<(Resolve, PackageId)> {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("adapter.wit", text).map_err(words)?;
    Ok((resolve, package))
}

/// As wit-component writes it, without its comments.
fn printed(text: &str) -> Outcome<String> {
    let (resolve, package) = parse(text)?;
    let mut printer = WitPrinter::default();
    printer.emit_docs(false).print(&resolve, package, &[]).map_err(words)?;
    Ok(printer.output.to_string())
}

fn words(error: impl std::fmt::Debug) -> String {
    format!("{error:?}")
}

fn read(file: &Path) -> Outcome<String> {
    fs::read_to_string(file).map_err(|error| format!("cannot read {}: {error}", file.display()))
}
