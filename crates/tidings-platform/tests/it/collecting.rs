//! Accounts are linked and collected.

use std::sync::Arc;

use async_graphql::MaybeUndefined;
use serde_json::{Value, json};
use tidings_core::limits::{CLAIMS_WITHOUT_RESULT_MAX, HORIZON_MS};
use tidings_platform::{
    collect::{
        adapter::Adapters,
        collector::{Collector, CollectorParts},
    },
    sample::{PROVIDER, USER},
    shelf::{Expected, Shelf},
    writer::ProviderChange,
};
use tidings_store::{Clock, Store, Task};
use tidings_work::Work;

use crate::support::{PASSWORD, World, operator, provision};

const LEASE_MS: u32 = 60_000;
const SYNC_MS: u32 = 3_600_000;

/// A world with a provider that has an adapter, and a collector.
struct Scene {
    world: World,
    collector: Collector,
    shelf: Shelf,
    _folder: tempfile::TempDir,
}

impl Scene {
    async fn new() -> Scene {
        let world = World::peopled().await;
        let url = MaybeUndefined::Value("https://adapter.example.com".to_owned());
        let change = ProviderChange { adapter_url: url, ..ProviderChange::default() };
        world.writer.update_provider(PROVIDER, change).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::open(folder.path()).await.unwrap();
        let collector = Collector::new(CollectorParts {
            store: world.store.clone(),
            writer: world.writer.clone(),
            shelf: shelf.clone(),
            adapters: Arc::clone(&world.adapters) as Arc<dyn Adapters>,
            vault: Arc::clone(&world.vault),
            clock: Arc::clone(&world.clock) as Arc<dyn Clock>,
            chance: Arc::clone(&world.chance),
        });
        Scene { world, collector, shelf, _folder: folder }
    }

    async fn link(&self, level: &str, password: &str) -> Value {
        self.link_until(level, password, None).await
    }

    async fn link_until(&self, level: &str, password: &str, until: Option<&str>) -> Value {
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
        let variables = json!({ "user": USER, "provider": PROVIDER, "level": level,
            "credentials": credentials, "until": until, "now": self.world.clock.now().wall.iso() });
        self.world.get(self.world.acme(), query, variables).await
    }

    async fn linked(&self, level: &str) -> String {
        let linked = self.link(level, PASSWORD).await;
        assert_eq!(linked["status"], "LINKING", "{linked}");
        linked["id"].as_str().unwrap().to_owned()
    }

    /// Does what is due now, one after the other. Returns how many tasks it had.
    async fn collect(&self) -> usize {
        let found = self.collector.claim(16).await.unwrap();
        let count = found.items.len();
        for item in found.items {
            self.collector.perform(item).await;
        }
        count
    }

    async fn account(&self, id: &str) -> Value {
        let query = "query($id: ID!) { getAccount(id: $id) { ... on Account { status lastCollected \
            provisions { tariffName } documents(first: 200) { items { title sha256 } } \
            user { toDos { kind title done } } } } }";
        self.world.get(self.world.acme(), query, json!({ "id": id })).await
    }

    async fn status(&self, id: &str) -> String {
        self.account(id).await["status"].as_str().unwrap().to_owned()
    }

    async fn titles(&self, id: &str) -> Vec<String> {
        let account = self.account(id).await;
        let items = account["documents"]["items"].as_array().unwrap().clone();
        let mut titles: Vec<String> =
            items.iter().map(|item| item["title"].as_str().unwrap().to_owned()).collect();
        titles.sort();
        titles
    }

    async fn task(&self, id: &str) -> Option<Task> {
        self.world.store.task(self.world.acme.id, "collect", id).await.unwrap()
    }

    async fn fired(&self, trigger: &str) -> usize {
        self.world.fired().await.iter().filter(|fired| *fired == trigger).count()
    }
}

fn titles(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("Bill d{number:03}")).collect()
}

#[tokio::test]
async fn a_quick_check_tells_what_is_supplied_and_keeps_nothing_to_open_it_with() {
    let scene = Scene::new().await;
    scene.world.adapters.script().provisions = vec![provision("e", "Green")];
    scene.world.adapters.add_documents(2);
    let id = scene.linked("QUICK_CHECK").await;
    let kept = scene.task(&id).await.unwrap().body;
    assert!(!kept.contains(PASSWORD) && kept.contains("sealed"), "{kept}");
    assert_eq!(scene.collect().await, 1);
    let account = scene.account(&id).await;
    assert_eq!(account["status"], "UP_TO_DATE");
    assert_eq!(account["lastCollected"], "2021-02-17T08:48:47.284Z");
    assert_eq!(account["provisions"], json!([{ "tariffName": "Green" }]));
    assert_eq!(account["documents"]["items"], json!([]));
    assert_eq!(scene.task(&id).await, None, "the credentials are gone");
    assert_eq!(scene.world.adapters.script().calls, ["check", "quick-check"]);
}

