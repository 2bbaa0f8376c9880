//! Which queries are stored, and what is said about those that are not.

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use tidings_query::{
    CheckedQuery, ProvidedVariables, QueryProblem, check as check_query, check_at, coordinates,
};

use crate::schemas::{PLATFORM_QUERIES, platform};

pub fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn accepted(query: &str, variables: Value) -> CheckedQuery {
    let provided = ProvidedVariables::for_one_query(object(variables));
    check_query(&platform(), query, &provided).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

fn refused(query: &str, variables: Value) -> Vec<QueryProblem> {
    let provided = ProvidedVariables::for_one_query(object(variables));
    check_query(&platform(), query, &provided).unwrap_err()
}

/// The first problem of a query that is refused, and where it is.
fn check(query: &str, place: (usize, usize), expected: &str) {
    let problems = refused(query, json!({}));
    let first = &problems[0];
    assert_eq!(first.message, expected, "{query}");
    assert_eq!(first.line.zip(first.column), Some(place), "{query}");
    assert_eq!(first.path, "/query");
}

/// The body of a query for the sample switch.
fn switch(selection: &str) -> String {
    format!("query($id: ID!) {{\n getEnergySwitch(id: $id) {{ {selection} }} }}")
}

#[test]
fn the_three_recommended_queries_are_accepted() {
    for query in PLATFORM_QUERIES {
        let checked = accepted(query, json!({}));
        assert_eq!(checked.warnings(), []);
        assert_eq!(checked.operation_name(), None);
        assert!(checked.text().starts_with("query($id: ID!) { getEnergySwitch(id: $id) {"));
        assert!(!checked.text().contains('\n'));
        let names: Vec<_> = checked.variables().iter().map(|one| one.name.clone()).collect();
        assert_eq!(names, ["id"]);
    }
    let full = accepted(PLATFORM_QUERIES[0], json!({}));
    assert_eq!((full.depth(), full.cost()), (3, 29));
}

#[test]
fn a_name_that_does_not_exist_is_told_with_the_one_that_does() {
    check(
        &switch("... on EnergySwitch { tarifName }"),
        (2, 51),
        "`EnergySwitch` has no field `tarifName`: did you mean `tariffName`?",
    );
    check(
        &switch("tarifName"),
        (2, 29),
        "`GetEnergySwitchResult` has no field `tarifName`: it is a union, did you mean `... on \
         EnergySwitch { tariffName }`?",
    );
    check(
        &switch("fuelType"),
        (2, 29),
        "`GetEnergySwitchResult` has no field `fuelType`: it is a union, write `... on \
         EnergySwitch { fuelType }`",
    );
    check(
        "query($id: ID!) { node(id: $id) { reference } }",
        (1, 35),
        "`Node` has no field `reference`: it is an interface, write `... on User { reference }`",
    );
    check(
        &switch("... on EnergySwich { id }"),
        (2, 36),
        "the schema has no type `EnergySwich`: did you mean `EnergySwitch`?",
    );
    check(
        &switch("... on OperationFailure { description(locale: en_GBB) }"),
        (2, 75),
        "`Locale` has no value `en_GBB`: did you mean `en_GB`?",
    );
    check(
        &switch("... on OperationFailure { description(local: en_GB) }"),
        (2, 67),
        "`OperationFailure.description` has no argument `local`: did you mean `locale`?",
    );
    check(
        &switch("__typename @skp(if: true)"),
        (2, 40),
        "there is no directive `@skp`: did you mean `skip`?",
    );
    check(
        "query($id: ID!, $x: Locael) { node(id: $id) { id } search(meta: $x) { id } }",
        (1, 17),
        "the schema has no type `Locael`: did you mean `Locale`?",
    );
    check(
        "{ search(filter: { required: 1, sise: 2 }) { id } }",
        (1, 39),
        "`Filter` has no field `sise`: did you mean `size`?",
    );
}

#[test]
fn what_the_schema_does_not_take_is_told_with_what_it_takes() {
    check(
        &switch("... on EnergySwitch { user }"),
        (2, 51),
        "this field is an object: write which of its fields you want, as in `{ id }`",
    );
    check(
        &switch("... on EnergySwitch { postcode { x } }"),
        (2, 51),
        "this field is a `String`, which has no fields: leave the `{ … }` out",
    );
    check(
        &switch("... on User { id }"),
        (2, 29),
        "a `GetEnergySwitchResult` is never a `User`: leave the fragment out",
    );
    check(
        "{ getEnergySwitch { __typename } }",
        (1, 3),
        "the argument `Query.getEnergySwitch(id:)` is required: add it",
    );
    check(
        "{ getEnergySwitch(id: 5.5) { __typename } }",
        (1, 23),
        "this place takes `ID!`, not a float",
    );
    check(
        "{ getEnergySwitch(id: $id) { __typename } }",
        (1, 23),
        "`$id` is not declared: declare it, as in `query ($id: String)`",
    );
    check(
        "query($id: ID) { getEnergySwitch(id: $id) { __typename } }",
        (1, 34),
        "`$id` is declared as `ID`, but `id` takes `ID!`: declare it as `ID!`",
    );
    check(
        "query($id: ID) { search(filter: { ids: [$id], required: 1 }) { id } }",
        (1, 41),
        "`$id` is declared as `ID`, but this place takes `ID!`: declare it as `ID!`",
    );
    check(
        "query($id: ID!) { getProviders { code } }",
        (1, 7),
        "`$id` is declared and never used: use it or leave it out",
    );
    check(
        "{ a: getProviders { code } a: getUsers { endCursor } }",
        (1, 28),
        "`a` is asked for in two ways: give one of them an alias, as in `other: …`",
    );
    check(
        "{ getProviders { ...Gone } }",
        (1, 18),
        "there is no fragment `Gone`: write it, or leave the spread out",
    );
}

#[test]
fn what_only_follows_from_another_problem_is_not_told() {
    let problems = refused(&switch("tarifName"), json!({}));
    assert_eq!(problems.len(), 1, "{problems:#?}");
    let query = "query($id: ID!) { getEnergySwich(id: $id) { ...F } } fragment F on User { id }";
    let problems = refused(query, json!({}));
    assert_eq!(problems.len(), 1, "{problems:#?}");
}

#[test]
fn a_stored_query_only_reads() {
    check(
        "mutation($id: ID!) { deleteUser(id: $id) { __typename } }",
        (1, 1),
        "this is a mutation: a webhook reads, and runs again and again; write a `query`",
    );
    check(
        "\nsubscription($id: ID!) { switched(id: $id) { id } }",
        (2, 1),
        "this is a subscription: the webhook's triggers say when, write a `query` for what",
    );
    check(
        "query A { getProviders { code } } query B { getProviders { code } }",
        (1, 35),
        "a webhook runs one operation: leave this second one out",
    );
    check(
        "{ a: __schema { types { name } } }",
        (1, 6),
        "`__schema` asks about the schema, which no event changes: a webhook's query asks for \
         data; `__typename` is allowed",
    );
    check(
        "{ ... @defer { getProviders { code } } }",
        (1, 7),
        "`@defer` asks for the answer in parts: a webhook delivers it whole, leave the directive \
         out",
    );
    check(
        "type A { a: Int } { getProviders { code } }",
        (1, 1),
        "an executable document must not contain an object type definition: leave it out, a query \
         has operations and fragments alone",
    );
    let only_fragment = refused("fragment F on User { id }", json!({}));
    assert_eq!(only_fragment[0].message, "there is no query here: write `query ($id: ID!) { … }`");
}

#[test]
fn a_problem_names_the_place_in_the_input_that_the_caller_names() {
    let problems =
        check_at("/queries/1/query", &platform(), "{ a }", &ProvidedVariables::none()).unwrap_err();
    assert_eq!(problems[0].path, "/queries/1/query");
    assert_eq!(
        problems[0].to_string(),
        "/queries/1/query:1:3: `Query` has no field `a`: it has `getUser`, `getUsers`, \
         `getProvider`, `getProviders`, `getEnergySwitch`, `getEnergySwitches`, `search`, `node`"
    );
}

#[test]
fn what_is_deprecated_is_accepted_with_a_warning() {
    let query = "query($id: String!) {\n getProvider(code: $id) { oldName }\n \
                 search(filter: { required: 1, locale: fr_FR, old: 2 }, oldFilter: null) { id } }";
    let warnings = accepted(query, json!({})).warnings().to_vec();
    let told: Vec<_> = warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "/query:2:27: `Provider.oldName` is deprecated: use `name`",
            "/query:3:40: `Locale.fr_FR` is deprecated: use en_GB",
            "/query:3:47: `Filter.old` is deprecated: the schema gives no reason, ask its owner \
             what to use",
            "/query:3:57: `Query.search(oldFilter:)` is deprecated: the schema gives no reason, \
             ask its owner what to use",
        ]
    );
}

