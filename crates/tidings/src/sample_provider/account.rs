//! What a sample account holds. All of it follows from the e-mail address and a bill's number, so
//! that it is the same at every call and in every run.

use async_graphql::MaybeUndefined;
use bytes::Bytes;
use tidings_core::time::{DAY_MS, Wall};
use tidings_platform::{
    collect::protocol::{
        CollectedAccount, CollectedDocument, CollectedPage, CollectedProvision, Credential,
        CredentialField, Description, Moment, PROTOCOL, Words,
    },
    domain::{Address, DocumentType, Money, Sector},
    shelf::{ContentHash, Expected},
};

use super::pdf;

/// Opens the account of every e-mail address.
pub const PASSWORD: &str = "sample-password";

/// Documents of a page.
const PAGE: u32 = 50;
/// The first bill's date: 2021-02-17.
const FIRST_BILL: Wall = Wall(1_613_520_000_000);
/// Days between two bills.
const BILL_DAYS: u64 = 7;

/// What the sample provider asks for.
pub fn description(sync_every_s: u32) -> Description {
    Description {
        protocol: PROTOCOL,
        name: "Tidings sample provider".to_owned(),
        credentials: vec![
            CredentialField {
                name: "email".to_owned(),
                label: words("E-mail address", "Cyfeiriad e-bost"),
                secret: false,
                hint: Some(words("Any will do", "Gwna unrhyw un y tro")),
            },
            CredentialField {
                name: "password".to_owned(),
                label: words("Password", "Cyfrinair"),
                secret: true,
                hint: Some(words(
                    &format!("It is “{PASSWORD}”"),
                    &format!("“{PASSWORD}” yw'r cyfrinair"),
                )),
            },
        ],
        sync_every_s,
    }
}

fn words(english: &str, welsh: &str) -> Words {
    Words { en_gb: english.to_owned(), cy_gb: Some(welsh.to_owned()) }
}

/// An account that was opened.
pub struct SampleAccount {
    /// Four digits that the e-mail address makes.
    number: u32,
}

impl SampleAccount {
    /// Opens an account.
    ///
    /// # Errors
    /// Why not, for the user.
    pub fn open(credentials: &[Credential]) -> Result<SampleAccount, Words> {
        let find = |name: &str| {
            let found = credentials.iter().find(|credential| credential.name == name);
            found.map_or("", |credential| credential.value.as_str())
        };
        let email = find("email").trim().to_lowercase();
        if !email.contains('@') {
            return Err(words("This is not an e-mail address", "Nid yw hwn yn gyfeiriad e-bost"));
        }
        if find("password") != PASSWORD {
            return Err(words(
                &format!("The password is wrong: every sample account has “{PASSWORD}”"),
                &format!(
                    "Mae'r cyfrinair yn anghywir: “{PASSWORD}” sydd gan bob cyfrif enghreifftiol"
                ),
            ));
        }
        let digits = ContentHash::of(email.as_bytes()).to_string();
        let number = u32::from_str_radix(&digits[..6], 16).unwrap_or_default() % 10_000;
        Ok(SampleAccount { number })
    }

    /// The account itself, when it has so many bills.
    pub fn collected(&self, bills: u32) -> CollectedAccount {
        let due = bills.checked_sub(1).map(|last| self.pence(last));
        CollectedAccount {
            reference: MaybeUndefined::Value(self.reference()),
            balance: due.map_or(MaybeUndefined::Null, |pence| MaybeUndefined::Value(money(pence))),
        }
    }

    /// Its provisions.
    pub fn provisions(&self) -> Vec<CollectedProvision> {
        let provision = |key: &str, fuel: &str, tariff: &str, supply: String| CollectedProvision {
            key: key.to_owned(),
            sector: Sector::Energy,
            fuel_type: Some(fuel.to_owned()),
            tariff_name: Some(tariff.to_owned()),
            supply_number: Some(supply),
            address: Some(Address {
                lines: vec![
                    format!("{} High Street", self.number % 200 + 1),
                    "Carterton".to_owned(),
                ],
                postcode: Some("OX18 4EN".to_owned()),
            }),
            start_date: Some(Moment(FIRST_BILL)),
            end_date: None,
            projected_spend: Some(money(60_000 + self.number)),
        };
        vec![
            provision("elec", "Elec", "Green Variable v1", format!("10123456{:04}", self.number)),
            provision("gas", "Gas", "Blue Fixed v2", format!("74123{:04}", self.number)),
        ]
    }

