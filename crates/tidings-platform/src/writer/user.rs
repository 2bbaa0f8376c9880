//! Adding users.

use tidings_core::{ids::ApplicationId, time::Now};
use tidings_graphql::OperationFailure;

use super::{Firing, Plan, TRIES_MAX, Writer, Written, changed_meanwhile};
use crate::{
    domain::{Checks, Stored, User, change, new_entity_code},
    triggers::Trigger,
};

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
        checks.optional_text("/reference", new.reference.as_ref());
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
            let plan = plan(application, &id, None, now, body);
            if let Some(written) = self.write(now, plan).await? {
                return Ok(written);
            }
        }
        Err(changed_meanwhile::<User>(&id))
    }
}

/// A user who is new, perhaps in the place of a tombstone of that version, and the event that says
/// so.
pub(super) fn plan(
    application: ApplicationId,
    id: &str,
    tombstone: Option<u64>,
    now: Now,
    body: User,
) -> Plan<Stored<User>> {
    Plan {
        changes: vec![change(Some(application), id, tombstone, &body)],
        firings: vec![Firing::of(Trigger::UserAdded, id, application)],
        ..Plan::of(Stored::over(tombstone, id, now.wall, body))
    }
}
