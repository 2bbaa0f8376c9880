//! What the platform is as a source: its name, its endpoint, and which triggers fire for which
//! entity.

use tidings_core::{
    source::{SourceInfo, TriggerCatalogue},
    trigger::TriggerName,
};

use crate::domain::{Body, EnergySwitch, User};

/// A trigger of the platform.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trigger {
    /// A user was added.
    UserAdded,
    /// A user was deleted.
    UserDeleted,
    /// A switch was added.
    EnergySwitchAdded,
    /// A switch was changed.
    EnergySwitchUpdated,
}

impl Trigger {
    const ALL: [Trigger; 4] = [
        Trigger::UserAdded,
        Trigger::UserDeleted,
        Trigger::EnergySwitchAdded,
        Trigger::EnergySwitchUpdated,
    ];

    /// Its name.
    #[must_use]
    pub fn name(self) -> TriggerName {
        let text = match self {
            Trigger::UserAdded => "UserAdded",
            Trigger::UserDeleted => "UserDeleted",
            Trigger::EnergySwitchAdded => "EnergySwitchAdded",
            Trigger::EnergySwitchUpdated => "EnergySwitchUpdated",
        };
        text.parse().expect("an upper-case letter and letters are a trigger's name")
    }

    /// What the store calls the entities that it fires for.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Trigger::UserAdded | Trigger::UserDeleted => User::KIND,
            Trigger::EnergySwitchAdded | Trigger::EnergySwitchUpdated => EnergySwitch::KIND,
        }
    }

    /// The trigger with this name, where the platform has it.
    #[must_use]
    pub fn named(name: &TriggerName) -> Option<Trigger> {
        Trigger::ALL.into_iter().find(|trigger| trigger.name() == *name)
    }
}

/// The platform as a source. `public_url` is the origin under which this installation is reached,
/// without a path.
#[must_use]
pub fn source_info(public_url: &str) -> SourceInfo {
    SourceInfo {
        name: "platform".parse().expect("letters are a name"),
        api: format!("{}/v1/graphql", public_url.trim_end_matches('/')),
        triggers: TriggerCatalogue::Listed(Trigger::ALL.map(Trigger::name).into()),
        aliases: Vec::new(),
    }
}
