//! The last look before an attempt: is the delivery still to be sent?

use tidings_core::webhook::Status;
use tidings_store::Claimed;

use crate::attempt::Desk;

/// Whether an attempt may start.
pub(crate) enum Wanted {
    Yes,
    /// Its webhook was stopped a moment ago: the delivery waits with the others.
    Later,
    /// It was ended a moment ago: there is nothing to record.
    No,
}

/// Looks once more, as late as can be: what was deleted, cancelled, erased or paused is not begun
/// after that was answered. An attempt that passed this line counts as begun, and may arrive.
pub(crate) async fn wanted(desk: &Desk, claimed: &Claimed, is_new: bool) -> Wanted {
    // What is claimed and frozen goes out, also while the database is away: the record waits.
    let Ok(catalog) = desk.store.catalog().await else { return Wanted::Yes };
    let Some(webhook) = catalog.webhook(claimed.webhook.id) else { return Wanted::No };
    if webhook.status != Status::Active && !claimed.delivery.test {
        return Wanted::Later;
    }
    if is_new {
        return Wanted::Yes;
    }
    match desk.store.delivery(desk.clock.now(), claimed.delivery.id).await {
        Ok(Some(view)) if !view.delivery.is_leased_by(claimed.token) => {
            desk.counters.lease_lost();
            Wanted::No
        }
        _ => Wanted::Yes,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
mod tests {
    use std::sync::Arc;

    use tidings_core::{
        limits::LEASE_MS,
        matching::match_event,
        samples,
        secret::Vault,
        time::{Elapsed, Now},
    };
    use tidings_store::{Append, Chance, Clock, MemoryStore, NewEvent, Room, Store, rules};

    use super::*;
    use crate::{
        leases::Leases,
        metrics::Counters,
        prepared::PreparedWebhooks,
        sender::{Post, Posted, Sender},
        shared_runs::SharedRuns,
    };

    #[derive(Debug)]
    struct Still;

    #[async_trait::async_trait]
    impl Clock for Still {
        fn now(&self) -> Now {
            Now { wall: samples::WALL, elapsed: Elapsed(5) }
        }

        async fn sleep_until(&self, _: Elapsed) {}
    }

    impl Chance for Still {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(1);
        }
    }

    struct Nobody;

    #[async_trait::async_trait]
    impl Sender for Nobody {
        async fn post(&self, post: &Post) -> Posted {
            panic!("{} was sent to", post.url)
        }
    }

    async fn claimed(store: &MemoryStore, now: Now) -> Claimed {
        let application = samples::application(tidings_core::ids::ApplicationId(1));
        let new = tidings_store::NewApplication {
            name: application.name,
            scopes: application.scopes,
            token_lifetime_s: None,
            settings: application.settings,
        };
        let owner = store.add_application(now, new).await.unwrap().id;
        let webhook = samples::webhook(tidings_core::ids::WebhookId(1), owner);
        store.add_webhook(now, webhook).await.unwrap();
        let catalog = store.catalog().await.unwrap();
        let mut event = samples::event("EnergySwitchAdded");
        event.application = Some(owner);
        let matches = match_event(&event, &catalog, &[]);
        let events = vec![NewEvent { event, matches, idempotency: None }];
        let lease_until = now.elapsed.plus_ms(LEASE_MS);
        let room = Room { permits: 1, spare: 9, in_flight: Default::default(), lease_until };
        let append = Append { room: Some(room), ..Append::of(catalog.version(), events) };
        store.append(now, append).await.unwrap().newborn.pop().unwrap()
    }

    #[tokio::test]
    async fn what_was_cancelled_since_it_was_claimed_is_not_begun() {
        let store = Arc::new(MemoryStore::new());
        let now = Still.now();
        let claimed = claimed(&store, now).await;
        let desk = Desk {
            store: Arc::clone(&store) as Arc<dyn Store>,
            sources: Vec::new(),
            sender: Arc::new(Nobody),
            clock: Arc::new(Still),
            chance: Arc::new(Still),
            prepared: PreparedWebhooks::new(Vault::new(&[7; Vault::KEY_BYTES])),
            runs: SharedRuns::default(),
            leases: Leases::default(),
            counters: Counters::default(),
            user_agent: "tidings@test/0".to_owned(),
        };
        assert!(matches!(wanted(&desk, &claimed, false).await, Wanted::Yes));
        let why = rules::webhook_deleted();
        store.cancel_delivery(now, claimed.delivery.id, why).await.unwrap();
        assert!(matches!(wanted(&desk, &claimed, false).await, Wanted::No));
    }
}
