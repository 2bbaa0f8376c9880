//! Stored queries, as a delivery runs them.

use serde_json::Value;
use tidings_core::access::{Scope, ScopeSet};
use tidings_platform::{
    sample::{COMMISSION_QUERY, ENERGY_SWITCH, FULL_QUERY, MINIMAL_QUERY, PROVIDER, USER},
    schema::query_sdl,
};
use tidings_query::{
    ProvidedVariables, SourceSchema, check,
    source::{Executed, Source},
};

use crate::support::{World, data};

/// What the published documentation shows, key for key and digit for digit.
const FULL_DATA: &str = r#"{
    "getEnergySwitch": {
      "__typename": "EnergySwitch",
      "id": "602cd86f3755d621aff583ee",
      "date": "2018-01-01T00:00:00.000Z",
      "user": {
        "id": "5e33114d08cb368661c5108d",
        "tenantId": null
      },
      "userSwitchReferenceId": "E123456",
      "postcode": "OX184EN",
      "provider": {
        "code": "pfp-energy_pfp-energy",
        "name": "PFP Energy"
      },
      "tariffName": "PFP Energy - Green Variable v1 Paperless",
      "projectedSpend": {
        "currency": "GBP",
        "amount": 123.540000915527
      },
      "savings": {
        "currency": "GBP",
        "amount": 228.449996948242
      },
      "fuelType": "Elecgas",
      "fuelsSwitched": 2,
      "commission": {
        "fuelsWaitingForUpdate": 0,
        "fuelsWithSwitchTerminated": 0,
        "fuelsWithCommissionExpected": 2,
        "fuelsWithCommissionReceived": 0,
        "statusDate": "2018-01-22T00:00:00.000Z",
        "status": "commissionExpected"
      }
    }
  }"#;

fn without_white_space_outside_strings(text: &str) -> String {
    let mut inside = false;
    let keep = |letter: &char| {
        inside ^= *letter == '"';
        inside || !letter.is_whitespace()
    };
    text.chars().filter(keep).collect()
}

#[tokio::test]
async fn the_full_query_gives_the_published_data_key_for_key() {
    let world = World::sampled().await;
    let found = data(world.run(&world.acme, FULL_QUERY, ENERGY_SWITCH).await);
    assert_eq!(found, without_white_space_outside_strings(FULL_DATA));
}

#[tokio::test]
async fn the_other_recommended_queries_give_their_part_of_it() {
    let world = World::sampled().await;
    let full: Value = serde_json::from_str(FULL_DATA).unwrap();
    let full = &full["getEnergySwitch"];
    for (query, keys) in [
        (MINIMAL_QUERY, vec!["__typename", "id", "date"]),
        (COMMISSION_QUERY, vec!["__typename", "id", "commission"]),
    ] {
        let found = data(world.run(&world.acme, query, ENERGY_SWITCH).await);
        let found: Value = serde_json::from_str(&found).unwrap();
        let found = found["getEnergySwitch"].as_object().unwrap();
        assert_eq!(found.keys().collect::<Vec<_>>(), keys);
        assert!(found.iter().all(|(key, value)| full[key] == *value), "{found:?}");
    }
}

#[tokio::test]
async fn the_recommended_queries_are_valid_against_the_schema_and_management_types_are_unknown() {
    let world = World::empty().await;
    let schema = world.source.schema();
    let variables = ProvidedVariables::none();
    for query in [FULL_QUERY, MINIMAL_QUERY, COMMISSION_QUERY] {
        check(&schema, query, &variables).unwrap();
    }
    for query in ["{ getWebhooks { items { id } } }", "mutation { addUser { __typename } }"] {
        assert!(check(&schema, query, &variables).is_err(), "{query}");
    }
    SourceSchema::parse("", &query_sdl()).unwrap();
}

#[tokio::test]
async fn the_source_says_where_it_is_and_which_triggers_it_fires() {
    let world = World::empty().await;
    let info = world.source.info();
    assert_eq!(info.name.as_str(), "platform");
    assert_eq!(info.api, "https://api.example.com/v1/graphql");
    for trigger in [
        "UserAdded",
        "UserDeleted",
        "AccountAdded",
        "AccountUpdated",
        "AccountDeleted",
        "ProvisionAdded",
        "ProvisionUpdated",
        "DocumentAdded",
        "ToDoAdded",
        "ToDoDone",
        "EnergySwitchAdded",
        "EnergySwitchUpdated",
    ] {
        assert!(info.triggers.has(&trigger.parse().unwrap()), "{trigger}");
    }
    assert!(!info.triggers.has(&"AccountClosed".parse().unwrap()));
}

