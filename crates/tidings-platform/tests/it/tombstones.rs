//! What the query of a deletion sees, and nobody else.

use serde_json::{Value, json};
use tidings_core::{ids::EventId, samples};
use tidings_platform::{
    domain::{ACCOUNT_ROLE, USER_ROLE, link},
    sample::{ENERGY_SWITCH, USER},
    writer::NewUser,
};
use tidings_query::source::Executed;
use tidings_store::{Append, EntityChange, Store};

use crate::support::{Upset, World, data, linked::Linked};

const USER_QUERY: &str = "query($id: ID!) { getUser(id: $id) { __typename ... on User { id
    accounts { id user { id } provisions { id } documents { items { id account { id } } } }
    toDos { id account { id } } open: toDos(done: false) { id } done: toDos(done: true) { id }
} } }";
const ACCOUNT_QUERY: &str = "query($id: ID!) { getAccount(id: $id) { __typename ... on Account {
    id reference user { id } provisions { id account { id } } documents { items { id } }
} } }";

async fn run(world: &World, trigger: &str, query: &str, id: &str) -> Value {
    let text = data(world.run_for(&world.acme, trigger, query, id).await);
    let found: Value = serde_json::from_str(&text).unwrap();
    found.as_object().unwrap().values().next().unwrap().clone()
}

/// The ids on a list, as a stored query for an event sees it. The list's arguments may use `$id`.
async fn listed(world: &World, trigger: &str, id: &str, list: &str) -> Vec<String> {
    let query = format!("query($id: ID!) {{ {list} {{ items {{ id }} }} }}");
    // Every query must use its variable.
    let query = if list.contains("$id") { query } else { query.replace("($id: ID!)", "") };
    let found = run(world, trigger, &query, id).await;
    let items = found["items"].as_array().unwrap();
    let mut ids: Vec<String> =
        items.iter().map(|it| it["id"].as_str().unwrap().to_owned()).collect();
    ids.sort_unstable();
    ids
}

/// What a query for one entity came to.
async fn type_of(world: &World, trigger: &str, entity: &str, field: &str, id: &str) -> String {
    let query = format!("{{ {field}(id: \"{id}\") {{ __typename }} }}");
    run(world, trigger, &query, entity).await["__typename"].as_str().unwrap().to_owned()
}

fn sorted<const COUNT: usize>(ids: [&str; COUNT]) -> Vec<String> {
    let mut ids = ids.map(str::to_owned).to_vec();
    ids.sort_unstable();
    ids
}

#[tokio::test]
async fn the_query_of_a_users_deletion_sees_the_user_with_all_that_hung_on_it() {
    let (world, linked) = World::linked().await;
    let Linked { account, provision, document, account_to_do, user_to_do } = &linked;
    world.writer.complete_to_do(world.acme.id, user_to_do).await.unwrap();
    world.writer.delete_user(world.acme.id, USER).await.unwrap();
    let seen = run(&world, "UserDeleted", USER_QUERY, USER).await;
    let mut expected = json!({
        "__typename": "User", "id": USER,
        "accounts": [{
            "id": account, "user": { "id": USER }, "provisions": [{ "id": provision }],
            "documents": { "items": [{ "id": document, "account": { "id": account } }] },
        }],
        "toDos": [
            { "id": account_to_do, "account": { "id": account } },
            { "id": user_to_do, "account": null },
        ],
        "open": [{ "id": account_to_do }], "done": [{ "id": user_to_do }],
    });
    expected["toDos"].as_array_mut().unwrap().sort_by_key(|it| it["id"].to_string());
    let mut seen = seen;
    seen["toDos"].as_array_mut().unwrap().sort_by_key(|it| it["id"].to_string());
    assert_eq!(seen, expected);
    let in_account = format!("getDocuments(account: \"{account}\")");
    let provisions = format!("getProvisions(account: \"{account}\", user: $id)");
    for (list, ids) in [
        ("getAccounts(user: $id)", sorted([account])),
        ("getProvisions(user: $id)", sorted([provision])),
        (&provisions, sorted([provision])),
        (&in_account, sorted([document])),
        ("getToDos(user: $id)", sorted([account_to_do, user_to_do])),
        ("getToDos(user: $id, done: true)", sorted([user_to_do])),
        ("getEnergySwitches(user: $id)", sorted([ENERGY_SWITCH])),
        // What is asked for of all users is what there is now.
        ("getAccounts", vec![]),
        ("getToDos(done: false)", vec![]),
    ] {
        assert_eq!(listed(&world, "UserDeleted", USER, list).await, ids, "{list}");
    }
    for (field, id, of_type) in [
        ("getAccount", account.as_str(), "Account"),
        ("getDocument", document, "Document"),
        ("getToDo", account_to_do, "ToDo"),
        ("getToDo", user_to_do, "ToDo"),
        ("getEnergySwitch", ENERGY_SWITCH, "EnergySwitch"),
    ] {
        assert_eq!(type_of(&world, "UserDeleted", USER, field, id).await, of_type, "{field}");
    }
}

