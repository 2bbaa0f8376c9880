//! The names and shapes that others rely on: shape.txt has one on each line.

use std::collections::BTreeSet;

use async_graphql::{
    EmptySubscription, Schema,
    parser::{
        parse_schema,
        types::{FieldDefinition, InputValueDefinition, TypeKind, TypeSystemDefinition},
    },
};
use tidings_api::{ManagementMutation, ManagementQuery};

fn sdl() -> String {
    let schema =
        Schema::build(ManagementQuery::default(), ManagementMutation::default(), EmptySubscription);
    schema.finish().sdl()
}

fn argument(input: &InputValueDefinition) -> String {
    let default = input.default_value.as_ref().map(|value| format!(" = {}", value.node));
    format!("{}: {}{}", input.name.node, input.ty.node, default.unwrap_or_default())
}

fn field(owner: &str, field: &FieldDefinition) -> [String; 2] {
    let arguments: Vec<String> = field.arguments.iter().map(|one| argument(&one.node)).collect();
    let arguments = match arguments.as_slice() {
        [] => String::new(),
        some => format!("({})", some.join(", ")),
    };
    let start = format!("{owner}.{}{arguments}", field.name.node);
    [format!("{start}: {}", field.ty.node), start]
}

/// Every name and shape of the schema, each on a line; fields also without their type.
fn lines(sdl: &str) -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    for definition in parse_schema(sdl).unwrap().definitions {
        let TypeSystemDefinition::Type(definition) = definition else { continue };
        let name = definition.node.name.node.to_string();
        let name = name.strip_prefix("Management").unwrap_or(&name);
        match definition.node.kind {
            TypeKind::Object(object) => {
                lines.extend(object.fields.iter().flat_map(|one| field(name, &one.node)));
            }
            TypeKind::InputObject(input) => {
                lines.extend(input.fields.iter().map(|f| format!("{name}.{}", argument(&f.node))));
            }
            TypeKind::Enum(values) => {
                lines.extend(
                    values.values.iter().map(|v| format!("{name} = {}", v.node.value.node)),
                );
            }
            TypeKind::Union(union) => {
                lines
                    .extend(union.members.iter().map(|member| format!("{name} | {}", member.node)));
            }
            TypeKind::Scalar | TypeKind::Interface(_) => {}
        }
    }
    lines
}

#[test]
fn the_schema_has_every_name_and_shape_that_others_rely_on() {
    let lines = lines(&sdl());
    let missing: Vec<&str> =
        include_str!("shape.txt").lines().filter(|line| !lines.contains(*line)).collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn every_mutation_gives_a_union_that_has_room_for_a_failure() {
    let sdl = sdl();
    let lines = lines(&sdl);
    let mutations = lines.iter().filter(|line| line.starts_with("Mutation."));
    let results: Vec<&str> =
        mutations.filter_map(|line| line.rsplit_once("): ")).map(|l| l.1).collect();
    assert_eq!(results.len(), 17);
    for result in results {
        let name = result.strip_suffix("Result!").unwrap_or_else(|| panic!("{result}"));
        assert!(lines.contains(&format!("{name}Result | OperationFailure")), "{result}");
    }
}

#[test]
fn every_type_field_and_argument_is_described() {
    for definition in parse_schema(sdl()).unwrap().definitions {
        let TypeSystemDefinition::Type(definition) = definition else { continue };
        let (name, node) = (definition.node.name.node.to_string(), definition.node);
        let own = name.starts_with("Management") || name.ends_with("Page");
        assert!(node.description.is_some() || own, "{name}");
        match node.kind {
            TypeKind::Object(object) => {
                for field in object.fields {
                    assert!(field.node.description.is_some(), "{name}.{}", field.node.name.node);
                    for argument in field.node.arguments {
                        let what =
                            format!("{name}.{} {}", field.node.name.node, argument.node.name.node);
                        assert!(argument.node.description.is_some(), "{what}");
                    }
                }
            }
            TypeKind::InputObject(input) => {
                for field in input.fields {
                    assert!(field.node.description.is_some(), "{name}.{}", field.node.name.node);
                }
            }
            TypeKind::Enum(values) => {
                for value in values.values {
                    assert!(value.node.description.is_some(), "{name} {}", value.node.value.node);
                }
            }
            _ => {}
        }
    }
}
