//! An adapter in memory, which can be told to fail.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use tidings_core::samples;
use tidings_platform::{
    collect::{
        adapter::{AdapterTrouble, Adapters, Fetched},
        protocol::{
            CheckAnswer, CollectAnswer, CollectedAccount, CollectedDocument, CollectedPage,
            CollectedProvision, Credential, CredentialField, Description, DocumentAnswer, Moment,
            QuickCheckAnswer, Words,
        },
    },
    domain::{DocumentType, Sector},
    shelf::ContentHash,
};
use tokio::sync::Notify;

/// The password that opens every account.
pub const PASSWORD: &str = "canary-credential-of-ada";
/// Documents of one page.
const PAGE: usize = 3;

/// What the adapter is told to do.
#[derive(Debug, Default)]
pub struct Script {
    /// The account's documents: their bytes by key, in the order of the keys.
    pub documents: BTreeMap<String, Vec<u8>>,
    /// What is supplied.
    pub provisions: Vec<CollectedProvision>,
    /// Calls from now on that fail.
    pub failing: usize,
    /// What a failure asks us to wait.
    pub retry_after_ms: Option<u64>,
    /// Bytes are sent that are not those that were promised.
    pub lies: bool,
    /// The first calls of this name are not answered, ever.
    pub stuck_at: Option<String>,
    /// What the user gave is repeated where credentials are rejected and where something fails.
    pub echoes: bool,
    /// Calls of this name fail.
    pub fails_at: Option<String>,
    /// The credentials are rejected when this document is asked for.
    pub rejects_at: Option<String>,
    /// Pages are empty and there is always one more.
    pub pages_never_end: bool,
    /// Keys of documents that are not shown any more.
    pub gone: Vec<String>,
    /// What was asked, in its order.
    pub calls: Vec<String>,
}

/// See the module.
#[derive(Debug, Default)]
pub struct FakeAdapters {
    script: Mutex<Script>,
    stuck: Notify,
}

impl FakeAdapters {
    pub fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// So many documents, with the keys `d000`, `d001` and so on.
    pub fn add_documents(&self, count: usize) {
        let mut script = self.script();
        let from = script.documents.len();
        for number in from..from + count {
            let key = format!("d{number:03}");
            script.documents.insert(key.clone(), format!("the bytes of {key}").into_bytes());
        }
    }

    /// Returns when a call is stuck.
    pub async fn stuck(&self) {
        self.stuck.notified().await;
    }

    /// Never, where it is told to be stuck there.
    async fn pass(&self, call: &str) {
        if self.script().stuck_at.as_deref() == Some(call) {
            self.stuck.notify_one();
            std::future::pending().await
        }
    }

    fn called(&self, what: String) -> Result<MutexGuard<'_, Script>, AdapterTrouble> {
        let mut script = self.script();
        let fails = script.fails_at.as_ref().is_some_and(|call| what.starts_with(call));
        script.calls.push(what);
        if fails || script.failing > 0 {
            script.failing = script.failing.saturating_sub(1);
            let retry_after_ms = script.retry_after_ms;
            return Err(AdapterTrouble { why: "it is down".to_owned(), retry_after_ms });
        }
        Ok(script)
    }
}

fn rejected(credentials: &[Credential]) -> Option<Words> {
    let is_right = credentials.iter().any(|it| it.name == "password" && it.value == PASSWORD);
    let words = Words { en_gb: "The password is wrong".to_owned(), cy_gb: None };
    (!is_right).then_some(words)
}

fn asked(name: &str, english: &str, welsh: &str, secret: bool) -> CredentialField {
    let label = Words { en_gb: english.to_owned(), cy_gb: Some(welsh.to_owned()) };
    CredentialField { name: name.to_owned(), label, secret, hint: None }
}

/// What is supplied, at a price.
pub fn provision(key: &str, tariff: &str) -> CollectedProvision {
    CollectedProvision {
        key: key.to_owned(),
        sector: Sector::Energy,
        fuel_type: None,
        tariff_name: Some(tariff.to_owned()),
        supply_number: None,
        address: None,
        start_date: None,
        end_date: None,
        projected_spend: None,
    }
}

fn told(key: &str, bytes: &[u8]) -> CollectedDocument {
    CollectedDocument {
        key: key.to_owned(),
        document_type: DocumentType::Bill,
        title: Some(format!("Bill {key}")),
        date: Moment(samples::WALL),
        media_type: "text/plain".to_owned(),
        bytes: u32::try_from(bytes.len()).unwrap(),
        sha256: ContentHash::of(bytes).to_string(),
    }
}

