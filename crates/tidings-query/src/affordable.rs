//! Whether a schema can be validated in reasonable time.
//!
//! The compiler looks for input objects and directives that contain themselves by going every way
//! from each of them. Thirty input objects that each hold the next one twice are 2³⁰ ways, and a
//! schema comes from a source that need not be friendly. This goes the same ways with a count, and
//! gives up where the compiler would not.

use apollo_compiler::Schema;
use apollo_compiler::ast::{Directive, DirectiveDefinition, InputValueDefinition, Type};
use apollo_compiler::schema::{ExtendedType, InputObjectType};

use crate::limits::SCHEMA_STEPS_MAX;

/// How many names deep the compiler goes before it says that it is too deep.
const NAMES_MAX: usize = 32;

/// Whether validation looks at no more than [`SCHEMA_STEPS_MAX`] fields, arguments and directives
/// in search of cycles.
pub(crate) fn is_affordable(schema: &Schema) -> bool {
    let mut walk =
        Walk { schema, steps_left: SCHEMA_STEPS_MAX, types: Vec::new(), directives: Vec::new() };
    walk.everything().is_some()
}

struct Walk<'a> {
    schema: &'a Schema,
    steps_left: usize,
    /// The names on the way here; none is entered twice.
    types: Vec<&'a str>,
    directives: Vec<&'a str>,
}

/// `None` ends the walk: there are no steps left. The recursions are bounded by `NAMES_MAX`.
impl<'a> Walk<'a> {
    fn everything(&mut self) -> Option<()> {
        let schema = self.schema;
        for (name, known) in &schema.types {
            if let ExtendedType::InputObject(input) = known {
                self.types.push(name);
                self.input_object(input)?;
                self.types.pop();
            }
        }
        for (name, definition) in &schema.directive_definitions {
            self.directives.push(name);
            self.definition(definition)?;
            self.directives.pop();
        }
        Some(())
    }

    fn step(&mut self) -> Option<()> {
        self.steps_left = self.steps_left.checked_sub(1)?;
        Some(())
    }

    /// Along fields that must be there, as a cycle of these can have no value.
    fn input_object(&mut self, input: &'a InputObjectType) -> Option<()> {
        let schema = self.schema;
        for field in input.fields.values() {
            self.step()?;
            let Type::NonNullNamed(name) = &*field.ty else { continue };
            let Some(next) = schema.get_input_object(name) else { continue };
            if self.types.len() < NAMES_MAX && !self.types.contains(&name.as_str()) {
                self.types.push(name);
                self.input_object(next)?;
                self.types.pop();
            }
        }
        Some(())
    }

    fn definition(&mut self, definition: &'a DirectiveDefinition) -> Option<()> {
        for argument in &definition.arguments {
            self.input_value(argument)?;
        }
        Some(())
    }

    fn directive(&mut self, directive: &'a Directive) -> Option<()> {
        self.step()?;
        let name = directive.name.as_str();
        let Some(definition) = self.schema.directive_definitions.get(name) else {
            return Some(());
        };
        if self.directives.len() < NAMES_MAX && !self.directives.contains(&name) {
            self.directives.push(name);
            self.definition(definition)?;
            self.directives.pop();
        }
        Some(())
    }

    fn input_value(&mut self, value: &'a InputValueDefinition) -> Option<()> {
        self.step()?;
        for directive in value.directives.iter() {
            self.directive(directive)?;
        }
        let name = value.ty.inner_named_type().as_str();
        let Some(known) = self.schema.types.get(name) else { return Some(()) };
        if self.types.len() < NAMES_MAX && !self.types.contains(&name) {
            self.types.push(name);
            self.type_definition(known)?;
            self.types.pop();
        }
        Some(())
    }

    fn type_definition(&mut self, known: &'a ExtendedType) -> Option<()> {
        for directive in known.directives().iter() {
            self.directive(directive)?;
        }
        match known {
            ExtendedType::Enum(known) => {
                for value in known.values.values() {
                    for directive in value.directives.iter() {
                        self.directive(directive)?;
                    }
                }
            }
            ExtendedType::InputObject(input) => {
                for field in input.fields.values() {
                    self.input_value(field)?;
                }
            }
            _ => {}
        }
        Some(())
    }
}
