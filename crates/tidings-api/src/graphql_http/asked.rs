//! Which operation of a document is asked for, whether it has the variables that it needs, and
//! which of its fields a request without a token may not see.

use async_graphql::{
    Name, Pos, Value, Variables,
    parser::types::{
        DocumentOperations, ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet,
    },
};

/// How far fragments may lead into one another at the root.
const SPREADS_MAX: usize = 32;

/// The operation of that name, or the only one.
///
/// # Errors
/// What is wrong, for people.
pub(super) fn operation<'a>(
    document: &'a ExecutableDocument,
    name: Option<&str>,
) -> Result<&'a OperationDefinition, String> {
    let unknown = |name: &str| {
        let shown: String = name.chars().take(64).collect();
        format!("the document has no operation `{shown}`: check `operationName`")
    };
    match (&document.operations, name) {
        (DocumentOperations::Single(only), None) => Ok(&only.node),
        (DocumentOperations::Single(_), Some(name)) => Err(unknown(name)),
        (DocumentOperations::Multiple(all), Some(name)) => all
            .iter()
            .find(|(known, _)| known.as_str() == name)
            .map(|(_, operation)| &operation.node)
            .ok_or_else(|| unknown(name)),
        (DocumentOperations::Multiple(all), None) => {
            let mut operations = all.values();
            match (operations.next(), operations.next()) {
                (Some(only), None) => Ok(&only.node),
                _ => Err("the document has several operations: send `operationName`".to_owned()),
            }
        }
    }
}

/// The variables that the operation needs and does not have, each with the place where it is
/// declared.
pub(super) fn missing_variables(
    operation: &OperationDefinition,
    variables: &Variables,
) -> Vec<(String, Pos)> {
    let declared = operation.variable_definitions.iter();
    let needed = declared.filter(|declared| {
        !declared.node.var_type.node.nullable && declared.node.default_value.is_none()
    });
    let missing = needed.filter(|declared| {
        matches!(variables.get(&declared.node.name.node), None | Some(Value::Null))
    });
    missing.map(|missing| (missing.node.name.node.to_string(), missing.pos)).collect()
}

/// The root fields, by the name that they have in the answer, that need a token. Where the schema
/// is not public, a document that names anything but `__typename` needs one too: what the
/// validation says of it would tell of the schema.
pub(super) fn closed_fields(
    document: &ExecutableDocument,
    operation: &OperationDefinition,
    public_schema: bool,
) -> Vec<String> {
    let is_open = |field: &Field| match field.name.node.as_str() {
        "__typename" => public_schema || is_plain(field),
        "__schema" | "__type" => public_schema,
        _ => false,
    };
    let mut closed: Vec<String> = root_fields(document, operation)
        .into_iter()
        .filter_map(|root| match root {
            Ok(field) if is_open(field) => None,
            Ok(field) => Some(field.response_key().node.to_string()),
            Err(fragment) => Some(fragment.to_string()),
        })
        .collect();
    let names_nothing_else = document.fragments.is_empty()
        && document.operations.iter().count() == 1
        && operation.variable_definitions.is_empty()
        && operation.directives.is_empty();
    if closed.is_empty() && !public_schema && !names_nothing_else {
        closed.push("__typename".to_owned());
    }
    closed
}

/// The fields at the root, those of fragments too; the name of a fragment that is not there, or
/// that lies too deep.
pub(super) fn root_fields<'a>(
    document: &'a ExecutableDocument,
    operation: &'a OperationDefinition,
) -> Vec<Result<&'a Field, &'a Name>> {
    let mut found = Vec::new();
    collect(document, &operation.selection_set.node, 0, &mut found);
    found
}

fn collect<'a>(
    document: &'a ExecutableDocument,
    selections: &'a SelectionSet,
    spreads: usize,
    found: &mut Vec<Result<&'a Field, &'a Name>>,
) {
    for selection in &selections.items {
        match &selection.node {
            Selection::Field(field) => found.push(Ok(&field.node)),
            Selection::InlineFragment(fragment) => {
                collect(document, &fragment.node.selection_set.node, spreads, found);
            }
            Selection::FragmentSpread(spread) => {
                let name = &spread.node.fragment_name.node;
                match document.fragments.get(name) {
                    Some(fragment) if spreads < SPREADS_MAX => {
                        let inner = &fragment.node.selection_set.node;
                        collect(document, inner, spreads + 1, found);
                    }
                    _ => found.push(Err(name)),
                }
            }
        }
    }
}

fn is_plain(field: &Field) -> bool {
    field.arguments.is_empty()
        && field.directives.is_empty()
        && field.selection_set.node.items.is_empty()
}
