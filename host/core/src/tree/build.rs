//! From bytes to a tree, by way of the parser's events.
//!
//! Recursion follows the nesting of the file, so it is bounded by [`DEPTH_MAX`] before it descends.

use super::plain::{self, Plain};
use super::{BYTES_MAX, DEPTH_MAX, Key, Node, Position, Value, path_text};
use crate::problem::{Problem, Problems};
use crate::text::shown;
use serde_yaml::{Event, Marker, Parser, ScalarStyle, Span, StrInput};
use std::collections::HashMap;

/// Reads a file's bytes. Everything that is wrong goes to `problems`; the tree comes back as far as it could be made, so
/// that its content can be judged in the same run. `None`: there is no tree at all.
pub fn parse(bytes: &[u8], problems: &mut Problems) -> Option<Node> {
    if bytes.len() > BYTES_MAX {
        problems.push_whole("is longer than 1 MiB", "is this the right file?");
        return None;
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let before = bytes.get(..error.valid_up_to()).unwrap_or(bytes);
            let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
            let place = Place { position: Position { line, column: 1 }, path: String::new() };
            report(problems, &place, "holds bytes that are not UTF-8", "save the file as UTF-8");
            return None;
        }
    };
    if let Some(at) = text.find(|c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        let line = text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1;
        let place = Place { position: Position { line, column: 1 }, path: String::new() };
        report(problems, &place, "holds a control character", "remove it, or escape it in double quotes");
        return None;
    }
    let mut builder = Builder { parser: Parser::new_from_str(text), problems, path: Vec::new() };
    builder.stream().unwrap_or(None)
}

/// The rest of the file cannot be read; the problem was reported.
struct Stop;

struct Place {
    position: Position,
    path: String,
}

struct Builder<'i, 'p> {
    parser: Parser<'i, StrInput<'i>>,
    problems: &'p mut Problems,
    path: Vec<String>,
}

impl<'i> Builder<'i, '_> {
    fn stream(&mut self) -> Result<Option<Node>, Stop> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => break,
                Event::DocumentStart(_) if root.is_some() => {
                    self.report(span, "holds several documents", "keep one, and remove the `---` between them");
                    break;
                }
                Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing => {}
                event => root = Some(self.node(event, span, 1)?),
            }
        }
        if root.as_ref().is_none_or(|node| node.value == Value::Null) {
            self.problems.push_whole("is empty", "write at least `providers` and `routes`");
            return Ok(None);
        }
        Ok(root)
    }

    fn next(&mut self) -> Result<(Event<'i>, Span), Stop> {
        match self.parser.next_event() {
            Some(Ok(event)) => Ok(event),
            None => Ok((Event::StreamEnd, Span::default())),
            Some(Err(error)) => {
                let place = Place { position: position(error.marker()), path: path_text(&self.path) };
                // The parser's own words, which may quote one character of the file.
                let info: String = error.info().chars().filter(|c| !c.is_control()).take(200).collect();
                let mut problem = format!("is not YAML: {info}");
                if error.info().contains("unknown anchor") {
                    problem = "uses an alias (`*name`)".to_owned();
                }
                report(self.problems, &place, &problem, "look at this line and the one before it");
                Err(Stop)
            }
        }
    }

    fn node(&mut self, event: Event<'i>, span: Span, depth: usize) -> Result<Node, Stop> {
        if depth > DEPTH_MAX {
            self.report(span, &format!("is nested deeper than {DEPTH_MAX} levels"), "write it flatter");
            return Err(Stop);
        }
        let position = position(&span.start);
        let value = match event {
            Event::Alias(_) => {
                self.report(span, "uses an alias (`*name`)", "write the value out where it is needed");
                Value::Reported
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.plainness(span, anchor, tag.is_some());
                let quoted = style != ScalarStyle::Plain;
                if text.is_empty() && !quoted {
                    Value::Null
                } else {
                    Value::Scalar { text: text.into_owned(), quoted, written: None }
                }
            }
            Event::SequenceStart(anchor, tag) => {
                self.plainness(span, anchor, tag.is_some());
                self.sequence(depth)?
            }
            Event::MappingStart(anchor, tag) => {
                self.plainness(span, anchor, tag.is_some());
                self.mapping(depth)?
            }
            _ => {
                self.report(span, "is not YAML", "look at this line and the one before it");
                return Err(Stop);
            }
        };
        Ok(Node { position, value })
    }

    fn sequence(&mut self, depth: usize) -> Result<Value, Stop> {
        let mut items = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::SequenceEnd {
                return Ok(Value::Sequence(items));
            }
            self.path.push(format!("[{}]", items.len()));
            items.push(self.node(event, span, depth + 1)?);
            self.path.pop();
        }
    }

    fn mapping(&mut self, depth: usize) -> Result<Value, Stop> {
        let mut entries: Vec<(Key, Node)> = Vec::new();
        // The line of each name: looking through the entries would be quadratic.
        let mut lines: HashMap<String, usize> = HashMap::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                return Ok(Value::Mapping(entries));
            }
            let key = self.key(event, span, depth)?;
            let first = key.as_ref().and_then(|key| lines.get(&key.text).copied());
            self.path.push(key.as_ref().map_or_else(|| "?".to_owned(), |key| key.text.clone()));
            if let Some(line) = first {
                self.report(span, &format!("is written twice, first in line {line}"), "keep one of the two");
            }
            let (event, span) = self.next()?;
            let node = self.node(event, span, depth + 1)?;
            self.path.pop();
            if let (Some(key), None) = (key, first) {
                lines.insert(key.text.clone(), key.position.line);
                entries.push((key, node));
            }
        }
    }

    /// A key, or `None` where it was none and that was reported.
    fn key(&mut self, event: Event<'i>, span: Span, depth: usize) -> Result<Option<Key>, Stop> {
        let Event::Scalar(text, style, anchor, tag) = event else {
            if !matches!(event, Event::Alias(_)) {
                self.report(span, "has a name that is no text", "write a text before the colon");
            }
            self.node(event, span, depth + 1)?;
            return Ok(None);
        };
        self.plainness(span, anchor, tag.is_some());
        if style == ScalarStyle::Plain {
            if text == "<<" {
                self.report(span, "uses a merge key (`<<`)", "write the values out where they are needed");
                return Ok(None);
            }
            if text.is_empty() || plain::kind(&text) != Plain::Text {
                let problem = format!("has the name `{}`, which is no text", shown(&text));
                self.report(span, &problem, "write it in quotes");
                return Ok(None);
            }
        }
        Ok(Some(Key { position: position(&span.start), text: text.into_owned() }))
    }

    fn plainness(&mut self, span: Span, anchor: usize, tagged: bool) {
        if anchor != 0 {
            self.report(span, "has an anchor (`&name`)", "remove it, and write the value out where it is needed");
        }
        if tagged {
            self.report(span, "has a tag (`!name`)", "remove it; a text that looks like a number goes in quotes");
        }
    }

    fn report(&mut self, span: Span, problem: &str, remedy: &str) {
        let place = Place { position: position(&span.start), path: path_text(&self.path) };
        report(self.problems, &place, problem, remedy);
    }
}

fn report(problems: &mut Problems, place: &Place, problem: &str, remedy: &str) {
    problems.push(Problem {
        line: Some(place.position.line),
        column: Some(place.position.column),
        path: place.path.clone(),
        setting: None,
        problem: problem.to_owned(),
        remedy: remedy.to_owned(),
    });
}

/// The parser counts lines from 1 and columns from 0.
fn position(marker: &Marker) -> Position {
    Position { line: marker.line(), column: marker.col() + 1 }
}
