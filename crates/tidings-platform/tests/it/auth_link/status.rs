//! `GET /status`.

use serde_json::json;
use tidings_platform::sample::PROVIDER;

use super::linked_world::{LinkedWorld, SECRET, VERIFIER, check_error, text};

#[tokio::test]
async fn a_users_token_is_told_how_far_its_accounts_have_come() {
    let linker = LinkedWorld::public().await;
    let code = linker.code(&[]).await;
    let answer = linker.redeem(&code, VERIFIER).await;
    let (token, user) = (text(&answer, "access_token"), text(&answer, "user"));
    let account = text(&answer, "account");
    linker.world.add_documents(&account, &["bill-1", "bill-2"]).await;
    let told = linker.status(&token, "").await;
    let wanted = json!({ "user": user, "accounts": [{
        "id": account, "provider": PROVIDER, "status": "LINKING", "accessLevel": "FULL_CHECK",
        "lastCollected": null, "documents": 2,
    }]});
    assert_eq!((told.status, told.json()), (200, wanted.clone()));
    assert_eq!(told.header("cache-control"), "no-store");
    assert_eq!(linker.status(&token, &format!("?user={user}")).await.json(), wanted);
    let by_application = linker.status(SECRET, &format!("?user={user}")).await;
    assert_eq!(by_application.json(), wanted);
}

#[tokio::test]
async fn others_are_told_nothing() {
    let linker = LinkedWorld::public().await;
    let first = linker.code(&[]).await;
    let first = linker.redeem(&first, VERIFIER).await;
    let second = linker.code(&[]).await;
    let second = linker.redeem(&second, VERIFIER).await;
    let other = format!("?user={}", text(&second, "user"));
    let token = text(&first, "access_token");
    check_error(&linker.status(&token, &other).await, 404, "not_found");
    check_error(&linker.status(SECRET, "").await, 400, "invalid_request");
    check_error(&linker.status(SECRET, "?user=nobody").await, 404, "not_found");
    for wrong in ["", "x", &text(&first, "refresh_token")] {
        check_error(&linker.status(wrong, "").await, 401, "invalid_token");
    }
    let code = linker.code(&[("scope", Some("download:documents"))]).await;
    let narrow = text(&linker.redeem(&code, VERIFIER).await, "access_token");
    check_error(&linker.status(&narrow, "").await, 403, "insufficient_scope");
}
