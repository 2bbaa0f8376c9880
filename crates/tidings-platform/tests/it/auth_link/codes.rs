//! `POST /token` with a code.

use base64::{Engine, engine::general_purpose::STANDARD};
use http::header;
use serde_json::json;
use tidings_core::{
    access::{Owner, ScopeSet, TokenKind},
    secret::TokenHash,
};
use tidings_store::{NewToken, Store};

use super::{
    browser::{ORIGIN, posted, send},
    linked_world::{BACK, LinkedWorld, OFFLINE, SECRET, VERIFIER, check_error, text},
};

const WITHOUT_PKCE: [(&str, Option<&str>); 2] =
    [("code_challenge", None), ("code_challenge_method", None)];

fn exchange<'a>(code: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut fields =
        vec![("grant_type", "authorization_code"), ("code", code), ("redirect_uri", BACK)];
    fields.extend(more);
    fields
}

#[tokio::test]
async fn a_code_is_exchanged_for_a_users_token_that_lasts_an_hour() {
    let linker = LinkedWorld::public().await;
    let code = linker.code(&[]).await;
    let answer = linker.redeem(&code, VERIFIER).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    let told = answer.json();
    assert_eq!((&told["token_type"], &told["expires_in"]), (&json!("Bearer"), &json!(3_600)));
    assert_eq!(told["scope"], OFFLINE);
    let token = text(&answer, "access_token");
    let stored = linker.world.store.token(TokenHash::of(&token)).await.unwrap().unwrap();
    assert_eq!(stored.owner, Owner::Application(linker.world.acme.id));
    assert_eq!((stored.kind, stored.scopes), (TokenKind::User, ScopeSet::for_users()));
    assert_eq!(stored.user.unwrap().as_str(), text(&answer, "user"));
    assert!(linker.opens(&token).await);
    linker.world.pass_ms(3_600_000);
    assert!(!linker.opens(&token).await);
}

#[tokio::test]
async fn without_offline_access_there_is_no_refresh_token() {
    let linker = LinkedWorld::public().await;
    let code = linker.code(&[("scope", None)]).await;
    let answer = linker.redeem(&code, VERIFIER).await;
    assert_eq!(answer.json()["scope"], "read:accounts");
    assert_eq!(answer.json().get("refresh_token"), None);
}

#[tokio::test]
async fn a_verifier_that_is_missing_or_wrong_is_refused_and_the_right_one_is_not() {
    let linker = LinkedWorld::public().await;
    let code = linker.code(&[]).await;
    let challenge = super::linked_world::CHALLENGE;
    let other = "a".repeat(43);
    for verifier in [challenge, other.as_str(), &VERIFIER[..42], "", &VERIFIER.to_lowercase()] {
        check_error(&linker.redeem(&code, verifier).await, 400, "invalid_grant");
    }
    assert_eq!(linker.redeem(&code, VERIFIER).await.status, 200);
}

#[tokio::test]
async fn a_code_that_was_asked_for_without_a_challenge_takes_no_verifier() {
    let linker = LinkedWorld::confidential().await;
    let client = [("client_id", "acme"), ("client_secret", SECRET)];
    let code = linker.code(&WITHOUT_PKCE).await;
    let mut more = client.to_vec();
    more.push(("code_verifier", VERIFIER));
    check_error(&linker.token(&exchange(&code, &more)).await, 400, "invalid_grant");
    assert_eq!(linker.token(&exchange(&code, &client)).await.status, 200);
    let code = linker.code(&[]).await;
    check_error(&linker.token(&exchange(&code, &client)).await, 400, "invalid_grant");
    assert_eq!(linker.token(&exchange(&code, &more)).await.status, 200);
}

#[tokio::test]
async fn a_code_is_used_once_and_a_second_use_revokes_what_it_gave() {
    let linker = LinkedWorld::public().await;
    let code = linker.code(&[]).await;
    let answer = linker.redeem(&code, VERIFIER).await;
    let (token, refresh) = (text(&answer, "access_token"), text(&answer, "refresh_token"));
    let answer = linker.refresh(&refresh).await;
    let (next, refresh) = (text(&answer, "access_token"), text(&answer, "refresh_token"));
    assert!(linker.opens(&token).await && linker.opens(&next).await);
    for _ in 0..2 {
        check_error(&linker.redeem(&code, VERIFIER).await, 400, "invalid_grant");
        assert!(!linker.opens(&token).await && !linker.opens(&next).await);
    }
    check_error(&linker.refresh(&refresh).await, 400, "invalid_grant");
}

#[tokio::test]
async fn of_two_exchanges_at_the_same_moment_one_at_most_leaves_a_token() {
    let linker = LinkedWorld::public().await;
    let code = linker.code(&[]).await;
    let (one, other) = tokio::join!(linker.redeem(&code, VERIFIER), linker.redeem(&code, VERIFIER));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400]);
    let issued = if one.status == 200 { one } else { other };
    assert!(!linker.opens(&text(&issued, "access_token")).await, "the second use revoked it");
}

