//! Applications, tokens and webhooks.

use tidings_core::{
    access::{Owner, Scope, ScopeSet},
    application::Application,
    delivery::ReasonCode,
    event::JsonObject,
    ids::{ApplicationId, EndpointId, WebhookId},
    jwt::{JwtAlgorithm, JwtKey, JwtProfile},
    limits::WEBHOOKS_PER_TRIGGER_MAX,
    retry::RetryPolicy,
    samples,
    secret::{Secret, TokenHash, Vault},
    time::Wall,
    webhook::{
        CustomHeader, ErrorAction, ErrorRule, HEADER_PURPOSE, KEY_PURPOSE, PayloadMode, Queries,
        SigningKey, Status, Success, Webhook,
    },
};

use super::world::{World, first, new_application};
use crate::{error::WriteError, store::Store, types::NewToken};

pub(super) fn new_token(text: &str, owner: Owner) -> NewToken {
    let scopes = [Scope::FireTriggers].into_iter().collect();
    NewToken::own(TokenHash::of(text), owner, scopes)
}

pub async fn an_application_is_kept_as_it_was_given(store: &dyn Store) {
    let world = World::new(store);
    let mut new = new_application("acme");
    new.scopes = [Scope::ReadAccounts].into_iter().collect();
    new.token_lifetime_s = Some(3_600);
    new.settings.redirect_uris = vec!["https://example.com/back?a=é".to_owned()];
    let added = store.add_application(world.now, new.clone()).await.unwrap();
    let expected = Application {
        id: added.id,
        name: new.name,
        version: 1,
        scopes: new.scopes,
        token_lifetime_s: new.token_lifetime_s,
        settings: new.settings,
        added_at: world.now.wall,
        updated_at: world.now.wall,
    };
    assert_eq!(added, expected);
    let catalog = store.catalog().await.unwrap();
    assert_eq!(**catalog.application(added.id).unwrap(), expected);
    assert_ne!(world.add_application("other").await.id, added.id);
}

pub async fn a_name_is_taken_until_its_application_is_deleted(store: &dyn Store) {
    let world = World::new(store);
    let first = world.add_application("acme").await;
    let again = store.add_application(world.now, new_application("acme")).await;
    assert!(matches!(again, Err(WriteError::Taken { .. })), "{again:?}");
    store.delete_application(world.now, first.id).await.unwrap();
    assert_ne!(world.add_application("acme").await.id, first.id, "numbers are never used again");
}

pub async fn an_application_is_changed_but_for_its_name_and_dates(store: &dyn Store) {
    let mut world = World::new(store);
    let added = world.add_application("acme").await;
    let version = store.catalog().await.unwrap().version();
    world.pass_ms(1_000);
    let mut wanted = added.clone();
    wanted.scopes = ScopeSet::NONE;
    wanted.token_lifetime_s = Some(60);
    wanted.settings.redirect_uris = vec!["https://example.com/".to_owned()];
    let expected = Application { version: 2, updated_at: world.now.wall, ..wanted.clone() };
    wanted.name = "other".parse().unwrap();
    wanted.added_at = Wall(0);
    assert_eq!(store.update_application(world.now, wanted.clone()).await.unwrap(), expected);
    let catalog = store.catalog().await.unwrap();
    assert_eq!(**catalog.application(added.id).unwrap(), expected);
    assert_ne!(catalog.version(), version);
    let late = store.update_application(world.now, wanted.clone()).await;
    assert!(matches!(late, Err(WriteError::Stale { .. })), "it was read before that: {late:?}");
    wanted.id = ApplicationId(added.id.0 + 9);
    let unknown = store.update_application(world.now, wanted).await;
    assert!(matches!(unknown, Err(WriteError::NotFound { .. })), "{unknown:?}");
}