#[tokio::test]
async fn the_query_of_an_accounts_deletion_sees_the_account_with_what_hung_on_it() {
    let (world, linked) = World::linked().await;
    let Linked { account, provision, document, account_to_do, user_to_do } = &linked;
    let before = world.events().await.len();
    world.writer.delete_account(world.acme.id, account).await.unwrap();
    let fired = world.fired_since(before).await;
    assert_eq!(fired, [("AccountDeleted".to_owned(), account.clone())]);
    let seen = run(&world, "AccountDeleted", ACCOUNT_QUERY, account).await;
    let expected = json!({
        "__typename": "Account", "id": account, "reference": "A-1001", "user": { "id": USER },
        "provisions": [{ "id": provision, "account": { "id": account } }],
        "documents": { "items": [{ "id": document }] },
    });
    assert_eq!(seen, expected);
    for (list, ids) in [
        ("getDocuments(account: $id)", sorted([document])),
        ("getProvisions(account: $id)", sorted([provision])),
        // The user is still there, with what still hangs on it.
        ("getToDos", sorted([user_to_do])),
        ("getAccounts", vec![]),
    ] {
        assert_eq!(listed(&world, "AccountDeleted", account, list).await, ids, "{list}");
    }
    for (field, id, of_type) in [
        ("getDocument", document, "Document"),
        ("getToDo", account_to_do, "ToDo"),
        ("getToDo", user_to_do, "ToDo"),
    ] {
        let found = type_of(&world, "AccountDeleted", account, field, id).await;
        assert_eq!(found, of_type, "{field}");
    }
}

#[tokio::test]
async fn an_account_that_goes_with_its_user_is_told_of_with_what_hung_on_it() {
    let (world, linked) = World::linked().await;
    let Linked { account, provision, document, user_to_do, .. } = &linked;
    let other = world.add_account(USER).await;
    let before = world.events().await.len();
    world.writer.delete_user(world.acme.id, USER).await.unwrap();
    let fired = world.fired_since(before).await;
    let gone = fired.iter().filter(|(trigger, _)| trigger == "AccountDeleted");
    let mut gone: Vec<String> = gone.map(|(_, id)| id.clone()).collect();
    gone.sort_unstable();
    assert_eq!(gone, sorted([account, &other]));
    let seen = run(&world, "AccountDeleted", ACCOUNT_QUERY, account).await;
    let expected = json!({
        "__typename": "Account", "id": account, "reference": "A-1001", "user": { "id": USER },
        "provisions": [{ "id": provision, "account": { "id": account } }],
        "documents": { "items": [{ "id": document }] },
    });
    assert_eq!(seen, expected);
    for (field, id) in [
        ("getAccount", account.as_str()),
        ("getDocument", document),
        ("getToDo", user_to_do),
        ("getUser", USER),
        ("getEnergySwitch", ENERGY_SWITCH),
    ] {
        let found = type_of(&world, "AccountDeleted", &other, field, id).await;
        assert_eq!(found, "OperationFailure", "{field} for another account");
    }
}

