//! The part of a provider's page (`docs/providers`) that its adapter knows: written by `cargo xtask pages`, compared by a test.

use std::io;
use std::path::{Path, PathBuf};

const BEGIN: &str = "<!-- what the adapter says of itself: `cargo xtask pages` writes it -->\n";
const END: &str = "<!-- end of what the adapter says of itself -->\n";

/// The folder of the pages.
#[must_use]
pub fn folder() -> PathBuf {
    crate::gateway::root().join("docs/providers")
}

/// The shipped components.
///
/// # Errors
/// When their folder cannot be read: they were not built.
pub fn adapters() -> io::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(crate::gateway::adapters())?.collect::<io::Result<Vec<_>>>()?;
    let components = entries.into_iter().map(|entry| entry.path());
    let mut components: Vec<PathBuf> =
        components.filter(|path| path.extension().is_some_and(|is| is == "wasm")).collect();
    components.sort();
    Ok(components)
}

/// The page of an adapter.
#[must_use]
pub fn page_of(adapter: &Path) -> PathBuf {
    let mut page = folder().join(adapter.file_stem().unwrap_or_default()).into_os_string();
    page.push(".md");
    page.into()
}

/// A page's text with what the adapter says of itself now in the place of what stands between the markers.
///
/// # Errors
/// When the gateway does not run or cannot load the adapter, and when the markers are not there.
pub fn renewed(page: &str, adapter: &Path) -> io::Result<String> {
    let output = crate::gateway::run(&["adapter", "show", &adapter.to_string_lossy()], "", &[])?;
    if !output.status.success() {
        return Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    let shown = String::from_utf8_lossy(&output.stdout);
    // These are the file's, and change with every build.
    let of_the_file = |line: &&str| line.starts_with("Imports: ") || line.starts_with("Digest: ");
    let shown: Vec<&str> = shown.lines().filter(|line| !of_the_file(line)).collect();
    let parts = page.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let Some((before, after)) = parts else {
        return Err(io::Error::other(format!("a page needs these two lines:\n{BEGIN}{END}")));
    };
    Ok(format!("{before}{BEGIN}\n```text\n{}\n```\n\n{END}{after}", shown.join("\n")))
}
