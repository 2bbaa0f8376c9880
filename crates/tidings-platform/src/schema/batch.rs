//! Entities that are shown together read together what they point at and what hangs on them.
//!
//! ```text
//! a page of accounts ─► Batch ─┬─ the first that is asked for its user reads the users of all
//!                              └─ the first that is asked for its documents reads those of all
//!                                     └─► a Batch of documents, which may be asked in turn
//! ```
//!
//! So a query costs as many reads as it has fields that are objects, however many items there are.
//! What is read and shown for one field of the root is bounded.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_graphql::{Context, Error};
use tidings_core::ids::ApplicationId;
use tidings_graphql::{Failure, OperationFailure, PageArguments};
use tidings_store::StoreError;
use tokio::sync::OnceCell;

use super::asking::{sees, stopped};
use crate::{
    domain::{Account, Body, Document, Provider, Provision, Stored, ToDo, User, last_role},
    reader::{EntityPage, Hanging, Reader, Tombstones},
    writer::{Written, not_found},
};

/// Items of lists below one field of the root, wherever they stand in the answer.
pub(super) const NESTED_ITEMS_MAX: usize = 20_000;

/// An entity that is shown, with those that were read beside it.
#[derive(Debug)]
pub struct Shown<B> {
    /// The entity.
    pub entity: Arc<Stored<B>>,
    pub(super) batch: Arc<Batch>,
}

impl<B> Clone for Shown<B> {
    fn clone(&self) -> Shown<B> {
        Shown { entity: Arc::clone(&self.entity), batch: Arc::clone(&self.batch) }
    }
}

/// What hangs on an entity that is shown.
#[derive(Debug)]
pub(super) struct ShownPage<B> {
    pub(super) items: Vec<Shown<B>>,
    pub(super) deleted: Vec<String>,
    /// The position of the last one, deleted or not.
    pub(super) end: Option<u64>,
    pub(super) has_next_page: bool,
}

impl<B> Clone for ShownPage<B> {
    fn clone(&self) -> ShownPage<B> {
        ShownPage { items: self.items.clone(), deleted: self.deleted.clone(), ..*self }
    }
}

/// Entities of one kind that were read at once, and what was read of what they point at and of what
/// hangs on them.
#[derive(Debug)]
pub(super) struct Batch {
    application: ApplicationId,
    /// Whether these are tombstones: what hung on them when they were deleted is shown with them.
    last: bool,
    nested: Arc<AtomicUsize>,
    ids: Vec<String>,
    user_ids: BTreeSet<String>,
    account_ids: BTreeSet<String>,
    provider_codes: BTreeSet<String>,
    users: Targets<User>,
    accounts: Targets<Account>,
    providers: OnceCell<HashMap<String, Arc<Stored<Provider>>>>,
    pub(super) accounts_of: Lists<Account>,
    pub(super) provisions_of: Lists<Provision>,
    pub(super) documents_of: Lists<Document>,
    pub(super) to_dos_of: Lists<ToDo>,
}

/// What a batch points at; `None` for what was deleted meanwhile.
type Targets<B> = OnceCell<HashMap<String, Option<Shown<B>>>>;

/// What hangs on the entities of a batch, for each way in which it was asked for.
#[derive(Debug)]
pub(super) struct Lists<B>(Mutex<HashMap<ListKey, List<B>>>);

/// For each entity of the batch, what hangs on it; `None`: more than may be read.
type List<B> = Arc<OnceCell<Option<HashMap<String, ShownPage<B>>>>>;

#[derive(PartialEq, Eq, Hash, Debug)]
struct ListKey {
    role: &'static str,
    first: usize,
    after: Option<u64>,
}

impl<B> Default for Lists<B> {
    fn default() -> Lists<B> {
        Lists(Mutex::default())
    }
}

impl<B> Lists<B> {
    fn list(&self, key: ListKey) -> List<B> {
        let mut lists = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(lists.entry(key).or_default())
    }
}

/// Shows what a field of the root gives.
pub(super) fn shown<B: Body>(
    application: ApplicationId,
    entities: Vec<Stored<B>>,
) -> Vec<Shown<B>> {
    let entities = entities.into_iter().map(Arc::new).collect();
    Batch::of(application, Arc::default(), entities)
}

/// Shows one entity.
pub(super) fn shown_alone<B: Body>(application: ApplicationId, entity: Stored<B>) -> Shown<B> {
    shown(application, vec![entity]).pop().expect("one is shown for each entity")
}

/// Shows what a change came to.
pub(super) fn shown_written<B: Body>(
    application: ApplicationId,
    written: Result<Written<B>, OperationFailure>,
) -> Result<Shown<B>, OperationFailure> {
    written.map(|written| shown_alone(application, written.entity))
}

impl Batch {
    fn of<B: Body>(
        application: ApplicationId,
        nested: Arc<AtomicUsize>,
        entities: Vec<Arc<Stored<B>>>,
    ) -> Vec<Shown<B>> {
        let all = |target: fn(&B) -> Option<&str>| {
            entities.iter().filter_map(|it| target(&it.body)).map(str::to_owned).collect()
        };
        let batch = Arc::new(Batch {
            application,
            last: entities.iter().any(|entity| entity.deleted),
            nested,
            ids: entities.iter().map(|entity| entity.id.clone()).collect(),
            user_ids: all(B::user),
            account_ids: all(B::account),
            provider_codes: all(B::provider),
            users: OnceCell::new(),
            accounts: OnceCell::new(),
            providers: OnceCell::new(),
            accounts_of: Lists::default(),
            provisions_of: Lists::default(),
            documents_of: Lists::default(),
            to_dos_of: Lists::default(),
        });
        let shown = |entity| Shown { entity, batch: Arc::clone(&batch) };
        entities.into_iter().map(shown).collect()
    }