#[tokio::test]
async fn a_code_lasts_a_minute() {
    let linker = LinkedWorld::public().await;
    let (in_time, late) = (linker.code(&[]).await, linker.code(&[]).await);
    linker.world.pass_ms(59_999);
    assert_eq!(linker.redeem(&in_time, VERIFIER).await.status, 200);
    linker.world.pass_ms(1);
    check_error(&linker.redeem(&late, VERIFIER).await, 400, "invalid_grant");
}

#[tokio::test]
async fn a_code_of_another_client_or_of_nobody_is_refused() {
    let linker = LinkedWorld::public().await;
    let code = linker.code(&[]).await;
    let other = [("client_id", "other"), ("code_verifier", VERIFIER)];
    check_error(&linker.token(&exchange(&code, &other)).await, 400, "invalid_grant");
    let (grant, secret) = code.split_once('.').unwrap();
    let other_code = linker.code(&[]).await;
    let (other_grant, _) = other_code.split_once('.').unwrap();
    for wrong in [
        format!("{grant}.x{secret}"),
        format!("{other_grant}.{secret}"),
        grant.to_owned(),
        "x".to_owned(),
        format!("{}.{secret}", "0".repeat(24)),
    ] {
        check_error(&linker.redeem(&wrong, VERIFIER).await, 400, "invalid_grant");
    }
    assert_eq!(linker.redeem(&code, VERIFIER).await.status, 200);
}

#[tokio::test]
async fn the_redirect_uri_must_be_the_one_that_the_code_went_to() {
    let linker = LinkedWorld::public().await;
    let code = linker.code(&[]).await;
    let more = [("client_id", "acme"), ("code_verifier", VERIFIER)];
    let mut fields = exchange(&code, &more);
    fields[2].1 = "com.example.app:/linked";
    check_error(&linker.token(&fields).await, 400, "invalid_grant");
    fields[2].1 = "";
    check_error(&linker.token(&fields).await, 400, "invalid_request");
    assert_eq!(linker.redeem(&code, VERIFIER).await.status, 200);
}

#[tokio::test]
async fn a_confidential_client_proves_itself_with_a_private_master_token() {
    let linker = LinkedWorld::confidential().await;
    let store = &linker.world.store;
    let now = linker.world.clock_now();
    let add = async |text: &str, application, kind| {
        let owner = Owner::Application(application);
        let hash = TokenHash::of(text);
        let token = NewToken { kind, ..NewToken::own(hash, owner, ScopeSet::for_users()) };
        store.add_token(now, token).await.unwrap()
    };
    let (acme, other) = (linker.world.acme.id, linker.world.other.id);
    add("own", acme, TokenKind::Application).await;
    add("public", acme, TokenKind::PublicMaster).await;
    add("others", other, TokenKind::PrivateMaster).await;
    let gone = add("gone", acme, TokenKind::PrivateMaster).await;
    store.revoke_token(now, gone.id).await.unwrap();
    let code = linker.code(&WITHOUT_PKCE).await;
    for secret in ["", "wrong", "own", "public", "others", "gone"] {
        let client = [("client_id", "acme"), ("client_secret", secret)];
        check_error(&linker.token(&exchange(&code, &client)).await, 401, "invalid_client");
    }
    for name in ["", "nobody", "other", "ACME"] {
        let client = [("client_id", name), ("client_secret", SECRET)];
        check_error(&linker.token(&exchange(&code, &client)).await, 401, "invalid_client");
    }
    let client = [("client_id", "acme"), ("client_secret", SECRET)];
    assert_eq!(linker.token(&exchange(&code, &client)).await.status, 200);
}

#[tokio::test]
async fn a_secret_may_come_in_the_header_and_not_in_both_places() {
    let linker = LinkedWorld::confidential().await;
    let code = linker.code(&WITHOUT_PKCE).await;
    let send_with = async |header_value: String, fields: &[(&str, &str)]| {
        let mut request = posted("/token", fields);
        request.headers_mut().insert(header::AUTHORIZATION, header_value.parse().unwrap());
        send(&linker.router, request).await
    };
    let basic = |text: &str| format!("Basic {}", STANDARD.encode(text));
    let right = basic(&format!("acme:{}", SECRET.replace('-', "%2D")));
    let fields = exchange(&code, &[]);
    for wrong in [basic("acme:wrong"), basic("acme:"), basic("acme"), "Bearer x".to_owned()] {
        let answer = send_with(wrong, &fields).await;
        check_error(&answer, 401, "invalid_client");
        assert!(answer.header("www-authenticate").starts_with("Basic realm="));
    }
    let both = exchange(&code, &[("client_secret", SECRET)]);
    check_error(&send_with(right.clone(), &both).await, 400, "invalid_request");
    let another = exchange(&code, &[("client_id", "other")]);
    check_error(&send_with(right.clone(), &another).await, 400, "invalid_request");
    assert_eq!(send_with(right, &fields).await.status, 200);
}

#[tokio::test]
async fn a_public_client_has_no_secret() {
    let linker = LinkedWorld::public().await;
    let code = linker.code(&[]).await;
    let client = [("client_id", "acme"), ("client_secret", SECRET), ("code_verifier", VERIFIER)];
    check_error(&linker.token(&exchange(&code, &client)).await, 401, "invalid_client");
}

