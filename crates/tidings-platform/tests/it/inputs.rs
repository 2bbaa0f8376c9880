//! What inputs may hold: each problem names its field.

use serde_json::{Value, json};
use tidings_platform::sample::{ENERGY_SWITCH, PROVIDER, USER};

use crate::support::{World, operator};

const FAILURE: &str = "__typename ... on OperationFailure { code problems { path message } }";

/// The paths of the problems that a mutation met; empty when it met none.
async fn problems(world: &World, mutation: &str, variables: Value) -> (String, Vec<String>) {
    let operator_only = mutation.contains("Provider");
    let viewer = if operator_only { operator() } else { world.acme() };
    let found = world.get(viewer, mutation, variables).await;
    let problems = found["problems"].as_array().cloned().unwrap_or_default();
    for problem in &problems {
        assert!(problem["message"].as_str().unwrap().len() > 10, "{problem}");
    }
    let path = |problem: &Value| problem["path"].as_str().unwrap().to_owned();
    let code = found["code"].as_str().unwrap_or_default().to_owned();
    (code, problems.iter().map(path).collect())
}

fn with(base: &Value, field: &str, value: Value) -> Value {
    let mut input = base.clone();
    input[field] = value;
    input
}

fn money(currency: &str, amount: f64) -> Value {
    json!({ "currency": currency, "amount": amount })
}

fn commission(waiting: i32) -> Value {
    json!({
        "fuelsWaitingForUpdate": waiting, "fuelsWithSwitchTerminated": 0,
        "fuelsWithCommissionExpected": 101, "fuelsWithCommissionReceived": 0,
        "statusDate": "2018-01-22T00:00:00.000Z", "status": "commissionExpected",
    })
}

fn wrong_fields() -> Vec<(&'static str, Value, Vec<&'static str>)> {
    vec![
        ("userSwitchReferenceId", json!(""), vec!["/input/userSwitchReferenceId"]),
        ("userSwitchReferenceId", json!("x".repeat(257)), vec!["/input/userSwitchReferenceId"]),
        ("tariffName", json!("a\nb"), vec!["/input/tariffName"]),
        ("tariffName", json!("a\u{0}"), vec!["/input/tariffName"]),
        ("postcode", json!(""), vec!["/input/postcode"]),
        ("postcode", json!(" OX18"), vec!["/input/postcode"]),
        ("postcode", json!("OX18\n4EN"), vec!["/input/postcode"]),
        ("postcode", json!("A".repeat(17)), vec!["/input/postcode"]),
        ("projectedSpend", money("gbp", 1.0), vec!["/input/projectedSpend/currency"]),
        ("projectedSpend", money("POUND", 1.0), vec!["/input/projectedSpend/currency"]),
        ("savings", money("", -1.0), vec!["/input/savings/currency"]),
        ("fuelsSwitched", json!(-1), vec!["/input/fuelsSwitched"]),
        ("fuelsSwitched", json!(101), vec!["/input/fuelsSwitched"]),
        (
            "commission",
            commission(-1),
            vec![
                "/input/commission/fuelsWaitingForUpdate",
                "/input/commission/fuelsWithCommissionExpected",
            ],
        ),
    ]
}

