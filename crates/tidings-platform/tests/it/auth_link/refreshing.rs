//! `POST /token` with a refresh token.

use tidings_core::access::Scope;
use tidings_store::Store;

use super::linked_world::{LinkedWorld, VERIFIER, check_error, text};

async fn linked() -> (LinkedWorld, String, String) {
    let linker = LinkedWorld::public().await;
    let code = linker.code(&[]).await;
    let answer = linker.redeem(&code, VERIFIER).await;
    let (token, refresh) = (text(&answer, "access_token"), text(&answer, "refresh_token"));
    (linker, token, refresh)
}

#[tokio::test]
async fn each_refresh_gives_the_next_token() {
    let (linker, first, refresh) = linked().await;
    linker.world.pass_ms(3_600_000);
    assert!(!linker.opens(&first).await);
    let answer = linker.refresh(&refresh).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let next = text(&answer, "refresh_token");
    assert_ne!(next, refresh);
    assert!(linker.opens(&text(&answer, "access_token")).await);
    assert_eq!(linker.refresh(&next).await.status, 200);
}

#[tokio::test]
async fn a_refresh_token_that_is_used_again_ends_the_grant() {
    let (linker, first, refresh) = linked().await;
    let answer = linker.refresh(&refresh).await;
    let second = text(&answer, "refresh_token");
    let answer = linker.refresh(&second).await;
    let (token, third) = (text(&answer, "access_token"), text(&answer, "refresh_token"));
    assert!(linker.opens(&first).await && linker.opens(&token).await);
    check_error(&linker.refresh(&refresh).await, 400, "invalid_grant");
    assert!(!linker.opens(&first).await && !linker.opens(&token).await);
    for ended in [&third, &second, &refresh] {
        check_error(&linker.refresh(ended).await, 400, "invalid_grant");
    }
}

#[tokio::test]
async fn of_two_refreshes_at_the_same_moment_none_leaves_a_token() {
    let (linker, _, refresh) = linked().await;
    let (one, other) = tokio::join!(linker.refresh(&refresh), linker.refresh(&refresh));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400]);
    let issued = if one.status == 200 { one } else { other };
    assert!(!linker.opens(&text(&issued, "access_token")).await);
    check_error(&linker.refresh(&text(&issued, "refresh_token")).await, 400, "invalid_grant");
}

#[tokio::test]
async fn a_text_that_never_was_a_refresh_token_ends_nothing() {
    let (linker, token, refresh) = linked().await;
    let grant = refresh.strip_prefix("tidings_refresh_").unwrap().split('.').next().unwrap();
    for wrong in [
        "x".to_owned(),
        format!("tidings_refresh_{grant}"),
        format!("tidings_refresh_{grant}.guessed.guessed"),
        refresh.strip_prefix("tidings_").unwrap().to_owned(),
    ] {
        check_error(&linker.refresh(&wrong).await, 400, "invalid_grant");
    }
    let fields =
        [("grant_type", "refresh_token"), ("client_id", "other"), ("refresh_token", &refresh)];
    check_error(&linker.token(&fields).await, 400, "invalid_grant");
    assert!(linker.opens(&token).await);
    assert_eq!(linker.refresh(&refresh).await.status, 200);
}

#[tokio::test]
async fn a_refresh_may_ask_for_less_and_not_for_more() {
    let linker = LinkedWorld::public().await;
    let code = linker.code(&[("scope", Some("read:accounts offline_access"))]).await;
    let refresh = text(&linker.redeem(&code, VERIFIER).await, "refresh_token");
    let ask = async |scope: &str, refresh: &str| {
        let fields = [
            ("grant_type", "refresh_token"),
            ("client_id", "acme"),
            ("refresh_token", refresh),
            ("scope", scope),
        ];
        linker.token(&fields).await
    };
    for more in ["read:accounts download:documents", "admin", "read:accounts fire:triggers"] {
        check_error(&ask(more, &refresh).await, 400, "invalid_scope");
    }
    let answer = ask("read:accounts", &refresh).await;
    assert_eq!(answer.json()["scope"], "read:accounts offline_access");
}

#[tokio::test]
async fn no_token_outlasts_the_consent_and_one_that_has_run_out_is_not_refreshed() {
    let (linker, _, mut refresh) = linked().await;
    // The consent was given for a year.
    for _ in 0..12 {
        linker.world.pass_ms(30 * 86_400_000);
        refresh = text(&linker.refresh(&refresh).await, "refresh_token");
    }
    linker.world.pass_ms(5 * 86_400_000 - 600_000);
    let answer = linker.refresh(&refresh).await;
    let (token, next) = (text(&answer, "access_token"), text(&answer, "refresh_token"));
    assert_eq!(answer.json()["expires_in"], 600);
    linker.world.pass_ms(599_999);
    assert!(linker.opens(&token).await);
    linker.world.pass_ms(1);
    assert!(!linker.opens(&token).await);
    check_error(&linker.refresh(&next).await, 400, "invalid_grant");
}

