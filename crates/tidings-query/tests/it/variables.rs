//! What a query may declare, what may be given to it, and what it runs with.

use serde_json::{Value, json};
use tidings_query::{
    DeclaredVariables, ProvidedVariables, check as check_query, compose, compose_checked,
    undeclared_everywhere,
};

use crate::check::object;
use crate::schemas::platform;

/// A query that declares `variables`, whose use is of no interest here.
fn declare(variables: &str) -> String {
    let uses: Vec<String> = variables
        .split('$')
        .skip(1)
        .map(|one| format!("{0}: ${0}", one.split(':').next().unwrap()))
        .collect();
    format!("query({variables}) {{ search(meta: {{ {} }}) {{ id }} }}", uses.join(" "))
}

fn declared(variables: &str, webhook: &Value) -> DeclaredVariables {
    let provided = ProvidedVariables::for_one_query(object(webhook.clone()));
    let schema = scalars();
    check_query(&schema, &declare(variables), &provided).unwrap().variables().clone()
}

/// As the platform, with a `search(meta:)` into which every variable goes one way.
fn scalars() -> tidings_query::SourceSchema {
    let sdl = crate::schemas::PLATFORM.replace(
        "search(filter: Filter, meta: JSON",
        "any(a: Int, b: Float, c: Boolean, d: FuelType, e: Either, f: [[Int]]): Int\n  \
         search(filter: Filter, meta: JSON",
    );
    tidings_query::SourceSchema::parse("/schema", &sdl).unwrap()
}

fn check(variables: &str, webhook: Value, path: &str, expected: &str) {
    let provided = ProvidedVariables::for_one_query(object(webhook));
    let problems = check_query(&scalars(), &declare(variables), &provided).unwrap_err();
    assert_eq!(problems.len(), 1, "{problems:#?}");
    assert!(problems[0].message.contains(expected), "{}", problems[0]);
    assert_eq!(problems[0].path, path);
}

#[test]
fn the_entitys_id_is_always_provided_to_a_variable_that_takes_a_string() {
    for accepted in ["ID!", "ID", "String!", "String", "DateTime!", "JSON", "[ID!]!"] {
        declared(&format!("$id: {accepted}"), &json!({}));
    }
    for refused in ["Int!", "Float", "Boolean", "FuelType", "Filter"] {
        check(&format!("$id: {refused}"), json!({}), "/query", "declare it as `$id: ID!`");
    }
}

#[test]
fn a_required_variable_needs_the_webhook() {
    let expected = "`$locale` is required and nothing provides it: set it in the webhook's \
                    variables, give it a default, or declare it as `Locale` (only `$id` is always \
                    provided)";
    check("$id: ID!, $locale: Locale!", json!({}), "/query", expected);
    declared("$id: ID!, $locale: Locale!", &json!({ "locale": "cy_GB" }));
    declared("$id: ID!, $locale: Locale! = en_GB", &json!({}));
    declared("$id: ID!, $locale: Locale", &json!({}));
}

#[test]
fn a_webhooks_variable_that_the_query_does_not_declare_is_refused() {
    check("$locale: Locale", json!({ "local": 1 }), "/variables/local", "did you mean `locale`?");
    check("$a: Int", json!({ "a/b": 1 }), "/variables/a~1b", "declares no variable `a/b`");
}

#[test]
fn with_several_queries_one_of_them_must_declare_a_variable() {
    let webhook = object(json!({ "a": 1, "b": 2, "c": 3 }));
    let provided = ProvidedVariables::for_several_queries(webhook.clone());
    let of = |variables: &str| {
        check_query(&scalars(), &declare(variables), &provided).unwrap().variables().clone()
    };
    let problems = undeclared_everywhere(&[of("$a: Int"), of("$b: Int")], &webhook);
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].path, "/variables/c");
}

#[test]
fn a_webhooks_own_id_is_never_used_and_warned_of() {
    let provided = ProvidedVariables::for_one_query(object(json!({ "id": 7 })));
    let checked = check_query(&platform(), &declare("$id: ID!"), &provided).unwrap();
    assert_eq!(checked.warnings()[0].path, "/variables/id");
}

#[test]
fn values_that_fit_their_type_are_taken() {
    let fits = [
        ("Int", json!(-5)),
        ("Int!", json!(2_147_483_647)),
        ("Int", json!(null)),
        ("Float", json!(1)),
        ("Float", json!(1.5)),
        ("String", json!("x")),
        ("Boolean", json!(false)),
        ("ID", json!("x")),
        ("ID", json!(12)),
        ("FuelType", json!("Gas")),
        ("DateTime", json!({ "any": ["thing"] })),
        ("[Int!]", json!([1, 2])),
        ("[Int!]", json!(1)),
        ("[[Int]]", json!([[1, null], null, []])),
        ("Filter", json!({ "required": 1, "ids": ["a"], "not": { "required": 2 } })),
        ("Either", json!({ "id": "a" })),
    ];
    for (name, value) in fits {
        declared(&format!("$v: {name}"), &json!({ "v": value }));
    }
}

