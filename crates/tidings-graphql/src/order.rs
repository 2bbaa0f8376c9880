//! The shape of an answer, where the executor's is not GraphQL's.
//!
//! - Fields come in the order in which they were asked for; the executor resolves them beside each
//!   other and writes each down when it is done.
//! - An object of which no field was selected (each fragment is for another type, or all was
//!   skipped) is `{}`; the executor writes `null`. So every object is asked for its type's name
//!   under a key of ours, which is taken out again.
//!
//!   prepare(document) ─► the executor ─► restore(data)
//!
//! Fields of fragments count where the fragment stands. An object that two fragments of different
//! types could both describe has its fields in the order of the first.

use async_graphql::{
    Name, PathSegment, Pos, Positioned, Response, ServerError, Value,
    indexmap::IndexMap,
    parser::types::{DocumentOperations, ExecutableDocument, Field, Selection, SelectionSet},
};

/// Fragments within fragments that are followed; a document that was validated has no cycles.
const FRAGMENTS_MAX: usize = 64;

/// The key under which every object tells that it is there.
const PRESENCE: &str = "_tidings_presence";

/// Has every object asked for its type's name, so that none comes without a field.
pub fn prepare(document: &mut ExecutableDocument) {
    match &mut document.operations {
        DocumentOperations::Single(single) => {
            ask_for_presence(&mut single.node.selection_set.node);
        }
        DocumentOperations::Multiple(named) => {
            for operation in named.values_mut() {
                ask_for_presence(&mut operation.node.selection_set.node);
            }
        }
    }
    for fragment in document.fragments.values_mut() {
        within_fields(&mut fragment.node.selection_set.node);
    }
}

fn ask_for_presence(selection_set: &mut SelectionSet) {
    within_fields(selection_set);
    let here = |text: &str| Positioned::new(Name::new(text), Pos::default());
    let field = Field {
        alias: Some(here(PRESENCE)),
        name: here("__typename"),
        arguments: Vec::new(),
        directives: Vec::new(),
        selection_set: Positioned::new(SelectionSet::default(), Pos::default()),
    };
    let field = Positioned::new(field, Pos::default());
    selection_set.items.push(Positioned::new(Selection::Field(field), Pos::default()));
}

/// Below a field stands an object; a fragment adds to one that was asked already.
fn within_fields(selection_set: &mut SelectionSet) {
    for selection in &mut selection_set.items {
        match &mut selection.node {
            Selection::Field(field) if field.node.selection_set.node.items.is_empty() => {}
            Selection::Field(field) => ask_for_presence(&mut field.node.selection_set.node),
            Selection::InlineFragment(inline) => {
                within_fields(&mut inline.node.selection_set.node);
            }
            Selection::FragmentSpread(_) => {}
        }
    }
}

/// Takes out what [`prepare`] asked for, and puts the fields of `data` into the order in which the
/// operation asks for them. An object that an error left without a field is `null`, as the
/// executor has it.
pub fn restore(response: &mut Response, document: &ExecutableDocument, operation: Option<&str>) {
    let found = match &document.operations {
        DocumentOperations::Single(single) => Some(single),
        // One that has a name is run without being named.
        DocumentOperations::Multiple(named) => match operation {
            Some(name) => named.get(name),
            None => named.values().next().filter(|_| named.len() == 1),
        },
    };
    if let Some(found) = found {
        let mut order = Order { document, errors: &response.errors, path: Vec::new() };
        order.restore(&mut response.data, &[&found.node.selection_set.node]);
    }
}

/// The way through an answer.
struct Order<'a> {
    document: &'a ExecutableDocument,
    errors: &'a [ServerError],
    /// Where in the answer this is.
    path: Vec<PathSegment>,
}

impl Order<'_> {
    fn restore(&mut self, value: &mut Value, selected: &[&SelectionSet]) {
        match value {
            Value::List(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    self.below(PathSegment::Index(index), item, selected);
                }
            }
            Value::Object(object) => {
                let mut answered = std::mem::take(object);
                answered.swap_remove(PRESENCE);
                let mut asked = IndexMap::new();
                for selection_set in selected {
                    collect(selection_set, self.document, FRAGMENTS_MAX, &mut asked);
                }
                for (key, fields) in asked {
                    if let Some(mut field) = answered.swap_remove(key) {
                        let below: Vec<&SelectionSet> =
                            fields.iter().map(|field| &field.selection_set.node).collect();
                        self.below(PathSegment::Field(key.to_string()), &mut field, &below);
                        object.insert(key.clone(), field);
                    }
                }
                object.extend(answered);
                if object.is_empty() && self.has_failed() {
                    *value = Value::Null;
                }
            }
            _ => {}
        }
    }

    fn below(&mut self, segment: PathSegment, value: &mut Value, selected: &[&SelectionSet]) {
        self.path.push(segment);
        self.restore(value, selected);
        self.path.pop();
    }

    fn has_failed(&self) -> bool {
        self.errors.iter().any(|error| error.path.starts_with(&self.path))
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
            Selection::Field(field) if field.node.response_key().node == PRESENCE => continue,
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
        let mut response = Response::new(serde_json::from_str::<Value>(given).unwrap());
        restore(&mut response, &document, operation);
        assert_eq!(serde_json::to_string(&response.data).unwrap(), wanted, "{query}");
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
    fn every_object_is_asked_for_its_presence_and_does_not_tell_it() {
        let query = "{ a { ... on B { c { d } } ...f } } fragment f on A { e { g } }";
        let mut document = async_graphql::parser::parse_query(query).unwrap();
        prepare(&mut document);
        let given = r#"{"a":{"_tidings_presence":"A","e":{"_tidings_presence":"E"}}}"#;
        let mut response = Response::new(serde_json::from_str::<Value>(given).unwrap());
        restore(&mut response, &document, None);
        assert_eq!(serde_json::to_string(&response.data).unwrap(), r#"{"a":{"e":{}}}"#);
        let mut failed = ServerError::new("it went wrong", None);
        failed.path = ["a", "e", "g"].map(|key| PathSegment::Field(key.to_owned())).into();
        response = Response::new(serde_json::from_str::<Value>(given).unwrap());
        response.errors.push(failed);
        restore(&mut response, &document, None);
        assert_eq!(serde_json::to_string(&response.data).unwrap(), r#"{"a":{"e":null}}"#);
    }

    #[test]
    fn the_only_operation_tells_no_presence_also_where_it_has_a_name_and_nobody_names_it() {
        let mut document = async_graphql::parser::parse_query("query Named { a { b } }").unwrap();
        prepare(&mut document);
        let given = r#"{"_tidings_presence":"Q","a":{"b":1,"_tidings_presence":"A"}}"#;
        for operation in [None, Some("Named")] {
            let mut response = Response::new(serde_json::from_str::<Value>(given).unwrap());
            restore(&mut response, &document, operation);
            assert_eq!(serde_json::to_string(&response.data).unwrap(), r#"{"a":{"b":1}}"#);
        }
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
