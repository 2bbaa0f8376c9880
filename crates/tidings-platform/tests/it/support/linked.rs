//! Accounts and what was collected of them.

use async_graphql::ID;
use tidings_core::{ids::ApplicationId, samples};
use tidings_graphql::OperationFailure;
use tidings_platform::{
    domain::{AccessLevel, Consent, DocumentType, Sector, ToDoKind, entity_code_of},
    sample::{PROVIDER, USER},
    writer::{
        AccountChange, Collected, NewAccount, NewDocument, NewProvision, NewToDo, NotCollected,
    },
};
use tidings_store::{Entity, Store};

use super::World;

/// An account of a user with the sample provider.
pub fn account(user: &str) -> NewAccount {
    NewAccount {
        user: user.to_owned(),
        provider: PROVIDER.to_owned(),
        reference: Some("A-1001".to_owned()),
        access_level: AccessLevel::FullCheckOngoing,
        consent: Consent {
            text: "You may look at my bills.".to_owned(),
            given_at: samples::WALL,
            until: None,
        },
    }
}

pub fn provision(key: &str) -> NewProvision {
    NewProvision {
        provider_key: key.to_owned(),
        sector: Sector::Energy,
        fuel_type: Some("Elec".to_owned()),
        tariff_name: Some("Green Variable v1".to_owned()),
        supply_number: None,
        address: None,
        start_date: Some(samples::WALL),
        end_date: None,
        projected_spend: None,
    }
}

pub fn document(key: &str) -> NewDocument {
    NewDocument {
        provider_key: key.to_owned(),
        document_type: DocumentType::Bill,
        title: format!("Bill {key}"),
        date: samples::WALL,
        media_type: "application/pdf".to_owned(),
        bytes: 48_213,
        sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".to_owned(),
    }
}

pub fn to_do(user: &str, account: Option<&str>, title: &str) -> NewToDo {
    NewToDo {
        user: ID(user.to_owned()),
        account: account.map(|account| ID(account.to_owned())),
        kind: ToDoKind::ReviewTariff,
        title: title.to_owned(),
    }
}

/// A collection that has found these documents.
pub fn documents(documents: Vec<NewDocument>) -> Collected {
    Collected { documents, ..Collected::default() }
}

/// A collection that has found these provisions, and no others.
pub fn provisions(provisions: Vec<NewProvision>) -> Collected {
    Collected { provisions: Some(provisions), ..Collected::default() }
}

/// A collection that has found this of the account itself.
pub fn changed(account: AccountChange) -> Collected {
    Collected { account, ..Collected::default() }
}

impl World {
    /// Keeps what was learnt of an account of acme.
    pub async fn keep(&self, account: &str, collected: Collected) -> Result<(), OperationFailure> {
        self.keep_for(self.acme.id, account, collected).await
    }

    /// Keeps what was learnt of an account of an application.
    pub async fn keep_for(
        &self,
        application: ApplicationId,
        account: &str,
        collected: Collected,
    ) -> Result<(), OperationFailure> {
        let kept = self.writer.keep_collected(application, account, &collected).await;
        kept.map_err(|error| match error {
            NotCollected::Refused(failure) => failure,
            NotCollected::LeaseLost => panic!("what has no progress has no lease to lose"),
        })
    }

    /// Adds an account of a user of acme, and gives its id.
    pub async fn add_account(&self, user: &str) -> String {
        self.writer.add_account(self.acme.id, account(user)).await.unwrap().entity.id
    }

    /// Adds documents with these keys, and gives their ids.
    pub async fn add_documents(&self, account: &str, keys: &[&str]) -> Vec<String> {
        let new = keys.iter().map(|key| document(key)).collect();
        self.keep_and_tell(account, keys, documents(new)).await
    }

    /// Makes these the provisions of an account, and gives the ids of those that changed.
    pub async fn put_provisions(&self, account: &str, keys: &[&str]) -> Vec<String> {
        let new = keys.iter().map(|key| provision(key)).collect();
        self.keep_and_tell(account, keys, provisions(new)).await
    }

    /// The ids of what has these keys and an event of its own now.
    async fn keep_and_tell(
        &self,
        account: &str,
        keys: &[&str],
        collected: Collected,
    ) -> Vec<String> {
        let before = self.events().await.len();
        self.keep(account, collected).await.unwrap();
        let fired = self.fired_since(before).await;
        let mut told: Vec<String> = Vec::new();
        for id in keys.iter().map(|key| entity_code_of(account, key)) {
            if !told.contains(&id) && fired.iter().any(|(_, entity)| *entity == id) {
                told.push(id);
            }
        }
        told
    }

    /// Adds a to-do, and gives its id.
    pub async fn add_to_do(&self, user: &str, account: Option<&str>, title: &str) -> String {
        let new = to_do(user, account, title);
        self.writer.add_to_do(self.acme.id, new).await.unwrap().entity.id
    }

    /// With the sample user, an account of it, a provision, a document and two to-dos, one of which
    /// is about the account.
    pub async fn linked() -> (World, Linked) {
        let world = World::sampled().await;
        let account = world.add_account(USER).await;
        let provision = world.put_provisions(&account, &["elec-1"]).await.remove(0);
        let document = world.add_documents(&account, &["bill-1"]).await.remove(0);
        let account_to_do = world.add_to_do(USER, Some(&account), "about the account").await;
        let user_to_do = world.add_to_do(USER, None, "about nothing").await;
        (world, Linked { account, provision, document, account_to_do, user_to_do })
    }

    /// An entity of acme as the store has it.
    pub async fn store_entity(&self, kind: &str, id: &str) -> Entity {
        let ids = vec![id.to_owned()];
        self.store.entities(Some(self.acme.id), kind, ids).await.unwrap().remove(0)
    }

    /// The triggers and entities of what was fired since the `before`th event.
    pub async fn fired_since(&self, before: usize) -> Vec<(String, String)> {
        let events = self.events().await;
        let new = events.iter().skip(before);
        new.map(|(event, _)| (event.trigger.to_string(), event.entity.to_string())).collect()
    }
}

/// The ids of what [`World::linked`] added.
pub struct Linked {
    pub account: String,
    pub provision: String,
    pub document: String,
    pub account_to_do: String,
    pub user_to_do: String,
}
