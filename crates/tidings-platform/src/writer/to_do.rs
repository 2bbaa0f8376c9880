//! Adding to-dos, and marking them done.

use async_graphql::{ID, InputObject};
use tidings_core::ids::ApplicationId;
use tidings_graphql::OperationFailure;

use super::{Firing, Plan, TRIES_MAX, Writer, Written, changed_meanwhile};
use crate::{
    domain::{Account, Checks, Stored, ToDo, ToDoKind, User, change, new_entity_code},
    triggers::Trigger,
};

/// A to-do that is to be.
#[derive(InputObject, Clone, Debug)]
#[graphql(name = "AddToDoInput")]
pub struct NewToDo {
    /// The id of the user who is asked.
    pub user: ID,
    /// The id of the account that it is about; it must be the user's.
    pub account: Option<ID>,
    /// What kind of thing is to be done.
    pub kind: ToDoKind,
    /// What is to be done, in words: 1 to 256 characters.
    pub title: String,
}

impl Writer {
    /// Adds a to-do and fires `ToDoAdded`.
    ///
    /// # Errors
    /// `INVALID_INPUT`, `NOT_FOUND` for its user or account, or what stops the store.
    pub async fn add_to_do(
        &self,
        application: ApplicationId,
        new: NewToDo,
    ) -> Result<Written<ToDo>, OperationFailure> {
        let mut checks = Checks::default();
        checks.text("/input/title", &new.title);
        checks.finish()?;
        let id = new_entity_code(&*self.chance);
        let owner = Some(application);
        for _ in 0..TRIES_MAX {
            let now = self.now();
            let user = self.referred::<User>(owner, &new.user, "/input/user").await?;
            let mut expected = vec![user.expected(owner)];
            if let Some(account) = &new.account {
                let account = self.referred::<Account>(owner, account, "/input/account").await?;
                let mut checks = Checks::default();
                if account.body.user != user.id {
                    checks.refuse("/input/account", "write an account of this user, or none");
                }
                checks.finish()?;
                expected.push(account.expected(owner));
            }
            let body = ToDo {
                user: new.user.to_string(),
                account: new.account.as_ref().map(|account| account.to_string()),
                kind: new.kind,
                title: new.title.clone(),
                done_at: None,
                added_at: now.wall,
            };
            let plan = Plan {
                changes: vec![change(owner, &id, None, &body)],
                expected,
                firings: vec![Firing::of(Trigger::ToDoAdded, &id, application)],
                ..Plan::of(Stored::first(&id, now.wall, body))
            };
            if let Some(written) = self.write(now, plan).await? {
                return Ok(written);
            }
        }
        Err(changed_meanwhile::<ToDo>(&id))
    }

    /// Marks a to-do as done and fires `ToDoDone`, unless it was done already.
    ///
    /// # Errors
    /// `NOT_FOUND`, or what stops the store.
    pub async fn complete_to_do(
        &self,
        application: ApplicationId,
        id: &str,
    ) -> Result<Written<ToDo>, OperationFailure> {
        for _ in 0..TRIES_MAX {
            let now = self.now();
            let before = self.existing::<ToDo>(Some(application), id).await?;
            if before.body.done_at.is_some() {
                return Ok(Written { entity: before, event: None });
            }
            let body = ToDo { done_at: Some(now.wall), ..before.body.clone() };
            let plan = Plan {
                changes: vec![before.change(Some(application), &body)],
                firings: vec![Firing::of(Trigger::ToDoDone, id, application)],
                ..Plan::of(before.next(now.wall, body))
            };
            if let Some(written) = self.write(now, plan).await? {
                return Ok(written);
            }
        }
        Err(changed_meanwhile::<ToDo>(id))
    }
}