#[tokio::test]
async fn a_full_check_has_each_document_once_and_fires_each_once() {
    let scene = Scene::new().await;
    scene.world.adapters.add_documents(7);
    let id = scene.linked("FULL_CHECK").await;
    scene.collect().await;
    assert_eq!(scene.status(&id).await, "UP_TO_DATE");
    assert_eq!(scene.titles(&id).await, titles(7));
    assert_eq!(scene.fired("DocumentAdded").await, 7);
    assert_eq!(scene.task(&id).await, None);
    let bytes = b"the bytes of d004";
    assert!(scene.shelf.holds(Expected::of(bytes)).await.unwrap().is_some());
    let calls = scene.world.adapters.script().calls.clone();
    assert_eq!(calls.iter().filter(|call| call.starts_with("collect")).count(), 3);
}

#[tokio::test]
async fn an_ongoing_check_syncs_what_is_new_and_tells_of_nothing_else() {
    let scene = Scene::new().await;
    scene.world.adapters.add_documents(2);
    let id = scene.linked("FULL_CHECK_ONGOING").await;
    scene.collect().await;
    let task = scene.task(&id).await.unwrap();
    let wait_ms = task.due_at.since_ms(scene.world.clock.now().elapsed);
    let sync_ms = u64::from(SYNC_MS);
    assert!((sync_ms * 9 / 10..=sync_ms * 11 / 10).contains(&wait_ms), "{wait_ms}");
    assert_eq!(scene.collect().await, 0, "it is not due yet");
    let before = scene.world.fired().await.len();
    scene.world.pass_ms(2 * SYNC_MS);
    assert_eq!(scene.collect().await, 1);
    assert_eq!(scene.world.fired().await.len(), before, "nothing was new");
    let collected = scene.account(&id).await["lastCollected"].clone();
    assert_eq!(collected, "2021-02-17T10:48:47.284Z");
    scene.world.adapters.add_documents(1);
    scene.world.pass_ms(2 * SYNC_MS);
    scene.collect().await;
    assert_eq!(scene.titles(&id).await, titles(3));
    assert_eq!(scene.world.fired().await.last().unwrap(), "DocumentAdded");
}

#[tokio::test]
async fn rejected_credentials_make_a_to_do_and_new_ones_renew_the_account() {
    let scene = Scene::new().await;
    let linked = scene.link("FULL_CHECK_ONGOING", "wrong").await;
    let id = linked["id"].as_str().unwrap();
    scene.collect().await;
    let account = scene.account(id).await;
    assert_eq!(account["status"], "CREDENTIALS_REJECTED");
    let title = "The password is wrong";
    let to_do = json!({ "kind": "RENEW_CREDENTIALS", "title": title, "done": false });
    assert_eq!(account["user"]["toDos"], json!([to_do]));
    assert_eq!(scene.task(id).await, None, "nothing is asked any more");
    let renewed = scene.link("FULL_CHECK", PASSWORD).await;
    assert_eq!((renewed["id"].as_str(), &renewed["status"]), (Some(id), &json!("LINKING")));
    assert_eq!(scene.account(id).await["user"]["toDos"][0]["done"], true);
    scene.collect().await;
    assert_eq!(scene.status(id).await, "UP_TO_DATE");
    assert_ne!(scene.linked("FULL_CHECK").await, id, "this one is a further account");
}

#[tokio::test]
async fn an_adapter_that_fails_is_asked_again_later_and_given_up_after_72_hours() {
    let scene = Scene::new().await;
    let id = scene.linked("FULL_CHECK").await;
    scene.world.adapters.script().failing = usize::MAX;
    let mut waits = Vec::new();
    for _ in 0..4 {
        assert_eq!(scene.collect().await, 1);
        let due_at = scene.task(&id).await.unwrap().due_at;
        let wait_ms = due_at.since_ms(scene.world.clock.now().elapsed);
        waits.push(wait_ms);
        scene.world.pass_ms(u32::try_from(wait_ms).unwrap());
    }
    assert!(waits.windows(2).all(|pair| pair[1] > pair[0] * 3 / 2), "{waits:?}");
    scene.world.adapters.script().retry_after_ms = Some(7_000_000);
    scene.collect().await;
    let due_at = scene.task(&id).await.unwrap().due_at;
    assert!(due_at.since_ms(scene.world.clock.now().elapsed) >= 7_000_000);
    scene.world.pass_ms(u32::try_from(HORIZON_MS).unwrap());
    scene.collect().await;
    assert_eq!(scene.status(&id).await, "FAILED");
    assert_eq!(scene.task(&id).await, None);
}