    /// A user whom one of these points at.
    pub(super) async fn user(&self, context: &Context<'_>, id: &str) -> Result<Shown<User>, Error> {
        self.target(context, &self.users, &self.user_ids, id).await
    }

    /// An account that one of these points at.
    pub(super) async fn account(
        &self,
        context: &Context<'_>,
        id: &str,
    ) -> Result<Shown<Account>, Error> {
        self.target(context, &self.accounts, &self.account_ids, id).await
    }

    /// A provider that one of these points at, also one that was deleted.
    pub(super) async fn provider(
        &self,
        context: &Context<'_>,
        code: &str,
    ) -> Result<Arc<Stored<Provider>>, Error> {
        let reader = context.data::<Reader>()?;
        let read = || reader.many(None, self.provider_codes.iter().cloned().collect());
        let all = self.providers.get_or_try_init(read).await;
        let found =
            all.and_then(|all| all.get(code).cloned().ok_or_else(|| dangling::<Provider>(code)));
        found.map_err(|error| stopped(context, &error).into_error())
    }

    async fn target<B: Body>(
        &self,
        context: &Context<'_>,
        targets: &Targets<B>,
        ids: &BTreeSet<String>,
        id: &str,
    ) -> Result<Shown<B>, Error> {
        let reader = context.data::<Reader>()?;
        let read = async || {
            let found = reader.many::<B>(Some(self.application), ids.iter().cloned().collect());
            let (seen, gone): (Vec<_>, Vec<_>) =
                found.await?.into_values().partition(|entity| sees(context, entity));
            let gone = gone.into_iter().map(|entity| (entity.id.clone(), None));
            let seen = Batch::of(self.application, Arc::clone(&self.nested), seen);
            let seen = seen.into_iter().map(|shown| (shown.entity.id.clone(), Some(shown)));
            Ok(seen.chain(gone).collect())
        };
        let all: Result<&HashMap<_, _>, StoreError> = targets.get_or_try_init(read).await;
        match all.map(|all| all.get(id)) {
            Ok(Some(Some(shown))) => Ok(shown.clone()),
            Ok(Some(None)) => Err(not_found::<B>(id).into_error()),
            Ok(None) => Err(stopped(context, &dangling::<B>(id)).into_error()),
            Err(error) => Err(stopped(context, &error).into_error()),
        }
    }

    /// What hangs on one of these. `lists` is the batch's own list of such.
    pub(super) async fn hanging<B: Body>(
        &self,
        context: &Context<'_>,
        lists: &Lists<B>,
        role: &'static str,
        id: &str,
        page: PageArguments<u64>,
    ) -> Result<ShownPage<B>, Error> {
        let reader = context.data::<Reader>()?;
        let list = lists.list(ListKey { role, first: page.first, after: page.after });
        let all = list.get_or_try_init(|| self.read_hanging(context, reader, role, page)).await;
        let all = all.map_err(|error| stopped(context, &error).into_error())?;
        let found = all.as_ref().ok_or_else(too_large)?.get(id).cloned();
        let found = found.ok_or_else(|| stopped(context, &dangling::<B>(id)).into_error())?;
        let before = self.nested.fetch_add(found.items.len(), Ordering::Relaxed);
        if before + found.items.len() > NESTED_ITEMS_MAX {
            return Err(too_large());
        }
        Ok(found)
    }

    async fn read_hanging<B: Body>(
        &self,
        context: &Context<'_>,
        reader: &Reader,
        role: &str,
        page: PageArguments<u64>,
    ) -> Result<Option<HashMap<String, ShownPage<B>>>, StoreError> {
        let tombstones = match (self.last, page.after) {
            (true, _) => Tombstones::Shown,
            (false, Some(_)) => Tombstones::Told,
            (false, None) => Tombstones::LeftOut,
        };
        let hanging = Hanging {
            application: self.application,
            role: if self.last { last_role(role) } else { role.to_owned() },
            targets: self.ids.clone(),
            tombstones,
            page,
            entities_max: NESTED_ITEMS_MAX,
        };
        let found = reader.hanging_on::<B>(hanging).await?;
        Ok(found.map(|found| self.shown_pages(context, found)))
    }

    /// All that was found for all targets becomes one batch.
    fn shown_pages<B: Body>(
        &self,
        context: &Context<'_>,
        found: HashMap<String, EntityPage<B>>,
    ) -> HashMap<String, ShownPage<B>> {
        let (mut entities, mut ends) = (Vec::new(), Vec::new());
        for (target, page) in found {
            let items = page.items.into_iter().filter(|entity| sees(context, entity));
            entities.extend(items.map(Arc::new));
            ends.push((target, entities.len(), page.deleted, page.end, page.has_next_page));
        }
        let mut shown = Batch::of(self.application, Arc::clone(&self.nested), entities).into_iter();
        let (mut pages, mut before) = (HashMap::new(), 0);
        for (target, until, deleted, end, has_next_page) in ends {
            let items = shown.by_ref().take(until - before).collect();
            before = until;
            pages.insert(target, ShownPage { items, deleted, end, has_next_page });
        }
        pages
    }
}

fn too_large() -> Error {
    Failure::AnswerTooLarge { items_max: NESTED_ITEMS_MAX }.into_error()
}

fn dangling<B: Body>(id: &str) -> StoreError {
    StoreError::Corrupt {
        operation: "read what an entity points at",
        what: format!("{} {id}", B::KIND),
        cause: "it is not there".to_owned(),
    }
}
