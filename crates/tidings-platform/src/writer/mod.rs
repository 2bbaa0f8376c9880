//! Changes of entities, each with the events that it fires and their deliveries in one commit.
//!
//! ```text
//! read ─► check ─► nothing changes ─► done, nothing fires
//!   ▲        └─► match the events against the catalog ─► append ─► written
//!   │                     ▲                               ├─ the catalog changed meanwhile
//!   │                     └───────────────────────────────┘
//!   └─ the entity changed meanwhile ──────────────────────┘
//! ```

use std::{fmt, ops::RangeInclusive, sync::Arc};

use async_graphql::MaybeUndefined;
use tidings_core::{
    event::{Event, JsonObject},
    ids::{ApplicationId, EntityId, EventId},
    limits,
    matching::match_event,
    secret::Vault,
    source::SourceInfo,
    time::Now,
};
use tidings_graphql::{Failure, Locale, OperationFailure, Problem};
use tidings_store::{
    Append, AppendError, AppendedEvent, Chance, Clock, Emptied, EntityChange, EntityExpectation,
    Erasure, Ingest, NewEvent, NewToken, Revocation, Store, StoreError, TaskChange,
};
use tracing::error;

use crate::{
    collect::{adapter::Adapters, running::Running},
    domain::{Account, Body, Stored, User},
    freed::Freed,
    reader::Reader,
    triggers::Trigger,
};

mod deletion;
mod user;
mod access_token;
mod subject;
mod withdrawal;
mod provider;
mod account;
mod link;
mod collected;
mod provision;
mod document;
mod to_do;
mod energy_switch;

pub use access_token::{Delegation, Issued};
pub use account::{AccountChange, NewAccount};
pub use collected::{Collected, NotCollected};
pub use document::NewDocument;
pub use energy_switch::{CommissionFields, EnergySwitchChange, NewEnergySwitch};
pub use link::NewLink;
pub use provider::{NewProvider, ProviderChange};
pub use provision::NewProvision;
pub use subject::Subject;
pub use to_do::NewToDo;
pub use user::NewUser;

/// How often a change is tried while others change the same things.
const TRIES_MAX: usize = 8;

/// Changes entities.
#[derive(Clone)]
pub struct Writer {
    reader: Reader,
    store: Arc<dyn Store>,
    ingest: Arc<dyn Ingest>,
    clock: Arc<dyn Clock>,
    chance: Arc<dyn Chance>,
    source: Arc<SourceInfo>,
    vault: Arc<Vault>,
    adapters: Arc<dyn Adapters>,
    running: Arc<Running>,
    freed: Arc<Freed>,
}

/// What accounts are linked with.
#[derive(Clone)]
pub struct Linking {
    /// What credentials are sealed with.
    pub vault: Arc<Vault>,
    /// What adapters are asked through.
    pub adapters: Arc<dyn Adapters>,
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("source", &self.source.name).finish_non_exhaustive()
    }
}

/// What a change came to.
#[derive(Clone, PartialEq, Debug)]
pub struct Written<B> {
    /// The entity as it is now; a deleted one as it last was.
    pub entity: Stored<B>,
    /// The event that it fired; `None` where nothing changed or no trigger tells of it.
    pub event: Option<AppendedEvent>,
}

/// What is to be written in one commit: at most [`limits::EVENTS_PER_REQUEST_MAX`] events.
struct Plan<T> {
    changes: Vec<EntityChange>,
    /// What must not change meanwhile: what the changed entities hang on.
    expected: Vec<EntityExpectation>,
    /// What nothing hangs on any more: what was added since it was read is a conflict.
    emptied: Vec<Emptied>,
    firings: Vec<Firing>,
    /// Ids of what may not be told any more, but for the events of this plan.
    erased: Vec<String>,
    tasks: Vec<TaskChange>,
    tokens: Vec<NewToken>,
    /// Beside those of what is deleted.
    revocations: Vec<Revocation>,
    /// What will have been made.
    made: T,
}

impl<T> Plan<T> {
    /// A plan that changes nothing yet.
    fn of(made: T) -> Plan<T> {
        Plan {
            changes: Vec::new(),
            expected: Vec::new(),
            emptied: Vec::new(),
            firings: Vec::new(),
            erased: Vec::new(),
            tasks: Vec::new(),
            tokens: Vec::new(),
            revocations: Vec::new(),
            made,
        }
    }

    /// What may not be told any more, by whose it is: a plan that erases changes one application's.
    fn erasures(&self) -> Vec<Erasure> {
        let owner = self.changes.iter().find_map(|change| change.application);
        let entities: Vec<EntityId> = self.erased.iter().filter_map(|id| id.parse().ok()).collect();
        let erasure = |application| Erasure { application, entities };
        owner.filter(|_| !self.erased.is_empty()).map(erasure).into_iter().collect()
    }

