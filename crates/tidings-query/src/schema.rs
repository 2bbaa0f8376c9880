//! The schema of a source, read from SDL.

use std::fmt;
use std::sync::Arc;

use apollo_compiler::ast::OperationType;
use apollo_compiler::parser::Parser;
use apollo_compiler::validation::Valid;
use apollo_compiler::{Name, Schema};

use crate::affordable::is_affordable;
use crate::explain::{explain_schema, offset};
use crate::limits::{NESTING_MAX, SCHEMA_BYTES_MAX, SCHEMA_STEPS_MAX, SCHEMA_TOKENS_MAX};
use crate::problem::{QueryProblem, first_few};
use crate::token::{Kind, Tokens};

/// A valid schema. Cloning it costs a counter.
#[derive(Clone)]
pub struct SourceSchema {
    schema: Arc<Valid<Schema>>,
}

impl SourceSchema {
    /// Reads a schema in the schema definition language. `path` is the JSON pointer that problems
    /// carry; line and column are those in `sdl`.
    ///
    /// # Errors
    /// What is too much (`schema_bytes_max`, `schema_tokens_max`, `nesting_max`), not SDL, or not
    /// a valid schema.
    pub fn parse(path: &str, sdl: &str) -> Result<SourceSchema, Vec<QueryProblem>> {
        within_limits(path, sdl).map_err(|problem| vec![problem])?;
        let mut parser =
            Parser::new().token_limit(SCHEMA_TOKENS_MAX).recursion_limit(NESTING_MAX + 1);
        // Servers print the built-in scalars and directives too, each in its own words.
        let mut builder = Schema::builder().ignore_builtin_redefinitions();
        parser.parse_into_schema_builder(sdl, "schema.graphql", &mut builder);
        let schema = match builder.build() {
            Ok(schema) if !is_affordable(&schema) => {
                let message = format!(
                    "the input objects or directives of the schema contain one another in too \
                     many ways: schema_steps_max is {SCHEMA_STEPS_MAX}"
                );
                return Err(vec![QueryProblem::new(path, message)]);
            }
            Ok(schema) => schema.validate(),
            Err(failed) => Err(failed),
        };
        match schema {
            Ok(schema) => Ok(SourceSchema { schema: Arc::new(schema) }),
            Err(failed) => {
                let problems = failed.errors.iter().map(|diagnostic| {
                    let message = explain_schema(&diagnostic);
                    match offset(&diagnostic) {
                        Some(start) => QueryProblem::at(path, message, sdl, start),
                        None => QueryProblem::new(path, message),
                    }
                });
                Err(first_few(failed.errors.len(), problems))
            }
        }
    }

    /// The compiler's own view of the schema.
    pub fn compiled(&self) -> &Valid<Schema> {
        &self.schema
    }

    /// Whether both are one reading of one schema. Two readings of the same text count as two.
    #[must_use]
    pub fn is(&self, other: &SourceSchema) -> bool {
        Arc::ptr_eq(&self.schema, &other.schema)
    }

    /// The name of the type that queries start from.
    pub fn query_type(&self) -> &Name {
        self.schema
            .root_operation(OperationType::Query)
            .expect("a valid schema has a query type: validation asks for it")
    }
}

impl fmt::Debug for SourceSchema {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SourceSchema").field("types", &self.schema.types.len()).finish()
    }
}

fn within_limits(path: &str, sdl: &str) -> Result<(), QueryProblem> {
    if sdl.len() > SCHEMA_BYTES_MAX {
        let message = format!(
            "the schema has {} bytes, schema_bytes_max is {SCHEMA_BYTES_MAX}: leave out \
             descriptions, or the types that no query needs",
            sdl.len()
        );
        return Err(QueryProblem::new(path, message));
    }
    if Tokens::of(sdl).all(|token| token.kind == Kind::Ignored) {
        let message = "the schema is empty: give it in the schema definition language";
        return Err(QueryProblem::new(path, message));
    }
    let mut open = 0_usize;
    for token in Tokens::of(sdl) {
        match (token.kind, token.text) {
            (Kind::Unclosed, _) => {
                let message = "the string that begins here is not closed";
                return Err(QueryProblem::at(path, message, sdl, token.start));
            }
            (Kind::Punctuator, "{" | "(" | "[") => open += 1,
            (Kind::Punctuator, "}" | ")" | "]") => open = open.saturating_sub(1),
            _ => {}
        }
        if open > NESTING_MAX {
            let message =
                format!("more than {NESTING_MAX} brackets are open here, which is nesting_max");
            return Err(QueryProblem::at(path, message, sdl, token.start));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn check(sdl: &str, expected: &str, place: Option<(usize, usize)>) {
        let problems = SourceSchema::parse("/schema", sdl).unwrap_err();
        let first = &problems[0];
        assert!(first.message.contains(expected), "{first}");
        assert_eq!(first.line.zip(first.column), place, "{first}");
        assert_eq!(first.path, "/schema");
    }

    #[test]
    fn a_valid_schema_is_read() {
        let schema = SourceSchema::parse("/schema", "type Query { a: Int }").unwrap();
        assert_eq!(schema.query_type().as_str(), "Query");
        let sdl = "scalar Int directive @skip(if: Boolean!) on FIELD type Query { a: Int }";
        SourceSchema::parse("/schema", sdl).unwrap();
        let sdl = "type Query { a(f: F): Int } input F { and: [F!] or: [F!] not: F g: [G!]! } \
                   input G { f: F! h: [F!] } directive @d(f: F, g: G) on FIELD";
        SourceSchema::parse("/schema", sdl).unwrap();
        let sdl = "schema { query: Root } type Root { a: Int }";
        assert_eq!(SourceSchema::parse("/schema", sdl).unwrap().query_type().as_str(), "Root");
    }

    #[test]
    fn a_schema_that_is_wrong_is_refused_with_its_place() {
        check("", "empty", None);
        check("scalar Money", "query", None);
        check("type Query { a: Int", "}", Some((1, 20)));
        check("type Query {\n  a: Thing\n}", "`Thing`", Some((2, 6)));
        check("type Query { a: Int } { a }", "operation", Some((1, 23)));
        check("type Query { a: Int }\ntype Query { b: Int }", "`Query`", Some((2, 6)));
        check("type Query { \"\"\"a: Int }", "not closed", Some((1, 14)));
        check("<!DOCTYPE html>", "<", Some((1, 1)));
    }

    #[test]
    fn a_schema_that_is_too_much_is_refused_with_the_limit_named() {
        check(&" ".repeat(SCHEMA_BYTES_MAX + 1), "schema_bytes_max", None);
        check(&"{".repeat(1_000_000), "nesting_max", Some((1, 65)));
        let mut twice = "type Query { x(a: A0): Int } input A30 { a: Int }".to_owned();
        let mut directives = "type Query { x: Int } directive @d30 on ENUM".to_owned();
        for n in 0..30 {
            let next = n + 1;
            twice += &format!(" input A{n} {{ a: A{next}! b: A{next}! }}");
            directives += &format!(
                " directive @d{n}(a: Int @d{next}, b: Int @d{next}) on ARGUMENT_DEFINITION"
            );
        }
        check(&twice, "schema_steps_max", None);
        check(&directives, "schema_steps_max", None);
        let commas = ",".repeat(SCHEMA_TOKENS_MAX);
        check(
            &format!("type Query {{ a: Int }}{commas}"),
            "schema_tokens_max",
            Some((1, 2_000_010)),
        );
    }
}
