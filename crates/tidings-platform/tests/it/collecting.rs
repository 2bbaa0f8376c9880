//! Accounts are linked and collected.

use std::{sync::Arc, time::Duration};

use async_graphql::MaybeUndefined;
use serde_json::{Value, json};
use tidings_core::limits::{CLAIMS_WITHOUT_RESULT_MAX, HORIZON_MS};
use tidings_platform::{
    collect::running::wake_for_new,
    sample::{PROVIDER, USER},
    shelf::Expected,
    writer::ProviderChange,
};
use tidings_store::{Clock, Store};
use tidings_work::{Work, Worker};

use crate::support::{
    PASSWORD, operator, provision,
    scene::{LEASE_MS, SYNC_MS, Scene, titles},
};

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
    let counts = scene.world.writer.running().counts();
    assert_eq!((counts.in_flight, counts.ended), (0, [("done", 1)].into()));
}

#[tokio::test]
async fn a_new_link_wakes_the_collector() {
    let scene = Scene::new().await;
    let clock = Arc::clone(&scene.world.clock) as Arc<dyn Clock>;
    let worker = Worker::new(Arc::clone(&scene.collector), clock, 1);
    let working = tokio::spawn(Arc::clone(&worker).run());
    let waking = tokio::spawn(wake_for_new(worker, scene.world.writer.running()));
    // The collector has looked, and sleeps: the clock stands still, so it would for ever.
    tokio::task::yield_now().await;
    let id = scene.linked("QUICK_CHECK").await;
    let up_to_date = async {
        while scene.status(&id).await != "UP_TO_DATE" {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), up_to_date).await.unwrap();
    working.abort();
    waking.abort();
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
    scene.shelf.open_document(Expected::of(bytes)).await.unwrap();
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
    let ended = scene.world.writer.running().counts().ended;
    assert_eq!(ended, [("rejected", 1), ("done", 1)].into());
    assert_ne!(scene.linked("FULL_CHECK").await, id, "this one is a further account");
}

#[tokio::test]
async fn who_withdraws_consent_is_not_asked_for_new_credentials_any_more() {
    let scene = Scene::new().await;
    let linked = scene.link("FULL_CHECK", "wrong").await;
    let id = linked["id"].as_str().unwrap();
    scene.collect().await;
    assert_eq!(scene.account(id).await["user"]["toDos"].as_array().unwrap().len(), 1);
    scene.world.writer.withdraw_consent(scene.world.acme.id, id).await.unwrap();
    let account = scene.account(id).await;
    assert_eq!(account["status"], "CONSENT_WITHDRAWN");
    assert_eq!(account["user"]["toDos"], json!([]));
    assert_eq!(scene.fired("ToDoDone").await, 0, "it was not done");
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
async fn a_collection_that_ends_its_process_each_time_waits_and_is_given_up_after_72_hours() {
    let scene = Scene::new().await;
    scene.world.adapters.add_documents(1);
    let id = scene.linked("FULL_CHECK").await;
    let begin_in_vain = async || {
        for _ in 0..CLAIMS_WITHOUT_RESULT_MAX {
            assert_eq!(scene.collector.claim(1).await.unwrap().items.len(), 1);
            scene.world.pass_ms(LEASE_MS);
        }
        scene.collect().await;
    };
    begin_in_vain().await;
    assert!(scene.world.adapters.script().calls.is_empty(), "it was not begun once more");
    assert_eq!(scene.status(&id).await, "LINKING", "nothing was thrown away");
    let task = scene.task(&id).await.unwrap();
    let wait_ms = task.due_at.since_ms(scene.world.clock.now().elapsed);
    assert!(wait_ms >= 30 * 60_000, "others have their turn: {wait_ms}");
    scene.world.pass_ms(u32::try_from(HORIZON_MS).unwrap());
    begin_in_vain().await;
    assert_eq!(scene.status(&id).await, "FAILED");
    assert_eq!(scene.task(&id).await, None);
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
