//! Applications and tokens.

use serde_json::{Value, json};
use tidings_core::access::Scope;

use crate::support::{ACME, Door, OPERATOR};

const FAILED: &str = "... on OperationFailure { code problems { path message } }";

async fn run(door: &Door, token: &str, call: &str, shown: &str, input: Value) -> Value {
    let kind = match call {
        _ if call.starts_with("addApplication") => "AddApplicationInput",
        _ if call.starts_with("updateApplication") => "UpdateApplicationInput",
        _ => "AddTokenInput",
    };
    let query =
        format!("mutation($input: {kind}!) {{ answer: {call} {{ __typename {shown} {FAILED} }} }}");
    door.graphql(token, &query, json!({ "input": input })).await["answer"].clone()
}

const APPLICATION: &str = "... on Application { name scopes redirectUris clientType accessLevels \
    tokenLifetimeS added updated }";

async fn add(door: &Door, token: &str, input: Value) -> Value {
    run(door, token, "addApplication(input: $input)", APPLICATION, input).await
}

fn paths(failure: &Value) -> Vec<&str> {
    assert_eq!(failure["code"], "INVALID_INPUT", "{failure}");
    let problems = failure["problems"].as_array().unwrap();
    problems.iter().map(|problem| problem["path"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_operator_adds_changes_and_deletes_applications() {
    let door = Door::open().await;
    let added = add(
        &door,
        OPERATOR,
        json!({
            "name": "new-one", "scopes": ["fire:triggers"], "clientType": "PUBLIC",
            "redirectUris": ["https://app.example.com/linked"], "tokenLifetimeS": 3600,
        }),
    )
    .await;
    insta::assert_json_snapshot!("application", added);
    let call = "updateApplication(name: \"new-one\", input: $input)";
    let input = json!({ "scopes": null, "tokenLifetimeS": null, "redirectUris": [] });
    insta::assert_json_snapshot!(
        "application_updated",
        run(&door, OPERATOR, call, APPLICATION, input).await
    );
    assert_eq!(add(&door, OPERATOR, json!({ "name": "new-one" })).await["code"], "CONFLICT");
    let delete = "mutation { deleteApplication(name: \"new-one\") { __typename ... on \
     OperationFailure { code } } }";
    let deleted = door.graphql(OPERATOR, delete, json!({})).await;
    assert_eq!(deleted["deleteApplication"]["__typename"], "Application");
    let again = door.graphql(OPERATOR, delete, json!({})).await;
    assert_eq!(again["deleteApplication"]["code"], "NOT_FOUND");
}

#[tokio::test]
async fn what_is_wrong_with_an_application_is_named() {
    let door = Door::open().await;
    for name in ["", "Acme", "a b", "-a", &"a".repeat(64)] {
        assert_eq!(paths(&add(&door, OPERATOR, json!({ "name": name })).await), ["/input/name"]);
    }
    let wrong = json!({
        "name": "a", "scopes": ["admin", "fire:triggers", "x"], "tokenLifetimeS": 59,
        "redirectUris": ["https://a.example.com", "/relative", "https://a.example.com/#x"],
    });
    let expected = [
        "/input/scopes/0",
        "/input/scopes/2",
        "/input/redirectUris/1",
        "/input/redirectUris/2",
        "/input/tokenLifetimeS",
    ];
    assert_eq!(paths(&add(&door, OPERATOR, wrong).await), expected);
    let levels = json!({ "name": "a", "accessLevels": ["FULL_CHECK"] });
    assert_eq!(add(&door, OPERATOR, levels).await["accessLevels"], json!(["FULL_CHECK"]));
    let call = "updateApplication(name: \"a\", input: $input)";
    let all = run(&door, OPERATOR, call, APPLICATION, json!({ "accessLevels": [] })).await;
    assert_eq!(all["accessLevels"], Value::Null, "{all}");
    assert_eq!(add(&door, ACME, json!({ "name": "a" })).await["code"], "NOT_PERMITTED");
}

#[tokio::test]
async fn an_application_that_is_deleted_has_no_tokens_any_more() {
    let door = Door::open().await;
    let query = json!({ "query": "{ __typename }" }).to_string();
    assert_eq!(door.post("/v1/graphql", ACME, query.clone()).await.status, 200);
    let delete = "mutation { deleteApplication(name: \"acme\") { __typename } }";
    door.graphql(OPERATOR, delete, json!({})).await;
    door.post("/v1/graphql", ACME, query).await.assert_problem(401, "unauthenticated");
}

#[tokio::test]
async fn scopes_taken_from_an_application_are_gone_from_its_tokens_at_once() {
    let door = Door::open().await;
    assert_eq!(door.add_webhook(ACME, json!({})).await["__typename"], "WebhookAdded");
    let call = "updateApplication(name: \"acme\", input: $input)";
    run(&door, OPERATOR, call, "", json!({ "scopes": ["fire:triggers"] })).await;
    assert_eq!(door.add_webhook(ACME, json!({})).await["code"], "NOT_PERMITTED");
}

#[tokio::test]
async fn a_token_never_gives_more_than_it_has() {
    let door = Door::open().await;
    let add = async |token: &str, input: Value| {
        let shown = "... on TokenAdded { id token scopes expires }";
        run(&door, token, "addToken(input: $input)", shown, input).await
    };
    let every = ["fire:triggers", "manage:webhooks", "read:deliveries"];
    let all = add(ACME, json!({ "kind": "APPLICATION", "scopes": every })).await;
    assert_eq!(all["scopes"], json!(every), "{all}");
    assert!(all["token"].as_str().unwrap().starts_with("tidings_"));
    let (few, manage) = ([Scope::ManageWebhooks], "manage:webhooks");
    let manager = door.token_with(&few).await;
    let some =
        add(&manager, json!({ "kind": "APPLICATION", "scopes": [manage], "lifetimeS": 60 })).await;
    assert_eq!(some["scopes"], json!(["manage:webhooks"]));
    assert_eq!(some["expires"], "2021-02-17T08:49:47.284Z");
    let child = some["token"].as_str().unwrap();
    let grandchild =
        add(child, json!({ "kind": "APPLICATION", "scopes": [manage], "lifetimeS": 3600 })).await;
    assert_eq!(grandchild["expires"], some["expires"]);
    let more = json!({ "kind": "APPLICATION", "scopes": ["fire:triggers", "admin", "x"] });
    let expected = ["/input/scopes/0", "/input/scopes/1", "/input/scopes/2"];
    assert_eq!(paths(&add(&manager, more).await), expected);
    assert_eq!(
        paths(&add(ACME, json!({ "kind": "APPLICATION", "scopes": [] })).await),
        ["/input/scopes"]
    );
    assert_eq!(
        paths(
            &add(ACME, json!({ "kind": "APPLICATION", "scopes": [manage], "lifetimeS": 0 })).await
        ),
        ["/input/lifetimeS"]
    );
    for input in [
        json!({ "kind": "OPERATOR", "scopes": [manage] }),
        json!({ "kind": "OPERATOR", "scopes": [manage], "application": "acme" }),
    ] {
        assert_eq!(add(ACME, input).await["code"], "NOT_PERMITTED");
    }
    let of_other = json!({ "kind": "APPLICATION", "scopes": [manage], "application": "other" });
    assert_eq!(add(ACME, of_other.clone()).await["code"], "NOT_FOUND");
    assert_eq!(add(OPERATOR, of_other).await["__typename"], "TokenAdded");
    let reader = door.token_with(&[Scope::ReadDeliveries, Scope::FireTriggers]).await;
    assert_eq!(
        add(&reader, json!({ "kind": "APPLICATION", "scopes": ["fire:triggers"] })).await["code"],
        "NOT_PERMITTED"
    );
    let operator = add(OPERATOR, json!({ "kind": "OPERATOR", "scopes": ["fire:triggers"] })).await;
    assert_eq!(operator["scopes"], json!(["fire:triggers"]));
    assert_eq!(
        paths(&add(OPERATOR, json!({ "kind": "APPLICATION", "scopes": [manage] })).await),
        ["/input/application"]
    );
}

#[tokio::test]
async fn a_token_of_another_application_is_not_there_to_be_revoked() {
    let door = Door::open().await;
    let revoke = "mutation($id: ID!) { revokeToken(id: $id) { __typename ... on TokenRevoked { id \
     revoked } ... on OperationFailure { code } } }";
    // The scene's tokens have the numbers 1 (acme), 2 (other) and 3 (the operator's).
    for id in ["2", "3", "999", "x"] {
        let answer = door.graphql(ACME, revoke, json!({ "id": id })).await;
        assert_eq!(answer["revokeToken"]["code"], "NOT_FOUND", "{id}");
    }
    let answer = door.graphql(OPERATOR, revoke, json!({ "id": "2" })).await;
    assert_eq!(answer["revokeToken"]["revoked"], "2021-02-17T08:48:47.284Z");
    let answer = door.graphql(ACME, revoke, json!({ "id": "1" })).await;
    assert_eq!(answer["revokeToken"]["__typename"], "TokenRevoked");
}
