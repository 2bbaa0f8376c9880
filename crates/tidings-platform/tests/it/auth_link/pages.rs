//! The pages as they are written, in both languages, with their policies.

use tidings_platform::sample::PROVIDER;

use super::{
    browser::{Answer, Browser},
    linked_world::{CHALLENGE, LinkedWorld},
};

/// A page without what differs from run to run, one element a line.
fn shown(page: &Answer) -> String {
    let token = page.body.contains("name=\"form_token\"").then(|| page.form_token());
    let body = token.map_or(page.body.clone(), |token| page.body.replace(&token, "TOKEN"));
    let style =
        body.split_once("rel=\"stylesheet\" href=\"/link/").unwrap().1.split_once('"').unwrap().0;
    body.replace(style, "STYLE.css").replace("><", ">\n<")
}

async fn check_pages(locale: &str) {
    let linker = LinkedWorld::public().await;
    let mut browser = Browser::new(&linker.router);
    let name = |page: &str| format!("{page}_{locale}");
    let page = browser.open(&LinkedWorld::request(&[("ui_locales", Some(locale))])).await;
    insta::assert_snapshot!(name("providers"), shown(&page));
    let none = browser.get("/link/provider?q=%3Cscript%3E").await;
    insta::assert_snapshot!(name("none_found"), shown(&none));
    let token = page.form_token();
    browser.submit("/link/provider", &[("form_token", &token), ("provider", PROVIDER)]).await;
    insta::assert_snapshot!(name("credentials"), shown(&browser.get("/link/credentials").await));
    let wrong =
        [("form_token", token.as_str()), ("credential-0", "\"><b>ada"), ("credential-1", "wrong")];
    let rejected = browser.submit("/link/credentials", &wrong).await;
    insta::assert_snapshot!(name("rejected"), shown(&rejected));
    let (mut browser, _) = linker.at_consent(&[("locale", Some(locale))]).await;
    let page = browser.get("/link/consent").await;
    insta::assert_snapshot!(name("consent"), shown(&page));
    let token = page.form_token();
    let undecided = browser.submit("/link/consent", &[("form_token", &token)]).await;
    insta::assert_snapshot!(name("undecided"), shown(&undecided));
    let fields = [("form_token", token.as_str()), ("level", "FULL_CHECK"), ("until", "90")];
    browser.submit("/link/consent", &fields).await;
    insta::assert_snapshot!(name("done"), shown(&browser.get("/link/done").await));
    let unknown = LinkedWorld::request(&[("client_id", Some("x")), ("locale", Some(locale))]);
    insta::assert_snapshot!(name("unknown"), shown(&browser.get(&unknown).await));
}

#[tokio::test]
async fn the_pages_are_in_english() {
    check_pages("en").await;
}

#[tokio::test]
async fn the_pages_are_in_welsh() {
    check_pages("cy").await;
}

#[tokio::test]
async fn the_language_is_changed_on_the_way_and_stays() {
    let linker = LinkedWorld::public().await;
    let (mut browser, page) = linker.at_consent(&[]).await;
    assert!(page.body.contains("<html lang=\"en\">"));
    assert!(page.body.contains("href=\"/link/consent?locale=cy\""));
    let page = browser.get("/link/consent?locale=cy").await;
    assert!(page.body.contains("<html lang=\"cy\">"));
    let page = browser.get("/link/provider").await;
    assert!(page.body.contains("<html lang=\"cy\">"));
}

#[tokio::test]
async fn a_page_runs_nothing_is_framed_by_nobody_and_is_not_kept() {
    let linker = LinkedWorld::public().await;
    let (mut browser, consent) = linker.at_consent(&[]).await;
    let unknown = browser.get("/link?client_id=x").await;
    for page in [&consent, &browser.get("/link/provider").await, &unknown] {
        let policy = page.header("content-security-policy");
        for part in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"] {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(page.header("cache-control"), "no-store");
        assert_eq!(page.header("referrer-policy"), "no-referrer");
        assert_eq!(page.header("x-content-type-options"), "nosniff");
        for refused in ["<script", " style=", "http://", "https://"] {
            assert!(!page.body.contains(refused), "{refused}: {}", page.body);
        }
    }
    let policy = consent.header("content-security-policy");
    assert!(policy.contains("form-action 'self' https://app.example.com;"), "{policy}");
    let native = [("redirect_uri", Some("com.example.app:/linked"))];
    let page = Browser::new(&linker.router).open(&LinkedWorld::request(&native)).await;
    let policy = page.header("content-security-policy");
    assert!(policy.contains("form-action 'self' com.example.app:;"), "{policy}");
    assert!(unknown.header("content-security-policy").contains("form-action 'self';"));
    assert!(!consent.body.contains(CHALLENGE));
}

#[tokio::test]
async fn the_stylesheet_is_kept_for_ever_under_its_own_address() {
    let linker = LinkedWorld::public().await;
    let mut browser = Browser::new(&linker.router);
    let page = browser.open(&LinkedWorld::request(&[])).await;
    let (_, after) = page.body.split_once("rel=\"stylesheet\" href=\"").unwrap();
    let style = browser.get(after.split('"').next().unwrap()).await;
    assert_eq!((style.status, style.header("content-type")), (200, "text/css; charset=utf-8"));
    assert!(style.header("cache-control").contains("immutable"));
    let icon = browser.get("/link/icon.svg").await;
    assert_eq!((icon.status, icon.header("content-type")), (200, "image/svg+xml"));
}
