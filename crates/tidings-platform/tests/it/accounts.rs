//! Accounts: what they show, what changes them, and what that fires.

use async_graphql::MaybeUndefined;
use serde_json::{Value, json};
use tidings_platform::{
    domain::{AccountStatus, Consent, Money},
    sample::{PROVIDER, USER},
    writer::AccountChange,
};
use tidings_store::{Append, EntityChange, Store};

use crate::support::{
    Upset, World,
    linked::{account, changed, document, documents, provision, provisions, to_do},
    operator,
};

const FAILURE: &str = "__typename ... on OperationFailure { code description problems { path } }";

fn get(id: &str) -> String {
    format!("{{ getAccount(id: \"{id}\") {{ ... on Account {{ id status }} {FAILURE} }} }}")
}

#[tokio::test]
async fn adding_an_account_fires_account_added_alone() {
    let world = World::peopled().await;
    let added = world.add_webhook(world.acme.id, "AccountAdded").await;
    world.add_webhook(world.acme.id, "AccountUpdated").await;
    world.add_webhook(world.other.id, "AccountAdded").await;
    let id = world.add_account(USER).await;
    let events = world.events().await;
    let (event, deliveries) = events.last().unwrap();
    assert_eq!((event.trigger.as_str(), event.entity.as_str()), ("AccountAdded", id.as_str()));
    assert_eq!(event.application, Some(world.acme.id));
    let heard: Vec<_> = deliveries.iter().map(|delivery| delivery.webhook.id).collect();
    assert_eq!(heard, [added]);
    assert_eq!(events.len(), 2);
}

#[tokio::test]
async fn an_account_shows_what_is_known_of_it_and_not_its_consent() {
    let (world, linked) = World::linked().await;
    let query = format!(
        "{{ getAccount(id: \"{}\") {{ ... on Account {{
            id user {{ id }} provider {{ code }} reference accessLevel status lastCollected added
            updated balance {{ amount }} provisions {{ id tariffName account {{ id }} }}
            documents {{ items {{ id type title bytes account {{ id }} }} hasNextPage deleted }}
        }} }} }}",
        linked.account
    );
    let found = world.get(world.acme(), &query, Value::Null).await;
    let now = "2021-02-17T08:48:47.284Z";
    let itself = json!({ "id": linked.account });
    let expected = json!({
        "id": linked.account, "user": { "id": USER }, "provider": { "code": PROVIDER },
        "reference": "A-1001", "accessLevel": "FULL_CHECK_ONGOING", "status": "LINKING",
        "lastCollected": null, "added": now, "updated": now, "balance": null,
        "provisions": [
            { "id": linked.provision, "tariffName": "Green Variable v1", "account": itself },
        ],
        "documents": {
            "items": [{
                "id": linked.document, "type": "BILL", "title": "Bill bill-1", "bytes": 48_213,
                "account": itself,
            }],
            "hasNextPage": false, "deleted": [],
        },
    });
    assert_eq!(found, expected);
}

#[tokio::test]
async fn an_updated_account_is_heard_under_both_names_and_nothing_is_fired_when_nothing_changes() {
    let world = World::peopled().await;
    let id = world.add_account(USER).await;
    let added = world.add_webhook(world.acme.id, "AccountAdded").await;
    let updated = world.add_webhook(world.acme.id, "AccountUpdated").await;
    world.pass_ms(1_000);
    let change = || AccountChange {
        status: Some(AccountStatus::UpToDate),
        reference: MaybeUndefined::Null,
        last_collected_at: Some(tidings_core::samples::WALL),
        balance: MaybeUndefined::Value(Money { currency: "GBP".to_owned(), amount: 12.5 }),
    };
    let before = world.events().await.len();
    world.keep(&id, changed(change())).await.unwrap();
    let written = world.store_entity("Account", &id).await;
    let body: Value = serde_json::from_str(&written.body).unwrap();
    assert_eq!((&body["reference"], &body["status"]), (&Value::Null, &json!("UP_TO_DATE")));
    let events = world.events().await;
    let (event, deliveries) = events.last().unwrap();
    assert_eq!((event.trigger.as_str(), event.entity.as_str()), ("AccountUpdated", id.as_str()));
    let heard: Vec<_> = deliveries
        .iter()
        .map(|it| (it.webhook.id, it.delivery.trigger.as_str().to_owned()))
        .collect();
    let expected = [(added, "AccountAdded".to_owned()), (updated, "AccountUpdated".to_owned())];
    assert_eq!(heard, expected, "each under the name that it listens to");
    world.pass_ms(1_000);
    for same in [change(), AccountChange::default()] {
        world.keep(&id, changed(same)).await.unwrap();
        assert_eq!(world.store_entity("Account", &id).await, written);
    }
    assert_eq!(world.events().await.len(), before + 1);
}

