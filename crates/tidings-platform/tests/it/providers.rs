//! Providers: everyone reads them, the operator writes them.

use serde_json::{Value, json};
use tidings_platform::sample::{ENERGY_SWITCH, PROVIDER};

use crate::support::{World, operator};

const SHOWN: &str = "__typename
    ... on Provider { code name sector capabilities { automatedDataCollection quickCheck } }
    ... on OperationFailure { code description problems { path } }";

async fn add(world: &World, code: &str, sector: &str, collects: bool, quick: bool) -> Value {
    let capabilities = json!({ "automatedDataCollection": collects, "quickCheck": quick });
    let name = code.to_uppercase();
    let input =
        json!({ "code": code, "name": name, "sector": sector, "capabilities": capabilities });
    let query = format!(
        "mutation($input: AddProviderInput!) {{ addProvider(input: $input) {{ {SHOWN} }} }}"
    );
    world.get(operator(), &query, json!({ "input": input })).await
}

#[tokio::test]
async fn providers_are_found_by_what_they_offer() {
    let world = World::empty().await;
    let sse = add(&world, "sse_sse", "ENERGY", true, false).await;
    let capabilities = json!({ "automatedDataCollection": true, "quickCheck": false });
    let expected = json!({
        "__typename": "Provider", "code": "sse_sse", "name": "SSE_SSE", "sector": "ENERGY",
        "capabilities": capabilities,
    });
    assert_eq!(sse, expected);
    add(&world, "bt_bt", "BROADBAND", false, true).await;
    add(&world, "thames_thames", "WATER", true, true).await;
    for (arguments, codes) in [
        ("", json!(["bt_bt", "sse_sse", "thames_thames"])),
        ("(quickCheckSupported: true)", json!(["bt_bt", "thames_thames"])),
        ("(quickCheckSupported: false)", json!(["sse_sse"])),
        (
            "(automatedDataCollectionSupported: true, quickCheckSupported: true)",
            json!(["thames_thames"]),
        ),
        ("(sector: BROADBAND)", json!(["bt_bt"])),
        ("(sector: TV)", json!([])),
    ] {
        let query = format!("{{ getProviders{arguments} {{ code }} }}");
        let found = world.get(world.other(), &query, Value::Null).await;
        let found: Vec<&Value> = found.as_array().unwrap().iter().map(|it| &it["code"]).collect();
        assert_eq!(json!(found), codes, "{arguments}");
    }
}

#[tokio::test]
async fn more_providers_than_fit_a_page_are_all_listed() {
    let world = World::empty().await;
    for number in 0..203 {
        add(&world, &format!("group_{number}"), "OTHER", false, false).await;
    }
    let found = world.get(world.acme(), "{ getProviders { code } }", Value::Null).await;
    assert_eq!(found.as_array().unwrap().len(), 203);
}

#[tokio::test]
async fn only_the_operator_writes_providers() {
    let world = World::sampled().await;
    for mutation in [
        format!("deleteProvider(code: \"{PROVIDER}\")"),
        format!("updateProvider(code: \"{PROVIDER}\", input: {{ name: \"Mine\" }})"),
        "addProvider(input: { code: \"a_a\", name: \"A\", sector: OTHER,
            capabilities: { automatedDataCollection: true, quickCheck: true } })"
            .to_owned(),
    ] {
        let query = format!("mutation {{ {mutation} {{ {SHOWN} }} }}");
        let text = world.check_failure(world.acme(), &query, "NOT_PERMITTED").await;
        assert!(text.contains("operator's token"), "{text}");
    }
    let query = format!("{{ getProvider(code: \"{PROVIDER}\") {{ name }} }}");
    assert_eq!(world.get(world.acme(), &query, Value::Null).await["name"], "PFP Energy");
}

#[tokio::test]
async fn a_provider_is_changed_deleted_and_added_again() {
    let world = World::sampled().await;
    let update = |input: &str| {
        format!(
            "mutation {{ updateProvider(code: \"{PROVIDER}\", input: {{ {input} }}) {{ {SHOWN} }} \
             }}"
        )
    };
    let changed = world.get(operator(), &update("name: \"PFP\", sector: OTHER"), Value::Null).await;
    assert_eq!((&changed["name"], &changed["sector"]), (&json!("PFP"), &json!("OTHER")));
    assert_eq!(changed["capabilities"]["quickCheck"], true);
    let refused = world.get(operator(), &update("name: null"), Value::Null).await;
    assert_eq!(refused["problems"], json!([{ "path": "/input/name" }]));
    assert_eq!(add(&world, PROVIDER, "ENERGY", true, true).await["code"], "CONFLICT");

    let delete = format!("mutation {{ deleteProvider(code: \"{PROVIDER}\") {{ {SHOWN} }} }}");
    assert_eq!(world.get(operator(), &delete, Value::Null).await["name"], "PFP");
    world.check_failure(operator(), &delete, "NOT_FOUND").await;
    world.check_failure(operator(), &update("name: \"X\""), "NOT_FOUND").await;
    let get = format!("{{ getProvider(code: \"{PROVIDER}\") {{ name }} }}");
    assert_eq!(world.get(world.acme(), &get, Value::Null).await, Value::Null);
    let switch = format!(
        "{{ getEnergySwitch(id: \"{ENERGY_SWITCH}\") {{ ... on EnergySwitch {{ provider {{ name \
         }} }} }} }}"
    );
    let switch = world.get(world.acme(), &switch, Value::Null).await;
    assert_eq!(switch["provider"]["name"], "PFP");

    assert_eq!(add(&world, PROVIDER, "ENERGY", true, true).await["sector"], "ENERGY");
    assert_eq!(world.fired().await, ["UserAdded", "EnergySwitchAdded"]);
}
