//! Withdrawing consent: what was collected of an account goes, and is not told of any more.
//!
//! ```text
//! read ─► the tombstones of its documents and provisions, in commits of bounded size
//!      ─► the last of them, the account without what was collected, the erasure, and the event:
//!         one commit, with no document or provision left
//! ```

use tidings_core::ids::ApplicationId;
use tidings_graphql::OperationFailure;

use super::{
    Firing, Plan, TRIES_MAX, Writer, Written, changed_meanwhile,
    deletion::{Deletion, ids_of},
    revocation_of,
};
use crate::{
    collect::collection::Collection,
    domain::{ACCOUNT_ROLE, Account, AccountStatus, Body, Document, Provision, link},
    triggers::Trigger,
};

impl Writer {
    /// Notes that the consent for an account was withdrawn, deletes what was collected of it, and
    /// fires `AccountUpdated`, unless that was known. What is frozen and tells of the account is
    /// erased in the same commit, the tokens that Auth Link gave for it are revoked, and nothing
    /// about the account can be written any more.
    ///
    /// # Errors
    /// `NOT_FOUND`, or what stops the store.
    pub async fn withdraw_consent(
        &self,
        application: ApplicationId,
        id: &str,
    ) -> Result<Written<Account>, OperationFailure> {
        let hanging_on = link(ACCOUNT_ROLE, id);
        let deletion = Deletion { application, goes_with: None, hanging_on };
        for _ in 0..TRIES_MAX {
            let now = self.now();
            let before = self.existing::<Account>(Some(application), id).await?;
            if before.body.status == AccountStatus::ConsentWithdrawn {
                return Ok(Written { entity: before, event: None });
            }
            let body = Account {
                status: AccountStatus::ConsentWithdrawn,
                reference: None,
                balance: None,
                ..before.body.clone()
            };
            let mut changes = self.last_of::<Document>(now, &deletion).await?;
            changes.extend(self.last_of::<Provision>(now, &deletion).await?);
            // Nobody is to renew what is not asked for any more.
            let renewals = self.open_renewals(application, id).await?;
            changes.extend(renewals.iter().map(|to_do| to_do.tombstone(Some(application))));
            changes.push(before.change(Some(application), &body));
            let plan = Plan {
                erased: ids_of(&changes),
                changes,
                emptied: deletion.emptied(&[Document::KIND, Provision::KIND]),
                firings: vec![Firing::of(Trigger::AccountUpdated, id, application)],
                // The credentials go with the task.
                tasks: vec![Collection::remove(application, id)],
                revocations: revocation_of(application, id).into_iter().collect(),
                ..Plan::of(before.next(now.wall, body))
            };
            if let Some(written) = self.write(now, plan).await? {
                return Ok(written);
            }
        }
        Err(changed_meanwhile::<Account>(id))
    }
}
