//! To-dos: added, done, and listed by user and state.

use serde_json::{Value, json};
use tidings_platform::{sample::USER, writer::NewUser};

use crate::support::{World, linked::to_do};

const ADD: &str = "mutation($input: AddToDoInput!) { addToDo(input: $input) {
    ... on ToDo { id user { id } account { id } kind title done doneDate added updated }
    ... on OperationFailure { code problems { path } } } }";
const COMPLETE: &str = "mutation($id: ID!) { completeToDo(id: $id) {
    ... on ToDo { done doneDate updated } ... on OperationFailure { code } } }";

#[tokio::test]
async fn a_to_do_is_added_and_done_once_and_both_are_fired() {
    let world = World::peopled().await;
    let account = world.add_account(USER).await;
    for trigger in ["ToDoAdded", "ToDoDone"] {
        world.add_webhook(world.acme.id, trigger).await;
        world.add_webhook(world.other.id, trigger).await;
    }
    let before = world.events().await.len();
    let input = json!({
        "user": USER, "account": account, "kind": "PROVIDE_METER_READING", "title": "Read it",
    });
    let mut added = world.get(world.acme(), ADD, json!({ "input": input })).await;
    let id = added.as_object_mut().unwrap().remove("id").unwrap();
    let now = "2021-02-17T08:48:47.284Z";
    let expected = json!({
        "user": { "id": USER }, "account": { "id": account }, "kind": "PROVIDE_METER_READING",
        "title": "Read it", "done": false, "doneDate": null, "added": now, "updated": now,
    });
    assert_eq!(added, expected);
    world.pass_ms(1_000);
    let done = json!({
        "done": true, "doneDate": "2021-02-17T08:48:48.284Z",
        "updated": "2021-02-17T08:48:48.284Z",
    });
    for _ in 0..2 {
        assert_eq!(world.get(world.acme(), COMPLETE, json!({ "id": id })).await, done);
        world.pass_ms(1_000);
    }
    let id = id.as_str().unwrap().to_owned();
    let expected = [("ToDoAdded".to_owned(), id.clone()), ("ToDoDone".to_owned(), id)];
    assert_eq!(world.fired_since(before).await, expected);
    for (_, deliveries) in world.events().await.iter().skip(before) {
        let of: Vec<_> = deliveries.iter().map(|it| it.webhook.application).collect();
        assert_eq!(of, [world.acme.id]);
    }
}

#[tokio::test]
async fn a_to_do_is_for_a_user_of_the_application_and_about_an_account_of_that_user() {
    let (world, linked) = World::linked().await;
    let other = world.writer.add_user(world.acme.id, NewUser::default()).await.unwrap().entity.id;
    let before = world.events().await.len();
    let account = linked.account.as_str();
    let unknown = "000000000000000000000000";
    for (user, account, title, code, path) in [
        (unknown, None, "x", "NOT_FOUND", "/input/user"),
        (USER, Some(unknown), "x", "NOT_FOUND", "/input/account"),
        (other.as_str(), Some(account), "x", "INVALID_INPUT", "/input/account"),
        (USER, None, "", "INVALID_INPUT", "/input/title"),
    ] {
        let new = to_do(user, account, title);
        let refused = world.writer.add_to_do(world.acme.id, new).await.unwrap_err();
        assert_eq!(refused.failure.code().as_str(), code);
        assert_eq!(refused.problems[0].path, path);
    }
    let failure = world.get(world.other(), COMPLETE, json!({ "id": linked.user_to_do })).await;
    assert_eq!(failure["code"], "NOT_FOUND");
    assert_eq!(world.events().await.len(), before);
}

#[tokio::test]
async fn to_dos_are_listed_by_user_and_by_whether_they_are_done() {
    let world = World::peopled().await;
    let other = world.writer.add_user(world.acme.id, NewUser::default()).await.unwrap().entity.id;
    let done = world.add_to_do(USER, None, "done").await;
    world.add_to_do(USER, None, "open").await;
    world.add_to_do(&other, None, "other open").await;
    let others = world.add_to_do(&other, None, "other done").await;
    for id in [done, others] {
        world.writer.complete_to_do(world.acme.id, &id).await.unwrap();
    }
    let query = "query($user: ID, $done: Boolean) { getToDos(user: $user, done: $done) {
        items { title } } }";
    for (arguments, expected) in [
        (json!({}), vec!["open", "other open", "done", "other done"]),
        (json!({ "done": true }), vec!["done", "other done"]),
        (json!({ "done": false }), vec!["open", "other open"]),
        (json!({ "user": USER }), vec!["open", "done"]),
        (json!({ "user": USER, "done": true }), vec!["done"]),
        (json!({ "user": other, "done": false }), vec!["other open"]),
        (json!({ "user": "nobody", "done": false }), vec![]),
    ] {
        let found = world.get(world.acme(), query, arguments.clone()).await;
        let titles: Vec<Value> = found["items"].as_array().unwrap().clone();
        let titles: Vec<&str> = titles.iter().map(|it| it["title"].as_str().unwrap()).collect();
        assert_eq!(titles, expected, "{arguments}");
    }
    let nested = "query($user: ID!) { getUser(id: $user) { ... on User {
        all: toDos { title } done: toDos(done: true) { title } open: toDos(done: false) { title }
    } } }";
    let found = world.get(world.acme(), nested, json!({ "user": USER })).await;
    let expected = json!({
        "all": [{ "title": "open" }, { "title": "done" }],
        "done": [{ "title": "done" }],
        "open": [{ "title": "open" }],
    });
    assert_eq!(found, expected);
}
