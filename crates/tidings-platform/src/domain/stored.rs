//! An entity between the store, which keeps its fields as JSON text, and the schema.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tidings_core::{
    ids::{ApplicationId, EventId},
    time::Wall,
};
use tidings_graphql::Thing;
use tidings_store::{Entity, EntityChange, EntityExpectation, Link, StoreError};

/// The role of the user that an entity hangs on.
pub const USER_ROLE: &str = "user";
/// The role of the account that an entity hangs on.
pub const ACCOUNT_ROLE: &str = "account";

/// A link to what an entity hangs on.
#[must_use]
pub fn link(role: &str, id: &str) -> Link {
    Link { role: role.to_owned(), id: id.to_owned() }
}

/// The role under which that hangs on a tombstone which was deleted together with it. What had gone
/// before, alone, does not.
#[must_use]
pub fn last_role(role: &str) -> String {
    format!("{role}_last")
}

/// The fields of an entity.
pub trait Body: Serialize + DeserializeOwned + Clone + PartialEq + Send + Sync + 'static {
    /// What the store calls it.
    const KIND: &'static str;
    /// What people call it.
    const THING: Thing;

    /// What it hangs on.
    fn links(&self) -> Vec<Link> {
        Vec::new()
    }

    /// The id of the user whom it points at.
    fn user(&self) -> Option<&str> {
        None
    }

    /// The id of the account that it points at.
    fn account(&self) -> Option<&str> {
        None
    }

    /// The code of the provider that it points at.
    fn provider(&self) -> Option<&str> {
        None
    }
}

/// An entity that is stored.
#[derive(Clone, PartialEq, Debug)]
pub struct Stored<B> {
    /// Its id; of a provider, its code.
    pub id: String,
    /// The version that a change of it expects.
    pub version: u64,
    /// When it was last changed.
    pub updated_at: Wall,
    /// Whether it is gone; the fields are then its last.
    pub deleted: bool,
    /// Together with what it went; `None`: alone, or not at all.
    pub gone_with: Option<GoesWith>,
    /// The event that tells that it went, where there is one.
    pub told_by: Option<EventId>,
    /// Its fields.
    pub body: B,
}

/// What stands in a tombstone's body beside its last fields.
#[derive(Serialize, Deserialize, Default)]
struct Epitaph {
    #[serde(rename = "_gone_with", default, skip_serializing_if = "Option::is_none")]
    gone_with: Option<GoesWith>,
    #[serde(rename = "_told_by", default, skip_serializing_if = "Option::is_none")]
    told_by: Option<String>,
}

impl<B: Body> Stored<B> {
    /// Reads what the store keeps.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the text is not such a body.
    pub fn read(entity: Entity) -> Result<Stored<B>, StoreError> {
        let corrupt = |error: serde_json::Error| StoreError::Corrupt {
            operation: "read an entity",
            what: format!("{} {}", B::KIND, entity.id),
            cause: error.to_string(),
        };
        let body = serde_json::from_str(&entity.body).map_err(corrupt)?;
        let epitaph = if entity.deleted {
            serde_json::from_str::<Epitaph>(&entity.body).map_err(corrupt)?
        } else {
            Epitaph::default()
        };
        Ok(Stored {
            id: entity.id,
            version: entity.version,
            updated_at: entity.updated_at,
            deleted: entity.deleted,
            gone_with: epitaph.gone_with,
            told_by: epitaph.told_by.and_then(|id| id.parse().ok()),
            body,
        })
    }

    /// An entity that is new at `now`.
    #[must_use]
    pub fn first(id: &str, now: Wall, body: B) -> Stored<B> {
        Stored::over(None, id, now, body)
    }

    /// The same where a tombstone of that version gives way.
    #[must_use]
    pub fn over(tombstone: Option<u64>, id: &str, now: Wall, body: B) -> Stored<B> {
        Stored {
            id: id.to_owned(),
            version: tombstone.unwrap_or(0) + 1,
            updated_at: now,
            deleted: false,
            gone_with: None,
            told_by: None,
            body,
        }
    }

    /// The entity with another body, from `now`.
    #[must_use]
    pub fn next(self, now: Wall, body: B) -> Stored<B> {
        Stored { version: self.version + 1, updated_at: now, body, ..self }
    }

    /// The change that puts `body` in the place of what is stored.
    #[must_use]
    pub fn change(&self, application: Option<ApplicationId>, body: &B) -> EntityChange {
        change(application, &self.id, Some(self.version), body)
    }

    /// The change that leaves a tombstone with the last body.
    #[must_use]
    pub fn tombstone(&self, application: Option<ApplicationId>) -> EntityChange {
        EntityChange { deleted: true, ..self.change(application, &self.body) }
    }

    /// The tombstone of what goes together with the one that it hangs on.
    #[must_use]
    pub fn tombstone_with(
        &self,
        application: Option<ApplicationId>,
        goes_with: GoesWith,
    ) -> EntityChange {
        let mut change = self.tombstone(application);
        let epitaph = Epitaph { gone_with: Some(goes_with), ..Epitaph::default() };
        change.body = with_epitaph(&change.body, &epitaph);
        let last: Vec<Link> = change
            .links
            .iter()
            .filter(|link| goes_with == GoesWith::User || link.role == ACCOUNT_ROLE)
            .map(|link| Link { role: last_role(&link.role), id: link.id.clone() })
            .collect();
        change.links.extend(last);
        change
    }

    /// What an append expects that changes something that hangs on this entity, which stays as it
    /// is.
    #[must_use]
    pub fn expected(&self, application: Option<ApplicationId>) -> EntityExpectation {
        EntityExpectation {
            application,
            kind: B::KIND.to_owned(),
            id: self.id.clone(),
            version: self.version,
        }
    }
}

/// Notes on a tombstone which event tells of it: that one's query alone sees what is gone.
pub fn tell_by(tombstone: &mut EntityChange, event: EventId) {
    let epitaph = Epitaph { told_by: Some(event.to_string()), ..Epitaph::default() };
    tombstone.body = with_epitaph(&tombstone.body, &epitaph);
}

/// A body's text with one more field, which bodies that are read pass over.
fn with_epitaph(body: &str, epitaph: &Epitaph) -> String {
    let epitaph = serde_json::to_string(epitaph).expect("fields that are names always serialize");
    match body.strip_suffix('}') {
        Some("{") => epitaph,
        Some(fields) => format!("{fields},{}", &epitaph[1..]),
        None => body.to_owned(),
    }
}

/// Together with what something is deleted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum GoesWith {
    /// With its user.
    User,
    /// With its account.
    Account,
}

/// The change that writes `body` over `expected_version`; `None`: over nothing.
#[must_use]
pub fn change<B: Body>(
    application: Option<ApplicationId>,
    id: &str,
    expected_version: Option<u64>,
    body: &B,
) -> EntityChange {
    EntityChange {
        application,
        kind: B::KIND.to_owned(),
        id: id.to_owned(),
        expected_version,
        body: serde_json::to_string(body)
            .expect("bodies have string keys and finite numbers: both were checked"),
        deleted: false,
        links: body.links(),
        forget_at: None,
    }
}
