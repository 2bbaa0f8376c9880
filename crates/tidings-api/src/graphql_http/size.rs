//! How much one request may ask. Everything is measured before anything walks or runs it, and each
//! refusal names its bound.
//!
//!   text: tokens, open brackets (counted, no recursion) ─► parsed
//!      ─► every operation, fragments put in: depth, fields, aliases, directives
//!      ─► the one that is asked for: cost
//!
//! What is not asked for is measured too: the schema's rules walk all of the document.

use std::collections::HashSet;

use async_graphql::{
    Name, Positioned, Value, Variables,
    parser::types::{
        Directive, ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet,
    },
};

/// Tokens of a document; white space, commas and comments do not count.
const TOKENS_MAX: usize = 10_000;
/// Brackets of any kind that are open at one place.
const NESTING_MAX: usize = 48;
/// Fields below one another.
const DEPTH_MAX: usize = 20;
/// Fields of a document, fragments put in.
const FIELDS_MAX: usize = 5_000;
/// Fields at the root of an operation.
const ROOT_FIELDS_MAX: usize = 50;
/// Fields of a document with an alias, fragments put in.
const ALIASES_MAX: usize = 200;
/// Directives of a document, fragments put in.
const DIRECTIVES_MAX: usize = 100;
/// Fragments inside one another.
const FRAGMENTS_DEPTH_MAX: usize = 32;
/// Lists of the introspection inside one another: each multiplies the answer by the size of the
/// schema.
const INTROSPECTION_LISTS_MAX: usize = 2;
/// Questions about the schema in a document: each may be answered with most of it, without a token.
const INTROSPECTIONS_MAX: usize = 5;
/// The estimate of fields in the answer: what is below a page counts as often as the page has
/// items.
const COST_MAX: u64 = 20_000;
/// Items of a page that names no number.
const FIRST: u64 = tidings_graphql::page::FIRST.unsigned_abs() as u64;

/// Measures a document's text.
///
/// # Errors
/// Which bound it passes, for people.
pub(super) fn of_text(text: &str) -> Result<(), String> {
    let bytes = text.as_bytes();
    let (mut tokens, mut open, mut place) = (0_usize, 0_usize, 0);
    while let Some(byte) = bytes.get(place) {
        let start = place;
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' | b',' => {
                place += 1;
                continue;
            }
            b'#' => {
                place = end_of(bytes, place, |byte| !matches!(byte, b'\n' | b'\r'));
                continue;
            }
            b'{' | b'[' | b'(' => {
                open += 1;
                place += 1;
            }
            b'}' | b']' | b')' => {
                open = open.saturating_sub(1);
                place += 1;
            }
            b'"' => place = end_of_string(bytes, place),
            b'_' | b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' => {
                place = end_of(bytes, place, |byte| byte == b'_' || byte.is_ascii_alphanumeric());
            }
            _ => place += 1,
        }
        debug_assert!(place > start, "every turn goes on");
        tokens += 1;
        if tokens > TOKENS_MAX {
            return Err(format!("the document has over {TOKENS_MAX} tokens: ask for less"));
        }
        if open > NESTING_MAX {
            return Err(format!("the document nests over {NESTING_MAX} brackets: ask for less"));
        }
    }
    Ok(())
}

fn end_of(bytes: &[u8], start: usize, is_part: impl Fn(u8) -> bool) -> usize {
    let length = bytes[start..].iter().position(|byte| !is_part(*byte));
    length.map_or(bytes.len(), |length| start + length.max(1))
}

fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let is_block = bytes[start..].starts_with(b"\"\"\"");
    let mut place = start + if is_block { 3 } else { 1 };
    while place < bytes.len() {
        let rest = &bytes[place..];
        if is_block {
            match rest {
                [b'\\', b'"', b'"', b'"', ..] => place += 4,
                [b'"', b'"', b'"', ..] => return place + 3,
                _ => place += 1,
            }
        } else {
            match rest[0] {
                b'\\' => place += 2,
                b'"' | b'\n' | b'\r' => return place + 1,
                _ => place += 1,
            }
        }
    }
    bytes.len()
}

/// Measures a document with its fragments put in, and what the operation that is asked for costs.
///
/// # Errors
/// Which bound it passes, for people.
pub(super) fn of_document(
    document: &ExecutableDocument,
    operation: &OperationDefinition,
    variables: &Variables,
) -> Result<(), String> {
    let mut measure = Measure::of(document, variables);
    // The one that is asked for comes first, so that its own excess is what is told.
    let cost = measure.operation(operation)?;
    for (_, other) in document.operations.iter() {
        if !std::ptr::eq(&raw const other.node, operation) {
            measure.operation(&other.node)?;
        }
    }
    measure.unused_fragments()?;
    if cost > COST_MAX {
        return Err(format!(
            "the operation would give about {cost} fields, at most {COST_MAX} are given: ask for \
             fewer items (`first`) or fewer fields"
        ));
    }
    Ok(())
}

#[derive(Clone, Copy, Default)]
struct Place {
    depth: usize,
    fragments: usize,
    introspection: usize,
}

