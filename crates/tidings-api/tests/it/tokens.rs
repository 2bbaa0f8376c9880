//! Master tokens and tokens of users.

use serde_json::{Value, json};
use tidings_store::{Append, Clock, EntityChange, Ingest, Store};

use crate::support::{ACME, Door, OPERATOR};

const USER: &str = "5d5d8f0a9f2b3c4d5e6f7a8b";

async fn add(door: &Door, token: &str, input: Value) -> Value {
    let query = "mutation($input: AddTokenInput!) { answer: addToken(input: $input) { __typename \
        ... on TokenAdded { id token scopes expires } \
        ... on OperationFailure { code problems { path message } } } }";
    door.graphql(token, query, json!({ "input": input })).await["answer"].clone()
}

/// A user of the application acme, as the platform keeps one.
async fn put_user(door: &Door, version: Option<u64>, deleted: bool) {
    let change = EntityChange {
        application: Some(door.acme.id),
        kind: "User".to_owned(),
        id: USER.to_owned(),
        expected_version: version,
        body: "{}".to_owned(),
        deleted,
        links: Vec::new(),
        forget_at: None,
    };
    let version = door.store.catalog().await.unwrap().version();
    let append = Append { changes: vec![change], ..Append::of(version, Vec::new()) };
    door.ingest.append(door.clock.now(), append).await.unwrap();
}

#[tokio::test]
async fn tokens_of_every_kind_have_what_their_kind_can_have() {
    let door = Door::open().await;
    put_user(&door, None, false).await;
    let users = ["read:accounts", "download:documents"];
    for (kind, user) in [("PRIVATE_MASTER", None), ("PUBLIC_MASTER", None), ("USER", Some(USER))] {
        let input = |scopes: Value| json!({ "kind": kind, "user": user, "scopes": scopes });
        let added = add(&door, ACME, input(json!(users))).await;
        assert_eq!(added["scopes"], json!(users), "{added}");
        let expires = (kind == "USER").then_some("2021-02-17T09:48:47.284Z");
        assert_eq!(added["expires"], json!(expires), "{kind}");
        let refused = add(&door, ACME, input(json!(["manage:webhooks"]))).await;
        assert_eq!(refused["problems"][0]["path"], "/input/scopes/0", "{kind}");
    }
    let listed = door.graphql(ACME, "{ getTokens { items { kind user } } }", json!({})).await;
    let items = listed["getTokens"]["items"].as_array().unwrap();
    assert_eq!(items[0], json!({ "kind": "APPLICATION", "user": null }));
    assert_eq!(items[3], json!({ "kind": "USER", "user": USER }));
}

#[tokio::test]
async fn a_users_token_needs_a_user_of_the_application() {
    let door = Door::open().await;
    put_user(&door, None, false).await;
    let user = |user: Value| json!({ "kind": "USER", "user": user, "scopes": ["read:accounts"] });
    let refused = add(&door, ACME, user(Value::Null)).await;
    assert_eq!(refused["problems"][0]["path"], "/input/user");
    assert_eq!(add(&door, ACME, user(json!("unknown"))).await["code"], "NOT_FOUND");
    let of_other = json!({ "application": "other", "kind": "USER", "user": USER,
        "scopes": ["read:accounts"] });
    assert_eq!(add(&door, OPERATOR, of_other).await["code"], "NOT_FOUND");
    let of_none = json!({ "kind": "APPLICATION", "user": USER, "scopes": ["read:accounts"] });
    assert_eq!(add(&door, ACME, of_none).await["problems"][0]["path"], "/input/user");
    assert_eq!(add(&door, ACME, user(json!(USER))).await["__typename"], "TokenAdded");
    put_user(&door, Some(1), true).await;
    assert_eq!(add(&door, ACME, user(json!(USER))).await["code"], "NOT_FOUND");
}

#[tokio::test]
async fn master_tokens_and_users_manage_nothing_and_fire_nothing() {
    let door = Door::open().await;
    put_user(&door, None, false).await;
    for (kind, user) in [("PRIVATE_MASTER", None), ("PUBLIC_MASTER", None), ("USER", Some(USER))] {
        let input = json!({ "kind": kind, "user": user, "scopes": ["read:accounts"] });
        let added = add(&door, ACME, input).await;
        let token = added["token"].as_str().unwrap();
        assert_eq!(door.add_webhook(token, json!({})).await["code"], "NOT_PERMITTED", "{kind}");
        let input = json!({ "kind": kind, "user": user, "scopes": ["read:accounts"] });
        assert_eq!(add(&door, token, input).await["code"], "NOT_PERMITTED", "{kind}");
        let revoke =
            "mutation($id: ID!) { revokeToken(id: $id) { ... on OperationFailure { code } } }";
        let revoked = door.graphql(token, revoke, json!({ "id": added["id"] })).await;
        assert_eq!(revoked["revokeToken"]["code"], "NOT_PERMITTED", "{kind}");
        door.fire(token, json!({})).await.assert_problem(403, "not_permitted");
        door.get("/metrics", Some(token)).await.assert_problem(403, "not_permitted");
    }
}
