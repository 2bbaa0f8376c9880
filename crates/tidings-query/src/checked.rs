//! A query that passed the check, and what is known about it.

use std::fmt;
use std::sync::Arc;

use apollo_compiler::ExecutableDocument;
use apollo_compiler::validation::Valid;
use serde_json::{Map, Value};

use crate::problem::QueryProblem;
use crate::variables::DeclaredVariables;

/// A query that can run whenever its webhook's triggers fire. Cloning it costs a counter.
#[derive(Clone)]
pub struct CheckedQuery {
    inner: Arc<Findings>,
}

/// What the check found out about a query.
pub(crate) struct Findings {
    pub(crate) text: String,
    pub(crate) operation_name: Option<String>,
    pub(crate) variables: DeclaredVariables,
    pub(crate) depth: u64,
    pub(crate) cost: u64,
    pub(crate) warnings: Vec<QueryProblem>,
    pub(crate) document: Valid<ExecutableDocument>,
    pub(crate) webhook: Map<String, Value>,
}

impl CheckedQuery {
    /// Only the check makes one.
    pub(crate) fn new(findings: Findings) -> CheckedQuery {
        CheckedQuery { inner: Arc::new(findings) }
    }

    /// The canonical text: what runs, and what the payload shows.
    pub fn text(&self) -> &str {
        &self.inner.text
    }

    /// The operation's name, if it has one.
    pub fn operation_name(&self) -> Option<&str> {
        self.inner.operation_name.as_deref()
    }

    /// What the query declares.
    pub fn variables(&self) -> &DeclaredVariables {
        &self.inner.variables
    }

    /// Levels of fields, fragments put in.
    pub fn depth(&self) -> u64 {
        self.inner.depth
    }

    /// The estimate of what a run costs the source, see [`crate::cost`].
    pub fn cost(&self) -> u64 {
        self.inner.cost
    }

    /// What works today and should be changed: deprecated parts of the schema, a variable that is
    /// never looked at.
    pub fn warnings(&self) -> &[QueryProblem] {
        &self.inner.warnings
    }

    pub(crate) fn document(&self) -> &ExecutableDocument {
        &self.inner.document
    }

    pub(crate) fn webhook_variables(&self) -> &Map<String, Value> {
        &self.inner.webhook
    }
}

impl fmt::Debug for CheckedQuery {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("CheckedQuery")
            .field("text", &self.text())
            .field("variables", self.variables())
            .field("depth", &self.depth())
            .field("cost", &self.cost())
            .finish_non_exhaustive()
    }
}
