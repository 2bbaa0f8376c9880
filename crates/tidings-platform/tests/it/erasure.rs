//! What was deleted, or what consent was withdrawn for, is not told of any more.

use serde_json::{Value, json};
use tidings_core::delivery::{ReasonCode, State};
use tidings_platform::sample::{self, ENERGY_SWITCH, USER};
use tidings_query::source::Executed;

use crate::support::{World, linked::Linked};

/// Whether each delivery was erased and, where it ended, why; by the trigger and entity of its
/// event.
async fn ends(world: &World) -> Vec<(String, String, bool, Option<ReasonCode>)> {
    let mut ends = Vec::new();
    for (event, deliveries) in world.events().await {
        for view in deliveries {
            let why = match &view.delivery.state {
                State::Cancelled { why } => Some(why.code),
                _ => None,
            };
            let erased = view.delivery.erased;
            ends.push((event.trigger.to_string(), event.entity.to_string(), erased, why));
        }
    }
    ends
}

async fn subjects(world: &World, query: &str, id: &str) -> Vec<String> {
    match world.run(&world.acme, query, id).await {
        Executed::Answered(response) => {
            assert!(response.errors.is_empty(), "{:?}", response.errors);
            response.subjects.iter().map(ToString::to_string).collect()
        }
        Executed::Down { why, .. } => panic!("{why}"),
    }
}

#[tokio::test]
async fn an_answer_says_which_people_and_accounts_it_tells_of() {
    let (world, linked) = World::linked().await;
    let Linked { account, document, .. } = &linked;
    let user = vec![USER.to_owned()];
    let mut both = vec![USER.to_owned(), account.clone()];
    both.sort_unstable();
    let switch = "query($id: ID!) { getEnergySwitch(id: $id) { ... on EnergySwitch { id } } }";
    assert_eq!(subjects(&world, switch, ENERGY_SWITCH).await, user);
    for query in [
        "query($id: ID!) { getDocument(id: $id) { ... on Document { title } } }",
        "query($id: ID!) { getDocument(id: $id) { ... on Document { account { id } } } }",
    ] {
        assert_eq!(subjects(&world, query, document).await, both);
    }
    let nested = "query($id: ID!) { getUser(id: $id) { ... on User { accounts { id } } } }";
    assert_eq!(subjects(&world, nested, USER).await, both);
    let nobody = "query($id: ID!) { getToDo(id: $id) { __typename } }";
    assert_eq!(subjects(&world, nobody, USER).await, Vec::<String>::new());
}

#[tokio::test]
async fn what_waits_to_tell_of_a_deleted_user_is_cancelled_and_the_deletion_is_told() {
    let world = World::peopled().await;
    for trigger in ["EnergySwitchAdded", "UserAdded", "UserDeleted"] {
        world.add_webhook(world.acme.id, trigger).await;
    }
    sample::add_energy_switch(&world.writer, world.acme.id).await.unwrap().unwrap();
    let added =
        world.get(world.acme(), "mutation { addUser { ... on User { id } } }", Value::Null).await;
    let other = added["id"].as_str().unwrap().to_owned();
    world.writer.delete_user(world.acme.id, USER).await.unwrap();
    let withdrawn = Some(ReasonCode::ConsentWithdrawn);
    let expected = [
        ("EnergySwitchAdded", ENERGY_SWITCH, true, withdrawn),
        ("UserAdded", &other, false, None),
        ("UserDeleted", USER, false, None),
    ];
    let expected = expected
        .map(|(trigger, entity, erased, why)| (trigger.to_owned(), entity.to_owned(), erased, why));
    assert_eq!(ends(&world).await, expected);
}

#[tokio::test]
async fn withdrawn_consent_takes_what_was_collected_and_what_waits_to_tell_of_it() {
    let (world, linked) = World::linked().await;
    let Linked { account, provision, document, .. } = &linked;
    for trigger in ["DocumentAdded", "AccountUpdated", "UserAdded"] {
        world.add_webhook(world.acme.id, trigger).await;
    }
    let late = world.add_documents(account, &["late"]).await.remove(0);
    world.writer.withdraw_consent(world.acme.id, account).await.unwrap();
    let withdrawn = Some(ReasonCode::ConsentWithdrawn);
    let expected = [
        ("DocumentAdded".to_owned(), late.clone(), true, withdrawn),
        ("AccountUpdated".to_owned(), account.clone(), false, None),
    ];
    assert_eq!(ends(&world).await, expected);
    let query = "query($id: ID!) { getAccount(id: $id) { ... on Account { status reference balance
        { amount } provisions { id } documents { items { id } } } } }";
    let shown = world.get(world.acme(), query, json!({ "id": account })).await;
    let nothing = json!({
        "status": "CONSENT_WITHDRAWN", "reference": null, "balance": null, "provisions": [],
        "documents": { "items": [] },
    });
    assert_eq!(shown, nothing);
    for (field, id) in [("getDocument", document), ("getDocument", &late)] {
        let query = format!("{{ {field}(id: \"{id}\") {{ __typename }} }}");
        let found = world.get(world.acme(), &query, Value::Null).await;
        assert_eq!(found["__typename"], "OperationFailure", "{id}");
    }
    // A poller is told what is gone.
    let poll =
        "{ getProvisions(updatedSince: \"2000-01-01T00:00:00.000Z\") { items { id } deleted } }";
    let poll = world.get(world.acme(), poll, Value::Null).await;
    assert_eq!(poll, json!({ "items": [], "deleted": [provision] }));
}
