//! What is wrong with a configuration, told to the person who wrote it: where, what, and what would be right.
//!
//! Problems are collected, never thrown: an administrator corrects a file once, not once for each mistake. A problem never
//! quotes a secret or a value that came from the environment; whoever makes one sees to that.

use std::fmt::{self, Write as _};

/// Beyond so many problems no remedy is searched for: to compare an unknown name with the known ones takes longer than to read
/// it, and a file can hold tens of thousands of them.
const SEARCHED_MAX: usize = 100;

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Counted from 1; `None`: the file as a whole.
    pub line: Option<usize>,
    /// In characters, counted from 1.
    pub column: Option<usize>,
    /// Names from the top of the file, joined with dots: `providers.staff.settings.realm`. Empty: the file as a whole.
    pub path: String,
    /// The provider's setting that is to blame, where one is.
    pub setting: Option<String>,
    /// What is wrong: "is missing".
    pub problem: String,
    /// What would be right: "write the realm's name as the admin console shows it".
    pub remedy: String,
}

/// Everything that is wrong with one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems {
    file: String,
    list: Vec<Problem>,
}

impl Problems {
    /// None yet, in the file of that name.
    #[must_use]
    pub fn new(file: impl Into<String>) -> Self {
        Self { file: file.into(), list: Vec::new() }
    }

    /// The file's name, as it is shown.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Adds one.
    pub fn push(&mut self, problem: Problem) {
        self.list.push(problem);
    }

    /// Adds one about the file as a whole.
    pub fn push_whole(&mut self, problem: impl Into<String>, remedy: impl Into<String>) {
        let (problem, remedy) = (problem.into(), remedy.into());
        self.list.push(Problem { line: None, column: None, path: String::new(), setting: None, problem, remedy });
    }

    /// Adds all of another collection.
    pub fn append(&mut self, others: &Self) {
        self.list.extend(others.list.iter().cloned());
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether they are few enough that a remedy may be searched for, as [`crate::text::suggestion`] does.
    #[must_use]
    pub fn are_few(&self) -> bool {
        self.list.len() < SEARCHED_MAX
    }

    /// In the order of the file.
    #[must_use]
    pub fn sorted(&self) -> Vec<&Problem> {
        let mut list: Vec<&Problem> = self.list.iter().collect();
        list.sort_by_key(|problem| (problem.line, problem.column));
        list
    }

    /// The value if nothing is wrong, else the problems.
    ///
    /// # Errors
    /// The problems themselves. Also where there is no value and nobody said why, which fails closed.
    pub fn or<T>(mut self, value: Option<T>) -> Result<T, Self> {
        match value {
            Some(value) if self.is_empty() => Ok(value),
            Some(_) => Err(self),
            None => {
                if self.is_empty() {
                    self.push_whole("cannot be read", "compare it with docs/configuration.md");
                }
                Err(self)
            }
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", Printable(&self.path))?;
        }
        write!(f, "{}", Printable(&self.problem))?;
        if !self.remedy.is_empty() {
            write!(f, "; {}", Printable(&self.remedy))?;
        }
        Ok(())
    }
}

/// A text that may repeat a name of the file, safe on a terminal and on one line.
struct Printable<'t>(&'t str);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| f.write_char(if c.is_control() { '\u{fffd}' } else { c }))
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.sorted().into_iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            match problem.line {
                Some(line) => write!(f, "{}:{line}: {problem}", self.file)?,
                None => write!(f, "{}: {problem}", self.file)?,
            }
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(line: usize, path: &str) -> Problem {
        let (problem, remedy) = ("is missing".to_owned(), "write it".to_owned());
        Problem { line: Some(line), column: Some(1), path: path.to_owned(), setting: None, problem, remedy }
    }

    #[test]
    fn is_shown_in_the_order_of_the_file() {
        let mut problems = Problems::new("gate.yaml");
        problems.push(at(12, "b"));
        problems.push(at(3, "a"));
        problems.push_whole("is empty", "write something");
        assert_eq!(
            problems.to_string(),
            "gate.yaml: is empty; write something\ngate.yaml:3: a: is missing; write it\ngate.yaml:12: b: is missing; write it"
        );
    }

    #[test]
    fn no_value_and_no_problem_is_an_error_all_the_same() {
        assert_eq!(Problems::new("f").or(Some(1)), Ok(1));
        assert_eq!(Problems::new("f").or::<u8>(None).unwrap_err().len(), 1);
        let mut problems = Problems::new("f");
        problems.push(at(1, "x"));
        assert!(problems.or(Some(1)).is_err());
    }
}
