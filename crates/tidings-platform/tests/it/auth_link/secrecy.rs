//! What must be told to nobody: not to the database, not to the log.

use tidings_store::{ClaimTasks, EntityQuery, Page, Store};

use super::linked_world::{LinkedWorld, VERIFIER, text};
use crate::support::{PASSWORD, log::Log};

/// Everything that the store has of acme which could hold a secret.
async fn stored(linker: &LinkedWorld) -> String {
    let (store, now) = (&linker.world.store, linker.world.clock_now());
    let mut stored = String::new();
    for kind in ["User", "Account", "AuthLinkGrant"] {
        let query = EntityQuery {
            application: Some(linker.world.acme.id),
            kind: kind.to_owned(),
            link: None,
            updated_since: None,
            deleted_too: true,
            page: Page { first: 200, after: None },
        };
        let page = store.entity_page(query).await.unwrap();
        assert!(!page.items.is_empty(), "{kind}");
        page.items.iter().for_each(|entity| stored.push_str(&entity.body));
    }
    let lease_until = now.elapsed.plus_ms(1);
    let kind = "collect".to_owned();
    let claim = ClaimTasks { kind, permits: 10, lane_permits: 10, lease_until };
    let tasks = store.claim_tasks(now, claim).await.unwrap().claimed;
    assert!(!tasks.is_empty());
    tasks.iter().for_each(|claimed| stored.push_str(&claimed.task.body));
    stored
}

#[tokio::test]
async fn credentials_codes_and_tokens_are_in_no_log_and_not_in_the_database() {
    let log = Log::default();
    let _logging = log.of_this_thread();
    let linker = LinkedWorld::public().await;
    linker.world.adapters.script().failing = 1;
    let mut browser = super::browser::Browser::new(&linker.router);
    let named = [("provider", Some(tidings_platform::sample::PROVIDER))];
    browser.open(&LinkedWorld::request(&named)).await;
    let code = linker.code(&[]).await;
    let answer = linker.redeem(&code, VERIFIER).await;
    let (token, refresh) = (text(&answer, "access_token"), text(&answer, "refresh_token"));
    assert_eq!(linker.refresh(&refresh).await.status, 200);
    let logged = log.text();
    assert!(logged.contains("it is down"), "the log is looked at: {logged}");
    let stored = stored(&linker).await;
    for secret in [PASSWORD, &code, &token, &refresh, VERIFIER] {
        assert!(!logged.contains(secret), "{logged}");
        assert!(!stored.contains(secret), "{stored}");
    }
}

#[tokio::test]
async fn what_an_adapter_repeats_of_credentials_is_in_no_log_and_the_provider_is_named() {
    let log = Log::default();
    let _logging = log.of_this_thread();
    let linker = LinkedWorld::public().await;
    linker.world.adapters.script().echoes = true;
    let mut browser = super::browser::Browser::new(&linker.router);
    let provider = tidings_platform::sample::PROVIDER;
    let page = browser.open(&LinkedWorld::request(&[("provider", Some(provider))])).await;
    let token = page.form_token();
    let fields =
        [("form_token", token.as_str()), ("credential-0", "ada"), ("credential-1", PASSWORD)];
    assert_eq!(browser.submit("/link/credentials", &fields).await.status, 503);
    let logged = log.text();
    assert!(logged.contains("no answer for …"), "{logged}");
    assert!(logged.contains(provider), "{logged}");
    assert!(!logged.contains(PASSWORD), "{logged}");
}