#[tokio::test]
async fn nobody_else_sees_what_was_deleted() {
    let (world, linked) = World::linked().await;
    let other_user = world.writer.add_user(world.acme.id, NewUser::default()).await.unwrap();
    let other_user = other_user.entity.id;
    world.writer.delete_user(world.acme.id, USER).await.unwrap();
    let Linked { account, document, account_to_do, .. } = &linked;
    let events = [
        ("UserAdded", USER),
        ("UserDeleted", other_user.as_str()),
        ("AccountUpdated", account.as_str()),
        ("DocumentAdded", document),
    ];
    for (trigger, entity) in events {
        for (field, id) in [
            ("getUser", USER),
            ("getDocument", document),
            ("getToDo", account_to_do),
            ("getEnergySwitch", ENERGY_SWITCH),
        ] {
            let found = type_of(&world, trigger, entity, field, id).await;
            assert_eq!(found, "OperationFailure", "{field} of {id} for {trigger} of {entity}");
        }
        for list in ["getAccounts", "getDocuments", "getProvisions"] {
            let by = if list == "getDocuments" { "account" } else { "user" };
            let id = if by == "account" { account } else { USER };
            let list = format!("{list}({by}: \"{id}\")");
            assert_eq!(listed(&world, trigger, entity, &list).await, [""; 0], "{list}");
        }
    }
    let unseen = data(world.run_for(&world.other, "UserDeleted", USER_QUERY, USER).await);
    assert_eq!(unseen, r#"{"getUser":{"__typename":"OperationFailure"}}"#);
    let asked = world.get(world.acme(), USER_QUERY, json!({ "id": USER })).await;
    assert_eq!(asked["__typename"], "OperationFailure");
}

#[tokio::test]
async fn what_had_gone_before_is_not_seen_with_what_goes_now() {
    let (world, linked) = World::linked().await;
    let gone = world.add_account(USER).await;
    let gone_document = world.add_documents(&gone, &["bill-1"]).await.remove(0);
    let gone_to_do = world.add_to_do(USER, Some(&gone), "gone").await;
    world.writer.delete_account(world.acme.id, &gone).await.unwrap();
    world.put_provisions(&linked.account, &["gas-1"]).await;
    world.writer.delete_user(world.acme.id, USER).await.unwrap();
    let seen = run(&world, "UserDeleted", USER_QUERY, USER).await;
    let accounts = seen["accounts"].as_array().unwrap();
    assert_eq!(accounts.len(), 1);
    assert_eq!(accounts[0]["id"], linked.account);
    let provisions = accounts[0]["provisions"].as_array().unwrap();
    assert!(provisions.len() == 1 && provisions[0]["id"] != linked.provision, "{provisions:?}");
    assert_eq!(seen["toDos"].as_array().unwrap().len(), 2);
    for (field, id) in
        [("getAccount", &gone), ("getDocument", &gone_document), ("getToDo", &gone_to_do)]
    {
        let found = type_of(&world, "UserDeleted", USER, field, id).await;
        assert_eq!(found, "OperationFailure", "{field}");
    }
    let list = format!("getDocuments(account: \"{gone}\")");
    assert_eq!(listed(&world, "UserDeleted", USER, &list).await, [""; 0]);
    // Its own deletion's query still sees it, but not the user, who went later.
    assert_eq!(
        type_of(&world, "AccountDeleted", &gone, "getDocument", &gone_document).await,
        "Document"
    );
    let executed = world.run_for(&world.acme, "AccountDeleted", ACCOUNT_QUERY, &gone).await;
    match executed {
        Executed::Answered(response) => {
            assert_eq!(response.errors[0].code.as_deref(), Some("NOT_FOUND"));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_event_that_was_fired_by_hand_shows_a_user_who_is_there_as_it_is() {
    let (world, linked) = World::linked().await;
    let seen = run(&world, "UserDeleted", USER_QUERY, USER).await;
    assert_eq!(seen["accounts"][0]["id"], linked.account);
    let accounts = listed(&world, "UserDeleted", USER, "getAccounts(user: $id)").await;
    assert_eq!(accounts, std::slice::from_ref(&linked.account));
    let id = linked.account.as_str();
    let documents = listed(&world, "AccountDeleted", id, "getDocuments(account: $id)").await;
    assert_eq!(documents, [linked.document]);
}

#[tokio::test]
async fn an_event_that_was_fired_by_hand_after_a_deletion_tells_nothing_of_who_is_gone() {
    let (world, linked) = World::linked().await;
    world.writer.delete_user(world.acme.id, USER).await.unwrap();
    let by_hand = EventId::new(samples::WALL, [9; 10]);
    for (trigger, query, id) in
        [("UserDeleted", USER_QUERY, USER), ("AccountDeleted", ACCOUNT_QUERY, &linked.account)]
    {
        let found = world.run_about(&world.acme, by_hand, trigger, query, id).await;
        assert!(data(found).contains(r#"{"__typename":"OperationFailure"}"#), "{trigger}");
        let list = format!("{{ getToDos(user: \"{USER}\") {{ items {{ id }} }} }}");
        let found = world.run_about(&world.acme, by_hand, trigger, &list, id).await;
        assert_eq!(data(found), r#"{"getToDos":{"items":[]}}"#, "{trigger}");
        let found = data(world.run_for(&world.acme, trigger, query, id).await);
        assert!(!found.contains("OperationFailure"), "its own event tells: {found}");
    }
}

#[tokio::test]
async fn a_user_with_more_than_fits_a_commit_is_deleted_with_all_of_it_and_fires_once() {
    let world = World::sampled().await;
    let account = world.add_account(USER).await;
    let keys: Vec<String> = (0..450).map(|number| format!("bill-{number}")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    world.add_documents(&account, &keys).await;
    let before = world.events().await.len();
    world.writer.delete_user(world.acme.id, USER).await.unwrap();
    let fired = world.fired_since(before).await;
    let once = |trigger: &str, id: &str| (trigger.to_owned(), id.to_owned());
    assert_eq!(fired, [once("UserDeleted", USER), once("AccountDeleted", &account)]);
    let query = format!("{{ getDocuments(account: \"{account}\") {{ items {{ id }} }} }}");
    let left = world.get(world.acme(), &query, Value::Null).await;
    assert_eq!(left["items"], json!([]));
    let list = format!("getDocuments(account: \"{account}\", first: 200)");
    assert_eq!(listed(&world, "UserDeleted", USER, &list).await.len(), 200);
}

/// Just before the next commit, a document comes in whose account is still there.
async fn add_late_document(world: &World, linked: &Linked) -> &'static str {
    const LATE: &str = "0123456789abcdef01234567";
    let there = world.store_entity("Document", &linked.document).await;
    let new = EntityChange {
        application: there.application,
        kind: there.kind,
        id: LATE.to_owned(),
        expected_version: None,
        body: there.body,
        deleted: false,
        links: vec![link(USER_ROLE, USER), link(ACCOUNT_ROLE, &linked.account)],
        forget_at: None,
    };
    let catalog = world.store.catalog().await.unwrap();
    let addition = Append { changes: vec![new], ..Append::of(catalog.version(), Vec::new()) };
    world.ingest.upsets.lock().unwrap().push_back(Upset::First(Box::new(addition)));
    LATE
}

#[tokio::test]
async fn what_is_added_while_its_user_is_being_deleted_goes_in_the_commit_of_the_deletion() {
    let (world, linked) = World::linked().await;
    let late = add_late_document(&world, &linked).await;
    world.writer.delete_user(world.acme.id, USER).await.unwrap();
    let late = world.store_entity("Document", late).await;
    let user = world.store_entity("User", USER).await;
    assert!(late.deleted && user.deleted);
    assert!(late.position < user.position, "a crash after the deletion would have left it");
    let list = format!("getDocuments(account: \"{}\")", linked.account);
    assert_eq!(listed(&world, "UserDeleted", USER, &list).await.len(), 2);
}

#[tokio::test]
async fn what_is_added_while_consent_is_being_withdrawn_goes_in_the_same_commit() {
    let (world, linked) = World::linked().await;
    let late = add_late_document(&world, &linked).await;
    world.writer.withdraw_consent(world.acme.id, &linked.account).await.unwrap();
    let late = world.store_entity("Document", late).await;
    let account = world.store_entity("Account", &linked.account).await;
    assert!(late.deleted && late.position < account.position);
}
