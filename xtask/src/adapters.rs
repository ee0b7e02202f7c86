//! `cargo xtask adapters`: every adapter as a component, built in one of four ways from the same, unchanged crates.
//!
//! What is shipped is the first: `wasm32-unknown-unknown` and wit-component, since only that imports nothing but `log`. The
//! others prove that an adapter built with other tools loads too. They go into folders of their own and are never shipped.

use crate::tools;
use crate::workspace::{self, Outcome, cargo_in, output, root, target_dir};
use std::fs;
use std::path::{Path, PathBuf};
use wit_component::ComponentEncoder;

/// Flags of the command.
#[derive(clap::Args, Default)]
pub(crate) struct Arguments {
    /// Build with cargo-component: the pure component into adapters/dist-component, the WASI one into adapters/dist-wasip1
    #[arg(long, conflicts_with = "wasip2")]
    cargo_component: bool,
    /// Build for wasm32-wasip2, into adapters/dist-wasip2
    #[arg(long)]
    wasip2: bool,
    /// Build those that only tests use, and that misbehave, into tests/adapters/dist and dist-wasip2
    #[arg(long, conflicts_with_all = ["wasip2", "cargo_component", "out"])]
    tests: bool,
    /// Write somewhere else
    #[arg(long)]
    out: Option<PathBuf>,
}

/// How a crate becomes a component.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Build {
    /// cargo for `wasm32-unknown-unknown`, then wit-component. What is shipped.
    Pure,
    /// cargo-component with the target that `adapters/.cargo/config.toml` sets, `wasm32-unknown-unknown`.
    Component,
    /// cargo-component for `wasm32-wasip1`, its own default.
    Wasip1,
    /// cargo for `wasm32-wasip2`, whose linker makes a component by itself.
    Wasip2,
}

impl Build {
    fn target(self) -> &'static str {
        match self {
            Self::Pure | Self::Component => "wasm32-unknown-unknown",
            Self::Wasip1 => "wasm32-wasip1",
            Self::Wasip2 => "wasm32-wasip2",
        }
    }

    /// The folder beside the crates.
    pub(crate) fn dist(self) -> &'static str {
        match self {
            Self::Pure => "dist",
            Self::Component => "dist-component",
            Self::Wasip1 => "dist-wasip1",
            Self::Wasip2 => "dist-wasip2",
        }
    }

    /// cargo and cargo-component leave different things under the same name, so they never share a target folder.
    fn target_folder(self) -> &'static str {
        match self {
            Self::Pure | Self::Wasip2 => "adapters",
            Self::Component | Self::Wasip1 => "adapters-component",
        }
    }
}

/// Builds the shipped adapters in these ways, each into the folder of its own unless `out` says otherwise.
pub(crate) fn run_builds(builds: &[Build], out: Option<&Path>) -> Outcome {
    let folder = root().join("adapters");
    for &build in builds {
        make(&folder, build, out.unwrap_or(&folder.join(build.dist())))?;
    }
    Ok(())
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> Outcome {
    if arguments.tests {
        return run_test_adapters();
    }
    let builds: &[Build] = if arguments.cargo_component {
        if arguments.out.is_some() { &[Build::Component] } else { &[Build::Component, Build::Wasip1] }
    } else if arguments.wasip2 {
        &[Build::Wasip2]
    } else {
        &[Build::Pure]
    };
    run_builds(builds, arguments.out.as_deref())
}

/// The adapters that only tests use, and that do what none may, into folders beside them.
pub(crate) fn run_test_adapters() -> Outcome {
    let folder = root().join("tests/adapters");
    for build in [Build::Pure, Build::Wasip2] {
        make(&folder, build, &folder.join(build.dist()))?;
    }
    Ok(())
}

/// Builds one workspace of adapters in one way.
fn make(folder: &Path, build: Build, out: &Path) -> Outcome {
    if !folder.join("Cargo.toml").is_file() {
        return Err(format!("there is no {}", folder.join("Cargo.toml").display()));
    }
    tools::want_target(build.target())?;
    let mut command = cargo_in(folder, build.target_folder());
    match build {
        Build::Pure | Build::Wasip2 => command.args(["build", "--release", "--target", build.target()]),
        Build::Component => {
            tools::want_cargo_component()?;
            command.args(["component", "build", "--release"])
        }
        Build::Wasip1 => {
            tools::want_cargo_component()?;
            command.args(["component", "build", "--release", "--target", build.target()])
        }
    };
    workspace::run(&mut command)?;

    fs::create_dir_all(out).map_err(|error| format!("cannot make {}: {error}", out.display()))?;
    let built = target_dir().join(build.target_folder()).join(build.target()).join("release");
    for name in packages(folder)? {
        let from = built.join(format!("{}.wasm", name.replace('-', "_")));
        let bytes = fs::read(&from).map_err(|error| format!("cannot read {}: {error}", from.display()))?;
        let bytes = if build == Build::Pure { componentize(&name, &bytes)? } else { bytes };
        let to = out.join(format!("{name}.wasm"));
        replace(&to, &bytes)?;
        println!("{} ({} KiB)", to.strip_prefix(root()).unwrap_or(&to).display(), bytes.len().div_ceil(1024));
    }
    Ok(())
}

/// The module, with the contract that wit-bindgen left in it, as a component.
fn componentize(name: &str, module: &[u8]) -> Outcome<Vec<u8>> {
    let mut encoder = ComponentEncoder::default();
    let encoder = encoder.validate(true).module(module).map_err(|error| format!("{name}: {error:#}"))?;
    encoder.encode().map_err(|error| format!("{name}: {error:#}"))
}

/// Written beside and renamed: a gateway that watches the folder never sees half a component.
fn replace(to: &Path, bytes: &[u8]) -> Outcome {
    let beside = to.with_extension(format!("wasm.{}.new", std::process::id()));
    fs::write(&beside, bytes).map_err(|error| format!("cannot write {}: {error}", beside.display()))?;
    fs::rename(&beside, to).map_err(|error| format!("cannot write {}: {error}", to.display()))
}

/// Names of the packages that make a component: those with a `cdylib`.
fn packages(folder: &Path) -> Outcome<Vec<String>> {
    let metadata = output(cargo_in(folder, "adapters").args(["metadata", "--no-deps", "--format-version", "1"]))?;
    let metadata: serde_json::Value =
        serde_json::from_str(&metadata).map_err(|error| format!("`cargo metadata` printed no JSON: {error}"))?;
    let list = |value: &serde_json::Value, key: &str| -> Vec<serde_json::Value> {
        value.get(key).and_then(|found| found.as_array()).cloned().unwrap_or_default()
    };
    let makes_component = |package: &serde_json::Value| {
        list(package, "targets").iter().any(|target| list(target, "kind").iter().any(|kind| kind == "cdylib"))
    };
    let mut names: Vec<String> = list(&metadata, "packages")
        .iter()
        .filter(|package| makes_component(package))
        .filter_map(|package| package.get("name")?.as_str().map(str::to_owned))
        .collect();
    names.sort();
    if names.is_empty() {
        return Err(format!("no package in {} has `crate-type = [\"cdylib\", ...]`", folder.display()));
    }
    Ok(names)
}
