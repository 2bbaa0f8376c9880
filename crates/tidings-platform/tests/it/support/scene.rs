//! A world with a provider that has an adapter, and a collector.

use std::{future::Future, pin::pin, sync::Arc};

use async_graphql::MaybeUndefined;
use serde_json::{Value, json};
use tidings_platform::{
    collect::{
        adapter::Adapters,
        collector::{Collector, CollectorParts},
    },
    domain::{ProviderCapabilities, Sector},
    sample::{PROVIDER, USER},
    shelf::Shelf,
    writer::{NewProvider, ProviderChange},
};
use tidings_store::{Clock, Store, Task};
use tidings_work::Work;

use super::{PASSWORD, World};

/// The lease of a collection.
pub const LEASE_MS: u32 = 60_000;
/// How often the adapter wants to be asked.
pub const SYNC_MS: u32 = 3_600_000;

/// A world with a provider that has an adapter, and a collector.
pub struct Scene {
    pub world: World,
    pub collector: Arc<Collector>,
    pub shelf: Shelf,
    pub folder: tempfile::TempDir,
}

impl Scene {
    pub async fn new() -> Scene {
        let world = World::peopled().await;
        let url = MaybeUndefined::Value("https://adapter.example.com".to_owned());
        let change = ProviderChange { adapter_url: url, ..ProviderChange::default() };
        world.writer.update_provider(PROVIDER, change).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::open(folder.path()).await.unwrap();
        let collector = Arc::new(Collector::new(CollectorParts {
            store: world.store.clone(),
            writer: world.writer.clone(),
            shelf: shelf.clone(),
            adapters: Arc::clone(&world.adapters) as Arc<dyn Adapters>,
            vault: Arc::clone(&world.vault),
            clock: Arc::clone(&world.clock) as Arc<dyn Clock>,
            chance: Arc::clone(&world.chance),
        }));
        Scene { world, collector, shelf, folder }
    }

    pub async fn link(&self, level: &str, password: &str) -> Value {
        self.link_until(level, password, None).await
    }

    pub async fn link_until(&self, level: &str, password: &str, until: Option<&str>) -> Value {
        self.link_with(PROVIDER, level, password, until).await
    }

    async fn link_with(
        &self,
        provider: &str,
        level: &str,
        password: &str,
        until: Option<&str>,
    ) -> Value {
        let query = "mutation($user: ID!, $provider: String!, $level: AccessLevel!, \
            $credentials: [CredentialInput!]!, $now: DateTime!, $until: DateTime) { \
            linkAccount(user: $user, provider: $provider, accessLevel: $level, \
            credentials: $credentials, \
            consent: { text: \"I agree\", givenAt: $now, until: $until }) { __typename \
            ... on Account { id status accessLevel } \
            ... on OperationFailure { code description problems { path } } } }";
        let credentials = json!([
            { "name": "email", "value": "ada@example.com" },
            { "name": "password", "value": password },
        ]);
        let variables = json!({ "user": USER, "provider": provider, "level": level,
            "credentials": credentials, "until": until, "now": self.world.clock.now().wall.iso() });
        self.world.get(self.world.acme(), query, variables).await
    }

    pub async fn linked(&self, level: &str) -> String {
        let linked = self.link(level, PASSWORD).await;
        assert_eq!(linked["status"], "LINKING", "{linked}");
        linked["id"].as_str().unwrap().to_owned()
    }

    /// The same with a provider that is not there yet.
    pub async fn linked_with_another(&self, level: &str) -> String {
        let another = NewProvider {
            code: "another_provider".to_owned(),
            name: "Another".to_owned(),
            sector: Sector::Energy,
            adapter_url: Some("https://another.example.com".to_owned()),
            capabilities: ProviderCapabilities {
                quick_check: true,
                automated_data_collection: true,
            },
        };
        self.world.writer.add_provider(another).await.unwrap();
        let linked = self.link_with("another_provider", level, PASSWORD, None).await;
        linked["id"].as_str().unwrap().to_owned()
    }

    /// Does what is due now, one after the other. Returns how many tasks it had.
    pub async fn collect(&self) -> usize {
        let found = self.collector.claim(16).await.unwrap();
        let count = found.items.len();
        for item in found.items {
            self.collector.perform(item).await;
        }
        count
    }

    /// Does the one thing that is due; when the adapter is stuck in a call, `then` happens.
    pub async fn collect_and_when_stuck(&self, then: impl Future<Output = ()>) {
        self.world.adapters.script().stuck_at = Some("document".to_owned());
        let item = self.collector.claim(1).await.unwrap().items.pop().unwrap();
        let mut work = pin!(self.collector.perform(item));
        tokio::select! {
            () = &mut work => panic!("it was not stuck"),
            () = self.world.adapters.stuck() => {}
        }
        then.await;
        work.await;
    }

    pub async fn account(&self, id: &str) -> Value {
        let query = "query($id: ID!) { getAccount(id: $id) { ... on Account { status lastCollected \
            provisions { tariffName } documents(first: 200) { items { title sha256 } } \
            user { toDos { kind title done } } } } }";
        self.world.get(self.world.acme(), query, json!({ "id": id })).await
    }

    pub async fn status(&self, id: &str) -> String {
        self.account(id).await["status"].as_str().unwrap().to_owned()
    }

    pub async fn titles(&self, id: &str) -> Vec<String> {
        let account = self.account(id).await;
        let items = account["documents"]["items"].as_array().unwrap().clone();
        let mut titles: Vec<String> =
            items.iter().map(|item| item["title"].as_str().unwrap().to_owned()).collect();
        titles.sort();
        titles
    }

    pub async fn task(&self, id: &str) -> Option<Task> {
        self.world.store.task(self.world.acme.id, "collect", id).await.unwrap()
    }

    pub async fn fired(&self, trigger: &str) -> usize {
        self.world.fired().await.iter().filter(|fired| *fired == trigger).count()
    }
}

/// What so many documents are called.
pub fn titles(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("Bill d{number:03}")).collect()
}
