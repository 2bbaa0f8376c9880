//! Whether a webhook's query can be stored.
//!
//! ```text
//! text ─► parse ─► one query ─► nothing that a webhook cannot have ─► size, fragments put in
//!                                                                        │
//!        CheckedQuery ◄─ cost ◄─ variables ◄─ valid against the schema ◄─┘
//! ```
//!
//! Whatever could blow up is measured before anything walks it.

use apollo_compiler::Node;
use apollo_compiler::ast::Selection;
use apollo_compiler::ast::{Definition, DirectiveList, OperationDefinition, OperationType};
use apollo_compiler::executable::Operation;

use crate::canonical::canonical;
pub use crate::checked::CheckedQuery;
use crate::checked::Findings;
use crate::coordinates::deprecations;
use crate::cost::Pricing;
use crate::document::{ParsedDocument, parse};
use crate::explain::explain_query;
use crate::limits::COST_MAX;
use crate::positions::Positions;
use crate::problem::{QueryProblem, bounded, first_few};
use crate::schema::SourceSchema;
use crate::shape::measure;
use crate::variables::{DeclaredVariables, ID, ProvidedVariables, check_provided};

/// The JSON pointer of the query where a caller names none.
const QUERY_PATH: &str = "/query";

/// Checks a webhook's query. Problems of the query carry the path `/query`, those of a value the
/// path `/variables/NAME`.
///
/// # Errors
/// Everything that is wrong, at most [`crate::limits::PROBLEMS_MAX`] problems in the order of the
/// text.
pub fn check(
    schema: &SourceSchema,
    query: &str,
    provided: &ProvidedVariables,
) -> Result<CheckedQuery, Vec<QueryProblem>> {
    check_at(QUERY_PATH, schema, query, provided)
}

/// As [`check`], for a query elsewhere in the input: `path` is its JSON pointer, such as
/// `/queries/0/query`.
///
/// # Errors
/// As [`check`].
pub fn check_at(
    path: &str,
    schema: &SourceSchema,
    query: &str,
    provided: &ProvidedVariables,
) -> Result<CheckedQuery, Vec<QueryProblem>> {
    let checked = accept(path, schema, query, provided)?;
    let cost = checked.cost();
    if cost > COST_MAX {
        let message = format!(
            "the query costs {cost}, cost_max is {COST_MAX}: ask for fewer items (`first`), or \
             for fewer fields of each"
        );
        return Err(vec![QueryProblem::new(path, message)]);
    }
    Ok(checked)
}

/// All of the check but the cost, which is ours to judge and not the source's.
pub(crate) fn accept(
    path: &str,
    schema: &SourceSchema,
    query: &str,
    provided: &ProvidedVariables,
) -> Result<CheckedQuery, Vec<QueryProblem>> {
    let parsed = parse(path, query)?;
    let operation = only_query(path, &parsed)?;
    refuse_unfit(path, &parsed)?;
    let shape = measure(path, &parsed, operation)?;
    let compiled = schema.compiled();
    let document = parsed
        .ast()
        .to_executable_validate(compiled)
        .map_err(|failed| explain_query(&failed.errors, compiled, path, query))?;
    let variables = DeclaredVariables::of(schema, operation);
    let mut positions = Positions { schema: compiled, declared: &variables, found: Vec::new() };
    positions.look_at(&document);
    let mut problems = told(path, query, positions.found);
    problems.extend(check_provided(&variables, provided, path, query));
    if !problems.is_empty() {
        return Err(bounded(problems));
    }
    let Some(executable) = document.operations.iter().next() else {
        return Err(vec![QueryProblem::new(path, "the query has no operation: write one")]);
    };
    let executable: &Operation = executable;
    let pricing = Pricing { document: &document, declared: &variables, webhook: &provided.webhook };
    let cost = pricing.cost(&executable.selection_set);
    let mut warnings = deprecations(path, query, schema, &document);
    warnings.extend(unread(&variables, provided));
    Ok(CheckedQuery::new(Findings {
        text: canonical(query),
        operation_name: executable.name.as_ref().map(|name| name.as_str().to_owned()),
        variables,
        depth: shape.depth,
        cost,
        warnings: bounded(warnings),
        document,
        webhook: provided.webhook.clone(),
    }))
}

