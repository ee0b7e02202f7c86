//! Typed readers: each takes a node for what it should be, or reports what is wrong with it and what would be right.
//!
//! A message quotes what stands in the file, so readers of secrets use [`At::secret`], which quotes nothing.

use super::plain::{self, Plain};
use super::{Node, Position, Value, Walker, duration};
use crate::problem::{Problem, Problems};
use crate::text::{one_of, shown};
use std::time::Duration;

/// A node and where it stands.
#[derive(Debug, Clone)]
pub struct At<'n> {
    node: &'n Node,
    /// Of the name where there is one, else of the value: the line that a person looks for.
    position: Position,
    path: String,
    setting: Option<String>,
}

impl<'n> At<'n> {
    /// The top of a file, or of a part of one whose place is `path`.
    #[must_use]
    pub fn new(node: &'n Node, path: impl Into<String>) -> Self {
        Self { node, position: node.position, path: path.into(), setting: None }
    }

    pub(crate) fn below(parent: &str, name: &str, position: Position, node: &'n Node) -> Self {
        let path = if parent.is_empty() { name.to_owned() } else { format!("{parent}.{name}") };
        Self { node, position, path, setting: None }
    }

    /// Problems with it name this setting.
    #[must_use]
    pub fn of_setting(mut self, name: &str) -> Self {
        self.setting = Some(name.to_owned());
        self
    }

