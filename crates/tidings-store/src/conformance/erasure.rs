//! What may not be told any more.

use tidings_core::{
    delivery::{ReasonCode, State, Step},
    ids::{ApplicationId, DeliveryId, EntityId},
    outcome::Outcome,
    webhook::Webhook,
};

use super::world::{World, body, failure};
use crate::{
    error::WriteError,
    store::Store,
    types::{Append, Claimed, DeliveryFilter, Erasure, LeaseLost, Replay},
};

fn ids(texts: &[&str]) -> Vec<EntityId> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

async fn erase(world: &World<'_>, application: ApplicationId, entities: &[&str]) {
    let erasures = vec![Erasure { application, entities: ids(entities) }];
    let append = Append { erasures, ..world.append_of(Vec::new(), None).await };
    world.store.append(world.now, append).await.unwrap();
}

/// An event about `entity`, given to a worker.
async fn claimed_about(world: &mut World<'_>, webhook: &Webhook, entity: &str) -> Claimed {
    let event = tidings_core::event::Event { entity: entity.parse().unwrap(), ..world.new_event() };
    let mut new = world.matched(event, None).await;
    new.matches.retain(|found| found.webhook.id == webhook.id);
    world.try_append(vec![new], None).await.unwrap();
    world.claim_one().await
}

/// Freezes a body that tells of these.
async fn freeze(world: &World<'_>, claimed: &Claimed, subjects: Option<&[&str]>) {
    let body = String::from_utf8(body(claimed)).unwrap();
    let mut freeze = world.freeze_of(claimed, &body, world.in_ms(1_000_000));
    freeze.subjects = subjects.map(ids);
    assert_eq!(world.store.freeze_payloads(world.now, vec![freeze]).await.unwrap(), [Ok(())]);
}

async fn check_erased(world: &World<'_>, id: DeliveryId, ended: Option<ReasonCode>) {
    let view = world.view(id).await;
    assert!(view.delivery.erased, "{view:?}");
    assert_eq!((world.ended(id).await, view.payload_bytes), (ended, None), "{view:?}");
    assert_eq!(world.store.payload(id).await.unwrap(), None);
    for attempt in world.store.attempts(id).await.unwrap() {
        let answer = (attempt.response_headers, attempt.response_body);
        assert_eq!(answer, (Vec::new(), bytes::Bytes::new()), "it may say the body again");
        assert!(attempt.status.is_some(), "what became of it stays");
    }
    for mode in [Replay::Frozen, Replay::Fresh] {
        let refused = world.store.replay(world.now, id, mode).await;
        assert!(matches!(refused, Err(WriteError::Erased { .. })), "{refused:?}");
    }
}

pub async fn what_tells_of_someone_who_was_erased_is_ended_and_its_body_removed(store: &dyn Store) {
    let mut world = World::new(store);
    let webhook = world.one_webhook().await;
    let about = claimed_about(&mut world, &webhook, "u").await;
    let waiting = claimed_about(&mut world, &webhook, "a").await;
    freeze(&world, &waiting, Some(&["u", "v"])).await;
    world.record_attempt(&waiting, failure(500), world.retry(5_000)).await;
    let leased = claimed_about(&mut world, &webhook, "b").await;
    freeze(&world, &leased, Some(&["u"])).await;
    let delivered = claimed_about(&mut world, &webhook, "c").await;
    freeze(&world, &delivered, Some(&["u"])).await;
    world.record_attempt(&delivered, Outcome::Accepted, Step::Finish).await;
    let untouched = claimed_about(&mut world, &webhook, "d").await;
    freeze(&world, &untouched, Some(&["v"])).await;
    erase(&world, webhook.application, &["u", "nobody"]).await;
    let withdrawn = Some(ReasonCode::ConsentWithdrawn);
    for claimed in [&about, &waiting, &leased] {
        check_erased(&world, claimed.delivery.id, withdrawn).await;
    }
    check_erased(&world, delivered.delivery.id, None).await;
    assert_eq!(store.attempts(delivered.delivery.id).await.unwrap().len(), 1);
    assert_eq!(world.view(delivered.delivery.id).await.delivery.state, State::Delivered);
    let lost = LeaseLost { delivery: leased.delivery.id };
    let record = world.record_of(&leased, Step::Finish);
    assert_eq!(store.record(world.now, vec![record]).await.unwrap(), [Err(lost)]);
    let heard = store.attempts(waiting.delivery.id).await.unwrap();
    assert_eq!(heard.len(), 1);
    let view = world.view(untouched.delivery.id).await;
    assert!(!view.delivery.erased && view.payload_bytes.is_some(), "{view:?}");
    world.record(&untouched, Step::Finish).await;
    assert_eq!(
        store.replay_all(world.now, DeliveryFilter::default(), Replay::Frozen).await.unwrap(),
        1
    );
    assert_eq!(world.claim_one().await.delivery.id.event(), untouched.delivery.id.event());
}

