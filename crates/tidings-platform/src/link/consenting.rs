//! The last two pages: what the user agrees to, and the way back.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    response::Response,
};
use tidings_core::time::DAY_MS;
use tidings_graphql::{AccessLevel, Failure, OperationFailure};

use super::{
    AuthLink, answer,
    asked::Asked,
    flow::{self, Ended, Visit},
    form::Form,
    grant::{CODE_MS_MAX, NoCode},
    pages::{
        self,
        consent::{Agreement, Choice, HowLong, Trouble},
    },
    session::{Chosen, Left, Linked},
};
use crate::{collect::protocol::Credential, domain::Consent, writer::NewLink};

/// `GET /link/consent`
pub(super) async fn show(State(link): State<Arc<AuthLink>>, request: Request) -> Response {
    let (asked, _) = Asked::of(request);
    let shown = link.visit(&asked).await.map(|visit| {
        let session = &visit.session;
        match (&session.provider, session.step()) {
            (Some(chosen), "/link/consent") => {
                let html = pages::consent::page(session, chosen, &Choice::nothing(), None);
                flow::page(session, 200, html)
            }
            (_, step) => answer::see_other(step),
        }
    });
    shown.unwrap_or_else(|ended| *ended)
}

/// `POST /link/consent`: the user agrees, and the account is linked.
pub(super) async fn agree(State(link): State<Arc<AuthLink>>, request: Request) -> Response {
    let agreed = async {
        let (visit, form) = link.posted_in_turn(Asked::of(request)).await?;
        let (Some(chosen), "/link/consent") =
            (visit.session.provider.clone(), visit.session.step())
        else {
            return Ok(answer::see_other(visit.session.step()));
        };
        let choice = read_choice(&chosen, &form);
        let (Some(level), Some(how_long)) = (choice.level, choice.how_long) else {
            let trouble = Some(&Trouble::Undecided);
            let html = pages::consent::page(&visit.session, &chosen, &choice, trouble);
            return Ok(flow::page(&visit.session, 422, html));
        };
        let agreement = Agreement::of(&visit.session, &chosen, level, how_long);
        // Goes on where the browser does not wait for it: what was begun comes to its end.
        let link = Arc::clone(&link);
        let linking = tokio::spawn(async move { link.agreed(&visit, &chosen, &agreement).await });
        linking.await.unwrap_or_else(|_| Err(flow::unavailable(tidings_graphql::Locale::EnGb)))
    };
    agreed.await.unwrap_or_else(|ended: Ended| *ended)
}

/// `GET /link/done`
pub(super) async fn done(State(link): State<Arc<AuthLink>>, request: Request) -> Response {
    let (asked, _) = Asked::of(request);
    let shown = link.visit(&asked).await.map(|visit| {
        let session = &visit.session;
        match (&session.provider, &session.linked) {
            (Some(chosen), Some(_)) => flow::page(session, 200, pages::done(session, chosen)),
            _ => answer::see_other(session.step()),
        }
    });
    shown.unwrap_or_else(|ended| *ended)
}

/// `POST /link/return`: the code is made when the user leaves, so that it is fresh. A form that is
/// sent twice leads back with the same code.
pub(super) async fn send_back(State(link): State<Arc<AuthLink>>, request: Request) -> Response {
    let left = async {
        let (visit, _) = link.posted_in_turn(Asked::of(request)).await?;
        // Goes on where the browser does not wait for it, so that the next form finds the code.
        let link = Arc::clone(&link);
        let leaving = tokio::spawn(async move { link.send_away(&visit).await });
        leaving.await.unwrap_or_else(|_| Err(flow::unavailable(tidings_graphql::Locale::EnGb)))
    };
    left.await.unwrap_or_else(|ended: Ended| *ended)
}

fn read_choice(chosen: &Chosen, form: &Form) -> Choice {
    let named = |value| {
        let is_named = |own: &&AccessLevel| pages::consent::level_value(**own) == value;
        chosen.levels.iter().find(is_named).copied()
    };
    Choice {
        level: form.get("level").and_then(named),
        how_long: form.get("until").and_then(HowLong::named),
    }
}

impl AuthLink {
    /// Sends the user back with a code. It is this form's turn.
    async fn send_away(&self, visit: &Visit) -> Result<Response, Ended> {
        let session = &visit.session;
        if let Some(left) = &session.left {
            return Ok(self.leave(session, &[("code", &left.code)]));
        }
        let Some(linked) = &session.linked else { return Ok(answer::see_other(session.step())) };
        match self.issue_code(&session.asked, linked).await {
            Ok(code) => {
                let now = self.now().elapsed;
                let left = Left { code: code.clone(), until: now.plus_ms(CODE_MS_MAX) };
                self.sessions.change(&visit.key, now, |session| session.left = Some(left));
                Ok(self.leave(session, &[("code", &code)]))
            }
            Err(NoCode::Nowhere(unknown)) => {
                self.sessions.end(&visit.key);
                Ok(flow::stays_here(session.locale, unknown))
            }
            Err(NoCode::Stopped) => Err(flow::unavailable(session.locale)),
        }
    }

    /// Links the account. It is this form's turn, and nothing is linked yet.
    async fn agreed(
        &self,
        visit: &Visit,
        chosen: &Chosen,
        agreement: &Agreement,
    ) -> Result<Response, Ended> {
        let now = self.now().elapsed;
        let taken = self.sessions.change(&visit.key, now, |session| {
            let is_same = session.provider.as_ref() == Some(chosen);
            session.credentials.clone().filter(|_| is_same)
        });
        let Some(Some(credentials)) = taken else {
            // Another provider was chosen on another page.
            return Ok(answer::see_other("/link/consent"));
        };
        let linked = self.link(visit, chosen, credentials, agreement).await;
        match linked {
            Ok(linked) => {
                let now = self.now().elapsed;
                self.sessions.change(&visit.key, now, |session| {
                    session.credentials = None;
                    // Another may have been chosen on another page meanwhile.
                    session.provider = Some(chosen.clone());
                    session.linked = Some(linked);
                });
                Ok(answer::see_other("/link/done"))
            }
            Err(failure) => {
                let (status, problem) = shown(&failure, visit);
                let session = &visit.session;
                let choice = agreement.choice();
                let trouble = Some(&Trouble::Refused(problem));
                let html = pages::consent::page(session, chosen, &choice, trouble);
                Ok(flow::page(session, status, html))
            }
        }
    }

    async fn link(
        &self,
        visit: &Visit,
        chosen: &Chosen,
        credentials: Vec<Credential>,
        agreement: &Agreement,
    ) -> Result<Linked, OperationFailure> {
        let application = visit.session.asked.application.id;
        let now = self.now();
        let new = NewLink {
            provider: chosen.code.clone(),
            access_level: agreement.level,
            credentials,
            consent: Consent {
                text: agreement.text.clone(),
                given_at: now.wall,
                until: agreement.how_long.days().map(|days| now.plus_ms(days * DAY_MS).wall),
            },
        };
        let account = self.writer.link_account_of_new_user(application, new).await?.entity;
        Ok(Linked { user: account.body.user, account: account.id })
    }
}

fn shown(failure: &OperationFailure, visit: &Visit) -> (u16, String) {
    let locale = visit.session.locale;
    let status = match failure.failure {
        Failure::Unavailable | Failure::OutcomeUnknown => 503,
        _ => 409,
    };
    (status, failure.failure.text(locale))
}
