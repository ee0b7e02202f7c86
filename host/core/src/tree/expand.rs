//! `${NAME}` in values, replaced from the environment after the file was parsed, so that a value can never become syntax.

use super::{Node, Value, path_text};
use crate::problem::{Problem, Problems};
use crate::text::shown;

/// Replaces `${NAME}` in every value (names stay as they are) by what `lookup` knows; `$${` stands for `${` itself.
/// Unset and empty ones are reported by name, never with a value. What was put in is not looked at again.
pub fn expand(node: &mut Node, lookup: &dyn Fn(&str) -> Option<String>, problems: &mut Problems) {
    descend(node, &mut Vec::new(), lookup, problems);
}

fn descend(node: &mut Node, path: &mut Vec<String>, lookup: &dyn Fn(&str) -> Option<String>, problems: &mut Problems) {
    match &mut node.value {
        Value::Sequence(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                path.push(format!("[{index}]"));
                descend(item, path, lookup, problems);
                path.pop();
            }
        }
        Value::Mapping(entries) => {
            for (key, item) in entries {
                path.push(key.text.clone());
                descend(item, path, lookup, problems);
                path.pop();
            }
        }
        Value::Scalar { text, written, .. } => match replaced(text, lookup) {
            Ok(None) => {}
            Ok(Some(new)) => *written = Some(std::mem::replace(text, new)),
            Err((problem, remedy)) => {
                let (line, column) = (Some(node.position.line), Some(node.position.column));
                problems.push(Problem { line, column, path: path_text(path), setting: None, problem, remedy });
                node.value = Value::Reported;
            }
        },
        Value::Null | Value::Reported => {}
    }
}

/// `None` where nothing was to be replaced.
fn replaced(text: &str, lookup: &dyn Fn(&str) -> Option<String>) -> Result<Option<String>, (String, String)> {
    if !text.contains("${") {
        return Ok(None);
    }
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        if let Some(before) = before.strip_suffix('$') {
            result.push_str(before);
            result.push_str("${");
            rest = after;
            continue;
        }
        result.push_str(before);
        let Some((name, after)) = after.split_once('}') else {
            return Err((
                "has a `${` without its `}`".to_owned(),
                "write `${NAME}`, or `$${` for the two characters".to_owned(),
            ));
        };
        if !is_name(name) {
            let problem = format!("names `{}`, which is no name of an environment variable", shown(name));
            return Err((
                problem,
                "write `${NAME}` with letters, digits and `_`, or `$${` for the two characters".to_owned(),
            ));
        }
        match lookup(name) {
            Some(value) if !value.is_empty() => result.push_str(&value),
            Some(_) => {
                return Err((
                    format!("takes the environment variable {name}, which is empty"),
                    format!("give {name} a value"),
                ));
            }
            None => {
                return Err((
                    format!("takes the environment variable {name}, which is not set"),
                    format!("set {name}"),
                ));
            }
        }
        rest = after;
    }
    result.push_str(rest);
    Ok(Some(result))
}

/// POSIX (Base Definitions 8.1), lower case allowed.
fn is_name(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