#[tokio::test]
async fn trouble_in_the_middle_goes_on_at_the_last_document() {
    let scene = Scene::new().await;
    scene.world.adapters.add_documents(5);
    let id = scene.linked("FULL_CHECK").await;
    scene.world.adapters.script().lies = true;
    scene.collect().await;
    assert_eq!(scene.titles(&id).await, titles(0), "bytes that were not promised are not kept");
    scene.world.adapters.script().lies = false;
    scene.world.adapters.script().gone = vec!["d001".to_owned()];
    scene.world.pass_ms(LEASE_MS);
    scene.collect().await;
    let mut expected = titles(5);
    expected.remove(1);
    assert_eq!(scene.titles(&id).await, expected, "what the provider does not show is passed over");
    assert_eq!(scene.status(&id).await, "UP_TO_DATE");
}

#[tokio::test]
async fn a_collection_that_is_cut_off_anywhere_has_each_document_once_in_the_end() {
    let scene = Scene::new().await;
    scene.world.adapters.add_documents(40);
    let id = scene.linked("FULL_CHECK").await;
    let mut cuts = 0;
    for polls in [1, 2, 3, 5, 8, 13, 21, 34, 55, 89].into_iter().cycle().take(200) {
        let mut found = scene.collector.claim(1).await.unwrap();
        let Some(item) = found.items.pop() else { break };
        let mut work = Box::pin(scene.collector.perform(item));
        let mut left = polls;
        let ended = std::future::poll_fn(|context| {
            use std::task::Poll;
            match work.as_mut().poll(context) {
                Poll::Ready(()) => Poll::Ready(true),
                Poll::Pending if left == 0 => Poll::Ready(false),
                Poll::Pending => {
                    left -= 1;
                    Poll::Pending
                }
            }
        });
        if ended.await {
            break;
        }
        drop(work);
        cuts += 1;
        scene.world.pass_ms(LEASE_MS);
    }
    assert!(cuts > 5, "{cuts} cuts prove nothing");
    assert_eq!(scene.status(&id).await, "UP_TO_DATE");
    assert_eq!(scene.titles(&id).await, titles(40));
    assert_eq!(scene.fired("DocumentAdded").await, 40);
}

#[tokio::test]
async fn a_withdrawn_consent_ends_a_collection_that_is_under_way() {
    let scene = Scene::new().await;
    scene.world.adapters.add_documents(4);
    let id = scene.linked("FULL_CHECK_ONGOING").await;
    let item = scene.collector.claim(1).await.unwrap().items.pop().unwrap();
    scene.world.writer.withdraw_consent(scene.world.acme.id, &id).await.unwrap();
    assert_eq!(scene.task(&id).await, None, "the credentials went in the same commit");
    scene.collector.perform(item).await;
    assert_eq!(scene.status(&id).await, "CONSENT_WITHDRAWN");
    assert_eq!((scene.titles(&id).await, scene.fired("DocumentAdded").await), (titles(0), 0));
    scene.world.pass_ms(9 * SYNC_MS);
    assert_eq!(scene.collect().await, 0, "nothing is asked any more");
}

#[tokio::test]
async fn a_deleted_user_is_not_collected_any_more() {
    let scene = Scene::new().await;
    let id = scene.linked("FULL_CHECK_ONGOING").await;
    let item = scene.collector.claim(1).await.unwrap().items.pop().unwrap();
    scene.world.writer.delete_user(scene.world.acme.id, USER).await.unwrap();
    assert_eq!(scene.task(&id).await, None);
    scene.collector.perform(item).await;
    scene.world.pass_ms(9 * SYNC_MS);
    assert_eq!(scene.collect().await, 0);
}

#[tokio::test]
async fn a_consent_that_ends_counts_as_withdrawn() {
    for level in ["QUICK_CHECK", "FULL_CHECK", "FULL_CHECK_ONGOING"] {
        let scene = Scene::new().await;
        scene.world.adapters.add_documents(1);
        let until = Some("2021-02-17T09:00:00Z");
        let linked = scene.link_until(level, PASSWORD, until).await;
        let id = linked["id"].as_str().unwrap();
        scene.collect().await;
        assert_eq!(scene.status(id).await, "UP_TO_DATE", "{level}");
        scene.world.pass_ms(12 * 60_000);
        scene.collect().await;
        assert_eq!(scene.status(id).await, "CONSENT_WITHDRAWN", "{level}");
        assert_eq!(scene.titles(id).await, titles(0), "{level}");
    }
}

