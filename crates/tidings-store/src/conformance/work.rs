//! What workers bring back: leases, frozen bodies, records.

use tidings_core::{
    delivery::{LeaseToken, Reason, ReasonCode, State, Step, Waiting},
    limits::{CLAIMS_WITHOUT_RESULT_MAX, HORIZON_MS},
    outcome::Outcome,
    time::{HOUR_MS, SECOND_MS},
    webhook::{PayloadMode, Status},
};

use super::world::{LEASE_MS, World, failure, why};
use crate::{
    store::Store,
    types::{Claimed, Extend, LeaseLost, NoticeKind, ShownState},
};

/// A claim whose lease another worker has taken over, and that worker's.
async fn lost_and_taken(world: &mut World<'_>) -> (Claimed, Claimed) {
    let webhook = world.one_webhook().await;
    world.fire_for(&webhook).await;
    let lost = world.claim_one().await;
    world.pass_ms(LEASE_MS);
    let taken = world.claim_one().await;
    assert_eq!(lost.delivery.id, taken.delivery.id);
    (lost, taken)
}

pub async fn a_lease_that_is_extended_is_not_given_to_another(store: &dyn Store) {
    let mut world = World::new(store);
    world.one_webhook().await;
    world.fire().await;
    let claimed = world.claim_one().await;
    world.pass_ms(LEASE_MS - 1);
    let (token, delivery) = (claimed.token, claimed.delivery.id);
    let extend = Extend { token, delivery, expires_at: world.in_ms(LEASE_MS) };
    assert_eq!(store.extend_leases(world.now, vec![extend]).await.unwrap(), [Ok(())]);
    world.pass_ms(LEASE_MS - 1);
    assert_eq!(world.claim_ids(9).await, []);
    world.pass_ms(1);
    assert_eq!(world.claim_ids(9).await, [delivery]);
}

pub async fn a_worker_without_the_lease_changes_nothing_and_sinks_nobody_else(store: &dyn Store) {
    let mut world = World::new(store);
    let (lost, taken) = lost_and_taken(&mut world).await;
    world.fire().await;
    let other = world.claim_one().await;
    let id = lost.delivery.id;
    let gone = Err(LeaseLost { delivery: id });
    let before = world.view(id).await;
    let expires_at = world.in_ms(9 * LEASE_MS);
    let extend = |claimed: &Claimed| Extend {
        token: claimed.token,
        delivery: claimed.delivery.id,
        expires_at,
    };
    let batch = vec![extend(&lost), extend(&other)];
    assert_eq!(store.extend_leases(world.now, batch).await.unwrap(), [gone, Ok(())]);
    let deadline = world.in_ms(HORIZON_MS);
    let batch = vec![world.freeze_of(&other, "o", deadline), world.freeze_of(&lost, "l", deadline)];
    assert_eq!(store.freeze_payloads(world.now, batch).await.unwrap(), [Ok(()), gone]);
    let mut stale = world.record_of(&lost, Step::Finish);
    stale.attempt = Some(world.made(&lost, failure(500)));
    stale.source = Some(world.seen(false));
    let batch = vec![stale, world.record_of(&other, Step::Finish)];
    assert_eq!(store.record(world.now, batch).await.unwrap(), [gone, Ok(())]);
    assert_eq!(world.view(id).await, before);
    assert_eq!(store.attempts(id).await.unwrap(), []);
    assert_eq!(store.payload(id).await.unwrap(), None);
    let backlog = store.backlog(world.now, lost.webhook.id).await.unwrap();
    assert_eq!(backlog.health.failures_count, 0);
    assert_eq!(world.view(other.delivery.id).await.delivery.state, State::Delivered);
    world.record(&taken, Step::Finish).await;
    world.fire().await;
    assert_eq!(world.claim_ids(9).await.len(), 1, "the source is not taken for down");
}

