//! What is said between the platform and a provider's adapter, as docs/adapters.md describes it.
//! The platform speaks it as a client; the sample provider serves it.
//!
//! ```text
//! GET  describe                                ─► Description
//! POST check        CredentialsCall            ─► CheckAnswer
//! POST quick-check  CredentialsCall            ─► QuickCheckAnswer
//! POST collect      CollectCall                ─► CollectAnswer
//! POST document     DocumentCall               ─► the bytes, or DocumentAnswer
//! ```
//!
//! An answer goes through [`read_answer`], which refuses what is out of bounds. Members that are
//! not known here are passed over: an adapter may say more.

use std::fmt;

use async_graphql::MaybeUndefined;
use serde::{Deserialize, Serialize};
use tidings_core::time::{Wall, WallError};
use tidings_graphql::Locale;

use crate::{
    domain::{Address, DocumentType, Money, Sector},
    writer::{AccountChange, NewDocument, NewProvision},
};

mod bounds;

pub use bounds::{
    ANSWER_BYTES_MAX, AdapterFault, Answer, CREDENTIAL_VALUE_BYTES_MAX, CREDENTIALS_MAX,
    CURSOR_BYTES_MAX, DOCUMENTS_PER_PAGE_MAX, SYNC_EVERY_S, read_answer,
};

/// The version of the protocol.
pub const PROTOCOL: u32 = 1;

/// The media type of the bytes of a document, whatever they are.
pub const BYTES_TYPE: &str = "application/octet-stream";

/// The media type of every other answer, and of every call.
pub const JSON_TYPE: &str = "application/json";

/// What an adapter is asked.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Operation {
    /// What the adapter is.
    Describe,
    /// Whether credentials are right.
    Check,
    /// What there is at present, without documents, as fast as possible.
    QuickCheck,
    /// A page of all that there is since a cursor.
    Collect,
    /// The bytes of a document.
    Document,
}

impl Operation {
    /// All of them.
    pub const ALL: [Operation; 5] = [
        Operation::Describe,
        Operation::Check,
        Operation::QuickCheck,
        Operation::Collect,
        Operation::Document,
    ];

    /// The last segment of its path.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Operation::Describe => "describe",
            Operation::Check => "check",
            Operation::QuickCheck => "quick-check",
            Operation::Collect => "collect",
            Operation::Document => "document",
        }
    }

    /// How it is asked.
    #[must_use]
    pub fn method(self) -> &'static str {
        match self {
            Operation::Describe => "GET",
            _ => "POST",
        }
    }

    /// Milliseconds from the beginning of the call to the end of the answer's head.
    #[must_use]
    pub fn answer_ms_max(self) -> u64 {
        match self {
            Operation::Describe | Operation::Check => 30_000,
            Operation::QuickCheck => 20_000,
            Operation::Collect | Operation::Document => 120_000,
        }
    }

    /// Its URL under an adapter's. A slash at the end of that makes no difference.
    #[must_use]
    pub fn url(self, adapter_url: &str) -> String {
        format!("{}/{}", adapter_url.trim_end_matches('/'), self.name())
    }
}

/// What an adapter is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Description {
    /// The version that it speaks: [`PROTOCOL`].
    pub protocol: u32,
    /// What people call the adapter.
    pub name: String,
    /// What the user is asked for, in the order in which it is shown.
    pub credentials: Vec<CredentialField>,
    /// How often an account that is collected on and on is worth asking for, in seconds.
    pub sync_every_s: u32,
}

/// One thing that a user must know to open an account.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CredentialField {
    /// Its name in calls.
    pub name: String,
    /// What people call it.
    pub label: Words,
    /// Whether it is hidden while it is typed.
    pub secret: bool,
    /// A line that says more, such as where to find it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<Words>,
}

/// A text for people, in one or two languages.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Words {
    /// In English.
    #[serde(rename = "en_GB")]
    pub en_gb: String,
    /// In Welsh; where it is absent, the English counts.
    #[serde(rename = "cy_GB", default, skip_serializing_if = "Option::is_none")]
    pub cy_gb: Option<String>,
}

impl Words {
    /// The text in a language, or else in English.
    #[must_use]
    pub fn text(&self, locale: Locale) -> &str {
        match (locale, &self.cy_gb) {
            (Locale::CyGb, Some(welsh)) => welsh,
            _ => &self.en_gb,
        }
    }
}

/// One credential, as the user gave it. Its value is never printed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// The name that the description gives.
    pub name: String,
    /// What the user typed.
    pub value: String,
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The body of `check` and `quick-check`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CredentialsCall {
    /// What opens the account.
    pub credentials: Vec<Credential>,
}

/// The body of `collect`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CollectCall {
    /// What opens the account.
    pub credentials: Vec<Credential>,
    /// The cursor of the page before; `None`: from the beginning.
    pub cursor: Option<String>,
}

/// The body of `document`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DocumentCall {
    /// What opens the account.
    pub credentials: Vec<Credential>,
    /// The document's key.
    pub key: String,
}

/// The answer to `check`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum CheckAnswer {
    /// The credentials open an account.
    Ok,
    /// They do not.
    CredentialsRejected {
        /// Why, for the user.
        reason: Words,
    },
}

