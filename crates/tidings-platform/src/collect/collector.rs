//! The collector: leased work, one task for each account that is collected.
//!
//! ```text
//! claim ─► account there, consent holds ─► credentials opened
//!       ─► check ─┬─ rejected ─► to-do, the task ends *
//!                 └─ taken ─► Quick Check ─► up to date, the task ends *
//!                         └─► page ─► each document: bytes on the shelf ─► document and progress
//!                              ▲ └─ more ─┘                                     in one commit
//!                              └──────────── no more ─► up to date, the task ends * or sleeps
//!                                                       until the next sync
//!       * or waits, without credentials, for the end of the consent
//! ```
//!
//! Whatever is written is written with the progress, under the lease: a collection that was taken
//! away, or whose consent was withdrawn, writes nothing more. A kill at any moment leaves the task,
//! which goes on at the last document.

use std::sync::Arc;

use async_trait::async_trait;
use tidings_core::{
    ids::ApplicationId,
    limits::CLAIMS_WITHOUT_RESULT_MAX,
    secret::Vault,
    time::{Elapsed, Now, SECOND_MS, Wall},
};
use tidings_graphql::AccessLevel;
use tidings_store::{Chance, ClaimTasks, ClaimedTask, Clock, Store, StoreError, TaskChange};
use tidings_work::{Found, Work};
use tracing::warn;

use super::{
    adapter::{AdapterTrouble, Adapters, Fetched},
    collection::{Collection, KIND, lane, moment_of},
    lease::Leases,
    protocol::{
        CheckAnswer, CollectAnswer, CollectedDocument, CollectedPage, Credential, DocumentAnswer,
        QuickCheckAnswer,
    },
    secrecy,
    setback::Stop,
};
use crate::{
    domain::{Account, AccountStatus, Document, Provider, Stored, entity_code_of},
    reader::Reader,
    shelf::{Expected, ReceiveError, Shelf},
    writer::{AccountChange, Collected, Writer},
};

/// Accounts that one process collects at a time.
pub const COLLECTED_AT_A_TIME: usize = 64;
/// Accounts of one provider among them, and as many Quick Checks of it: one that is slow leaves the
/// others their room, and none is asked by everybody at once.
pub const COLLECTED_OF_A_PROVIDER: usize = 8;
/// Pages of one run; the next run goes on.
const PAGES_MAX: usize = 10_000;
/// Pages in a row without a document, after which a run waits as after a failure.
const EMPTY_PAGES_MAX: usize = 1_000;
/// How often an account is synced whose adapter never said.
const SYNC_EVERY_S: u32 = 6 * 60 * 60;

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
    pub(super) parts: CollectorParts,
    pub(super) reader: Reader,
    leases: Leases,
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
        let leases =
            Leases::new(Arc::clone(&parts.store), Arc::clone(&parts.clock), parts.writer.running());
        Collector { parts, reader, leases }
    }

    pub(super) fn now(&self) -> Now {
        self.parts.clock.now()
    }

    async fn run(&self, claimed: &ClaimedTask) -> Result<(), Stop> {
        let Some(run) = self.begin(claimed).await? else { return Ok(()) };
        let until = run.account.body.consent.until;
        tokio::select! {
            biased;
            () = self.end_of(until) => Err(Stop::ConsentEnded),
            done = self.go_on(run) => done,
        }
    }

    /// Returns when the consent ends.
    async fn end_of(&self, until: Option<Wall>) {
        let Some(until) = until else { return std::future::pending().await };
        loop {
            let now = self.now();
            if until <= now.wall {
                return;
            }
            self.parts.clock.sleep_until(moment_of(until, now)).await;
        }
    }

    async fn go_on(&self, mut run: Run<'_>) -> Result<(), Stop> {
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
        let account = self.account_of(claimed).await?;
        if account.body.status == AccountStatus::ConsentWithdrawn {
            return Err(Stop::Over);
        }
        let now = self.now();
        if account.body.consent.until.is_some_and(|until| until <= now.wall) {
            return Err(Stop::ConsentEnded);
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

    pub(super) async fn keep(
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
        let mut empty = 0;
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
            empty = if page.documents.is_empty() { empty + 1 } else { 0 };
            self.keep_page(&mut run, page).await?;
            if !goes_on {
                return self.finish(run).await;
            }
            if empty == EMPTY_PAGES_MAX {
                break;
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
        // What lies on the shelf under this hash is not looked at: who names a hash must have its
        // bytes, or it would open the documents of others.
        let (url, key) = (&run.url, &document.key);
        let unkept = self.parts.writer.freed().unless_kept(sha256);
        let kept = match self.parts.adapters.document(url, &run.credentials, key).await? {
            Fetched::Bytes(bytes) => match self.parts.shelf.receive(expected, bytes).await {
                Ok(kept) => kept,
                Err(ReceiveError::Stream(error)) => return Err(error.into()),
                Err(error) => return Err(trouble(&error).into()),
            },
            Fetched::Told(DocumentAnswer::Gone) => return Ok(()),
            Fetched::Told(DocumentAnswer::CredentialsRejected { reason }) => {
                return Err(Stop::Rejected(reason));
            }
        };
        let documents = vec![document.into_new()];
        let progress = vec![run.progress()];
        let collected = Collected { documents, progress, ..Collected::default() };
        let (writer, application) = (self.parts.writer.clone(), run.application);
        let account = run.account.id.clone();
        // Goes on where the run is stopped: the bytes are held until it is known whether a document
        // has them, and stay by themselves then.
        let writing = tokio::spawn(async move {
            let written = writer.keep_collected(application, &account, &collected).await;
            drop(kept);
            if written.is_ok() {
                unkept.keep();
            }
            written
        });
        writing.await.map_err(AdapterTrouble::of)?.map_err(Stop::from)
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
            match self.parts.adapters.describe(&run.url).await {
                Ok(described) => run.collection.sync_every_s = Some(described.sync_every_s),
                Err(trouble) => {
                    let why = secrecy::without(&trouble.to_string(), &run.credentials);
                    let provider = &run.account.body.provider;
                    warn!(%provider, "what the adapter said last counts on: {why}");
                }
            }
            let every_s = run.collection.sync_every_s.unwrap_or(SYNC_EVERY_S);
            let every_ms = u64::from(every_s) * SECOND_MS;
            let next = now.elapsed.plus_ms(self.parts.chance.jitter().spread(every_ms));
            given_back(run.claimed, &run.account, &run.collection, now, next)
        } else {
            run.collection = Collection::default();
            ended(run.claimed, &run.account, &run.collection, now)
        };
        let collected = Collected { account, progress: vec![progress], ..Collected::default() };
        self.keep(run.application, &run.account.id, collected).await
    }
}

pub(super) fn status(status: AccountStatus) -> AccountChange {
    AccountChange { status: Some(status), ..AccountChange::default() }
}

impl Run<'_> {
    /// How far it has come; the lease goes on.
    fn progress(&self) -> TaskChange {
        let (task, token) = (self.claimed.task.id, self.claimed.token);
        TaskChange::Keep { task, token, body: self.collection.text() }
    }
}