    /// Where it stands.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position
    }

    /// Names from the top of the file.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The node itself.
    #[must_use]
    pub fn node(&self) -> &'n Node {
        self.node
    }

    /// Whether its value came from the environment at least in part, and is not to be shown.
    #[must_use]
    pub fn is_expanded(&self) -> bool {
        matches!(self.node.value, Value::Scalar { written: Some(_), .. })
    }

    /// The value as it may stand in a message: as it was written, short.
    #[must_use]
    pub fn shown(&self) -> String {
        match &self.node.value {
            Value::Scalar { text, written, .. } => shown(written.as_ref().unwrap_or(text)),
            _ => String::new(),
        }
    }

    /// Reports a problem here.
    pub fn report(&self, problems: &mut Problems, problem: impl Into<String>, remedy: impl Into<String>) {
        if self.node.value == Value::Reported {
            return;
        }
        problems.push(Problem {
            line: Some(self.position.line),
            column: Some(self.position.column),
            path: self.path.clone(),
            setting: self.setting.clone(),
            problem: problem.into(),
            remedy: remedy.into(),
        });
    }

    /// Reports that the node is of another kind than the one wanted.
    fn mismatch(&self, problems: &mut Problems, wanted: &str, remedy: &str) {
        let is = match &self.node.value {
            Value::Null => {
                let remedy = "write a value, or leave the line out";
                return self.report(problems, format!("is empty, and should be {wanted}"), remedy);
            }
            Value::Sequence(_) => "a list",
            Value::Mapping(_) => "a mapping",
            Value::Scalar { quoted: true, .. } => "a text",
            Value::Scalar { text, written: None, .. } => match plain::kind(text) {
                Plain::Flag => "`true` or `false`",
                Plain::Null => "nothing",
                Plain::Number => "a number",
                Plain::Text => "a text",
            },
            Value::Scalar { .. } | Value::Reported => "a text",
        };
        self.report(problems, format!("is {is}, and should be {wanted}"), remedy);
    }

    /// A text. A plain scalar that YAML would read as something else is refused, since `no` is not "no".
    pub fn text(&self, problems: &mut Problems) -> Option<String> {
        let text = self.any_text(problems, true)?;
        if text.trim().is_empty() {
            self.report(problems, "is blank", "write a value, or leave the line out");
            return None;
        }
        Some(text)
    }

    /// A text that may be blank.
    pub fn text_or_blank(&self, problems: &mut Problems) -> Option<String> {
        self.any_text(problems, true)
    }

    /// A text that no message quotes.
    pub fn secret(&self, problems: &mut Problems) -> Option<String> {
        self.any_text(problems, false)
    }

    fn any_text(&self, problems: &mut Problems, quote: bool) -> Option<String> {
        let Value::Scalar { text, quoted, written } = &self.node.value else {
            self.mismatch(problems, "a text", "write one text");
            return None;
        };
        let guessed = plain::kind(text);
        if !quoted && written.is_none() && guessed != Plain::Text {
            let is = match guessed {
                Plain::Flag => "a flag to YAML",
                Plain::Null => "null to YAML",
                Plain::Number | Plain::Text => "a number to YAML",
            };
            let (it, remedy) = if quote {
                (
                    format!("`{}` is {is}, and a text is wanted", shown(text)),
                    format!("write it in quotes: \"{}\"", shown(text)),
                )
            } else {
                (format!("is {is}, and a text is wanted"), "write it in quotes".to_owned())
            };
            self.report(problems, it, remedy);
            return None;
        }
        // A secret may be a PEM text, and so have lines.
        let bad = |c: char| c.is_control() && (quote || !matches!(c, '\n' | '\r' | '\t'));
        if text.chars().any(bad) {
            self.report(problems, "holds a control character", "write it without; look for a line break or a tab");
            return None;
        }
        Some(text.clone())
    }

    /// `true` or `false`, and nothing that somebody else would take for one of them.
    pub fn flag(&self, problems: &mut Problems) -> Option<bool> {
        if let Value::Scalar { text, quoted, written } = &self.node.value
            && (!quoted || written.is_some())
        {
            match text.as_str() {
                "true" => return Some(true),
                "false" => return Some(false),
                _ => {}
            }
            let meant = match text.to_ascii_lowercase().as_str() {
                "yes" | "on" | "true" => Some("true"),
                "no" | "off" | "false" => Some("false"),
                _ => None,
            };
            if let Some(meant) = meant {
                let remedy = format!("write {meant}");
                self.report(problems, format!("is `{}`, and should be `true` or `false`", self.shown()), remedy);
                return None;
            }
        }
        self.mismatch(problems, "`true` or `false`", "write true or false, without quotes");
        None
    }

    /// A whole number in decimal digits.
    pub fn whole(&self, problems: &mut Problems) -> Option<i64> {
        if let Value::Scalar { text, quoted, written } = &self.node.value
            && (!quoted || written.is_some())
        {
            if let Ok(number) = text.parse::<i64>() {
                return Some(number);
            }
            if plain::kind(text) == Plain::Number {
                let problem = format!("is `{}`, and should be a whole number", self.shown());
                self.report(problems, problem, "write decimal digits alone");
                return None;
            }
        }
        self.mismatch(problems, "a whole number", "write decimal digits, without quotes");
        None
    }

    /// `300ms`, `5s`, `2m`, `1h`; at least 1 ms, at most one hour.
    pub fn duration(&self, problems: &mut Problems) -> Option<Duration> {
        let Value::Scalar { text, .. } = &self.node.value else {
            self.mismatch(problems, "a duration", "write it like 5s, 300ms or 2m");
            return None;
        };
        let Some(duration) = duration::parse(text) else {
            let bare =
                !text.is_empty() && text.len() < 10 && text.chars().all(|c| c.is_ascii_digit()) && !self.is_expanded();
            let (problem, remedy) = if bare && text.chars().all(|c| c == '0') {
                ("is zero".to_owned(), "write how long to wait, like 5s".to_owned())
            } else if bare {
                (format!("is `{text}`, a duration without a unit"), format!("write {text}s"))
            } else {
                (format!("is `{}`, and should be a duration", self.shown()), "write it like 5s, 300ms or 2m".to_owned())
            };
            self.report(problems, problem, remedy);
            return None;
        };
        if duration > Duration::from_secs(3600) {
            self.report(problems, "is longer than an hour", "write 1h or less");
            return None;
        }
        Some(duration)
    }

    /// One of some words.
    pub fn choice(&self, choices: &[&'static str], problems: &mut Problems) -> Option<&'static str> {
        let text = self.text(problems)?;
        let found = choices.iter().copied().find(|choice| *choice == text);
        if found.is_none() {
            let problem = format!("is `{}`", self.shown());
            self.report(problems, problem, format!("write {}", one_of(choices.iter().copied())));
        }
        found
    }

    /// A list.
    pub fn sequence(&self, problems: &mut Problems) -> Option<Vec<At<'n>>> {
        let Value::Sequence(items) = &self.node.value else {
            let remedy = match &self.node.value {
                Value::Scalar { .. } => format!("write [{}]", self.shown()),
                _ => "write a list: [one, two]".to_owned(),
            };
            self.mismatch(problems, "a list", &remedy);
            return None;
        };
        let at = |(index, node): (usize, &'n Node)| {
            let path = format!("{}[{index}]", self.path);
            At { node, position: node.position, path, setting: self.setting.clone() }
        };
        Some(items.iter().enumerate().map(at).collect())
    }

    /// A list of texts.
    pub fn texts(&self, problems: &mut Problems) -> Option<Vec<String>> {
        let items = self.sequence(problems)?;
        let texts: Vec<Option<String>> = items.iter().map(|item| item.text(problems)).collect();
        texts.into_iter().collect()
    }

    /// One text, or a list of them with at least one member.
    pub fn text_or_texts(&self, problems: &mut Problems) -> Option<Vec<String>> {
        match &self.node.value {
            Value::Sequence(items) if items.is_empty() => {
                self.report(problems, "is an empty list", "write at least one, or leave the line out");
                None
            }
            Value::Sequence(_) => self.texts(problems),
            Value::Mapping(_) => {
                self.mismatch(problems, "a text or a list of texts", "write one text, or [one, two]");
                None
            }
            _ => Some(vec![self.text(problems)?]),
        }
    }

    /// Names and texts.
    pub fn pairs(&self, problems: &mut Problems) -> Option<Vec<(String, String)>> {
        let entries = self.entries(problems)?;
        let pairs = entries.into_iter().map(|(name, at)| at.text_or_blank(problems).map(|text| (name, text)));
        let pairs: Vec<Option<(String, String)>> = pairs.collect();
        pairs.into_iter().collect()
    }

    /// A mapping with names of the operator's own.
    pub fn entries(&self, problems: &mut Problems) -> Option<Vec<(String, At<'n>)>> {
        let Value::Mapping(entries) = &self.node.value else {
            self.mismatch(problems, "a mapping", "write `name: value` lines beneath it");
            return None;
        };
        let entry = |(key, node): &'n (super::Key, Node)| {
            let mut at = At::below(&self.path, &key.text, key.position, node);
            at.setting.clone_from(&self.setting);
            (key.text.clone(), at)
        };
        Some(entries.iter().map(entry).collect())
    }

    /// A mapping with names that are known beforehand: these.
    pub fn mapping<N: Into<&'static str>>(
        &self,
        known: impl IntoIterator<Item = N>,
        problems: &mut Problems,
    ) -> Option<Walker<'n>> {
        let entries = self.entries(problems)?;
        Some(Walker::new(self.clone(), entries, known.into_iter().map(Into::into).collect()))
    }
}