#[tokio::test]
async fn a_collection_that_ends_its_process_each_time_is_given_up() {
    let scene = Scene::new().await;
    let id = scene.linked("FULL_CHECK").await;
    for _ in 0..CLAIMS_WITHOUT_RESULT_MAX {
        assert_eq!(scene.collector.claim(1).await.unwrap().items.len(), 1);
        scene.world.pass_ms(LEASE_MS);
    }
    scene.collect().await;
    assert_eq!(scene.status(&id).await, "FAILED");
}

#[tokio::test]
async fn what_provider_or_application_do_not_allow_is_refused_with_the_remedy() {
    let scene = Scene::new().await;
    let change = |change: ProviderChange| scene.world.writer.update_provider(PROVIDER, change);
    let quick = "mutation { updateProvider(code: \"pfp-energy_pfp-energy\", input: { \
        capabilities: { automatedDataCollection: false, quickCheck: true } }) { __typename } }";
    scene.world.get(operator(), quick, Value::Null).await;
    let refused = scene.link("FULL_CHECK", PASSWORD).await;
    assert_eq!(refused["code"], "NOT_SUPPORTED", "{refused}");
    assert!(refused["description"].as_str().unwrap().contains("capabilities"), "{refused}");
    assert_eq!(scene.link("QUICK_CHECK", PASSWORD).await["__typename"], "Account");
    let none = ProviderChange { adapter_url: MaybeUndefined::Null, ..ProviderChange::default() };
    change(none).await.unwrap();
    let refused = scene.link("QUICK_CHECK", PASSWORD).await;
    assert!(refused["description"].as_str().unwrap().contains("adapterUrl"), "{refused}");
    let http = MaybeUndefined::Value("http://adapter.example.com".to_owned());
    let wrong = change(ProviderChange { adapter_url: http, ..ProviderChange::default() }).await;
    assert_eq!(wrong.unwrap_err().problems[0].path, "/input/adapterUrl");
}

#[tokio::test]
async fn where_an_adapter_is_is_told_to_the_operator_alone() {
    let scene = Scene::new().await;
    let query = "{ getProvider(code: \"pfp-energy_pfp-energy\") { name adapterUrl } }";
    let seen = scene.world.get(operator(), query, Value::Null).await;
    assert_eq!(seen["adapterUrl"], "https://adapter.example.com");
    for viewer in [scene.world.acme(), scene.world.other()] {
        let seen = scene.world.get(viewer, query, Value::Null).await;
        assert_eq!((&seen["name"], &seen["adapterUrl"]), (&json!("PFP Energy"), &Value::Null));
    }
}

#[tokio::test]
async fn an_application_may_be_held_to_some_access_levels() {
    let scene = Scene::new().await;
    let mut limited = scene.world.acme.clone();
    let levels = vec![tidings_core::application::AccessLevel::QuickCheck];
    limited.settings.access_levels = Some(levels);
    scene.world.store.update_application(scene.world.clock.now(), limited).await.unwrap();
    let refused = scene.link("FULL_CHECK_ONGOING", PASSWORD).await;
    assert_eq!(refused["code"], "NOT_PERMITTED", "{refused}");
    assert_eq!(scene.link("QUICK_CHECK", PASSWORD).await["__typename"], "Account");
}

#[tokio::test]
async fn each_fault_of_a_link_is_named_and_no_credential_is_told_back() {
    let scene = Scene::new().await;
    let query = "mutation($credentials: [CredentialInput!]!, $consent: ConsentInput!) { \
        linkAccount(user: \"5e33114d08cb368661c5108d\", provider: \"pfp-energy_pfp-energy\", \
        accessLevel: QUICK_CHECK, credentials: $credentials, consent: $consent) { \
        ... on OperationFailure { code problems { path message } } } }";
    let credentials = json!([{ "name": "1", "value": PASSWORD }, { "name": "a", "value": "" },
        { "name": "a", "value": "x".repeat(1025) }]);
    let consent = json!({ "text": "", "givenAt": "2031-01-01T00:00:00Z",
        "until": "2020-01-01T00:00:00Z" });
    let variables = json!({ "credentials": credentials, "consent": consent });
    let refused = scene.world.get(scene.world.acme(), query, variables).await;
    assert_eq!(refused["code"], "INVALID_INPUT");
    let problems = refused["problems"].as_array().unwrap();
    for path in [
        "/consent/text",
        "/consent/givenAt",
        "/consent/until",
        "/credentials/0/name",
        "/credentials/1/value",
        "/credentials/2/name",
        "/credentials/2/value",
    ] {
        assert!(problems.iter().any(|problem| problem["path"] == path), "{path}: {refused}");
    }
    assert!(!refused.to_string().contains(PASSWORD));
}
