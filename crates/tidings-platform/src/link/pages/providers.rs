//! The page on which the provider is chosen.

use maud::html;

use super::{
    Frame, application, cancel, form_token, summary,
    words::{self, Text},
};
use crate::{domain::Sector, link::session::Session};

/// Providers that one page shows; who searches sees others.
const SHOWN_MAX: usize = 50;

/// A provider that can be chosen.
pub(in crate::link) struct Shown {
    pub(in crate::link) code: String,
    pub(in crate::link) name: String,
    pub(in crate::link) sector: Sector,
}

/// The page, with what was found for a search.
pub(in crate::link) fn page(
    session: &Session,
    found: &[Shown],
    search: &str,
    problem: Option<Text>,
) -> String {
    let locale = session.locale;
    let title = words::CHOOSE_PROVIDER.text(locale);
    let intro = words::CHOOSE_INTRO.with("application", application(session)).text(locale);
    let problems: Vec<_> =
        problem.iter().map(|text| ("search".to_owned(), text.text(locale))).collect();
    let content = html! {
        (summary(locale, &problems))
        h1 { (title) }
        p { (intro) }
        form.search role="search" method="get" action="/link/provider" {
            label for="search" { (words::SEARCH.text(locale)) }
            div.row {
                input #search type="search" name="q" value=(search) autocomplete="off"
                    maxlength="100";
                button type="submit" { (words::SEARCH_BUTTON.text(locale)) }
            }
        }
        @if found.is_empty() && search.trim().is_empty() {
            p {
                (words::NONE_AT_ALL.with("application", application(session)).text(locale))
            }
        } @else if found.is_empty() {
            p { (words::NONE_FOUND.text(locale)) }
        } @else {
            form method="post" action="/link/provider" {
                (form_token(session))
                ul.choices {
                    @for provider in found.iter().take(SHOWN_MAX) {
                        li {
                            button type="submit" name="provider" value=(provider.code) {
                                span { (provider.name) }
                                span.note { (words::sector(provider.sector).text(locale)) }
                            }
                        }
                    }
                }
            }
            @if found.len() > SHOWN_MAX { p.note { (words::MORE_FOUND.text(locale)) } }
        }
        (cancel(session))
    };
    let has_problem = problem.is_some();
    let path = Some("/link/provider");
    Frame { locale, title: &title, path, step: Some(1), has_problem }.around(&content)
}
