//! What is wrong with a query, told to the person who wrote it.

use std::fmt;

use serde::Serialize;

use crate::limits::PROBLEMS_MAX;

/// One thing that is wrong, or in a list of warnings one thing that will be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct QueryProblem {
    /// JSON pointer (RFC 6901) to the part of the input, `/query` or `/variables/locale`.
    pub path: String,
    /// What is wrong and what to write instead, in one line.
    pub message: String,
    /// Line in the query's text, from 1.
    pub line: Option<usize>,
    /// Column in that line in characters, from 1.
    pub column: Option<usize>,
}

impl QueryProblem {
    /// A problem without a place in a text.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> QueryProblem {
        QueryProblem { path: path.into(), message: message.into(), line: None, column: None }
    }

    /// A problem at a byte offset of `text`.
    pub(crate) fn at(path: &str, message: impl Into<String>, text: &str, offset: usize) -> Self {
        let (line, column) = position(text, offset);
        QueryProblem {
            path: path.to_owned(),
            message: message.into(),
            line: Some(line),
            column: Some(column),
        }
    }
}

impl fmt::Display for QueryProblem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.line, self.column) {
            (Some(line), Some(column)) => {
                write!(formatter, "{}:{line}:{column}: {}", self.path, self.message)
            }
            _ => write!(formatter, "{}: {}", self.path, self.message),
        }
    }
}

/// Line and column, both from 1, of a byte offset. `\n`, `\r\n` and `\r` end a line, as in the
/// GraphQL specification, section 2.1.3.
pub(crate) fn position(text: &str, offset: usize) -> (usize, usize) {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    let before = &text[..offset];
    let mut line = 1;
    let mut line_start = 0;
    let bytes = before.as_bytes();
    for (index, byte) in bytes.iter().enumerate() {
        let ends_line = match byte {
            b'\n' => true,
            b'\r' => text.as_bytes().get(index + 1) != Some(&b'\n'),
            _ => false,
        };
        if ends_line {
            line += 1;
            line_start = index + 1;
        }
    }
    (line, before[line_start..].chars().count() + 1)
}

/// Keeps the first [`PROBLEMS_MAX`], and says how many more there were.
pub(crate) fn bounded(problems: Vec<QueryProblem>) -> Vec<QueryProblem> {
    let count = problems.len();
    first_few(count, problems.into_iter())
}

/// As [`bounded`]; of `count` problems only those are made that are told.
pub(crate) fn first_few(
    count: usize,
    mut problems: impl Iterator<Item = QueryProblem>,
) -> Vec<QueryProblem> {
    if count <= PROBLEMS_MAX {
        return problems.collect();
    }
    let mut few: Vec<QueryProblem> = problems.by_ref().take(PROBLEMS_MAX - 1).collect();
    let path = few.first().map(|problem| problem.path.clone()).unwrap_or_default();
    let message = format!(
        "and {} more: mend these first (problems_max is {PROBLEMS_MAX})",
        count - few.len()
    );
    few.push(QueryProblem::new(path, message));
    few
}

/// A piece of foreign text, short enough for a message and without control characters.
pub(crate) fn excerpt(text: &str) -> String {
    const CHARACTERS_MAX: usize = 60;
    let mut short: String = text
        .chars()
        .take(CHARACTERS_MAX)
        .map(|character| if character.is_control() { ' ' } else { character })
        .collect();
    if text.chars().nth(CHARACTERS_MAX).is_some() {
        short.push('…');
    }
    short
}

/// Adds a step to a JSON pointer (RFC 6901, section 3).
pub(crate) fn pointer(base: &str, step: &str) -> String {
    format!("{base}/{}", step.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, offset: usize, expected: (usize, usize)) {
        assert_eq!(position(text, offset), expected, "{text:?} at {offset}");
    }

    #[test]
    fn a_position_counts_lines_and_characters_from_one() {
        check("", 0, (1, 1));
        check("abc", 2, (1, 3));
        check("a\nbc", 3, (2, 2));
        check("a\r\nbc", 3, (2, 1));
        check("a\rbc", 2, (2, 1));
        check("é\né x", 6, (2, 3));
        check("ab", 99, (1, 3));
    }

    #[test]
    fn a_pointer_escapes_tilde_and_slash() {
        assert_eq!(pointer("/variables", "a/b~c"), "/variables/a~1b~0c");
    }

    #[test]
    fn more_than_problems_max_are_summed_up_in_the_last() {
        let many = (0..30).map(|n| QueryProblem::new("/query", n.to_string())).collect();
        let few = bounded(many);
        assert_eq!(few.len(), PROBLEMS_MAX);
        assert!(few[19].message.contains("and 11 more"), "{}", few[19].message);
        assert!(few[19].message.contains("problems_max"), "{}", few[19].message);
    }
}
