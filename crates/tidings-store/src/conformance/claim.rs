//! Work is given out.

use std::collections::HashMap;

use tidings_core::{
    delivery::{ReasonCode, State, Step},
    ids::DeliveryId,
    limits::{ENDPOINT_CONCURRENCY_MAX, SOURCE_PATIENCE_MS},
    outcome::Outcome,
    webhook::{PayloadMode, Status, Webhook},
};

use super::world::{LEASE_MS, World};
use crate::{
    store::Store,
    types::{Claim, DeliveryFilter, Room, ShownState},
};

pub async fn a_due_delivery_is_given_with_all_that_a_worker_needs(store: &dyn Store) {
    let mut world = World::new(store);
    let webhook = world.one_webhook().await;
    let mut event = world.new_event();
    event.variables.insert("a".to_owned(), 1.into());
    world.fire_this(event.clone()).await;
    let claimed = world.claim_one().await;
    let id = DeliveryId::new(event.id, webhook.id, 0);
    let expires_at = world.in_ms(LEASE_MS);
    assert_eq!(claimed.delivery.state, State::Leased { token: claimed.token, expires_at });
    assert_eq!((claimed.delivery.id, (*claimed.event).clone()), (id, event));
    assert_eq!((*claimed.webhook).clone(), webhook);
    assert_eq!((&claimed.payload, claimed.deadline, claimed.held_since), (&None, None, None));
    let view = world.view(id).await;
    assert_eq!((view.delivery, view.shown), (claimed.delivery, ShownState::Leased));
    assert_eq!(world.claim_ids(9).await, []);
}

pub async fn nothing_is_given_before_it_is_due(store: &dyn Store) {
    let mut world = World::new(store);
    world.one_webhook().await;
    world.fire().await;
    let claimed = world.claim_one().await;
    world.freeze(&claimed, "body").await;
    world.record_attempt(&claimed, super::world::failure(500), world.retry(5_000)).await;
    world.pass_ms(4_999);
    assert_eq!(world.claim_ids(9).await, []);
    world.pass_ms(1);
    let again = world.claim_one().await;
    assert_eq!((again.delivery.id, again.delivery.attempts_count), (claimed.delivery.id, 1));
    assert_eq!(again.payload.as_deref(), Some(b"body".as_slice()));
    assert_ne!(again.token, claimed.token);
}

pub async fn within_a_webhook_the_longest_due_goes_first(store: &dyn Store) {
    let mut world = World::new(store);
    let webhook = world.one_webhook().await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(world.fire_for(&webhook).await);
    }
    // Due at the same moment: by id. The first one is then put behind the others.
    let claimed = world.claim(1).await;
    assert_eq!(claimed[0].delivery.id, ids[0]);
    world.record(&claimed[0], world.wait(10)).await;
    world.pass_ms(20);
    ids.push(world.fire_for(&webhook).await);
    assert_eq!(world.claim_ids(9).await, [ids[1], ids[2], ids[0], ids[3]]);
}

/// Three webhooks with three deliveries each; the ids by webhook.
async fn three_of_three(world: &mut World<'_>) -> Vec<Vec<DeliveryId>> {
    let application = world.add_application("acme").await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        let webhook = world.add_webhook(&application, |_| ()).await;
        let mut own = Vec::new();
        for _ in 0..3 {
            own.push(world.fire_for(&webhook).await);
        }
        ids.push(own);
    }
    ids
}

pub async fn webhooks_are_served_one_after_the_other(store: &dyn Store) {
    let mut world = World::new(store);
    let ids = three_of_three(&mut world).await;
    let expected: Vec<DeliveryId> = (0..3)
        .flat_map(|round| (0..3).map(move |webhook| (webhook, round)))
        .map(|(w, r)| ids[w][r])
        .collect();
    assert_eq!(world.claim_ids(20).await, expected);
}

pub async fn a_claim_goes_on_after_the_webhook_that_was_served_last(store: &dyn Store) {
    let mut world = World::new(store);
    let ids = three_of_three(&mut world).await;
    assert_eq!(world.claim_ids(2).await, [ids[0][0], ids[1][0]]);
    assert_eq!(world.claim_ids(2).await, [ids[2][0], ids[0][1]]);
    assert_eq!(world.claim_ids(4).await, [ids[1][1], ids[2][1], ids[0][2], ids[1][2]]);
    assert_eq!(world.claim_ids(4).await, [ids[2][2]]);
}

