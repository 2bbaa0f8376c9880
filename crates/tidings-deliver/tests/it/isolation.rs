//! What goes wrong with one delivery or one endpoint stays with it.

use tidings_core::webhook::Status;
use tidings_store::{Ingest, Store};

use crate::world::{Receiver, World};

#[tokio::test]
async fn the_backlog_of_one_endpoint_flows_as_fast_as_it_answers() {
    let world = World::new().await;
    let webhook = world.webhook("OrderAdded", |_| {}).await;
    let append = world.events("OrderAdded", 300, false).await;
    world.store.append(world.now(), append).await.unwrap();
    let _engine = world.engine(512);
    world.settle().await;
    world.pass(100, 5).await;
    assert_eq!(world.posts(&webhook), 300);
}

#[tokio::test]
async fn a_delivery_whose_attempt_panics_is_tried_again_after_its_lease() {
    let world = World::new().await;
    let webhook = world.webhook("OrderAdded", |_| {}).await;
    world.receive(&webhook, Receiver::Panics);
    let engine = world.engine(512);
    world.settle().await;
    let append = world.events("OrderAdded", 1, false).await;
    engine.append(world.now(), append).await.unwrap();
    world.settle().await;
    assert_eq!(world.posts(&webhook), 1);
    world.receive(&webhook, Receiver::Takes);
    world.pass(70_000, 1_000).await;
    assert_eq!(world.posts(&webhook), 2);
}

#[tokio::test]
async fn a_test_is_sent_at_once_though_its_webhook_is_paused_and_nobody_is_free() {
    let world = World::new().await;
    let busy = world.webhook("OrderAdded", |_| {}).await;
    let paused = world.webhook("UserAdded", |it| it.set_status(Status::Paused, Default::default()));
    let paused = paused.await;
    world.receive(&busy, Receiver::Waits);
    let engine = world.engine(2);
    world.settle().await;
    let append = world.events("OrderAdded", 5, false).await;
    engine.append(world.now(), append).await.unwrap();
    world.settle().await;
    let append = world.events("UserAdded", 1, true).await;
    engine.append(world.now(), append).await.unwrap();
    world.settle().await;
    assert_eq!((world.posts(&busy), world.posts(&paused)), (2, 1));
}

#[tokio::test]
async fn an_endpoint_that_is_slow_leaves_room_for_the_others_however_many_append_at_once() {
    let world = World::new().await;
    let slow = world.webhook("OrderAdded", |_| {}).await;
    let quick = world.webhook("UserAdded", |_| {}).await;
    world.receive(&slow, Receiver::Waits);
    let engine = world.engine(512);
    world.settle().await;
    let mut appends = Vec::new();
    for _ in 0..16 {
        let append = world.events("OrderAdded", 64, false).await;
        let (engine, now) = (std::sync::Arc::clone(&engine), world.now());
        appends.push(tokio::spawn(async move { engine.append(now, append).await.unwrap() }));
    }
    world.settle().await;
    let append = world.events("UserAdded", 1, false).await;
    engine.append(world.now(), append).await.unwrap();
    world.pass(2_000, 100).await;
    assert_eq!((world.posts(&slow), engine.metrics().in_flight), (64, 64));
    assert_eq!(world.posts(&quick), 1);
}
