//! The way of a user from page to page.

use std::net::SocketAddr;

use axum::extract::ConnectInfo;
use tidings_graphql::AccessLevel;
use tidings_platform::{
    Reader,
    domain::{Account, AccountStatus},
    sample::PROVIDER,
    writer::ProviderChange,
};
use tidings_store::Store;

use super::{
    browser::{Browser, ORIGIN, posted, send},
    linked_world::{BACK, LinkedWorld, VERIFIER, check_error, text},
};
use crate::support::{PASSWORD, Upset};

const SAME_ORIGIN: (&str, &str) = ("sec-fetch-site", "same-origin");

#[tokio::test]
async fn a_user_links_an_account_and_is_sent_back_with_a_code() {
    let linker = LinkedWorld::public().await;
    let before = linker.world.fired().await.len();
    let back = linker.go(&[]).await;
    assert!(back.location().starts_with(&format!("{BACK}&code=")), "{back:?}");
    assert_eq!(back.told("state").as_deref(), Some("s&1"));
    assert_eq!(back.told("iss").as_deref(), Some(ORIGIN));
    assert!(back.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(linker.world.fired().await[before..], ["UserAdded", "AccountAdded"]);

    let answer = linker.redeem(&back.told("code").unwrap(), VERIFIER).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let reader = Reader::new(linker.world.store.clone());
    let account = text(&answer, "account");
    let account =
        reader.one::<Account>(Some(linker.world.acme.id), &account).await.unwrap().unwrap().body;
    assert_eq!(account.user, text(&answer, "user"));
    assert_eq!((account.provider.as_str(), account.status), (PROVIDER, AccountStatus::Linking));
    assert_eq!(account.access_level, AccessLevel::FullCheck);
    let consent = account.consent;
    let days = (consent.until.unwrap().0 - consent.given_at.0) / 86_400_000;
    assert_eq!(days, 365);
    for part in ["acme", "Full Check", "For a year", "only read", "download your documents"] {
        assert!(consent.text.contains(part), "{part} is not in {}", consent.text);
    }
}

#[tokio::test]
async fn nothing_is_stored_before_the_user_agrees_and_who_cancels_leaves_nothing() {
    let linker = LinkedWorld::public().await;
    let before = linker.world.fired().await.len();
    let position = linker.world.store_position().await;
    let (mut browser, page) = linker.at_consent(&[]).await;
    assert_eq!(linker.world.fired().await.len(), before);
    assert_eq!(linker.world.store_position().await, position);
    assert!(!page.body.contains(PASSWORD) && !page.body.contains("ada"));
    let token = page.form_token();
    let answer = browser.submit("/link/cancel", &[("form_token", &token)]).await;
    assert_eq!(answer.told("error").as_deref(), Some("access_denied"));
    assert_eq!(answer.told("state").as_deref(), Some("s&1"));
    assert_eq!(answer.told("iss").as_deref(), Some(ORIGIN));
    assert_eq!(linker.world.store_position().await, position);
    let page = browser.get("/link/consent").await;
    assert_eq!(page.status, 400, "the session is over");
}

#[tokio::test]
async fn a_provider_that_the_application_names_is_not_asked_for_again() {
    let linker = LinkedWorld::public().await;
    let mut browser = Browser::new(&linker.router);
    let named = [("provider", Some(PROVIDER)), ("access_level", Some("FULL_CHECK"))];
    let answer = browser.get(&LinkedWorld::request(&named)).await;
    assert_eq!(answer.location(), "/link/credentials");
    let (_, page) = linker.at_consent(&named[1..]).await;
    assert!(page.body.contains("value=\"FULL_CHECK\"") && !page.body.contains("QUICK_CHECK"));
}

#[tokio::test]
async fn pages_are_gone_through_in_their_order() {
    let linker = LinkedWorld::public().await;
    let mut browser = Browser::new(&linker.router);
    let page = browser.open(&LinkedWorld::request(&[])).await;
    let token = page.form_token();
    for path in ["/link/credentials", "/link/consent", "/link/done"] {
        assert_eq!(browser.get(path).await.location(), "/link/provider", "{path}");
    }
    for path in ["/link/credentials", "/link/consent", "/link/return"] {
        let answer = browser.submit(path, &[("form_token", &token)]).await;
        assert_eq!(answer.location(), "/link/provider", "{path}");
    }
    let fields = [("form_token", token.as_str()), ("provider", "nobody_nobody")];
    assert_eq!(browser.submit("/link/provider", &fields).await.status, 422);
}

#[tokio::test]
async fn credentials_that_the_provider_rejects_are_typed_again_and_a_few_times_only() {
    let linker = LinkedWorld::public().await;
    let mut browser = Browser::new(&linker.router);
    let page = browser.open(&LinkedWorld::request(&[("provider", Some(PROVIDER))])).await;
    let token = page.form_token();
    let wrong =
        [("form_token", token.as_str()), ("credential-0", "ada"), ("credential-1", "canary-wrong")];
    for _ in 0..10 {
        let page = browser.submit("/link/credentials", &wrong).await;
        assert_eq!(page.status, 422);
        assert!(page.body.contains("The password is wrong"));
        assert!(!page.body.contains("aria-invalid"), "nobody knows which field it is");
        assert!(page.body.contains("value=\"ada\"") && !page.body.contains("canary-wrong"));
    }
    assert_eq!(browser.submit("/link/credentials", &wrong).await.status, 429);
    assert_eq!(browser.get("/link/credentials").await.status, 400, "the session is over");
    let checks = linker.world.adapters.script().calls.iter().filter(|it| *it == "check").count();
    assert_eq!(checks, 10);
}

#[tokio::test]
async fn a_field_that_is_empty_is_not_sent_to_the_provider() {
    let linker = LinkedWorld::public().await;
    let mut browser = Browser::new(&linker.router);
    let page = browser.open(&LinkedWorld::request(&[("provider", Some(PROVIDER))])).await;
    let token = page.form_token();
    let page =
        browser.submit("/link/credentials", &[("form_token", &token), ("credential-1", "x")]).await;
    assert_eq!(page.status, 422);
    assert!(page.body.contains("href=\"#credential-0\"") && !page.body.contains("#credential-1"));
    assert!(!linker.world.adapters.script().calls.iter().any(|call| call == "check"));
}

#[tokio::test]
async fn an_adapter_that_is_down_is_told_of_and_may_be_tried_again() {
    let linker = LinkedWorld::public().await;
    linker.world.adapters.script().failing = 1;
    let mut browser = Browser::new(&linker.router);
    let page = browser.open(&LinkedWorld::request(&[("provider", Some(PROVIDER))])).await;
    assert_eq!(page.status, 503);
    assert_eq!(browser.get("/link/credentials").await.status, 200);
}

#[tokio::test]
async fn a_form_is_taken_from_our_own_page_alone() {
    let linker = LinkedWorld::public().await;
    let mut browser = Browser::new(&linker.router);
    let token = browser.open(&LinkedWorld::request(&[])).await.form_token();
    let fields = [("form_token", token.as_str()), ("provider", PROVIDER)];
    for (site, origin) in [
        ("cross-site", "https://evil.example"),
        ("same-site", "https://sub.api.example.com"),
        ("same-origin", "https://evil.example"),
        ("cross-site", ORIGIN),
        ("cross-site", "null"),
        ("none", ORIGIN),
    ] {
        let answer = browser.submit_from(site, origin, "/link/provider", &fields).await;
        assert_eq!(answer.status, 403, "{site} {origin}");
    }
    for path in
        ["/link/provider", "/link/credentials", "/link/consent", "/link/return", "/link/cancel"]
    {
        for token in ["", "guessed"] {
            let fields = [("form_token", token), ("provider", PROVIDER)];
            assert_eq!(browser.submit(path, &fields).await.status, 403, "{path} {token}");
        }
    }
    let other = Browser::new(&linker.router).open(&LinkedWorld::request(&[])).await.form_token();
    let fields_of_another = [("form_token", other.as_str()), ("provider", PROVIDER)];
    assert_eq!(browser.submit("/link/provider", &fields_of_another).await.status, 403);
    let answer = browser.submit_from("same-origin", ORIGIN, "/link/provider", &fields).await;
    assert_eq!(answer.location(), "/link/credentials");
}

#[tokio::test]
async fn a_form_is_taken_under_every_name_of_the_host_and_from_browsers_that_say_little() {
    let linker = LinkedWorld::public().await;
    let mut browser = Browser::new(&linker.router);
    let token = browser.open(&LinkedWorld::request(&[])).await.form_token();
    let fields = [("form_token", token.as_str()), ("provider", PROVIDER)];
    let local = "http://localhost:8080";
    for (headers, is_taken) in [
        (vec![("host", "localhost:8080"), ("origin", local)], true),
        (vec![("host", "localhost:8080"), ("origin", local), SAME_ORIGIN], true),
        (vec![("host", "192.168.1.5:8080"), ("origin", "null")], true),
        (vec![("host", "localhost:8080")], true),
        (vec![("host", "localhost:8080"), ("origin", "http://localhost:8081")], false),
        (vec![("host", "localhost:8080"), ("origin", "ftp://localhost:8080")], false),
        (vec![("origin", local)], false),
        (vec![("host", "localhost:8080"), ("origin", local), ("sec-fetch-site", "none")], false),
    ] {
        let answer = browser.submit_with(&headers, "/link/provider", &fields).await;
        assert_eq!(answer.status, if is_taken { 303 } else { 403 }, "{headers:?}");
        // Who is refused is told where the pages are at home.
        assert!(is_taken || answer.body.contains(ORIGIN), "{answer:?}");
    }
}

#[tokio::test]
async fn a_session_belongs_to_the_browser_that_began_it() {
    let linker = LinkedWorld::public().await;
    let (browser, page) = linker.at_consent(&[]).await;
    let fields = [("form_token", page.form_token())];
    let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let mut stranger = Browser::new(&linker.router);
    assert_eq!(stranger.submit("/link/consent", &fields).await.status, 400);
    assert_eq!(stranger.get("/link/consent").await.status, 400);
    let cookie = browser.cookie.unwrap();
    assert!(cookie.starts_with("__Host-tidings_link="), "{cookie}");
    let begun = Browser::new(&linker.router).get(&LinkedWorld::request(&[])).await;
    for attribute in ["Path=/;", "HttpOnly", "SameSite=Lax", "Secure", "Max-Age=1800"] {
        assert!(begun.header("set-cookie").contains(attribute), "{attribute}");
    }
    assert!(!begun.header("set-cookie").contains("Domain"));
}

#[tokio::test]
async fn a_session_lasts_half_an_hour() {
    let linker = LinkedWorld::public().await;
    let (mut browser, _) = linker.at_consent(&[]).await;
    linker.world.pass_ms(30 * 60_000 - 1);
    assert_eq!(browser.get("/link/consent").await.status, 200);
    linker.world.pass_ms(1);
    assert_eq!(browser.get("/link/consent").await.status, 400);
}

#[tokio::test]
async fn who_agrees_twice_links_once() {
    let linker = LinkedWorld::public().await;
    let before = linker.world.fired().await.len();
    let (mut browser, page) = linker.at_consent(&[]).await;
    let token = page.form_token();
    let fields = [("form_token", token.as_str()), ("level", "FULL_CHECK"), ("until", "open")];
    for _ in 0..2 {
        assert_eq!(browser.submit("/link/consent", &fields).await.location(), "/link/done");
    }
    assert_eq!(linker.world.fired().await[before..], ["UserAdded", "AccountAdded"]);
}

#[tokio::test]
async fn nothing_is_linked_without_a_choice_that_was_offered() {
    let linker = LinkedWorld::public().await;
    assert!(linker.levels().await.len() > 1);
    let before = linker.world.fired().await.len();
    let (mut browser, page) = linker.at_consent(&[("access_level", Some("FULL_CHECK"))]).await;
    let token = page.form_token();
    for (level, until) in
        [("", "90"), ("QUICK_CHECK", "90"), ("FULL_CHECK", ""), ("FULL_CHECK", "9999")]
    {
        let fields = [("form_token", token.as_str()), ("level", level), ("until", until)];
        let page = browser.submit("/link/consent", &fields).await;
        assert_eq!(page.status, 422, "{level} {until}");
    }
    assert_eq!(linker.world.fired().await.len(), before);
}

#[tokio::test]
async fn a_store_that_fails_at_the_consent_is_told_of_and_leaves_no_user_behind() {
    let linker = LinkedWorld::public().await;
    let before = linker.world.fired().await.len();
    let (mut browser, page) = linker.at_consent(&[]).await;
    let token = page.form_token();
    let fields = [("form_token", token.as_str()), ("level", "FULL_CHECK"), ("until", "90")];
    linker.world.refuse_append(0);
    let page = browser.submit("/link/consent", &fields).await;
    assert_eq!(page.status, 503);
    assert!(page.body.contains("database cannot be used"));
    assert_eq!(linker.world.fired().await.len(), before);
    // User and account are one commit: a second one would be refused.
    linker.world.refuse_append(1);
    assert_eq!(browser.submit("/link/consent", &fields).await.location(), "/link/done");
    assert_eq!(linker.world.fired().await[before..], ["UserAdded", "AccountAdded"]);
}

#[tokio::test]
async fn who_cancels_while_the_account_is_being_linked_is_not_told_that_nothing_was() {
    let linker = LinkedWorld::public().await;
    let (browser, page) = linker.at_consent(&[]).await;
    let token = page.form_token();
    let (mut one, mut other) = (browser.clone(), browser);
    let fields = [("form_token", token.as_str()), ("level", "FULL_CHECK"), ("until", "90")];
    let only_token = [("form_token", token.as_str())];
    let (agreed, cancelled) = tokio::join!(
        one.submit("/link/consent", &fields),
        other.submit("/link/cancel", &only_token)
    );
    assert_eq!((agreed.location(), cancelled.location()), ("/link/done", "/link/done"));
}

#[tokio::test]
async fn who_goes_back_twice_goes_with_the_same_code_for_as_long_as_it_lasts() {
    let linker = LinkedWorld::public().await;
    let (mut browser, token) = linker.at_done(&[]).await;
    let only_token = [("form_token", token.as_str())];
    // The second form is sent before the first answer takes the cookie away.
    let (mut one, mut other) = (browser.clone(), browser.clone());
    let (first, second) = tokio::join!(
        one.submit("/link/return", &only_token),
        other.submit("/link/return", &only_token)
    );
    assert_eq!(first.location(), second.location());
    let code = first.told("code").unwrap();
    assert_eq!(linker.redeem(&code, VERIFIER).await.status, 200);
    linker.world.pass_ms(60_000);
    assert_eq!(browser.submit("/link/return", &only_token).await.status, 400);
}

#[tokio::test]
async fn who_goes_back_and_hears_nothing_of_it_goes_with_another_code() {
    let linker = LinkedWorld::public().await;
    let (mut browser, token) = linker.at_done(&[]).await;
    let only_token = [("form_token", token.as_str())];
    linker.world.ingest.upsets.lock().unwrap().push_back(Upset::Lost);
    assert_eq!(browser.submit("/link/return", &only_token).await.status, 503);
    let code = browser.submit("/link/return", &only_token).await.told("code").unwrap();
    assert_eq!(linker.redeem(&code, VERIFIER).await.status, 200);
}

#[tokio::test]
async fn nobody_is_sent_to_an_address_that_was_taken_away_meanwhile() {
    let linker = LinkedWorld::public().await;
    let (mut browser, token) = linker.at_done(&[]).await;
    let (mut undecided, page) = linker.at_consent(&[]).await;
    let other = "https://app.example.com/other".to_owned();
    linker.change_acme(|acme| acme.settings.redirect_uris = vec![other]).await;
    let refused = browser.submit("/link/return", &[("form_token", &token)]).await;
    assert_eq!((refused.status, refused.header("location")), (400, ""));
    let refused = undecided.submit("/link/cancel", &[("form_token", &page.form_token())]).await;
    assert_eq!((refused.status, refused.header("location")), (400, ""));
}

#[tokio::test]
async fn a_code_that_went_to_an_address_that_was_taken_away_is_of_no_use() {
    let linker = LinkedWorld::public().await;
    let code = linker.code(&[]).await;
    let other = "https://app.example.com/other".to_owned();
    linker.change_acme(|acme| acme.settings.redirect_uris = vec![other]).await;
    check_error(&linker.redeem(&code, VERIFIER).await, 400, "invalid_grant");
}

#[tokio::test]
async fn an_application_that_is_deleted_meanwhile_gets_no_user() {
    let linker = LinkedWorld::public().await;
    let (mut browser, page) = linker.at_consent(&[]).await;
    let acme = linker.world.acme.id;
    let before = linker.world.fired().await.len();
    linker.world.store.delete_application(linker.world.clock_now(), acme).await.unwrap();
    let token = page.form_token();
    let fields = [("form_token", token.as_str()), ("level", "FULL_CHECK"), ("until", "90")];
    let refused = browser.submit("/link/consent", &fields).await;
    assert_eq!((refused.status, refused.header("location")), (400, ""));
    assert!(refused.body.contains("do not know the application"), "{}", refused.body);
    assert_eq!(linker.world.fired().await.len(), before);
}

#[tokio::test]
async fn an_address_that_asks_too_often_waits() {
    let linker = LinkedWorld::public().await;
    let mut browser = Browser::new(&linker.router);
    for _ in 0..60 {
        assert_eq!(browser.get(&LinkedWorld::request(&[])).await.status, 303);
    }
    let refused = browser.get(&LinkedWorld::request(&[])).await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, "60"));
    let other: SocketAddr = "198.51.100.7:1".parse().unwrap();
    let mut request =
        http::Request::get(LinkedWorld::request(&[])).body(axum::body::Body::empty()).unwrap();
    request.extensions_mut().insert(ConnectInfo(other));
    assert_eq!(send(&linker.router, request).await.status, 303);
    linker.world.pass_ms(60_000);
    assert_eq!(browser.get(&LinkedWorld::request(&[])).await.status, 303);
}

