//! Provisions and documents, as what collects them writes them.

use serde_json::{Value, json};
use tidings_graphql::OperationFailure;
use tidings_platform::{
    domain::{Address, Money},
    sample::USER,
    writer::{NewDocument, NewProvision},
};

use crate::support::{
    World,
    linked::{document, documents, provision, provisions},
};

fn named(events: &[(&str, &str)]) -> Vec<(String, String)> {
    events.iter().map(|(trigger, id)| ((*trigger).to_owned(), (*id).to_owned())).collect()
}

fn sorted(mut events: Vec<(String, String)>) -> Vec<(String, String)> {
    events.sort_unstable();
    events
}

fn problems(refused: &OperationFailure) -> Vec<&str> {
    assert_eq!(refused.failure.code().as_str(), "INVALID_INPUT");
    refused.problems.iter().map(|problem| problem.path.as_str()).collect()
}

#[tokio::test]
async fn provisions_that_come_change_and_go_are_told_with_their_account_in_one_commit() {
    let world = World::peopled().await;
    let account = world.add_account(USER).await;
    let before = world.events().await.len();
    world.store.take_appends();
    let ids = world.put_provisions(&account, &["elec-1", "gas-1"]).await;
    assert_eq!(world.store.take_appends(), 1);
    let expected = named(&[
        ("AccountUpdated", &account),
        ("ProvisionAdded", &ids[0]),
        ("ProvisionAdded", &ids[1]),
    ]);
    assert_eq!(sorted(world.fired_since(before).await), sorted(expected));

    let before = world.events().await.len();
    let dearer = NewProvision {
        projected_spend: Some(Money { currency: "GBP".to_owned(), amount: 1_240.0 }),
        ..provision("elec-1")
    };
    world.keep(&account, provisions(vec![dearer.clone()])).await.unwrap();
    let expected = named(&[("AccountUpdated", &account), ("ProvisionUpdated", &ids[0])]);
    assert_eq!(sorted(world.fired_since(before).await), sorted(expected));
    let query = format!("{{ getProvisions(account: \"{account}\") {{ items {{ id }} }} }}");
    let found = world.get(world.acme(), &query, Value::Null).await;
    assert_eq!(found["items"], json!([{ "id": ids[0] }]));

    let before = world.events().await.len();
    world.keep(&account, provisions(vec![dearer])).await.unwrap();
    assert_eq!(world.events().await.len(), before);

    world.keep(&account, provisions(Vec::new())).await.unwrap();
    assert_eq!(world.fired_since(before).await, named(&[("AccountUpdated", &account)]));
    let before = world.events().await.len();
    assert_eq!(world.put_provisions(&account, &["gas-1"]).await, [ids[1].clone()], "its old id");
    let expected = named(&[("AccountUpdated", &account), ("ProvisionAdded", &ids[1])]);
    assert_eq!(sorted(world.fired_since(before).await), sorted(expected));
}

#[tokio::test]
async fn a_document_that_is_collected_again_is_neither_there_twice_nor_fired_twice() {
    let world = World::peopled().await;
    let account = world.add_account(USER).await;
    let webhook = world.add_webhook(world.acme.id, "DocumentAdded").await;
    let before = world.events().await.len();
    let ids = world.add_documents(&account, &["bill-1", "bill-2", "bill-1"]).await;
    assert_eq!(ids.len(), 2, "one that is listed twice is one");
    let more = world.add_documents(&account, &["bill-2", "bill-3", "bill-1"]).await;
    assert_eq!(more.len(), 1);
    assert_eq!(world.add_documents(&account, &["bill-1", "bill-3"]).await, [""; 0]);
    let all = [ids[0].as_str(), &ids[1], &more[0]];
    let expected = all.map(|id| ("DocumentAdded", id));
    assert_eq!(sorted(world.fired_since(before).await), sorted(named(&expected)));
    for (_, deliveries) in world.events().await.iter().skip(before) {
        assert_eq!(deliveries.len(), 1);
        assert_eq!(deliveries[0].webhook.id, webhook);
    }
    let other = world.add_account(USER).await;
    let there = world.add_documents(&other, &["bill-1"]).await;
    assert!(!ids.contains(&there[0]), "the same key in another account is another document");
}

#[tokio::test]
async fn a_thousand_documents_are_one_commit_and_one_more_is_refused() {
    let world = World::peopled().await;
    let account = world.add_account(USER).await;
    let bills = |count: usize| {
        documents((0..count).map(|number| document(&format!("bill-{number}"))).collect())
    };
    let before = world.events().await.len();
    let refused = world.keep(&account, bills(1_001)).await.unwrap_err();
    assert_eq!(problems(&refused), [""]);
    world.store.take_appends();
    world.keep(&account, bills(1_000)).await.unwrap();
    assert_eq!(world.fired_since(before).await.len(), 1_000);
    assert_eq!(world.store.take_appends(), 1);
    let many = (0..101).map(|number| provision(&format!("elec-{number}"))).collect();
    let refused = world.keep(&account, provisions(many)).await.unwrap_err();
    assert_eq!(problems(&refused), [""]);
}

#[tokio::test]
async fn a_document_says_where_it_can_be_downloaded() {
    let (world, linked) = World::linked().await;
    let query = "query($id: ID!) { getDocument(id: $id) { ... on Document { downloadUrl } } }";
    let expected = format!("https://api.example.com/v1/documents/{}", linked.document);
    let asked = world.get(world.acme(), query, json!({ "id": linked.document })).await;
    assert_eq!(asked["downloadUrl"], expected);
    let stored = world.run_for(&world.acme, "DocumentAdded", query, &linked.document).await;
    assert!(crate::support::data(stored).contains(&expected));
}

#[tokio::test]
async fn what_a_provider_says_is_checked_field_by_field() {
    let world = World::peopled().await;
    let account = world.add_account(USER).await;
    let before = world.events().await.len();
    let broken = NewDocument {
        provider_key: String::new(),
        title: "\u{0}".to_owned(),
        media_type: "PDF".to_owned(),
        bytes: 64 * 1024 * 1024 + 1,
        sha256: "9F86".to_owned(),
        ..document("x")
    };
    let list = vec![document("good"), broken];
    let refused = world.keep(&account, documents(list)).await.unwrap_err();
    assert_eq!(
        problems(&refused),
        ["/1/providerKey", "/1/title", "/1/mediaType", "/1/bytes", "/1/sha256"]
    );
    let long = Some("x".repeat(257));
    let broken = NewProvision {
        fuel_type: long.clone(),
        tariff_name: long.clone(),
        supply_number: long,
        address: Some(Address {
            lines: [vec![String::new()], vec!["a".to_owned(); 10]].concat(),
            postcode: Some("?".to_owned()),
        }),
        projected_spend: Some(Money { currency: "pounds".to_owned(), amount: f64::NAN }),
        ..provision("same")
    };
    let list = vec![provision("same"), broken];
    let refused = world.keep(&account, provisions(list)).await.unwrap_err();
    assert_eq!(
        problems(&refused),
        [
            "/1/providerKey",
            "/1/fuelType",
            "/1/tariffName",
            "/1/supplyNumber",
            "/1/address/lines",
            "/1/address/lines/0",
            "/1/address/postcode",
            "/1/projectedSpend/currency",
            "/1/projectedSpend/amount",
        ]
    );
    assert_eq!(world.events().await.len(), before);
}
