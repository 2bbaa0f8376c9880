//! Pages, filters and counts.

use tidings_core::{
    delivery::{ReasonCode, Step},
    event::Event,
    ids::{DeliveryId, EventId, NoticeId, WebhookId},
    time::{ClockMark, Elapsed, HOUR_MS, SECOND_MS, Wall},
    webhook::{Status, Webhook},
};

use super::world::{World, first, why};
use crate::{
    store::Store,
    types::{DeliveryFilter, EventFilter, Page, ShownState, WebhookFilter, WebhookStatus},
};

pub async fn a_mark_of_the_clock_is_kept(store: &dyn Store) {
    assert_eq!(store.clock_mark().await.unwrap(), None);
    for elapsed in [5, 9] {
        let mark = ClockMark {
            elapsed: Elapsed(elapsed),
            wall: Wall(-3),
            boot_ms: 70,
            boot_id: "a".to_owned(),
        };
        store.keep_clock_mark(mark.clone()).await.unwrap();
        assert_eq!(store.clock_mark().await.unwrap(), Some(mark));
    }
}

pub async fn the_first_key_id_is_kept(store: &dyn Store) {
    for key_id in ["first", "second", "first"] {
        assert_eq!(store.keep_key_id(key_id).await.unwrap(), "first");
    }
}

pub async fn events_are_listed_newest_first_page_by_page(store: &dyn Store) {
    let mut world = World::new(store);
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.insert(0, world.fire().await.id);
        world.pass_ms(10);
    }
    let check = async |page: Page<EventId>, expected: &[EventId], more| {
        let found = store.events(EventFilter::default(), page).await.unwrap();
        let found_ids: Vec<EventId> = found.items.iter().map(|event| event.id).collect();
        assert_eq!((found_ids.as_slice(), found.has_next_page), (expected, more));
    };
    check(first(9), &ids, false).await;
    check(first(5), &ids, false).await;
    check(first(2), &ids[..2], true).await;
    // A cursor stays where it is when newer ones come.
    world.fire().await;
    check(Page { first: 2, after: Some(ids[1]) }, &ids[2..4], true).await;
    check(Page { first: 2, after: Some(ids[3]) }, &ids[4..], false).await;
    check(Page { first: 2, after: Some(ids[4]) }, &[], false).await;
}

pub async fn events_are_found_by_what_they_are(store: &dyn Store) {
    let mut world = World::new(store);
    let own = world.add_application("acme").await.id;
    let other = world.add_application("other").await.id;
    let mut ids = Vec::new();
    let hows: [&(dyn Fn(&mut Event) + Sync); 4] = [
        &|event| event.application = Some(own),
        &|event| event.application = Some(other),
        &|event| event.trigger = "UserAdded".parse().unwrap(),
        &|event| event.entity = "x%_".parse().unwrap(),
    ];
    for how in hows {
        let mut event = world.new_event();
        how(&mut event);
        event.date = world.now.wall;
        ids.push(world.fire_this(event).await.id);
        world.pass_ms(10);
    }
    let start = tidings_core::samples::WALL;
    let at = |ms| Some(Wall(start.0 + ms));
    let any = EventFilter::default;
    let check = async |filter: EventFilter, expected: &[usize]| {
        let found = store.events(filter.clone(), first(9)).await.unwrap().items;
        let found: Vec<EventId> = found.iter().map(|event| event.id).collect();
        let expected: Vec<EventId> = expected.iter().map(|index| ids[*index]).collect();
        assert_eq!(found, expected, "{filter:?}");
    };
    check(any(), &[3, 2, 1, 0]).await;
    check(EventFilter { application: Some(own), ..any() }, &[3, 2, 0]).await;
    check(EventFilter { trigger: Some("UserAdded".parse().unwrap()), ..any() }, &[2]).await;
    check(EventFilter { entity: Some("x%_".to_owned()), ..any() }, &[3]).await;
    check(EventFilter { entity: Some("x".to_owned()), ..any() }, &[]).await;
    check(EventFilter { from: at(10), ..any() }, &[3, 2, 1]).await;
    check(EventFilter { until: at(10), ..any() }, &[0]).await;
    let both = EventFilter { from: at(10), until: at(30), application: Some(other), ..any() };
    check(both, &[2, 1]).await;
}

