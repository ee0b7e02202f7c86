//! A scanner for JSON (RFC 8259) that accepts or refuses, and a lexer for its string tokens.

use std::borrow::Cow;

/// A member name under which one popular parser smuggles exact numbers; nobody else has a use for it.
const RESERVED_NAME: &str = "$serde_json::private::Number";

/// Whether member names are compared.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Names {
    /// No object may have a name twice. That costs a list of the names of each object, sorted.
    Unique,
    /// They are not looked at.
    Any,
}

/// Whether a text is one JSON object or array within the depth, in which no member name occurs twice.
pub(super) fn is_strict(text: &str, depth: usize) -> bool {
    let mut scanner = Scanner { bytes: text.as_bytes(), text, at: 0, names: Names::Unique };
    scanner.white();
    matches!(scanner.peek(), Some(b'{' | b'[')) && scanner.value(depth).is_some() && scanner.ends()
}

/// Visits the members of the object that a text is: the name unescaped, the value as its text. `None` where the text is no JSON
/// object within the depth, or where the visitor returned it.
pub(super) fn each_member<'t>(
    text: &'t str,
    depth: usize,
    names: Names,
    visit: impl FnMut(Cow<'t, str>, &'t str) -> Option<()>,
) -> Option<()> {
    let mut scanner = Scanner { bytes: text.as_bytes(), text, at: 0, names };
    scanner.white();
    scanner.object(depth.checked_sub(1)?, visit)?;
    scanner.ends().then_some(())
}

/// Finds the end of a string token: `at` is the byte after the opening quote; gives that of the closing one.
pub(super) fn string_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += bytes.get(at..)?.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
        if bytes.get(at)? == &b'"' {
            return Some(at);
        }
        at += 2;
    }
}

/// What the inside of a string token says; `None` where it is malformed (RFC 8259 7, and lone surrogates).
pub(super) fn unescape(inside: &str) -> Option<Cow<'_, str>> {
    if inside.bytes().all(|byte| byte >= b' ' && byte != b'\\') {
        return Some(Cow::Borrowed(inside));
    }
    let mut result = String::with_capacity(inside.len());
    let mut chars = inside.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => result.push(match chars.next()? {
                c @ ('"' | '\\' | '/') => c,
                'b' => '\u{8}',
                'f' => '\u{c}',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'u' => {
                    let first = hex4(&mut chars)?;
                    if (0xd800..0xdc00).contains(&first) {
                        if (chars.next()?, chars.next()?) != ('\\', 'u') {
                            return None;
                        }
                        let second = hex4(&mut chars)?.checked_sub(0xdc00).filter(|second| *second < 0x400)?;
                        char::from_u32(0x10000 + ((first - 0xd800) << 10) + second)?
                    } else {
                        char::from_u32(first)?
                    }
                }
                _ => return None,
            }),
            c if c < ' ' => return None,
            c => result.push(c),
        }
    }
    Some(Cow::Owned(result))
}

/// Whether one object can have members of all these names.
fn are_members(mut names: Vec<Cow<'_, str>>) -> bool {
    names.sort_unstable();
    names.iter().all(|name| name != RESERVED_NAME) && names.is_sorted_by(|name, next| name < next)
}

fn hex4(chars: &mut std::str::Chars<'_>) -> Option<u32> {
    let mut value = 0;
    for _ in 0..4 {
        value = value * 16 + chars.next()?.to_digit(16)?;
    }
    Some(value)
}

struct Scanner<'t> {
    bytes: &'t [u8],
    text: &'t str,
    at: usize,
    names: Names,
}

impl<'t> Scanner<'t> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn white(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Whether nothing but white space is left.
    fn ends(&mut self) -> bool {
        self.white();
        self.at == self.bytes.len()
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn word(&mut self, word: &str) -> Option<()> {
        let end = self.at.checked_add(word.len())?;
        (self.bytes.get(self.at..end)? == word.as_bytes()).then(|| self.at = end)
    }

    /// `depth`: levels that may still be opened. Recursion is bounded by it.
    fn value(&mut self, depth: usize) -> Option<()> {
        match self.peek()? {
            b'{' => self.object(depth.checked_sub(1)?, |_, _| Some(())),
            b'[' => self.array(depth.checked_sub(1)?),
            b'"' => self.string().map(drop),
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            _ => self.number(),
        }
    }

    /// `visit` is called with each member's name and the text of its value.
    fn object(&mut self, depth: usize, mut visit: impl FnMut(Cow<'t, str>, &'t str) -> Option<()>) -> Option<()> {
        let mut names = Vec::new();
        self.take(b'{')?;
        self.white();
        if self.take(b'}').is_some() {
            return Some(());
        }
        loop {
            self.white();
            let name = self.string()?;
            self.white();
            self.take(b':')?;
            self.white();
            let start = self.at;
            self.value(depth)?;
            if self.names == Names::Unique {
                names.push(name.clone());
            }
            visit(name, self.text.get(start..self.at)?)?;
            self.white();
            if self.take(b',').is_none() {
                self.take(b'}')?;
                return are_members(names).then_some(());
            }
        }
    }

    fn array(&mut self, depth: usize) -> Option<()> {
        self.take(b'[')?;
        self.white();
        if self.take(b']').is_some() {
            return Some(());
        }
        loop {
            self.white();
            self.value(depth)?;
            self.white();
            if self.take(b',').is_none() {
                return self.take(b']');
            }
        }
    }

    fn string(&mut self) -> Option<Cow<'t, str>> {
        self.take(b'"')?;
        let end = string_end(self.bytes, self.at)?;
        let inside = self.text.get(self.at..end)?;
        self.at = end + 1;
        unescape(inside)
    }

    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }

    fn number(&mut self) -> Option<()> {
        let _ = self.take(b'-');
        if self.take(b'0').is_none() {
            self.digits()?;
        }
        if self.take(b'.').is_some() {
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Some(())
    }
}
