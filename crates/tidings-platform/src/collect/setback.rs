//! What becomes of a run that stopped before its end.
//!
//! ```text
//! rejected ─► to-do ─► no credentials any more ─┐
//! trouble ─┬─► 72 h of a first collection ──────┴─► the end of the consent is waited for
//!          └─► longer and longer waits
//! consent ended ─► as if it was withdrawn
//! ```

use tidings_core::limits::{CLAIMS_WITHOUT_RESULT_MAX, HORIZON_MS};
use tidings_graphql::Locale;
use tidings_store::{ClaimedTask, StoreError};
use tracing::{info, warn};

use super::{
    adapter::AdapterTrouble,
    collection::{Collection, KIND},
    collector::{Collector, ended, given_back, status},
    protocol::{Credential, Words},
    secrecy,
};
use crate::{
    domain::{Account, AccountStatus, Stored, ToDoKind},
    writer::{Collected, NotCollected},
};

/// The first wait after a failure, doubled for each further one.
const FAILED_DELAY_MS: u64 = 5_000;
/// The longest wait after a failure, also where an adapter asks for a longer one.
const FAILED_DELAY_MS_MAX: u64 = 6 * 60 * 60 * 1_000;
/// The least wait after a collection that was begun again and again without a result: whatever ends
/// the process each time, others are to have their turn.
const IN_VAIN_DELAY_MS: u64 = 30 * 60 * 1_000;

/// Why a run stopped before its end.
pub(super) enum Stop {
    /// The task is not ours any more, or what it is about is gone: nothing is to be written.
    Over,
    /// The consent has come to its end.
    ConsentEnded,
    /// The provider does not take the credentials.
    Rejected(Words),
    /// It is tried again later.
    Trouble(AdapterTrouble),
}

impl Stop {
    /// It was begun as often as anything may be, and no result was ever written. That may be for
    /// another's fault: nothing is thrown away for it.
    pub(super) fn begun_in_vain() -> Stop {
        let why = format!("it was begun {CLAIMS_WITHOUT_RESULT_MAX} times without any result");
        Stop::Trouble(AdapterTrouble { why, retry_after_ms: Some(IN_VAIN_DELAY_MS) })
    }

    /// The word for it in counts.
    pub(super) fn outcome(&self) -> &'static str {
        match self {
            Stop::Over => "overtaken",
            Stop::ConsentEnded => "consent_ended",
            Stop::Rejected(_) => "rejected",
            Stop::Trouble(_) => "trouble",
        }
    }

    /// The same, without the credentials in what is told.
    fn without(self, credentials: &[Credential]) -> Stop {
        let hide = |text: String| secrecy::without(&text, credentials);
        match self {
            Stop::Over | Stop::ConsentEnded => self,
            Stop::Rejected(Words { en_gb, cy_gb }) => {
                Stop::Rejected(Words { en_gb: hide(en_gb), cy_gb: cy_gb.map(hide) })
            }
            Stop::Trouble(AdapterTrouble { why, retry_after_ms }) => {
                Stop::Trouble(AdapterTrouble { why: hide(why), retry_after_ms })
            }
        }
    }
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

impl Collector {
    /// Whatever stopped a run, written down.
    pub(super) async fn settle(&self, claimed: &ClaimedTask, stop: Stop) {
        let settled = match stop.without(&self.credentials_of(claimed)) {
            Stop::Over => return,
            Stop::ConsentEnded => self.end_consent(claimed).await,
            Stop::Rejected(reason) => self.reject(claimed, &reason).await,
            Stop::Trouble(trouble) => self.fail(claimed, &trouble).await,
        };
        if let Err(Stop::Trouble(trouble)) = settled {
            // Its lease runs out, and it is tried again then.
            warn!(account = %claimed.task.key, "a collection could not be written: {trouble}");
        }
    }

