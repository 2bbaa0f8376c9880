//! Deleting users and accounts, with all that hangs on them.
//!
//! ```text
//! read ─► the tombstones of what hangs on it, in commits of bounded size
//!      ─► the last of them, its own, and the event: one commit, with nothing left hanging on it
//!             └─ something was added in between ─► read again
//! ```
//!
//! A crash before the second line leaves the user or account, which can be deleted again. After it
//! nothing can be added any more: whatever hangs on something expects it to be there.

use tidings_core::{ids::ApplicationId, time::Now};
use tidings_graphql::{Failure, OperationFailure};
use tidings_store::{Emptied, EntityChange, Link, TaskChange};

use super::{Committed, Firing, Plan, TRIES_MAX, Writer, Written, changed_meanwhile, stopped};
use crate::{
    collect::collection::Collection,
    domain::{
        ACCOUNT_ROLE, Account, Body, Document, EnergySwitch, GoesWith, Provision, Stored, ToDo,
        USER_ROLE, User, link, tell_by,
    },
    reader::PageQuery,
    triggers::Trigger,
};

/// Pages of one kind that one deletion goes through; the next one goes on.
const PAGES_MAX: usize = 1_000;

/// What is deleted, and what goes with it.
#[derive(Clone)]
pub(super) struct Deletion {
    pub(super) application: ApplicationId,
    /// With what it goes; `None`: it goes alone, and no query sees it as it last was.
    pub(super) goes_with: Option<GoesWith>,
    pub(super) hanging_on: Link,
}

/// What is deleted is not told of any more.
pub(super) fn ids_of(changes: &[EntityChange]) -> Vec<String> {
    changes.iter().map(|change| change.id.clone()).collect()
}

/// What collects the accounts that go ends, and their credentials go with it.
fn tasks_of(deletion: &Deletion, changes: &[EntityChange]) -> Vec<TaskChange> {
    let accounts = changes.iter().filter(|change| change.kind == Account::KIND);
    accounts.map(|account| Collection::remove(deletion.application, &account.id)).collect()
}

impl Deletion {
    /// What the last commit of the deletion leaves with nothing of these kinds hanging on it.
    pub(super) fn emptied(&self, kinds: &[&str]) -> Vec<Emptied> {
        let emptied = |kind: &&str| Emptied {
            application: Some(self.application),
            kind: (*kind).to_owned(),
            link: self.hanging_on.clone(),
        };
        kinds.iter().map(emptied).collect()
    }

    /// The kinds of all that goes.
    fn kinds(&self) -> &'static [&'static str] {
        const ALL: [&str; 5] =
            [Document::KIND, Provision::KIND, ToDo::KIND, EnergySwitch::KIND, Account::KIND];
        match self.goes_with {
            Some(GoesWith::User) => &ALL,
            _ => &[Document::KIND, Provision::KIND, ToDo::KIND],
        }
    }
}

impl Writer {
    /// Deletes a user and all that hangs on it, and fires `UserDeleted`, and `AccountDeleted` for
    /// each account. Tombstones stay. The user's tokens are revoked in the same commit.
    ///
    /// # Errors
    /// `NOT_FOUND`, or what stops the store.
    pub async fn delete_user(
        &self,
        application: ApplicationId,
        id: &str,
    ) -> Result<Written<User>, OperationFailure> {
        let hanging_on = link(USER_ROLE, id);
        let deletion = Deletion { application, goes_with: Some(GoesWith::User), hanging_on };
        self.delete(&deletion, id, Trigger::UserDeleted).await
    }

    /// Deletes an account with its provisions, documents and to-dos, and fires `AccountDeleted`.
    /// Tombstones stay.
    ///
    /// # Errors
    /// `NOT_FOUND`, or what stops the store.
    pub async fn delete_account(
        &self,
        application: ApplicationId,
        id: &str,
    ) -> Result<Written<Account>, OperationFailure> {
        let hanging_on = link(ACCOUNT_ROLE, id);
        let deletion = Deletion { application, goes_with: Some(GoesWith::Account), hanging_on };
        self.delete(&deletion, id, Trigger::AccountDeleted).await
    }

