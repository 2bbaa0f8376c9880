//! The page on which the user agrees. What it says is kept with the account as evidence.

use maud::{Markup, html};
use tidings_core::access::Scope;
use tidings_graphql::AccessLevel;

use super::{Frame, application, cancel, form_token, summary, words};
use crate::link::session::{Chosen, Session};

/// How long a consent is to hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::link) enum HowLong {
    /// 90 days.
    Days90,
    /// A year.
    Year,
    /// Until it is withdrawn.
    Open,
}

impl HowLong {
    const ALL: [HowLong; 3] = [HowLong::Days90, HowLong::Year, HowLong::Open];

    /// The one that a form names.
    pub(in crate::link) fn named(value: &str) -> Option<HowLong> {
        HowLong::ALL.into_iter().find(|own| own.value() == value)
    }

    /// In days, where it ends by itself.
    pub(in crate::link) fn days(self) -> Option<u64> {
        match self {
            HowLong::Days90 => Some(90),
            HowLong::Year => Some(365),
            HowLong::Open => None,
        }
    }

    fn value(self) -> &'static str {
        match self {
            HowLong::Days90 => "90",
            HowLong::Year => "365",
            HowLong::Open => "open",
        }
    }

    fn words(self) -> words::Text {
        match self {
            HowLong::Days90 => words::DAYS_90,
            HowLong::Year => words::YEAR,
            HowLong::Open => words::UNTIL_WITHDRAWN,
        }
    }
}

/// What a form calls a level.
pub(in crate::link) fn level_value(level: AccessLevel) -> &'static str {
    tidings_core::application::AccessLevel::from(level).as_str()
}

/// What was chosen, as far as it was.
pub(in crate::link) struct Choice {
    pub(in crate::link) level: Option<AccessLevel>,
    pub(in crate::link) how_long: Option<HowLong>,
}

impl Choice {
    /// Before anything was chosen: the shortest time is proposed, and no level.
    pub(in crate::link) fn nothing() -> Choice {
        Choice { level: None, how_long: Some(HowLong::Days90) }
    }
}

/// Why the page is shown again.
pub(in crate::link) enum Trouble {
    /// Something was not chosen.
    Undecided,
    /// What was agreed to could not be done.
    Refused(String),
}

/// What the user agreed to.
pub(in crate::link) struct Agreement {
    pub(in crate::link) level: AccessLevel,
    pub(in crate::link) how_long: HowLong,
    /// The words that were shown, with the choices that were made.
    pub(in crate::link) text: String,
}

impl Agreement {
    /// The choices that were made.
    pub(in crate::link) fn choice(&self) -> Choice {
        Choice { level: Some(self.level), how_long: Some(self.how_long) }
    }

    /// What is agreed to with these choices.
    pub(in crate::link) fn of(
        session: &Session,
        chosen: &Chosen,
        level: AccessLevel,
        how_long: HowLong,
    ) -> Agreement {
        let locale = session.locale;
        let named = words::CONSENT_INTRO.with("application", application(session));
        let mut lines = vec![named.with("provider", &chosen.name).text(locale)];
        lines.extend(terms(session, chosen));
        let (name, meaning) = words::level(level);
        lines.push(format!("{}: {}", name.text(locale), meaning.text(locale)));
        let until = how_long.words().text(locale);
        lines.push(format!("{} {until}", words::HOW_LONG.text(locale)));
        Agreement { level, how_long, text: lines.join("\n") }
    }
}

/// What holds whatever is chosen, line by line.
fn terms(session: &Session, chosen: &Chosen) -> Vec<String> {
    let asked = &session.asked;
    let mut terms = vec![words::READ_ONLY];
    if asked.scopes.allows(Scope::ReadAccounts) {
        terms.push(words::MAY_READ);
    }
    if asked.scopes.allows(Scope::DownloadDocuments) {
        terms.push(words::MAY_DOWNLOAD);
    }
    if asked.offline {
        terms.push(words::OFFLINE);
    }
    terms.extend([words::KEPT_SAFE, words::WITHDRAW]);
    let filled = |term: words::Text| {
        let named = term.with("application", application(session));
        named.with("provider", &chosen.name).text(session.locale)
    };
    terms.into_iter().map(filled).collect()
}