#[test]
fn values_that_do_not_fit_are_refused_with_what_would() {
    let check = |name: &str, value: Value, path: &str, expected: &str| {
        check(&format!("$v: {name}"), json!({ "v": value }), path, expected);
    };
    check("Int", json!(1.5), "/variables/v", "1.5 does not fit `Int`: give a whole number");
    check("Int", json!(2_147_483_648_u64), "/variables/v", "give a whole number of 32 bits");
    check("Int", json!("1"), "/variables/v", "the string \"1\" does not fit `Int`");
    check("Int!", json!(null), "/variables/v", "null does not fit `Int!`");
    check("Float", json!("1"), "/variables/v", "give a number");
    check("String", json!(1), "/variables/v", "1 does not fit `String`: give a string");
    check("Boolean", json!("true"), "/variables/v", "give true or false");
    check("ID", json!(1.5), "/variables/v", "give a string or a whole number");
    check("FuelType", json!("gas"), "/variables/v", "did you mean `Gas`?");
    check("FuelType", json!(1), "/variables/v", "give the name of one of its values");
    check("[Int!]", json!([1, null]), "/variables/v/1", "null does not fit `Int!`");
    check("Filter", json!([1]), "/variables/v", "give an object");
    check("Filter", json!({}), "/variables/v", "`Filter.required` is required");
    check("Filter", json!({ "required": 1, "sise": 1 }), "/variables/v/sise", "mean `size`?");
    let deep = json!({ "required": 1, "not": { "required": "x" } });
    check("Filter", deep, "/variables/v/not/required", "does not fit `Int`");
    check("Either", json!({ "id": "a", "code": "b" }), "/variables/v", "exactly one field");
    check("Either", json!({}), "/variables/v", "exactly one field");
}

#[test]
fn values_are_bounded_in_bytes_and_nesting() {
    let long = json!({ "v": "x".repeat(20_000) });
    check("$v: String", long, "/variables", "variables_bytes_max is 16384");
    let mut deep = json!(1);
    for _ in 0..100 {
        deep = json!([deep]);
    }
    check("$v: JSON", json!({ "v": deep }), "/variables/v", "json_depth_max");
}

#[test]
fn a_query_runs_with_what_it_declares_and_the_first_giver_counts() {
    let webhook = object(json!({ "b": 2, "id": "webhook's" }));
    let declared = declared("$c: Int, $b: Int, $id: ID!, $d: Int", &json!({ "b": 2 }));
    let event = object(json!({ "x": 9, "id": "event's", "b": 8, "c": 7 }));
    let composed = compose(&declared, "602c", &webhook, &event);
    let text = serde_json::to_string(&composed).unwrap();
    assert_eq!(text, r#"{"c":7,"b":2,"id":"602c"}"#);
    assert_eq!(compose_checked(&declared, "602c", &webhook, &event).unwrap(), composed);
}

#[test]
fn an_events_value_that_does_not_fit_is_told_when_the_query_runs() {
    let declared = declared("$id: ID!, $n: Int, $m: Int", &json!({ "m": 1 }));
    let webhook = object(json!({ "m": 1 }));
    let run = |event: Value| compose_checked(&declared, "1", &webhook, &object(event));
    let problems = run(json!({ "n": "many" })).unwrap_err();
    assert_eq!(problems.len(), 1);
    assert_eq!(
        problems[0].to_string(),
        "/variables/n: a variable of the event: the string \"many\" does not fit `Int`: give a \
         whole number of 32 bits"
    );
    // What is not used need not fit.
    run(json!({ "m": "many", "other": [] })).unwrap();
    assert!(run(json!({ "other": "x".repeat(20_000) })).is_err());
}

#[test]
fn a_value_is_never_part_of_the_querys_text() {
    let hostile = "\"}) { deleteUser(id: 1) { id } } #";
    let query = "query($id: ID!) { node(id: $id) { id } }";
    let checked = check_query(&platform(), query, &ProvidedVariables::none()).unwrap();
    let run = compose(checked.variables(), hostile, &object(json!({})), &object(json!({})));
    assert_eq!(run["id"], json!(hostile));
    assert_eq!(checked.text(), query);
}
