//! Users who come with a token that their application signed: made at the first one.

use tidings_core::{ids::ApplicationId, time::Wall};
use tidings_graphql::OperationFailure;

use super::{TRIES_MAX, Writer, changed_meanwhile, stopped, user};
use crate::domain::{Stored, User, entity_code_of};

/// Whom a token that was checked speaks of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Subject {
    /// The application that trusts the issuer.
    pub application: ApplicationId,
    /// The token's `iss`: other issuers may call other people the same.
    pub issuer: String,
    /// The token's `sub`.
    pub subject: String,
    /// The token's `iat`.
    pub issued_at: Option<Wall>,
}

impl Writer {
    /// The user of a subject: found, or made with `UserAdded` at the first token. `None`: the user
    /// was deleted, and the token was issued before that, or does not say when.
    ///
    /// The id follows from the subject, so that of two first tokens at the same moment one makes
    /// the user and the other finds it.
    ///
    /// # Errors
    /// What stops the store.
    pub async fn user_of(
        &self,
        subject: &Subject,
    ) -> Result<Option<Stored<User>>, OperationFailure> {
        let application = subject.application;
        let scope = format!("{application} {}", subject.issuer);
        let id = entity_code_of(&scope, &subject.subject);
        for _ in 0..TRIES_MAX {
            let found = self.reader.one::<User>(Some(application), &id).await;
            let gone = match found.map_err(|error| stopped(&error))? {
                Some(user) if !user.deleted => return Ok(Some(user)),
                gone => gone,
            };
            if let Some(gone) = &gone
                && subject.issued_at.is_none_or(|at| at <= gone.updated_at)
            {
                return Ok(None);
            }
            let now = self.now();
            let tenant_id = Some(subject.subject.clone());
            let body = User { tenant_id, reference: None, added_at: now.wall };
            let tombstone = gone.map(|gone| gone.version);
            let plan = user::plan(application, &id, tombstone, now, body);
            if let Some(written) = self.write(now, plan).await? {
                return Ok(Some(written.entity));
            }
        }
        Err(changed_meanwhile::<User>(&id))
    }
}