    /// Its own, and those of what is deleted: the tokens of users open nothing any more, nor do
    /// those that were issued under the consent for an account.
    fn all_revocations(&self) -> Vec<Revocation> {
        let revocation = |gone: &EntityChange| {
            let application = gone.application?;
            match gone.kind.as_str() {
                User::KIND => Some(Revocation::User { application, user: gone.id.parse().ok()? }),
                Account::KIND => revocation_of(application, &gone.id),
                _ => None,
            }
        };
        let deleted = self.changes.iter().filter(|change| change.deleted);
        deleted.filter_map(revocation).chain(self.revocations.iter().cloned()).collect()
    }
}

/// The revocation of the tokens that were issued under the consent for an account: the grant of
/// Auth Link has the account's id.
fn revocation_of(application: ApplicationId, account: &str) -> Option<Revocation> {
    account.parse().ok().map(|grant| Revocation::Grant { application, grant })
}

/// An event that is to be.
struct Firing {
    /// Its id; by chance where it is left out.
    event: Option<EventId>,
    trigger: Trigger,
    entity: String,
    application: ApplicationId,
}

impl Firing {
    fn of(trigger: Trigger, entity: &str, application: ApplicationId) -> Firing {
        Firing { event: None, trigger, entity: entity.to_owned(), application }
    }
}

/// What became of a plan.
enum Committed {
    Done(Vec<AppendedEvent>),
    /// An entity was changed by someone else: read again.
    Conflict,
    /// The task that it was done for is not ours any more.
    LeaseLost,
}

impl Writer {
    /// Writes through `ingest`, so that what is born finds the delivery engine's free room.
    /// `source` is what [`crate::source_info`] gave.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store>,
        ingest: Arc<dyn Ingest>,
        clock: Arc<dyn Clock>,
        chance: Arc<dyn Chance>,
        source: SourceInfo,
        linking: Linking,
    ) -> Writer {
        let reader = Reader::new(Arc::clone(&store));
        let Linking { vault, adapters } = linking;
        let source = Arc::new(source);
        let (running, freed) = (Arc::default(), Arc::default());
        Writer { reader, store, ingest, clock, chance, source, vault, adapters, running, freed }
    }

    /// The collections that this writer begins and ends.
    #[must_use]
    pub fn running(&self) -> Arc<Running> {
        Arc::clone(&self.running)
    }

    /// What this writer's deletions leave on the shelf.
    #[must_use]
    pub fn freed(&self) -> Arc<Freed> {
        Arc::clone(&self.freed)
    }

    /// What the platform is as a source.
    #[must_use]
    pub fn source(&self) -> &SourceInfo {
        &self.source
    }

    fn now(&self) -> Now {
        self.clock.now()
    }

    /// Commits a plan. When the catalog changed since the events were matched, they are matched
    /// again.
    async fn commit<T>(&self, now: Now, plan: &Plan<T>) -> Result<Committed, OperationFailure> {
        let events: Vec<Event> =
            plan.firings.iter().map(|firing| self.event(now, firing)).collect();
        assert!(
            events.len() <= limits::EVENTS_PER_REQUEST_MAX,
            "a plan of {} events",
            events.len()
        );
        for _ in 0..TRIES_MAX {
            let catalog = self.store.catalog().await.map_err(|error| stopped(&error))?;
            let new_event = |event: &Event| NewEvent {
                matches: match_event(event, &catalog, &self.source.aliases),
                event: event.clone(),
                idempotency: None,
            };
            let append = Append {
                changes: plan.changes.clone(),
                expected: plan.expected.clone(),
                emptied: plan.emptied.clone(),
                erasures: plan.erasures(),
                tasks: plan.tasks.clone(),
                revocations: plan.all_revocations(),
                tokens: plan.tokens.clone(),
                ..Append::of(catalog.version(), events.iter().map(new_event).collect())
            };
            self.running.removing(&plan.tasks);
            match self.append(now, append).await? {
                Ok(appended) => return Ok(Committed::Done(appended)),
                Err(AppendError::StaleCatalog) => {}
                Err(AppendError::EntityConflict { .. }) => return Ok(Committed::Conflict),
                Err(AppendError::LeaseLost { .. }) => return Ok(Committed::LeaseLost),
                Err(AppendError::Store(error)) => return Err(stopped(&error)),
                Err(error) => {
                    error!(%error, "a change met a refusal of what it has not got");
                    return Err(Failure::Unavailable.into());
                }
            }
        }
        Err(Failure::Unavailable.into())
    }

    /// Appends, and tells of what was committed: also where nobody waits for it any more.
    async fn append(
        &self,
        now: Now,
        append: Append,
    ) -> Result<Result<Vec<AppendedEvent>, AppendError>, OperationFailure> {
        let (ingest, running, freed) = (Arc::clone(&self.ingest), self.running(), self.freed());
        let (tasks, changes) = (append.tasks.clone(), append.changes.clone());
        let appending = tokio::spawn(async move {
            let appended = ingest.append(now, append).await;
            if appended.is_ok() {
                running.changed(&tasks);
                freed.note(&changes);
            }
            appended
        });
        appending.await.map_err(|error| {
            error!(%error, "a change was broken off");
            Failure::OutcomeUnknown.into()
        })
    }

    fn event(&self, now: Now, firing: &Firing) -> Event {
        let entity: EntityId =
            firing.entity.parse().expect("24 hexadecimal digits are an entity's id");
        Event {
            id: firing.event.unwrap_or_else(|| self.chance.event_id(now.wall)),
            trigger: firing.trigger.name(),
            entity,
            source: self.source.name.clone(),
            application: Some(firing.application),
            variables: JsonObject::new(),
            date: now.wall,
            test: false,
        }
    }

    /// Commits a plan, no task of which needs a lease. `None`: an entity was changed by someone
    /// else, so read and plan again.
    async fn write<B: Body>(
        &self,
        now: Now,
        plan: Plan<Stored<B>>,
    ) -> Result<Option<Written<B>>, OperationFailure> {
        match self.commit(now, &plan).await? {
            Committed::Done(events) => {
                Ok(Some(Written { entity: plan.made, event: events.into_iter().next() }))
            }
            Committed::Conflict | Committed::LeaseLost => Ok(None),
        }
    }

    /// The entity that is to be changed.
    async fn existing<B: Body>(
        &self,
        application: Option<ApplicationId>,
        id: &str,
    ) -> Result<Stored<B>, OperationFailure> {
        let found = self.reader.one(application, id).await.map_err(|error| stopped(&error))?;
        found.filter(|entity| !entity.deleted).ok_or_else(|| not_found::<B>(id).into())
    }

    /// What a new entity refers to; a reference to what is not there is refused.
    async fn referred<B: Body>(
        &self,
        application: Option<ApplicationId>,
        id: &str,
        path: &str,
    ) -> Result<Stored<B>, OperationFailure> {
        let found = self.reader.one::<B>(application, id).await.map_err(|error| stopped(&error))?;
        found.filter(|entity| !entity.deleted).ok_or_else(|| {
            let failure = not_found::<B>(id);
            let message = failure.text(Locale::EnGb);
            OperationFailure { failure, problems: vec![Problem::new(path, message)] }
        })
    }

    /// Refuses an id that is taken, also by a tombstone.
    async fn refuse_taken<B: Body>(
        &self,
        application: ApplicationId,
        id: &str,
    ) -> Result<(), OperationFailure> {
        let found = self.reader.one::<B>(Some(application), id).await;
        match found.map_err(|error| stopped(&error))? {
            None => Ok(()),
            Some(_) => Err(Failure::Taken { what: B::THING, id: id.to_owned() }.into()),
        }
    }
}

