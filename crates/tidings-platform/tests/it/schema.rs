//! The schema: what it offers, and that all of it is explained.

use async_graphql::{EmptySubscription, MergedObject, Object, Schema};
use serde_json::Value;
use tidings_platform::{
    PlatformMutation, PlatformQuery,
    schema::{query_sdl, sdl},
};

use crate::support::World;

#[test]
fn the_schema_has_the_shapes_that_were_agreed() {
    let sdl = sdl();
    for part in [
        "getAuthorisedUser: AuthorisedUser!",
        "union GetUserResult = User | OperationFailure",
        "union GetEnergySwitchResult = EnergySwitch | OperationFailure",
        "union AddUserResult = User | OperationFailure",
        "union DeleteUserResult = User | OperationFailure",
        "union AddEnergySwitchResult = EnergySwitch | OperationFailure",
        "union UpdateEnergySwitchResult = EnergySwitch | OperationFailure",
        "input AddEnergySwitchInput",
        "input UpdateEnergySwitchInput",
        "input MoneyInput",
        "input CommissionInput",
        "type UserPage",
        "type EnergySwitchPage",
        "first: Int = 50",
        "projectedSpend: Money",
        "amount: Float!",
        "fuelsSwitched: Int!",
        "commission: Commission!",
        "statusDate: DateTime!",
        "deleted: [ID!]!",
        "scope: [String!]!",
        "locale: Locale! = en_GB",
        "waitingForUpdate",
        "Elecgas",
    ] {
        assert!(sdl.contains(part), "{part} is not in\n{sdl}");
    }
    for absent in ["Account", "Document", "ToDo", "Provision", "Webhook"] {
        let names = sdl.lines().filter(|line| !line.contains('"'));
        let found = names.filter(|line| line.starts_with("type ") && line.contains(absent));
        assert_eq!(found.count(), 0, "{absent}");
    }
}

#[test]
fn what_stored_queries_see_can_change_nothing() {
    let sdl = query_sdl();
    for absent in ["Mutation", "AddUserResult", "Input"] {
        assert!(!sdl.contains(absent), "{absent} is in\n{sdl}");
    }
}

struct Another;

/// Something else that the same schema serves.
#[Object]
impl Another {
    /// Something else.
    async fn something_else(&self) -> bool {
        true
    }
}

#[derive(MergedObject)]
#[graphql(name = "Query")]
struct Merged(PlatformQuery, Another);

#[derive(MergedObject)]
#[graphql(name = "Mutation")]
struct MergedMutation(PlatformMutation, Another);

#[test]
fn the_platforms_objects_can_be_merged_with_others() {
    let query = Merged(PlatformQuery::default(), Another);
    let mutation = MergedMutation(PlatformMutation::default(), Another);
    let sdl = Schema::new(query, mutation, EmptySubscription).sdl();
    assert!(sdl.contains("somethingElse") && sdl.contains("getEnergySwitch("), "{sdl}");
    assert_eq!(sdl.matches("type Query ").count(), 1);
    for absent in ["UserQuery", "UserMutation", "PlatformQuery", "PlatformMutation", "Another"] {
        assert!(!sdl.contains(absent), "{absent} is in\n{sdl}");
    }
}

fn check_described(path: &str, thing: &Value) {
    let text = thing["description"].as_str().unwrap_or_default();
    assert!(!text.trim().is_empty(), "{path} has no description");
}

#[tokio::test]
async fn every_type_field_and_argument_is_described() {
    let world = World::empty().await;
    let query = "{ __schema { types { name kind description
        fields { name description args { name description } }
        inputFields { name description } enumValues { name description } } } }";
    let schema = world.get(world.acme(), query, Value::Null).await;
    for of_type in schema["types"].as_array().unwrap() {
        let name = of_type["name"].as_str().unwrap();
        if name.starts_with("__") || name == "ID" {
            continue; // GraphQL's own
        }
        check_described(name, of_type);
        for list in ["fields", "inputFields", "enumValues"] {
            for field in of_type[list].as_array().into_iter().flatten() {
                let path = format!("{name}.{}", field["name"]);
                check_described(&path, field);
                for argument in field["args"].as_array().into_iter().flatten() {
                    check_described(&format!("{path}({})", argument["name"]), argument);
                }
            }
        }
    }
}