    /// The page behind a cursor, when there are so many bills; `None`: the cursor is not of here.
    pub fn page(&self, cursor: Option<&str>, bills: u32) -> Option<CollectedPage> {
        let first = match cursor {
            None => 0,
            Some(cursor) => cursor.strip_prefix("bills-")?.parse::<u32>().ok()?.min(bills),
        };
        let end = bills.min(first + PAGE);
        Some(CollectedPage {
            account: self.collected(bills),
            provisions: self.provisions(),
            documents: (first..end).map(|bill| self.collected_bill(bill)).collect(),
            cursor: format!("bills-{end}"),
            more: end < bills,
        })
    }

    /// The bytes of a document, when there are so many bills.
    pub fn document(&self, key: &str, bills: u32) -> Option<Bytes> {
        let bill: u32 = key.strip_prefix("bill-")?.parse().ok()?;
        (bill < bills && key_of(bill) == key).then(|| self.bytes(bill))
    }

    fn collected_bill(&self, bill: u32) -> CollectedDocument {
        let Expected { sha256, bytes } = Expected::of(&self.bytes(bill));
        CollectedDocument {
            key: key_of(bill),
            document_type: DocumentType::Bill,
            title: Some(format!("Bill {}", bill + 1)),
            date: Moment(date_of(bill)),
            media_type: "application/pdf".to_owned(),
            bytes,
            sha256: sha256.to_string(),
        }
    }

    fn bytes(&self, bill: u32) -> Bytes {
        let day = date_of(bill).iso();
        let pence = self.pence(bill);
        pdf::of(&[
            "Tidings sample provider".to_owned(),
            format!("Bill {} of account {}", bill + 1, self.reference()),
            format!("Date: {}", &day[..10]),
            format!("To pay: GBP {}.{:02}", pence / 100, pence % 100),
        ])
    }

    fn reference(&self) -> String {
        format!("A-{:04}", self.number)
    }

    fn pence(&self, bill: u32) -> u32 {
        4_000 + (self.number + bill * 137) % 4_000
    }
}

fn key_of(bill: u32) -> String {
    format!("bill-{bill:06}")
}

fn date_of(bill: u32) -> Wall {
    let days = i64::from(bill) * (BILL_DAYS as i64);
    Wall(FIRST_BILL.0 + days * (DAY_MS as i64))
}

fn money(pence: u32) -> Money {
    Money { currency: "GBP".to_owned(), amount: f64::from(pence) / 100.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials(email: &str, password: &str) -> Vec<Credential> {
        let one = |name: &str, value: &str| Credential { name: name.into(), value: value.into() };
        vec![one("email", email), one("password", password)]
    }

    fn account(email: &str) -> SampleAccount {
        SampleAccount::open(&credentials(email, PASSWORD)).unwrap_or_else(|why| panic!("{why:?}"))
    }

    #[test]
    fn any_address_opens_with_the_one_password() {
        for (email, password) in [("ada@example.com", "x"), ("ada", PASSWORD), ("", "")] {
            let reason = SampleAccount::open(&credentials(email, password)).err().unwrap();
            assert!(!reason.en_gb.is_empty() && reason.cy_gb.is_some());
        }
        assert_eq!(account("ada@example.com").number, account(" Ada@Example.com").number);
        assert_ne!(account("ada@example.com").number, account("bob@example.com").number);
    }

    #[test]
    fn the_pages_hold_each_bill_once_and_go_on_where_they_ended() {
        let account = account("ada@example.com");
        let (mut cursor, mut keys, mut more) = (None::<String>, Vec::new(), true);
        while more {
            let page = account.page(cursor.as_deref(), 120).unwrap();
            keys.extend(page.documents.into_iter().map(|document| document.key));
            (cursor, more) = (Some(page.cursor), page.more);
        }
        assert_eq!(keys, (0..120).map(key_of).collect::<Vec<_>>());
        let later = account.page(cursor.as_deref(), 121).unwrap();
        assert_eq!(later.documents.len(), 1);
        assert!(!later.more && account.page(cursor.as_deref(), 120).unwrap().documents.is_empty());
        assert!(account.page(Some("x"), 120).is_none());
    }

    #[test]
    fn a_documents_bytes_are_those_that_its_page_tells_of() {
        let account = account("ada@example.com");
        for document in account.page(None, 3).unwrap().documents {
            let bytes = account.document(&document.key, 3).unwrap();
            let expected = Expected::of(&bytes);
            assert_eq!(document.sha256, expected.sha256.to_string());
            assert_eq!(document.bytes, expected.bytes);
        }
        for key in ["bill-000003", "bill-1", "bill-", "x"] {
            assert!(account.document(key, 3).is_none(), "{key}");
        }
    }
}
