//! Who asks, with what the resolvers need to answer, and how a store's errors are told.

use std::{fmt::Display, str::FromStr, sync::Arc};

use async_graphql::Context;
use tidings_core::{
    access::{Principal, Scope},
    application::{Application, Name},
    time::Now,
};
use tidings_graphql::{
    Denial, Failure, ListPage, OperationFailure, PageArguments, Problem, Thing, Viewer, cursor,
};
use tidings_query::QueryProblem;
use tidings_store::{Page, Paged, StoreError, WriteError};

use crate::state::Api;

/// A principal at the front door.
pub(super) struct Asker<'a> {
    pub(super) api: &'a Arc<Api>,
    pub(super) principal: &'a Principal,
}

impl<'a> Asker<'a> {
    /// Who asks, if it is an owner's own token that has one of these scopes; none are needed where
    /// none are named.
    pub(super) fn with(
        context: &Context<'a>,
        scopes: &[Scope],
    ) -> Result<Asker<'a>, OperationFailure> {
        let viewer = context.data_opt::<Viewer>().and_then(|viewer| viewer.0.as_ref());
        let principal = viewer.ok_or(Failure::Unauthenticated)?;
        let api = context.data_opt::<Arc<Api>>().ok_or(Failure::Unavailable)?;
        if !principal.is_owner() {
            return Err(Failure::Denied(Denial::OwnerOnly).into());
        }
        match scopes {
            [first, ..] if !scopes.iter().any(|scope| principal.scopes.allows(*scope)) => {
                Err(Failure::ScopeMissing { scope: *first }.into())
            }
            _ => Ok(Asker { api, principal }),
        }
    }

    /// The operator, if the token may do everything.
    pub(super) fn operator(context: &Context<'a>) -> Result<Asker<'a>, OperationFailure> {
        let asker = Asker::with(context, &[])?;
        if asker.principal.application().is_some() {
            return Err(Failure::OperatorOnly.into());
        }
        Asker::with(context, &[Scope::Admin])
    }

    /// The operator, or an application that manages what is its own.
    pub(super) fn managing(context: &Context<'a>) -> Result<Asker<'a>, OperationFailure> {
        match Asker::with(context, &[])?.principal.application() {
            None => Asker::operator(context),
            Some(_) => Asker::with(context, &[Scope::ManageWebhooks]),
        }
    }

    pub(super) fn now(&self) -> Now {
        self.api.clock.now()
    }

    /// The application of that name, if the asker sees it.
    pub(super) async fn application(
        &self,
        name: &str,
    ) -> Result<Arc<Application>, OperationFailure> {
        let catalog = self.api.store.catalog().await.map_err(store_failure)?;
        let found = name.parse::<Name>().ok().and_then(|name| {
            let application = catalog.application_named(&name)?;
            self.principal.sees(application.id).then(|| Arc::clone(application))
        });
        found.ok_or_else(|| not_found(Thing::Application, name))
    }
}

/// There is no such thing, or not for this asker.
pub(super) fn not_found(what: Thing, id: &str) -> OperationFailure {
    Failure::NotFound { what, id: id.chars().take(64).collect() }.into()
}

/// An id as it was written; what is none is not found.
pub(super) fn parse_id<T: FromStr>(what: Thing, text: &str) -> Result<T, OperationFailure> {
    text.parse().map_err(|_| not_found(what, text))
}

/// An argument as it was written.
pub(super) fn parse_argument<T>(path: &str, text: &str) -> Result<T, OperationFailure>
where
    T: FromStr<Err: Display>,
{
    text.parse().map_err(|error: T::Err| invalid(path, error.to_string()))
}

/// One thing is wrong with the input.
pub(super) fn invalid(path: &str, message: impl Into<String>) -> OperationFailure {
    OperationFailure::invalid(vec![Problem::new(path, message)])
}

/// What is wrong with the input, as the check of queries tells it.
pub(super) fn invalid_input(problems: Vec<QueryProblem>) -> OperationFailure {
    OperationFailure::invalid(problems.into_iter().map(problem).collect())
}

pub(super) fn problem(problem: QueryProblem) -> Problem {
    let number = |n: Option<usize>| n.and_then(|n| u32::try_from(n).ok());
    Problem {
        path: problem.path,
        message: problem.message,
        line: number(problem.line),
        column: number(problem.column),
    }
}

/// What stopped the store, as a result.
pub(super) fn store_failure(error: StoreError) -> OperationFailure {
    tracing::error!(error = %error, "the database failed a request: {error}");
    match error {
        StoreError::Unknown { .. } => Failure::OutcomeUnknown.into(),
        StoreError::Unavailable { .. } | StoreError::Corrupt { .. } => Failure::Unavailable.into(),
    }
}

/// What stopped a write, as a result. `path` is where the input names what the store refuses.
pub(super) fn write_failure(what: Thing, path: &str, error: WriteError) -> OperationFailure {
    match error {
        // A delivery that is there may belong to a webhook that is not.
        WriteError::NotFound { what: "webhook", id } => not_found(Thing::Webhook, &id),
        WriteError::NotFound { id, .. } => not_found(what, &id),
        WriteError::Taken { id, .. } => Failure::Taken { what, id }.into(),
        WriteError::Stale { id, .. } => Failure::ChangedMeanwhile { what, id }.into(),
        WriteError::Erased { id, .. } => Failure::Erased { what, id }.into(),
        WriteError::Full { detail } => invalid(path, detail),
        WriteError::Store(error) => store_failure(error),
    }
}

/// A failure where the field's type has no room for one.
pub(super) fn as_error(failure: OperationFailure) -> async_graphql::Error {
    use async_graphql::ErrorExtensions;
    let problems = failure.problems.iter().map(|p| format!(" {}: {}", p.path, p.message));
    let mut error = failure.failure.clone().into_error();
    error.message.extend(problems);
    error.extend_with(|_, _| {})
}

/// What stopped the store, where the field's type has no room for a failure.
pub(super) fn store_error(error: StoreError) -> async_graphql::Error {
    as_error(store_failure(error))
}

/// The page of the store that these arguments ask for.
pub(super) fn page<C: FromStr>(
    list: &str,
    first: Option<i32>,
    after: Option<&str>,
) -> Result<Page<C>, async_graphql::Error> {
    let arguments = PageArguments::parse(list, first, after)?;
    Ok(Page { first: arguments.first, after: arguments.after })
}

/// The store's page as it is shown.
pub(super) fn shown<T, U: async_graphql::OutputType>(
    list: &str,
    paged: Paged<T>,
    place: impl Fn(&T) -> String,
    show: impl Fn(T) -> U,
) -> ListPage<U> {
    let end_cursor = paged.items.last().map(|item| cursor(list, place(item)));
    ListPage {
        items: paged.items.into_iter().map(show).collect(),
        end_cursor,
        has_next_page: paged.has_next_page,
    }
}
