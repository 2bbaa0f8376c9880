//! The first two pages: which provider, and what opens the account with it.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    response::Response,
};
use tidings_graphql::Locale;

use super::{
    AuthLink, answer,
    asked::Asked,
    flow::{self, Ended, Visit},
    form::Form,
    pages::{self, credentials::Typed, providers::Shown, words},
    session::{CHECKS_MAX, Chosen, Session},
};
use crate::{
    collect::{
        protocol::{CREDENTIAL_VALUE_BYTES_MAX, CheckAnswer, Credential, Description},
        secrecy,
    },
    domain::Provider,
};

/// The longest search that is looked at.
const SEARCH_CHARACTERS_MAX: usize = 100;

/// `GET /link/provider`
pub(super) async fn show_providers(
    State(link): State<Arc<AuthLink>>,
    request: Request,
) -> Response {
    let (asked, _) = Asked::of(request);
    let shown = async {
        let visit = link.visit(&asked).await?;
        if visit.session.linked.is_some() {
            return Ok(answer::see_other(visit.session.step()));
        }
        link.providers_page(&visit.session, &asked.query, 200, None).await
    };
    shown.await.unwrap_or_else(|ended: Ended| *ended)
}

/// `POST /link/provider`
pub(super) async fn choose_provider(
    State(link): State<Arc<AuthLink>>,
    request: Request,
) -> Response {
    let chosen = async {
        let (visit, form) = link.posted(Asked::of(request)).await?;
        let locale = visit.session.locale;
        let code = form.get("provider").unwrap_or_default();
        let choice = link.choice(&visit.session.asked, code).await;
        let Some(choice) = choice.map_err(|_| flow::unavailable(locale))? else {
            let problem = Some(words::CHOOSE_ONE);
            return link.providers_page(&visit.session, &form, 422, problem).await;
        };
        let step = link.sessions.change(&visit.key, link.now().elapsed, |session| {
            if session.linked.is_none() {
                session.provider = Some(choice);
                session.credentials = None;
            }
            session.step()
        });
        Ok(answer::see_other(step.unwrap_or("/link/provider")))
    };
    chosen.await.unwrap_or_else(|ended: Ended| *ended)
}

/// `GET /link/credentials`
pub(super) async fn show_credentials(
    State(link): State<Arc<AuthLink>>,
    request: Request,
) -> Response {
    let (asked, _) = Asked::of(request);
    let shown = async {
        let visit = link.visit(&asked).await?;
        // The adapter is asked each time that the page is shown.
        let taken = link.quotas.forms.take(link.now().elapsed, asked.address);
        taken.map_err(|exceeded| flow::too_many(visit.session.locale, exceeded))?;
        let Some(chosen) =
            visit.session.provider.as_ref().filter(|_| visit.session.linked.is_none())
        else {
            return Ok(answer::see_other(visit.session.step()));
        };
        let description = link.description(&visit.session, chosen).await?;
        let html =
            pages::credentials::page(&visit.session, chosen, &description, &Typed::nothing());
        Ok(flow::page(&visit.session, 200, html))
    };
    shown.await.unwrap_or_else(|ended: Ended| *ended)
}

/// `POST /link/credentials`: the adapter is asked whether they are right.
pub(super) async fn check(State(link): State<Arc<AuthLink>>, request: Request) -> Response {
    let (asked, body) = Asked::of(request);
    let address = asked.address;
    let checked = async {
        let (visit, form) = link.posted((asked, body)).await?;
        let session = &visit.session;
        let Some(chosen) = session.provider.as_ref().filter(|_| session.linked.is_none()) else {
            return Ok(answer::see_other(session.step()));
        };
        let description = link.description(session, chosen).await?;
        let mut typed = read_typed(&description, &form, session.locale);
        if typed.problems.is_empty() {
            link.count_check(&visit, address)?;
            let answer = link.adapters.check(&chosen.adapter_url, &typed.credentials).await;
            match answer {
                Ok(CheckAnswer::Ok) => return Ok(link.go_on(&visit, typed.credentials)),
                Ok(CheckAnswer::CredentialsRejected { reason }) => {
                    typed.rejection = Some(reason.text(session.locale).to_owned());
                }
                Err(trouble) => {
                    // It may repeat what it was given.
                    let why = secrecy::without(&trouble.to_string(), &typed.credentials);
                    return Err(out_of_reach(session, chosen, &why));
                }
            }
        }
        let html = pages::credentials::page(session, chosen, &description, &typed);
        Ok(flow::page(session, 422, html))
    };
    checked.await.unwrap_or_else(|ended: Ended| *ended)
}

