//! The variables that a query declares, and the ones that it runs with.
//!
//! ```text
//!            given twice? the first counts
//! id ─────────┐
//! webhook's ──┼─► only what the query declares, in its order ─► the variables it runs with
//! event's ────┘
//! ```
//!
//! Values never become query text: they travel as variables, and their types are checked when the
//! webhook is saved and, for those that an event brings, when the query runs.

use std::fmt;
use std::sync::Arc;

use apollo_compiler::Node;
use apollo_compiler::ast::{OperationDefinition, Type, Value as Literal};
use serde_json::{Map, Value};
use tidings_core::limits::VARIABLES_BYTES_MAX;

use crate::coerce::{coerce, takes_any_string};
use crate::problem::{QueryProblem, bounded, excerpt, pointer};
use crate::schema::SourceSchema;
use crate::suggest::instead;

/// The variable that always holds the entity's id.
pub const ID: &str = "id";

/// What a webhook gives to its query, beside `id`, which is always given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvidedVariables {
    /// The webhook's own variables.
    pub webhook: Map<String, Value>,
    /// What to do about one of them that the query does not declare.
    pub undeclared: Undeclared,
}

impl ProvidedVariables {
    /// A webhook without variables of its own.
    pub fn none() -> ProvidedVariables {
        ProvidedVariables::for_one_query(Map::new())
    }

    /// The variables of a webhook that has one query.
    pub fn for_one_query(webhook: Map<String, Value>) -> ProvidedVariables {
        ProvidedVariables { webhook, undeclared: Undeclared::Refuse }
    }

    /// The variables of a webhook with a query for each trigger: not every query needs to declare
    /// every variable. [`undeclared_everywhere`] finds those that none declares.
    pub fn for_several_queries(webhook: Map<String, Value>) -> ProvidedVariables {
        ProvidedVariables { webhook, undeclared: Undeclared::PassOver }
    }
}

/// What to do about a webhook's variable that a query does not declare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undeclared {
    /// It is a problem.
    Refuse,
    /// Another query of the webhook may declare it.
    PassOver,
}

/// One variable of a query.
#[derive(Clone, Debug)]
pub struct DeclaredVariable {
    /// The name without `$`.
    pub name: String,
    pub(crate) declared_type: Type,
    pub(crate) default: Option<Node<Literal>>,
    start: usize,
}

impl DeclaredVariable {
    /// The type as GraphQL writes it, `[ID!]!`.
    pub fn type_text(&self) -> String {
        self.declared_type.to_string()
    }

    /// Whether the query cannot run without a value for it.
    pub fn is_required(&self) -> bool {
        self.declared_type.is_non_null() && self.default.is_none()
    }
}

/// All variables of a query in their order, with the schema that knows their types. Cloning it
/// costs a counter.
#[derive(Clone)]
pub struct DeclaredVariables {
    schema: SourceSchema,
    variables: Arc<[DeclaredVariable]>,
}

impl fmt::Debug for DeclaredVariables {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.iter().map(|variable| (&variable.name, variable.type_text()));
        formatter.debug_map().entries(names).finish()
    }
}

impl DeclaredVariables {
    pub(crate) fn of(schema: &SourceSchema, operation: &Node<OperationDefinition>) -> Self {
        let variables = operation
            .variables
            .iter()
            .map(|variable| DeclaredVariable {
                name: variable.name.as_str().to_owned(),
                declared_type: (*variable.ty).clone(),
                default: variable.default_value.clone(),
                start: variable.location().map_or(0, |span| span.offset()),
            })
            .collect();
        DeclaredVariables { schema: schema.clone(), variables }
    }

    /// The variables in the order of their declaration.
    pub fn iter(&self) -> impl Iterator<Item = &DeclaredVariable> {
        self.variables.iter()
    }

    /// The variable of that name.
    pub fn get(&self, name: &str) -> Option<&DeclaredVariable> {
        self.iter().find(|variable| variable.name == name)
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.iter().map(|variable| variable.name.as_str())
    }
}

