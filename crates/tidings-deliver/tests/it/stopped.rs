//! Webhooks that are stopped, and go on.

use tidings_core::{delivery::ReasonCode, webhook::Status};
use tidings_store::{Ingest, Store};

use crate::world::{OTHER_SDL, SDL, World};

fn held(code: ReasonCode) -> Status {
    Status::Held { why: "as things are".to_owned(), code }
}

#[tokio::test]
async fn a_webhook_whose_query_lost_its_schema_goes_on_when_the_schema_is_mended() {
    let world = World::new().await;
    let webhook = world.webhook("OrderAdded", |_| {}).await;
    let engine = world.engine(8);
    world.settle().await;
    world.set_schema(OTHER_SDL);
    let append = world.events("OrderAdded", 2, false).await;
    engine.append(world.now(), append).await.unwrap();
    world.settle().await;
    let status = world.status(&webhook).await;
    assert!(matches!(status, Status::Held { code: ReasonCode::QueryBroken, .. }), "{status:?}");
    world.pass(180_000, 60_000).await;
    assert_eq!((world.posts(&webhook), world.status(&webhook).await), (0, status));
    world.set_schema(SDL);
    world.pass(60_000, 60_000).await;
    assert_eq!((world.posts(&webhook), world.status(&webhook).await), (2, Status::Active));
}

#[tokio::test]
async fn a_start_lets_webhooks_go_on_that_fit_again_and_leaves_what_waits_for_a_person() {
    let world = World::new().await;
    let broken = world.webhook("OrderAdded", |it| {
        it.set_status(held(ReasonCode::QueryBroken), Default::default());
    });
    let broken = broken.await;
    let ruled = world.webhook("UserAdded", |it| {
        it.set_status(held(ReasonCode::QueryErrors), Default::default());
    });
    let ruled = ruled.await;
    for trigger in ["OrderAdded", "UserAdded"] {
        let append = world.events(trigger, 1, false).await;
        world.store.append(world.now(), append).await.unwrap();
    }
    let _engine = world.engine(8);
    world.settle().await;
    assert_eq!((world.posts(&broken), world.posts(&ruled)), (1, 0));
    assert_eq!(world.status(&broken).await, Status::Active);
    assert_eq!(world.status(&ruled).await, held(ReasonCode::QueryErrors));
}

#[tokio::test]
async fn a_webhook_that_is_paused_while_its_query_runs_is_not_sent_until_it_goes_on() {
    let world = World::new().await;
    let webhook = world.webhook("OrderAdded", |_| {}).await;
    let engine = world.engine(8);
    world.settle().await;
    world.pause_in_query(&webhook);
    let append = world.events("OrderAdded", 1, false).await;
    engine.append(world.now(), append).await.unwrap();
    world.settle().await;
    assert_eq!((world.posts(&webhook), world.status(&webhook).await), (0, Status::Paused));
    let mut paused = (*world.store.webhook(webhook.id).await.unwrap().unwrap()).clone();
    paused.set_status(Status::Active, world.now().elapsed);
    world.store.update_webhook(world.now(), paused).await.unwrap();
    engine.wake();
    world.settle().await;
    assert_eq!(world.posts(&webhook), 1);
}