#[tokio::test]
async fn an_adapter_is_not_asked_without_bound_for_one_address() {
    let linker = LinkedWorld::public().await;
    let mut browser = Browser::new(&linker.router);
    browser.get(&LinkedWorld::request(&[("provider", Some(PROVIDER))])).await;
    for _ in 0..120 {
        assert_eq!(browser.get("/link/credentials").await.status, 200);
    }
    assert_eq!(browser.get("/link/credentials").await.status, 429);
    assert_eq!(linker.world.adapters.script().calls.len(), 120);
}

#[tokio::test]
async fn a_form_that_is_none_is_refused() {
    let linker = LinkedWorld::public().await;
    let (browser, page) = linker.at_consent(&[]).await;
    let token = page.form_token();
    let send_as = |kind: &str, fields: &[(&str, &str)]| {
        let mut request = posted("/link/consent", fields);
        request.headers_mut().insert("content-type", kind.parse().unwrap());
        let cookie = browser.cookie.clone().unwrap();
        request.headers_mut().insert("cookie", cookie.parse().unwrap());
        request
    };
    let fields = [("form_token", token.as_str()), ("level", "FULL_CHECK"), ("until", "90")];
    for kind in ["text/plain", "application/json", "multipart/form-data; boundary=x"] {
        assert_eq!(send(&linker.router, send_as(kind, &fields)).await.status, 400, "{kind}");
    }
    let kind = "application/x-www-form-urlencoded;charset=utf-8";
    let twice = [fields[0], fields[0], fields[1], fields[2]];
    assert_eq!(send(&linker.router, send_as(kind, &twice)).await.status, 400);
    let long = "x".repeat(70_000);
    let long = [fields[0], ("level", long.as_str())];
    assert_eq!(send(&linker.router, send_as(kind, &long)).await.status, 400);
    assert_eq!(send(&linker.router, send_as(kind, &fields)).await.location(), "/link/done");
}

#[tokio::test]
async fn where_there_is_nothing_to_link_nobody_is_sent_to_search_for_it() {
    let linker = LinkedWorld::public().await;
    let change = ProviderChange {
        adapter_url: async_graphql::MaybeUndefined::Null,
        ..ProviderChange::default()
    };
    linker.world.writer.update_provider(PROVIDER, change).await.unwrap();
    let mut browser = Browser::new(&linker.router);
    let page = browser.open(&LinkedWorld::request(&[])).await;
    let told = "There is no provider at present that acme can link";
    assert!(page.body.contains(told), "{}", page.body);
    let page = browser.get("/link/provider?q=sse").await;
    assert!(page.body.contains("Search for a part of its name"), "{}", page.body);
}