#[tokio::test]
async fn a_query_sees_only_what_belongs_to_its_own_application() {
    let world = World::sampled().await;
    let found = data(world.run(&world.other, FULL_QUERY, ENERGY_SWITCH).await);
    let found: Value = serde_json::from_str(&found).unwrap();
    assert_eq!(found["getEnergySwitch"]["__typename"], "OperationFailure");
    let text = found["getEnergySwitch"]["description"].as_str().unwrap();
    assert!(text.contains("There is no energy switch `602cd86f3755d621aff583ee`"), "{text}");
}

#[tokio::test]
async fn a_query_has_the_rights_that_the_application_has_now() {
    let mut world = World::sampled().await;
    world.acme.scopes = [Scope::FireTriggers].into_iter().collect::<ScopeSet>();
    let query = "query($id: ID!) { getEnergySwitch(id: $id) {
        ... on OperationFailure { code description(locale: cy_GB) } } }";
    let found = data(world.run(&world.acme, query, ENERGY_SWITCH).await);
    let found: Value = serde_json::from_str(&found).unwrap();
    assert_eq!(found["getEnergySwitch"]["code"], "NOT_PERMITTED");
    let text = found["getEnergySwitch"]["description"].as_str().unwrap();
    assert!(text.contains("Mae angen yr hawl `read:accounts`"), "{text}");
}

#[tokio::test]
async fn a_store_that_cannot_be_used_is_a_source_that_is_down_and_delivers_nothing() {
    let world = World::sampled().await;
    world.store.set_down(true);
    for query in [FULL_QUERY, "query($id: ID!) { getProvider(code: $id) { name } }"] {
        match world.run(&world.acme, query, ENERGY_SWITCH).await {
            Executed::Down { why, wait_ms: None } => assert!(why.contains("the disk is gone")),
            other => panic!("{other:?}"),
        }
    }
    world.store.set_down(false);
    data(world.run(&world.acme, FULL_QUERY, ENERGY_SWITCH).await);
}

#[tokio::test]
async fn what_cannot_run_is_answered_with_errors() {
    let world = World::sampled().await;
    let deep = format!("{{ a{} }}", "{ a".repeat(20) + &"}".repeat(20));
    let queries = [
        "{",
        "mutation { addUser { __typename } }",
        "{ getProviders(sector: CHEESE) { name } }",
        &deep,
    ];
    for query in queries {
        match world.run(&world.acme, query, ENERGY_SWITCH).await {
            Executed::Answered(response) => {
                assert!(response.data.is_none() && !response.errors.is_empty(), "{query}");
                let raw: Value = serde_json::from_str(response.errors[0].raw.get()).unwrap();
                assert_eq!(raw["message"], response.errors[0].message);
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(world.fired().await, ["UserAdded", "EnergySwitchAdded"]);
}

#[tokio::test]
async fn the_source_knows_the_owners_of_an_entity() {
    let world = World::sampled().await;
    for (trigger, id, expected) in [
        ("EnergySwitchUpdated", ENERGY_SWITCH, vec![world.acme.id]),
        ("UserDeleted", USER, vec![world.acme.id]),
        ("UserAdded", ENERGY_SWITCH, vec![]),
        ("SomethingElse", USER, vec![]),
    ] {
        let (name, entity) = (trigger.parse().unwrap(), id.parse().unwrap());
        assert_eq!(world.source.owners(&name, &entity).await.unwrap(), expected, "{trigger}");
    }
    assert!(
        world
            .source
            .owners(&"UserAdded".parse().unwrap(), &PROVIDER.parse().unwrap())
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn an_object_of_which_nothing_was_selected_is_empty_and_not_null() {
    let world = World::sampled().await;
    let skipped = "query($id: ID!) { getEnergySwitch(id: $id) { ... on EnergySwitch { \
                   id @skip(if: true) commission { status @skip(if: true) } } } }";
    let other = "query($id: ID!) { getEnergySwitch(id: $id) { ... on OperationFailure { code } } }";
    for (query, wanted) in [
        (skipped, r#"{"getEnergySwitch":{"commission":{}}}"#),
        (other, r#"{"getEnergySwitch":{}}"#),
    ] {
        assert_eq!(data(world.run(&world.acme, query, ENERGY_SWITCH).await), wanted, "{query}");
    }
    let unknown = "query($id: ID!) { getEnergySwitch(id: $id) { ... on EnergySwitch { id } } }";
    let answer = data(world.run(&world.acme, unknown, "000000000000000000000000").await);
    assert_eq!(answer, r#"{"getEnergySwitch":{}}"#);
}
