//! Variables inside lists and input objects.
//!
//! The compiler compares a variable with the argument that it is the value of. Where the variable
//! is inside a list or an input object it compares only the names of the types, so that a nullable
//! variable in a place that takes no null would first be found by the source. This closes the gap
//! (GraphQL specification, section 5.8.5).

use apollo_compiler::ast::{Argument, Type, Value};
use apollo_compiler::executable::{Selection, SelectionSet};
use apollo_compiler::{ExecutableDocument, Node, Schema};

use crate::variables::DeclaredVariables;

/// What the walk holds against each other, and what it found.
pub(crate) struct Positions<'a> {
    pub(crate) schema: &'a Schema,
    pub(crate) declared: &'a DeclaredVariables,
    /// What is wrong, and at which byte.
    pub(crate) found: Vec<(String, usize)>,
}

impl Positions<'_> {
    /// Looks at every argument of a valid document, each fragment once.
    pub(crate) fn look_at(&mut self, document: &ExecutableDocument) {
        for operation in document.operations.iter() {
            self.selections(&operation.selection_set);
        }
        for fragment in document.fragments.values() {
            self.selections(&fragment.selection_set);
        }
    }

    fn selections(&mut self, selections: &SelectionSet) {
        for selection in &selections.selections {
            match selection {
                Selection::Field(field) => {
                    for argument in &field.arguments {
                        let known = field.definition.argument_by_name(&argument.name);
                        if let Some(known) = known {
                            self.argument(argument, &known.ty);
                        }
                    }
                    self.selections(&field.selection_set);
                }
                Selection::InlineFragment(inline) => self.selections(&inline.selection_set),
                Selection::FragmentSpread(_) => {}
            }
        }
    }

    fn argument(&mut self, argument: &Node<Argument>, expected: &Type) {
        if !matches!(&*argument.value, Value::Variable(_)) {
            self.value(&argument.value, expected, false);
        }
    }

    fn value(&mut self, value: &Node<Value>, expected: &Type, has_default: bool) {
        match &**value {
            Value::Variable(name) => self.variable(value, name.as_str(), expected, has_default),
            Value::List(items) if expected.is_list() => {
                for item in items {
                    self.value(item, expected.item_type(), false);
                }
            }
            Value::Object(fields) => {
                let name = expected.inner_named_type();
                let Some(input) = self.schema.get_input_object(name) else { return };
                for (field, value) in fields {
                    if let Some(known) = input.fields.get(field) {
                        self.value(value, &known.ty, known.default_value.is_some());
                    }
                }
            }
            _ => {}
        }
    }

    fn variable(&mut self, value: &Node<Value>, name: &str, expected: &Type, has_default: bool) {
        let Some(declared) = self.declared.get(name) else { return };
        let has_value = declared.default.as_ref().is_some_and(|default| !default.is_null());
        let fits = if expected.is_non_null() && (has_value || has_default) {
            declared.declared_type.is_assignable_to(&expected.clone().nullable())
        } else {
            declared.declared_type.is_assignable_to(expected)
        };
        if !fits {
            let message = format!(
                "`${name}` is declared as `{}`, but this place takes `{expected}`: declare it as \
                 `{expected}`",
                declared.type_text()
            );
            let start = value.location().map_or(0, |span| span.offset());
            self.found.push((message, start));
        }
    }
}
