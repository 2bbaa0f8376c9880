//! Events come in.

use tidings_core::{
    access::Owner,
    delivery::{ReasonCode, State},
    ids::DeliveryId,
    limits::{ENDPOINT_CONCURRENCY_MAX, IDEMPOTENCY_REMEMBERED_MS},
    outcome::Outcome,
    webhook::Status,
};

use super::world::{World, key};
use crate::{
    error::AppendError,
    store::Store,
    types::{AppendedEvent, DeliveryFilter, EntityChange, Room},
};

pub async fn an_append_answers_for_each_event_in_its_order(store: &dyn Store) {
    let mut world = World::new(store);
    let application = world.add_application("acme").await;
    world.add_webhook(&application, |_| ()).await;
    world.add_webhook(&application, |webhook| webhook.source = "shop".parse().unwrap()).await;
    let (heard, mut unheard) = (world.new_event(), world.new_event());
    unheard.trigger = "UserAdded".parse().unwrap();
    let expected = [(heard.id, 1), (unheard.id, 0)];
    let events = vec![world.matched(heard, None).await, world.matched(unheard, None).await];
    let answer = world.try_append(events, None).await.unwrap();
    let expected =
        expected.map(|(id, deliveries)| AppendedEvent { id, deliveries, duplicate: false });
    assert_eq!(answer.events, expected);
    assert!(answer.left && answer.newborn.is_empty());
    let nothing = world.try_append(Vec::new(), None).await.unwrap();
    assert!(nothing.events.is_empty() && !nothing.left);
}

pub async fn what_was_appended_can_be_read(store: &dyn Store) {
    let mut world = World::new(store);
    let webhook = world.one_webhook().await;
    let mut event = world.new_event();
    event.application = Some(webhook.application);
    event.variables.insert("locale".to_owned(), "en_GB".into());
    event.variables.insert("a".to_owned(), 1.5.into());
    world.fire_this(event.clone()).await;
    assert_eq!(*store.event(event.id).await.unwrap().unwrap(), event);
    let view = world.view(DeliveryId::new(event.id, webhook.id, 0)).await;
    assert_eq!((*view.event).clone(), event);
    assert_eq!((*view.webhook).clone(), webhook);
    let delivery = view.delivery;
    assert_eq!(delivery.state, State::Pending { due_at: world.now.elapsed, why: None });
    assert_eq!((delivery.application, delivery.trigger), (webhook.application, event.trigger));
    assert_eq!((delivery.attempts_count, delivery.deadline, delivery.waiting), (0, None, None));
    assert_eq!((delivery.test, delivery.added_at), (false, world.now.wall));
    assert_eq!((view.deadline, view.payload_bytes, delivery.finished_at), (None, None, None));
    assert_eq!(store.payload(delivery.id).await.unwrap(), None);
    assert_eq!(store.attempts(delivery.id).await.unwrap(), []);
    let other = world.new_event().id;
    assert!(store.event(other).await.unwrap().is_none());
    let unknown = store.delivery(world.now, DeliveryId::new(other, webhook.id, 0)).await.unwrap();
    assert!(unknown.is_none());
}

pub async fn an_append_against_an_older_catalog_is_refused_and_writes_nothing(store: &dyn Store) {
    let mut world = World::new(store);
    let webhook = world.one_webhook().await;
    let event = world.new_event();
    let new = world.matched(event, None).await;
    let append = world.append_of(vec![new], Some(world.room(9))).await;
    world.set_status(webhook.id, Status::Paused).await;
    let refused = store.append(world.now, append.clone()).await;
    assert!(matches!(refused, Err(AppendError::StaleCatalog)), "{refused:?}");
    assert_eq!(world.events_count().await, 0);
    assert_eq!(world.found(DeliveryFilter::default()).await, []);
    let catalog_version = store.catalog().await.unwrap().version();
    let again = crate::types::Append { catalog_version, ..append };
    assert!(store.append(world.now, again).await.is_ok());
    assert_eq!(world.events_count().await, 1);
}