#[test]
fn the_coordinates_are_the_parts_of_the_schema_that_a_query_uses() {
    let query = "query($id: ID!, $f: Filter) { node(id: $id) { ... on User { id name(either: \
                 { id: $id }) } } search(filter: $f) { __typename ...F } } \
                 fragment F on EnergySwitch { commission { status } }";
    let checked = accepted(query, json!({ "f": { "required": 1, "locale": "cy_GB" } }));
    let used: Vec<_> = coordinates(&platform(), &checked).into_iter().collect();
    assert_eq!(
        used,
        [
            "Commission.status",
            "Either.id",
            "EnergySwitch.commission",
            "Filter.locale",
            "Filter.required",
            "Locale.cy_GB",
            "Query.node",
            "Query.node(id:)",
            "Query.search",
            "Query.search(filter:)",
            "User.id",
            "User.name",
            "User.name(either:)",
        ]
    );
}

/// Text that gets past the parser often enough to be worth checking.
fn query_like() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "query",
        "($id: ID!)",
        "{",
        "}",
        "getEnergySwitch",
        "(id: $id)",
        "... on EnergySwitch",
        "...F",
        "fragment F on User",
        "id",
        "user",
        "name",
        "(",
        ")",
        "[",
        "]",
        ":",
        "\"",
        "$id",
        "@skip(if: true)",
        "items",
        "getUsers",
        "(first: 5)",
        "é",
        "__typename",
        "\n",
        "#",
        ",",
        "{ id }",
        "search",
        "(filter: { required: 1 })",
        "mutation",
        "type A { a: Int }",
    ]);
    prop::collection::vec(pieces, 0..30).prop_map(|pieces| pieces.join(" "))
}

proptest! {
    #[test]
    fn no_text_brings_the_check_down(text in prop_oneof![query_like(), any::<String>()]) {
        if let Err(problems) = check_query(&platform(), &text, &ProvidedVariables::none()) {
            prop_assert!(!problems.is_empty() && problems.len() <= 20);
            for problem in problems {
                prop_assert!(!problem.message.contains('\n'), "{}", problem);
                prop_assert!(problem.message.len() < 1_000, "{}", problem);
            }
        }
    }
}