pub async fn no_two_profiles_of_applications_have_one_issuer_and_audience(store: &dyn Store) {
    let world = World::new(store);
    let profile = |audience: &str| JwtProfile {
        name: "login".parse().unwrap(),
        algorithms: vec![JwtAlgorithm::RS256],
        issuer: "https://login.example".to_owned(),
        audience: audience.to_owned(),
        max_scopes: ScopeSet::for_users(),
        key: JwtKey::Set("https://login.example/keys".to_owned()),
    };
    let with = |name: &str, audience: &str| {
        let mut new = new_application(name);
        new.settings.jwt_profiles = vec![profile(audience)];
        new
    };
    let first = store.add_application(world.now, with("first", "a")).await.unwrap();
    let taken = store.add_application(world.now, with("second", "a")).await;
    assert!(matches!(taken, Err(WriteError::Taken { .. })), "{taken:?}");
    let mut second = store.add_application(world.now, with("second", "b")).await.unwrap();
    second.settings.jwt_profiles = vec![profile("a")];
    let taken = store.update_application(world.now, second.clone()).await;
    assert!(matches!(taken, Err(WriteError::Taken { .. })), "{taken:?}");
    store.update_application(world.now, first.clone()).await.expect("its own are no others'");
    store.delete_application(world.now, first.id).await.unwrap();
    store.update_application(world.now, second).await.expect("they are free again");
}

pub async fn a_deleted_application_takes_all_that_is_its_own_with_it(store: &dyn Store) {
    let mut world = World::new(store);
    let doomed = world.add_application("doomed").await;
    let other = world.add_application("other").await;
    let own = world.add_webhook(&doomed, |_| ()).await;
    let kept = world.add_webhook(&other, |_| ()).await;
    let owners = [Owner::Application(doomed.id), Owner::Application(other.id), Owner::Operator];
    for (text, owner) in ["doomed", "other", "operator"].into_iter().zip(owners) {
        store.add_token(world.now, new_token(text, owner)).await.unwrap();
    }
    let ids = [world.fire_for(&own).await, world.fire_for(&kept).await];
    let version = store.catalog().await.unwrap().version();
    world.pass_ms(1_000);
    let deleted = store.delete_application(world.now, doomed.id).await.unwrap();
    assert_eq!(deleted, doomed);
    let catalog = store.catalog().await.unwrap();
    assert!(catalog.application(doomed.id).is_none() && catalog.webhook(own.id).is_none());
    assert!(catalog.webhook(kept.id).is_some() && catalog.version() != version);
    assert_eq!(world.ended(ids[0]).await, Some(ReasonCode::ApplicationDeleted));
    assert_eq!(world.claim_ids(9).await, [ids[1]]);
    assert!(store.webhook(own.id).await.unwrap().is_some());
    for (text, revoked_at) in
        [("doomed", Some(world.now.wall)), ("other", None), ("operator", None)]
    {
        let token = store.token(TokenHash::of(text)).await.unwrap().unwrap();
        assert_eq!(token.revoked_at, revoked_at, "{text}");
    }
    let again = store.delete_application(world.now, doomed.id).await;
    assert!(matches!(again, Err(WriteError::NotFound { .. })), "{again:?}");
    let mut orphan = samples::webhook(WebhookId(0), doomed.id);
    orphan.url = own.url.clone();
    let orphan = store.add_webhook(world.now, orphan).await;
    assert!(matches!(orphan, Err(WriteError::NotFound { .. })), "{orphan:?}");
    let token = store.add_token(world.now, new_token("new", Owner::Application(doomed.id))).await;
    assert!(matches!(token, Err(WriteError::NotFound { .. })), "{token:?}");
}

/// A webhook in which everything is set.
fn full_webhook(application: ApplicationId) -> Webhook {
    let vault = Vault::new(&[7; 32]);
    let seal =
        |purpose| vault.seal(&Secret::new(b"a secret of 24 bytes....".to_vec()), [1; 24], purpose);
    let mut variables = JsonObject::new();
    variables.insert("z".to_owned(), serde_json::json!({"b": [1, 2.5, null], "a": "é"}));
    variables.insert("a".to_owned(), true.into());
    Webhook {
        name: "Zürich \"1\"".to_owned(),
        triggers: vec!["UserAdded".parse().unwrap(), "AccountAdded".parse().unwrap()],
        url: "https://example.com/hook?a=1&b=%20".to_owned(),
        endpoint: EndpointId(987),
        queries: Queries {
            common: Some("{ a }".to_owned()),
            by_trigger: [("UserAdded".parse().unwrap(), "{ b }".to_owned())].into(),
        },
        variables,
        keys: vec![SigningKey {
            sealed: seal(KEY_PURPOSE),
            fingerprint: "0123abcd".to_owned(),
            expires_at: Some(samples_elapsed()),
        }],
        timeout_ms: 1_234,
        success: Success::Any2xx,
        retry: RetryPolicy { delays_ms: vec![1_000, 2_000], horizon_ms: 9_000 },
        payload: PayloadMode::Fresh,
        headers: vec![CustomHeader { name: "x-a".to_owned(), sealed: seal(HEADER_PURPOSE) }],
        error_rules: vec![ErrorRule { code: "GONE".to_owned(), action: ErrorAction::Drop }],
        version: 77,
        added_at: Wall(1),
        updated_at: Wall(2),
        ..samples::webhook(WebhookId(999), application)
    }
}