pub async fn a_lease_ends_with_its_record(store: &dyn Store) {
    let mut world = World::new(store);
    world.one_webhook().await;
    world.fire().await;
    let claimed = world.claim_one().await;
    let record = || world.record_of(&claimed, Step::Finish);
    let gone = Err(LeaseLost { delivery: claimed.delivery.id });
    let answers = store.record(world.now, vec![record(), record()]).await.unwrap();
    assert_eq!(answers, [Ok(()), gone]);
    let mut unknown = record();
    unknown.token = LeaseToken(claimed.token.0 + 1_000);
    assert_eq!(store.record(world.now, vec![unknown]).await.unwrap(), [gone]);
}

pub async fn an_expired_lease_that_nobody_took_is_still_good(store: &dyn Store) {
    let mut world = World::new(store);
    world.one_webhook().await;
    world.fire().await;
    let claimed = world.claim_one().await;
    world.pass_ms(5 * LEASE_MS);
    world.freeze(&claimed, "{}").await;
    world.record_attempt(&claimed, Outcome::Accepted, Step::Finish).await;
    assert_eq!(world.view(claimed.delivery.id).await.delivery.state, State::Delivered);
}

pub async fn the_first_freeze_sets_the_deadline_and_later_ones_replace_the_body(store: &dyn Store) {
    let mut world = World::new(store);
    let application = world.add_application("acme").await;
    world.add_webhook(&application, |webhook| webhook.payload = PayloadMode::Fresh).await;
    world.fire().await;
    let claimed = world.claim_one().await;
    let id = claimed.delivery.id;
    let deadline = world.in_ms(HORIZON_MS);
    world.freeze(&claimed, "first").await;
    assert_eq!(store.payload(id).await.unwrap().as_deref(), Some(b"first".as_slice()));
    let view = world.view(id).await;
    assert_eq!((view.deadline, view.payload_bytes), (Some(deadline), Some(5)));
    world.record_attempt(&claimed, failure(500), world.retry(SECOND_MS)).await;
    world.pass_ms(SECOND_MS);
    let again = world.claim_one().await;
    assert_eq!(again.deadline, Some(deadline));
    world.freeze(&again, "the second").await;
    assert_eq!(store.payload(id).await.unwrap().as_deref(), Some(b"the second".as_slice()));
    let view = world.view(id).await;
    assert_eq!((view.deadline, view.payload_bytes), (Some(deadline), Some(10)));
}

pub async fn a_freeze_ends_the_wait_for_the_query(store: &dyn Store) {
    let mut world = World::new(store);
    world.one_webhook().await;
    world.fire().await;
    let (code, since) = (ReasonCode::SourceDown, world.now.elapsed);
    for count in 1..=2 {
        let claimed = world.claim_one().await;
        world.record(&claimed, world.wait(SECOND_MS)).await;
        let delivery = world.view(claimed.delivery.id).await.delivery;
        assert_eq!(delivery.waiting, Some(Waiting { code, since, count }));
        assert_eq!(delivery.attempts_count, 0);
        world.pass_ms(SECOND_MS);
    }
    let claimed = world.claim_one().await;
    assert_eq!(claimed.delivery.waiting, Some(Waiting { code, since, count: 2 }));
    world.freeze(&claimed, "{}").await;
    assert_eq!(world.view(claimed.delivery.id).await.delivery.waiting, None);
}