#[async_trait]
impl Adapters for FakeAdapters {
    fn check_url(&self, url: &str) -> Result<(), String> {
        if url.starts_with("https://") { Ok(()) } else { Err("write an https URL".to_owned()) }
    }

    async fn describe(&self, _url: &str) -> Result<Description, AdapterTrouble> {
        drop(self.called("describe".to_owned())?);
        let credentials = vec![
            asked("username", "Username", "Enw", false),
            asked("password", "Password", "Cyfrinair", true),
        ];
        let name = "fake".to_owned();
        Ok(Description { protocol: 1, name, credentials, sync_every_s: 3_600 })
    }

    async fn check(
        &self,
        _url: &str,
        credentials: &[Credential],
    ) -> Result<CheckAnswer, AdapterTrouble> {
        let script = self.called("check".to_owned())?;
        let password = credentials.iter().map(|it| it.value.as_str()).next_back().unwrap();
        if script.echoes && password == PASSWORD {
            return Err(AdapterTrouble::of(format!("no answer for {password}")));
        }
        Ok(match rejected(credentials) {
            None => CheckAnswer::Ok,
            Some(_) if script.echoes => CheckAnswer::CredentialsRejected {
                reason: Words { en_gb: format!("`{password}` is wrong"), cy_gb: None },
            },
            Some(reason) => CheckAnswer::CredentialsRejected { reason },
        })
    }

    async fn quick_check(
        &self,
        _url: &str,
        credentials: &[Credential],
    ) -> Result<QuickCheckAnswer, AdapterTrouble> {
        let script = self.called("quick-check".to_owned())?;
        if let Some(reason) = rejected(credentials) {
            return Ok(QuickCheckAnswer::CredentialsRejected { reason });
        }
        let provisions = script.provisions.clone();
        Ok(QuickCheckAnswer::Ok { account: CollectedAccount::default(), provisions })
    }

    async fn collect(
        &self,
        _url: &str,
        credentials: &[Credential],
        cursor: Option<&str>,
    ) -> Result<CollectAnswer, AdapterTrouble> {
        let script = self.called(format!("collect {}", cursor.unwrap_or("-")))?;
        if let Some(reason) = rejected(credentials) {
            return Ok(CollectAnswer::CredentialsRejected { reason });
        }
        if script.pages_never_end {
            return Ok(CollectAnswer::Page(CollectedPage {
                account: CollectedAccount::default(),
                provisions: Vec::new(),
                documents: Vec::new(),
                cursor: script.calls.len().to_string(),
                more: true,
            }));
        }
        let after = cursor.unwrap_or("");
        let rest: Vec<_> =
            script.documents.iter().filter(|(key, _)| key.as_str() > after).collect();
        let documents: Vec<CollectedDocument> =
            rest.iter().take(PAGE).map(|(key, bytes)| told(key, bytes)).collect();
        let last = documents.last().map_or(after, |document| document.key.as_str());
        Ok(CollectAnswer::Page(CollectedPage {
            account: CollectedAccount::default(),
            provisions: script.provisions.clone(),
            cursor: if last.is_empty() { "-".to_owned() } else { last.to_owned() },
            documents,
            more: rest.len() > PAGE,
        }))
    }

    async fn document(
        &self,
        _url: &str,
        credentials: &[Credential],
        key: &str,
    ) -> Result<Fetched, AdapterTrouble> {
        self.pass("document").await;
        let script = self.called(format!("document {key}"))?;
        let ends_here = script.rejects_at.as_deref() == Some(key);
        let given = if ends_here { &[] } else { credentials };
        if let Some(reason) = rejected(given) {
            return Ok(Fetched::Told(DocumentAnswer::CredentialsRejected { reason }));
        }
        if script.gone.iter().any(|gone| gone == key) {
            return Ok(Fetched::Told(DocumentAnswer::Gone));
        }
        let mut bytes = script.documents[key].clone();
        if script.lies {
            bytes[0] ^= 1;
        }
        let pieces: Vec<_> = bytes.chunks(4).map(|it| Ok(Bytes::copy_from_slice(it))).collect();
        Ok(Fetched::Bytes(stream::iter(pieces).boxed()))
    }
}
