//! What people ask of deliveries.

use tidings_core::{
    delivery::{Reason, ReasonCode, State, Step},
    ids::DeliveryId,
    outcome::Outcome,
    payload::readdress,
    time::HOUR_MS,
    webhook::{PayloadMode, Webhook},
};

use super::world::{self, World, failure, why};
use crate::{
    error::WriteError,
    store::Store,
    types::{Claimed, DeliveryFilter, Replay, ShownState},
};

fn body(claimed: &Claimed) -> String {
    String::from_utf8(world::body(claimed)).unwrap()
}

/// A delivery that was sent and ended.
async fn ended(world: &mut World<'_>, step: Step) -> DeliveryId {
    world.fire().await;
    let claimed = world.claim(1).await.remove(0);
    world.freeze(&claimed, &body(&claimed)).await;
    world.record_attempt(&claimed, failure(500), step).await;
    claimed.delivery.id
}

fn exhaust() -> Step {
    Step::Exhaust { why: why("the receiver answered 500") }
}

pub async fn a_replay_is_a_new_delivery_of_the_same_event_and_body(store: &dyn Store) {
    let mut world = World::new(store);
    let webhook = world.one_webhook().await;
    let original = ended(&mut world, exhaust()).await;
    let before = world.view(original).await;
    world.pass_ms(HOUR_MS);
    let replay = store.replay(world.now, original, Replay::Frozen).await.unwrap();
    let id = DeliveryId::new(original.event(), webhook.id, 1);
    assert_eq!((replay.delivery.id, &replay.event), (id, &before.event));
    let due_at = world.now.elapsed;
    assert_eq!(replay.delivery.state, State::Pending { due_at, why: None });
    assert_eq!((replay.delivery.attempts_count, replay.delivery.deadline), (0, None));
    assert_eq!((replay.delivery.added_at, replay.shown), (world.now.wall, ShownState::Pending));
    let frozen = store.payload(original).await.unwrap().unwrap();
    let readdressed = readdress(&frozen, id).unwrap();
    assert_eq!(store.payload(id).await.unwrap().as_deref(), Some(readdressed.as_slice()));
    assert_eq!(replay.payload_bytes, Some(readdressed.len()));
    assert_eq!(world.view(original).await, before);
    assert_eq!(world.view(id).await, replay);
    let claimed = world.claim_one().await;
    assert_eq!((claimed.delivery.id, claimed.deadline), (id, None));
    assert_eq!(claimed.payload.as_deref(), Some(readdressed.as_slice()));
    world.freeze(&claimed, &String::from_utf8(readdressed).unwrap()).await;
    assert!(world.view(id).await.deadline.is_some(), "its 72 hours are its own");
}

pub async fn a_fresh_replay_has_no_body_yet(store: &dyn Store) {
    let mut world = World::new(store);
    world.one_webhook().await;
    let original = ended(&mut world, Step::Finish).await;
    let replay = store.replay(world.now, original, Replay::Fresh).await.unwrap();
    assert_eq!(replay.payload_bytes, None);
    assert_eq!(store.payload(replay.delivery.id).await.unwrap(), None);
    assert_eq!(world.claim_one().await.payload, None);
}

pub async fn a_replay_of_what_never_had_a_body_has_none(store: &dyn Store) {
    let mut world = World::new(store);
    world.one_webhook().await;
    world.fire().await;
    let claimed = world.claim_one().await;
    world.record(&claimed, Step::Suppress { why: why("nothing to send") }).await;
    let replay = store.replay(world.now, claimed.delivery.id, Replay::Frozen).await.unwrap();
    assert_eq!(replay.payload_bytes, None);
}

pub async fn a_second_click_gives_the_replay_that_waits(store: &dyn Store) {
    let mut world = World::new(store);
    world.one_webhook().await;
    let original = ended(&mut world, exhaust()).await;
    let first = store.replay(world.now, original, Replay::Frozen).await.unwrap().delivery.id;
    for id in [original, first] {
        let again = store.replay(world.now, id, Replay::Fresh).await.unwrap();
        assert_eq!(again.delivery.id, first);
    }
    let claimed = world.claim_one().await;
    let again = store.replay(world.now, original, Replay::Frozen).await.unwrap();
    assert_eq!((again.delivery.id, again.shown), (first, ShownState::Leased));
    world.record_attempt(&claimed, Outcome::Accepted, Step::Finish).await;
    for (of, ordinal) in [(original, 2), (first, 2)] {
        let next = store.replay(world.now, of, Replay::Frozen).await.unwrap().delivery.id;
        assert_eq!(next.replay(), ordinal);
    }
}

