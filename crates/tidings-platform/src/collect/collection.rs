//! The task that collects an account, as it is kept: what opens the account, and how far the
//! collection has come.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tidings_core::{
    ids::ApplicationId,
    secret::{Sealed, Secret, Vault, VaultError},
    time::{Elapsed, Now, Wall},
};
use tidings_graphql::AccessLevel;
use tidings_store::{Chance, TaskChange};

use super::protocol::Credential;

/// The kind of these tasks; their key is the account's id.
pub(crate) const KIND: &str = "collect";

/// What shares the room of a provider: its Quick Checks, which somebody waits for, and everything
/// else, which takes minutes. What is due for the end of its consent shares none.
pub(crate) fn lane(provider: &str, level: AccessLevel) -> String {
    match level {
        AccessLevel::QuickCheck => format!("{provider} quick-check"),
        AccessLevel::FullCheck | AccessLevel::FullCheckOngoing => provider.to_owned(),
    }
}

/// What the credentials are sealed for, with the account that they open.
fn purpose(account: &str) -> String {
    format!("credentials of account {account}")
}

/// How far a collection has come. It goes with the consent: whoever removes the task removes the
/// credentials.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Collection {
    /// What opens the account; none once nothing is to be collected any more, and the task waits
    /// for the end of the consent alone.
    pub(crate) sealed: Option<Sealed>,
    /// Whether the provider has taken the credentials.
    pub(crate) checked: bool,
    /// Where the next page begins.
    pub(crate) cursor: Option<String>,
    /// Whether a collection has come to its end.
    pub(crate) collected: bool,
    /// Failures in a row.
    pub(crate) failures: u32,
    /// When the first of them was.
    pub(crate) failing_since: Option<Elapsed>,
    /// How often its adapter wanted to be asked when it last said so.
    #[serde(default)]
    pub(crate) sync_every_s: Option<u32>,
}

impl Collection {
    /// A collection that has not begun.
    pub(crate) fn new(
        vault: &Vault,
        chance: &Arc<dyn Chance>,
        account: &str,
        credentials: &[Credential],
    ) -> Collection {
        let text = serde_json::to_vec(credentials).expect("credentials are names and values");
        let mut nonce = [0; Vault::NONCE_BYTES];
        chance.fill(&mut nonce);
        let sealed = vault.seal(&Secret::new(text), nonce, &purpose(account));
        Collection { sealed: Some(sealed), ..Collection::default() }
    }

    /// What opens the account; `None` where there is nothing to collect any more.
    pub(crate) fn open(
        &self,
        vault: &Vault,
        account: &str,
    ) -> Result<Option<Vec<Credential>>, VaultError> {
        let Some(sealed) = &self.sealed else { return Ok(None) };
        let opened = vault.open(sealed, &purpose(account))?;
        // What was sealed here is read here.
        Ok(serde_json::from_slice(opened.expose()).ok())
    }

    /// As a task's body.
    pub(crate) fn text(&self) -> String {
        serde_json::to_string(self).expect("it holds nothing that JSON cannot")
    }

    /// The change that puts it to work.
    pub(crate) fn put(
        &self,
        application: ApplicationId,
        account: &str,
        lane: String,
        now: Now,
    ) -> TaskChange {
        TaskChange::Put {
            application,
            kind: KIND.to_owned(),
            key: account.to_owned(),
            lane,
            body: self.text(),
            due_at: now.elapsed,
        }
    }

    /// The change that ends it, with its credentials.
    pub(crate) fn remove(application: ApplicationId, account: &str) -> TaskChange {
        TaskChange::Remove { application, kind: KIND.to_owned(), key: account.to_owned() }
    }
}

/// The moment on elapsed time at which the wall clock will say that, if nobody sets it.
pub(crate) fn moment_of(wall: Wall, now: Now) -> Elapsed {
    let ms = u64::try_from(wall.0.saturating_sub(now.wall.0)).unwrap_or(0);
    now.elapsed.plus_ms(ms)
}
