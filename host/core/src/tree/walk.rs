//! Walking a mapping whose names are known: what nobody took in the end is a mistake of the operator's.
//!
//! The names are told when the walk begins, and no other can be taken: so whoever shows them to people (the schema does)
//! shows what is read.

use super::At;
use crate::problem::Problems;
use crate::text::{shown, suggestion};

/// A mapping that is being read. Call [`Walker::finish`] last: it reports the names that nobody asked for.
#[derive(Debug)]
pub struct Walker<'n> {
    at: At<'n>,
    entries: Vec<(String, At<'n>)>,
    known: Vec<&'static str>,
}

impl<'n> Walker<'n> {
    pub(crate) fn new(at: At<'n>, entries: Vec<(String, At<'n>)>, known: Vec<&'static str>) -> Self {
        Self { at, entries, known }
    }

    /// The mapping itself.
    #[must_use]
    pub fn at(&self) -> &At<'n> {
        &self.at
    }

    /// The value of a name that may be left out. A name that is not among the known ones is never there.
    pub fn take(&mut self, name: &str) -> Option<At<'n>> {
        let index = self.entries.iter().position(|(key, _)| key == name && self.known.contains(&name))?;
        Some(self.entries.remove(index).1)
    }

    /// The value of a name that must be there; `remedy` says what to write.
    pub fn need(&mut self, name: &str, remedy: &str, problems: &mut Problems) -> Option<At<'n>> {
        let value = self.take(name);
        if value.is_none() {
            self.missing(name, remedy, problems);
        }
        value
    }

    /// Reports a name that is not there, at the mapping's own place.
    pub fn missing(&self, name: &str, remedy: &str, problems: &mut Problems) {
        At::below(self.at.path(), name, self.at.position(), self.at.node()).report(problems, "is missing", remedy);
    }

    /// Takes out a name that belongs elsewhere, and says where.
    pub fn misplaced(&mut self, name: &str, remedy: &str, problems: &mut Problems) {
        if let Some(index) = self.entries.iter().position(|(key, _)| key == name) {
            self.entries.remove(index).1.report(problems, "does not belong here", remedy);
        }
    }

    /// Whether a name that nobody took yet is there.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.entries.iter().any(|(key, _)| key == name)
    }

    /// Reports what is left: names that nobody knows.
    pub fn finish(self, problems: &mut Problems) {
        for (name, at) in &self.entries {
            let remedy = match problems.are_few() {
                true => suggestion(name, self.known.iter().copied()),
                false => "remove it".to_owned(),
            };
            at.report(problems, format!("is unknown: nothing is called `{}` here", shown(name)), remedy);
        }
    }
}
