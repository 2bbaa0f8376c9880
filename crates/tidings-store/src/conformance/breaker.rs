//! An endpoint that fails: one attempt at a time, and what becomes of those that reach their
//! deadline.

use tidings_core::{
    delivery::{ReasonCode, State, Step},
    limits::HORIZON_MS,
    outcome::Outcome,
    time::{HOUR_MS, SECOND_MS},
    webhook::{Status, Webhook},
};

use super::world::{World, failure};
use crate::{store::Store, types::NoticeKind};

pub async fn behind_an_open_breaker_one_goes_when_its_turn_comes(store: &dyn Store) {
    let mut world = World::new(store);
    let webhook = world.one_webhook().await;
    world.open_breaker(&webhook).await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(world.fire_for(&webhook).await);
    }
    let batch = world.claim_batch(9).await;
    assert!(batch.claimed.is_empty() && batch.next_at > Some(world.now.elapsed));
    world.pass_ms(5 * SECOND_MS - 1);
    assert_eq!(world.claim_ids(9).await, []);
    world.pass_ms(1);
    let claimed = world.claim_one().await;
    assert_eq!(claimed.delivery.id, ids[0]);
    // The turn is taken until it is known what became of the one that took it.
    assert_eq!(world.claim_ids(9).await, []);
    world.record_attempt(&claimed, failure(500), world.retry(HOUR_MS)).await;
    world.pass_ms(10 * SECOND_MS - 1);
    assert_eq!(world.claim_ids(9).await, []);
    world.pass_ms(1);
    assert_eq!(world.claim_ids(9).await, [ids[1]]);
}

pub async fn what_a_breaker_holds_back_shows_until_when_and_its_deadline(store: &dyn Store) {
    let mut world = World::new(store);
    let webhook = world.one_webhook().await;
    world.open_breaker(&webhook).await;
    let id = world.fire_for(&webhook).await;
    let (until, deadline) = (world.in_ms(5 * SECOND_MS), world.in_ms(HORIZON_MS));
    let view = world.view(id).await;
    assert_eq!((view.held_back_until, view.deadline), (Some(until), Some(deadline)));
    world.pass_ms(5 * SECOND_MS);
    let claimed = world.claim_one().await;
    assert_eq!(world.view(id).await.held_back_until, None);
    world.record_attempt(&claimed, Outcome::Accepted, Step::Finish).await;
    assert_eq!(world.view(id).await.held_back_until, None);
}

pub async fn a_turn_without_an_attempt_is_given_back(store: &dyn Store) {
    let mut world = World::new(store);
    let webhook = world.one_webhook().await;
    world.open_breaker(&webhook).await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(world.fire_for(&webhook).await);
    }
    world.pass_ms(5 * SECOND_MS);
    let first = world.claim_one().await;
    world.pass_ms(SECOND_MS);
    assert_eq!(world.claim_ids(9).await, []);
    world.record(&first, world.wait(HOUR_MS)).await;
    let second = world.claim_one().await;
    assert_eq!([first.delivery.id, second.delivery.id], [ids[0], ids[1]]);
    world.record_attempt(&second, failure(500), world.retry(HOUR_MS)).await;
    // What an attempt showed is not undone by who had no turn.
    world.pass_ms(HOUR_MS);
    let third = world.claim_one().await;
    world.record_attempt(&third, failure(500), world.retry(2 * HOUR_MS)).await;
    assert_eq!(world.claim_ids(9).await, []);
}

pub async fn the_turn_is_not_given_while_an_attempt_is_on_its_way(store: &dyn Store) {
    let mut world = World::new(store);
    let webhook = world.one_webhook().await;
    world.open_breaker(&webhook).await;
    world.fire_for(&webhook).await;
    world.pass_ms(60 * SECOND_MS);
    let mut room = world.room(9);
    room.in_flight.insert(webhook.endpoint, 1);
    let batch = store.claim_due(world.now, crate::types::Claim { room }).await.unwrap();
    assert_eq!(batch.claimed.len(), 0);
    assert_eq!(world.claim_ids(9).await.len(), 1);
}

pub async fn the_delivery_that_is_due_first_takes_the_turn_of_a_shared_endpoint(store: &dyn Store) {
    let mut world = World::new(store);
    let application = world.add_application("acme").await;
    let url = |webhook: &mut Webhook| webhook.url = "https://example.com/same".to_owned();
    let first = world.add_webhook(&application, url).await;
    let second = world.add_webhook(&application, url).await;
    // The second webhook was served last: by the round the turn would be the first one's.
    world.open_breaker(&second).await;
    let of_second = world.fire_for(&second).await;
    world.pass_ms(SECOND_MS);
    let of_first = world.fire_for(&first).await;
    world.pass_ms(5 * SECOND_MS);
    assert_eq!(world.claim_ids(9).await, [of_second]);
    world.pass_ms(10 * SECOND_MS);
    assert_eq!(world.claim_ids(9).await, [of_first]);
}