pub async fn deliveries_are_listed_newest_first_page_by_page(store: &dyn Store) {
    let mut world = World::new(store);
    let application = world.add_application("acme").await;
    for _ in 0..2 {
        world.add_webhook(&application, |_| ()).await;
    }
    for _ in 0..3 {
        world.fire().await;
        world.pass_ms(10);
    }
    let all = world.found(DeliveryFilter::default()).await;
    assert_eq!(all.len(), 6);
    assert!(all.windows(2).all(|pair| pair[0] > pair[1]), "by id, newest first");
    let mut pages = Vec::new();
    let mut after = None;
    loop {
        let page = Page { first: 4, after };
        let found = store.deliveries(world.now, DeliveryFilter::default(), page).await.unwrap();
        pages.extend(found.items.iter().map(|view| view.delivery.id));
        world.fire().await;
        if !found.has_next_page {
            break;
        }
        after = pages.last().copied();
    }
    assert_eq!(pages, all, "what came meanwhile is before the cursor");
}

/// Five deliveries that differ: of the first webhook pending, delivered, leased; of the second,
/// which is paused, one that is held; of a third, of another application, one that is exhausted.
async fn five(world: &mut World<'_>) -> (Vec<DeliveryId>, Vec<Webhook>) {
    let application = world.add_application("acme").await;
    let other = world.add_application("other").await;
    let listens = |webhook: &mut Webhook| webhook.triggers.push("UserAdded".parse().unwrap());
    let webhooks = vec![
        world.add_webhook(&application, |_| ()).await,
        world.add_webhook(&application, listens).await,
        world.add_webhook(&other, |_| ()).await,
    ];
    let mut ids = Vec::new();
    for (webhook, step) in
        [(0, Some(Step::Finish)), (2, Some(Step::Exhaust { why: why("it failed") })), (0, None)]
    {
        ids.push(world.fire_for(&webhooks[webhook]).await);
        let claimed = world.claim_one().await;
        if let Some(step) = step {
            world.record(&claimed, step).await;
        }
        world.pass_ms(10);
    }
    let mut event = world.new_event();
    event.trigger = "UserAdded".parse().unwrap();
    event.entity = "somebody".parse().unwrap();
    ids.push(DeliveryId::new(event.id, webhooks[1].id, 0));
    world.fire_this(event).await;
    world.set_status(webhooks[1].id, Status::Paused).await;
    world.pass_ms(10);
    ids.push(world.fire_for(&webhooks[0]).await);
    (ids, webhooks)
}

pub async fn deliveries_are_found_by_what_they_are(store: &dyn Store) {
    let mut world = World::new(store);
    let (ids, webhooks) = five(&mut world).await;
    let start = tidings_core::samples::WALL;
    let at = |ms| Some(Wall(start.0 + ms));
    let any = DeliveryFilter::default;
    let check = async |filter: DeliveryFilter, expected: &[usize]| {
        let expected: Vec<DeliveryId> = expected.iter().map(|index| ids[*index]).collect();
        assert_eq!(world.found(filter.clone()).await, expected, "{filter:?}");
    };
    check(any(), &[4, 3, 2, 1, 0]).await;
    let application = Some(webhooks[0].application);
    check(DeliveryFilter { application, ..any() }, &[4, 3, 2, 0]).await;
    check(DeliveryFilter { webhook: Some(webhooks[0].id), ..any() }, &[4, 2, 0]).await;
    let trigger = Some("UserAdded".parse().unwrap());
    check(DeliveryFilter { trigger, ..any() }, &[3]).await;
    check(DeliveryFilter { entity: Some("somebody".to_owned()), ..any() }, &[3]).await;
    check(DeliveryFilter { entity: Some("some%".to_owned()), ..any() }, &[]).await;
    check(DeliveryFilter { from: at(20), ..any() }, &[4, 3, 2]).await;
    check(DeliveryFilter { until: at(20), ..any() }, &[1, 0]).await;
    for (state, expected) in [
        (ShownState::Delivered, 0),
        (ShownState::Exhausted, 1),
        (ShownState::Leased, 2),
        (ShownState::Held, 3),
        (ShownState::Pending, 4),
    ] {
        check(DeliveryFilter { states: vec![state], ..any() }, &[expected]).await;
    }
    let states = vec![ShownState::Held, ShownState::Delivered];
    check(DeliveryFilter { states, application, ..any() }, &[3, 0]).await;
    check(DeliveryFilter { states: vec![ShownState::Suppressed], ..any() }, &[]).await;
    let (webhook, states) = (Some(webhooks[0].id), vec![ShownState::Pending]);
    let page = store.deliveries(world.now, DeliveryFilter { webhook, states, ..any() }, first(1));
    assert!(!page.await.unwrap().has_next_page);
}