pub async fn a_known_key_gives_the_earlier_event_and_makes_nothing(store: &dyn Store) {
    let mut world = World::new(store);
    world.one_webhook().await;
    let key = key(Owner::Operator, "order-42", 1);
    let event = world.new_event();
    let earlier = world.matched(event, Some(key.clone())).await;
    let earlier = world.try_append(vec![earlier], None).await.unwrap().events[0];
    assert_eq!(world.claim(9).await.len(), 1);
    world.pass_ms(1_000);
    let events = [world.new_event(), world.new_event()];
    let again = world.matched(events[0].clone(), Some(key)).await;
    let other = world.matched(events[1].clone(), None).await;
    let answer = world.try_append(vec![again, other], Some(world.room(9))).await.unwrap();
    assert_eq!(answer.events[0], AppendedEvent { duplicate: true, ..earlier });
    assert_eq!((answer.events[1].id, answer.events[1].duplicate), (events[1].id, false));
    assert_eq!((answer.newborn.len(), answer.left), (1, false));
    assert!(store.event(events[0].id).await.unwrap().is_none());
    assert_eq!(world.found(DeliveryFilter::default()).await.len(), 2);
}

pub async fn a_key_is_known_within_one_append(store: &dyn Store) {
    let mut world = World::new(store);
    world.one_webhook().await;
    let mut events = Vec::new();
    for _ in 0..2 {
        let event = world.new_event();
        events.push(world.matched(event, Some(key(Owner::Operator, "a", 1))).await);
    }
    let id = events[0].event.id;
    let answer = world.try_append(events, None).await.unwrap();
    let first = AppendedEvent { id, deliveries: 1, duplicate: false };
    assert_eq!(answer.events, [first, AppendedEvent { duplicate: true, ..first }]);
    assert_eq!(world.events_count().await, 1);
}

pub async fn a_key_with_other_content_refuses_the_whole_append(store: &dyn Store) {
    let mut world = World::new(store);
    world.one_webhook().await;
    let event = world.new_event();
    let earlier = world.matched(event, Some(key(Owner::Operator, "a", 1))).await;
    world.try_append(vec![earlier], None).await.unwrap();
    for (keys, conflict) in [(["b", "a"], 1), (["a", "b"], 0), (["c", "c"], 1)] {
        let mut events = Vec::new();
        for (content, text) in [(7, keys[0]), (8, keys[1])] {
            let event = world.new_event();
            events.push(world.matched(event, Some(key(Owner::Operator, text, content))).await);
        }
        let mut append = world.append_of(events, Some(world.room(9))).await;
        append.changes.push(EntityChange {
            application: None,
            kind: "User".to_owned(),
            id: "u".to_owned(),
            expected_version: None,
            body: "{}".to_owned(),
            deleted: false,
            links: Vec::new(),
            forget_at: None,
        });
        match store.append(world.now, append).await {
            Err(AppendError::IdempotencyConflict { index }) => assert_eq!(index, conflict),
            other => panic!("keys {keys:?} gave {other:?}"),
        }
        assert_eq!(world.events_count().await, 1);
        assert_eq!(store.entities(None, "User", vec!["u".to_owned()]).await.unwrap(), []);
    }
    // None of the refused keys was remembered.
    let event = world.new_event();
    let new = world.matched(event, Some(key(Owner::Operator, "b", 9))).await;
    assert!(!world.try_append(vec![new], None).await.unwrap().events[0].duplicate);
}

pub async fn keys_of_different_owners_never_meet(store: &dyn Store) {
    let mut world = World::new(store);
    let mut owners = vec![Owner::Operator];
    for name in ["acme", "other"] {
        owners.push(Owner::Application(world.add_application(name).await.id));
    }
    for (content, owner) in (0..).zip(owners) {
        let event = world.new_event();
        let new = world.matched(event, Some(key(owner, "same", content))).await;
        assert!(!world.try_append(vec![new], None).await.unwrap().events[0].duplicate);
    }
    assert_eq!(world.events_count().await, 3);
}

pub async fn a_key_is_remembered_for_7_days_of_elapsed_time(store: &dyn Store) {
    let mut world = World::new(store);
    let mut answers = Vec::new();
    for (content, ms) in [(1, 0), (1, IDEMPOTENCY_REMEMBERED_MS - 1), (2, 1)] {
        world.pass_ms(ms);
        // What the wall clock says does not matter.
        world.now.wall.0 -= 1_000_000_000;
        let event = world.new_event();
        let new = world.matched(event, Some(key(Owner::Operator, "a", content))).await;
        answers.push(world.try_append(vec![new], None).await.unwrap().events[0].duplicate);
    }
    assert_eq!(answers, [false, true, false]);
}

pub async fn forgotten_keys_are_counted_once(store: &dyn Store) {
    let mut world = World::new(store);
    for text in ["a", "b", "c"] {
        let event = world.new_event();
        let new = world.matched(event, Some(key(Owner::Operator, text, 1))).await;
        world.try_append(vec![new], None).await.unwrap();
        world.pass_ms(10);
    }
    world.pass_ms(IDEMPOTENCY_REMEMBERED_MS - 20);
    assert_eq!(store.forget_expired(world.now).await.unwrap(), 2);
    assert_eq!(store.forget_expired(world.now).await.unwrap(), 0);
    world.pass_ms(10);
    assert_eq!(store.forget_expired(world.now).await.unwrap(), 1);
    assert_eq!(world.events_count().await, 3);
}

