//! What commands print: JSON as the API gave it, or text for people.

use std::io::Write;

use serde_json::Value;

use crate::failure::one_line;

/// Prints a line on stdout. Whoever stopped reading wants no more of it.
pub fn line(text: &str) {
    let mut stdout = std::io::stdout().lock();
    let _closed = writeln!(stdout, "{text}").and_then(|()| stdout.flush());
}

/// Prints a text that may have several lines, each without control characters.
pub fn text(text: &str) {
    for each in text.split('\n') {
        line(&crate::failure::escape_controls(each.trim_end_matches('\r')));
    }
}

/// Prints a line on stderr.
pub fn error(text: &str) {
    let _closed = writeln!(std::io::stderr().lock(), "{text}");
}

/// Prints rows under headings, in columns.
pub fn table(headings: &[&str], rows: &[Vec<String>]) {
    let mut widths: Vec<usize> = headings.iter().map(|heading| heading.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let headings: Vec<String> = headings.iter().map(|heading| heading.to_string()).collect();
    for row in std::iter::once(&headings).chain(rows) {
        let mut text = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            text.push_str(&format!("{cell:<width$}  "));
        }
        line(text.trim_end());
    }
}

/// Prints an object's fields, one a line: name and value.
pub fn fields(object: &Value) {
    let Some(object) = object.as_object() else { return line(&cell(object)) };
    let width = object.keys().map(String::len).max().unwrap_or(0);
    for (name, value) in object {
        line(&format!("{name:<width$}  {}", cell(value)));
    }
}

/// A value in one line for people: texts bare, lists with commas, nothing as `-`.
pub fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) if text.is_empty() => "-".to_owned(),
        Value::String(text) => one_line(text),
        Value::Array(items) if items.is_empty() => "-".to_owned(),
        Value::Array(items) if items.iter().all(|item| !item.is_object()) => {
            items.iter().map(cell).collect::<Vec<_>>().join(", ")
        }
        other => one_line(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_cell_is_one_plain_line() {
        let check = |value: Value, wanted: &str| assert_eq!(cell(&value), wanted);
        check(json!(null), "-");
        check(json!("a\n\u{1b}b"), "a \\u{1b}b");
        check(json!(["a", "b"]), "a, b");
        check(json!([]), "-");
        check(json!({"a": 1}), r#"{"a":1}"#);
        check(json!(3), "3");
    }
}
