//! A webhook's queries against the schema of its source.

use std::collections::{BTreeMap, HashSet};

use tidings_core::{trigger::TriggerName, webhook::Webhook};
use tidings_query::{
    ProvidedVariables, QueryProblem, SourceSchema, check_at, undeclared_everywhere,
};

/// What the check found.
#[derive(Debug, Default)]
pub(super) struct Checked {
    /// What must be changed.
    pub(super) problems: Vec<QueryProblem>,
    /// What should be changed.
    pub(super) warnings: Vec<QueryProblem>,
}

/// Checks every query, and that every trigger has one. `places` says where in the input the queries
/// of single triggers stand.
pub(super) fn check(
    schema: &SourceSchema,
    webhook: &Webhook,
    places: &BTreeMap<TriggerName, usize>,
) -> Checked {
    let mut found = Checked::default();
    let queries = &webhook.queries;
    let lacking: Vec<&str> = webhook
        .triggers
        .iter()
        .filter(|trigger| queries.of(trigger).is_none())
        .map(|trigger| trigger.as_str())
        .collect();
    if !lacking.is_empty() {
        let message = format!(
            "there is no query for {}: write `query` for all triggers, or one in `queries` for \
             each",
            lacking.join(", ")
        );
        found.problems.push(QueryProblem::new("/input/query", message));
    }
    let single = queries.by_trigger.iter().enumerate().map(|(index, (trigger, text))| {
        let place = places.get(trigger).copied().unwrap_or(index);
        (format!("/input/queries/{place}/query"), text)
    });
    let all: Vec<(String, &String)> =
        queries.common.iter().map(|text| ("/input/query".to_owned(), text)).chain(single).collect();
    let provided = if all.len() == 1 {
        ProvidedVariables::for_one_query(webhook.variables.clone())
    } else {
        ProvidedVariables::for_several_queries(webhook.variables.clone())
    };
    let mut declared = Vec::new();
    let mut is_whole = true;
    for (path, text) in &all {
        match check_at(path, schema, text, &provided) {
            Ok(checked) => {
                declared.push(checked.variables().clone());
                found.warnings.extend_from_slice(checked.warnings());
            }
            Err(problems) => {
                is_whole = false;
                found.problems.extend(problems);
            }
        }
    }
    if all.len() > 1 && is_whole {
        found.problems.extend(undeclared_everywhere(&declared, &webhook.variables));
    }
    for problem in found.problems.iter_mut().chain(&mut found.warnings) {
        if problem.path.starts_with("/variables") {
            problem.path.insert_str(0, "/input");
        }
    }
    // A value that does not fit is a problem of every query that declares it.
    let mut seen = HashSet::new();
    found.problems.retain(|problem| seen.insert(problem.to_string()));
    found
}
