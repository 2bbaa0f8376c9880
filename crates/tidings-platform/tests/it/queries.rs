//! Queries through the API: who may see what, and how little is read for it.

use serde_json::{Value, json};
use tidings_core::access::{Scope, ScopeSet};
use tidings_graphql::Viewer;
use tidings_platform::sample::{self, ENERGY_SWITCH, USER};

use crate::support::{World, operator, viewer};

const FAILURE: &str = "__typename ... on OperationFailure { code description }";

fn get_switch(id: &str) -> String {
    format!("{{ getEnergySwitch(id: \"{id}\") {{ ... on EnergySwitch {{ id }} {FAILURE} }} }}")
}

fn get_user(id: &str) -> String {
    format!("{{ getUser(id: \"{id}\") {{ ... on User {{ id }} {FAILURE} }} }}")
}

#[tokio::test]
async fn an_application_sees_its_own_and_another_sees_nothing() {
    let world = World::sampled().await;
    for (query, id) in [(get_switch(ENERGY_SWITCH), ENERGY_SWITCH), (get_user(USER), USER)] {
        assert_eq!(world.get(world.acme(), &query, Value::Null).await["id"], id);
        let text = world.check_failure(world.other(), &query, "NOT_FOUND").await;
        assert!(text.contains(id), "{text}");
    }
    for list in ["getUsers", "getEnergySwitches"] {
        let query = format!("{{ {list} {{ items {{ id }} }} }}");
        let seen = world.get(world.acme(), &query, Value::Null).await;
        assert_eq!(seen["items"].as_array().unwrap().len(), 1);
        assert_eq!(world.get(world.other(), &query, Value::Null).await["items"], json!([]));
    }
}

#[tokio::test]
async fn the_operator_sees_an_entity_and_is_told_that_a_list_is_an_applications() {
    let world = World::sampled().await;
    let switch = world.get(operator(), &get_switch(ENERGY_SWITCH), Value::Null).await;
    assert_eq!(switch["id"], ENERGY_SWITCH);
    assert_eq!(world.get(operator(), &get_user(USER), Value::Null).await["id"], USER);
    world.check_failure(operator(), &get_user("nobody"), "NOT_FOUND").await;
    world.check_error(operator(), "{ getUsers { endCursor } }", "NOT_PERMITTED").await;
    sample::add_people(&world.writer, world.other.id).await.unwrap();
    world.check_failure(operator(), &get_user(USER), "NOT_PERMITTED").await;
}

#[tokio::test]
async fn every_field_wants_a_token_and_those_of_accounts_their_scope() {
    let world = World::sampled().await;
    let scopes = [Scope::FireTriggers, Scope::ManageWebhooks].into_iter().collect::<ScopeSet>();
    let narrow = || viewer(&world.acme, scopes);
    let unions = [
        get_switch(ENERGY_SWITCH),
        get_user(USER),
        format!("mutation {{ addUser {{ {FAILURE} }} }}"),
        format!("mutation {{ deleteUser(id: \"{USER}\") {{ {FAILURE} }} }}"),
        format!(
            "mutation {{ updateEnergySwitch(id: \"{ENERGY_SWITCH}\", input: {{}}) {{ {FAILURE} }} \
             }}"
        ),
    ];
    for query in &unions {
        world.check_error(Viewer(None), query, "UNAUTHENTICATED").await;
        let text = world.check_failure(narrow(), query, "NOT_PERMITTED").await;
        assert!(text.contains("`read:accounts`"), "{text}");
    }
    for query in [
        "{ getUsers { endCursor } }",
        "{ getEnergySwitches { endCursor } }",
        "{ getProviders { code } }",
        "{ getProvider(code: \"sse_sse\") { code } }",
    ] {
        world.check_error(Viewer(None), query, "UNAUTHENTICATED").await;
        world.check_error(narrow(), query, "NOT_PERMITTED").await;
    }
    world.check_error(Viewer(None), "{ getAuthorisedUser { scope } }", "UNAUTHENTICATED").await;
    assert_eq!(world.fired().await, ["UserAdded", "EnergySwitchAdded"]);
}

#[tokio::test]
async fn the_token_says_what_it_stands_for() {
    let world = World::empty().await;
    let query = "{ getAuthorisedUser { user { id } application scope expires } }";
    let scopes = [Scope::ReadAccounts].into_iter().collect();
    let found = world.get(viewer(&world.acme, scopes), query, Value::Null).await;
    let expected = json!({
        "user": null, "application": "acme", "scope": ["read:accounts"],
        "expires": "2021-02-17T08:48:47.284Z",
    });
    assert_eq!(found, expected);
    world.check_error(operator(), query, "NOT_PERMITTED").await;
}