pub async fn the_event_of_an_erasure_is_told(store: &dyn Store) {
    let mut world = World::new(store);
    let webhook = world.one_webhook().await;
    let event = tidings_core::event::Event { entity: "u".parse().unwrap(), ..world.new_event() };
    let new = world.matched(event, None).await;
    let erasures = vec![Erasure { application: webhook.application, entities: ids(&["u"]) }];
    let append = Append { erasures, ..world.append_of(vec![new], None).await };
    store.append(world.now, append).await.unwrap();
    let claimed = world.claim_one().await;
    freeze(&world, &claimed, Some(&["u"])).await;
    world.record_attempt(&claimed, Outcome::Accepted, Step::Finish).await;
    assert!(!world.view(claimed.delivery.id).await.delivery.erased);
}

pub async fn a_query_that_ran_before_an_erasure_brings_nothing_back(store: &dyn Store) {
    let mut world = World::new(store);
    let webhook = world.one_webhook().await;
    let early = claimed_about(&mut world, &webhook, "x").await;
    erase(&world, webhook.application, &["u"]).await;
    let mut late = world.freeze_of(&early, "{}", world.in_ms(1_000_000));
    late.subjects = Some(ids(&["v", "u"]));
    let lost = LeaseLost { delivery: early.delivery.id };
    assert_eq!(store.freeze_payloads(world.now, vec![late]).await.unwrap(), [Err(lost)]);
    assert_eq!(store.payload(early.delivery.id).await.unwrap(), None);
    // What is asked under a later lease is asked after the erasure.
    world.record(&early, world.wait(0)).await;
    let again = world.claim_one().await;
    freeze(&world, &again, Some(&["u"])).await;
}

pub async fn an_erasure_is_one_applications(store: &dyn Store) {
    let mut world = World::new(store);
    let own = world.one_webhook().await;
    let other = world.add_application("other").await;
    let theirs = world.add_webhook(&other, |_| ()).await;
    let mut kept = Vec::new();
    for webhook in [&own, &theirs] {
        for entity in ["u", "x"] {
            let claimed = claimed_about(&mut world, webhook, entity).await;
            freeze(&world, &claimed, Some(&["u"])).await;
            kept.push(claimed.delivery.id);
        }
    }
    erase(&world, own.application, &["u"]).await;
    let mut erased = Vec::new();
    for id in kept {
        erased.push(world.view(id).await.delivery.erased);
    }
    assert_eq!(erased, [true, true, false, false]);
}

pub async fn a_replayed_body_tells_of_whom_it_told_and_a_replaced_one_of_others(store: &dyn Store) {
    let mut world = World::new(store);
    let webhook = world.one_webhook().await;
    let original = claimed_about(&mut world, &webhook, "a").await;
    freeze(&world, &original, Some(&["u"])).await;
    world.record_attempt(&original, Outcome::Accepted, Step::Finish).await;
    store.replay(world.now, original.delivery.id, Replay::Frozen).await.unwrap();
    let replay = world.claim_one().await;
    // Its own 72 hours begin with a freeze of the body that it has.
    freeze(&world, &replay, None).await;
    let replaced = claimed_about(&mut world, &webhook, "b").await;
    freeze(&world, &replaced, Some(&["u"])).await;
    freeze(&world, &replaced, Some(&["v"])).await;
    erase(&world, webhook.application, &["u"]).await;
    assert!(world.view(replay.delivery.id).await.delivery.erased);
    assert!(!world.view(replaced.delivery.id).await.delivery.erased);
    erase(&world, webhook.application, &["v"]).await;
    assert!(world.view(replaced.delivery.id).await.delivery.erased);
}
