//! The collector: leased work, one task for each account that is collected.
//!
//! ```text
//! claim ─► account there, consent holds ─► credentials opened
//!       ─► check ─┬─ rejected ─► to-do, the task ends
//!                 └─ taken ─► Quick Check ─► up to date, the task ends
//!                         └─► page ─► each document: bytes on the shelf ─► document and progress
//!                              ▲ └─ more ─┘                                     in one commit
//!                              └──────────── no more ─► up to date, the task ends or sleeps until
//!                                                       the next sync
//! ```
//!
//! Whatever is written is written with the progress, under the lease: a collection that was taken
//! away, or whose consent was withdrawn, writes nothing more. A kill at any moment leaves the task,
//! which goes on at the last document.

use std::sync::Arc;

use async_trait::async_trait;
use tidings_core::{
    ids::ApplicationId,
    limits::{CLAIMS_WITHOUT_RESULT_MAX, HORIZON_MS},
    secret::Vault,
    time::{Elapsed, Now},
};
use tidings_graphql::{AccessLevel, Locale};
use tidings_store::{Chance, ClaimTasks, ClaimedTask, Clock, Store, StoreError, TaskChange};
use tidings_work::{Found, Work};
use tracing::{info, warn};

use super::{
    adapter::{AdapterTrouble, Adapters, Fetched},
    collection::{Collection, KIND, moment_of},
    lease::Leases,
    protocol::{
        CheckAnswer, CollectAnswer, CollectedDocument, CollectedPage, Credential, DocumentAnswer,
        QuickCheckAnswer, Words,
    },
};
use crate::{
    domain::{Account, AccountStatus, Document, Provider, Stored, ToDoKind, entity_code_of},
    reader::Reader,
    shelf::{Expected, ReceiveError, Shelf},
    writer::{AccountChange, Collected, NotCollected, Writer},
};

/// Accounts that one process collects at a time.
pub const COLLECTED_AT_A_TIME: usize = 16;
/// Pages of one run; the next run goes on.
const PAGES_MAX: usize = 10_000;
/// The first wait after a failure, doubled for each further one.
const FAILED_DELAY_MS: u64 = 5_000;
/// The longest wait after a failure.
const FAILED_DELAY_MS_MAX: u64 = 6 * 60 * 60 * 1_000;
/// How often an account is synced whose adapter does not say.
const SYNC_EVERY_MS: u64 = 6 * 60 * 60 * 1_000;

/// What the collector works with.
#[derive(Clone)]
pub struct CollectorParts {
    /// The store.
    pub store: Arc<dyn Store>,
    /// The writer of the same store.
    pub writer: Writer,
    /// Where documents' bytes are kept.
    pub shelf: Shelf,
    /// How adapters are asked.
    pub adapters: Arc<dyn Adapters>,
    /// What credentials are sealed with.
    pub vault: Arc<Vault>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub chance: Arc<dyn Chance>,
}

/// See the module.
pub struct Collector {
    parts: CollectorParts,
    reader: Reader,
    leases: Leases,
}

/// Why a run stopped before its end.
enum Stop {
    /// The task is not ours any more, or what it is about is gone: nothing is to be written.
    Over,
    /// The provider does not take the credentials.
    Rejected(Words),
    /// It is tried again later.
    Trouble(AdapterTrouble),
}

impl From<AdapterTrouble> for Stop {
    fn from(trouble: AdapterTrouble) -> Stop {
        Stop::Trouble(trouble)
    }
}

impl From<NotCollected> for Stop {
    fn from(stopped: NotCollected) -> Stop {
        match stopped {
            NotCollected::LeaseLost => Stop::Over,
            NotCollected::Refused(failure) => {
                Stop::Trouble(AdapterTrouble::of(failure.failure.text(Locale::EnGb)))
            }
        }
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Stop {
        Stop::Trouble(AdapterTrouble::of(error))
    }
}

/// One run: whose account, where it is asked for, and how far it has come.
struct Run<'a> {
    claimed: &'a ClaimedTask,
    application: ApplicationId,
    account: Stored<Account>,
    url: String,
    credentials: Vec<Credential>,
    collection: Collection,
}

impl Collector {
    /// A collector. [`tidings_work::Worker`] sets it to work.
    #[must_use]
    pub fn new(parts: CollectorParts) -> Collector {
        let reader = Reader::new(Arc::clone(&parts.store));
        let leases = Leases::new(Arc::clone(&parts.store), Arc::clone(&parts.clock));
        Collector { parts, reader, leases }
    }

    fn now(&self) -> Now {
        self.parts.clock.now()
    }