pub async fn a_claim_without_permits_gives_nothing(store: &dyn Store) {
    let mut world = World::new(store);
    world.one_webhook().await;
    world.fire().await;
    assert_eq!(world.claim_ids(0).await, []);
    assert_eq!(world.claim_ids(1).await.len(), 1);
}

pub async fn an_endpoint_is_given_what_it_has_room_for(store: &dyn Store) {
    let mut world = World::new(store);
    let application = world.add_application("acme").await;
    let url = |webhook: &mut Webhook| webhook.url = "https://example.com/same?a=1".to_owned();
    let first = world.add_webhook(&application, url).await;
    let second = world.add_webhook(&application, url).await;
    let other = world.add_webhook(&application, |_| ()).await;
    assert_eq!(
        (first.endpoint == second.endpoint, first.endpoint == other.endpoint),
        (true, false)
    );
    let stranger = world.add_application("other").await;
    assert_ne!(world.add_webhook(&stranger, url).await.endpoint, first.endpoint);
    for webhook in [&first, &first, &second, &second, &other, &other] {
        world.fire_for(webhook).await;
    }
    let mut room = world.room(9);
    room.in_flight.insert(first.endpoint, ENDPOINT_CONCURRENCY_MAX - 3);
    let given = store.claim_due(world.now, Claim { room }).await.unwrap().claimed;
    let of =
        |webhook: &Webhook| given.iter().filter(|claimed| claimed.webhook.id == webhook.id).count();
    assert_eq!((of(&first), of(&second), of(&other)), (2, 1, 2));
    let mut room = world.room(9);
    room.in_flight.insert(first.endpoint, ENDPOINT_CONCURRENCY_MAX);
    assert_eq!(store.claim_due(world.now, Claim { room }).await.unwrap().claimed.len(), 0);
    assert_eq!(world.claim(9).await.len(), 1);
}

pub async fn slow_endpoints_do_not_take_all_the_room_of_a_worker(store: &dyn Store) {
    let mut world = World::new(store);
    let application = world.add_application("acme").await;
    for _ in 0..4 {
        world.add_webhook(&application, |_| ()).await;
    }
    for _ in 0..20 {
        world.fire().await;
    }
    // 30 are spare: 4 endpoints hold 4 parts of 4 + 3, however many permits there are.
    let spare = 30;
    let room = Room { spare, ..world.room(200) };
    let slow = store.claim_due(world.now, Claim { room }).await.unwrap().claimed;
    let mut in_flight = HashMap::new();
    for claimed in &slow {
        *in_flight.entry(claimed.webhook.endpoint).or_insert(0) += 1;
    }
    let mut counts: Vec<u32> = in_flight.values().copied().collect();
    counts.sort_unstable();
    assert_eq!(counts, [4, 4, 4, 4]);
    let spare = spare - slow.len();
    let room = Room { spare, in_flight: in_flight.clone(), ..world.room(200) };
    assert_eq!(store.claim_due(world.now, Claim { room }).await.unwrap().claimed.len(), 0);
    // Who comes later finds room, also where nothing is spare any more.
    let healthy = world.add_webhook(&application, |_| ()).await;
    for _ in 0..3 {
        world.fire_for(&healthy).await;
    }
    let room = Room { spare: 0, in_flight, ..world.room(200) };
    let given = store.claim_due(world.now, Claim { room }).await.unwrap().claimed;
    assert_eq!((given.len(), given[0].webhook.id), (2, healthy.id));
    // One endpoint alone is given all that its health allows.
    let alone = world.add_webhook(&application, |_| ()).await;
    world.set_status(healthy.id, Status::Paused).await;
    for _ in 0..70 {
        world.fire_for(&alone).await;
    }
    let mut room = world.room(200);
    room.in_flight =
        slow.iter().map(|it| (it.webhook.endpoint, ENDPOINT_CONCURRENCY_MAX)).collect();
    let given = store.claim_due(world.now, Claim { room }).await.unwrap().claimed;
    assert_eq!(given.len(), 64);
}

