//! A list of texts in one allocation.
//!
//! Identities are kept by the hundred thousand. Three groups as a `Vec<String>` are four allocations and 24 bytes a text beside
//! what they say; here they are one allocation and a byte each.

/// Texts in their order, packed: before each stands its length in bytes, as one character, so that the whole stays a text and
/// nothing has to be checked when it is read.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct List(Box<str>);

/// No character has these numbers: lengths from here on are moved up by as many.
const GAP_FROM: u32 = 0xD800;
const GAP: u32 = 0x800;

impl List {
    /// Packs. A text beyond a million bytes is left out: an adapter returns no quarter of that.
    pub fn of<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Self {
        let mut packed = String::new();
        for text in texts {
            let text = text.as_ref();
            if let Some(length) = length_to_char(text.len()) {
                packed.push(length);
                packed.push_str(text);
            }
        }
        Self(packed.into_boxed_str())
    }

    /// The texts.
    #[must_use]
    pub fn iter(&self) -> Texts<'_> {
        Texts(&self.0)
    }

    /// What it takes on the heap, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.0.len()
    }
}

impl std::fmt::Debug for List {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<'l> IntoIterator for &'l List {
    type Item = &'l str;
    type IntoIter = Texts<'l>;

    fn into_iter(self) -> Texts<'l> {
        self.iter()
    }
}

/// The texts of a [`List`], one after the other.
#[derive(Debug, Clone)]
pub struct Texts<'l>(&'l str);

impl<'l> Iterator for Texts<'l> {
    type Item = &'l str;

    fn next(&mut self) -> Option<&'l str> {
        let mut rest = self.0.chars();
        let length = char_to_length(rest.next()?);
        let (text, rest) = rest.as_str().split_at_checked(length)?;
        self.0 = rest;
        Some(text)
    }
}

fn length_to_char(length: usize) -> Option<char> {
    let number = u32::try_from(length).ok()?;
    char::from_u32(if number < GAP_FROM { number } else { number.checked_add(GAP)? })
}

fn char_to_length(length: char) -> usize {
    let number = u32::from(length);
    usize::try_from(if number < GAP_FROM { number } else { number - GAP }).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_length_has_its_sign() {
        for length in [0, 1, 127, 128, 0xD7FF, 0xD800, 0xDFFF, 0xE000, 0xFFFF, 0x10000, 256 * 1024, 0x10_F7FF] {
            let text = "x".repeat(length);
            assert_eq!(List::of([text.as_str(), "end"]).iter().collect::<Vec<_>>(), [text.as_str(), "end"], "{length}");
        }
        let long = "x".repeat(0x10_F800);
        assert_eq!(List::of([long.as_str(), "end"]).iter().collect::<Vec<_>>(), ["end"]);
    }

    #[test]
    fn three_groups_take_a_byte_each_beside_what_they_say() {
        assert_eq!(List::of(["/staff", "/docs/writers", "/administrators"]).bytes(), 34 + 3);
    }

    proptest! {
        #[test]
        fn what_is_packed_comes_out(texts in proptest::collection::vec(".{0,40}|\0|\u{10FFFF}", 0..8)) {
            let list = List::of(&texts);
            prop_assert_eq!(list.iter().collect::<Vec<_>>(), texts.iter().map(String::as_str).collect::<Vec<_>>());
        }
    }
}