    async fn run(&self, claimed: &ClaimedTask) -> Result<(), Stop> {
        let Some(mut run) = self.begin(claimed).await? else { return Ok(()) };
        if !run.collection.checked {
            self.check(&mut run).await?;
        }
        match run.account.body.access_level {
            AccessLevel::QuickCheck => self.quick_check(run).await,
            AccessLevel::FullCheck | AccessLevel::FullCheckOngoing => self.collect(run).await,
        }
    }

    /// Reads what the task is about. `None`: there is nothing to collect, and that was written.
    async fn begin<'a>(&self, claimed: &'a ClaimedTask) -> Result<Option<Run<'a>>, Stop> {
        let (application, id) = (claimed.task.application, &claimed.task.key);
        let account = self.reader.one::<Account>(Some(application), id).await?;
        let account = account.filter(|account| !account.deleted).ok_or(Stop::Over)?;
        if account.body.status == AccountStatus::ConsentWithdrawn {
            return Err(Stop::Over);
        }
        let now = self.now();
        if account.body.consent.until.is_some_and(|until| until <= now.wall) {
            info!(account = %id, "the consent has come to its end");
            let withdrawn = self.parts.writer.withdraw_consent(application, id).await;
            withdrawn.map_err(|failure| Stop::from(NotCollected::Refused(failure)))?;
            return Ok(None);
        }
        let collection: Collection = serde_json::from_str(&claimed.task.body)
            .map_err(|error| AdapterTrouble::of(format!("the task cannot be read: {error}")))?;
        let opened = collection.open(&self.parts.vault, id).map_err(AdapterTrouble::of)?;
        let Some(credentials) = opened else {
            // Only the end of the consent is waited for, and the clock was set back.
            let progress = vec![ended(claimed, &account, &collection, now)];
            self.keep(application, id, Collected { progress, ..Collected::default() }).await?;
            return Ok(None);
        };
        let provider = self.reader.one::<Provider>(None, &account.body.provider).await?;
        let url = provider.filter(|it| !it.deleted).and_then(|it| it.body.adapter_url);
        let url = url.ok_or_else(|| AdapterTrouble::of("the provider has no adapter"))?;
        Ok(Some(Run { claimed, application, account, url, credentials, collection }))
    }

    async fn keep(
        &self,
        application: ApplicationId,
        account: &str,
        collected: Collected,
    ) -> Result<(), Stop> {
        let kept = self.parts.writer.keep_collected(application, account, &collected).await;
        kept.map_err(Stop::from)
    }

    async fn check(&self, run: &mut Run<'_>) -> Result<(), Stop> {
        match self.parts.adapters.check(&run.url, &run.credentials).await? {
            CheckAnswer::Ok => {}
            CheckAnswer::CredentialsRejected { reason } => return Err(Stop::Rejected(reason)),
        }
        run.collection.checked = true;
        let account = status(AccountStatus::Collecting);
        let progress = vec![run.progress()];
        let collected = Collected { account, progress, ..Collected::default() };
        self.keep(run.application, &run.account.id, collected).await
    }

    async fn quick_check(&self, mut run: Run<'_>) -> Result<(), Stop> {
        let answer = self.parts.adapters.quick_check(&run.url, &run.credentials).await?;
        let (account, provisions) = match answer {
            QuickCheckAnswer::Ok { account, provisions } => (account, provisions),
            QuickCheckAnswer::CredentialsRejected { reason } => return Err(Stop::Rejected(reason)),
        };
        let now = self.now();
        let account = AccountChange {
            status: Some(AccountStatus::UpToDate),
            last_collected_at: Some(now.wall),
            ..account.into_change()
        };
        let provisions = provisions.into_iter().map(|it| it.into_new()).collect();
        run.collection = Collection::default();
        let progress = vec![ended(run.claimed, &run.account, &run.collection, now)];
        let collected =
            Collected { account, provisions: Some(provisions), progress, ..Collected::default() };
        self.keep(run.application, &run.account.id, collected).await
    }

    async fn collect(&self, mut run: Run<'_>) -> Result<(), Stop> {
        for _ in 0..PAGES_MAX {
            let cursor = run.collection.cursor.clone();
            let asked = self.parts.adapters.collect(&run.url, &run.credentials, cursor.as_deref());
            let page = match asked.await? {
                CollectAnswer::Page(page) => page,
                CollectAnswer::CredentialsRejected { reason } => {
                    return Err(Stop::Rejected(reason));
                }
            };
            if page.goes_in_a_circle(cursor.as_deref()) {
                let why = "`collect`: there is more, behind the cursor that it was asked with";
                return Err(AdapterTrouble::of(why).into());
            }
            let goes_on = page.more;
            self.keep_page(&mut run, page).await?;
            if !goes_on {
                return self.finish(run).await;
            }
        }
        Err(AdapterTrouble::of("`collect`: the pages do not end").into())
    }

    /// Keeps a page: each document that is new in a commit of its own, then the rest of it with the
    /// cursor behind it.
    async fn keep_page(&self, run: &mut Run<'_>, page: CollectedPage) -> Result<(), Stop> {
        let CollectedPage { account, provisions, documents, cursor, .. } = page;
        for document in self.missing(run, documents).await? {
            self.keep_document(run, document).await?;
        }
        run.collection.cursor = Some(cursor);
        let provisions = provisions.into_iter().map(|it| it.into_new()).collect();
        let collected = Collected {
            account: account.into_change(),
            provisions: Some(provisions),
            progress: vec![run.progress()],
            ..Collected::default()
        };
        self.keep(run.application, &run.account.id, collected).await
    }

    /// Those that the account does not have yet.
    async fn missing(
        &self,
        run: &Run<'_>,
        mut documents: Vec<CollectedDocument>,
    ) -> Result<Vec<CollectedDocument>, Stop> {
        let id = |document: &CollectedDocument| entity_code_of(&run.account.id, &document.key);
        let ids = documents.iter().map(id).collect();
        let there = self.reader.many::<Document>(Some(run.application), ids).await?;
        documents.retain(|document| there.get(&id(document)).is_none_or(|it| it.deleted));
        Ok(documents)
    }

    async fn keep_document(
        &self,
        run: &mut Run<'_>,
        document: CollectedDocument,
    ) -> Result<(), Stop> {
        let trouble = |what: &dyn std::fmt::Display| {
            AdapterTrouble::of(format!("the document `{}`: {what}", document.key))
        };
        let sha256 = document.sha256.parse().map_err(|_| trouble(&"its hash cannot be read"))?;
        let expected = Expected { sha256, bytes: document.bytes };
        let shelf = &self.parts.shelf;
        let kept = match shelf.holds(expected).await.map_err(|error| trouble(&error))? {
            Some(kept) => kept,
            None => {
                let (url, key) = (&run.url, &document.key);
                let fetched = self.parts.adapters.document(url, &run.credentials, key).await?;
                match fetched {
                    Fetched::Bytes(bytes) => match shelf.receive(expected, bytes).await {
                        Ok(kept) => kept,
                        Err(ReceiveError::Stream(error)) => return Err(error.into()),
                        Err(error) => return Err(trouble(&error).into()),
                    },
                    Fetched::Told(DocumentAnswer::Gone) => return Ok(()),
                    Fetched::Told(DocumentAnswer::CredentialsRejected { reason }) => {
                        return Err(Stop::Rejected(reason));
                    }
                }
            }
        };
        let documents = vec![document.into_new()];
        let progress = vec![run.progress()];
        let collected = Collected { documents, progress, ..Collected::default() };
        let written = self.keep(run.application, &run.account.id, collected).await;
        // The bytes stay by themselves once a document has them.
        drop(kept);
        written
    }

    /// All that there was is here.
    async fn finish(&self, mut run: Run<'_>) -> Result<(), Stop> {
        let now = self.now();
        let account = AccountChange {
            status: Some(AccountStatus::UpToDate),
            last_collected_at: Some(now.wall),
            ..AccountChange::default()
        };
        run.collection.collected = true;
        run.collection.failures = 0;
        run.collection.failing_since = None;
        let progress = if run.account.body.access_level == AccessLevel::FullCheckOngoing {
            let described = self.parts.adapters.describe(&run.url).await;
            let every_ms = described.map_or(SYNC_EVERY_MS, |it| u64::from(it.sync_every_s) * 1_000);
            let next = now.elapsed.plus_ms(self.parts.chance.jitter().spread(every_ms));
            given_back(run.claimed, &run.account, &run.collection, now, next)
        } else {
            run.collection = Collection::default();
            ended(run.claimed, &run.account, &run.collection, now)
        };
        let collected = Collected { account, progress: vec![progress], ..Collected::default() };
        self.keep(run.application, &run.account.id, collected).await
    }

    /// The user must renew the credentials; those that were rejected are forgotten.
    async fn reject(&self, claimed: &ClaimedTask, reason: &Words) -> Result<(), Stop> {
        info!(account = %claimed.task.key, "the provider does not take the credentials");
        let title = reason.text(Locale::EnGb).to_owned();
        let collected = Collected {
            account: status(AccountStatus::CredentialsRejected),
            to_do: Some((ToDoKind::RenewCredentials, title)),
            progress: vec![finished(claimed)],
            ..Collected::default()
        };
        self.keep(claimed.task.application, &claimed.task.key, collected).await
    }

    /// Waits, longer each time; a first collection that has failed for 72 hours is given up.
    async fn fail(&self, claimed: &ClaimedTask, trouble: &AdapterTrouble) -> Result<(), Stop> {
        let (now, id) = (self.now(), &claimed.task.key);
        warn!(account = %id, "an account cannot be collected: {trouble}");
        let mut collection: Collection = match serde_json::from_str(&claimed.task.body) {
            Ok(collection) => collection,
            Err(_) => return self.give_up(claimed).await,
        };
        // What was written meanwhile stands in the store's row.
        let stored = self.parts.store.task(claimed.task.application, KIND, id).await?;
        if let Some(Ok(later)) = stored.map(|task| serde_json::from_str(&task.body)) {
            collection = later;
        }
        let since = *collection.failing_since.get_or_insert(now.elapsed);
        if !collection.collected && now.elapsed.since_ms(since) >= HORIZON_MS {
            return self.give_up(claimed).await;
        }
        let doubled = FAILED_DELAY_MS.saturating_mul(1 << collection.failures.min(16));
        let delay_ms = self.parts.chance.jitter().spread(doubled.min(FAILED_DELAY_MS_MAX));
        let asked_ms = trouble.retry_after_ms.unwrap_or(0).min(FAILED_DELAY_MS_MAX);
        collection.failures = collection.failures.saturating_add(1);
        let next = now.elapsed.plus_ms(delay_ms.max(asked_ms));
        let account = self.reader.one::<Account>(Some(claimed.task.application), id).await?;
        let account = account.filter(|account| !account.deleted).ok_or(Stop::Over)?;
        let progress = vec![given_back(claimed, &account, &collection, now, next)];
        let collected = Collected { progress, ..Collected::default() };
        self.keep(claimed.task.application, id, collected).await
    }

    async fn give_up(&self, claimed: &ClaimedTask) -> Result<(), Stop> {
        let collected = Collected {
            account: status(AccountStatus::Failed),
            progress: vec![finished(claimed)],
            ..Collected::default()
        };
        self.keep(claimed.task.application, &claimed.task.key, collected).await
    }

    /// Whatever stopped a run, written down.
    async fn settle(&self, claimed: &ClaimedTask, stop: Stop) {
        let settled = match stop {
            Stop::Over => return,
            Stop::Rejected(reason) => self.reject(claimed, &reason).await,
            Stop::Trouble(trouble) => self.fail(claimed, &trouble).await,
        };
        if let Err(Stop::Trouble(trouble)) = settled {
            // Its lease runs out, and it is tried again then.
            warn!(account = %claimed.task.key, "a collection could not be written: {trouble}");
        }
    }
}

