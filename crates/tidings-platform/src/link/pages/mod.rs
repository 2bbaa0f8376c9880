//! The pages: HTML that needs no JavaScript, in English and Welsh.

use std::sync::LazyLock;

use maud::{DOCTYPE, Markup, html};
use tidings_core::secret::TokenHash;
use tidings_graphql::Locale;

use super::session::{Chosen, Session};
use words::{Filled, Text};

pub(super) mod words;
pub(super) mod providers;
pub(super) mod credentials;
pub(super) mod consent;

/// The stylesheet of all pages.
pub(super) const STYLE: &str = include_str!("look.css");

/// The sign of the pages in a browser's bar.
pub(super) const ICON: &str = include_str!("icon.svg");

/// Where that is.
pub(super) const ICON_PATH: &str = "/link/icon.svg";

static STYLE_PATH: LazyLock<String> = LazyLock::new(|| {
    let hash = TokenHash::of(STYLE).0;
    let digits: String = hash.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    format!("/link/{digits}.css")
});

/// Where the stylesheet is: another place for another text, so that it may be kept for ever.
pub(super) fn style_path() -> &'static str {
    &STYLE_PATH
}

/// Pages of the way, which people are told the place on.
const STEPS: u8 = 3;

/// What stands around every page.
struct Frame<'a> {
    locale: Locale,
    title: &'a str,
    /// Where the page is in other languages.
    path: Option<&'a str>,
    /// The number of the step.
    step: Option<u8>,
    has_problem: bool,
}

impl Frame<'_> {
    fn around(&self, content: &Markup) -> String {
        let locale = self.locale;
        let error = words::ERROR_TITLE.text(locale);
        html! {
            (DOCTYPE)
            html lang=(tag(locale)) {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="robots" content="noindex";
                    meta name="color-scheme" content="light dark";
                    title {
                        @if self.has_problem { (error) ": " }
                        (self.title) " – " (words::NAME.text(locale))
                    }
                    link rel="icon" type="image/svg+xml" href=(ICON_PATH);
                    link rel="stylesheet" href=(style_path());
                }
                body {
                    a.skip href="#main" { (words::SKIP.text(locale)) }
                    header {
                        p.name { (words::NAME.text(locale)) }
                        @if let Some(path) = self.path { (languages(locale, path)) }
                    }
                    main #main {
                        @if let Some(step) = self.step {
                            p.step { (words::step(step, STEPS).text(locale)) }
                        }
                        (content)
                    }
                }
            }
        }
        .into_string()
    }
}

fn languages(locale: Locale, path: &str) -> Markup {
    let (to, name) = match locale {
        Locale::EnGb => (Locale::CyGb, "Cymraeg"),
        Locale::CyGb => (Locale::EnGb, "English"),
    };
    let href = format!("{path}?locale={}", tag(to));
    html! {
        nav aria-label=(words::LANGUAGE.text(locale)) {
            a href=(href) hreflang=(tag(to)) lang=(tag(to)) { (name) }
        }
    }
}

fn tag(locale: Locale) -> &'static str {
    match locale {
        Locale::EnGb => "en",
        Locale::CyGb => "cy",
    }
}

/// What is wrong, with a way to each place.
fn summary(locale: Locale, problems: &[(String, String)]) -> Markup {
    html! {
        @if !problems.is_empty() {
            div.problems role="alert" tabindex="-1" autofocus aria-labelledby="problems" {
                h2 #problems { (words::PROBLEM.text(locale)) }
                ul {
                    @for (place, text) in problems {
                        li { a href={ "#" (place) } { (text) } }
                    }
                }
            }
        }
    }
}

/// What every form holds so that no other page can send it.
fn form_token(session: &Session) -> Markup {
    html! { input type="hidden" name="form_token" value=(session.form_token); }
}

fn application(session: &Session) -> &str {
    session.asked.application.name.as_str()
}

fn cancel(session: &Session) -> Markup {
    let text = words::CANCEL.with("application", application(session));
    html! {
        form.cancel method="post" action="/link/cancel" {
            (form_token(session))
            button.quiet type="submit" { (text.text(session.locale)) }
        }
    }
}

/// Says what is wrong where there is nothing else to show.
pub(super) fn problem(locale: Locale, title: Text, text: &Filled) -> String {
    let title = title.text(locale);
    let content = html! {
        h1 { (title) }
        p { (text.text(locale)) }
    };
    Frame { locale, title: &title, path: None, step: None, has_problem: false }.around(&content)
}

/// The provider's adapter gives no answer.
pub(super) fn out_of_reach(session: &Session) -> String {
    let locale = session.locale;
    let title = words::OUT_OF_REACH.text(locale);
    let content = html! {
        h1 { (title) }
        p { (words::OUT_OF_REACH_TEXT.text(locale)) }
        p.actions {
            a.main href="/link/credentials" { (words::TRY_AGAIN.text(locale)) }
            a.quiet href="/link/provider" { (words::OTHER_PROVIDER.text(locale)) }
        }
        (cancel(session))
    };
    let path = Some("/link/credentials");
    Frame { locale, title: &title, path, step: None, has_problem: false }.around(&content)
}

/// The account is linked.
pub(super) fn done(session: &Session, chosen: &Chosen) -> String {
    let locale = session.locale;
    let title = words::DONE.text(locale);
    let named = words::DONE_TEXT.with("provider", &chosen.name);
    let named = named.with("application", application(session));
    let back = words::GO_BACK.with("application", application(session));
    let content = html! {
        p.tick aria-hidden="true" { "✓" }
        h1 { (title) }
        p { (named.text(locale)) }
        form method="post" action="/link/return" {
            (form_token(session))
            button.main type="submit" autofocus { (back.text(locale)) }
        }
    };
    let path = Some("/link/done");
    Frame { locale, title: &title, path, step: None, has_problem: false }.around(&content)
}
