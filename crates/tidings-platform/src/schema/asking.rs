//! Who asks, for whom, and how what stops us is told.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_graphql::{Context, Error};
use tidings_core::{
    access::{Principal, Scope, TokenKind},
    ids::ApplicationId,
};
use tidings_graphql::{Denial, Failure, PassingTrouble, principal, viewer::require};
use tidings_query::source::About;
use tidings_store::StoreError;
use tracing::error;

use super::{
    batch::{Shown, shown_alone},
    gone::Gone,
};
use crate::{
    domain::{Account, Body, Provider, Stored, User},
    reader::Reader,
    writer::{Writer, not_found},
};

/// Users and accounts that one answer is noted to tell of. What would tell of more is a list, and
/// is cut by the bound of nested items long before.
const SUBJECTS_MAX: usize = 20_000;

/// Stands in a request's data, as an `Arc`, when a stored query runs at delivery. Such a query sees
/// what was deleted where its event tells of that; whom its answer tells of is noted here; and so
/// is a store that cannot be used, because then nothing must be delivered.
#[derive(Debug)]
pub struct StoredQuery {
    gone: Option<Gone>,
    noted: Mutex<Noted>,
}

#[derive(Debug, Default)]
struct Noted {
    trouble: Option<String>,
    subjects: BTreeSet<String>,
}

impl StoredQuery {
    /// A query that runs for this event of an application.
    ///
    /// # Errors
    /// What stops the store.
    pub async fn about(
        about: &About,
        application: ApplicationId,
        reader: &Reader,
    ) -> Result<StoredQuery, StoreError> {
        let gone = Gone::told_by(about, application, reader).await?;
        Ok(StoredQuery { gone, noted: Mutex::default() })
    }

    /// What stopped the query, if anything did.
    pub fn trouble(&self) -> Option<String> {
        self.noted().trouble.take()
    }

    /// The ids of the users and accounts that the answer tells of.
    pub fn subjects(&self) -> BTreeSet<String> {
        std::mem::take(&mut self.noted().subjects)
    }

    fn note(&self, error: &StoreError) {
        self.noted().trouble.get_or_insert_with(|| error.to_string());
    }

    fn note_subjects<B: Body>(&self, entity: &Stored<B>) {
        let itself = matches!(B::KIND, User::KIND | Account::KIND).then_some(entity.id.as_str());
        let whose = [itself, entity.body.user(), entity.body.account()];
        let mut noted = self.noted();
        if noted.subjects.len() < SUBJECTS_MAX {
            noted.subjects.extend(whose.into_iter().flatten().map(str::to_owned));
        }
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One asker, allowed to read accounts.
pub(super) struct Asking<'a> {
    pub(super) reader: &'a Reader,
    pub(super) principal: &'a Principal,
    context: &'a Context<'a>,
}

impl<'a> Asking<'a> {
    /// The one who asks.
    ///
    /// The outer error is for a request without a token; the inner failure for a token that reads
    /// nothing, or lacks the scope.
    pub(super) fn of(context: &'a Context<'a>) -> Result<Result<Asking<'a>, Failure>, Error> {
        let principal = principal(context)?;
        let reader = context.data::<Reader>()?;
        let asking = Asking { reader, principal, context };
        if principal.kind == TokenKind::PublicMaster {
            return Ok(Err(Failure::Denied(Denial::OwnerOnly)));
        }
        Ok(require(principal, Scope::ReadAccounts).map(|()| asking))
    }

    /// An entity that the asker may see.
    pub(super) async fn find<B: Body>(&self, id: &str) -> Result<Shown<B>, Failure> {
        let application = self.application_of::<B>(id).await?;
        let found = self.reader.one::<B>(Some(application), id).await;
        found
            .map_err(|error| self.stopped(&error))?
            .filter(|entity| sees(self.context, entity))
            .map(|entity| shown_alone(application, entity))
            .ok_or_else(|| not_found::<B>(id))
    }

    /// Whether an entity is there for the asker.
    pub(super) fn sees<B: Body>(&self, entity: &Stored<B>) -> bool {
        sees(self.context, entity)
    }

    /// Whether an account is, or was, that user's.
    pub(super) async fn is_account_of(
        &self,
        application: ApplicationId,
        account: &str,
        user: &str,
    ) -> Result<bool, Failure> {
        let found = self.reader.one::<Account>(Some(application), account).await;
        let found = found.map_err(|error| self.stopped(&error))?;
        Ok(found.is_some_and(|account| account.body.user == user))
    }

    /// Whether this is the query of a deletion with which that user went.
    pub(super) async fn is_of_gone_user(
        &self,
        application: ApplicationId,
        user: &str,
    ) -> Result<bool, Failure> {
        match gone(self.context) {
            Some(Gone::User(id)) if id == user => self.is_gone::<User>(application, user).await,
            _ => Ok(false),
        }
    }

    /// Whether this is the query of a deletion with which that account went.
    pub(super) async fn is_of_gone_account(
        &self,
        application: ApplicationId,
        account: &str,
    ) -> Result<bool, Failure> {
        match gone(self.context) {
            Some(_) => self.is_gone::<Account>(application, account).await,
            None => Ok(false),
        }
    }