pub async fn an_endpoint_that_asks_for_less_is_given_less(store: &dyn Store) {
    let mut world = World::new(store);
    let webhook = world.one_webhook().await;
    for _ in 0..4 {
        world.fire_for(&webhook).await;
    }
    // 64, 32, 16, 8, 4: one more failure would open the breaker.
    for claimed in world.claim(9).await {
        world.record_attempt(&claimed, super::world::failure(429), world.retry(1_000)).await;
    }
    world.pass_ms(1_000);
    for _ in 0..4 {
        world.fire_for(&webhook).await;
    }
    assert_eq!(world.claim(9).await.len(), 4);
}

pub async fn webhooks_that_are_not_active_are_passed_over_until_they_are(store: &dyn Store) {
    let mut world = World::new(store);
    let webhook = world.one_webhook().await;
    let id = world.fire_for(&webhook).await;
    let why = || "it is broken".to_owned();
    let statuses = [
        Status::Paused,
        Status::Held { why: why(), code: ReasonCode::QueryBroken },
        Status::Disabled { why: why() },
    ];
    for status in statuses {
        world.set_status(webhook.id, status.clone()).await;
        assert_eq!(world.claim_ids(9).await, [], "{status:?}");
        let view = world.view(id).await;
        assert_eq!(view.shown, ShownState::Held);
        assert!(matches!(view.delivery.state, State::Pending { .. }));
    }
    world.set_status(webhook.id, Status::Active).await;
    assert_eq!(world.view(id).await.shown, ShownState::Pending);
    assert_eq!(world.claim_ids(9).await, [id]);
}

pub async fn an_expired_lease_is_given_to_another_worker(store: &dyn Store) {
    let mut world = World::new(store);
    world.one_webhook().await;
    world.fire().await;
    let first = world.claim_one().await;
    world.freeze(&first, "body").await;
    world.pass_ms(LEASE_MS - 1);
    assert_eq!(world.claim_ids(9).await, []);
    world.pass_ms(1);
    let second = world.claim_one().await;
    assert_eq!(second.delivery.id, first.delivery.id);
    assert_ne!(second.token, first.token);
    assert_eq!(second.payload.as_deref(), Some(b"body".as_slice()));
    assert_eq!(second.deadline, world.view(first.delivery.id).await.deadline);
}

pub async fn a_hint_tells_when_the_next_is_due(store: &dyn Store) {
    let mut world = World::new(store);
    assert_eq!(world.claim_batch(9).await.next_at, None);
    let webhook = world.one_webhook().await;
    world.fire_for(&webhook).await;
    let claimed = world.claim_one().await;
    world.record(&claimed, world.wait(5_000)).await;
    let batch = world.claim_batch(9).await;
    let next_at = batch.next_at.expect("one waits");
    assert!(batch.claimed.is_empty() && next_at > world.now.elapsed, "{next_at:?} would spin");
    assert!(next_at <= world.in_ms(5_000), "{next_at:?} would be late");
    world.pass_ms(5_000);
    let claimed = world.claim_one().await;
    world.record_attempt(&claimed, Outcome::Accepted, Step::Finish).await;
    assert_eq!(world.claim_batch(9).await.next_at, None);
    // A full endpoint is no reason to come back at once.
    world.fire_for(&webhook).await;
    let mut room = world.room(9);
    room.in_flight.insert(webhook.endpoint, ENDPOINT_CONCURRENCY_MAX);
    let batch = store.claim_due(world.now, Claim { room }).await.unwrap();
    assert!(batch.next_at.is_none_or(|at| at > world.now.elapsed));
}

pub async fn what_waits_for_room_is_not_asked_for_again_at_once(store: &dyn Store) {
    let mut world = World::new(store);
    let application = world.add_application("acme").await;
    // More than a store would look up one by one.
    for _ in 0..300 {
        world.add_webhook(&application, |_| ()).await;
    }
    world.fire().await;
    let mut room = world.room(9);
    let endpoints = store.catalog().await.unwrap();
    let full = endpoints.webhooks().map(|webhook| (webhook.endpoint, ENDPOINT_CONCURRENCY_MAX));
    room.in_flight = full.collect();
    let batch = store.claim_due(world.now, Claim { room }).await.unwrap();
    assert!(batch.claimed.is_empty() && batch.next_at.is_none_or(|at| at > world.now.elapsed));
    // The same while their source is down.
    let claimed = world.claim(1).await;
    world.source_down(&claimed[0]).await;
    let batch = world.claim_batch(9).await;
    assert!(batch.claimed.is_empty());
    assert!(batch.next_at.expect("299 wait for their source") > world.now.elapsed);
}

