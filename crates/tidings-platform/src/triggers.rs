//! What the platform is as a source: its name, its endpoint, and which triggers fire for which
//! entity.

use tidings_core::{
    source::{SourceInfo, TriggerAlias, TriggerCatalogue},
    trigger::TriggerName,
};

use crate::domain::{Account, Body, Document, EnergySwitch, Provision, ToDo, User};

/// The path of the platform's endpoint.
const API_PATH: &str = "/v1/graphql";

/// A trigger of the platform.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trigger {
    /// A user was added.
    UserAdded,
    /// A user was deleted, with all that hung on it.
    UserDeleted,
    /// An account was linked.
    AccountAdded,
    /// An account or its provisions were changed.
    AccountUpdated,
    /// An account was deleted, with all that hung on it.
    AccountDeleted,
    /// A provision was added.
    ProvisionAdded,
    /// A provision was changed.
    ProvisionUpdated,
    /// A document was collected.
    DocumentAdded,
    /// A to-do was added.
    ToDoAdded,
    /// A to-do was done.
    ToDoDone,
    /// A switch was added.
    EnergySwitchAdded,
    /// A switch was changed.
    EnergySwitchUpdated,
}

impl Trigger {
    const ALL: [Trigger; 12] = [
        Trigger::UserAdded,
        Trigger::UserDeleted,
        Trigger::AccountAdded,
        Trigger::AccountUpdated,
        Trigger::AccountDeleted,
        Trigger::ProvisionAdded,
        Trigger::ProvisionUpdated,
        Trigger::DocumentAdded,
        Trigger::ToDoAdded,
        Trigger::ToDoDone,
        Trigger::EnergySwitchAdded,
        Trigger::EnergySwitchUpdated,
    ];

    /// Its name.
    #[must_use]
    pub fn name(self) -> TriggerName {
        self.as_str().parse().expect("an upper-case letter and letters are a trigger's name")
    }

    fn as_str(self) -> &'static str {
        match self {
            Trigger::UserAdded => "UserAdded",
            Trigger::UserDeleted => "UserDeleted",
            Trigger::AccountAdded => "AccountAdded",
            Trigger::AccountUpdated => "AccountUpdated",
            Trigger::AccountDeleted => "AccountDeleted",
            Trigger::ProvisionAdded => "ProvisionAdded",
            Trigger::ProvisionUpdated => "ProvisionUpdated",
            Trigger::DocumentAdded => "DocumentAdded",
            Trigger::ToDoAdded => "ToDoAdded",
            Trigger::ToDoDone => "ToDoDone",
            Trigger::EnergySwitchAdded => "EnergySwitchAdded",
            Trigger::EnergySwitchUpdated => "EnergySwitchUpdated",
        }
    }

    /// What the store calls the entities that it fires for.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Trigger::UserAdded | Trigger::UserDeleted => User::KIND,
            Trigger::AccountAdded | Trigger::AccountUpdated | Trigger::AccountDeleted => {
                Account::KIND
            }
            Trigger::ProvisionAdded | Trigger::ProvisionUpdated => Provision::KIND,
            Trigger::DocumentAdded => Document::KIND,
            Trigger::ToDoAdded | Trigger::ToDoDone => ToDo::KIND,
            Trigger::EnergySwitchAdded | Trigger::EnergySwitchUpdated => EnergySwitch::KIND,
        }
    }

    /// The trigger with this name, where the platform has it.
    #[must_use]
    pub fn named(name: &TriggerName) -> Option<Trigger> {
        Trigger::ALL.into_iter().find(|trigger| trigger.as_str() == name.as_str())
    }
}

/// The platform as a source. `public_url` is the origin under which this installation is reached,
/// without a path.
#[must_use]
pub fn source_info(public_url: &str) -> SourceInfo {
    SourceInfo {
        name: "platform".parse().expect("letters are a name"),
        api: format!("{}{API_PATH}", public_url.trim_end_matches('/')),
        triggers: TriggerCatalogue::Listed(Trigger::ALL.map(Trigger::name).into()),
        // The published table calls the change of an account by the name of its addition: who
        // listens to that name hears both.
        aliases: vec![TriggerAlias {
            fired: Trigger::AccountUpdated.name(),
            heard_as: Trigger::AccountAdded.name(),
        }],
    }
}

/// The origin under which this installation is reached: what documents' addresses begin with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PublicOrigin(String);

impl PublicOrigin {
    /// That of the platform which [`source_info`] described.
    #[must_use]
    pub fn of(platform: &SourceInfo) -> PublicOrigin {
        PublicOrigin(platform.api.strip_suffix(API_PATH).unwrap_or(&platform.api).to_owned())
    }

    /// The origin, without a slash at its end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Where a document's bytes are.
    #[must_use]
    pub fn document(&self, id: &str) -> String {
        format!("{}/v1/documents/{id}", self.0)
    }
}
