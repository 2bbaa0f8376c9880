//! What an answer of an adapter may hold. Whatever passes here is taken by the writer too.

use std::{collections::HashSet, ops::RangeInclusive};

use async_graphql::MaybeUndefined;
use serde::de::DeserializeOwned;
use tidings_graphql::Problem;

use super::{
    CheckAnswer, CollectAnswer, CollectedAccount, CollectedDocument, CollectedPage,
    CollectedProvision, Description, DocumentAnswer, PROTOCOL, QuickCheckAnswer, Words,
};
use crate::domain::{Checks, PROVISIONS_PER_ACCOUNT_MAX};

/// An answer in JSON.
pub const ANSWER_BYTES_MAX: usize = 1024 * 1024;
/// Documents of one page.
pub const DOCUMENTS_PER_PAGE_MAX: usize = 200;
/// A cursor.
pub const CURSOR_BYTES_MAX: usize = 4_096;
/// Credentials that one provider asks for.
pub const CREDENTIALS_MAX: usize = 10;
/// What a user types for one credential.
pub const CREDENTIAL_VALUE_BYTES_MAX: usize = 1_024;
/// How often an adapter may want to be asked, in seconds: 5 seconds to 30 days.
pub const SYNC_EVERY_S: RangeInclusive<u32> = 5..=2_592_000;

/// How much of what the reader says is passed on.
const FAULT_CHARACTERS_MAX: usize = 300;

/// An answer that is not as docs/adapters.md says.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the adapter's answer is not as the protocol says: {where_}{what}")]
pub struct AdapterFault {
    where_: String,
    what: String,
}

impl AdapterFault {
    fn at(problem: Problem) -> AdapterFault {
        AdapterFault { where_: format!("{}: ", problem.path), what: problem.message }
    }

    fn whole(what: impl Into<String>) -> AdapterFault {
        let what: String = what.into();
        let what = what.chars().take(FAULT_CHARACTERS_MAX).collect();
        AdapterFault { where_: String::new(), what }
    }
}

/// An answer in JSON.
pub trait Answer: DeserializeOwned {
    /// Notes what is out of bounds.
    fn check(&self, checks: &mut Checks);
}

/// Reads an answer, and refuses what is out of bounds.
///
/// # Errors
/// [`AdapterFault`] with the first place that is wrong.
pub fn read_answer<A: Answer>(text: &[u8]) -> Result<A, AdapterFault> {
    if text.len() > ANSWER_BYTES_MAX {
        let given = text.len();
        return Err(AdapterFault::whole(format!("{given} bytes: at most {ANSWER_BYTES_MAX}")));
    }
    let answer: A =
        serde_json::from_slice(text).map_err(|error| AdapterFault::whole(error.to_string()))?;
    let mut checks = Checks::default();
    answer.check(&mut checks);
    match checks.finish() {
        Ok(()) => Ok(answer),
        Err(failure) => Err(match failure.problems.into_iter().next() {
            Some(first) => AdapterFault::at(first),
            None => AdapterFault::whole("it was refused"),
        }),
    }
}

impl Answer for Description {
    fn check(&self, checks: &mut Checks) {
        if self.protocol != PROTOCOL {
            let spoken = self.protocol;
            checks.refuse("/protocol", format!("{spoken}: this platform speaks {PROTOCOL}"));
        }
        checks.text("/name", &self.name);
        checks.list("/credentials", self.credentials.len(), CREDENTIALS_MAX);
        let mut names = HashSet::new();
        for (index, field) in self.credentials.iter().enumerate() {
            let path = |member: &str| format!("/credentials/{index}/{member}");
            checks.credential_name(&path("name"), &field.name);
            if !names.insert(&field.name) {
                checks.refuse(&path("name"), "another credential has this name");
            }
            check_words(checks, &path("label"), &field.label);
            if let Some(hint) = &field.hint {
                check_words(checks, &path("hint"), hint);
            }
        }
        if !SYNC_EVERY_S.contains(&self.sync_every_s) {
            let (least, most) = (SYNC_EVERY_S.start(), SYNC_EVERY_S.end());
            let given = self.sync_every_s;
            checks.refuse("/syncEveryS", format!("{given}: write {least} to {most} seconds"));
        }
    }
}