pub async fn a_changed_entity_and_its_event_are_one_commit(store: &dyn Store) {
    let mut world = World::new(store);
    world.one_webhook().await;
    let change = |expected_version| EntityChange {
        application: None,
        kind: "User".to_owned(),
        id: "u".to_owned(),
        expected_version,
        body: "{}".to_owned(),
        deleted: false,
        links: Vec::new(),
        forget_at: None,
    };
    for (expected_version, fits) in
        [(Some(1), false), (None, true), (None, false), (Some(2), false), (Some(1), true)]
    {
        let before = world.events_count().await;
        let event = world.new_event();
        let new = world.matched(event, None).await;
        let mut append = world.append_of(vec![new], None).await;
        append.changes = vec![change(expected_version)];
        match store.append(world.now, append).await {
            Ok(_) => assert!(fits, "{expected_version:?}"),
            Err(AppendError::EntityConflict { kind, id }) => {
                assert_eq!((fits, kind.as_str(), id.as_str()), (false, "User", "u"));
            }
            Err(other) => panic!("{other:?}"),
        }
        assert_eq!(world.events_count().await, before + usize::from(fits));
    }
}

pub async fn newborn_deliveries_are_leased_while_there_are_permits(store: &dyn Store) {
    let mut world = World::new(store);
    let application = world.add_application("acme").await;
    for _ in 0..3 {
        world.add_webhook(&application, |_| ()).await;
    }
    let event = world.new_event();
    let new = world.matched(event.clone(), None).await;
    let answer = world.try_append(vec![new], Some(world.room(2))).await.unwrap();
    assert_eq!((answer.newborn.len(), answer.left), (2, true));
    for newborn in &answer.newborn {
        assert!(newborn.delivery.is_leased_by(newborn.token));
        assert_eq!(newborn.delivery.next_at(), Some(world.room(0).lease_until));
        assert_eq!((*newborn.event).clone(), event);
        assert_eq!(newborn.webhook.id, newborn.delivery.id.webhook());
        assert_eq!((&newborn.payload, newborn.deadline, newborn.held_since), (&None, None, None));
        assert_eq!(world.view(newborn.delivery.id).await.delivery, newborn.delivery);
    }
    assert_ne!(answer.newborn[0].token, answer.newborn[1].token);
    let left = world.claim_one().await;
    assert!(answer.newborn.iter().all(|newborn| newborn.delivery.id != left.delivery.id));
}

pub async fn without_a_room_nothing_is_leased(store: &dyn Store) {
    let mut world = World::new(store);
    world.one_webhook().await;
    let mut event = world.new_event();
    event.test = true;
    let new = world.matched(event, None).await;
    let answer = world.try_append(vec![new], None).await.unwrap();
    assert_eq!((answer.newborn.len(), answer.left), (0, true));
    assert!(world.claim_one().await.delivery.test);
}

pub async fn newborn_deliveries_do_not_overtake_what_is_due(store: &dyn Store) {
    let mut world = World::new(store);
    let webhook = world.one_webhook().await;
    let waits = world.fire_for(&webhook).await;
    let other = world.add_webhook(&world.add_application("other").await, |_| ()).await;
    let mut test = world.new_event();
    test.test = true;
    for (event, newborn) in
        [(world.new_event(), vec![other.id]), (test, vec![webhook.id, other.id])]
    {
        let new = world.matched(event, None).await;
        let answer = world.try_append(vec![new], Some(world.room(9))).await.unwrap();
        let went: Vec<_> = answer.newborn.iter().map(|it| it.webhook.id).collect();
        assert_eq!((went, answer.left), (newborn.clone(), newborn.len() == 1));
    }
    let claimed = world.claim(9).await;
    assert_eq!((claimed.len(), claimed[0].delivery.id), (2, waits));
    // What is on its way, or due later, is not in the way.
    world.record(&claimed[0], world.wait(1_000)).await;
    let event = world.new_event();
    let new = world.matched(event, None).await;
    let answer = world.try_append(vec![new], Some(world.room(9))).await.unwrap();
    assert_eq!((answer.newborn.len(), answer.left), (2, false));
    // Nor is what was due, and is gone.
    for newborn in &answer.newborn {
        world.record(newborn, tidings_core::delivery::Step::Finish).await;
    }
    world.record(&claimed[1], tidings_core::delivery::Step::Finish).await;
    world.pass_ms(1_000);
    let late = world.claim(1).await;
    assert_eq!(late[0].delivery.id, waits);
    world.record(&late[0], tidings_core::delivery::Step::Finish).await;
    let event = world.new_event();
    let mut new = world.matched(event, None).await;
    new.matches.retain(|found| found.webhook.id == webhook.id);
    let answer = world.try_append(vec![new], Some(world.room(9))).await.unwrap();
    assert_eq!(answer.newborn.len(), 1);
}

