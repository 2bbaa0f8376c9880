//! The page on which the user types what opens the account.

use maud::{Markup, html};

use super::{Frame, application, cancel, form_token, summary, words};
use crate::{
    collect::protocol::{Credential, CredentialField, Description},
    link::session::{Chosen, Session},
};

/// What the user typed, and what is wrong with it.
pub(in crate::link) struct Typed {
    pub(in crate::link) credentials: Vec<Credential>,
    /// The number of the field, and what is wrong with it.
    pub(in crate::link) problems: Vec<(usize, String)>,
    /// Why the provider refuses all of it together.
    pub(in crate::link) rejection: Option<String>,
}

impl Typed {
    /// Before anything was typed.
    pub(in crate::link) fn nothing() -> Typed {
        Typed { credentials: Vec::new(), problems: Vec::new(), rejection: None }
    }

    /// Says what is wrong with a field.
    pub(in crate::link) fn refuse(&mut self, index: usize, problem: String) {
        self.problems.push((index, problem));
    }
}

/// What the form calls a field.
pub(in crate::link) fn field_name(index: usize) -> String {
    format!("credential-{index}")
}

/// The page, with what was typed before; what is secret is typed again.
pub(in crate::link) fn page(
    session: &Session,
    chosen: &Chosen,
    description: &Description,
    typed: &Typed,
) -> String {
    let locale = session.locale;
    let title = words::SIGN_IN.with("provider", &chosen.name).text(locale);
    let safe = words::SIGN_IN_TEXT.with("application", application(session));
    let problems: Vec<(String, String)> =
        typed.problems.iter().map(|(index, text)| (field_name(*index), text.clone())).collect();
    let rejection = typed.rejection.iter().map(|text| (field_name(0), text.clone()));
    let problems: Vec<_> = rejection.chain(problems).collect();
    let content = html! {
        (summary(locale, &problems))
        h1 { (title) }
        p { (safe.text(locale)) }
        form method="post" action="/link/credentials" novalidate {
            (form_token(session))
            @for (index, own) in description.credentials.iter().enumerate() {
                (field(session, index, own, typed))
            }
            button.main type="submit" { (words::GO_ON.text(locale)) }
        }
        @if session.asked.provider.is_none() {
            p { a href="/link/provider" { (words::OTHER_PROVIDER.text(locale)) } }
        }
        (cancel(session))
    };
    let has_problem = !problems.is_empty();
    let path = Some("/link/credentials");
    Frame { locale, title: &title, path, step: Some(2), has_problem }.around(&content)
}

fn field(session: &Session, index: usize, field: &CredentialField, typed: &Typed) -> Markup {
    let locale = session.locale;
    let name = field_name(index);
    let hint = field.hint.as_ref().map(|hint| hint.text(locale));
    let problem = typed.problems.iter().find(|(own, _)| *own == index).map(|(_, text)| text);
    let kept = typed.credentials.get(index).filter(|_| !field.secret);
    let value = kept.map(|credential| credential.value.as_str()).unwrap_or_default();
    let (hint_id, problem_id) = (format!("{name}-hint"), format!("{name}-problem"));
    let described: Vec<&str> = hint
        .map(|_| hint_id.as_str())
        .into_iter()
        .chain(problem.map(|_| problem_id.as_str()))
        .collect();
    let described = (!described.is_empty()).then(|| described.join(" "));
    html! {
        div.field.bad[problem.is_some()] {
            label for=(name) { (field.label.text(locale)) }
            @if let Some(hint) = hint { p.note id=(hint_id) { (hint) } }
            @if let Some(problem) = problem { p.problem id=(problem_id) { (problem) } }
            input id=(name) name=(name) type=(if field.secret { "password" } else { "text" })
                value=(value) required autocomplete="off" autocapitalize="none" spellcheck="false"
                aria-describedby=[described] aria-invalid=[problem.map(|_| "true")];
        }
    }
}
