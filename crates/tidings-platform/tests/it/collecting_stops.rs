//! What ends a collection, and when: at once, and for good.

use std::time::Duration;

use tidings_core::limits::HORIZON_MS;
use tidings_platform::{
    collect::collector::{COLLECTED_AT_A_TIME, COLLECTED_OF_A_PROVIDER},
    sample::{PROVIDER, USER},
    shelf::ContentHash,
};
use tidings_store::Clock;
use tidings_work::Work;

use crate::support::{
    PASSWORD,
    log::Log,
    scene::{LEASE_MS, SYNC_MS, Scene, titles},
};

/// 11 minutes and some after the world's beginning.
const UNTIL: Option<&str> = Some("2021-02-17T09:00:00Z");
const BEYOND_MS: u32 = 12 * 60_000;

#[tokio::test]
async fn a_withdrawn_consent_stops_a_call_to_the_adapter_at_once() {
    let scene = Scene::new().await;
    scene.world.adapters.add_documents(1);
    let id = scene.linked("FULL_CHECK_ONGOING").await;
    let before = scene.world.clock.now();
    let withdraw = async {
        scene.world.writer.withdraw_consent(scene.world.acme.id, &id).await.unwrap();
    };
    scene.collect_and_when_stuck(withdraw).await;
    assert_eq!(scene.world.clock.now(), before, "no time had to pass");
    assert_eq!(scene.status(&id).await, "CONSENT_WITHDRAWN");
}

#[tokio::test]
async fn a_deleted_user_stops_a_call_to_the_adapter_at_once() {
    let scene = Scene::new().await;
    scene.world.adapters.add_documents(1);
    let id = scene.linked("FULL_CHECK_ONGOING").await;
    let delete = async {
        scene.world.writer.delete_user(scene.world.acme.id, USER).await.unwrap();
    };
    scene.collect_and_when_stuck(delete).await;
    assert_eq!(scene.task(&id).await, None);
}

#[tokio::test]
async fn a_consent_that_ends_in_the_middle_of_a_collection_ends_it() {
    let scene = Scene::new().await;
    scene.world.adapters.add_documents(1);
    let linked = scene.link_until("FULL_CHECK_ONGOING", PASSWORD, UNTIL).await;
    let id = linked["id"].as_str().unwrap();
    scene.collect_and_when_stuck(async { scene.world.pass_ms(BEYOND_MS) }).await;
    assert_eq!(scene.status(id).await, "CONSENT_WITHDRAWN");
    assert_eq!(scene.task(id).await, None, "the credentials are gone");
}

#[tokio::test]
async fn what_was_collected_goes_with_the_consent_also_where_nothing_is_collected_any_more() {
    let scene = Scene::new().await;
    scene.world.adapters.add_documents(2);
    scene.world.adapters.script().rejects_at = Some("d001".to_owned());
    let linked = scene.link_until("FULL_CHECK_ONGOING", PASSWORD, UNTIL).await;
    let id = linked["id"].as_str().unwrap();
    scene.collect().await;
    assert_eq!(scene.titles(id).await, titles(1));
    assert_eq!(scene.status(id).await, "CREDENTIALS_REJECTED");
    let kept = scene.task(id).await.unwrap().body;
    assert!(kept.contains("\"sealed\":null"), "the credentials are gone: {kept}");
    scene.world.pass_ms(BEYOND_MS);
    scene.collect().await;
    assert_eq!(scene.status(id).await, "CONSENT_WITHDRAWN");
    assert_eq!(scene.titles(id).await, titles(0));
    assert_eq!(scene.task(id).await, None);
}

#[tokio::test]
async fn an_account_that_failed_is_linked_again_as_the_same() {
    let scene = Scene::new().await;
    let id = scene.linked("FULL_CHECK").await;
    scene.world.adapters.script().failing = 2;
    scene.collect().await;
    scene.world.pass_ms(u32::try_from(HORIZON_MS).unwrap());
    scene.collect().await;
    assert_eq!(scene.status(&id).await, "FAILED");
    assert_eq!(scene.linked("FULL_CHECK").await, id);
    scene.collect().await;
    assert_eq!(scene.status(&id).await, "UP_TO_DATE");
}

