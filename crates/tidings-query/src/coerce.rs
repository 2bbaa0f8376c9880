//! Whether a JSON value fits a GraphQL input type (GraphQL specification, section 6.1.2).
//!
//! Stricter than the specification lets a server be in one place: an `Int` is a number without a
//! fraction part, since what is sent is the value as it was given. Custom scalars take anything.

use apollo_compiler::Schema;
use apollo_compiler::ast::Type;
use apollo_compiler::schema::{ExtendedType, InputObjectType};
use serde_json::Value;
use tidings_core::limits::JSON_DEPTH_MAX;

use crate::problem::{QueryProblem, excerpt, pointer};
use crate::suggest::instead;

/// Adds to `problems` what does not fit. `path` is the JSON pointer of `value`.
pub(crate) fn coerce(
    schema: &Schema,
    expected: &Type,
    value: &Value,
    path: &str,
    problems: &mut Vec<QueryProblem>,
) {
    if is_deeper_than(value, JSON_DEPTH_MAX) {
        let message = format!(
            "the value is nested deeper than {JSON_DEPTH_MAX} arrays and objects, which is \
             json_depth_max: send it flatter"
        );
        problems.push(QueryProblem::new(path, message));
        return;
    }
    fit(schema, expected, value, path, problems);
}

/// The recursion ends after `nesting_max` levels, however deep the value is.
fn is_deeper_than(value: &Value, nesting_max: usize) -> bool {
    match value {
        Value::Array(items) => {
            nesting_max == 0 || items.iter().any(|item| is_deeper_than(item, nesting_max - 1))
        }
        Value::Object(fields) => {
            nesting_max == 0 || fields.values().any(|item| is_deeper_than(item, nesting_max - 1))
        }
        _ => false,
    }
}

fn fit(
    schema: &Schema,
    expected: &Type,
    value: &Value,
    path: &str,
    problems: &mut Vec<QueryProblem>,
) {
    match (expected, value) {
        (Type::NonNullNamed(_) | Type::NonNullList(_), Value::Null) => {
            let message = format!("null does not fit `{expected}`: give a value");
            problems.push(QueryProblem::new(path, message));
        }
        (_, Value::Null) => {}
        (Type::List(item) | Type::NonNullList(item), Value::Array(values)) => {
            for (index, value) in values.iter().enumerate() {
                fit(schema, item, value, &pointer(path, &index.to_string()), problems);
            }
        }
        // One value where a list is expected is a list of that one.
        (Type::List(item) | Type::NonNullList(item), single) => {
            fit(schema, item, single, path, problems);
        }
        (Type::Named(name) | Type::NonNullNamed(name), _) => {
            fit_named(schema, name.as_str(), value, path, problems);
        }
    }
}

fn fit_named(
    schema: &Schema,
    name: &str,
    value: &Value,
    path: &str,
    problems: &mut Vec<QueryProblem>,
) {
    let remedy = match (schema.types.get(name), name) {
        (Some(ExtendedType::InputObject(input)), _) => match value {
            Value::Object(_) => return fit_object(schema, input, value, path, problems),
            _ => "give an object",
        },
        (Some(ExtendedType::Enum(known)), _) => match value {
            Value::String(text) if known.values.contains_key(text.as_str()) => return,
            Value::String(text) => {
                let values = known.values.keys().map(|value| value.as_str());
                let instead = instead(text, values, "it has");
                let message = format!("`{name}` has no value `{}`{instead}", excerpt(text));
                problems.push(QueryProblem::new(path, message));
                return;
            }
            _ => "give the name of one of its values as a string",
        },
        (_, "Int") => match value {
            Value::Number(number)
                if number.as_i64().is_some_and(|number| i32::try_from(number).is_ok()) =>
            {
                return;
            }
            _ => "give a whole number of 32 bits",
        },
        (_, "Float") => match value {
            Value::Number(number) if number.as_f64().is_some_and(f64::is_finite) => return,
            _ => "give a number",
        },
        (_, "String") => match value {
            Value::String(_) => return,
            _ => "give a string",
        },
        (_, "Boolean") => match value {
            Value::Bool(_) => return,
            _ => "give true or false",
        },
        (_, "ID") => match value {
            Value::String(_) => return,
            Value::Number(number) if number.is_i64() || number.is_u64() => return,
            _ => "give a string or a whole number",
        },
        _ => return,
    };
    let message = format!("{} does not fit `{name}`: {remedy}", describe(value));
    problems.push(QueryProblem::new(path, message));
}

fn fit_object(
    schema: &Schema,
    input: &InputObjectType,
    value: &Value,
    path: &str,
    problems: &mut Vec<QueryProblem>,
) {
    let Value::Object(fields) = value else { return };
    for (field, value) in fields {
        let path = pointer(path, field);
        match input.fields.get(field.as_str()) {
            Some(known) => fit(schema, &known.ty, value, &path, problems),
            None => {
                let known = input.fields.keys().map(|name| name.as_str());
                let instead = instead(field, known, "it has");
                let message =
                    format!("`{}` has no field `{}`{instead}", input.name, excerpt(field));
                problems.push(QueryProblem::new(path, message));
            }
        }
    }
    for (name, known) in &input.fields {
        let required = known.ty.is_non_null() && known.default_value.is_none();
        if required && !fields.contains_key(name.as_str()) {
            let message = format!("the field `{}.{name}` is required: add it", input.name);
            problems.push(QueryProblem::new(path, message));
        }
    }
    let null = fields.values().any(Value::is_null);
    if input.directives.has("oneOf") && (fields.len() != 1 || null) {
        let message = format!("`{}` takes exactly one field that is not null", input.name);
        problems.push(QueryProblem::new(path, message));
    }
}

fn describe(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => excerpt(&number.to_string()),
        Value::String(text) => format!("the string \"{}\"", excerpt(text)),
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}

/// Whether a string fits, whatever it says: the question for the variable `id`.
pub(crate) fn takes_any_string(schema: &Schema, expected: &Type) -> bool {
    let name = expected.inner_named_type().as_str();
    match schema.types.get(name) {
        Some(ExtendedType::Scalar(_)) | None => !matches!(name, "Int" | "Float" | "Boolean"),
        Some(_) => false,
    }
}