    /// Tombstones, and what tells of the accounts among them.
    pub(super) fn gone(
        &self,
        now: Now,
        deletion: &Deletion,
        mut changes: Vec<EntityChange>,
    ) -> Plan<()> {
        let firings = self.accounts_gone(now, deletion, &mut changes);
        let (erased, tasks) = (ids_of(&changes), tasks_of(deletion, &changes));
        Plan { changes, firings, erased, tasks, ..Plan::of(()) }
    }

    /// Accounts that go with their user: each is told of by an event of its own.
    fn accounts_gone(
        &self,
        now: Now,
        deletion: &Deletion,
        changes: &mut [EntityChange],
    ) -> Vec<Firing> {
        let Deletion { application, goes_with: Some(GoesWith::User), .. } = *deletion else {
            return Vec::new();
        };
        let accounts = changes.iter_mut().filter(|change| change.kind == Account::KIND);
        accounts.map(|it| self.told_of(now, Trigger::AccountDeleted, application, it)).collect()
    }

    /// The event that tells of a tombstone, which knows it.
    fn told_of(
        &self,
        now: Now,
        trigger: Trigger,
        application: ApplicationId,
        tombstone: &mut EntityChange,
    ) -> Firing {
        let event = self.chance.event_id(now.wall);
        tell_by(tombstone, event);
        Firing { event: Some(event), ..Firing::of(trigger, &tombstone.id, application) }
    }

    async fn delete<B: Body>(
        &self,
        deletion: &Deletion,
        id: &str,
        trigger: Trigger,
    ) -> Result<Written<B>, OperationFailure> {
        let application = deletion.application;
        for _ in 0..TRIES_MAX {
            let now = self.now();
            let entity = self.existing::<B>(Some(application), id).await?;
            let mut changes = self.last_of_all(now, deletion).await?;
            let mut itself = entity.tombstone(Some(application));
            // Its own event is the first one: that is what is answered.
            let mut firings = vec![self.told_of(now, trigger, application, &mut itself)];
            firings.extend(self.accounts_gone(now, deletion, &mut changes));
            changes.push(itself);
            let plan = Plan {
                erased: ids_of(&changes),
                tasks: tasks_of(deletion, &changes),
                changes,
                emptied: deletion.emptied(deletion.kinds()),
                firings,
                ..Plan::of(entity)
            };
            if let Some(written) = self.write(now, plan).await? {
                return Ok(written);
            }
        }
        Err(changed_meanwhile::<B>(id))
    }

    /// The tombstones of all that hangs on it: at most a page of each kind. Where there are more,
    /// those before are committed here.
    async fn last_of_all(
        &self,
        now: Now,
        deletion: &Deletion,
    ) -> Result<Vec<EntityChange>, OperationFailure> {
        let mut changes = self.last_of::<Document>(now, deletion).await?;
        changes.extend(self.last_of::<Provision>(now, deletion).await?);
        changes.extend(self.last_of::<ToDo>(now, deletion).await?);
        if deletion.goes_with == Some(GoesWith::User) {
            changes.extend(self.last_of::<EnergySwitch>(now, deletion).await?);
            changes.extend(self.last_of::<Account>(now, deletion).await?);
        }
        Ok(changes)
    }

    /// The tombstones of what hangs on it of one kind: a page. Where there are more, those before
    /// are committed here.
    pub(super) async fn last_of<B: Body>(
        &self,
        now: Now,
        deletion: &Deletion,
    ) -> Result<Vec<EntityChange>, OperationFailure> {
        let Deletion { application, goes_with, hanging_on } = deletion;
        for _ in 0..PAGES_MAX {
            let on = Some(hanging_on.clone());
            let query = PageQuery::existing(Some(*application), on, None);
            let page = self.reader.page::<B>(query).await.map_err(|error| stopped(&error))?;
            let tombstone = |it: &Stored<B>| match goes_with {
                Some(goes_with) => it.tombstone_with(Some(*application), *goes_with),
                None => it.tombstone(Some(*application)),
            };
            let changes: Vec<EntityChange> = page.items.iter().map(tombstone).collect();
            if !page.has_next_page {
                return Ok(changes);
            }
            let plan = self.gone(now, deletion, changes);
            // A conflict is met by the next turn, which reads again.
            let (Committed::Done(_) | Committed::Conflict | Committed::LeaseLost) =
                self.commit(now, &plan).await?;
        }
        Err(Failure::Unavailable.into())
    }
}
