//! What a query may cost its source, estimated before it runs.
//!
//! A field costs 1. What is below a list costs as often as the list has items: as its argument
//! `first`, `last` or `limit` says (a literal, the webhook's value of a variable, or a default),
//! else [`LIST_ITEMS_ASSUMED`]. A page, that is a field which takes such an argument and is no
//! list itself, hands its number to the lists directly below it (`items`, `edges`, `nodes`).
//!
//! ```text
//! getUsers(first: 50) { items { id } }     1 + (1 + 50 × 1) = 52
//! ```
//!
//! The walk goes through fragments: `selections_max` and `nesting_max` have bounded it before.

use apollo_compiler::ExecutableDocument;
use apollo_compiler::ast::Value as Literal;
use apollo_compiler::executable::{Field, Selection, SelectionSet};
use serde_json::{Map, Value};

use crate::limits::LIST_ITEMS_ASSUMED;
use crate::variables::DeclaredVariables;

const SIZE_ARGUMENTS: [&str; 3] = ["first", "last", "limit"];

/// What is looked at beside the selections.
pub(crate) struct Pricing<'a> {
    pub(crate) document: &'a ExecutableDocument,
    pub(crate) declared: &'a DeclaredVariables,
    pub(crate) webhook: &'a Map<String, Value>,
}

impl Pricing<'_> {
    /// The cost of a selection set.
    pub(crate) fn cost(&self, selections: &SelectionSet) -> u64 {
        self.of_selections(selections, None)
    }

    fn of_selections(&self, selections: &SelectionSet, page: Option<u64>) -> u64 {
        let mut cost = 0_u64;
        for selection in &selections.selections {
            let part = match selection {
                Selection::Field(field) => self.of_field(field, page),
                Selection::InlineFragment(inline) => {
                    self.of_selections(&inline.selection_set, page)
                }
                Selection::FragmentSpread(spread) => {
                    match self.document.fragments.get(&spread.fragment_name) {
                        Some(fragment) => self.of_selections(&fragment.selection_set, page),
                        None => 0,
                    }
                }
            };
            cost = cost.saturating_add(part);
        }
        cost
    }

    fn of_field(&self, field: &Field, page: Option<u64>) -> u64 {
        let size = self.size(field);
        let below = if field.definition.ty.is_list() {
            let items = size.or(page).unwrap_or(LIST_ITEMS_ASSUMED);
            self.of_selections(&field.selection_set, None).saturating_mul(items)
        } else {
            self.of_selections(&field.selection_set, size)
        };
        below.saturating_add(1)
    }

    /// What the field's size arguments say: the largest of them, nothing when it takes none.
    fn size(&self, field: &Field) -> Option<u64> {
        let takes = field
            .definition
            .arguments
            .iter()
            .filter(|argument| SIZE_ARGUMENTS.contains(&argument.name.as_str()));
        takes
            .filter_map(|argument| {
                let given = field.arguments.iter().find(|given| given.name == argument.name);
                let default = argument.default_value.as_deref();
                match given {
                    Some(given) => self.number(&given.value, default),
                    None => default.and_then(number),
                }
            })
            .max()
    }

    fn number(&self, value: &Literal, default: Option<&Literal>) -> Option<u64> {
        let Literal::Variable(name) = value else { return number(value) };
        if let Some(given) = self.webhook.get(name.as_str()) {
            return given.as_i64().map(|size| u64::try_from(size).unwrap_or(0));
        }
        let declared = self.declared.get(name.as_str())?;
        declared.default.as_deref().and_then(number).or_else(|| default.and_then(number))
    }
}

fn number(value: &Literal) -> Option<u64> {
    match value {
        // A number too large to read is refused by its type; here it counts as very many.
        Literal::Int(_) => {
            Some(value.to_i32().map_or(u64::MAX, |size| u64::try_from(size).unwrap_or(0)))
        }
        _ => None,
    }
}