fn samples_elapsed() -> tidings_core::time::Elapsed {
    tidings_core::time::Elapsed(123_456)
}

pub async fn a_webhook_is_kept_as_it_was_given(store: &dyn Store) {
    let world = World::new(store);
    let application = world.add_application("acme").await;
    let given = full_webhook(application.id);
    let added = store.add_webhook(world.now, given.clone()).await.unwrap();
    let expected = Webhook {
        id: added.id,
        endpoint: added.endpoint,
        version: 1,
        added_at: world.now.wall,
        updated_at: world.now.wall,
        ..given
    };
    assert_eq!(added, expected);
    assert_eq!(*world.webhook(added.id).await, expected);
    let catalog = store.catalog().await.unwrap();
    assert_eq!(**catalog.webhook(added.id).unwrap(), expected);
    assert_eq!(store.webhook(WebhookId(added.id.0 + 9)).await.unwrap(), None);
}

pub async fn an_update_replaces_the_version_that_it_was_made_from(store: &dyn Store) {
    let mut world = World::new(store);
    let application = world.add_application("acme").await;
    let other = world.add_application("other").await;
    let added = world.add_webhook(&application, |_| ()).await;
    world.pass_ms(1_000);
    let version = store.catalog().await.unwrap().version();
    let wanted = Webhook {
        id: added.id,
        version: added.version,
        application: other.id,
        ..full_webhook(application.id)
    };
    let updated = store.update_webhook(world.now, wanted.clone()).await.unwrap();
    let expected = Webhook {
        application: application.id,
        endpoint: updated.endpoint,
        version: added.version + 1,
        added_at: added.added_at,
        updated_at: world.now.wall,
        ..wanted.clone()
    };
    assert_eq!(updated, expected);
    assert_ne!(updated.endpoint, added.endpoint, "another url is another endpoint");
    assert_eq!(*world.webhook(added.id).await, expected);
    let catalog = store.catalog().await.unwrap();
    assert_ne!(catalog.version(), version);
    assert_eq!(**catalog.webhook(added.id).unwrap(), expected);
    let stale = store.update_webhook(world.now, wanted.clone()).await;
    assert!(matches!(stale, Err(WriteError::Stale { .. })), "{stale:?}");
    assert_eq!(*world.webhook(added.id).await, expected);
    let unknown = Webhook { id: WebhookId(added.id.0 + 9), ..wanted };
    let unknown = store.update_webhook(world.now, unknown).await;
    assert!(matches!(unknown, Err(WriteError::NotFound { .. })), "{unknown:?}");
}

pub async fn a_deleted_webhook_is_sent_nothing_any_more(store: &dyn Store) {
    let mut world = World::new(store);
    let application = world.add_application("acme").await;
    let doomed = world.add_webhook(&application, |_| ()).await;
    let kept = world.add_webhook(&application, |_| ()).await;
    let done = world.fire_for(&doomed).await;
    let claimed = world.claim_one().await;
    world.record(&claimed, tidings_core::delivery::Step::Finish).await;
    let on_its_way = world.fire_for(&doomed).await;
    let claimed = world.claim_one().await;
    let waiting = world.fire_for(&doomed).await;
    let other = world.fire_for(&kept).await;
    let version = store.catalog().await.unwrap().version();
    let deleted = store.delete_webhook(world.now, doomed.id).await.unwrap();
    assert_eq!(deleted.id, doomed.id);
    for id in [on_its_way, waiting] {
        assert_eq!(world.ended(id).await, Some(ReasonCode::WebhookDeleted));
        assert_eq!(world.view(id).await.delivery.finished_at, Some(world.now.wall));
    }
    let lost = world.record_of(&claimed, tidings_core::delivery::Step::Finish);
    assert!(store.record(world.now, vec![lost]).await.unwrap()[0].is_err());
    assert_eq!(world.view(done).await.delivery.state.reason(), None);
    assert_eq!(world.claim_ids(9).await, [other]);
    let catalog = store.catalog().await.unwrap();
    assert!(catalog.webhook(doomed.id).is_none() && catalog.version() != version);
    let listed = store.webhooks(Default::default(), first(9)).await.unwrap().items;
    assert_eq!(listed.iter().map(|webhook| webhook.id).collect::<Vec<_>>(), [kept.id]);
    assert_eq!(world.webhook(doomed.id).await.id, doomed.id, "deliveries still show it");
    for refused in [
        store.delete_webhook(world.now, doomed.id).await,
        store.update_webhook(world.now, doomed.clone()).await,
    ] {
        assert!(matches!(refused, Err(WriteError::NotFound { .. })), "{refused:?}");
    }
    assert!(store.backlog(world.now, doomed.id).await.is_err());
    assert_eq!(store.cancel_orphans(world.now).await.unwrap(), 0);
}