#[tokio::test]
async fn withdrawn_consent_fires_once_and_nothing_is_written_any_more() {
    let (world, linked) = World::linked().await;
    world.add_webhook(world.acme.id, "AccountUpdated").await;
    let query = format!(
        "mutation {{ withdrawConsent(account: \"{}\") {{
            ... on Account {{ status }} {FAILURE} }} }}",
        linked.account
    );
    world.check_failure(world.other(), &query, "NOT_FOUND").await;
    world.check_failure(operator(), &query, "NOT_PERMITTED").await;
    let before = world.events().await.len();
    for _ in 0..2 {
        let found = world.get(world.acme(), &query, Value::Null).await;
        assert_eq!(found["status"], "CONSENT_WITHDRAWN");
    }
    let id = linked.account.as_str();
    let expected = vec![("AccountUpdated".to_owned(), linked.account.clone())];
    assert_eq!(world.fired_since(before).await, expected);
    let status = Some(AccountStatus::UpToDate);
    let change = AccountChange { status, ..AccountChange::default() };
    for new in
        [changed(change), documents(vec![document("new")]), provisions(vec![provision("new")])]
    {
        let refused = world.keep(id, new).await.unwrap_err();
        assert_eq!(refused.failure.code().as_str(), "CONFLICT");
        let text = refused.failure.text(tidings_graphql::Locale::EnGb);
        assert!(text.contains("was withdrawn") && text.contains(id), "{text}");
    }
    assert_eq!(world.fired_since(before).await, expected);
}

#[tokio::test]
async fn an_account_needs_a_user_and_provider_that_are_there_and_a_consent() {
    let world = World::peopled().await;
    let good = account(USER);
    let consent =
        |text: &str, until| Consent { text: text.to_owned(), until, ..good.consent.clone() };
    let no_user = account("000000000000000000000000");
    let mut no_provider = good.clone();
    no_provider.provider = "nobody".to_owned();
    let mut no_words = good.clone();
    no_words.consent = consent("", None);
    let mut over_before = good.clone();
    over_before.consent = consent("Yes.", Some(good.consent.given_at));
    let mut no_reference = good.clone();
    no_reference.reference = Some(String::new());
    for (new, code, path) in [
        (no_user, "NOT_FOUND", "/user"),
        (no_provider, "NOT_FOUND", "/provider"),
        (no_words, "INVALID_INPUT", "/consent/text"),
        (over_before, "INVALID_INPUT", "/consent/until"),
        (no_reference, "INVALID_INPUT", "/reference"),
    ] {
        let refused = world.writer.add_account(world.acme.id, new).await.unwrap_err();
        assert_eq!(refused.failure.code().as_str(), code);
        assert_eq!(refused.problems[0].path, path);
    }
    let refused = world.writer.add_account(world.other.id, good).await.unwrap_err();
    assert_eq!(refused.failure.code().as_str(), "NOT_FOUND", "another application's user");
    assert_eq!(world.fired().await, ["UserAdded"]);
}

#[tokio::test]
async fn a_user_has_200_accounts_at_most() {
    let world = World::peopled().await;
    for _ in 0..200 {
        world.add_account(USER).await;
    }
    let refused = world.writer.add_account(world.acme.id, account(USER)).await.unwrap_err();
    assert_eq!(refused.failure.code().as_str(), "CONFLICT");
    let text = refused.failure.text(tidings_graphql::Locale::EnGb);
    assert!(text.contains("200 of this at most: account"), "{text}");
    let query = format!("{{ getUser(id: \"{USER}\") {{ ... on User {{ accounts {{ id }} }} }} }}");
    let found = world.get(world.acme(), &query, Value::Null).await;
    assert_eq!(found["accounts"].as_array().unwrap().len(), 200);
}

