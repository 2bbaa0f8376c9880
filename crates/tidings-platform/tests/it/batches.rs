//! How little is read for what hangs on the items of a page.

use serde_json::{Value, json};
use tidings_platform::{sample::USER, writer::NewUser};

use crate::support::{
    World,
    linked::{document, documents},
};

/// A world with so many users, each with an account that has 2 provisions and 3 documents and with
/// a to-do about it.
async fn crowded(count: usize) -> World {
    let world = World::peopled().await;
    for number in 0..count {
        let new = NewUser { id: None, reference: Some(format!("user {number}")) };
        let user = world.writer.add_user(world.acme.id, new).await.unwrap().entity.id;
        let account = world.add_account(&user).await;
        world.put_provisions(&account, &["elec-1", "gas-1"]).await;
        world.add_documents(&account, &["bill-1", "bill-2", "bill-3"]).await;
        world.add_to_do(&user, Some(&account), &format!("to-do {number}")).await;
    }
    world
}

async fn check(world: &World, query: &str, reads: usize) -> Value {
    world.store.take_reads();
    let found = world.get(world.acme(), query, Value::Null).await;
    assert_eq!(world.store.take_reads(), reads, "{query}");
    found
}

const PROVISIONS: &str = "provisions { id tariffName account { id reference } }";
const DOCUMENTS: &str = "documents(first: 2) { items { title } hasNextPage }";

#[tokio::test]
async fn a_page_of_accounts_with_all_that_hangs_on_them_costs_the_same_for_1_and_for_50() {
    let world = crowded(50).await;
    for first in [1, 7, 50] {
        let query = format!(
            "{{ getAccounts(first: {first}) {{ items {{
                id user {{ reference }} provider {{ name }} {PROVISIONS} {DOCUMENTS}
            }} }} }}"
        );
        // The accounts, their users, providers, provisions (with those accounts) and documents.
        let found = check(&world, &query, 6).await;
        let items = found["items"].as_array().unwrap();
        assert_eq!(items.len(), first);
        for account in items {
            let provisions = account["provisions"].as_array().unwrap();
            assert_eq!(provisions.len(), 2);
            assert!(provisions.iter().all(|it| it["account"]["id"] == account["id"]));
            assert_eq!(account["documents"]["items"].as_array().unwrap().len(), 2);
            assert_eq!(account["documents"]["hasNextPage"], true);
        }
    }
}

#[tokio::test]
async fn users_with_their_accounts_and_to_dos_cost_one_read_for_each_level() {
    let world = crowded(20).await;
    let query = format!(
        "{{ getUsers {{ items {{ reference
            accounts {{ id {PROVISIONS} {DOCUMENTS} user {{ reference }} }}
            toDos {{ title account {{ id user {{ reference }} }} }}
        }} }} }}"
    );
    // Users; accounts; their provisions, the accounts of those, documents, users; to-dos, their
    // accounts, the users of those.
    let found = check(&world, &query, 9).await;
    for user in found["items"].as_array().unwrap().iter().skip(1) {
        assert_eq!(user["accounts"][0]["user"]["reference"], user["reference"]);
        let to_do = &user["toDos"][0];
        assert_eq!(to_do["account"]["user"]["reference"], user["reference"]);
        assert_eq!(to_do["account"]["id"], user["accounts"][0]["id"]);
    }
}

#[tokio::test]
async fn lists_that_are_asked_for_differently_are_read_each_for_itself() {
    let world = crowded(5).await;
    let query = "{ getAccounts { items {
        one: documents(first: 1) { items { title } endCursor }
        same: documents(first: 1) { items { title } }
        all: documents { items { title } }
    } } }";
    let found = check(&world, query, 3).await;
    for account in found["items"].as_array().unwrap() {
        assert_eq!(account["one"]["items"], account["same"]["items"]);
        assert_eq!(account["all"]["items"].as_array().unwrap().len(), 3);
    }
    let query = "{ getToDos { items { id user { id } account { id } } } }";
    check(&world, query, 3).await;
    let query = "{ getProvisions { items { account { user { id } } } } }";
    check(&world, query, 3).await;
}

#[tokio::test]
async fn the_documents_of_an_account_go_on_page_by_page_and_tell_what_is_new() {
    let world = World::peopled().await;
    let account = world.add_account(USER).await;
    world.add_documents(&account, &["a", "b", "c"]).await;
    let query = "query($id: ID!, $after: String) { getAccount(id: $id) { ... on Account {
        documents(first: 2, after: $after) { items { title } endCursor hasNextPage deleted } } } }";
    let page = async |after: &Value| {
        let variables = json!({ "id": account, "after": after });
        world.get(world.acme(), query, variables).await["documents"].clone()
    };
    let first = page(&Value::Null).await;
    assert_eq!(first["items"], json!([{ "title": "Bill a" }, { "title": "Bill b" }]));
    assert_eq!(first["hasNextPage"], true);
    let second = page(&first["endCursor"]).await;
    assert_eq!(second["items"], json!([{ "title": "Bill c" }]));
    let none = page(&second["endCursor"]).await;
    assert_eq!((&none["items"], &none["endCursor"]), (&json!([]), &second["endCursor"]));
    world.add_documents(&account, &["d"]).await;
    let news = page(&none["endCursor"]).await;
    assert_eq!(news["items"], json!([{ "title": "Bill d" }]));
    for arguments in ["first: 0", "first: 201", "after: \"x\""] {
        let query =
            format!("{{ getAccounts {{ items {{ documents({arguments}) {{ endCursor }} }} }} }}");
        world.check_error(world.acme(), &query, "INVALID_INPUT").await;
    }
}

#[tokio::test]
async fn an_answer_of_more_nested_items_than_it_may_hold_is_refused() {
    let world = World::peopled().await;
    let account = world.add_account(USER).await;
    for batch in 0..2 {
        let new = (0..100).map(|number| document(&format!("bill-{batch}-{number}"))).collect();
        world.keep(&account, documents(new)).await.unwrap();
    }
    let page =
        |inner: &str| format!("documents(first: 200) {{ items {{ account {{ {inner} }} }} }}");
    let fits = format!("{{ getAccounts {{ items {{ {} }} }} }}", page("id"));
    world.get(world.acme(), &fits, Value::Null).await;
    // 200 documents, and 200 below each of them.
    let query = format!("{{ getAccounts {{ items {{ {} }} }} }}", page(&page("id")));
    world.check_error(world.acme(), &query, "INVALID_INPUT").await;
    let answer = world.ask(world.acme(), &query, Value::Null).await;
    let text = answer["errors"][0]["message"].as_str().unwrap();
    assert!(text.contains("more than 20000 nested items"), "{text}");
}
