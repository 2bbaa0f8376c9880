//! Whether a stored query still fits after its source's schema changed (docs/delivery.md).

use crate::check::{CheckedQuery, accept};
use crate::problem::QueryProblem;
use crate::schema::SourceSchema;
use crate::variables::ProvidedVariables;

/// Holds a stored query against a new schema; what is deprecated there is among the warnings. Cost
/// is not looked at: it is no reason to hold a webhook that the source itself still answers.
///
/// # Errors
/// The query would be refused. The problems name the field, argument, type or value that broke it.
pub fn drift(
    new_schema: &SourceSchema,
    query: &str,
    provided: &ProvidedVariables,
) -> Result<CheckedQuery, Vec<QueryProblem>> {
    accept("/query", new_schema, query, provided)
}
