//! Which parts of a schema a query uses, as schema coordinates (`Type.field`,
//! `Type.field(argument:)`, `Enum.VALUE`, `Input.field`), and which of them are deprecated.

use std::collections::BTreeSet;

use apollo_compiler::ast::{Directive, FieldDefinition, InputValueDefinition, Type, Value};
use apollo_compiler::executable::{Field, Selection, SelectionSet};
use apollo_compiler::parser::SourceSpan;
use apollo_compiler::{ExecutableDocument, Node, Schema};
use serde_json::Value as Json;

use crate::checked::CheckedQuery;
use crate::problem::{QueryProblem, excerpt, first_few};
use crate::schema::SourceSchema;

/// The coordinates that a query uses, those of the values among them that its webhook sets.
/// `schema` is the one that the query was checked against.
pub fn coordinates(schema: &SourceSchema, checked: &CheckedQuery) -> BTreeSet<String> {
    let mut walk = Walk { schema: schema.compiled(), uses: Vec::new() };
    walk.document(checked.document());
    for variable in checked.variables().iter() {
        if let Some(value) = checked.webhook_variables().get(&variable.name) {
            walk.json(value, &variable.declared_type);
        }
    }
    walk.uses.into_iter().map(|found| found.coordinate).collect()
}

/// A warning for each use of something deprecated, in the order of the text.
pub(crate) fn deprecations(
    path: &str,
    text: &str,
    schema: &SourceSchema,
    document: &ExecutableDocument,
) -> Vec<QueryProblem> {
    let mut walk = Walk { schema: schema.compiled(), uses: Vec::new() };
    walk.document(document);
    let mut found: Vec<_> = walk.uses.into_iter().filter(|one| one.deprecated.is_some()).collect();
    found.sort_by_key(|one| one.start);
    let warning = |one: Use| {
        let reason = one.deprecated.unwrap_or_default();
        let message = format!("`{}` is deprecated: {}", one.coordinate, excerpt(&reason));
        QueryProblem::at(path, message, text, one.start.unwrap_or_default())
    };
    first_few(found.len(), found.into_iter().map(warning))
}

struct Use {
    coordinate: String,
    /// The reason, where the part is deprecated.
    deprecated: Option<String>,
    start: Option<usize>,
}

struct Walk<'a> {
    schema: &'a Schema,
    uses: Vec<Use>,
}

impl Walk<'_> {
    /// Each fragment once. The recursions are bounded by the brackets of the text.
    fn document(&mut self, document: &ExecutableDocument) {
        for operation in document.operations.iter() {
            for variable in &operation.variables {
                if let Some(default) = &variable.default_value {
                    self.literal(default, &variable.ty);
                }
            }
            self.selections(&operation.selection_set);
        }
        for fragment in document.fragments.values() {
            self.selections(&fragment.selection_set);
        }
    }

    fn selections(&mut self, selections: &SelectionSet) {
        for selection in &selections.selections {
            match selection {
                Selection::Field(field) => self.field(selections.ty.as_str(), field),
                Selection::InlineFragment(inline) => self.selections(&inline.selection_set),
                Selection::FragmentSpread(_) => {}
            }
        }
    }

    fn field(&mut self, parent: &str, field: &Field) {
        let definition: &FieldDefinition = &field.definition;
        if field.name != "__typename" {
            let coordinate = format!("{parent}.{}", field.name);
            for argument in &field.arguments {
                if let Some(known) = definition.argument_by_name(&argument.name) {
                    let coordinate = format!("{coordinate}({}:)", argument.name);
                    self.input(coordinate, known, argument.name.location());
                    self.literal(&argument.value, &known.ty);
                }
            }
            let deprecated = reason(definition.directives.get("deprecated"));
            self.push(coordinate, deprecated, field.name.location());
        }
        self.selections(&field.selection_set);
    }

    fn literal(&mut self, value: &Node<Value>, expected: &Type) {
        match &**value {
            Value::Enum(name) => {
                self.enum_value(expected.inner_named_type(), name, value.location());
            }
            Value::List(items) => {
                for item in items {
                    self.literal(item, expected.item_type());
                }
            }
            Value::Object(fields) => {
                let schema = self.schema;
                let Some(input) = schema.get_input_object(expected.inner_named_type()) else {
                    return;
                };
                for (name, value) in fields {
                    if let Some(known) = input.fields.get(name) {
                        self.input(format!("{}.{name}", input.name), known, name.location());
                        self.literal(value, &known.ty);
                    }
                }
            }
            _ => {}
        }
    }

    /// The same for a value that the webhook sets; its nesting was bounded when it was checked.
    fn json(&mut self, value: &Json, expected: &Type) {
        match value {
            Json::String(name) => self.enum_value(expected.inner_named_type(), name, None),
            Json::Array(items) => {
                for item in items {
                    self.json(item, expected.item_type());
                }
            }
            Json::Object(fields) => {
                let schema = self.schema;
                let Some(input) = schema.get_input_object(expected.inner_named_type()) else {
                    return;
                };
                for (name, value) in fields {
                    if let Some(known) = input.fields.get(name.as_str()) {
                        self.input(format!("{}.{name}", input.name), known, None);
                        self.json(value, &known.ty);
                    }
                }
            }
            _ => {}
        }
    }

    fn enum_value(&mut self, enum_name: &str, name: &str, place: Option<SourceSpan>) {
        let schema = self.schema;
        let Some(known) = schema.get_enum(enum_name).and_then(|known| known.values.get(name))
        else {
            return;
        };
        let deprecated = reason(known.directives.get("deprecated"));
        self.push(format!("{enum_name}.{name}"), deprecated, place);
    }

    fn input(
        &mut self,
        coordinate: String,
        known: &InputValueDefinition,
        place: Option<SourceSpan>,
    ) {
        self.push(coordinate, reason(known.directives.get("deprecated")), place);
    }

    fn push(&mut self, coordinate: String, deprecated: Option<String>, at: Option<SourceSpan>) {
        let start = at.map(|span| span.offset());
        self.uses.push(Use { coordinate, deprecated, start });
    }
}

fn reason(deprecated: Option<&Node<Directive>>) -> Option<String> {
    const WITHOUT_REASON: &str = "the schema gives no reason, ask its owner what to use";
    let given = deprecated?.specified_argument_by_name("reason").and_then(|value| value.as_str());
    Some(given.unwrap_or(WITHOUT_REASON).to_owned())
}
