//! The request for authorization: where users are sent back to, and what is refused.

use super::{
    browser::{Browser, ORIGIN},
    linked_world::{BACK, CHALLENGE, LinkedWorld},
};

/// What is changed in a request that is in order.
type Changes = &'static [(&'static str, Option<&'static str>)];

async fn check_told(linker: &LinkedWorld, changes: &[(&str, Option<&str>)], error: &str) {
    let answer = Browser::new(&linker.router).get(&LinkedWorld::request(changes)).await;
    assert!(answer.location().starts_with(&format!("{BACK}&error=")), "{changes:?} {answer:?}");
    assert_eq!(answer.told("error").as_deref(), Some(error), "{changes:?}");
    assert_eq!(answer.told("state").as_deref(), Some("s&1"), "{changes:?}");
    assert_eq!(answer.told("iss").as_deref(), Some(ORIGIN), "{changes:?}");
    assert!(answer.told("code").is_none());
}

#[tokio::test]
async fn a_redirect_uri_that_is_not_exactly_registered_is_never_gone_to() {
    let linker = LinkedWorld::public().await;
    for uri in [
        "https://app.example.com/linked",
        "https://app.example.com/linked?from=tidings&more=1",
        "https://app.example.com/linked/?from=tidings",
        "https://app.example.com/linked/x?from=tidings",
        "https://app.example.com/Linked?from=tidings",
        "https://APP.example.com/linked?from=tidings",
        "https://app.example.com:443/linked?from=tidings",
        "https://app.example.com:8443/linked?from=tidings",
        "http://app.example.com/linked?from=tidings",
        "https://sub.app.example.com/linked?from=tidings",
        "https://app.example.com.evil.example/linked?from=tidings",
        "https://evil@app.example.com/linked?from=tidings",
        "https://app.example.com/x/../linked?from=tidings",
        "https://app.example.com/%6cinked?from=tidings",
        "https://app.example.com/linked?from=tidings#x",
        "https://app.example.com/linked?from=tidings ",
        "https://*.example.com/linked?from=tidings",
        "//app.example.com/linked?from=tidings",
        "javascript:alert(1)",
        "",
    ] {
        let changes = [("redirect_uri", Some(uri))];
        let answer = Browser::new(&linker.router).get(&LinkedWorld::request(&changes)).await;
        assert_eq!((answer.status, answer.header("location")), (400, ""), "{uri}");
        assert!(answer.headers.get("set-cookie").is_none());
    }
}

#[tokio::test]
async fn a_redirect_uri_that_runs_code_is_refused_even_where_it_is_registered() {
    let linker = LinkedWorld::public().await;
    let uris = vec!["JavaScript:alert(1)".to_owned()];
    linker.change_acme(|acme| acme.settings.redirect_uris = uris).await;
    let changes = [("redirect_uri", Some("JavaScript:alert(1)"))];
    let answer = Browser::new(&linker.router).get(&LinkedWorld::request(&changes)).await;
    assert_eq!((answer.status, answer.header("location")), (400, ""));
}

#[tokio::test]
async fn an_application_that_is_not_there_leads_nowhere() {
    let linker = LinkedWorld::public().await;
    for name in [None, Some("nobody"), Some("ACME"), Some("<script>")] {
        let answer =
            Browser::new(&linker.router).get(&LinkedWorld::request(&[("client_id", name)])).await;
        assert_eq!((answer.status, answer.header("location")), (400, ""), "{name:?}");
        assert!(!answer.body.contains("<script"));
    }
    let twice = format!("{}&client_id=other", LinkedWorld::request(&[]));
    let answer = Browser::new(&linker.router).get(&twice).await;
    assert_eq!((answer.status, answer.header("location")), (400, ""));
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_told_to_the_application() {
    let linker = LinkedWorld::public().await;
    let cases: [(Changes, &str); 18] = [
        (&[("response_type", None)], "invalid_request"),
        (&[("response_type", Some("token"))], "unsupported_response_type"),
        (&[("response_type", Some("code token"))], "unsupported_response_type"),
        (&[("response_mode", Some("fragment"))], "invalid_request"),
        (&[("code_challenge", None), ("code_challenge_method", None)], "invalid_request"),
        (&[("code_challenge", None)], "invalid_request"),
        (&[("code_challenge_method", None)], "invalid_request"),
        (&[("code_challenge_method", Some("plain"))], "invalid_request"),
        (&[("code_challenge_method", Some("s256"))], "invalid_request"),
        (&[("code_challenge", Some("short"))], "invalid_request"),
        (&[("scope", Some("admin"))], "invalid_scope"),
        (&[("scope", Some("manage:webhooks"))], "invalid_scope"),
        (&[("scope", Some("read:accounts write"))], "invalid_scope"),
        (&[("scope", Some("offline_access"))], "invalid_scope"),
        (&[("access_level", Some("EVERYTHING"))], "invalid_request"),
        (&[("access_level", Some("full_check"))], "invalid_request"),
        (&[("provider", Some("nobody_nobody"))], "invalid_request"),
        (&[("provider", Some("../x"))], "invalid_request"),
    ];
    for (changes, error) in cases {
        check_told(&linker, changes, error).await;
    }
}

#[tokio::test]
async fn a_level_that_the_application_may_not_use_is_told_to_it() {
    let linker = LinkedWorld::public().await;
    linker.change_acme(|acme| acme.settings.access_levels = Some(Vec::new())).await;
    check_told(&linker, &[("access_level", Some("QUICK_CHECK"))], "invalid_request").await;
}

#[tokio::test]
async fn a_confidential_client_may_leave_pkce_out_and_a_public_one_may_not() {
    let without = [("code_challenge", None), ("code_challenge_method", None)];
    let linker = LinkedWorld::confidential().await;
    let answer = Browser::new(&linker.router).get(&LinkedWorld::request(&without)).await;
    assert_eq!(answer.location(), "/link/provider");
    let plain = [("code_challenge", Some(CHALLENGE)), ("code_challenge_method", Some("plain"))];
    check_told(&linker, &plain, "invalid_request").await;
    check_told(&LinkedWorld::public().await, &without, "invalid_request").await;
}