pub async fn the_deliveries_of_an_event_are_in_the_order_of_their_ids(store: &dyn Store) {
    let mut world = World::new(store);
    let application = world.add_application("acme").await;
    for _ in 0..3 {
        world.add_webhook(&application, |_| ()).await;
    }
    world.fire().await;
    let event = world.fire().await.id;
    world.fire().await;
    let all = store.deliveries_of(world.now, event).await.unwrap();
    let ids: Vec<DeliveryId> = all.iter().map(|view| view.delivery.id).collect();
    assert_eq!(ids.len(), 3);
    assert!(ids.is_sorted() && ids.iter().all(|id| id.event() == event));
    for view in all {
        assert_eq!(world.view(view.delivery.id).await, view);
    }
    let unknown = world.new_event().id;
    assert_eq!(store.deliveries_of(world.now, unknown).await.unwrap(), []);
}

pub async fn webhooks_are_listed_by_what_they_are(store: &dyn Store) {
    let world = World::new(store);
    let own = world.add_application("acme").await;
    let other = world.add_application("other").await;
    let listens = |webhook: &mut Webhook| webhook.triggers.push("UserAdded".parse().unwrap());
    let mut ids = Vec::new();
    for (application, also) in [(&own, false), (&other, true), (&own, true), (&own, false)] {
        let how = |webhook: &mut Webhook| {
            if also {
                listens(webhook)
            }
        };
        ids.push(world.add_webhook(application, how).await.id);
    }
    let broken = || "it is broken".to_owned();
    world.set_status(ids[0], Status::Paused).await;
    world.set_status(ids[1], Status::Held { why: broken(), code: ReasonCode::QueryBroken }).await;
    world.set_status(ids[2], Status::Disabled { why: broken() }).await;
    let any = WebhookFilter::default;
    let check = async |filter: WebhookFilter, page: Page<WebhookId>, expected: &[usize], more| {
        let found = store.webhooks(filter.clone(), page).await.unwrap();
        let found_ids: Vec<WebhookId> = found.items.iter().map(|webhook| webhook.id).collect();
        let expected: Vec<WebhookId> = expected.iter().map(|index| ids[*index]).collect();
        assert_eq!((found_ids, found.has_next_page), (expected, more), "{filter:?}");
    };
    check(any(), first(9), &[0, 1, 2, 3], false).await;
    check(any(), first(3), &[0, 1, 2], true).await;
    check(any(), Page { first: 3, after: Some(ids[2]) }, &[3], false).await;
    let application = Some(own.id);
    check(WebhookFilter { application, ..any() }, first(2), &[0, 2], true).await;
    let trigger = Some("UserAdded".parse().unwrap());
    check(WebhookFilter { trigger, ..any() }, first(9), &[1, 2], false).await;
    for (status, expected) in [
        (WebhookStatus::Paused, 0),
        (WebhookStatus::Held, 1),
        (WebhookStatus::Disabled, 2),
        (WebhookStatus::Active, 3),
    ] {
        let filter = WebhookFilter { statuses: vec![status], ..any() };
        check(filter, first(9), &[expected], false).await;
    }
    let statuses = vec![WebhookStatus::Active, WebhookStatus::Paused];
    check(WebhookFilter { statuses, application, ..any() }, first(9), &[0, 3], false).await;
}

