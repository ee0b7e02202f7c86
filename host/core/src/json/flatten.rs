//! A JSON text as a table of attributes, for people who choose the one that holds the username.

use serde_json::Value;

/// The longest table, in rows: it is for reading.
const ROWS_MAX: usize = 500;

/// Rows of path and text: member names joined with dots; a list of plain values joined with commas, other lists by index.
/// Empty for a text that is no JSON.
#[must_use]
pub fn flatten(json: &str) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    if let Ok(value) = serde_json::from_str(json) {
        descend(&value, String::new(), &mut rows);
    }
    rows
}

/// Recursion is bounded: the parser stops at 128 levels.
fn descend(value: &Value, path: String, rows: &mut Vec<(String, String)>) {
    if rows.len() >= ROWS_MAX {
        return;
    }
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (name, member) in members {
                descend(member, below(name), rows);
            }
        }
        Value::Array(items) if items.iter().any(|item| item.is_object() || item.is_array()) => {
            for (index, item) in items.iter().enumerate() {
                descend(item, below(&index.to_string()), rows);
            }
        }
        Value::Array(items) => rows.push((path, items.iter().map(plain).collect::<Vec<_>>().join(", "))),
        plain_value => rows.push((path, plain(plain_value))),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