#[tokio::test]
async fn a_failure_speaks_welsh() {
    let world = World::empty().await;
    let query = "{ getUser(id: \"5e33114d08cb368661c5108d\") {
        ... on OperationFailure { description(locale: cy_GB) } } }";
    let found = world.get(world.acme(), query, Value::Null).await;
    let text = found["description"].as_str().unwrap();
    assert!(text.contains("defnyddiwr `5e33114d08cb368661c5108d`"), "{text}");
}

#[tokio::test]
async fn an_id_of_any_length_is_not_found_and_shown_in_part() {
    let world = World::empty().await;
    for id in ["", " ", &"x".repeat(100_000), "%", "602CD86F3755D621AFF583EE"] {
        let text = world.check_failure(world.acme(), &get_user(id), "NOT_FOUND").await;
        assert!(text.len() < 300, "{text}");
    }
}

#[tokio::test]
async fn the_users_and_providers_of_a_page_cost_one_read_each() {
    let world = World::peopled().await;
    for number in 0..120 {
        let user = world.writer.add_user(world.acme.id, Default::default()).await.unwrap();
        let mut switch = sample::energy_switch();
        switch.id = Some(format!("{number:024x}").into());
        switch.user = user.entity.id.into();
        world.writer.add_energy_switch(world.acme.id, switch).await.unwrap();
    }
    let page = "items { id user { id reference } again: user { added } provider { name } }";
    for (query, reads, count) in [
        (format!("{{ getEnergySwitches(first: 120) {{ {page} }} }}"), 3, 120),
        ("{ getEnergySwitches(first: 120) { items { id postcode } } }".to_owned(), 1, 120),
        (format!("{{ getEnergySwitches(first: 7) {{ {page} }} }}"), 3, 7),
    ] {
        world.store.take_reads();
        let found = world.get(world.acme(), &query, Value::Null).await;
        assert_eq!(world.store.take_reads(), reads, "{query}");
        let items = found["items"].as_array().unwrap();
        assert_eq!(items.len(), count);
        let users: std::collections::HashSet<String> =
            items.iter().map(|item| item["user"]["id"].to_string()).collect();
        assert!(users.len() == count || reads == 1);
    }
}

#[tokio::test]
async fn a_store_that_cannot_be_used_is_told_as_unavailable() {
    let world = World::sampled().await;
    world.store.set_down(true);
    world.check_failure(world.acme(), &get_switch(ENERGY_SWITCH), "UNAVAILABLE").await;
    world.check_error(world.acme(), "{ getUsers { endCursor } }", "UNAVAILABLE").await;
    let add = format!("mutation {{ deleteUser(id: \"{USER}\") {{ {FAILURE} }} }}");
    world.check_failure(world.acme(), &add, "UNAVAILABLE").await;
}

#[tokio::test]
async fn an_answer_that_tells_of_a_store_in_trouble_is_noted_whatever_it_shows_of_it() {
    let world = World::sampled().await;
    for query in [
        format!("{{ getEnergySwitch(id: \"{ENERGY_SWITCH}\") {{ __typename }} }}"),
        format!("{{ getUser(id: \"{USER}\") {{ __typename }} }}"),
        format!("{{ getToDos(user: \"{USER}\") {{ endCursor }} }}"),
        format!("{{ getDocuments(account: \"{USER}\") {{ endCursor }} }}"),
        "{ getProviders { code } }".to_owned(),
    ] {
        world.store.set_down(false);
        assert!(!world.is_troubled(world.acme(), &query).await, "{query}");
        world.store.set_down(true);
        assert!(world.is_troubled(world.acme(), &query).await, "{query}");
    }
}

#[test]
fn the_names_of_the_queries_are_those_of_the_schema() {
    let names = tidings_platform::schema::query_names();
    let sdl = tidings_platform::schema::query_sdl();
    let (_, root) = sdl.split_once("type Query {").unwrap();
    let (root, _) = root.split_once("\n}").unwrap();
    assert!(names.len() >= 14 && names.contains("getAccounts"), "{names:?}");
    for name in &names {
        assert!(root.contains(&format!("\t{name}")), "{name}");
    }
    let field = |line: &&str| line.starts_with("\tget");
    assert_eq!(root.lines().filter(field).count(), names.len(), "{root}");
}

#[tokio::test]
async fn an_id_is_said_back_without_what_commands_a_terminal_or_turns_the_text_around() {
    let world = World::sampled().await;
    let query = "query($id: ID!) { getUser(id: $id) { ... on OperationFailure { description } } }";
    let id = "a\u{1B}[2J\u{0}\n\u{202E}b\u{2066}é";
    let failure = world.get(world.acme(), query, json!({ "id": id })).await;
    assert!(failure["description"].as_str().unwrap().contains("`a[2Jbé`"), "{failure}");
}