/// The answer to `quick-check`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum QuickCheckAnswer {
    /// What there is at present.
    Ok {
        /// The account itself.
        account: CollectedAccount,
        /// All of its provisions.
        provisions: Vec<CollectedProvision>,
    },
    /// The credentials do not open an account.
    CredentialsRejected {
        /// Why, for the user.
        reason: Words,
    },
}

/// The answer to `collect`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum CollectAnswer {
    /// A page.
    Page(CollectedPage),
    /// The credentials do not open an account.
    CredentialsRejected {
        /// Why, for the user.
        reason: Words,
    },
}

/// The answer to `document` where it is not the bytes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum DocumentAnswer {
    /// The credentials do not open an account.
    CredentialsRejected {
        /// Why, for the user.
        reason: Words,
    },
    /// The provider does not show the document any more.
    Gone,
}

/// A page of what there is.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct CollectedPage {
    /// The account itself, as it is now.
    pub account: CollectedAccount,
    /// All of its provisions as they are now, on every page.
    pub provisions: Vec<CollectedProvision>,
    /// Documents that are new since the cursor.
    pub documents: Vec<CollectedDocument>,
    /// What the next page is asked for with: at once where there is more, else at the next sync.
    pub cursor: String,
    /// Whether there is more at once.
    pub more: bool,
}

impl CollectedPage {
    /// Whether asking on would never end: there is more behind the cursor that was asked with.
    #[must_use]
    pub fn goes_in_a_circle(&self, asked_with: Option<&str>) -> bool {
        self.more && asked_with == Some(self.cursor.as_str())
    }
}

/// An account as its provider tells of it.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct CollectedAccount {
    /// What the provider calls the account: absent keeps what is known, null clears it.
    #[serde(default, skip_serializing_if = "MaybeUndefined::is_undefined")]
    pub reference: MaybeUndefined<String>,
    /// What the user owes the provider: absent keeps what is known, null clears it.
    #[serde(default, skip_serializing_if = "MaybeUndefined::is_undefined")]
    pub balance: MaybeUndefined<Money>,
}

impl CollectedAccount {
    /// The change of the account that this is.
    #[must_use]
    pub fn into_change(self) -> AccountChange {
        let CollectedAccount { reference, balance } = self;
        AccountChange { reference, balance, ..AccountChange::default() }
    }
}

/// A provision as its provider tells of it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CollectedProvision {
    /// The provider's own name of it, which never changes.
    pub key: String,
    /// What is supplied.
    pub sector: Sector,
    /// Which fuel, as the provider calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fuel_type: Option<String>,
    /// The tariff.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tariff_name: Option<String>,
    /// The number of the supply point, meter or line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supply_number: Option<String>,
    /// Where it is supplied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_date: Option<Moment>,
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_date: Option<Moment>,
    /// What a year will cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub projected_spend: Option<Money>,
}

impl CollectedProvision {
    /// The provision that this is.
    #[must_use]
    pub fn into_new(self) -> NewProvision {
        NewProvision {
            provider_key: self.key,
            sector: self.sector,
            fuel_type: self.fuel_type,
            tariff_name: self.tariff_name,
            supply_number: self.supply_number,
            address: self.address,
            start_date: self.start_date.map(Wall::from),
            end_date: self.end_date.map(Wall::from),
            projected_spend: self.projected_spend,
        }
    }
}

/// A document as its provider tells of it, without its bytes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CollectedDocument {
    /// The provider's own name of it, which never changes.
    pub key: String,
    /// What it is.
    #[serde(rename = "type")]
    pub document_type: DocumentType,
    /// What people call it; where it is absent, it is called by its type and date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The date that it bears.
    pub date: Moment,
    /// Its media type, as in `application/pdf`.
    pub media_type: String,
    /// How long it is.
    pub bytes: u32,
    /// The SHA-256 of its bytes, in 64 digits of 0-9 and a-f.
    pub sha256: String,
}

impl CollectedDocument {
    /// The document that this is.
    #[must_use]
    pub fn into_new(self) -> NewDocument {
        let title = self.title.unwrap_or_else(|| title_of(self.document_type, self.date));
        NewDocument {
            provider_key: self.key,
            document_type: self.document_type,
            title,
            date: self.date.0,
            media_type: self.media_type,
            bytes: self.bytes,
            sha256: self.sha256,
        }
    }
}

fn title_of(document_type: DocumentType, date: Moment) -> String {
    let name = match document_type {
        DocumentType::Bill => "Bill",
        DocumentType::Statement => "Statement",
        DocumentType::Contract => "Contract",
        DocumentType::Letter => "Letter",
        DocumentType::Other => "Document",
    };
    let iso = date.0.iso();
    let day = iso.split_once('T').map_or(iso.as_str(), |(day, _)| day);
    format!("{name} {day}")
}

/// A date and time: on the wire in ISO 8601, as in `2021-02-17T08:48:47.284Z`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Moment(pub Wall);

impl TryFrom<String> for Moment {
    type Error = WallError;

    fn try_from(text: String) -> Result<Moment, WallError> {
        Wall::parse(&text).map(Moment)
    }
}

impl From<Moment> for String {
    fn from(moment: Moment) -> String {
        moment.0.iso()
    }
}

impl From<Moment> for Wall {
    fn from(moment: Moment) -> Wall {
        moment.0
    }
}