pub async fn a_paused_webhook_does_not_keep_the_turn_from_others(store: &dyn Store) {
    let mut world = World::new(store);
    let application = world.add_application("acme").await;
    let url = |webhook: &mut Webhook| webhook.url = "https://example.com/same".to_owned();
    let first = world.add_webhook(&application, url).await;
    let second = world.add_webhook(&application, url).await;
    world.open_breaker(&first).await;
    world.fire_for(&first).await;
    world.pass_ms(SECOND_MS);
    let of_second = world.fire_for(&second).await;
    world.set_status(first.id, Status::Paused).await;
    world.pass_ms(5 * SECOND_MS);
    assert_eq!(world.claim_ids(9).await, [of_second]);
}

pub async fn after_a_success_the_rest_drain_at_a_growing_pace(store: &dyn Store) {
    let mut world = World::new(store);
    let webhook = world.one_webhook().await;
    world.open_breaker(&webhook).await;
    for _ in 0..20 {
        world.fire_for(&webhook).await;
    }
    world.pass_ms(5 * SECOND_MS);
    let mut given = Vec::new();
    for _ in 0..4 {
        let claimed = world.claim(50).await;
        given.push(claimed.len());
        let step = Step::Finish;
        world.record_attempt(&claimed[0], Outcome::Accepted, step).await;
        for other in &claimed[1..] {
            world.record(other, Step::Finish).await;
        }
    }
    assert_eq!(given, [1, 2, 4, 8]);
}

pub async fn a_dead_endpoint_slows_nobody_else(store: &dyn Store) {
    let mut world = World::new(store);
    let dead = world.one_webhook().await;
    let application = world.add_application("other").await;
    let alive = world.add_webhook(&application, |_| ()).await;
    world.open_breaker(&dead).await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        world.fire_for(&dead).await;
        ids.push(world.fire_for(&alive).await);
    }
    assert_eq!(world.claim_ids(3).await, ids);
}

pub async fn what_a_breaker_holds_back_says_since_when(store: &dyn Store) {
    let mut world = World::new(store);
    let webhook = world.one_webhook().await;
    let before = world.fire_for(&webhook).await;
    let claimed = world.claim_one().await;
    world.record(&claimed, world.wait(SECOND_MS)).await;
    let opened_at = world.now.elapsed;
    world.open_breaker(&webhook).await;
    world.pass_ms(2 * SECOND_MS);
    let born_at = world.now.elapsed;
    let after = world.fire_for(&webhook).await;
    world.pass_ms(5 * SECOND_MS);
    let first = world.claim_one().await;
    let due_at = opened_at.plus_ms(SECOND_MS);
    assert_eq!((first.delivery.id, first.held_since), (before, Some(due_at)));
    world.record_attempt(&first, Outcome::Accepted, Step::Finish).await;
    let second = world.claim_one().await;
    assert_eq!((second.delivery.id, second.held_since), (after, Some(born_at)));
    // Once its body is frozen its deadline says it.
    let deadline = born_at.plus_ms(HORIZON_MS);
    let freeze = world.freeze_of(&second, "{}", deadline);
    store.freeze_payloads(world.now, vec![freeze]).await.unwrap();
    world.record_attempt(&second, failure(500), world.retry(0)).await;
    let again = world.claim_one().await;
    assert_eq!((again.held_since, again.deadline), (None, Some(deadline)));
}

pub async fn at_its_deadline_one_goes_by_the_breaker_and_the_others_are_exhausted(
    store: &dyn Store,
) {
    let mut world = World::new(store);
    let webhook = world.one_webhook().await;
    // One was tried, and is due again in an hour; two never were. The 72 hours of all of them begin
    // now.
    let tried = world.fire_for(&webhook).await;
    let claimed = world.claim_one().await;
    world.freeze(&claimed, "{}").await;
    world.record_attempt(&claimed, failure(500), world.retry(HOUR_MS)).await;
    world.open_breaker(&webhook).await;
    let untried = [world.fire_for(&webhook).await, world.fire_for(&webhook).await];
    world.pass_ms(HORIZON_MS - 1);
    let late = world.fire_for(&webhook).await;
    assert_eq!(world.claim_beside_one(&webhook).await.len(), 0);
    assert_eq!(world.ended(tried).await, None);
    world.pass_ms(1);
    let gone = world.claim_beside_one(&webhook).await;
    assert_eq!((gone.len(), gone[0].delivery.id), (1, untried[0]), "the longest due goes at once");
    world.claim_beside_one(&webhook).await;
    for id in [tried, untried[1]] {
        assert_eq!(world.ended(id).await, Some(ReasonCode::EndpointDown));
        assert_eq!(world.view(id).await.delivery.finished_at, Some(world.now.wall));
    }
    assert_eq!(world.ended(late).await, None, "its 72 hours have just begun");
    let notices = world.notices(Some(webhook.application)).await;
    assert_eq!((notices.len(), notices[0].count), (1, 2));
    assert_eq!((notices[0].kind, notices[0].webhook), (NoticeKind::DeliveryExhausted, webhook.id));
    world.record_attempt(&gone[0], Outcome::Accepted, Step::Finish).await;
    assert_eq!(world.view(untried[0]).await.delivery.state, State::Delivered);
}