pub async fn what_is_gone_is_not_replayed(store: &dyn Store) {
    let mut world = World::new(store);
    let webhook = world.one_webhook().await;
    let original = ended(&mut world, exhaust()).await;
    let unknown = DeliveryId::new(original.event(), webhook.id, 7);
    let refused = store.replay(world.now, unknown, Replay::Frozen).await;
    assert!(matches!(refused, Err(WriteError::NotFound { .. })), "{refused:?}");
    store.delete_webhook(world.now, webhook.id).await.unwrap();
    let refused = store.replay(world.now, original, Replay::Frozen).await;
    assert!(matches!(refused, Err(WriteError::NotFound { .. })), "{refused:?}");
    let filter = DeliveryFilter::default();
    assert_eq!(store.replay_all(world.now, filter, Replay::Frozen).await.unwrap(), 0);
}

pub async fn all_that_match_are_replayed_once(store: &dyn Store) {
    let mut world = World::new(store);
    let application = world.add_application("acme").await;
    let webhook = world.add_webhook(&application, |_| ()).await;
    let mut exhausted = Vec::new();
    for _ in 0..3 {
        exhausted.push(ended(&mut world, exhaust()).await);
    }
    let delivered = ended(&mut world, Step::Finish).await;
    store.replay(world.now, exhausted[0], Replay::Frozen).await.unwrap();
    let filter = DeliveryFilter {
        webhook: Some(webhook.id),
        states: vec![ShownState::Exhausted],
        ..DeliveryFilter::default()
    };
    let made = store.replay_all(world.now, filter.clone(), Replay::Frozen).await.unwrap();
    assert_eq!(made, 2, "one has its replay already");
    assert_eq!(store.replay_all(world.now, filter, Replay::Frozen).await.unwrap(), 0);
    for id in exhausted {
        let all = store.deliveries_of(world.now, id.event()).await.unwrap();
        assert_eq!(all.len(), 2);
        let payload = store.payload(all[1].delivery.id).await.unwrap().unwrap();
        let text = String::from_utf8(payload.to_vec()).unwrap();
        assert!(text.contains(&all[1].delivery.id.to_string()));
    }
    let all = store.deliveries_of(world.now, delivered.event()).await.unwrap();
    assert_eq!(all.len(), 1);
    // The replays are due and wait for nobody's leave.
    assert_eq!(world.claim_ids(9).await.len(), 3);
}

pub async fn a_cancelled_delivery_is_not_given_out(store: &dyn Store) {
    let mut world = World::new(store);
    let webhook = world.one_webhook().await;
    let waiting = world.fire_for(&webhook).await;
    let claimed = world.claim_one().await;
    let kept = world.fire_for(&webhook).await;
    let cancelled = || Reason::new(ReasonCode::CancelledByOwner, "not wanted");
    let view = store.cancel_delivery(world.now, waiting, cancelled()).await.unwrap();
    assert_eq!(view.delivery.state, State::Cancelled { why: cancelled() });
    assert_eq!(view.delivery.finished_at, Some(world.now.wall));
    assert_eq!((view.shown, view), (ShownState::Cancelled, world.view(waiting).await));
    let lost = world.record_of(&claimed, Step::Finish);
    assert!(store.record(world.now, vec![lost]).await.unwrap()[0].is_err());
    let last = world.claim_one().await;
    assert_eq!(last.delivery.id, kept);
    world.record(&last, Step::Finish).await;
    let view = store.cancel_delivery(world.now, kept, cancelled()).await.unwrap();
    assert_eq!(view.delivery.state, State::Delivered, "a final one is returned as it is");
    let unknown = DeliveryId::new(kept.event(), webhook.id, 7);
    let refused = store.cancel_delivery(world.now, unknown, cancelled()).await;
    assert!(matches!(refused, Err(WriteError::NotFound { .. })), "{refused:?}");
}

pub async fn a_replayed_body_that_was_never_sent_needs_no_query(store: &dyn Store) {
    let mut world = World::new(store);
    let application = world.add_application("acme").await;
    let fresh = |webhook: &mut Webhook| webhook.payload = PayloadMode::Fresh;
    let webhook = world.add_webhook(&application, fresh).await;
    let sent = world.fire_for(&webhook).await;
    let claimed = world.claim_one().await;
    world.freeze(&claimed, &body(&claimed)).await;
    world.record_attempt(&claimed, Outcome::Accepted, Step::Finish).await;
    world.fire_for(&webhook).await;
    let waits = world.claim_one().await;
    world.freeze(&waits, &body(&waits)).await;
    world.record_attempt(&waits, failure(500), world.retry(0)).await;
    let waits = world.claim_one().await;
    world.source_down(&waits).await;
    world.pass_ms(1_000);
    let replay = store.replay(world.now, sent, Replay::Frozen).await.unwrap();
    assert!(replay.payload_bytes.is_some());
    let claimed = world.claim_one().await;
    assert_eq!(claimed.delivery.id, replay.delivery.id);
    // Once it was sent, its query runs again for the next attempt.
    world.record_attempt(&claimed, failure(500), world.retry(0)).await;
    assert_eq!(world.claim_ids(9).await, []);
}