pub async fn what_a_delete_leaves_is_cancelled_a_thousand_at_a_time(store: &dyn Store) {
    let mut world = World::new(store);
    let webhook = world.one_webhook().await;
    let mut events = Vec::new();
    for _ in 0..2_500 {
        let event = world.new_event();
        events.push(world.matched(event, None).await);
    }
    for chunk in events.chunks(1_000) {
        world.try_append(chunk.to_vec(), None).await.unwrap();
    }
    store.delete_webhook(world.now, webhook.id).await.unwrap();
    assert_eq!(world.claim_ids(50).await, [], "none is given out once the delete was answered");
    assert_eq!(store.stats(world.now).await.unwrap().waiting, 1_500);
    let mut counts = Vec::new();
    for _ in 0..3 {
        counts.push(store.cancel_orphans(world.now).await.unwrap());
    }
    assert_eq!(counts, [1_000, 500, 0]);
    assert_eq!(store.stats(world.now).await.unwrap().waiting, 0);
    let last = tidings_core::ids::DeliveryId::new(events[2_499].event.id, webhook.id, 0);
    assert_eq!(world.ended(last).await, Some(ReasonCode::WebhookDeleted));
}

pub async fn a_trigger_has_a_bounded_number_of_listeners(store: &dyn Store) {
    let world = World::new(store);
    let application = world.add_application("acme").await;
    let mut webhook = samples::webhook(WebhookId(0), application.id);
    let mut last = None;
    for _ in 0..WEBHOOKS_PER_TRIGGER_MAX / 100 {
        let adding = (0..100).map(|_| store.add_webhook(world.now, webhook.clone()));
        for added in futures_util::future::join_all(adding).await {
            last = Some(added.unwrap());
        }
    }
    let last = last.expect("some were added");
    let full = store.add_webhook(world.now, webhook.clone()).await;
    assert!(matches!(full, Err(WriteError::Full { .. })), "{full:?}");
    webhook.triggers = vec!["UserAdded".parse().unwrap()];
    let elsewhere = store.add_webhook(world.now, webhook.clone()).await.unwrap();
    let moved = Webhook { triggers: last.triggers.clone(), ..elsewhere };
    let full = store.update_webhook(world.now, moved.clone()).await;
    assert!(matches!(full, Err(WriteError::Full { .. })), "{full:?}");
    // One that listens already may be changed, and one that goes makes room.
    let renamed = Webhook { name: "renamed".to_owned(), ..last };
    let renamed = store.update_webhook(world.now, renamed).await.unwrap();
    store.delete_webhook(world.now, renamed.id).await.unwrap();
    store.update_webhook(world.now, moved).await.unwrap();
}

pub async fn the_catalog_stays_at_its_version_while_nothing_changes(store: &dyn Store) {
    let mut world = World::new(store);
    let webhook = world.one_webhook().await;
    let version = store.catalog().await.unwrap().version();
    world.fire().await;
    let claimed = world.claim_one().await;
    world.record(&claimed, tidings_core::delivery::Step::Finish).await;
    let token = new_token("a", Owner::Application(webhook.application));
    store.add_token(world.now, token).await.unwrap();
    assert_eq!(store.catalog().await.unwrap().version(), version);
    let paused = world.set_status(webhook.id, Status::Paused).await;
    let catalog = store.catalog().await.unwrap();
    assert_ne!(catalog.version(), version);
    assert_eq!(**catalog.webhook(webhook.id).unwrap(), paused, "paused ones still hear events");
    assert_eq!(catalog.listeners(&paused.source, &paused.triggers[0]).len(), 1);
}
