//! What a mutation changes, and what it fires in the same commit.

use async_graphql::{ID, MaybeUndefined};
use serde_json::{Value, json};
use tidings_core::ids::ApplicationId;
use tidings_platform::{
    domain::{Body, User},
    sample::{self, ENERGY_SWITCH, PROVIDER, USER},
    writer::EnergySwitchChange,
};
use tidings_store::{Append, AppendError, EntityChange, Store, StoreError};

use crate::support::{Upset, World, data, operator};

const FAILURE: &str = "__typename ... on OperationFailure { code description problems { path } }";

/// Checks the last event: its trigger, entity and application, and that acme's webhook alone hears
/// it.
async fn check_fired(world: &World, trigger: &str, entity: &str) {
    let events = world.events().await;
    let (event, deliveries) = events.last().unwrap();
    assert_eq!((event.trigger.as_str(), event.entity.as_str()), (trigger, entity));
    assert_eq!(event.application, Some(world.acme.id));
    assert_eq!((event.source.as_str(), event.test), ("platform", false));
    let applications: Vec<ApplicationId> =
        deliveries.iter().map(|delivery| delivery.webhook.application).collect();
    assert_eq!(applications, [world.acme.id]);
}

async fn world_with_webhooks(trigger: &str) -> World {
    let world = World::sampled().await;
    world.add_webhook(world.acme.id, trigger).await;
    world.add_webhook(world.other.id, trigger).await;
    world
}

#[tokio::test]
async fn adding_a_user_fires_user_added_for_its_application() {
    let world = world_with_webhooks("UserAdded").await;
    let query = "mutation($reference: String) { addUser(reference: $reference) {
        __typename ... on User { id tenantId reference added updated } } }";
    let user = world.get(world.acme(), query, json!({ "reference": "customer 7" })).await;
    assert_eq!(user["__typename"], "User");
    assert_eq!((&user["reference"], &user["tenantId"]), (&json!("customer 7"), &Value::Null));
    assert_eq!(
        (&user["added"], &user["updated"]),
        (&json!("2021-02-17T08:48:47.284Z"), &user["added"])
    );
    let id = user["id"].as_str().unwrap();
    assert!(id.len() == 24 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    check_fired(&world, "UserAdded", id).await;
    let again = world.get(world.acme(), query, json!({})).await;
    assert_ne!(again["id"], user["id"]);
    assert_eq!(again["reference"], Value::Null);
}

#[tokio::test]
async fn deleting_a_user_gives_it_as_it_was_takes_its_switches_and_fires_user_deleted() {
    let world = world_with_webhooks("UserDeleted").await;
    let query =
        format!("mutation {{ deleteUser(id: \"{USER}\") {{ ... on User {{ id }} {FAILURE} }} }}");
    world.check_failure(world.other(), &query, "NOT_FOUND").await;
    let user = world.get(world.acme(), &query, Value::Null).await;
    assert_eq!(user["id"], USER);
    check_fired(&world, "UserDeleted", USER).await;
    world.check_failure(world.acme(), &query, "NOT_FOUND").await;
    let switch = format!("{{ getEnergySwitch(id: \"{ENERGY_SWITCH}\") {{ {FAILURE} }} }}");
    world.check_failure(world.acme(), &switch, "NOT_FOUND").await;
    let stored = data(world.run(&world.acme, sample::MINIMAL_QUERY, ENERGY_SWITCH).await);
    assert!(stored.contains("OperationFailure"), "{stored}");
    assert_eq!(world.fired().await, ["UserAdded", "EnergySwitchAdded", "UserDeleted"]);
}

#[tokio::test]
async fn a_user_with_more_switches_than_fit_a_commit_is_deleted_with_all_of_them() {
    let world = World::sampled().await;
    for number in 0..450 {
        let mut switch = sample::energy_switch();
        switch.id = Some(ID(format!("{number:024x}")));
        world.writer.add_energy_switch(world.acme.id, switch).await.unwrap();
    }
    world.writer.delete_user(world.acme.id, USER).await.unwrap();
    let query = "{ getEnergySwitches { items { id } hasNextPage } }";
    let page = world.get(world.acme(), query, Value::Null).await;
    assert_eq!(page, json!({ "items": [], "hasNextPage": false }));
    let deleted = world.fired().await.iter().filter(|name| *name == "UserDeleted").count();
    assert_eq!(deleted, 1);
}