fn only_query<'a>(
    path: &str,
    parsed: &'a ParsedDocument,
) -> Result<&'a Node<OperationDefinition>, Vec<QueryProblem>> {
    let mut operations = parsed.ast().definitions.iter().filter_map(|definition| {
        if let Definition::OperationDefinition(operation) = definition {
            Some(operation)
        } else {
            None
        }
    });
    let Some(first) = operations.next() else {
        let message = "there is no query here: write `query ($id: ID!) { … }`";
        return Err(vec![QueryProblem::new(path, message)]);
    };
    let at = |operation: &Node<OperationDefinition>, message: &str| {
        let start = operation.location().map_or(0, |span| span.offset());
        vec![QueryProblem::at(path, message, parsed.text(), start)]
    };
    if let Some(second) = operations.next() {
        return Err(at(second, "a webhook runs one operation: leave this second one out"));
    }
    match first.operation_type {
        OperationType::Query => Ok(first),
        OperationType::Mutation => Err(at(
            first,
            "this is a mutation: a webhook reads, and runs again and again; write a `query`",
        )),
        OperationType::Subscription => Err(at(
            first,
            "this is a subscription: the webhook's triggers say when, write a `query` for what",
        )),
    }
}

/// What a valid query may have and a stored one may not.
fn refuse_unfit(path: &str, parsed: &ParsedDocument) -> Result<(), Vec<QueryProblem>> {
    let mut unfit = Unfit { found: Vec::new() };
    for definition in &parsed.ast().definitions {
        match definition {
            Definition::OperationDefinition(operation) => {
                unfit.selections(&operation.selection_set);
            }
            Definition::FragmentDefinition(fragment) => unfit.selections(&fragment.selection_set),
            _ => {}
        }
    }
    let problems = told(path, parsed.text(), unfit.found);
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// The places of findings are counted out only for those that are told.
fn told(path: &str, text: &str, found: Vec<(String, usize)>) -> Vec<QueryProblem> {
    let problem = |(message, start)| QueryProblem::at(path, message, text, start);
    first_few(found.len(), found.into_iter().map(problem))
}

struct Unfit {
    found: Vec<(String, usize)>,
}

impl Unfit {
    /// The recursion is bounded by the brackets of the text (`nesting_max`).
    fn selections(&mut self, selections: &[Selection]) {
        for selection in selections {
            match selection {
                Selection::Field(field) => {
                    if matches!(field.name.as_str(), "__schema" | "__type") {
                        let message = format!(
                            "`{}` asks about the schema, which no event changes: a webhook's \
                             query asks for data; `__typename` is allowed",
                            field.name
                        );
                        let start = field.name.location().map_or(0, |span| span.offset());
                        self.found.push((message, start));
                    }
                    self.directives(&field.directives);
                    self.selections(&field.selection_set);
                }
                Selection::InlineFragment(inline) => {
                    self.directives(&inline.directives);
                    self.selections(&inline.selection_set);
                }
                Selection::FragmentSpread(spread) => self.directives(&spread.directives),
            }
        }
    }

    fn directives(&mut self, directives: &DirectiveList) {
        for directive in directives.iter() {
            if matches!(directive.name.as_str(), "defer" | "stream") {
                let message = format!(
                    "`@{}` asks for the answer in parts: a webhook delivers it whole, leave the \
                     directive out",
                    directive.name
                );
                let start = directive.location().map_or(0, |span| span.offset());
                self.found.push((message, start));
            }
        }
    }
}

/// A webhook's own `id` is shadowed by the entity's.
fn unread(variables: &DeclaredVariables, provided: &ProvidedVariables) -> Option<QueryProblem> {
    (provided.webhook.contains_key(ID) && variables.get(ID).is_some()).then(|| {
        let message = "`id` is always the entity's id, this value is never used: leave it out";
        QueryProblem::new("/variables/id", message)
    })
}