fn check_words(checks: &mut Checks, path: &str, words: &Words) {
    checks.text(&format!("{path}/en_GB"), &words.en_gb);
    checks.optional_text(&format!("{path}/cy_GB"), words.cy_gb.as_ref());
}

impl Answer for CheckAnswer {
    fn check(&self, checks: &mut Checks) {
        match self {
            CheckAnswer::Ok => {}
            CheckAnswer::CredentialsRejected { reason } => check_words(checks, "/reason", reason),
        }
    }
}

impl Answer for QuickCheckAnswer {
    fn check(&self, checks: &mut Checks) {
        match self {
            QuickCheckAnswer::Ok { account, provisions } => {
                check_account(checks, account);
                check_provisions(checks, provisions);
            }
            QuickCheckAnswer::CredentialsRejected { reason } => {
                check_words(checks, "/reason", reason);
            }
        }
    }
}

impl Answer for CollectAnswer {
    fn check(&self, checks: &mut Checks) {
        match self {
            CollectAnswer::Page(page) => check_page(checks, page),
            CollectAnswer::CredentialsRejected { reason } => check_words(checks, "/reason", reason),
        }
    }
}

impl Answer for DocumentAnswer {
    fn check(&self, checks: &mut Checks) {
        match self {
            DocumentAnswer::Gone => {}
            DocumentAnswer::CredentialsRejected { reason } => {
                check_words(checks, "/reason", reason);
            }
        }
    }
}

fn check_page(checks: &mut Checks, page: &CollectedPage) {
    check_account(checks, &page.account);
    check_provisions(checks, &page.provisions);
    checks.list("/documents", page.documents.len(), DOCUMENTS_PER_PAGE_MAX);
    let mut keys = HashSet::new();
    for (index, document) in page.documents.iter().enumerate() {
        check_document(checks, index, document);
        if !keys.insert(&document.key) {
            let path = format!("/documents/{index}/key");
            checks.refuse(&path, "another document of the page has this key");
        }
    }
    if !(1..=CURSOR_BYTES_MAX).contains(&page.cursor.len()) {
        let given = page.cursor.len();
        checks.refuse("/cursor", format!("{given} bytes: write 1 to {CURSOR_BYTES_MAX}"));
    }
}

fn check_account(checks: &mut Checks, account: &CollectedAccount) {
    checks.optional_text("/account/reference", account.reference.value());
    if let MaybeUndefined::Value(balance) = &account.balance {
        checks.money("/account/balance", balance);
    }
}

fn check_provisions(checks: &mut Checks, provisions: &[CollectedProvision]) {
    checks.list("/provisions", provisions.len(), PROVISIONS_PER_ACCOUNT_MAX);
    let mut keys = HashSet::new();
    for (index, provision) in provisions.iter().enumerate() {
        let path = |member: &str| format!("/provisions/{index}/{member}");
        checks.text(&path("key"), &provision.key);
        if !keys.insert(&provision.key) {
            checks.refuse(&path("key"), "another provision of the account has this key");
        }
        checks.optional_text(&path("fuelType"), provision.fuel_type.as_ref());
        checks.optional_text(&path("tariffName"), provision.tariff_name.as_ref());
        checks.optional_text(&path("supplyNumber"), provision.supply_number.as_ref());
        if let Some(address) = &provision.address {
            checks.address(&path("address"), address);
        }
        if let Some(money) = &provision.projected_spend {
            checks.money(&path("projectedSpend"), money);
        }
    }
}

fn check_document(checks: &mut Checks, index: usize, document: &CollectedDocument) {
    let path = |member: &str| format!("/documents/{index}/{member}");
    checks.text(&path("key"), &document.key);
    checks.optional_text(&path("title"), document.title.as_ref());
    checks.media_type(&path("mediaType"), &document.media_type);
    checks.document_bytes(&path("bytes"), document.bytes);
    checks.sha256(&path("sha256"), &document.sha256);
}
