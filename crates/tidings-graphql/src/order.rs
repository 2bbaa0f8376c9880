//! The order of an answer's fields. GraphQL wants that in which they were asked for; the executor
//! resolves fields beside each other and writes each down when it is done.
//!
//! Fields of fragments count where the fragment stands. An object that two fragments of different
//! types could both describe has its fields in the order of the first.

use async_graphql::{
    Name, Value,
    indexmap::IndexMap,
    parser::types::{DocumentOperations, ExecutableDocument, Field, Selection, SelectionSet},
};

/// Fragments within fragments that are followed; a document that was validated has no cycles.
const FRAGMENTS_MAX: usize = 64;

/// Puts the fields of `data` into the order in which the operation asks for them.
pub fn restore(data: &mut Value, document: &ExecutableDocument, operation: Option<&str>) {
    let found = match &document.operations {
        DocumentOperations::Single(single) => Some(single),
        DocumentOperations::Multiple(named) => operation.and_then(|name| named.get(name)),
    };
    if let Some(found) = found {
        order(data, &[&found.node.selection_set.node], document);
    }
}

fn order(value: &mut Value, selected: &[&SelectionSet], document: &ExecutableDocument) {
    match value {
        Value::List(items) => items.iter_mut().for_each(|item| order(item, selected, document)),
        Value::Object(object) => {
            let mut asked = IndexMap::new();
            for selection_set in selected {
                collect(selection_set, document, FRAGMENTS_MAX, &mut asked);
            }
            let mut answered = std::mem::take(object);
            for (key, fields) in asked {
                if let Some(mut field) = answered.swap_remove(key) {
                    let below: Vec<&SelectionSet> =
                        fields.iter().map(|field| &field.selection_set.node).collect();
                    order(&mut field, &below, document);
                    object.insert(key.clone(), field);
                }
            }
            object.extend(answered);
        }
        _ => {}
    }
}

/// The fields of a selection set by the key that they have in the answer.
fn collect<'a>(
    selection_set: &'a SelectionSet,
    document: &'a ExecutableDocument,
    fragments_max: usize,
    asked: &mut IndexMap<&'a Name, Vec<&'a Field>>,
) {
    for selection in &selection_set.items {
        let fragment = match &selection.node {
            Selection::Field(field) => {
                asked.entry(&field.node.response_key().node).or_default().push(&field.node);
                continue;
            }
            Selection::InlineFragment(inline) => Some(&inline.node.selection_set.node),
            Selection::FragmentSpread(spread) => {
                let named = document.fragments.get(&spread.node.fragment_name.node);
                named.map(|fragment| &fragment.node.selection_set.node)
            }
        };
        if let (Some(fragment), Some(left)) = (fragment, fragments_max.checked_sub(1)) {
            collect(fragment, document, left, asked);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(query: &str, operation: Option<&str>, given: &str, wanted: &str) {
        let document = async_graphql::parser::parse_query(query).unwrap();
        let mut data: Value = serde_json::from_str(given).unwrap();
        restore(&mut data, &document, operation);
        assert_eq!(serde_json::to_string(&data).unwrap(), wanted, "{query}");
    }

    #[test]
    fn fields_come_in_the_order_in_which_they_were_asked_for() {
        check("{ a b c }", None, r#"{"c":3,"a":1,"b":2}"#, r#"{"a":1,"b":2,"c":3}"#);
        check("{ x: a y: b }", None, r#"{"y":2,"x":1}"#, r#"{"x":1,"y":2}"#);
        let lists = r#"{"l":[{"b":2,"a":1},null,[{"b":4,"a":3}]]}"#;
        check("{ l { a b } }", None, lists, r#"{"l":[{"a":1,"b":2},null,[{"a":3,"b":4}]]}"#);
        check("query A { a b } query B { b a }", Some("B"), r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1}"#);
    }

    #[test]
    fn fields_of_fragments_stand_where_the_fragment_does_and_merge() {
        let given = r#"{"u":{"name":"n","id":"i","__typename":"User"}}"#;
        let wanted = r#"{"u":{"__typename":"User","id":"i","name":"n"}}"#;
        let inline = "{ u { __typename ... on Gone { text } ... on User { id name } } }";
        check(inline, None, given, wanted);
        let spread = "{ u { __typename ...f } } fragment f on User { ... { id } name }";
        check(spread, None, given, wanted);
        let merged = "{ u { __typename } u { id } ... on Query { u { name } } }";
        check(merged, None, given, wanted);
    }

    #[test]
    fn what_was_left_out_is_not_invented_and_a_cycle_ends() {
        check("{ a @skip(if: true) b }", None, r#"{"b":2}"#, r#"{"b":2}"#);
        check(
            "{ ...f } fragment f on Query { b ...f a }",
            None,
            r#"{"a":1,"b":2}"#,
            r#"{"b":2,"a":1}"#,
        );
        check("{ a }", None, "null", "null");
    }
}
