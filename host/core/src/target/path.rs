//! Examines a path: refuses what servers read differently, and notes what a route may allow.
//!
//! It must never let a dot segment through in any spelling: everything that some server takes for a separator (`%2f`,
//! `%5c`, `;`) ends a segment here too.

use super::{Oddity, TargetError};

/// What is known of a path that was not refused.
pub(super) struct Examined {
    /// As the most lenient server reads it; `None`: as it is written.
    pub(super) reading: Option<String>,
    pub(super) oddities: Vec<Oddity>,
}

/// A byte of the path as it was written.
enum Piece {
    Raw(u8),
    Escaped(u8),
}

pub(super) fn examine(path: &str) -> Result<Examined, TargetError> {
    let mut walk = Walk { reading: Vec::with_capacity(path.len()), ..Walk::default() };
    let mut rest = path.as_bytes();
    while let Some((piece, tail)) = next_piece(rest)? {
        walk.step(&piece, tail)?;
        rest = tail;
    }
    walk.end_segment()?;
    let Walk { reading, parameters, oddities, .. } = walk;
    String::from_utf8(parameters).map_err(|_| TargetError::Utf8)?;
    let reading = String::from_utf8(reading).map_err(|_| TargetError::Utf8)?;
    Ok(Examined { reading: (reading != path).then_some(reading), oddities })
}

fn next_piece(bytes: &[u8]) -> Result<Option<(Piece, &[u8])>, TargetError> {
    match bytes {
        [] => Ok(None),
        [b'%', high, low, tail @ ..] => {
            let (high, low) = hex(*high).zip(hex(*low)).ok_or(TargetError::Escape)?;
            Ok(Some((Piece::Escaped(high << 4 | low), tail)))
        }
        [b'%', ..] => Err(TargetError::Escape),
        [byte, tail @ ..] => Ok(Some((Piece::Raw(*byte), tail))),
    }
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[derive(Default)]
struct Walk {
    /// Escapes decoded, slashes merged, parameters cut off, backslashes as slashes.
    reading: Vec<u8>,
    /// Where the current segment begins in `reading`.
    segment: usize,
    /// After a `;`, until the next slash.
    in_parameters: bool,
    /// What was cut off, decoded, to be checked all the same.
    parameters: Vec<u8>,
    oddities: Vec<Oddity>,
}

impl Walk {
    fn step(&mut self, piece: &Piece, tail: &[u8]) -> Result<(), TargetError> {
        match *piece {
            Piece::Raw(b'/') => {
                if tail.first() == Some(&b'/') {
                    self.note(Oddity::DoubleSlash);
                }
                self.separator()
            }
            Piece::Raw(b'\\') => Err(TargetError::Backslash),
            Piece::Raw(b';') => {
                self.note(Oddity::Semicolon);
                self.in_parameters = true;
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
                }
                self.push(b'%');
                Ok(())
            }
            Piece::Escaped(0..=0x1f | 0x7f) => Err(TargetError::Control),
            // `~` is unreserved too, but RFC 2396 and with it older clients (`%7Ejdoe`) encode it. Matching decodes it.
            Piece::Escaped(byte) if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_') => {
                Err(TargetError::NeedlessEscape)
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