pub async fn newborn_deliveries_of_a_full_endpoint_are_left(store: &dyn Store) {
    let mut world = World::new(store);
    let webhook = world.one_webhook().await;
    let mut events = Vec::new();
    for _ in 0..3 {
        let event = world.new_event();
        events.push(world.matched(event, None).await);
    }
    let mut room = world.room(9);
    room.in_flight.insert(webhook.endpoint, ENDPOINT_CONCURRENCY_MAX - 2);
    let answer = world.try_append(events, Some(room)).await.unwrap();
    assert_eq!((answer.newborn.len(), answer.left), (2, true));
}

pub async fn newborn_deliveries_leave_room_for_other_endpoints(store: &dyn Store) {
    let mut world = World::new(store);
    world.one_webhook().await;
    let mut events = Vec::new();
    for _ in 0..5 {
        let event = world.new_event();
        events.push(world.matched(event, None).await);
    }
    let room = Room { spare: 11, ..world.room(9) };
    let answer = world.try_append(events, Some(room)).await.unwrap();
    assert_eq!((answer.newborn.len(), answer.left), (3, true));
}

pub async fn newborn_deliveries_of_a_webhook_that_is_not_active_are_left(store: &dyn Store) {
    let mut world = World::new(store);
    let webhook = world.one_webhook().await;
    let why = || "it is broken".to_owned();
    let statuses = [
        Status::Paused,
        Status::Held { why: why(), code: ReasonCode::QueryBroken },
        Status::Disabled { why: why() },
    ];
    for status in statuses {
        world.set_status(webhook.id, status.clone()).await;
        let event = world.new_event();
        let new = world.matched(event, None).await;
        let answer = world.try_append(vec![new], Some(world.room(9))).await.unwrap();
        assert_eq!((answer.newborn.len(), answer.left), (0, true), "{status:?}");
        assert_eq!(answer.events[0].deliveries, 1);
    }
}

pub async fn newborn_deliveries_behind_an_open_breaker_or_a_dead_source_are_left(
    store: &dyn Store,
) {
    let mut world = World::new(store);
    let webhook = world.one_webhook().await;
    world.open_breaker(&webhook).await;
    // The turn of the breaker has come, but it belongs to what waits longer.
    world.pass_ms(60_000);
    let event = world.new_event();
    let new = world.matched(event, None).await;
    let answer = world.try_append(vec![new], Some(world.room(9))).await.unwrap();
    assert_eq!((answer.newborn.len(), answer.left), (0, true));
    let claimed = world.claim_one().await;
    let step = tidings_core::delivery::Step::Finish;
    world.record_attempt(&claimed, Outcome::Accepted, step).await;
    world.fire().await;
    let claimed = world.claim_one().await;
    world.source_down(&claimed).await;
    world.pass_ms(60_000);
    let event = world.new_event();
    let new = world.matched(event, None).await;
    let answer = world.try_append(vec![new], Some(world.room(9))).await.unwrap();
    assert_eq!((answer.newborn.len(), answer.left), (0, true));
}

pub async fn a_test_event_is_leased_whatever_is_in_its_way(store: &dyn Store) {
    let mut world = World::new(store);
    let webhook = world.one_webhook().await;
    world.open_breaker(&webhook).await;
    world.set_status(webhook.id, Status::Paused).await;
    let mut event = world.new_event();
    event.test = true;
    let new = world.matched(event, None).await;
    let mut room = world.room(0);
    room.in_flight.insert(webhook.endpoint, ENDPOINT_CONCURRENCY_MAX);
    let answer = world.try_append(vec![new], Some(room)).await.unwrap();
    assert_eq!((answer.newborn.len(), answer.left), (1, false));
    let newborn = &answer.newborn[0];
    assert!(newborn.delivery.test && newborn.event.test);
    world.record_attempt(newborn, Outcome::Accepted, tidings_core::delivery::Step::Finish).await;
    assert_eq!(world.view(newborn.delivery.id).await.delivery.state, State::Delivered);
}