#[tokio::test]
async fn adding_a_switch_fires_energy_switch_added() {
    let world = World::peopled().await;
    world.add_webhook(world.acme.id, "EnergySwitchAdded").await;
    let input = json!({
        "user": USER, "provider": PROVIDER, "fuelType": "Elec", "fuelsSwitched": 1,
    });
    let query = "mutation($input: AddEnergySwitchInput!) { addEnergySwitch(input: $input) {
        __typename ... on EnergySwitch { id date user { id } provider { name } postcode
        savings { amount } updated
        commission { fuelsWaitingForUpdate fuelsWithCommissionExpected statusDate status } } } }";
    let mut switch = world.get(world.acme(), query, json!({ "input": input })).await;
    let id = switch.as_object_mut().unwrap().remove("id").unwrap();
    let now = "2021-02-17T08:48:47.284Z";
    assert_eq!(
        switch,
        json!({
            "__typename": "EnergySwitch", "date": now, "user": { "id": USER },
            "provider": { "name": "PFP Energy" }, "postcode": null, "savings": null,
            "commission": {
                "fuelsWaitingForUpdate": 1, "fuelsWithCommissionExpected": 0,
                "statusDate": now, "status": "waitingForUpdate",
            },
            "updated": now,
        })
    );
    check_fired(&world, "EnergySwitchAdded", id.as_str().unwrap()).await;
}

#[tokio::test]
async fn a_switch_whose_id_is_taken_in_the_application_is_a_conflict_and_fires_nothing() {
    let world = World::sampled().await;
    let before = world.fired().await;
    let add = sample::energy_switch;
    let refused = world.writer.add_energy_switch(world.acme.id, add()).await.unwrap_err();
    assert_eq!(refused.failure.code().as_str(), "CONFLICT");
    world.writer.delete_user(world.acme.id, USER).await.unwrap();
    let refused = world.writer.add_energy_switch(world.acme.id, add()).await.unwrap_err();
    assert_eq!(refused.failure.code().as_str(), "CONFLICT");
    assert_eq!(world.fired().await.len(), before.len() + 1);
    sample::add_people(&world.writer, world.other.id).await.unwrap();
    world.writer.add_energy_switch(world.other.id, add()).await.unwrap();
}

const UPDATE: &str = "mutation($input: UpdateEnergySwitchInput!) {
    updateEnergySwitch(id: \"602cd86f3755d621aff583ee\", input: $input) {
        __typename
        ... on EnergySwitch { postcode tariffName projectedSpend { amount } fuelsSwitched updated
            commission { fuelsWaitingForUpdate fuelsWithCommissionReceived statusDate status } }
        ... on OperationFailure { code description problems { path } } } }";

#[tokio::test]
async fn an_update_keeps_what_is_left_out_clears_what_is_null_and_fires() {
    let world = world_with_webhooks("EnergySwitchUpdated").await;
    world.pass_ms(1_000);
    let input = json!({
        "postcode": null,
        "projectedSpend": { "currency": "GBP", "amount": 0.30000000000000004 },
        "commission": {
            "fuelsWaitingForUpdate": 0, "fuelsWithSwitchTerminated": 0,
            "fuelsWithCommissionExpected": 0, "fuelsWithCommissionReceived": 2,
            "statusDate": "2018-02-01T01:00:00+01:00", "status": "commissionReceived",
        },
    });
    let switch = world.get(world.acme(), UPDATE, json!({ "input": input })).await;
    let expected = json!({
        "__typename": "EnergySwitch", "postcode": null,
        "tariffName": "PFP Energy - Green Variable v1 Paperless",
        "projectedSpend": { "amount": 0.30000000000000004 }, "fuelsSwitched": 2,
        "updated": "2021-02-17T08:48:48.284Z",
        "commission": {
            "fuelsWaitingForUpdate": 0, "fuelsWithCommissionReceived": 2,
            "statusDate": "2018-02-01T00:00:00.000Z", "status": "commissionReceived",
        },
    });
    assert_eq!(switch, expected);
    check_fired(&world, "EnergySwitchUpdated", ENERGY_SWITCH).await;
    let query = "query($id: ID!) { getEnergySwitch(id: $id) { ... on EnergySwitch { \
        projectedSpend { amount } } } }";
    let stored = data(world.run(&world.acme, query, ENERGY_SWITCH).await);
    assert!(stored.contains("0.30000000000000004"), "{stored}");
}

#[tokio::test]
async fn an_update_that_changes_nothing_fires_nothing_and_touches_nothing() {
    let world = world_with_webhooks("EnergySwitchUpdated").await;
    let before = world.fired().await;
    world.pass_ms(1_000);
    for input in [json!({}), json!({ "postcode": "OX184EN", "fuelsSwitched": 2 })] {
        let switch = world.get(world.acme(), UPDATE, json!({ "input": input })).await;
        assert_eq!(switch["updated"], "2021-02-17T08:48:47.284Z");
    }
    assert_eq!(world.fired().await, before);
    let cleared = json!({ "input": { "commission": null } });
    let switch = world.get(world.acme(), UPDATE, cleared.clone()).await;
    assert_eq!(switch["commission"]["status"], "waitingForUpdate");
    assert_eq!(switch["commission"]["fuelsWaitingForUpdate"], 2);
    world.get(world.acme(), UPDATE, cleared).await;
    assert_eq!(world.fired().await.len(), before.len() + 1);
}