pub async fn a_pause_moves_the_deadline_by_the_time_that_it_lasts(store: &dyn Store) {
    let mut world = World::new(store);
    let webhook = world.one_webhook().await;
    world.fire().await;
    let claimed = world.claim_one().await;
    world.freeze(&claimed, "{}").await;
    let deadline = world.in_ms(HORIZON_MS);
    world.record_attempt(&claimed, failure(500), world.retry(HOUR_MS)).await;
    let why = || "it is broken".to_owned();
    for status in [
        Status::Paused,
        Status::Held { why: why(), code: ReasonCode::QueryBroken },
        Status::Disabled { why: why() },
    ] {
        world.pass_ms(HOUR_MS);
        world.set_status(webhook.id, status).await;
        world.pass_ms(100 * HOUR_MS);
        let shown = world.view(claimed.delivery.id).await.deadline;
        assert!(shown > Some(deadline), "it is shown as if the pause ended now");
        world.set_status(webhook.id, Status::Active).await;
    }
    let moved = deadline.plus_ms(300 * HOUR_MS);
    assert_eq!(world.view(claimed.delivery.id).await.deadline, Some(moved));
    assert_eq!(world.claim_one().await.deadline, Some(moved));
}

pub async fn a_deadline_that_is_set_during_a_pause_counts_from_its_end(store: &dyn Store) {
    let mut world = World::new(store);
    let webhook = world.one_webhook().await;
    world.fire().await;
    let claimed = world.claim_one().await;
    world.set_status(webhook.id, Status::Paused).await;
    world.pass_ms(SECOND_MS);
    world.freeze(&claimed, "{}").await;
    world.record_attempt(&claimed, failure(500), world.retry(SECOND_MS)).await;
    world.pass_ms(HOUR_MS);
    world.set_status(webhook.id, Status::Active).await;
    assert_eq!(world.claim_one().await.deadline, Some(world.in_ms(HORIZON_MS)));
}

pub async fn an_attempt_is_kept_as_it_was(store: &dyn Store) {
    let mut world = World::new(store);
    world.one_webhook().await;
    world.fire().await;
    let mut expected = Vec::new();
    for outcome in [failure(500), Outcome::Gone, Outcome::Accepted] {
        let claimed = world.claim_one().await;
        let made = world.made(&claimed, outcome.clone());
        expected.push(made.attempt);
        world.record_attempt(&claimed, outcome, world.retry(SECOND_MS)).await;
        assert_eq!(store.attempts(claimed.delivery.id).await.unwrap(), expected);
        let count = world.view(claimed.delivery.id).await.delivery.attempts_count;
        assert_eq!(usize::try_from(count).unwrap(), expected.len());
        world.pass_ms(SECOND_MS);
    }
}

/// What each step makes of a delivery.
pub async fn a_record_moves_its_delivery(store: &dyn Store) {
    let mut world = World::new(store);
    world.one_webhook().await;
    let due_at = world.in_ms(SECOND_MS);
    let now = world.now.elapsed;
    let why = || why("so it is");
    let steps = [
        (Step::Finish, State::Delivered, ShownState::Delivered),
        (
            Step::RetryAt { due_at, why: why() },
            State::Pending { due_at, why: Some(why()) },
            ShownState::Pending,
        ),
        (Step::Exhaust { why: why() }, State::Exhausted { why: why() }, ShownState::Exhausted),
        (
            Step::WaitForQuery { due_at, why: why() },
            State::Pending { due_at, why: Some(why()) },
            ShownState::Pending,
        ),
        (Step::Suppress { why: why() }, State::Suppressed { why: why() }, ShownState::Suppressed),
        (Step::Release, State::Pending { due_at: now, why: None }, ShownState::Pending),
        (
            Step::HoldWebhook { why: why() },
            State::Pending { due_at: now, why: Some(why()) },
            ShownState::Held,
        ),
    ];
    for (step, state, shown) in steps {
        world.fire().await;
        let claimed = world.claim(1).await.remove(0);
        world.record(&claimed, step.clone()).await;
        let view = world.view(claimed.delivery.id).await;
        assert_eq!((&view.delivery.state, view.shown), (&state, shown), "{step:?}");
        let finished_at = state.is_final().then_some(world.now.wall);
        assert_eq!(view.delivery.finished_at, finished_at, "{step:?}");
        let cancelled = Reason::new(ReasonCode::CancelledByOwner, "");
        store.cancel_delivery(world.now, claimed.delivery.id, cancelled).await.unwrap();
        let kept = world.view(claimed.delivery.id).await.delivery.state;
        assert_eq!(kept == state, state.is_final(), "a final state never changes");
    }
}