struct Measure<'a> {
    document: &'a ExecutableDocument,
    variables: &'a Variables,
    used: HashSet<&'a Name>,
    fields: usize,
    aliases: usize,
    directives: usize,
    introspections: usize,
    roots: usize,
}

fn over(what: &str, max: usize) -> String {
    format!("the document has more than {max} {what}: ask for less")
}

impl<'a> Measure<'a> {
    fn of(document: &'a ExecutableDocument, variables: &'a Variables) -> Measure<'a> {
        Measure {
            document,
            variables,
            used: HashSet::new(),
            fields: 0,
            aliases: 0,
            directives: 0,
            introspections: 0,
            roots: 0,
        }
    }

    /// The cost of an operation.
    fn operation(&mut self, operation: &'a OperationDefinition) -> Result<u64, String> {
        self.roots = 0;
        self.directives(&operation.directives)?;
        let at = Place { depth: 1, ..Place::default() };
        self.selections(&operation.selection_set.node, at)
    }

    /// Fragments that no operation leads to. None of their fields is at a root.
    fn unused_fragments(&mut self) -> Result<(), String> {
        let fragments = &self.document.fragments;
        for (name, fragment) in fragments {
            if self.used.insert(name) {
                let at = Place { depth: 2, fragments: 1, ..Place::default() };
                self.selections(&fragment.node.selection_set.node, at)?;
            }
        }
        Ok(())
    }

    fn directives(&mut self, directives: &[Positioned<Directive>]) -> Result<(), String> {
        self.directives += directives.len();
        if self.directives > DIRECTIVES_MAX {
            return Err(over("directives", DIRECTIVES_MAX));
        }
        Ok(())
    }

    /// The cost of a selection set.
    fn selections(&mut self, selections: &'a SelectionSet, at: Place) -> Result<u64, String> {
        if at.depth > DEPTH_MAX {
            return Err(over("levels of fields", DEPTH_MAX));
        }
        if at.fragments > FRAGMENTS_DEPTH_MAX {
            return Err(over("fragments inside one another", FRAGMENTS_DEPTH_MAX));
        }
        let mut cost = 0_u64;
        for selection in &selections.items {
            self.directives(selection.node.directives())?;
            let part = match &selection.node {
                Selection::Field(field) => self.field(&field.node, at)?,
                Selection::InlineFragment(fragment) => {
                    let at = Place { fragments: at.fragments + 1, ..at };
                    self.selections(&fragment.node.selection_set.node, at)?
                }
                Selection::FragmentSpread(spread) => {
                    // Counted like a field, so that fragments which lead to nothing are bounded
                    // too.
                    self.count_field()?;
                    let at = Place { fragments: at.fragments + 1, ..at };
                    match self.document.fragments.get_key_value(&spread.node.fragment_name.node) {
                        Some((name, fragment)) => {
                            self.used.insert(name);
                            self.selections(&fragment.node.selection_set.node, at)?
                        }
                        None => 0,
                    }
                }
            };
            cost = cost.saturating_add(part);
        }
        Ok(cost)
    }

    fn count_field(&mut self) -> Result<(), String> {
        self.fields += 1;
        if self.fields > FIELDS_MAX {
            return Err(over("fields", FIELDS_MAX));
        }
        Ok(())
    }

    fn field(&mut self, field: &'a Field, at: Place) -> Result<u64, String> {
        self.count_field()?;
        if field.alias.is_some() {
            self.aliases += 1;
            if self.aliases > ALIASES_MAX {
                return Err(over("aliases", ALIASES_MAX));
            }
        }
        if at.depth == 1 {
            self.roots += 1;
            if self.roots > ROOT_FIELDS_MAX {
                return Err(over("fields at the root", ROOT_FIELDS_MAX));
            }
        }
        let name = field.name.node.as_str();
        if matches!(name, "__schema" | "__type") {
            self.introspections += 1;
            if self.introspections > INTROSPECTIONS_MAX {
                return Err(over("questions about the schema", INTROSPECTIONS_MAX));
            }
        }
        let is_list = matches!(name, "fields" | "inputFields" | "interfaces" | "possibleTypes");
        let introspection = at.introspection + usize::from(is_list);
        if introspection > INTROSPECTION_LISTS_MAX {
            return Err(over("lists of types inside one another", INTROSPECTION_LISTS_MAX));
        }
        let below = Place { depth: at.depth + 1, introspection, ..at };
        let inner = self.selections(&field.selection_set.node, below)?;
        Ok(inner.saturating_mul(self.items(field)).saturating_add(1))
    }

    /// How often what is below a field is given.
    fn items(&self, field: &Field) -> u64 {
        let is_items = |selection: &Positioned<Selection>| match &selection.node {
            Selection::Field(field) => field.node.name.node.as_str() == "items",
            _ => false,
        };
        let given = field.get_argument("first").map(|value| {
            let resolved = value.node.clone().into_const_with(|name| {
                Ok::<Value, ()>(self.variables.get(&name).cloned().unwrap_or_default())
            });
            match resolved {
                Ok(Value::Number(number)) => number.as_u64().unwrap_or(1).max(1),
                _ => FIRST,
            }
        });
        let is_page = field.selection_set.node.items.iter().any(is_items);
        given.unwrap_or(if is_page { FIRST } else { 1 })
    }
}