fn finished(claimed: &ClaimedTask) -> TaskChange {
    TaskChange::Finish { task: claimed.task.id, token: claimed.token }
}

/// The task sleeps until then, and not beyond the end of the consent: that asks no provider, and
/// waits for no room among those that do.
pub(super) fn given_back(
    claimed: &ClaimedTask,
    account: &Stored<Account>,
    collection: &Collection,
    now: Now,
    next: Elapsed,
) -> TaskChange {
    let ends_at = account.body.consent.until.map(|until| moment_of(until, now));
    let (due_at, lane) = match ends_at {
        Some(ends_at) if ends_at <= next => (ends_at, String::new()),
        _ => (next, lane(&account.body.provider, account.body.access_level)),
    };
    let (task, token) = (claimed.task.id, claimed.token);
    TaskChange::GiveBack { task, token, lane, body: collection.text(), due_at }
}

/// Nothing is to be collected any more: the task ends, or waits for the end of the consent.
pub(super) fn ended(
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
        let (kind, lane_permits) = (KIND.to_owned(), COLLECTED_OF_A_PROVIDER);
        let claim = ClaimTasks { kind, permits, lane_permits, lease_until };
        let batch = self.parts.store.claim_tasks(now, claim).await?;
        Ok(Found { items: batch.claimed, next_at: batch.next_at })
    }

    async fn perform(&self, claimed: ClaimedTask) {
        let worked = if claimed.claims_count > CLAIMS_WITHOUT_RESULT_MAX {
            Err(Stop::begun_in_vain())
        } else {
            let held = self.leases.held(&claimed, self.run(&claimed)).await;
            held.unwrap_or(Err(Stop::Over))
        };
        let outcome = worked.as_ref().map_or_else(Stop::outcome, |()| "done");
        self.parts.writer.running().count(outcome);
        if let Err(stop) = worked {
            self.settle(&claimed, stop).await;
        }
    }

    fn name(claimed: &ClaimedTask) -> String {
        format!("the collection of account {}", claimed.task.key)
    }
}