pub async fn a_410_disables_the_webhook_and_tells_its_owner(store: &dyn Store) {
    check_stop(store, |why| Step::DisableWebhook { why }, NoticeKind::WebhookDisabled).await;
}

pub async fn a_query_that_cannot_run_holds_the_webhook_and_tells_its_owner(store: &dyn Store) {
    check_stop(store, |why| Step::HoldWebhook { why }, NoticeKind::WebhookHeld).await;
}

async fn check_stop(store: &dyn Store, step: fn(Reason) -> Step, kind: NoticeKind) {
    let mut world = World::new(store);
    let webhook = world.one_webhook().await;
    let ids = [world.fire_for(&webhook).await, world.fire_for(&webhook).await];
    let claimed = world.claim(9).await;
    let catalog = store.catalog().await.unwrap();
    world.pass_ms(SECOND_MS);
    let stop = || step(why("the field `a` is gone"));
    world.record_attempt(&claimed[0], Outcome::Gone, stop()).await;
    let stopped = world.webhook(webhook.id).await;
    assert_eq!(stopped.status.reason(), Some("the field `a` is gone"));
    assert_eq!(stopped.clock.stopped_at, Some(world.now.elapsed));
    assert_eq!((stopped.version, stopped.updated_at), (webhook.version + 1, world.now.wall));
    let present = store.catalog().await.unwrap();
    assert_ne!(present.version(), catalog.version());
    assert_eq!(present.webhook(webhook.id).unwrap().status, stopped.status);
    // The second one finds it stopped already.
    world.record_attempt(&claimed[1], Outcome::Gone, stop()).await;
    assert_eq!(*world.webhook(webhook.id).await, *stopped);
    let notices = world.notices(Some(webhook.application)).await;
    assert_eq!((notices.len(), notices[0].kind, notices[0].count), (1, kind, 1));
    assert_eq!((notices[0].webhook, notices[0].application), (webhook.id, webhook.application));
    assert!(notices[0].text.contains("the field `a` is gone"), "{}", notices[0].text);
    for id in ids {
        assert_eq!(world.view(id).await.shown, ShownState::Held);
    }
    // Its deliveries flow again when it is resumed.
    assert_eq!(world.claim_ids(9).await, []);
    world.set_status(webhook.id, Status::Active).await;
    assert_eq!(world.claim_ids(9).await, ids);
}

pub async fn a_webhook_that_its_owner_paused_stays_paused(store: &dyn Store) {
    let mut world = World::new(store);
    let webhook = world.one_webhook().await;
    let id = world.fire_for(&webhook).await;
    let claimed = world.claim_one().await;
    let paused = world.set_status(webhook.id, Status::Paused).await;
    world.record(&claimed, Step::HoldWebhook { why: why("the field `a` is gone") }).await;
    assert_eq!(*world.webhook(webhook.id).await, paused);
    assert_eq!(world.notices(None).await, []);
    assert_eq!(world.view(id).await.shown, ShownState::Held);
}

pub async fn equal_notices_within_an_hour_are_one_with_a_count(store: &dyn Store) {
    let mut world = World::new(store);
    let webhook = world.one_webhook().await;
    let first_at = world.now.wall;
    for (detail, pass_ms) in
        [("a", 0), ("b", 0), ("a", HOUR_MS / 2), ("a", HOUR_MS / 2 - 1), ("a", 1), ("a", 9)]
    {
        world.pass_ms(pass_ms);
        world.fire().await;
        let claimed = world.claim_one().await;
        world.record(&claimed, Step::Exhaust { why: why(detail) }).await;
    }
    let notices = world.notices(Some(webhook.application)).await;
    let counts: Vec<u64> = notices.iter().map(|notice| notice.count).collect();
    assert_eq!(counts, [2, 1, 3], "newest first");
    assert_eq!(notices[2].first_at, first_at);
    assert_eq!(notices[2].last_at.0 - first_at.0, i64::try_from(HOUR_MS).unwrap() - 1);
    assert!(notices[0].id > notices[1].id && notices[1].id > notices[2].id);
    assert_eq!(notices[0].text, notices[2].text);
    assert_ne!(notices[0].text, notices[1].text);
}