/// A group of choices: its place, and what is wrong with it.
struct Group {
    place: &'static str,
    problem: Option<String>,
}

/// The page, with what was chosen before and what is wrong.
pub(in crate::link) fn page(
    session: &Session,
    chosen: &Chosen,
    choice: &Choice,
    trouble: Option<&Trouble>,
) -> String {
    let locale = session.locale;
    let title = words::CONSENT.text(locale);
    let intro = words::CONSENT_INTRO.with("application", application(session));
    let intro = intro.with("provider", &chosen.name).text(locale);
    let undecided = |place, is_missing: bool, text: words::Text| {
        let is_undecided = matches!(trouble, Some(Trouble::Undecided)) && is_missing;
        Group { place, problem: is_undecided.then(|| text.text(locale)) }
    };
    let level = undecided("level", choice.level.is_none(), words::CHOOSE_LEVEL);
    let until = undecided("until", choice.how_long.is_none(), words::CHOOSE_HOW_LONG);
    let refused = match trouble {
        Some(Trouble::Refused(why)) => Some(("level-0".to_owned(), why.clone())),
        _ => None,
    };
    let missing = [&level, &until].into_iter().filter_map(|group| {
        group.problem.clone().map(|problem| (format!("{}-0", group.place), problem))
    });
    let problems: Vec<_> = refused.into_iter().chain(missing).collect();
    let content = html! {
        (summary(locale, &problems))
        h1 { (title) }
        p { (intro) }
        ul.terms { @for term in terms(session, chosen) { li { (term) } } }
        form method="post" action="/link/consent" novalidate {
            (form_token(session))
            (levels(session, chosen, choice, &level))
            (how_long(session, choice, &until))
            button.main type="submit" { (words::AGREE.text(locale)) }
        }
        (cancel(session))
    };
    let has_problem = trouble.is_some();
    let path = Some("/link/consent");
    Frame { locale, title: &title, path, step: Some(3), has_problem }.around(&content)
}

fn levels(session: &Session, chosen: &Chosen, choice: &Choice, group: &Group) -> Markup {
    let locale = session.locale;
    let only = chosen.levels.len() == 1;
    let legend = words::HOW_FAR.with("provider", &chosen.name).text(locale);
    let content = html! {
        @for (index, level) in chosen.levels.iter().enumerate() {
            @let (name, meaning) = words::level(*level);
            @let id = format!("{}-{index}", group.place);
            @let is_chosen = only || choice.level == Some(*level);
            div.choice {
                input type="radio" name="level" id=(id) value=(level_value(*level))
                    required checked[is_chosen] aria-describedby={ (id) "-note" };
                label for=(id) { (name.text(locale)) }
                p.note id={ (id) "-note" } { (meaning.text(locale)) }
            }
        }
    };
    around(group, &legend, &content)
}

fn how_long(session: &Session, choice: &Choice, group: &Group) -> Markup {
    let locale = session.locale;
    let content = html! {
        @for (index, own) in HowLong::ALL.into_iter().enumerate() {
            @let id = format!("{}-{index}", group.place);
            div.choice {
                input type="radio" name="until" id=(id) value=(own.value())
                    required checked[choice.how_long == Some(own)];
                label for=(id) { (own.words().text(locale)) }
            }
        }
    };
    around(group, &words::HOW_LONG.text(locale), &content)
}

fn around(group: &Group, legend: &str, choices: &Markup) -> Markup {
    let problem_id = format!("{}-problem", group.place);
    html! {
        fieldset.bad[group.problem.is_some()]
            aria-describedby=[group.problem.as_ref().map(|_| &problem_id)] {
            legend { (legend) }
            @if let Some(problem) = &group.problem { p.problem id=(problem_id) { (problem) } }
            (choices)
        }
    }
}