pub async fn notices_are_listed_newest_first_by_owner(store: &dyn Store) {
    let mut world = World::new(store);
    let own = world.add_application("acme").await;
    let other = world.add_application("other").await;
    let webhooks = [world.add_webhook(&own, |_| ()).await, world.add_webhook(&other, |_| ()).await];
    for (index, webhook) in [0, 1, 0, 0].into_iter().enumerate() {
        world.fire_for(&webhooks[webhook]).await;
        let claimed = world.claim_one().await;
        world.record(&claimed, Step::Exhaust { why: why(&format!("reason {index}")) }).await;
    }
    let all: Vec<NoticeId> = world.notices(None).await.iter().map(|notice| notice.id).collect();
    assert_eq!(all.len(), 4);
    assert!(all.windows(2).all(|pair| pair[0] > pair[1]));
    assert_eq!(world.notices(Some(other.id)).await.len(), 1);
    let page = store.notices(Some(own.id), first(2)).await.unwrap();
    assert_eq!((page.items.len(), page.has_next_page), (2, true));
    let after = Some(page.items[1].id);
    let page = store.notices(Some(own.id), Page { first: 2, after }).await.unwrap();
    assert_eq!((page.items.len(), page.has_next_page), (1, false));
    assert!(page.items[0].text.contains("reason 0"));
}

pub async fn a_backlog_counts_what_is_not_final(store: &dyn Store) {
    let mut world = World::new(store);
    let webhook = world.one_webhook().await;
    let backlog = store.backlog(world.now, webhook.id).await.unwrap();
    assert_eq!((backlog.waiting, backlog.oldest_due_at), (0, None));
    let first_at = world.now.elapsed;
    for _ in 0..3 {
        world.fire().await;
        world.pass_ms(10);
    }
    let backlog = store.backlog(world.now, webhook.id).await.unwrap();
    assert_eq!((backlog.waiting, backlog.oldest_due_at), (3, Some(first_at)));
    let claimed = world.claim(1).await;
    let backlog = store.backlog(world.now, webhook.id).await.unwrap();
    assert_eq!((backlog.waiting, backlog.oldest_due_at), (3, Some(first_at.plus_ms(10))));
    world.record(&claimed[0], Step::Finish).await;
    assert_eq!(store.backlog(world.now, webhook.id).await.unwrap().waiting, 2);
    assert!(store.backlog(world.now, WebhookId(webhook.id.0 + 9)).await.is_err());
}

pub async fn the_oldest_that_is_due_is_counted_where_nothing_blocks_it(store: &dyn Store) {
    let mut world = World::new(store);
    let empty = store.stats(world.now).await.unwrap();
    assert_eq!((empty.oldest_due_at, empty.waiting, empty.webhooks), (None, 0, 0));
    let application = world.add_application("acme").await;
    let webhook = world.add_webhook(&application, |_| ()).await;
    let paused = world.add_webhook(&application, |_| ()).await;
    world.fire_for(&paused).await;
    world.set_status(paused.id, Status::Paused).await;
    world.pass_ms(SECOND_MS);
    let stats = store.stats(world.now).await.unwrap();
    assert_eq!((stats.oldest_due_at, stats.waiting, stats.webhooks), (None, 1, 2));
    let due_at = world.now.elapsed;
    world.fire_for(&webhook).await;
    world.pass_ms(SECOND_MS);
    assert_eq!(store.stats(world.now).await.unwrap().oldest_due_at, Some(due_at));
    let claimed = world.claim_one().await;
    world.record(&claimed, world.wait(HOUR_MS)).await;
    assert_eq!(store.stats(world.now).await.unwrap().oldest_due_at, None, "it is not due yet");
    world.open_breaker(&webhook).await;
    world.pass_ms(2 * HOUR_MS);
    assert_eq!(store.stats(world.now).await.unwrap().oldest_due_at, None, "its breaker is open");
    store.delete_webhook(world.now, paused.id).await.unwrap();
    let stats = store.stats(world.now).await.unwrap();
    assert_eq!((stats.waiting, stats.webhooks), (1, 1));
}