fn status(status: AccountStatus) -> AccountChange {
    AccountChange { status: Some(status), ..AccountChange::default() }
}

impl Run<'_> {
    /// How far it has come; the lease goes on.
    fn progress(&self) -> TaskChange {
        let (task, token) = (self.claimed.task.id, self.claimed.token);
        TaskChange::Keep { task, token, body: self.collection.text(), due_at: None }
    }
}

fn finished(claimed: &ClaimedTask) -> TaskChange {
    TaskChange::Finish { task: claimed.task.id, token: claimed.token }
}

/// The task sleeps until then, and not beyond the end of the consent.
fn given_back(
    claimed: &ClaimedTask,
    account: &Stored<Account>,
    collection: &Collection,
    now: Now,
    next: Elapsed,
) -> TaskChange {
    let ends_at = account.body.consent.until.map(|until| moment_of(until, now));
    let due_at = Some(ends_at.map_or(next, |ends_at| next.min(ends_at)));
    let (task, token) = (claimed.task.id, claimed.token);
    TaskChange::Keep { task, token, body: collection.text(), due_at }
}

/// Nothing is to be collected any more: the task ends, or waits for the end of the consent.
fn ended(
    claimed: &ClaimedTask,
    account: &Stored<Account>,
    collection: &Collection,
    now: Now,
) -> TaskChange {
    match account.body.consent.until {
        None => finished(claimed),
        Some(until) => given_back(claimed, account, collection, now, moment_of(until, now)),
    }
}

#[async_trait]
impl Work for Collector {
    type Item = ClaimedTask;

    async fn claim(&self, permits: usize) -> Result<Found<ClaimedTask>, StoreError> {
        let now = self.now();
        let lease_until = self.leases.until(now);
        let claim = ClaimTasks { kind: KIND.to_owned(), permits, lease_until };
        let batch = self.parts.store.claim_tasks(now, claim).await?;
        Ok(Found { items: batch.claimed, next_at: batch.next_at })
    }

    async fn perform(&self, claimed: ClaimedTask) {
        if claimed.claims_count > CLAIMS_WITHOUT_RESULT_MAX {
            warn!(account = %claimed.task.key, "a collection was begun again and again: given up");
            let _written = self.give_up(&claimed).await;
            return;
        }
        let worked = self.leases.held(&claimed, self.run(&claimed)).await;
        if let Some(Err(stop)) = worked {
            self.settle(&claimed, stop).await;
        }
    }

    fn name(claimed: &ClaimedTask) -> String {
        format!("the collection of account {}", claimed.task.key)
    }
}
