//! Adding and deleting users.

use tidings_core::{ids::ApplicationId, limits, time::Now};
use tidings_graphql::{Failure, OperationFailure, PageArguments};
use tidings_store::EntityChange;

use super::{Committed, Firing, Plan, TRIES_MAX, Writer, Written, changed_meanwhile, stopped};
use crate::{
    domain::{Checks, EnergySwitch, Stored, User, change, new_entity_code},
    reader::PageQuery,
    triggers::Trigger,
};

/// Pages of switches that one deletion goes through; the next one goes on.
const PAGES_MAX: usize = 1_000;

/// A user that is to be.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NewUser {
    /// Its id; by chance where it is left out.
    pub id: Option<String>,
    /// What the application calls the user.
    pub reference: Option<String>,
}

impl Writer {
    /// Adds a user and fires `UserAdded`.
    ///
    /// # Errors
    /// `INVALID_INPUT`, `CONFLICT` when the id is taken, or what stops the store.
    pub async fn add_user(
        &self,
        application: ApplicationId,
        new: NewUser,
    ) -> Result<Written<User>, OperationFailure> {
        let mut checks = Checks::default();
        if let Some(reference) = &new.reference {
            checks.text("/reference", reference);
        }
        if let Some(id) = &new.id {
            checks.entity_code("/id", id);
        }
        checks.finish()?;
        let chosen = new.id.is_some();
        let id = new.id.unwrap_or_else(|| new_entity_code(&*self.chance));
        for _ in 0..TRIES_MAX {
            let now = self.now();
            if chosen {
                self.refuse_taken::<User>(application, &id).await?;
            }
            let body =
                User { tenant_id: None, reference: new.reference.clone(), added_at: now.wall };
            let plan = Plan {
                changes: vec![change(Some(application), &id, None, &body)],
                firing: Some(Firing {
                    trigger: Trigger::UserAdded,
                    entity: id.clone(),
                    application,
                }),
                entity: Stored::first(&id, now.wall, body),
            };
            if let Some(written) = self.write(now, plan).await? {
                return Ok(written);
            }
        }
        Err(changed_meanwhile::<User>(&id))
    }

    /// Deletes a user and the user's switches, and fires `UserDeleted`. Tombstones stay.
    ///
    /// # Errors
    /// `NOT_FOUND`, or what stops the store.
    pub async fn delete_user(
        &self,
        application: ApplicationId,
        id: &str,
    ) -> Result<Written<User>, OperationFailure> {
        for _ in 0..TRIES_MAX {
            let now = self.now();
            let user = self.existing::<User>(Some(application), id).await?;
            let mut changes = self.last_switches_of(now, application, id).await?;
            changes.push(user.tombstone(Some(application)));
            let firing =
                Firing { trigger: Trigger::UserDeleted, entity: user.id.clone(), application };
            let plan = Plan { changes, firing: Some(firing), entity: user };
            if let Some(written) = self.write(now, plan).await? {
                return Ok(written);
            }
        }
        Err(changed_meanwhile::<User>(id))
    }

    /// The tombstones of a user's switches: one page. Where there are more, those before are
    /// committed here, so that no commit is larger than a page; a crash in between leaves the user,
    /// who can be deleted again.
    async fn last_switches_of(
        &self,
        now: Now,
        application: ApplicationId,
        user: &str,
    ) -> Result<Vec<EntityChange>, OperationFailure> {
        for _ in 0..PAGES_MAX {
            let query = PageQuery {
                application: Some(application),
                link: Some(EnergySwitch::link_to_user(user)),
                updated_since: None,
                deleted_too: false,
                page: PageArguments { first: limits::PAGE_MAX, after: None },
            };
            let page =
                self.reader.page::<EnergySwitch>(query).await.map_err(|error| stopped(&error))?;
            let changes: Vec<EntityChange> =
                page.items.iter().map(|switch| switch.tombstone(Some(application))).collect();
            let first = page.items.into_iter().next();
            let Some(entity) = first.filter(|_| page.has_next_page) else { return Ok(changes) };
            let plan = Plan { changes, firing: None, entity };
            // A conflict is met by the next turn, which reads again.
            let (Committed::Done(_) | Committed::Conflict) = self.commit(now, &plan).await?;
        }
        Err(Failure::Unavailable.into())
    }
}