pub async fn one_a_second_goes_by_an_open_breaker_at_its_deadline(store: &dyn Store) {
    let mut world = World::new(store);
    let webhook = world.one_webhook().await;
    world.open_breaker(&webhook).await;
    let mut ids = Vec::new();
    for pass_ms in [0, 400, 600] {
        world.pass_ms(pass_ms);
        ids.push(world.fire_for(&webhook).await);
    }
    world.pass_ms(HORIZON_MS - 1_000);
    let mut went = Vec::new();
    for pass_ms in [0, 400, 600] {
        world.pass_ms(pass_ms);
        let claimed = world.claim_beside_one(&webhook).await;
        went.extend(claimed.iter().map(|claimed| claimed.delivery.id));
    }
    assert_eq!(went, [ids[0], ids[2]]);
    assert_eq!(world.ended(ids[1]).await, Some(ReasonCode::EndpointDown));
}

pub async fn a_pause_does_not_use_up_the_72_hours_of_what_a_breaker_holds_back(store: &dyn Store) {
    let mut world = World::new(store);
    let webhook = world.one_webhook().await;
    let tried = world.fire_for(&webhook).await;
    let claimed = world.claim_one().await;
    world.freeze(&claimed, "{}").await;
    world.record_attempt(&claimed, failure(500), world.retry(HOUR_MS)).await;
    world.open_breaker(&webhook).await;
    let untried = world.fire_for(&webhook).await;
    world.pass_ms(HOUR_MS);
    world.set_status(webhook.id, Status::Paused).await;
    world.pass_ms(2 * HORIZON_MS);
    assert_eq!(world.claim_beside_one(&webhook).await.len(), 0);
    world.set_status(webhook.id, Status::Active).await;
    assert_eq!(world.claim_beside_one(&webhook).await.len(), 0);
    assert_eq!([world.ended(tried).await, world.ended(untried).await], [None, None]);
    world.pass_ms(HORIZON_MS);
    assert_eq!(world.claim_beside_one(&webhook).await.len(), 1);
    world.claim_beside_one(&webhook).await;
    let down = Some(ReasonCode::EndpointDown);
    assert_eq!([world.ended(tried).await, world.ended(untried).await], [down, None]);
}

pub async fn what_waits_for_its_source_is_not_exhausted_behind_a_breaker(store: &dyn Store) {
    let mut world = World::new(store);
    let application = world.add_application("acme").await;
    let webhook = world.add_webhook(&application, |_| ()).await;
    let other = world.add_webhook(&application, |_| ()).await;
    world.open_breaker(&webhook).await;
    let ids = [world.fire_for(&webhook).await, world.fire_for(&webhook).await];
    world.pass_ms(HORIZON_MS - 10 * SECOND_MS);
    world.fire_for(&other).await;
    let of_other = world.claim_beside_one(&webhook).await;
    assert_eq!((of_other.len(), of_other[0].webhook.id), (1, other.id));
    world.source_down(&of_other[0]).await;
    world.pass_ms(10 * SECOND_MS);
    let of_other = world.claim_beside_one(&webhook).await;
    assert_eq!((of_other.len(), of_other[0].webhook.id), (1, other.id));
    assert_eq!([world.ended(ids[0]).await, world.ended(ids[1]).await], [None, None]);
    let mut record = world.record_of(&of_other[0], Step::Finish);
    record.source = Some(world.seen(true));
    store.record(world.now, vec![record]).await.unwrap();
    assert_eq!(world.claim_beside_one(&webhook).await.len(), 1);
    world.claim_beside_one(&webhook).await;
    assert_eq!(world.ended(ids[1]).await, Some(ReasonCode::EndpointDown));
}

pub async fn past_its_deadline_a_delivery_of_a_working_endpoint_gets_its_attempt(
    store: &dyn Store,
) {
    let mut world = World::new(store);
    world.one_webhook().await;
    world.fire().await;
    let claimed = world.claim_one().await;
    world.freeze(&claimed, "{}").await;
    world.record_attempt(&claimed, failure(500), world.retry(HOUR_MS)).await;
    world.pass_ms(2 * HORIZON_MS);
    let late = world.claim_one().await;
    assert!(late.deadline.unwrap() < world.now.elapsed);
}