impl AuthLink {
    async fn providers_page(
        &self,
        session: &Session,
        query: &Form,
        status: u16,
        problem: Option<words::Text>,
    ) -> Result<Response, Ended> {
        let search: String =
            query.raw("q").unwrap_or_default().chars().take(SEARCH_CHARACTERS_MAX).collect();
        let found = self.reader.all_for_everyone::<Provider>().await;
        let found = found.map_err(|error| {
            tracing::error!(%error, "Auth Link cannot use the store");
            flow::unavailable(session.locale)
        })?;
        let wanted = search.trim().to_lowercase();
        let mut shown = Vec::new();
        for provider in found {
            let levels = self.writer.access_levels(session.asked.application.id, &provider.body);
            let levels = levels.await.map_err(|_| flow::unavailable(session.locale))?;
            let wanted_level = session.asked.access_level;
            let fits = levels.iter().any(|own| wanted_level.is_none_or(|level| level == *own));
            if fits && provider.body.name.to_lowercase().contains(&wanted) {
                let (name, sector) = (provider.body.name, provider.body.sector);
                shown.push(Shown { code: provider.id, name, sector });
            }
        }
        shown.sort_by_cached_key(|provider| provider.name.to_lowercase());
        let html = pages::providers::page(session, &shown, &search, problem);
        Ok(flow::page(session, status, html))
    }

    async fn description(&self, session: &Session, chosen: &Chosen) -> Result<Description, Ended> {
        let described = self.adapters.describe(&chosen.adapter_url).await;
        described.map_err(|trouble| out_of_reach(session, chosen, &trouble.to_string()))
    }

    /// Counts a check of credentials, for the session, the address and the application.
    fn count_check(&self, visit: &Visit, address: Option<std::net::IpAddr>) -> Result<(), Ended> {
        let locale = visit.session.locale;
        let now = self.now().elapsed;
        let counted = self.sessions.change(&visit.key, now, |session| {
            session.checks_count += 1;
            session.checks_count
        });
        if counted.is_none_or(|count| count > CHECKS_MAX) {
            self.sessions.end(&visit.key);
            return Err(flow::problem(locale, 429, words::TOO_MANY, words::TOO_MANY_CHECKS));
        }
        let application = visit.session.asked.application.name.as_str();
        let quota = &self.quotas.checks;
        let taken = quota.take(now, address).and_then(|()| quota.take_shared(now, application));
        taken.map_err(|exceeded| flow::too_many(locale, exceeded))
    }

    fn go_on(&self, visit: &Visit, credentials: Vec<Credential>) -> Response {
        let step = self.sessions.change(&visit.key, self.now().elapsed, |session| {
            // Another provider may have been chosen on another page meanwhile.
            if session.linked.is_none() && session.provider == visit.session.provider {
                session.credentials = Some(credentials);
            }
            session.step()
        });
        answer::see_other(step.unwrap_or("/link/credentials"))
    }
}

fn out_of_reach(session: &Session, chosen: &Chosen, why: &str) -> Ended {
    let provider = &chosen.code;
    tracing::warn!(%provider, why, "Auth Link got no answer from an adapter that can be used");
    let html = pages::out_of_reach(session);
    Box::new(flow::page(session, 503, html))
}

/// What was typed, with what is wrong with it before anyone is asked.
fn read_typed(description: &Description, form: &Form, locale: Locale) -> Typed {
    let mut typed = Typed::nothing();
    for (index, field) in description.credentials.iter().enumerate() {
        let value = form.raw(&pages::credentials::field_name(index)).unwrap_or_default();
        if value.is_empty() {
            let label = field.label.text(locale);
            typed.refuse(index, words::FILL_IN.with("field", label).text(locale));
        } else if value.len() > CREDENTIAL_VALUE_BYTES_MAX {
            let label = field.label.text(locale);
            typed.refuse(index, words::TOO_LONG.with("field", label).text(locale));
        }
        let (name, value) = (field.name.clone(), value.to_owned());
        typed.credentials.push(Credential { name, value });
    }
    typed
}
