//! What a new process finds of what the one before left.

use tidings_core::{
    delivery::{ReasonCode, State, Step},
    limits::CLAIMS_WITHOUT_RESULT_MAX,
    outcome::Outcome,
    webhook::Status,
};
use tidings_store::{LeaseLost, Store, conformance::world::World};

use crate::support::{open, place};

#[tokio::test]
async fn everything_is_there_again_and_leases_are_void() {
    let (_directory, path) = place();
    let store = open(&path);
    let mut world = World::new(&store);
    let webhook = world.one_webhook().await;
    let id = world.fire_for(&webhook).await;
    let stale = world.claim_one().await;
    world.freeze(&stale, "frozen").await;
    let catalog_version = store.catalog().await.unwrap().version();
    let mut now = world.now;
    drop(store);

    now.elapsed = now.elapsed.plus_ms(1);
    let store = open(&path);
    let mut world = World::new(&store);
    world.now = now;
    let catalog = store.catalog().await.unwrap();
    assert_eq!(catalog.version(), catalog_version);
    assert_eq!(**catalog.webhook(webhook.id).unwrap(), webhook);
    assert!(catalog.application(webhook.application).is_some());
    let claimed = world.claim_one().await;
    assert_eq!((claimed.delivery.id, claimed.payload.as_deref()), (id, Some(&b"frozen"[..])));
    assert_ne!(claimed.token, stale.token);
    let late = world.record_of(&stale, Step::Finish);
    assert_eq!(store.record(now, vec![late]).await.unwrap(), [Err(LeaseLost { delivery: id })]);
    world.record_attempt(&claimed, Outcome::Accepted, Step::Finish).await;
    assert_eq!(world.view(id).await.delivery.state, State::Delivered);
    assert_eq!(store.attempts(id).await.unwrap().len(), 1);
}

#[tokio::test]
async fn numbers_go_on_where_they_were() {
    let (_directory, path) = place();
    let store = open(&path);
    let world = World::new(&store);
    let first = world.one_webhook().await;
    store.delete_webhook(world.now, first.id).await.unwrap();
    drop(store);
    let store = open(&path);
    let world = World::new(&store);
    let application = store.catalog().await.unwrap().applications().next().unwrap().clone();
    let second = world.add_webhook(&application, |_| ()).await;
    assert!(second.id > first.id && second.endpoint >= first.endpoint);
}

#[tokio::test]
async fn how_endpoints_and_sources_are_is_remembered() {
    let (_directory, path) = place();
    let store = open(&path);
    let mut world = World::new(&store);
    let webhook = world.one_webhook().await;
    world.open_breaker(&webhook).await;
    let health = store.backlog(world.now, webhook.id).await.unwrap().health;
    let now = world.now;
    drop(store);
    let store = open(&path);
    assert_eq!(store.backlog(now, webhook.id).await.unwrap().health, health);
}

#[tokio::test]
async fn a_delivery_that_ends_its_process_every_time_is_set_aside() {
    let (_directory, path) = place();
    let (mut now, id, webhook) = {
        let store = open(&path);
        let mut world = World::new(&store);
        let webhook = world.one_webhook().await;
        (world.now, world.fire_for(&webhook).await, webhook.id)
    };
    for _ in 0..CLAIMS_WITHOUT_RESULT_MAX {
        let store = open(&path);
        let mut world = World::new(&store);
        now.elapsed = now.elapsed.plus_ms(1);
        world.now = now;
        assert_eq!(world.claim_ids(1).await, [id]);
    }
    let store = open(&path);
    let mut world = World::new(&store);
    world.now = now;
    assert_eq!(world.claim_ids(1).await, []);
    assert_eq!(world.ended(id).await, Some(ReasonCode::Quarantined));
    assert_eq!(world.notices(None).await.len(), 1);
    assert_eq!(world.webhook(webhook).await.status, Status::Active);
}