/// Holds what a webhook provides against what its query declares. Problems of the declaration
/// carry `query_path` and a place in `text`, those of a value `/variables/NAME`.
pub(crate) fn check_provided(
    declared: &DeclaredVariables,
    provided: &ProvidedVariables,
    query_path: &str,
    text: &str,
) -> Vec<QueryProblem> {
    let schema = declared.schema.compiled();
    let mut problems = Vec::new();
    for variable in declared.iter() {
        let at_variable = |message| QueryProblem::at(query_path, message, text, variable.start);
        if variable.name == ID {
            if !takes_any_string(schema, &variable.declared_type) {
                problems.push(at_variable(format!(
                    "`$id` is the entity's id, a string, which does not fit `{}`: declare it as \
                     `$id: ID!`",
                    variable.type_text()
                )));
            }
        } else if variable.is_required() && !provided.webhook.contains_key(&variable.name) {
            problems.push(at_variable(format!(
                "`${}` is required and nothing provides it: set it in the webhook's variables, \
                 give it a default, or declare it as `{}` (only `$id` is always provided)",
                variable.name,
                variable.declared_type.clone().nullable()
            )));
        }
    }
    if let Some(problem) = too_many_bytes(&provided.webhook, "the webhook's variables") {
        problems.push(problem);
        return problems;
    }
    for (name, value) in &provided.webhook {
        let path = pointer("/variables", name);
        match declared.get(name) {
            Some(variable) if variable.name != ID => {
                coerce(schema, &variable.declared_type, value, &path, &mut problems);
            }
            Some(_) => {}
            None if provided.undeclared == Undeclared::PassOver => {}
            None => problems.push(undeclared(name, declared.names())),
        }
    }
    problems
}

fn undeclared<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> QueryProblem {
    let instead = instead(name, known, "it declares");
    let instead = if instead.is_empty() { ": leave it out".to_owned() } else { instead };
    let message = format!("the query declares no variable `{}`{instead}", excerpt(name));
    QueryProblem::new(pointer("/variables", name), message)
}

/// The variables of a webhook that none of its queries declares.
pub fn undeclared_everywhere(
    queries: &[DeclaredVariables],
    webhook: &Map<String, Value>,
) -> Vec<QueryProblem> {
    webhook
        .keys()
        .filter(|name| queries.iter().all(|query| query.get(name).is_none()))
        .map(|name| undeclared(name, queries.iter().flat_map(DeclaredVariables::names)))
        .collect()
}

fn too_many_bytes(variables: &Map<String, Value>, whose: &str) -> Option<QueryProblem> {
    let bytes = serde_json::to_string(variables).map_or(usize::MAX, |text| text.len());
    (bytes > VARIABLES_BYTES_MAX).then(|| {
        let message = format!(
            "{whose} have {bytes} bytes as JSON, variables_bytes_max is {VARIABLES_BYTES_MAX}: \
             send less"
        );
        QueryProblem::new("/variables", message)
    })
}

/// The variables that a query runs with: those that it declares, in the order of its declaration.
/// Where a name is given twice, `id` counts first, then the webhook's, then the event's (see
/// docs/delivery.md).
pub fn compose(
    declared: &DeclaredVariables,
    id: &str,
    webhook: &Map<String, Value>,
    event: &Map<String, Value>,
) -> Map<String, Value> {
    let mut variables = Map::new();
    for name in declared.names() {
        let value = if name == ID {
            Some(Value::String(id.to_owned()))
        } else {
            webhook.get(name).or_else(|| event.get(name)).cloned()
        };
        if let Some(value) = value {
            variables.insert(name.to_owned(), value);
        }
    }
    variables
}

/// As [`compose`], with the types of the values checked that the event brought.
///
/// # Errors
/// What of the event's variables does not fit, with `/variables/NAME` as its path, or too many
/// bytes of them. The webhook's own were checked when it was saved.
pub fn compose_checked(
    declared: &DeclaredVariables,
    id: &str,
    webhook: &Map<String, Value>,
    event: &Map<String, Value>,
) -> Result<Map<String, Value>, Vec<QueryProblem>> {
    if let Some(problem) = too_many_bytes(event, "the event's variables") {
        return Err(vec![problem]);
    }
    let mut problems = Vec::new();
    for variable in declared.iter().filter(|variable| variable.name != ID) {
        if webhook.contains_key(&variable.name) {
            continue;
        }
        if let Some(value) = event.get(&variable.name) {
            let schema = declared.schema.compiled();
            let path = pointer("/variables", &variable.name);
            coerce(schema, &variable.declared_type, value, &path, &mut problems);
        }
    }
    if problems.is_empty() {
        Ok(compose(declared, id, webhook, event))
    } else {
        for problem in &mut problems {
            problem.message = format!("a variable of the event: {}", problem.message);
        }
        Err(bounded(problems))
    }
}
