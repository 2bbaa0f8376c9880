//! Which tombstones a query may see: that of a deletion's own event sees what it tells of, as it
//! last was, with what went together with it. Everything else that is deleted is not there, also
//! for an event of the same trigger that somebody fired later.

use std::sync::OnceLock;

use tidings_core::ids::ApplicationId;
use tidings_query::source::About;
use tidings_store::StoreError;

use crate::{
    domain::{Account, Body, GoesWith, Stored, User},
    reader::Reader,
    triggers::Trigger,
};

/// What the event of a stored query says is gone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Gone {
    /// A user, with all that hung on it.
    User(String),
    /// An account, with all that hung on it.
    Account {
        /// Its id.
        id: String,
        /// The user with whom it went, once that is known: whoever asks for the account sees
        /// whose it was.
        user: OnceLock<String>,
    },
}

impl Gone {
    /// What an event says is gone, where it tells of a deletion and is the event that the deletion
    /// made.
    ///
    /// # Errors
    /// What stops the store.
    pub(super) async fn told_by(
        about: &About,
        application: ApplicationId,
        reader: &Reader,
    ) -> Result<Option<Gone>, StoreError> {
        let Some(gone) = Gone::claimed_by(about) else { return Ok(None) };
        let (owner, id) = (Some(application), about.entity.as_str());
        let told_by = match gone {
            Gone::User(_) => reader.one::<User>(owner, id).await?.and_then(|it| it.told_by),
            Gone::Account { .. } => {
                reader.one::<Account>(owner, id).await?.and_then(|it| it.told_by)
            }
        };
        Ok((told_by == Some(about.event)).then_some(gone))
    }

    /// What an event says is gone, where it tells of a deletion.
    fn claimed_by(about: &About) -> Option<Gone> {
        let entity = about.entity.as_str().to_owned();
        match Trigger::named(&about.trigger) {
            Some(Trigger::UserDeleted) => Some(Gone::User(entity)),
            Some(Trigger::AccountDeleted) => {
                Some(Gone::Account { id: entity, user: OnceLock::new() })
            }
            _ => None,
        }
    }

    /// Whether a tombstone may be seen.
    pub(super) fn covers<B: Body>(&self, tombstone: &Stored<B>) -> bool {
        match self {
            Gone::User(id) => {
                let is_itself = B::KIND == User::KIND && tombstone.id == *id;
                let went_with = tombstone.gone_with == Some(GoesWith::User);
                is_itself || (went_with && tombstone.body.user() == Some(id))
            }
            Gone::Account { user, .. } if B::KIND == User::KIND => {
                user.get() == Some(&tombstone.id)
            }
            Gone::Account { id, user } if B::KIND == Account::KIND => {
                if tombstone.id != *id {
                    return false;
                }
                let went_with_user = tombstone.gone_with == Some(GoesWith::User);
                if let Some(owner) = tombstone.body.user().filter(|_| went_with_user) {
                    user.get_or_init(|| owner.to_owned());
                }
                true
            }
            Gone::Account { id, .. } => {
                tombstone.gone_with.is_some() && tombstone.body.account() == Some(id)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tidings_core::{ids::EventId, time::Wall};

    use super::*;
    use crate::domain::{ToDo, ToDoKind};

    fn check(trigger: &str, entity: &str, gone_with: Option<GoesWith>, expected: bool) {
        let (trigger, entity) = (trigger.parse().unwrap(), entity.parse().unwrap());
        let event = EventId::new(Wall(0), [0; 10]);
        let about = About { event, trigger, entity };
        let to_do = ToDo {
            user: "u".to_owned(),
            account: Some("a".to_owned()),
            kind: ToDoKind::Other,
            title: "t".to_owned(),
            done_at: None,
            added_at: Wall(0),
        };
        let tombstone = Stored { deleted: true, gone_with, ..Stored::first("t", Wall(0), to_do) };
        let seen = Gone::claimed_by(&about).is_some_and(|gone| gone.covers(&tombstone));
        assert_eq!(seen, expected, "{about:?}, gone with {gone_with:?}");
    }

    #[test]
    fn the_query_of_a_deletion_sees_what_went_with_it() {
        check("UserDeleted", "u", Some(GoesWith::User), true);
        check("AccountDeleted", "a", Some(GoesWith::Account), true);
        check("AccountDeleted", "a", Some(GoesWith::User), true);
    }

    #[test]
    fn it_does_not_see_what_went_before_or_with_another_or_alone() {
        check("UserDeleted", "u", Some(GoesWith::Account), false);
        check("UserDeleted", "u", None, false);
        check("UserDeleted", "x", Some(GoesWith::User), false);
        check("AccountDeleted", "a", None, false);
        check("AccountDeleted", "x", Some(GoesWith::Account), false);
        check("UserDeleted", "t", None, false);
    }

    #[test]
    fn the_query_of_another_event_sees_no_tombstone() {
        for trigger in ["ToDoDone", "UserAdded", "AccountUpdated", "SomethingElse"] {
            check(trigger, "u", Some(GoesWith::User), false);
            check(trigger, "t", Some(GoesWith::User), false);
        }
    }
}
