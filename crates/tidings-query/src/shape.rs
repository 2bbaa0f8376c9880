//! How large a query is once its fragments are put in, without putting them in.
//!
//! ```text
//! fragments ─► an order in which each comes after those it spreads ─► measured once each
//!                 └─ no such order: a fragment contains itself
//! ```
//!
//! Thirty fragments that each spread the next one twice are 2³⁰ selections; measured once each and
//! added up they are thirty additions. All of this runs before anything that walks a selection
//! through its fragments.

use std::collections::{BTreeMap, BTreeSet};

use apollo_compiler::Node;
use apollo_compiler::ast::{Definition, DirectiveList, OperationDefinition, Selection};

use crate::document::ParsedDocument;
use crate::limits::{
    ALIASES_MAX, DEPTH_MAX, DIRECTIVES_MAX, FRAGMENTS_MAX, NESTING_MAX, ROOT_FIELDS_MAX,
    SELECTIONS_MAX, VARIABLES_MAX,
};
use crate::problem::QueryProblem;

/// What a selection set comes to, fragments put in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) depth: u64,
    nesting: u64,
    selections: u64,
    aliases: u64,
    directives: u64,
    root_fields: u64,
}

impl Shape {
    fn add(&mut self, other: Shape) {
        self.depth = self.depth.max(other.depth);
        self.nesting = self.nesting.max(other.nesting);
        self.selections = self.selections.saturating_add(other.selections);
        self.aliases = self.aliases.saturating_add(other.aliases);
        self.directives = self.directives.saturating_add(other.directives);
        self.root_fields = self.root_fields.saturating_add(other.root_fields);
    }

    fn below(mut self, directives: &DirectiveList) -> Shape {
        self.nesting = self.nesting.saturating_add(1);
        self.selections = self.selections.saturating_add(1);
        self.directives = self.directives.saturating_add(directives.0.len() as u64);
        self
    }
}

/// Measures `operation` and holds it against the limits.
///
/// # Errors
/// Every limit that it is over, or the fragments that contain themselves.
pub(crate) fn measure(
    path: &str,
    parsed: &ParsedDocument,
    operation: &Node<OperationDefinition>,
) -> Result<Shape, Vec<QueryProblem>> {
    let start = operation.location().map_or(0, |span| span.offset());
    let problem = |message: String| QueryProblem::at(path, message, parsed.text(), start);
    let fragments = fragments(parsed);
    if fragments.len() > FRAGMENTS_MAX {
        return Err(vec![problem(too_much(
            fragments.len() as u64,
            "named fragments",
            "fragments_max",
            FRAGMENTS_MAX as u64,
        ))]);
    }
    let shapes = measure_fragments(path, parsed, &fragments).map_err(|problem| vec![problem])?;
    let mut shape = Shape::default();
    shape.add(of_selections(&operation.selection_set, &shapes));
    shape.directives = shape.directives.saturating_add(operation.directives.0.len() as u64);
    for variable in &operation.variables {
        shape.directives = shape.directives.saturating_add(variable.directives.0.len() as u64);
    }
    let limits = [
        (shape.selections, "fields and fragments", "selections_max", SELECTIONS_MAX),
        (shape.depth, "levels of fields", "depth_max", DEPTH_MAX),
        (shape.nesting, "selections inside one another", "nesting_max", NESTING_MAX as u64),
        (shape.aliases, "aliases", "aliases_max", ALIASES_MAX),
        (shape.directives, "directives", "directives_max", DIRECTIVES_MAX),
        (shape.root_fields, "fields at the root", "root_fields_max", ROOT_FIELDS_MAX),
        (operation.variables.len() as u64, "variables", "variables_max", VARIABLES_MAX as u64),
    ];
    let problems: Vec<_> = limits
        .into_iter()
        .filter(|(count, _, _, max)| count > max)
        .map(|(count, what, name, max)| problem(too_much(count, what, name, max)))
        .collect();
    if problems.is_empty() { Ok(shape) } else { Err(problems) }
}

fn too_much(count: u64, what: &str, name: &str, max: u64) -> String {
    if count == u64::MAX {
        return format!("the query has very many {what}, {name} is {max}: ask for less");
    }
    format!("the query has {count} {what}, {name} is {max}: ask for less")
}

struct Fragment<'a> {
    selections: &'a [Selection],
    directives: &'a DirectiveList,
    start: usize,
}