/// A field that may be empty: left out keeps, null clears.
fn over<T: Clone>(wanted: &MaybeUndefined<T>, before: &Option<T>) -> Option<T> {
    match wanted {
        MaybeUndefined::Undefined => before.clone(),
        MaybeUndefined::Null => None,
        MaybeUndefined::Value(value) => Some(value.clone()),
    }
}

/// There is no such entity for the one who asks.
pub(crate) fn not_found<B: Body>(id: &str) -> Failure {
    const SHOWN_CHARACTERS_MAX: usize = 64;
    const TURNING: [RangeInclusive<char>; 3] =
        ['\u{200E}'..='\u{200F}', '\u{202A}'..='\u{202E}', '\u{2066}'..='\u{2069}'];
    // What would command a terminal, or turn the text around, is not said back.
    let is_shown = |it: &char| !it.is_control() && !TURNING.iter().any(|turn| turn.contains(it));
    let id = id.chars().filter(is_shown).take(SHOWN_CHARACTERS_MAX).collect();
    Failure::NotFound { what: B::THING, id }
}

/// Others changed the entity at every try.
fn changed_meanwhile<B: Body>(id: &str) -> OperationFailure {
    Failure::ChangedMeanwhile { what: B::THING, id: id.to_owned() }.into()
}

/// What people are told when the store stops us; the log has the rest.
pub(crate) fn stopped(error: &StoreError) -> OperationFailure {
    error!(%error, "the platform cannot use the store");
    match error {
        StoreError::Unknown { .. } => Failure::OutcomeUnknown.into(),
        StoreError::Unavailable { .. } | StoreError::Corrupt { .. } => Failure::Unavailable.into(),
    }
}
