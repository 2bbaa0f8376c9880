//! A query's text, read.
//!
//! ```text
//! text ─► bytes ─► tokens and brackets, counted without recursion ─► parser ─► ParsedDocument
//! ```
//!
//! The counting comes first, so that neither ten thousand brackets nor a megabyte of commas reach
//! a parser. Nothing here knows a schema.

use apollo_compiler::ast;
use apollo_compiler::parser::Parser;

use crate::explain::{explain_syntax, offset};
use crate::limits::{NESTING_MAX, QUERY_BYTES_MAX, TOKENS_MAX};
use crate::problem::{QueryProblem, first_few};
use crate::token::{Kind, Tokens};

/// A text that follows the grammar of GraphQL.
#[derive(Clone, Debug)]
pub struct ParsedDocument {
    text: String,
    document: ast::Document,
}

impl ParsedDocument {
    /// The text as it was given.
    pub fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn ast(&self) -> &ast::Document {
        &self.document
    }
}

/// Reads a query's text. `path` is the JSON pointer that problems carry.
///
/// # Errors
/// What is too much (`query_bytes_max`, `tokens_max`, `nesting_max`) or not GraphQL, with line and
/// column.
pub fn parse(path: &str, query: &str) -> Result<ParsedDocument, Vec<QueryProblem>> {
    within_limits(path, query).map_err(|problem| vec![problem])?;
    let mut parser =
        Parser::new().token_limit(QUERY_BYTES_MAX + 1).recursion_limit(NESTING_MAX + 1);
    match parser.parse_ast(query, "query.graphql") {
        Ok(document) => Ok(ParsedDocument { text: query.to_owned(), document }),
        Err(failed) => {
            let problems = failed.errors.iter().map(|diagnostic| {
                let start = offset(&diagnostic).unwrap_or(query.len());
                QueryProblem::at(path, explain_syntax(&diagnostic), query, start)
            });
            Err(first_few(failed.errors.len(), problems))
        }
    }
}

fn within_limits(path: &str, query: &str) -> Result<(), QueryProblem> {
    if query.len() > QUERY_BYTES_MAX {
        let message = format!(
            "the query has {} bytes, query_bytes_max is {QUERY_BYTES_MAX}: ask for less, or split \
             it over several webhooks",
            query.len()
        );
        return Err(QueryProblem::new(path, message));
    }
    let mut count = 0;
    let mut open = 0_usize;
    for token in Tokens::of(query) {
        match (token.kind, token.text) {
            (Kind::Ignored, _) => continue,
            (Kind::Unclosed, _) => {
                let message = "the string that begins here is not closed: end it with the same \
                               quotes, a string in single quotes on its own line";
                return Err(QueryProblem::at(path, message, query, token.start));
            }
            (Kind::Punctuator, "{" | "(" | "[") => open += 1,
            (Kind::Punctuator, "}" | ")" | "]") => open = open.saturating_sub(1),
            _ => {}
        }
        count += 1;
        if count > TOKENS_MAX {
            let message = format!(
                "the query has more than {TOKENS_MAX} tokens, which is tokens_max: ask for less, \
                 or split it over several webhooks"
            );
            return Err(QueryProblem::at(path, message, query, token.start));
        }
        if open > NESTING_MAX {
            let message = format!(
                "more than {NESTING_MAX} brackets are open here, which is nesting_max: nest less \
                 deeply"
            );
            return Err(QueryProblem::at(path, message, query, token.start));
        }
    }
    if count == 0 {
        let message = "the query is empty: write `query ($id: ID!) { … }`";
        return Err(QueryProblem::new(path, message));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn check(query: &str, expected: &str, place: Option<(usize, usize)>) {
        let problems = parse("/query", query).unwrap_err();
        let first = &problems[0];
        assert!(first.message.contains(expected), "{first}");
        assert_eq!(first.line.zip(first.column), place, "{first}");
        assert_eq!(first.path, "/query");
    }

    #[test]
    fn a_text_that_is_not_graphql_is_refused_with_its_place() {
        check("", "the query is empty", None);
        check("  # nothing\n", "the query is empty", None);
        check("{ a", "}", Some((1, 4)));
        check("{\n  a(b: \"c) }", "not closed", Some((2, 8)));
        check("{ a ) }", "expected", Some((1, 5)));
        check("{ a é }", "é", Some((1, 5)));
        check("<html>", "<", Some((1, 1)));
        check("{}", "expected", Some((1, 2)));
    }

    #[test]
    fn a_text_that_is_too_much_is_refused_with_the_limit_named() {
        check(&format!("{{ a{} }}", " ,".repeat(500_000)), "query_bytes_max", None);
        check(&"{".repeat(1_000_000), "query_bytes_max", None);
        check(&"{".repeat(60_000), "nesting_max", Some((1, 65)));
        check(&format!("{{ a(b: {}", "[".repeat(60_000)), "nesting_max", Some((1, 70)));
        check(&format!("query ($a: {}", "[".repeat(60_000)), "nesting_max", Some((1, 75)));
        check(&format!("{{ {}}}", "a ".repeat(10_001)), "tokens_max", Some((1, 20_001)));
        check(&format!("{{ a{} }}", "...".repeat(10_001)), "tokens_max", Some((1, 29_998)));
    }

    #[test]
    fn white_space_up_to_the_bytes_is_no_reason_to_refuse() {
        parse("/query", &format!("{{ a{} }}", ", #\n".repeat(16_000))).unwrap();
    }
}