    fn credentials_of(&self, claimed: &ClaimedTask) -> Vec<Credential> {
        let collection: Option<Collection> = serde_json::from_str(&claimed.task.body).ok();
        let opened = collection.map(|it| it.open(&self.parts.vault, &claimed.task.key));
        opened.and_then(Result::ok).flatten().unwrap_or_default()
    }

    async fn end_consent(&self, claimed: &ClaimedTask) -> Result<(), Stop> {
        let (application, id) = (claimed.task.application, &claimed.task.key);
        info!(account = %id, "the consent has come to its end");
        match self.parts.writer.withdraw_consent(application, id).await {
            Ok(_) => Ok(()),
            Err(failure) => Err(NotCollected::Refused(failure).into()),
        }
    }

    /// The user must renew the credentials; those that were rejected are forgotten.
    async fn reject(&self, claimed: &ClaimedTask, reason: &Words) -> Result<(), Stop> {
        info!(account = %claimed.task.key, "the provider does not take the credentials");
        let title = reason.text(Locale::EnGb).to_owned();
        let to_do = Some((ToDoKind::RenewCredentials, title));
        self.forget(claimed, AccountStatus::CredentialsRejected, to_do).await
    }

    /// Waits, longer each time; a first collection that has failed for 72 hours is given up.
    async fn fail(&self, claimed: &ClaimedTask, trouble: &AdapterTrouble) -> Result<(), Stop> {
        let (now, id) = (self.now(), &claimed.task.key);
        let account = self.account_of(claimed).await?;
        let provider = &account.body.provider;
        warn!(%provider, account = %id, "an account cannot be collected: {trouble}");
        let mut collection: Collection = match serde_json::from_str(&claimed.task.body) {
            Ok(collection) => collection,
            Err(_) => return self.forget(claimed, AccountStatus::Failed, None).await,
        };
        // What was written meanwhile stands in the store's row.
        let stored = self.parts.store.task(claimed.task.application, KIND, id).await?;
        if let Some(Ok(later)) = stored.map(|task| serde_json::from_str(&task.body)) {
            collection = later;
        }
        let since = *collection.failing_since.get_or_insert(now.elapsed);
        if !collection.collected && now.elapsed.since_ms(since) >= HORIZON_MS {
            return self.forget(claimed, AccountStatus::Failed, None).await;
        }
        let doubled = FAILED_DELAY_MS.saturating_mul(1 << collection.failures.min(16));
        let delay_ms = self.parts.chance.jitter().spread(doubled.min(FAILED_DELAY_MS_MAX));
        let asked_ms = trouble.retry_after_ms.unwrap_or(0).min(FAILED_DELAY_MS_MAX);
        collection.failures = collection.failures.saturating_add(1);
        let next = now.elapsed.plus_ms(delay_ms.max(asked_ms));
        let progress = vec![given_back(claimed, &account, &collection, now, next)];
        let collected = Collected { progress, ..Collected::default() };
        self.keep(claimed.task.application, id, collected).await
    }

    /// Nothing is asked any more until somebody links the account anew: the credentials go, and
    /// what stays waits for the end of the consent.
    async fn forget(
        &self,
        claimed: &ClaimedTask,
        stopped: AccountStatus,
        to_do: Option<(ToDoKind, String)>,
    ) -> Result<(), Stop> {
        let account = self.account_of(claimed).await?;
        let progress = vec![ended(claimed, &account, &Collection::default(), self.now())];
        let account = status(stopped);
        let collected = Collected { account, to_do, progress, ..Collected::default() };
        self.keep(claimed.task.application, &claimed.task.key, collected).await
    }

    /// The account that a task is about, if it is there.
    pub(super) async fn account_of(&self, claimed: &ClaimedTask) -> Result<Stored<Account>, Stop> {
        let (application, id) = (claimed.task.application, &claimed.task.key);
        let account = self.reader.one::<Account>(Some(application), id).await?;
        account.filter(|account| !account.deleted).ok_or(Stop::Over)
    }
}