    async fn is_gone<B: Body>(
        &self,
        application: ApplicationId,
        id: &str,
    ) -> Result<bool, Failure> {
        let found = self.reader.one::<B>(Some(application), id).await;
        let found = found.map_err(|error| self.stopped(&error))?;
        Ok(found.is_some_and(|entity| entity.deleted && sees(self.context, &entity)))
    }

    /// The application that asks.
    pub(super) fn application(&self) -> Result<ApplicationId, Failure> {
        self.principal.application().ok_or(Failure::ApplicationOnly)
    }

    /// The application whose entity is meant: the asker's own; for the operator, the one that has
    /// it.
    pub(super) async fn application_of<B: Body>(&self, id: &str) -> Result<ApplicationId, Failure> {
        if let Some(application) = self.principal.application() {
            return Ok(application);
        }
        let owners = self.reader.owners(B::KIND, id).await;
        match owners.map_err(|error| self.stopped(&error))?[..] {
            [] => Err(not_found::<B>(id)),
            [owner] => Ok(owner),
            _ => Err(Failure::ApplicationOnly),
        }
    }

    /// What the asker is told when the store stops us.
    pub(super) fn stopped(&self, error: &StoreError) -> Failure {
        stopped(self.context, error)
    }
}

fn gone<'a>(context: &'a Context<'_>) -> Option<&'a Gone> {
    context.data_opt::<Arc<StoredQuery>>()?.gone.as_ref()
}

/// Whether an entity is there for the one who asks: a user's token sees what is that user's alone,
/// and nobody what is deleted, but for the query of the deletion with which it went. What a stored
/// query sees is noted as what its answer tells of.
pub(super) fn sees<B: Body>(context: &Context<'_>, entity: &Stored<B>) -> bool {
    let is_there = !entity.deleted || gone(context).is_some_and(|gone| gone.covers(entity));
    let is_seen = is_there && is_of_asker(context, entity);
    if let Some(stored_query) = context.data_opt::<Arc<StoredQuery>>().filter(|_| is_seen) {
        stored_query.note_subjects(entity);
    }
    is_seen
}

/// Whether the token may see what belongs to the entity's user. Providers are nobody's. The scope
/// is asked for here too, because a token without it is shown whose it is, and must not go on from
/// there.
fn is_of_asker<B: Body>(context: &Context<'_>, entity: &Stored<B>) -> bool {
    let Ok(principal) = principal(context) else { return false };
    if !principal.scopes.allows(Scope::ReadAccounts) {
        return false;
    }
    let user = if B::KIND == User::KIND { Some(entity.id.as_str()) } else { entity.body.user() };
    match user {
        Some(user) => principal.sees_user(user),
        None => B::KIND == Provider::KIND,
    }
}

/// What the asker is told when the store stops a read.
pub(super) fn stopped(context: &Context<'_>, error: &StoreError) -> Failure {
    error!(%error, "the platform cannot read the store");
    if let Some(stored_query) = context.data_opt::<Arc<StoredQuery>>() {
        stored_query.note(error);
    }
    PassingTrouble::note(context);
    Failure::Unavailable
}

/// An entity that the one who asks may see.
pub(super) async fn find<'a, B: Body>(
    context: &'a Context<'a>,
    id: &str,
) -> Result<Result<Shown<B>, Failure>, Error> {
    Ok(match Asking::of(context)? {
        Ok(asking) => asking.find(id).await,
        Err(failure) => Err(failure),
    })
}

/// The writer, and the application in whose name it writes: for its own tokens alone.
pub(super) fn writing<'a>(
    context: &'a Context<'a>,
) -> Result<Result<(&'a Writer, ApplicationId), Failure>, Error> {
    let asking = Asking::of(context)?;
    let writer = context.data::<Writer>()?;
    Ok(asking.and_then(|asking| {
        if !asking.principal.is_owner() {
            return Err(Failure::Denied(Denial::OwnerOnly));
        }
        Ok((writer, asking.application()?))
    }))
}

/// The same for what a user does with what is the user's own, which the user's token may do too.
pub(super) async fn writing_own<'a, B: Body>(
    context: &'a Context<'a>,
    id: &str,
) -> Result<Result<(&'a Writer, ApplicationId), Failure>, Error> {
    let asking = match Asking::of(context)? {
        Ok(asking) if asking.principal.kind == TokenKind::User => asking,
        _ => return writing(context),
    };
    let writer = context.data::<Writer>()?;
    let own = asking.find::<B>(id).await.and_then(|_| asking.application());
    Ok(own.map(|application| (writer, application)))
}

/// The writer, for the operator alone.
pub(super) fn operating<'a>(
    context: &'a Context<'a>,
) -> Result<Result<&'a Writer, Failure>, Error> {
    let principal = principal(context)?;
    let writer = context.data::<Writer>()?;
    if principal.application().is_some() {
        return Ok(Err(Failure::OperatorOnly));
    }
    Ok(require(principal, Scope::Admin).map(|()| writer))
}