#[tokio::test]
async fn an_account_that_failed_with_documents_does_not_lend_them_to_another() {
    let scene = Scene::new().await;
    scene.world.adapters.add_documents(2);
    scene.world.adapters.script().fails_at = Some("document d001".to_owned());
    let id = scene.linked("FULL_CHECK").await;
    scene.collect().await;
    scene.world.pass_ms(u32::try_from(HORIZON_MS).unwrap());
    scene.collect().await;
    assert_eq!((scene.status(&id).await, scene.titles(&id).await), ("FAILED".into(), titles(1)));
    let other = scene.linked("FULL_CHECK").await;
    assert_ne!(other, id);
    assert_eq!(scene.titles(&other).await, titles(0));
}

#[tokio::test]
async fn bytes_whose_document_could_not_be_written_are_looked_at_soon() {
    let scene = Scene::new().await;
    scene.world.adapters.add_documents(1);
    scene.linked("FULL_CHECK").await;
    // The check is kept, the document is not.
    scene.world.refuse_append(1);
    scene.collect().await;
    let freed = scene.world.writer.freed();
    let first = tokio::time::timeout(Duration::from_secs(30), freed.next()).await.unwrap();
    let first = format!("{first:02x}");
    assert!(ContentHash::of(b"the bytes of d000").to_string().starts_with(&first));
}

#[tokio::test]
async fn a_withdrawal_comes_through_beside_a_collection_that_always_has_one_more() {
    let scene = Scene::new().await;
    scene.world.adapters.add_documents(900);
    let id = scene.linked("FULL_CHECK").await;
    let item = scene.collector.claim(1).await.unwrap().items.pop().unwrap();
    let withdraw = async {
        while scene.titles(&id).await.len() < 5 {
            tokio::task::yield_now().await;
        }
        scene.world.writer.withdraw_consent(scene.world.acme.id, &id).await.unwrap();
    };
    tokio::join!(scene.collector.perform(item), withdraw);
    assert_eq!(scene.status(&id).await, "CONSENT_WITHDRAWN");
    assert_eq!(scene.titles(&id).await, titles(0));
    assert!(scene.fired("DocumentAdded").await < 900);
}

#[tokio::test]
async fn an_adapter_that_cannot_say_how_often_is_asked_as_often_as_it_last_said() {
    let scene = Scene::new().await;
    let id = scene.linked("FULL_CHECK_ONGOING").await;
    scene.collect().await;
    scene.world.pass_ms(2 * SYNC_MS);
    scene.world.adapters.script().fails_at = Some("describe".to_owned());
    scene.collect().await;
    let due_at = scene.task(&id).await.unwrap().due_at;
    let wait_ms = due_at.since_ms(scene.world.clock.now().elapsed);
    assert!(wait_ms <= u64::from(SYNC_MS) * 11 / 10, "{wait_ms}");
}

#[tokio::test]
async fn pages_that_hold_nothing_and_do_not_end_are_given_a_rest() {
    let scene = Scene::new().await;
    let id = scene.linked("FULL_CHECK").await;
    scene.world.adapters.script().pages_never_end = true;
    scene.collect().await;
    let pages = scene.world.adapters.script().calls.len();
    assert!((100..2_000).contains(&pages), "{pages}");
    let wait_ms = scene.task(&id).await.unwrap().due_at.since_ms(scene.world.clock.now().elapsed);
    assert!((1..u64::from(LEASE_MS)).contains(&wait_ms), "{wait_ms}");
    assert_eq!(scene.status(&id).await, "COLLECTING");
}

