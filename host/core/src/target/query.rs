//! Names of a query's parameters, as every server reads them that could stand behind.
//!
//! Servers agree on little here: PHP folds `.`, a space and `[` to `_`, strips leading spaces and cuts at NUL; Rails and
//! qs (Node) strip brackets; some compare without letter case; some decode twice. A name counts where *any* of these
//! readings matches, since it is only ever used to refuse.
//!
//! One pass over the query, nothing kept per name: a query of nothing but `&` costs no more than any other.

use super::decode::decode;

/// How often a name is decoded: as the query came, and twice more for servers in a row that each decode it.
const DECODINGS: usize = 3;

/// Names that are looked for in queries, folded once.
///
/// A name is folded as header names are ([`crate::header::fold`]): every character that is no ASCII letter or digit counts
/// as `-`, and letters as lower case, those too that only Unicode takes for ASCII ones (`K`, `ſ`, full-width forms).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueryNames {
    /// Sorted by the fold, each fold once; beside it the name as it was written.
    names: Vec<(String, String)>,
    /// The shortest fold, in bytes: nothing shorter can match, since no reading is longer than what was sent.
    shortest: usize,
    /// The longest fold, in bytes.
    longest: usize,
}

impl QueryNames {
    /// These names. Of two that fold to the same the first one is kept.
    pub fn of<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> Self {
        let folded = |name: &str| {
            let mut fold = String::new();
            fold_into(name.as_bytes(), &mut fold);
            fold
        };
        let mut names: Vec<(String, String)> =
            names.into_iter().map(|name| (folded(name.as_ref()), name.as_ref().to_owned())).collect();
        names.sort_by(|a, b| a.0.cmp(&b.0));
        names.dedup_by(|later, first| later.0 == first.0);
        let shortest = names.iter().map(|(fold, _)| fold.len()).min().unwrap_or(usize::MAX);
        let longest = names.iter().map(|(fold, _)| fold.len()).max().unwrap_or_default();
        Self { names, shortest, longest }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The names as they were written, in the order of their folds.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|(_, name)| name.as_str())
    }

    fn find(&self, fold: &str) -> Option<&str> {
        let at = self.names.binary_search_by(|(known, _)| known.as_str().cmp(fold)).ok()?;
        self.names.get(at).map(|(_, name)| name.as_str())
    }
}

/// What is reused from one parameter to the next.
#[derive(Default)]
pub(super) struct Reader {
    decoded: Vec<u8>,
    again: Vec<u8>,
    fold: String,
}

impl Reader {
    /// The name among `wanted` that some server reads in `raw`, which is what stands before `=`.
    pub(super) fn name<'w>(&mut self, raw: &str, wanted: &'w QueryNames) -> Option<&'w str> {
        if raw.len() < wanted.shortest {
            return None;
        }
        let spaced = raw.bytes().map(|byte| if byte == b'+' { b' ' } else { byte });
        decode(spaced, &mut self.decoded);
        for _ in 1..DECODINGS {
            if let Some(found) = find_reading(&self.decoded, &mut self.fold, wanted) {
                return Some(found);
            }
            if !decode(self.decoded.iter().copied(), &mut self.again) {
                return None;
            }
            std::mem::swap(&mut self.decoded, &mut self.again);
        }
        find_reading(&self.decoded, &mut self.fold, wanted)
    }
}

/// Whole, without blanks around it, cut at NUL (PHP), and as the first part of a name with brackets (PHP, Rails, qs), which may have junk before it.
fn find_reading<'w>(name: &[u8], fold: &mut String, wanted: &'w QueryNames) -> Option<&'w str> {
    let cut = name.split(|byte| *byte == 0).find(|part| !part.is_empty()).unwrap_or_default();
    let junk = |byte: &u8| is_blank(*byte) || matches!(byte, b'[' | b']' | b'?');
    let start = cut.iter().position(|byte| !junk(byte)).unwrap_or(cut.len());
    let inner = cut.get(start..).unwrap_or_default();
    let first = inner.split(|byte| matches!(byte, b'[' | b']')).next().unwrap_or_default();
    [name, trim(name), trim(cut), trim(first)].into_iter().find_map(|reading| {
        // A character is at most four bytes, and one byte of a fold.
        if reading.len() < wanted.shortest || reading.len() / 4 > wanted.longest {
            return None;
        }
        fold_into(reading, fold);
        wanted.find(fold)
    })
}

fn is_blank(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte.is_ascii_control()
}

fn trim(mut name: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = name
        && is_blank(*first)
    {
        name = rest;
    }
    while let [rest @ .., last] = name
        && is_blank(*last)
    {
        name = rest;
    }
    name
}

fn fold_into(name: &[u8], fold: &mut String) {
    fold.clear();
    if name.is_ascii() {
        fold.extend(name.iter().map(|byte| char::from(crate::header::fold_byte(*byte))));
    } else {
        fold.extend(String::from_utf8_lossy(name).chars().map(fold_char));
    }
}

/// Unicode's case mapping makes ASCII letters of two characters that are none; compatibility forms do so for the
/// full-width ones.
fn fold_char(c: char) -> char {
    let ascii = match c {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        '\u{ff01}'..='\u{ff5e}' => u32::from(c).checked_sub(0xfee0).and_then(char::from_u32).unwrap_or('-'),
        _ => c,
    };
    u8::try_from(ascii).ok().filter(u8::is_ascii).map_or('-', |byte| char::from(crate::header::fold_byte(byte)))
}
