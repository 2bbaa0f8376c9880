//! A stored query, and a schema that changed beneath it.

use tidings_query::{ProvidedVariables, SourceSchema, drift};

use crate::schemas::{PLATFORM, PLATFORM_QUERIES};

fn changed(from: &str, to: &str) -> SourceSchema {
    let sdl = PLATFORM.replace(from, to);
    assert_ne!(sdl, PLATFORM, "{from} is not in the schema");
    SourceSchema::parse("/schema", &sdl).unwrap()
}

fn check(schema: &SourceSchema, expected: Result<usize, &str>) {
    match (drift(schema, PLATFORM_QUERIES[0], &ProvidedVariables::none()), expected) {
        (Ok(checked), Ok(warnings)) => assert_eq!(checked.warnings().len(), warnings),
        (Err(problems), Err(expected)) => {
            assert_eq!(problems.len(), 1, "{problems:#?}");
            assert!(problems[0].message.contains(expected), "{}", problems[0]);
        }
        (drift, expected) => panic!("{drift:?} instead of {expected:?}"),
    }
}

#[test]
fn a_field_that_is_gone_breaks_the_query_and_is_named() {
    let schema = changed("tariffName: String", "tariff: String");
    check(&schema, Err("`EnergySwitch` has no field `tariffName`"));
    check(&changed("getEnergySwitch(id: ID!)", "getSwitch(id: ID!)"), Err("`getEnergySwitch`"));
}

#[test]
fn a_change_of_type_argument_or_value_breaks_the_query_and_is_named() {
    check(&changed("projectedSpend: Money", "projectedSpend: Float"), Err("`Float`"));
    check(&changed("description(locale: Locale! = en_GB)", "description"), Err("`locale`"));
    check(&changed("Locale! = en_GB", "Locale! = cy_GB, tone: Int!"), Err("description(tone:)"));
    check(&changed("enum Locale { en_GB", "enum Locale { en_US"), Err("`en_GB`"));
    check(&changed("getEnergySwitch(id: ID!)", "getEnergySwitch(id: Int!)"), Err("`Int!`"));
}

#[test]
fn what_the_query_does_not_use_may_change() {
    check(&changed("friend: User", "friends: [User!]!"), Ok(0));
    check(&changed("updated: DateTime!", "updated: DateTime!, more: Int"), Ok(0));
    check(&changed("fuelsSwitched: Int!", "fuelsSwitched: Int"), Ok(0));
}

#[test]
fn what_the_query_uses_may_be_deprecated_with_a_warning() {
    check(&changed("tariffName: String", "tariffName: String @deprecated"), Ok(1));
}

#[test]
fn a_query_that_only_costs_more_is_not_held() {
    let schema = changed("switches(first: Int)", "switches(first: Int = 9000)");
    let query = "{ node(id: 1) { ... on User { switches { id } } } }";
    let after = drift(&schema, query, &ProvidedVariables::none());
    assert!(after.is_ok(), "{after:?}");
}