#[tokio::test]
async fn another_application_sees_none_of_it() {
    let (world, linked) = World::linked().await;
    let page = "items { id } deleted hasNextPage";
    let account = &linked.account;
    for (list, count) in [
        ("getAccounts".to_owned(), 1),
        (format!("getAccounts(user: \"{USER}\")"), 1),
        ("getProvisions".to_owned(), 1),
        (format!("getProvisions(account: \"{account}\")"), 1),
        (format!("getProvisions(user: \"{USER}\")"), 1),
        (format!("getProvisions(account: \"{account}\", user: \"{USER}\")"), 1),
        (format!("getProvisions(account: \"{account}\", user: \"nobody\")"), 0),
        (format!("getDocuments(account: \"{account}\")"), 1),
        ("getToDos".to_owned(), 2),
        (format!("getToDos(user: \"{USER}\", done: false)"), 2),
    ] {
        let query = format!("{{ {list} {{ {page} }} }}");
        let seen = world.get(world.acme(), &query, Value::Null).await;
        assert_eq!(seen["items"].as_array().unwrap().len(), count, "{list}");
        let unseen = world.get(world.other(), &query, Value::Null).await;
        assert_eq!(unseen, json!({ "items": [], "deleted": [], "hasNextPage": false }), "{list}");
        world.check_error(operator(), &query, "NOT_PERMITTED").await;
    }
    for (field, id) in [
        ("getAccount", &linked.account),
        ("getDocument", &linked.document),
        ("getToDo", &linked.user_to_do),
    ] {
        let query = format!("{{ {field}(id: \"{id}\") {{ {FAILURE} }} }}");
        world.check_failure(world.other(), &query, "NOT_FOUND").await;
        let seen = world.get(operator(), &query, Value::Null).await;
        assert_ne!(seen["__typename"], "OperationFailure", "{field}");
    }
    let before = world.events().await.len();
    let (other, id) = (world.other.id, linked.account.as_str());
    let refused = [
        world.keep_for(other, id, documents(vec![document("x")])).await,
        world.keep_for(other, id, provisions(Vec::new())).await,
        world.writer.delete_account(other, id).await.map(|_| ()),
        world.writer.complete_to_do(other, &linked.user_to_do).await.map(|_| ()),
        world.writer.add_to_do(other, to_do(USER, None, "x")).await.map(|_| ()),
    ];
    for refused in refused {
        assert_eq!(refused.unwrap_err().failure.code().as_str(), "NOT_FOUND");
    }
    assert_eq!(world.events().await.len(), before);
}

#[tokio::test]
async fn an_account_cannot_be_added_to_a_user_who_is_deleted_at_the_same_moment() {
    let world = World::peopled().await;
    let user = world.store_entity("User", USER).await;
    let gone = EntityChange {
        application: user.application,
        kind: user.kind,
        id: user.id,
        expected_version: Some(user.version),
        body: user.body,
        deleted: true,
        links: Vec::new(),
        forget_at: None,
    };
    let catalog = world.store.catalog().await.unwrap();
    let deletion = Append { changes: vec![gone], ..Append::of(catalog.version(), Vec::new()) };
    world.ingest.upsets.lock().unwrap().push_back(Upset::First(Box::new(deletion)));
    let refused = world.writer.add_account(world.acme.id, account(USER)).await.unwrap_err();
    assert_eq!(refused.failure.code().as_str(), "NOT_FOUND");
    assert_eq!(world.fired().await, ["UserAdded"]);
}

#[tokio::test]
async fn accounts_are_polled_in_the_order_of_their_changes_and_provisions_count_as_changes() {
    let world = World::peopled().await;
    let first = world.add_account(USER).await;
    let second = world.add_account(USER).await;
    let poll = async |after: Value| {
        let query = "query($after: String) { getAccounts(after: $after, first: 200) {
            items { id } endCursor deleted } }";
        world.get(world.acme(), query, json!({ "after": after })).await
    };
    let start = poll(Value::Null).await;
    assert_eq!(start["items"], json!([{ "id": first }, { "id": second }]));
    world.put_provisions(&first, &["elec-1"]).await;
    let news = poll(start["endCursor"].clone()).await;
    assert_eq!((&news["items"], &news["deleted"]), (&json!([{ "id": first }]), &json!([])));
    world.put_provisions(&first, &["elec-1"]).await;
    let quiet = poll(news["endCursor"].clone()).await;
    assert_eq!(quiet["items"], json!([]), "nothing changed");
    world.writer.delete_account(world.acme.id, &second).await.unwrap();
    let news = poll(quiet["endCursor"].clone()).await;
    assert_eq!((&news["items"], &news["deleted"]), (&json!([]), &json!([second])));
    world.check_failure(world.acme(), &get(&second), "NOT_FOUND").await;
    world.pass_ms(60_000);
    let query = "{ getAccounts(updatedSince: \"2021-02-17T08:49:00Z\") { items { id } deleted } }";
    let none = world.get(world.acme(), query, Value::Null).await;
    assert_eq!(none, json!({ "items": [], "deleted": [] }));
    world.put_provisions(&first, &[]).await;
    let since = world.get(world.acme(), query, Value::Null).await;
    assert_eq!(since, json!({ "items": [{ "id": first }], "deleted": [] }));
}
