//! What a collection has learnt of an account, and how far it has come: one commit.

use tidings_core::{
    ids::ApplicationId,
    time::{Now, Wall},
};
use tidings_graphql::OperationFailure;
use tidings_store::TaskChange;

use super::{
    AccountChange, Committed, Firing, NewDocument, NewProvision, Plan, TRIES_MAX, Writer,
    changed_meanwhile, document, provision,
};
use crate::{
    domain::{Account, Stored, ToDo, ToDoKind, change, new_entity_code},
    triggers::Trigger,
};

/// What was learnt.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Collected {
    /// Of the account itself.
    pub account: AccountChange,
    /// All of its provisions, where they are known.
    pub provisions: Option<Vec<NewProvision>>,
    /// Documents whose bytes are kept. One that is there already is left as it is.
    pub documents: Vec<NewDocument>,
    /// What the user is to do about it.
    pub to_do: Option<(ToDoKind, String)>,
    /// How far the collection has come: changes of its task, under its lease.
    pub progress: Vec<TaskChange>,
}

/// Why nothing of it was written.
#[derive(Clone, PartialEq, Debug)]
pub enum NotCollected {
    /// The collection is not ours any more: the consent was withdrawn, or another worker has it.
    LeaseLost,
    /// What was learnt cannot be kept, or the store stopped us.
    Refused(OperationFailure),
}

impl From<OperationFailure> for NotCollected {
    fn from(failure: OperationFailure) -> NotCollected {
        NotCollected::Refused(failure)
    }
}

impl Writer {
    /// Keeps what was learnt, with the progress, and fires what each change fires. A new
    /// `lastCollected` alone is kept and told of to nobody: it comes with every sync.
    ///
    /// # Errors
    /// [`NotCollected`].
    pub async fn keep_collected(
        &self,
        application: ApplicationId,
        account: &str,
        collected: &Collected,
    ) -> Result<(), NotCollected> {
        document::check(&collected.documents)?;
        collected.provisions.as_deref().map_or(Ok(()), provision::check)?;
        collected.account.check()?;
        for _ in 0..TRIES_MAX {
            let now = self.now();
            let account = self.account_to_write(application, account).await?;
            let plan = self.plan_collected(application, now, &account, collected).await?;
            match self.commit(now, &plan).await? {
                Committed::Done(_) => return Ok(()),
                Committed::LeaseLost => return Err(NotCollected::LeaseLost),
                Committed::Conflict => {}
            }
        }
        Err(changed_meanwhile::<Account>(account).into())
    }

    async fn plan_collected(
        &self,
        application: ApplicationId,
        now: Now,
        account: &Stored<Account>,
        collected: &Collected,
    ) -> Result<Plan<()>, OperationFailure> {
        let owner = Some(application);
        let mut plan = Plan {
            expected: vec![account.expected(owner)],
            tasks: collected.progress.clone(),
            ..self.plan_documents(application, now, account, &collected.documents).await?
        };
        let mut is_touched = false;
        if let Some(provisions) = &collected.provisions {
            let before = self.provisions_of(application, &account.id).await?;
            let part = provision::plan(application, account, before, provisions);
            is_touched = !part.changes.is_empty();
            plan.changes.extend(part.changes);
            plan.firings.extend(part.firings);
        }
        let body = collected.account.over(&account.body);
        if is_touched || body != account.body {
            plan.changes.push(account.change(owner, &body));
        }
        let last_collected_at = body.last_collected_at;
        if is_touched || body != (Account { last_collected_at, ..account.body.clone() }) {
            plan.firings.push(Firing::of(Trigger::AccountUpdated, &account.id, application));
        }
        if let Some((kind, title)) = &collected.to_do {
            let id = new_entity_code(&*self.chance);
            let to_do = to_do_about(account, *kind, title, now.wall);
            plan.changes.push(change(owner, &id, None, &to_do));
            plan.firings.push(Firing::of(Trigger::ToDoAdded, &id, application));
        }
        Ok(plan)
    }
}

fn to_do_about(account: &Stored<Account>, kind: ToDoKind, title: &str, now: Wall) -> ToDo {
    ToDo {
        user: account.body.user.clone(),
        account: Some(account.id.clone()),
        kind,
        title: title.to_owned(),
        done_at: None,
        added_at: now,
    }
}