#[tokio::test]
async fn another_application_cannot_change_what_it_cannot_see() {
    let world = World::sampled().await;
    let before = world.fired().await;
    let input = json!({ "input": { "postcode": null } });
    let failure = world.get(world.other(), UPDATE, input).await;
    assert_eq!(failure["code"], "NOT_FOUND");
    assert_eq!(world.fired().await, before);
}

#[tokio::test]
async fn the_operators_token_is_told_to_use_an_applications() {
    let world = World::sampled().await;
    for query in [
        format!("mutation {{ addUser {{ {FAILURE} }} }}"),
        format!("mutation {{ deleteUser(id: \"{USER}\") {{ {FAILURE} }} }}"),
    ] {
        let text = world.check_failure(operator(), &query, "NOT_PERMITTED").await;
        assert!(text.contains("use a token of that application"), "{text}");
    }
}

fn an_update() -> EnergySwitchChange {
    let tariff_name = MaybeUndefined::Value("Another".to_owned());
    EnergySwitchChange { tariff_name, ..EnergySwitchChange::default() }
}

async fn touch_of(world: &World, kind: &str, id: &str) -> Upset {
    let application = Some(world.acme.id);
    let found = world.store.entities(application, kind, vec![id.to_owned()]).await.unwrap();
    let change = EntityChange {
        application,
        kind: kind.to_owned(),
        id: id.to_owned(),
        expected_version: Some(found[0].version),
        body: found[0].body.replace("OX184EN", "OX1"),
        deleted: false,
        links: Vec::new(),
        forget_at: None,
    };
    let catalog_version = world.store.catalog().await.unwrap().version();
    let other = Append { changes: vec![change], ..Append::of(catalog_version, Vec::new()) };
    Upset::First(Box::new(other))
}

#[tokio::test]
async fn a_change_by_someone_else_at_the_same_moment_is_kept() {
    let world = World::sampled().await;
    let touch = touch_of(&world, "EnergySwitch", ENERGY_SWITCH).await;
    world.ingest.upsets.lock().unwrap().push_back(touch);
    let written =
        world.writer.update_energy_switch(world.acme.id, ENERGY_SWITCH, an_update()).await.unwrap();
    assert_eq!(written.entity.body.postcode.as_deref(), Some("OX1"));
    assert_eq!(written.entity.body.tariff_name.as_deref(), Some("Another"));
    let updates = world.fired().await.iter().filter(|name| *name == "EnergySwitchUpdated").count();
    assert_eq!(updates, 1);
}

#[tokio::test]
async fn a_catalog_that_changed_is_matched_again() {
    let world = World::sampled().await;
    let stale = || Upset::Refused(AppendError::StaleCatalog);
    world.ingest.upsets.lock().unwrap().extend([stale(), stale()]);
    let written = world.writer.delete_user(world.acme.id, USER).await.unwrap();
    assert!(written.event.is_some());
}

#[tokio::test]
async fn changes_that_never_meet_a_quiet_moment_end_and_say_so() {
    let world = World::sampled().await;
    let conflict = || AppendError::EntityConflict { kind: User::KIND.into(), id: USER.into() };
    let refuse = |error: &dyn Fn() -> AppendError, count: usize| {
        let errors = (0..count).map(|_| Upset::Refused(error()));
        let mut upsets = world.ingest.upsets.lock().unwrap();
        upsets.clear();
        upsets.extend(errors);
    };
    let unknown =
        || AppendError::Store(StoreError::Unknown { operation: "append", cause: "lost".into() });
    let unavailable = || {
        AppendError::Store(StoreError::Unavailable { operation: "append", cause: "full".into() })
    };
    for (error, count, code, part) in [
        (&conflict as &dyn Fn() -> AppendError, 8, "CONFLICT", "at the same moment"),
        (&|| AppendError::StaleCatalog, 8, "UNAVAILABLE", "nothing was changed"),
        (&unknown, 1, "UNAVAILABLE", "did not say whether"),
        (&unavailable, 1, "UNAVAILABLE", "nothing was changed"),
    ] {
        refuse(error, count);
        let refused = world.writer.delete_user(world.acme.id, USER).await.unwrap_err();
        assert_eq!(refused.failure.code().as_str(), code);
        let text = refused.failure.text(tidings_graphql::Locale::EnGb);
        assert!(text.contains(part), "{text}");
    }
    assert_eq!(world.fired().await, ["UserAdded", "EnergySwitchAdded"]);
}

#[tokio::test]
async fn the_sample_can_be_added_again_without_firing_again() {
    let world = World::sampled().await;
    sample::add_people(&world.writer, world.acme.id).await.unwrap();
    let again = sample::add_energy_switch(&world.writer, world.acme.id).await.unwrap();
    assert_eq!(again, None);
    assert_eq!(world.fired().await, ["UserAdded", "EnergySwitchAdded"]);
}