pub async fn a_source_that_is_down_is_asked_by_one_at_a_time(store: &dyn Store) {
    let mut world = World::new(store);
    let application = world.add_application("acme").await;
    let first = world.add_webhook(&application, |_| ()).await;
    let second = world.add_webhook(&application, |_| ()).await;
    let other =
        world.add_webhook(&application, |webhook| webhook.source = "shop".parse().unwrap()).await;
    for webhook in [&first, &first, &second] {
        world.fire_for(webhook).await;
    }
    let claimed = world.claim(1).await;
    world.source_down(&claimed[0]).await;
    let mut event = world.new_event();
    event.source = other.source.clone();
    world.fire_this(event).await;
    let of_others = world.claim(9).await;
    assert_eq!((of_others.len(), of_others[0].webhook.id), (1, other.id));
    let batch = world.claim_batch(9).await;
    let next_at = batch.next_at.expect("three wait");
    assert!(batch.claimed.is_empty() && next_at > world.now.elapsed);
    world.pass_ms(5_000);
    let one = world.claim_one().await;
    assert_eq!(world.claim_ids(9).await, []);
    let mut record = world.record_of(&one, Step::Finish);
    record.source = Some(world.seen(true));
    store.record(world.now, vec![record]).await.unwrap();
    assert_eq!(world.claim_ids(9).await.len(), 2);
}

pub async fn what_waited_for_its_source_for_7_days_is_exhausted(store: &dyn Store) {
    let mut world = World::new(store);
    let webhook = world.one_webhook().await;
    for _ in 0..3 {
        world.fire_for(&webhook).await;
    }
    let probe = world.claim(1).await.remove(0);
    world.source_down(&probe).await;
    world.pass_ms(1_000);
    let late = world.fire_for(&webhook).await;
    world.pass_ms(SOURCE_PATIENCE_MS - 1_000);
    // Nobody has asked for 7 days: one asks first.
    let probe = world.claim_one().await;
    world.pass_ms(1);
    assert_eq!(world.claim(9).await.len(), 0);
    let ended = DeliveryFilter { states: vec![ShownState::Exhausted], ..Default::default() };
    assert_eq!(world.found(ended.clone()).await.len(), 0);
    world.source_down(&probe).await;
    assert_eq!(world.claim(9).await.len(), 0);
    let gone = world.found(ended).await;
    assert_eq!((gone.len(), world.ended(gone[0]).await), (2, Some(ReasonCode::SourceDown)));
    assert_eq!(world.ended(late).await, None, "it has not waited for 7 days");
    assert_eq!(world.ended(probe.delivery.id).await, None, "its wait has just begun anew");
    let notices = world.notices(Some(webhook.application)).await;
    assert_eq!((notices.len(), notices[0].count), (1, 2));
}

pub async fn a_source_that_is_down_does_not_hold_back_what_is_frozen(store: &dyn Store) {
    let mut world = World::new(store);
    let application = world.add_application("acme").await;
    let frozen = world.add_webhook(&application, |_| ()).await;
    let fresh = |webhook: &mut Webhook| webhook.payload = PayloadMode::Fresh;
    let fresh = world.add_webhook(&application, fresh).await;
    let mut ids = Vec::new();
    for webhook in [&frozen, &fresh] {
        ids.push(world.fire_for(webhook).await);
    }
    for claimed in world.claim(9).await {
        world.freeze(&claimed, "{}").await;
        world.record_attempt(&claimed, super::world::failure(500), world.retry(1_000)).await;
    }
    let unfrozen = world.fire_for(&frozen).await;
    let claimed = world.claim_one().await;
    assert_eq!(claimed.delivery.id, unfrozen);
    world.source_down(&claimed).await;
    world.pass_ms(1_000);
    assert_eq!(world.claim_ids(9).await, [ids[0]]);
    assert_eq!(world.view(unfrozen).await.delivery.waiting.unwrap().count, 1);
}
