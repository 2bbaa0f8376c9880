//! `POST /token` with a refresh token.

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
async fn a_consent_that_has_run_out_is_not_refreshed() {
    let (linker, _, refresh) = linked().await;
    // The consent was given for a year.
    for _ in 0..12 {
        linker.world.pass_ms(30 * 86_400_000);
    }
    let answer = linker.refresh(&refresh).await;
    let next = text(&answer, "refresh_token");
    linker.world.pass_ms(5 * 86_400_000);
    check_error(&linker.refresh(&next).await, 400, "invalid_grant");
}
