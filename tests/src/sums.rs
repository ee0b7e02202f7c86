//! Files that are kept as they were: a folder, and in it `B3SUMS`, which names each with its BLAKE3 digest. `b3sum --check
//! B3SUMS` reads it too.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The list; it and a README may change.
const SUMS: &str = "B3SUMS";
const FREE: [&str; 2] = [SUMS, "README.md"];

/// The files of a folder, by their names relative to it, each as it was when it was written down.
///
/// # Errors
/// When one was edited, added or removed; the message names it.
pub fn unchanged(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>, String> {
    let list = folder.join(SUMS);
    let list = fs::read_to_string(&list).map_err(|error| format!("cannot read {}: {error}", list.display()))?;
    let mut recorded: BTreeMap<&str, &str> =
        list.lines().filter_map(|line| line.split_once("  ")).map(|(digest, name)| (name, digest)).collect();
    let mut files = BTreeMap::new();
    collect(folder, "", &mut files)?;
    for (name, bytes) in &files {
        let digest = blake3::hash(bytes).to_hex();
        let said = recorded.remove(name.as_str()).unwrap_or("nothing");
        if said != digest.as_str() {
            return Err(format!(
                "{} has the digest {digest}, and {SUMS} says {said}; what was released is never edited: take the file back, \
                 or write the line if this is a new release",
                folder.join(name).display()
            ));
        }
    }
    match recorded.keys().next() {
        Some(gone) => Err(format!("{} is in {SUMS} and gone; what was released stays", folder.join(gone).display())),
        None => Ok(files),
    }
}

fn collect(folder: &Path, under: &str, files: &mut BTreeMap<String, Vec<u8>>) -> Result<(), String> {
    let at = folder.join(under);
    let unreadable = |error: std::io::Error| format!("cannot read {}: {error}", at.display());
    for entry in fs::read_dir(&at).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if under.is_empty() { name.clone() } else { format!("{under}/{name}") };
        if entry.path().is_dir() {
            collect(folder, &path, files)?;
        } else if !(under.is_empty() && FREE.contains(&name.as_str())) {
            files.insert(path, fs::read(entry.path()).map_err(unreadable)?);
        }
    }
    Ok(())
}