#[tokio::test]
async fn every_field_of_a_switch_is_checked_when_it_is_added_and_when_it_is_changed() {
    let world = World::sampled().await;
    let base = json!({
        "user": USER, "provider": PROVIDER, "fuelType": "Gas", "fuelsSwitched": 1,
    });
    let add = format!(
        "mutation($input: AddEnergySwitchInput!) {{ addEnergySwitch(input: $input) {{ {FAILURE} \
         }} }}"
    );
    let update = format!(
        "mutation($input: UpdateEnergySwitchInput!) {{
            updateEnergySwitch(id: \"{ENERGY_SWITCH}\", input: $input) {{ {FAILURE} }} }}"
    );
    for (field, value, paths) in wrong_fields() {
        for (mutation, base) in [(&add, &base), (&update, &json!({}))] {
            let input = with(base, field, value.clone());
            let (code, found) = problems(&world, mutation, json!({ "input": input })).await;
            assert_eq!(
                (code.as_str(), found),
                ("INVALID_INPUT", paths.iter().map(|path| (*path).to_owned()).collect()),
                "{field} {value}"
            );
        }
    }
    for id in ["", "1", "602CD86F3755D621AFF583EE", "../../etc/passwd", "602cd86f3755d621aff583ef0"]
    {
        let input = with(&base, "id", json!(id));
        let (code, found) = problems(&world, &add, json!({ "input": input })).await;
        assert_eq!((code.as_str(), found), ("INVALID_INPUT", vec!["/input/id".to_owned()]), "{id}");
    }
    for field in ["date", "provider", "fuelType", "fuelsSwitched"] {
        let input = with(&json!({}), field, Value::Null);
        let (code, found) = problems(&world, &update, json!({ "input": input })).await;
        assert_eq!((code.as_str(), found), ("INVALID_INPUT", vec![format!("/input/{field}")]));
    }
    assert_eq!(world.fired().await, ["UserAdded", "EnergySwitchAdded"]);
}

#[tokio::test]
async fn all_problems_are_told_at_once() {
    let world = World::sampled().await;
    let input = json!({ "postcode": "!", "tariffName": "", "fuelsSwitched": -1 });
    let update = format!(
        "mutation($input: UpdateEnergySwitchInput!) {{
            updateEnergySwitch(id: \"{ENERGY_SWITCH}\", input: $input) {{ {FAILURE} }} }}"
    );
    let (_, mut found) = problems(&world, &update, json!({ "input": input })).await;
    found.sort();
    assert_eq!(found, ["/input/fuelsSwitched", "/input/postcode", "/input/tariffName"]);
}

#[tokio::test]
async fn a_user_or_provider_that_is_not_there_is_named() {
    let world = World::sampled().await;
    let base = json!({
        "user": USER, "provider": PROVIDER, "fuelType": "Gas", "fuelsSwitched": 1,
    });
    let add = format!(
        "mutation($input: AddEnergySwitchInput!) {{ addEnergySwitch(input: $input) {{ {FAILURE} \
         }} }}"
    );
    for (field, value) in [
        ("user", "000000000000000000000000"),
        ("user", ""),
        ("provider", "no_one"),
        ("provider", ""),
    ] {
        let input = with(&base, field, json!(value));
        let (code, found) = problems(&world, &add, json!({ "input": input })).await;
        assert_eq!((code.as_str(), found), ("NOT_FOUND", vec![format!("/input/{field}")]));
    }
    let update = format!(
        "mutation {{ updateEnergySwitch(id: \"{ENERGY_SWITCH}\", input: {{ provider: \"no_one\" \
         }}) {{ {FAILURE} }} }}"
    );
    let (code, found) = problems(&world, &update, Value::Null).await;
    assert_eq!((code.as_str(), found), ("NOT_FOUND", vec!["/input/provider".to_owned()]));
    world.writer.delete_user(world.acme.id, USER).await.unwrap();
    let (code, found) = problems(&world, &add, json!({ "input": base })).await;
    assert_eq!((code.as_str(), found), ("NOT_FOUND", vec!["/input/user".to_owned()]));
}

#[tokio::test]
async fn texts_of_users_and_providers_are_checked() {
    let world = World::empty().await;
    let add = format!("mutation($it: String) {{ addUser(reference: $it) {{ {FAILURE} }} }}");
    for reference in ["", "a\tb", &"ü".repeat(257)] {
        let (code, found) = problems(&world, &add, json!({ "it": reference })).await;
        assert_eq!((code.as_str(), found), ("INVALID_INPUT", vec!["/reference".to_owned()]));
    }
    let (_, found) = problems(&world, &add, json!({ "it": "ü".repeat(256) })).await;
    assert!(found.is_empty());
    let add = format!(
        "mutation($code: String!, $name: String!) {{ addProvider(input: {{
            code: $code, name: $name, sector: OTHER,
            capabilities: {{ automatedDataCollection: true, quickCheck: true }} }}) {{
            {FAILURE} }} }}"
    );
    for (code, name, path) in [
        ("", "A", "/input/code"),
        ("_a", "A", "/input/code"),
        ("SSE", "A", "/input/code"),
        ("a b", "A", "/input/code"),
        (&*"a".repeat(129), "A", "/input/code"),
        ("a_a", "", "/input/name"),
    ] {
        let (refusal, found) = problems(&world, &add, json!({ "code": code, "name": name })).await;
        assert_eq!((refusal.as_str(), found), ("INVALID_INPUT", vec![path.to_owned()]), "{code}");
    }
    assert_eq!(world.fired().await, ["UserAdded"]);
}

#[tokio::test]
async fn an_infinite_amount_is_refused() {
    let world = World::sampled().await;
    for amount in ["1e999", "-1e999", "\"1\"", "null"] {
        let query = format!(
            "mutation {{ updateEnergySwitch(id: \"{ENERGY_SWITCH}\", input: {{
                savings: {{ currency: \"GBP\", amount: {amount} }} }}) {{ {FAILURE} }} }}"
        );
        let answer = world.ask(world.acme(), &query, Value::Null).await;
        assert!(answer["errors"][0]["message"].is_string(), "{amount} gave {answer}");
    }
    assert_eq!(world.fired().await, ["UserAdded", "EnergySwitchAdded"]);
}
