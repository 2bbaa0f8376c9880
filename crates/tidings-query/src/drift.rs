//! Whether a stored query still fits after its source's schema changed (docs/delivery.md).

use crate::check::{CheckedQuery, accept};
use crate::problem::QueryProblem;
use crate::schema::SourceSchema;
use crate::variables::ProvidedVariables;

/// What a new schema means for a stored query.
#[derive(Clone, Debug)]
pub enum Drift {
    /// It runs as before. The query as checked against the new schema; what is deprecated there
    /// is among its warnings.
    Fits(CheckedQuery),
    /// It would be refused. The problems name the field, argument, type or value that broke it.
    Breaks(Vec<QueryProblem>),
}

/// Holds a stored query against a new schema. Cost is not looked at: it is no reason to hold a
/// webhook that the source itself still answers.
pub fn drift(new_schema: &SourceSchema, query: &str, provided: &ProvidedVariables) -> Drift {
    match accept("/query", new_schema, query, provided) {
        Ok(checked) => Drift::Fits(checked),
        Err(problems) => Drift::Breaks(problems),
    }
}
