//! What a query is estimated to cost.

use serde_json::{Value, json};
use tidings_query::{ProvidedVariables, check as check_query};

use crate::check::object;
use crate::schemas::platform;

fn check(query: &str, variables: Value, expected: u64) {
    let provided = ProvidedVariables::for_one_query(object(variables));
    let checked = check_query(&platform(), query, &provided).unwrap();
    assert_eq!(checked.cost(), expected, "{query}");
}

#[test]
fn a_field_costs_one_and_a_list_as_often_as_it_has_items() {
    check("{ node(id: 1) { id } }", json!({}), 2);
    check("{ getProviders { code name } }", json!({}), 1 + 10 * 2);
    check("{ getUsers { items { id } } }", json!({}), 1 + 1 + 50);
    check("{ getUsers(first: 3) { items { id } deleted } }", json!({}), 1 + (1 + 3) + 1);
    check("{ getUsers(first: -3) { items { id } } }", json!({}), 2);
    check(
        "{ getUsers(first: 3) { ...P } } fragment P on UserPage { ... { items { id } } }",
        json!({}),
        5,
    );
}

#[test]
fn lists_in_lists_multiply() {
    let query = "{ getUsers(first: 20) { items { switches(first: 5) { id } } } }";
    check(query, json!({}), 1 + 1 + 20 * (1 + 5));
    // Without an argument of its own, and not directly below the page.
    let query = "{ getUsers(first: 20) { items { switches { id } } } }";
    check(query, json!({}), 1 + 1 + 20 * (1 + 10));
}

#[test]
fn a_size_in_a_variable_is_the_webhooks_value_or_a_default() {
    let query = "query($n: Int) { getUsers(first: $n) { items { id } } }";
    check(query, json!({ "n": 7 }), 2 + 7);
    check(query, json!({}), 2 + 50);
    let query = "query($n: Int = 4) { getUsers(first: $n) { items { id } } }";
    check(query, json!({}), 2 + 4);
    let query = "query($n: Int) { node(id: 1) { ... on User { switches(first: $n) { id } } } }";
    check(query, json!({}), 2 + 10);
}