#[tokio::test]
async fn a_slow_provider_leaves_room_for_others_and_for_its_own_quick_checks() {
    let scene = Scene::new().await;
    for _ in 0..2 * COLLECTED_OF_A_PROVIDER {
        scene.linked("FULL_CHECK").await;
    }
    let slow = scene.collector.claim(COLLECTED_AT_A_TIME).await.unwrap().items;
    assert_eq!(slow.len(), COLLECTED_OF_A_PROVIDER);
    let quick = scene.linked("QUICK_CHECK").await;
    assert_eq!(scene.collect().await, 1);
    assert_eq!(scene.status(&quick).await, "UP_TO_DATE");
    let other = scene.linked_with_another("FULL_CHECK").await;
    assert_eq!(scene.collect().await, 1);
    assert_eq!(scene.status(&other).await, "UP_TO_DATE");
}

#[tokio::test]
async fn the_end_of_a_consent_is_met_though_its_provider_has_no_room() {
    let cases = [
        ("QUICK_CHECK", PASSWORD, "UP_TO_DATE"),
        ("FULL_CHECK", PASSWORD, "UP_TO_DATE"),
        ("FULL_CHECK_ONGOING", PASSWORD, "UP_TO_DATE"),
        ("FULL_CHECK", "wrong", "CREDENTIALS_REJECTED"),
    ];
    for (level, password, status) in cases {
        let scene = Scene::new().await;
        let linked = scene.link_until(level, password, UNTIL).await;
        let id = linked["id"].as_str().unwrap();
        let item = scene.collector.claim(1).await.unwrap().items.pop().unwrap();
        for _ in 0..COLLECTED_OF_A_PROVIDER {
            scene.linked(level).await;
        }
        scene.collector.perform(item).await;
        assert_eq!(scene.status(id).await, status, "{level}");
        scene.world.pass_ms(BEYOND_MS);
        let busy = scene.collector.claim(COLLECTED_OF_A_PROVIDER).await.unwrap().items;
        assert_eq!(busy.len(), COLLECTED_OF_A_PROVIDER);
        assert!(busy.iter().all(|item| item.task.key != id), "they were due before it");
        assert_eq!(scene.collect().await, 1, "{level} {status}");
        assert_eq!(scene.status(id).await, "CONSENT_WITHDRAWN", "{level}");
    }
}

#[tokio::test]
async fn an_account_shares_the_room_of_its_provider_until_only_its_consents_end_is_due() {
    let scene = Scene::new().await;
    let until = Some("2021-02-17T11:00:00Z");
    let linked = scene.link_until("FULL_CHECK_ONGOING", PASSWORD, until).await;
    let id = linked["id"].as_str().unwrap();
    scene.collect().await;
    assert_eq!(scene.task(id).await.unwrap().lane, PROVIDER, "a sync comes before the end");
    scene.world.adapters.script().failing = 2;
    scene.world.pass_ms(SYNC_MS * 11 / 10);
    scene.collect().await;
    assert_eq!(scene.task(id).await.unwrap().lane, PROVIDER, "it is tried again before the end");
    scene.world.adapters.script().retry_after_ms = Some(u64::from(SYNC_MS) * 3);
    scene.world.pass_ms(LEASE_MS);
    scene.collect().await;
    let task = scene.task(id).await.unwrap();
    assert_eq!(task.lane, "", "the provider is not asked before the end");
    scene.world.pass_ms(2 * SYNC_MS);
    scene.collect().await;
    assert_eq!(scene.status(id).await, "CONSENT_WITHDRAWN");
}

#[tokio::test]
async fn an_adapter_that_cannot_say_what_it_is_is_collected_and_the_log_says_so() {
    let log = Log::default();
    let _logging = log.of_this_thread();
    let scene = Scene::new().await;
    let account = scene.linked("FULL_CHECK_ONGOING").await;
    scene.world.adapters.script().fails_at = Some("describe".to_owned());
    scene.collect().await;
    assert_eq!(scene.status(&account).await, "UP_TO_DATE");
    let logged = log.text();
    assert!(logged.contains("what the adapter said last counts on: it is down"), "{logged}");
    assert!(logged.contains(PROVIDER), "{logged}");
}
