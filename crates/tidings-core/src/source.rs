//! A source: a GraphQL API that events come from and that is queried. What the core must know of
//! one.

use std::collections::BTreeSet;

use crate::{application::Name, trigger::TriggerName};

/// What a source is called, where it is, and which triggers it fires.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SourceInfo {
    /// Its name: `platform` for the built-in one.
    pub name: Name,
    /// The GraphQL endpoint, as `query.api` tells it to receivers.
    pub api: String,
    /// The triggers that it fires.
    pub triggers: TriggerCatalogue,
    /// Names under which a trigger is also heard.
    pub aliases: Vec<TriggerAlias>,
}

/// The triggers of a source.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TriggerCatalogue {
    /// These and no others.
    Listed(BTreeSet<TriggerName>),
    /// Any well-formed name.
    Any,
}

impl TriggerCatalogue {
    /// Whether the source can fire it.
    #[must_use]
    pub fn has(&self, trigger: &TriggerName) -> bool {
        match self {
            TriggerCatalogue::Listed(names) => names.contains(trigger),
            TriggerCatalogue::Any => true,
        }
    }
}

/// A webhook that listens to `heard_as` also receives what fires as `fired`, under the name
/// `heard_as`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TriggerAlias {
    /// The name of the event.
    pub fired: TriggerName,
    /// The name that a webhook may listen to instead.
    pub heard_as: TriggerName,
}