fn fragments(parsed: &ParsedDocument) -> BTreeMap<&str, Fragment<'_>> {
    let mut fragments = BTreeMap::new();
    for definition in &parsed.ast().definitions {
        if let Definition::FragmentDefinition(fragment) = definition {
            fragments.entry(fragment.name.as_str()).or_insert(Fragment {
                selections: &fragment.selection_set,
                directives: &fragment.directives,
                start: fragment.location().map_or(0, |span| span.offset()),
            });
        }
    }
    fragments
}

/// Measures each fragment after those that it spreads.
fn measure_fragments<'a>(
    path: &str,
    parsed: &ParsedDocument,
    fragments: &BTreeMap<&'a str, Fragment<'a>>,
) -> Result<BTreeMap<&'a str, Shape>, QueryProblem> {
    let mut waiting: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, fragment) in fragments {
        let mut spreads = BTreeSet::new();
        collect_spreads(fragment.selections, &mut spreads);
        spreads.retain(|spread| fragments.contains_key(spread));
        waiting.insert(name, spreads);
    }
    let mut shapes = BTreeMap::new();
    // Each round measures at least one of at most FRAGMENTS_MAX fragments, or ends.
    while !waiting.is_empty() {
        let ready: Vec<&str> = waiting
            .iter()
            .filter(|(_, spreads)| spreads.iter().all(|spread| shapes.contains_key(spread)))
            .map(|(name, _)| *name)
            .collect();
        if ready.is_empty() {
            return Err(cycle(path, parsed, fragments, &waiting));
        }
        for name in ready {
            waiting.remove(name);
            let Some((name, fragment)) = fragments.get_key_value(name) else { continue };
            let mut shape = of_selections(fragment.selections, &shapes);
            let own = fragment.directives.0.len() as u64;
            shape.directives = shape.directives.saturating_add(own);
            shapes.insert(*name, shape);
        }
    }
    Ok(shapes)
}

/// Every fragment that waits spreads one that waits: following them must come round.
fn cycle(
    path: &str,
    parsed: &ParsedDocument,
    fragments: &BTreeMap<&str, Fragment<'_>>,
    waiting: &BTreeMap<&str, BTreeSet<&str>>,
) -> QueryProblem {
    let mut trail: Vec<&str> = Vec::new();
    let mut next = waiting.keys().next().copied();
    while let Some(name) = next {
        if let Some(index) = trail.iter().position(|seen| *seen == name) {
            trail.drain(..index);
            trail.push(name);
            break;
        }
        trail.push(name);
        next = waiting[name].iter().find(|spread| waiting.contains_key(*spread)).copied();
    }
    let first = trail.first().copied().unwrap_or_default();
    let message = format!(
        "the fragment `{first}` contains itself ({}): take one of the spreads out",
        trail.join(" → ")
    );
    let start = fragments.get(first).map_or(0, |fragment| fragment.start);
    QueryProblem::at(path, message, parsed.text(), start)
}

/// The recursion is bounded by the brackets of the text (`nesting_max`).
fn collect_spreads<'a>(selections: &'a [Selection], spreads: &mut BTreeSet<&'a str>) {
    for selection in selections {
        match selection {
            Selection::Field(field) => collect_spreads(&field.selection_set, spreads),
            Selection::InlineFragment(inline) => collect_spreads(&inline.selection_set, spreads),
            Selection::FragmentSpread(spread) => {
                spreads.insert(spread.fragment_name.as_str());
            }
        }
    }
}

/// As above; a fragment that does not exist counts nothing, the compiler will name it.
fn of_selections(selections: &[Selection], fragments: &BTreeMap<&str, Shape>) -> Shape {
    let mut shape = Shape::default();
    for selection in selections {
        let part = match selection {
            Selection::Field(field) => {
                let mut part = of_selections(&field.selection_set, fragments);
                part.depth = part.depth.saturating_add(1);
                part.root_fields = 1;
                part.aliases = part.aliases.saturating_add(u64::from(field.alias.is_some()));
                part.below(&field.directives)
            }
            Selection::InlineFragment(inline) => {
                of_selections(&inline.selection_set, fragments).below(&inline.directives)
            }
            Selection::FragmentSpread(spread) => fragments
                .get(spread.fragment_name.as_str())
                .copied()
                .unwrap_or_default()
                .below(&spread.directives),
        };
        shape.add(part);
    }
    shape
}
