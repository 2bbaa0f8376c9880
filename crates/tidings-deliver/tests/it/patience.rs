//! How long a source is waited for.

use std::sync::atomic::Ordering;

use tidings_core::{
    delivery::State,
    ids::DeliveryId,
    time::{DAY_MS, HOUR_MS, MINUTE_MS},
    webhook::Status,
};
use tidings_store::{Ingest, Store};

use crate::world::World;

#[tokio::test]
async fn a_pause_does_not_use_up_the_patience_with_a_source() {
    let world = World::new().await;
    let webhook = world.webhook("OrderAdded", |_| {}).await;
    world.source_is_down.store(true, Ordering::Relaxed);
    let engine = world.engine(8);
    world.settle().await;
    let append = world.events("OrderAdded", 1, false).await;
    let id = DeliveryId::new(append.events[0].event.id, webhook.id, 0);
    engine.append(world.now(), append).await.unwrap();
    world.settle().await;
    let mut paused = webhook.clone();
    paused.set_status(Status::Paused, world.now().elapsed);
    let mut resumed = world.store.update_webhook(world.now(), paused).await.unwrap();
    world.pass(8 * DAY_MS, DAY_MS).await;
    resumed.set_status(Status::Active, world.now().elapsed);
    world.store.update_webhook(world.now(), resumed).await.unwrap();
    world.pass(HOUR_MS, MINUTE_MS).await;
    let view = world.store.delivery(world.now(), id).await.unwrap().unwrap();
    assert!(matches!(view.delivery.state, State::Pending { .. }), "{:?}", view.delivery);
    world.source_is_down.store(false, Ordering::Relaxed);
    world.pass(HOUR_MS, MINUTE_MS).await;
    assert_eq!(world.posts(&webhook), 1);
}
