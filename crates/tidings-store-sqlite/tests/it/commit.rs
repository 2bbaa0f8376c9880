//! Commits: shared by what waits at the same moment, and answered when they are durable.

use std::sync::Arc;

use tidings_core::ids::{EventId, WebhookId};
use tidings_core::samples;
use tidings_store::{Append, NewEvent, Store, conformance::world::World};

use crate::support::fresh;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn appends_that_wait_at_the_same_moment_share_commits() {
    let (store, _directory) = fresh();
    let store = Arc::new(store);
    let before = store.metrics();
    let now = World::new(&*store).now;
    let mut appends = Vec::new();
    for number in 0..400u16 {
        let store = Arc::clone(&store);
        appends.push(tokio::spawn(async move {
            let mut event = samples::event("EnergySwitchAdded");
            let [high, low] = number.to_be_bytes();
            event.id = EventId::new(now.wall, [high, low, 0, 0, 0, 0, 0, 0, 0, 0]);
            let id = event.id;
            let new = NewEvent { event, matches: Vec::new(), idempotency: None };
            let append = Append::of(0, vec![new]);
            let appended = store.append(now, append).await.unwrap();
            assert_eq!(appended.events[0].id, id);
            // Answered means committed: another connection sees it.
            assert!(store.event(id).await.unwrap().is_some());
        }));
    }
    for append in appends {
        append.await.unwrap();
    }
    let after = store.metrics();
    assert_eq!(after.jobs - before.jobs, 400);
    let commits = after.commits - before.commits;
    assert!((1..=200).contains(&commits), "{commits} commits for 400 appends");
}

#[tokio::test]
async fn what_changes_nothing_is_no_commit() {
    let (store, _directory) = fresh();
    let mut world = World::new(&store);
    world.one_webhook().await;
    let before = store.metrics();
    assert_eq!(world.claim(5).await.len(), 0);
    assert!(store.delete_webhook(world.now, WebhookId(99)).await.is_err());
    let after = store.metrics();
    assert_eq!((after.jobs - before.jobs, after.commits - before.commits), (2, 0));
    world.fire().await;
    assert_eq!(store.metrics().commits - before.commits, 1);
}

#[tokio::test]
async fn the_happy_path_of_a_delivery_is_three_commits() {
    let (store, _directory) = fresh();
    let mut world = World::new(&store);
    world.one_webhook().await;
    let before = store.metrics().commits;
    let event = world.new_event();
    let new = world.matched(event, None).await;
    let newborn = world.try_append(vec![new], Some(world.room(1))).await.unwrap().newborn;
    world.freeze(&newborn[0], "{}").await;
    world
        .record_attempt(
            &newborn[0],
            tidings_core::outcome::Outcome::Accepted,
            tidings_core::delivery::Step::Finish,
        )
        .await;
    assert_eq!(store.metrics().commits - before, 3);
}
