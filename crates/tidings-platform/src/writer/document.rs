//! Adding documents that were collected.

use std::collections::HashSet;

use tidings_core::{
    ids::ApplicationId,
    limits,
    time::{Now, Wall},
};
use tidings_graphql::OperationFailure;

use super::{Firing, Plan, Writer, stopped};
use crate::{
    domain::{Account, Checks, Document, DocumentType, Stored, change, entity_code_of},
    triggers::Trigger,
};

/// A document as a provider tells of it, whose bytes are kept already.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewDocument {
    /// The provider's own name of it, by which it is known again.
    pub provider_key: String,
    /// What it is.
    pub document_type: DocumentType,
    /// What people call it.
    pub title: String,
    /// The date that it bears.
    pub date: Wall,
    /// Its media type, as in `application/pdf`.
    pub media_type: String,
    /// How long it is: at most 64 MiB.
    pub bytes: u32,
    /// The SHA-256 of its bytes, in 64 digits of 0-9 and a-f.
    pub sha256: String,
}

impl Writer {
    /// Adds documents to an account and fires `DocumentAdded` for each. One that is there already
    /// is left as it is: what is collected again never becomes a second one.
    pub(super) async fn plan_documents(
        &self,
        application: ApplicationId,
        now: Now,
        account: &Stored<Account>,
        documents: &[NewDocument],
    ) -> Result<Plan<()>, OperationFailure> {
        let owner = Some(application);
        let id_of = |new: &NewDocument| entity_code_of(&account.id, &new.provider_key);
        let there = self.reader.many::<Document>(owner, documents.iter().map(id_of).collect());
        let there = there.await.map_err(|error| stopped(&error))?;
        let mut plan = Plan::of(());
        let mut listed = HashSet::new();
        for new in documents {
            let id = id_of(new);
            let before = there.get(&id);
            let is_there = before.is_some_and(|document| !document.deleted);
            if is_there || !listed.insert(id.clone()) {
                continue;
            }
            let version = before.map(|tombstone| tombstone.version);
            plan.changes.push(change(owner, &id, version, &new.of(account, now)));
            plan.firings.push(Firing::of(Trigger::DocumentAdded, &id, application));
        }
        Ok(plan)
    }
}

/// Whether they can be documents.
pub(super) fn check(documents: &[NewDocument]) -> Result<(), OperationFailure> {
    let mut checks = Checks::default();
    checks.list("", documents.len(), limits::EVENTS_PER_REQUEST_MAX);
    for (index, document) in documents.iter().enumerate() {
        let path = |field: &str| format!("/{index}/{field}");
        checks.text(&path("providerKey"), &document.provider_key);
        checks.text(&path("title"), &document.title);
        checks.media_type(&path("mediaType"), &document.media_type);
        checks.document_bytes(&path("bytes"), document.bytes);
        checks.sha256(&path("sha256"), &document.sha256);
    }
    checks.finish()
}

impl NewDocument {
    fn of(&self, account: &Stored<Account>, now: Now) -> Document {
        Document {
            account: account.id.clone(),
            user: account.body.user.clone(),
            provider_key: self.provider_key.clone(),
            document_type: self.document_type,
            title: self.title.clone(),
            date: self.date,
            media_type: self.media_type.clone(),
            bytes: self.bytes,
            sha256: self.sha256.clone(),
            added_at: now.wall,
        }
    }
}