pub async fn what_attempts_showed_is_kept_with_their_endpoint(store: &dyn Store) {
    let mut world = World::new(store);
    let webhook = world.one_webhook().await;
    let fresh = store.backlog(world.now, webhook.id).await.unwrap().health;
    assert_eq!((fresh.failures_count, fresh.last_success_at), (0, None));
    for (outcome, failures_count) in
        [(failure(500), 1), (Outcome::Gone, 2), (Outcome::Accepted, 0), (failure(503), 1)]
    {
        world.fire().await;
        let claimed = world.claim_one().await;
        world.record_attempt(&claimed, outcome, Step::Finish).await;
        let health = store.backlog(world.now, webhook.id).await.unwrap().health;
        assert_eq!(health.failures_count, failures_count);
    }
    let health = store.backlog(world.now, webhook.id).await.unwrap().health;
    assert_eq!((health.last_success_at, health.limit), (Some(world.now.wall), 32));
}

pub async fn an_attempt_tells_of_the_endpoint_that_it_went_to(store: &dyn Store) {
    let mut world = World::new(store);
    let webhook = world.one_webhook().await;
    world.fire_for(&webhook).await;
    let claimed = world.claim_one().await;
    let mut moved = webhook.clone();
    moved.url = "https://example.com/moved".to_owned();
    let moved = store.update_webhook(world.now, moved).await.unwrap();
    assert_ne!(moved.endpoint, webhook.endpoint);
    world.record_attempt(&claimed, failure(500), world.retry(SECOND_MS)).await;
    let health = store.backlog(world.now, webhook.id).await.unwrap().health;
    assert_eq!(health.failures_count, 0);
    let mut back = moved;
    back.url = webhook.url.clone();
    let back = store.update_webhook(world.now, back).await.unwrap();
    assert_eq!(back.endpoint, webhook.endpoint);
    let health = store.backlog(world.now, webhook.id).await.unwrap().health;
    assert_eq!(health.failures_count, 1);
}

pub async fn a_delivery_that_is_begun_again_and_again_is_set_aside(store: &dyn Store) {
    let mut world = World::new(store);
    let webhook = world.one_webhook().await;
    let id = world.fire_for(&webhook).await;
    for _ in 0..CLAIMS_WITHOUT_RESULT_MAX {
        assert_eq!(world.claim_ids(9).await, [id]);
        world.pass_ms(LEASE_MS);
    }
    let other = world.fire_for(&webhook).await;
    assert_eq!(world.claim_ids(9).await, [other]);
    assert_eq!(world.ended(id).await, Some(ReasonCode::Quarantined));
    let notices = world.notices(None).await;
    assert_eq!((notices.len(), notices[0].kind), (1, NoticeKind::DeliveryExhausted));
}

pub async fn a_record_ends_the_count_of_claims_without_one(store: &dyn Store) {
    let mut world = World::new(store);
    let webhook = world.one_webhook().await;
    let id = world.fire_for(&webhook).await;
    for round in 0..3 {
        for _ in 1..CLAIMS_WITHOUT_RESULT_MAX {
            assert_eq!(world.claim_ids(9).await, [id], "round {round}");
            world.pass_ms(LEASE_MS);
        }
        let claimed = world.claim_one().await;
        world.record(&claimed, world.wait(0)).await;
    }
    assert_eq!(world.ended(id).await, None);
}
