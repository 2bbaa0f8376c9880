//! Who asks, for whom, and how what stops us is told.

use std::sync::{Arc, Mutex};

use async_graphql::{Context, Error};
use tidings_core::{
    access::{Principal, Scope},
    ids::ApplicationId,
};
use tidings_graphql::{Failure, principal, viewer::require};
use tidings_store::StoreError;
use tracing::error;

use crate::{
    domain::Body,
    reader::Reader,
    writer::{Writer, not_found},
};

/// Stands in a request's data, as an `Arc`, when a stored query runs at delivery. Such a query sees
/// the user whose deletion it tells of; and a store that cannot be used is noted here, because then
/// nothing must be delivered.
#[derive(Debug, Default)]
pub struct StoredQuery {
    trouble: Mutex<Option<String>>,
}

impl StoredQuery {
    /// What stopped the query, if anything did.
    pub fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take()
    }

    fn note(&self, error: &StoreError) {
        let mut trouble = self.trouble.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        trouble.get_or_insert_with(|| error.to_string());
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
    /// The outer error is for a request without a token; the inner failure for a token without the
    /// scope.
    pub(super) fn of(context: &'a Context<'a>) -> Result<Result<Asking<'a>, Failure>, Error> {
        let principal = principal(context)?;
        let reader = context.data::<Reader>()?;
        let asking = Asking { reader, principal, context };
        Ok(require(principal, Scope::ReadAccounts).map(|()| asking))
    }

    /// Whether a stored query runs at delivery.
    pub(super) fn sees_tombstones(&self) -> bool {
        self.context.data_opt::<Arc<StoredQuery>>().is_some()
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

/// What the asker is told when the store stops a read.
pub(super) fn stopped(context: &Context<'_>, error: &StoreError) -> Failure {
    error!(%error, "the platform cannot read the store");
    if let Some(stored_query) = context.data_opt::<Arc<StoredQuery>>() {
        stored_query.note(error);
    }
    Failure::Unavailable
}

/// The writer, and the application in whose name it writes.
pub(super) fn writing<'a>(
    context: &'a Context<'a>,
) -> Result<Result<(&'a Writer, ApplicationId), Failure>, Error> {
    let asking = Asking::of(context)?;
    let writer = context.data::<Writer>()?;
    Ok(asking.and_then(|asking| Ok((writer, asking.application()?))))
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

/// A union of what was asked for and why there is none.
macro_rules! result_union {
    ($(#[$doc:meta])* $name:ident { $variant:ident($object:ty) }) => {
        $(#[$doc])*
        #[derive(async_graphql::Union)]
        pub enum $name {
            /// What was asked for.
            $variant($object),
            /// Why there is none.
            OperationFailure(tidings_graphql::OperationFailure),
        }

        impl<F: Into<tidings_graphql::OperationFailure>> From<Result<$object, F>> for $name {
            fn from(result: Result<$object, F>) -> $name {
                match result {
                    Ok(object) => $name::$variant(object),
                    Err(failure) => $name::OperationFailure(failure.into()),
                }
            }
        }
    };
}
pub(super) use result_union;