#[tokio::test]
async fn a_refresh_token_that_nobody_uses_for_180_days_ends() {
    let (linker, _, refresh) = linked().await;
    for _ in 0..6 {
        linker.world.pass_ms(30 * 86_400_000 - 1);
    }
    linker.world.pass_ms(5);
    let next = text(&linker.refresh(&refresh).await, "refresh_token");
    for _ in 0..6 {
        linker.world.pass_ms(30 * 86_400_000);
    }
    check_error(&linker.refresh(&next).await, 400, "invalid_grant");
}

#[tokio::test]
async fn withdrawn_consent_revokes_the_tokens_of_that_account_and_no_others() {
    let (linker, first, refresh) = linked().await;
    let answer = linker.refresh(&refresh).await;
    let (second, account) = (text(&answer, "access_token"), text(&answer, "account"));
    let code = linker.code(&[]).await;
    let other = text(&linker.redeem(&code, VERIFIER).await, "access_token");
    linker.world.writer.withdraw_consent(linker.world.acme.id, &account).await.unwrap();
    for token in [&first, &second] {
        assert!(!linker.opens(token).await);
    }
    assert!(linker.opens(&other).await);
}

#[tokio::test]
async fn the_tokens_of_an_account_that_is_deleted_are_revoked() {
    let linker = LinkedWorld::public().await;
    let code = linker.code(&[]).await;
    let answer = linker.redeem(&code, VERIFIER).await;
    let (token, account) = (text(&answer, "access_token"), text(&answer, "account"));
    linker.world.writer.delete_account(linker.world.acme.id, &account).await.unwrap();
    assert!(!linker.opens(&token).await);
}

#[tokio::test]
async fn what_is_told_of_scopes_is_what_the_application_still_has() {
    let (linker, _, refresh) = linked().await;
    let only_reads = [Scope::ReadAccounts].into_iter().collect();
    linker.change_acme(|acme| acme.scopes = only_reads).await;
    let answer = linker.refresh(&refresh).await;
    assert_eq!(answer.json()["scope"], "read:accounts offline_access");
    let refresh = text(&answer, "refresh_token");
    let fires = [Scope::FireTriggers].into_iter().collect();
    linker.change_acme(|acme| acme.scopes = fires).await;
    check_error(&linker.refresh(&refresh).await, 400, "invalid_scope");
}

/// Whether the store still has a grant, once what is over was forgotten.
async fn is_kept(linker: &LinkedWorld, account: &str) -> bool {
    let store = &linker.world.store;
    while store.forget_expired(linker.world.clock_now()).await.unwrap() > 0 {}
    let owner = Some(linker.world.acme.id);
    let kept = store.entities(owner, "AuthLinkGrant", vec![account.to_owned()]).await.unwrap();
    !kept.is_empty()
}

#[tokio::test]
async fn a_grant_is_forgotten_when_neither_its_code_nor_a_token_of_it_is_good() {
    const HOUR_MS: u32 = 3_600_000;
    let linker = LinkedWorld::public().await;
    let unused = linker.code(&[]).await;
    let unused = unused.split('.').next().unwrap();
    let once = linker.code(&[("scope", Some("read:accounts"))]).await;
    let once = text(&linker.redeem(&once, VERIFIER).await, "account");
    let ended = linker.code(&[]).await;
    let answer = linker.redeem(&ended, VERIFIER).await;
    check_error(&linker.redeem(&ended, VERIFIER).await, 400, "invalid_grant");
    let ended = text(&answer, "account");
    let offline = linker.code(&[]).await;
    let answer = linker.redeem(&offline, VERIFIER).await;
    let (offline, refresh) = (text(&answer, "account"), text(&answer, "refresh_token"));
    for grant in [unused, &once, &ended, &offline] {
        assert!(is_kept(&linker, grant).await, "{grant}");
    }
    linker.world.pass_ms(HOUR_MS + 60_000);
    let kept = [unused, &once, &ended].map(|grant| is_kept(&linker, grant));
    assert_eq!(futures_util::future::join_all(kept).await, [false, true, false]);
    linker.world.pass_ms(HOUR_MS);
    assert!(!is_kept(&linker, &once).await);
    let refresh = text(&linker.refresh(&refresh).await, "refresh_token");
    for _ in 0..6 {
        assert!(is_kept(&linker, &offline).await);
        linker.world.pass_ms(30 * 24 * HOUR_MS);
    }
    linker.world.pass_ms(HOUR_MS);
    // The store keeps the row at its last position until something comes after it.
    linker.code(&[]).await;
    assert!(!is_kept(&linker, &offline).await);
    check_error(&linker.refresh(&refresh).await, 400, "invalid_grant");
}
