//! `/status`.

use axum::body::Body;
use serde_json::json;
use tidings_core::access::Scope;

use crate::{
    jwts::{profile, set, vector},
    support::{ACME, Answer, Door, LINKED_USER, OPERATOR, request},
};

async fn ask(door: &Door, token: Option<&str>, query: &str) -> Answer {
    let request = request("GET", &format!("/status{query}"), token);
    door.send(request.body(Body::empty()).unwrap()).await
}

fn of_user() -> String {
    format!("?user={LINKED_USER}")
}

#[tokio::test]
async fn an_application_is_told_how_far_accounts_have_come() {
    let door = Door::open().await;
    let told = ask(&door, Some(ACME), &of_user()).await;
    let account = json!({
        "id": "602cd86f3755d621aff583ee", "provider": "sse_sse", "status": "UP_TO_DATE",
        "accessLevel": "FULL_CHECK", "lastCollected": "2021-02-17T08:48:47.284Z", "documents": 3,
    });
    assert_eq!(told.json(), json!({ "user": LINKED_USER, "accounts": [account] }));
    assert_eq!((told.status, told.header("cache-control")), (200, Some("no-store")));
}

#[tokio::test]
async fn a_token_that_an_application_signed_is_a_users_here_too() {
    let door = Door::open().await;
    set(&door, "acme", json!([profile(&json!({}))])).await;
    let token = vector("algorithms", "RS256");
    let own = ask(&door, Some(token), "").await;
    assert_eq!(own.status, 200, "{own:?}");
    let user = own.json()["user"].as_str().unwrap().to_owned();
    assert!(user.starts_with("user-of-"), "{user}");
    assert_eq!(ask(&door, Some(token), &format!("?user={user}")).await.status, 200);
    ask(&door, Some(token), &of_user()).await.assert_problem(404, "not_found");
}

#[tokio::test]
async fn refusals_are_problems_that_say_what_to_do() {
    let door = Door::open().await;
    let none = ask(&door, None, "").await;
    none.assert_problem(401, "unauthenticated");
    assert!(none.header("www-authenticate").is_some_and(|text| text.starts_with("Bearer")));
    ask(&door, Some("wrong"), "").await.assert_problem(401, "unauthenticated");
    let narrow = door.token_with(&[Scope::DownloadDocuments]).await;
    let refused = ask(&door, Some(&narrow), &of_user()).await.assert_problem(403, "not_permitted");
    assert!(refused["detail"].as_str().unwrap().contains("read:accounts"));
    let refused = ask(&door, Some(OPERATOR), &of_user()).await;
    let refused = refused.assert_problem(403, "not_permitted");
    assert!(refused["detail"].as_str().unwrap().contains("private master token"));
    ask(&door, Some(ACME), "").await.assert_problem(400, "malformed");
    ask(&door, Some(ACME), "?user=a&user=b").await.assert_problem(400, "malformed");
    ask(&door, Some(ACME), "?user=nobody").await.assert_problem(404, "not_found");
    let request = request("DELETE", "/status", Some(ACME));
    let refused = door.send(request.body(Body::empty()).unwrap()).await;
    refused.assert_problem(405, "method_not_allowed");
}

#[tokio::test]
async fn pages_of_any_origin_may_ask_with_a_token() {
    let door = Door::open().await;
    let request = request("OPTIONS", "/status", None)
        .header("origin", "https://app.example.com")
        .header("access-control-request-method", "GET")
        .header("access-control-request-headers", "authorization");
    let answer = door.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    assert_eq!(answer.header("access-control-allow-headers"), Some("authorization"));
    for (token, status) in [(Some(ACME), 200), (None, 401)] {
        let answer = ask(&door, token, &of_user()).await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    }
}
