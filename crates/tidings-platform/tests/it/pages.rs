//! Lists, page by page and poll by poll.

use serde_json::{Value, json};
use tidings_platform::{
    sample::{self, USER},
    writer::NewUser,
};

use crate::support::World;

async fn page(world: &World, arguments: Value) -> Value {
    let query = "query($first: Int, $after: String, $updatedSince: DateTime) {
        getUsers(first: $first, after: $after, updatedSince: $updatedSince) {
            items { reference } endCursor hasNextPage deleted } }";
    let mut page = world.get(world.acme(), query, arguments).await;
    let items = page["items"].as_array().unwrap();
    let names: Vec<Value> = items.iter().map(|item| item["reference"].clone()).collect();
    page["items"] = names.into();
    page
}

async fn add(world: &World, reference: &str) -> String {
    let new = NewUser { id: None, reference: Some(reference.to_owned()) };
    world.writer.add_user(world.acme.id, new).await.unwrap().entity.id
}

#[tokio::test]
async fn a_list_is_read_page_by_page() {
    let world = World::empty().await;
    for name in ["a", "b", "c", "d", "e"] {
        add(&world, name).await;
    }
    let mut after = Value::Null;
    for (names, more) in
        [(json!(["a", "b"]), true), (json!(["c", "d"]), true), (json!(["e"]), false)]
    {
        let found = page(&world, json!({ "first": 2, "after": after })).await;
        assert_eq!((&found["items"], &found["hasNextPage"]), (&names, &json!(more)));
        after = found["endCursor"].clone();
    }
}

#[tokio::test]
async fn a_poller_that_goes_on_after_the_last_cursor_sees_what_changed_and_what_was_deleted() {
    let world = World::empty().await;
    let empty = page(&world, json!({})).await;
    assert_eq!(
        empty,
        json!({ "items": [], "endCursor": null, "hasNextPage": false, "deleted": [] })
    );
    let first = add(&world, "a").await;
    add(&world, "b").await;
    let start = page(&world, json!({})).await;
    let quiet = page(&world, json!({ "after": start["endCursor"] })).await;
    assert_eq!((&quiet["items"], &quiet["endCursor"]), (&json!([]), &start["endCursor"]));
    world.writer.delete_user(world.acme.id, &first).await.unwrap();
    add(&world, "c").await;
    let news = page(&world, json!({ "after": quiet["endCursor"] })).await;
    assert_eq!((&news["items"], &news["deleted"]), (&json!(["c"]), &json!([first])));
    let fresh = page(&world, json!({})).await;
    assert_eq!((&fresh["items"], &fresh["deleted"]), (&json!(["b", "c"]), &json!([])));
}

#[tokio::test]
async fn updated_since_leaves_out_what_is_older() {
    let world = World::empty().await;
    let gone = add(&world, "a").await;
    world.pass_ms(60_000);
    add(&world, "b").await;
    world.writer.delete_user(world.acme.id, &gone).await.unwrap();
    let since = |date: &str| json!({ "updatedSince": date });
    let found = page(&world, since("2021-02-17T08:49:47.284Z")).await;
    assert_eq!((&found["items"], &found["deleted"]), (&json!(["b"]), &json!([gone])));
    let found = page(&world, since("2021-02-17T08:49:47.285Z")).await;
    assert_eq!((&found["items"], &found["deleted"]), (&json!([]), &json!([])));
}

#[tokio::test]
async fn switches_are_listed_by_user() {
    let world = World::sampled().await;
    let other = add(&world, "other").await;
    let query = "query($user: ID) { getEnergySwitches(user: $user) { items { user { id } } } }";
    let found = world.get(world.acme(), query, json!({ "user": USER })).await;
    assert_eq!(found["items"], json!([{ "user": { "id": USER } }]));
    for user in [other.as_str(), "nobody"] {
        let found = world.get(world.acme(), query, json!({ "user": user })).await;
        assert_eq!(found["items"], json!([]));
    }
    let mut switch = sample::energy_switch();
    switch.id = None;
    world.writer.add_energy_switch(world.acme.id, switch).await.unwrap();
    let found = world.get(world.acme(), query, json!({})).await;
    assert_eq!(found["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_page_that_cannot_be_is_refused() {
    let world = World::empty().await;
    for list in ["getUsers", "getEnergySwitches"] {
        for arguments in ["first: 0", "first: 201", "first: -1", "after: \"x\"", "after: \"\""] {
            let query = format!("{{ {list}({arguments}) {{ endCursor }} }}");
            world.check_error(world.acme(), &query, "INVALID_INPUT").await;
        }
    }
    add(&world, "a").await;
    let cursor = page(&world, json!({})).await["endCursor"].clone();
    let query = format!("{{ getEnergySwitches(after: {cursor}) {{ endCursor }} }}");
    world.check_error(world.acme(), &query, "INVALID_INPUT").await;
}