#[tokio::test]
async fn other_grants_do_not_exist() {
    let linker = LinkedWorld::public().await;
    for grant in ["password", "client_credentials", "implicit", "urn:example:x"] {
        let fields =
            [("grant_type", grant), ("client_id", "acme"), ("username", "ada"), ("password", "x")];
        check_error(&linker.token(&fields).await, 400, "unsupported_grant_type");
    }
    check_error(&linker.token(&[("client_id", "acme")]).await, 400, "invalid_request");
    let code = [("grant_type", "authorization_code"), ("client_id", "acme")];
    check_error(&linker.token(&code).await, 400, "invalid_request");
    let twice = [("grant_type", "refresh_token"), ("client_id", "acme"), ("client_id", "acme")];
    check_error(&linker.token(&twice).await, 400, "invalid_request");
    let mut json = posted("/token", &[]);
    json.headers_mut().insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
    check_error(&send(&linker.router, json).await, 400, "invalid_request");
}

#[tokio::test]
async fn a_route_that_takes_another_method_says_which() {
    let linker = LinkedWorld::public().await;
    let check = async |method: &str, route: &str, allowed: &str| {
        let request = http::Request::builder().method(method).uri(route);
        let answer = send(&linker.router, request.body(axum::body::Body::empty()).unwrap()).await;
        check_error(&answer, 405, "invalid_request");
        assert_eq!(answer.header("allow"), allowed);
    };
    check("GET", "/token?grant_type=authorization_code", "POST,OPTIONS").await;
    check("DELETE", "/token", "POST,OPTIONS").await;
    check("POST", "/link", "GET,HEAD").await;
    check("GET", "/link/return", "POST").await;
}

#[tokio::test]
async fn who_is_refused_too_often_waits_and_others_do_not() {
    let linker = LinkedWorld::public().await;
    for _ in 0..30 {
        check_error(&linker.redeem("x", VERIFIER).await, 400, "invalid_grant");
    }
    let refused = linker.redeem("x", VERIFIER).await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, "60"));
    let fields = [("grant_type", "refresh_token"), ("client_id", "other"), ("refresh_token", "x")];
    check_error(&linker.token(&fields).await, 400, "invalid_grant");
    linker.world.pass_ms(60_000);
    check_error(&linker.redeem("x", VERIFIER).await, 400, "invalid_grant");
}

#[tokio::test]
async fn who_makes_up_names_of_clients_finds_no_end_of_counts_and_shuts_out_nobody() {
    let linker = LinkedWorld::public().await;
    let ask = async |name: String| {
        let fields = [("grant_type", "refresh_token"), ("client_id", name.as_str())];
        linker.token(&fields).await.status
    };
    for number in 0..30 {
        assert_eq!(ask(format!("made-up-{number}")).await, 401);
    }
    assert_eq!(ask("made-up-30".to_owned()).await, 429);
    let code = linker.code(&[]).await;
    assert_eq!(linker.redeem(&code, VERIFIER).await.status, 200);
}

#[tokio::test]
async fn a_store_that_fails_leaves_the_code_as_it_was() {
    let linker = LinkedWorld::public().await;
    let code = linker.code(&[]).await;
    linker.world.refuse_append(0);
    check_error(&linker.redeem(&code, VERIFIER).await, 503, "temporarily_unavailable");
    assert_eq!(linker.redeem(&code, VERIFIER).await.status, 200);
}

#[tokio::test]
async fn a_user_or_account_that_is_gone_gives_no_token() {
    let linker = LinkedWorld::public().await;
    let acme = linker.world.acme.id;
    let code = linker.code(&[]).await;
    let answer = linker.redeem(&code, VERIFIER).await;
    let refresh = text(&answer, "refresh_token");
    linker.world.writer.withdraw_consent(acme, &text(&answer, "account")).await.unwrap();
    check_error(&linker.refresh(&refresh).await, 400, "invalid_grant");
    let code = linker.code(&[]).await;
    let answer = linker.redeem(&code, VERIFIER).await;
    let refresh = text(&answer, "refresh_token");
    linker.world.writer.delete_user(acme, &text(&answer, "user")).await.unwrap();
    check_error(&linker.refresh(&refresh).await, 400, "invalid_grant");
}

#[tokio::test]
async fn a_client_finds_out_where_everything_is() {
    let linker = LinkedWorld::public().await;
    let path = "/.well-known/oauth-authorization-server";
    let request = http::Request::get(path).body(axum::body::Body::empty()).unwrap();
    let told = send(&linker.router, request).await.json();
    assert_eq!(told["issuer"], ORIGIN);
    assert_eq!(told["authorization_endpoint"], format!("{ORIGIN}/link"));
    assert_eq!(told["token_endpoint"], format!("{ORIGIN}/token"));
    assert_eq!(told["code_challenge_methods_supported"], json!(["S256"]));
    assert_eq!(told["response_types_supported"], json!(["code"]));
}
