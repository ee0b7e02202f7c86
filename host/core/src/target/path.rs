//! Examines a path: refuses what servers read differently, and notes what a route may allow.
//!
//! It must never let a dot segment through in any spelling: everything that some server takes for a separator (`%2f`,
//! `%5c`, `;`) ends a segment here too, also where only a server that decodes once more finds it.

use super::decode::{decode, hex};
use super::{Oddity, TargetError};

/// How often a path is decoded until nothing is left to decode. Deeper ones are refused: each decoding is a pass over the
/// whole path.
pub(super) const DECODINGS_MAX: usize = 4;

/// What is known of a path that was not refused.
pub(super) struct Examined {
    /// As the most lenient server reads it that decodes once; `None`: as it is written.
    pub(super) reading: Option<String>,
    /// As it is read after each further decoding, and by a server that is passed the decoded path and parses that. Empty
    /// where this makes no difference.
    pub(super) further: Vec<String>,
    pub(super) oddities: Vec<Oddity>,
}

/// A byte of the path as it was written.
enum Piece {
    Raw(u8),
    Escaped(u8),
}

pub(super) fn examine(path: &str) -> Result<Examined, TargetError> {
    let mut walk = Walk::of(path.as_bytes(), false)?;
    let oddities = std::mem::take(&mut walk.oddities);
    let again = walk.again;
    let reading = walk.into_reading()?;
    let mut further = Vec::new();
    if again {
        let mut text = path.as_bytes().to_vec();
        let mut decoded = Vec::with_capacity(text.len());
        while decode(text.iter().copied(), &mut decoded) {
            if further.len() == DECODINGS_MAX {
                return Err(TargetError::Depth);
            }
            std::mem::swap(&mut text, &mut decoded);
            further.push(Walk::of(&text, true)?.into_reading()?);
        }
    }
    Ok(Examined { reading: (reading != path).then_some(reading), further, oddities })
}

fn next_piece(bytes: &[u8], decoded: bool) -> Result<Option<(Piece, &[u8])>, TargetError> {
    match bytes {
        [] => Ok(None),
        [b'%', high, low, tail @ ..] => match hex(*high).zip(hex(*low)) {
            Some((high, low)) => Ok(Some((Piece::Escaped(high << 4 | low), tail))),
            None if decoded => Ok(bytes.split_first().map(|(byte, tail)| (Piece::Raw(*byte), tail))),
            None => Err(TargetError::Escape),
        },
        [b'%', ..] if !decoded => Err(TargetError::Escape),
        [byte, tail @ ..] => Ok(Some((Piece::Raw(*byte), tail))),
    }
}

#[derive(Default)]
struct Walk {
    /// The text was decoded before: what it holds beside separators is no longer held to RFC 3986.
    decoded: bool,
    /// Escapes decoded, slashes merged, parameters cut off, backslashes as slashes.
    reading: Vec<u8>,
    /// Where the current segment begins in `reading`.
    segment: usize,
    /// Where the path ended for a server that takes the decoded `?` or `#` for the end of it.
    end: Option<usize>,
    /// After a `;`, until the next slash.
    in_parameters: bool,
    /// What was cut off, decoded, to be checked all the same.
    parameters: Vec<u8>,
    oddities: Vec<Oddity>,
    /// Whether a server that parses the decoded path finds another one.
    again: bool,
}

impl Walk {
    fn of(path: &[u8], decoded: bool) -> Result<Self, TargetError> {
        let mut walk = Self { decoded, reading: Vec::with_capacity(path.len()), ..Self::default() };
        let mut rest = path;
        while let Some((piece, tail)) = next_piece(rest, decoded)? {
            walk.step(&piece, tail)?;
            rest = tail;
        }
        walk.end_segment()?;
        Ok(walk)
    }

    fn into_reading(mut self) -> Result<String, TargetError> {
        String::from_utf8(self.parameters).map_err(|_| TargetError::Utf8)?;
        // The whole is checked, also beyond the end: a boundary there is one between characters.
        if let Some(end) = self.end {
            let beyond = self.reading.split_off(end.min(self.reading.len()));
            String::from_utf8(beyond).map_err(|_| TargetError::Utf8)?;
        }
        String::from_utf8(self.reading).map_err(|_| TargetError::Utf8)
    }

    fn step(&mut self, piece: &Piece, tail: &[u8]) -> Result<(), TargetError> {
        match *piece {
            Piece::Raw(b'/') => {
                if tail.first() == Some(&b'/') {
                    self.note(Oddity::DoubleSlash);
                }
                self.separator()
            }
            Piece::Raw(b'\\') if self.decoded => self.separator(),
            Piece::Raw(b'\\') => Err(TargetError::Backslash),
            Piece::Raw(b';') => {
                self.note(Oddity::Semicolon);
                self.in_parameters = true;
                Ok(())
            }
            Piece::Raw(b'?' | b'#') if self.decoded => {
                self.end_segment()?;
                self.end.get_or_insert(self.reading.len());
                self.push(b'?');
                Ok(())
            }
            Piece::Escaped(b'/') => {
                self.note(Oddity::EncodedSlash);
                self.separator()
            }
            Piece::Escaped(b'\\') => {
                self.note(Oddity::EncodedBackslash);
                self.separator()
            }
            Piece::Escaped(b'%') => {
                if let [high, low, ..] = tail
                    && hex(*high).and(hex(*low)).is_some()
                {
                    self.note(Oddity::EncodedPercent);
                    self.again = true;
                }
                self.push(b'%');
                Ok(())
            }
            Piece::Raw(0..=0x1f | 0x7f) | Piece::Escaped(0..=0x1f | 0x7f) => Err(TargetError::Control),
            // `~` is unreserved too, but RFC 2396 and with it older clients (`%7Ejdoe`) encode it. Matching decodes it.
            Piece::Escaped(byte)
                if !self.decoded && (byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_')) =>
            {
                Err(TargetError::NeedlessEscape)
            }
            Piece::Escaped(byte @ (b';' | b'?' | b'#')) => {
                self.again = true;
                self.push(byte);
                Ok(())
            }
            Piece::Raw(byte) | Piece::Escaped(byte) => {
                self.push(byte);
                Ok(())
            }
        }
    }

    fn push(&mut self, byte: u8) {
        if self.in_parameters {
            self.parameters.push(byte);
        } else {
            self.reading.push(byte);
        }
    }

    fn separator(&mut self) -> Result<(), TargetError> {
        self.end_segment()?;
        self.in_parameters = false;
        if self.reading.last() != Some(&b'/') {
            self.reading.push(b'/');
        }
        self.segment = self.reading.len();
        Ok(())
    }

    fn end_segment(&self) -> Result<(), TargetError> {
        match self.reading.get(self.segment..) {
            Some(b"." | b"..") => Err(TargetError::DotSegment),
            _ => Ok(()),
        }
    }

    fn note(&mut self, oddity: Oddity) {
        if !self.oddities.contains(&oddity) {
            self.oddities.push(oddity);
        }
    }
}
