//! How a user comes in, goes from page to page, and leaves without having linked anything.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    response::Response,
};
use http::header;
use tidings_graphql::{Locale, OperationFailure};
use tidings_store::StoreError;
use tokio::sync::OwnedMutexGuard;

use super::{
    AuthLink,
    answer::{self, Page},
    asked::{Asked, Unread},
    authorization::{self, Authorization, Refused, Unknown, locale_of},
    form::Form,
    pages::{self, words},
    quota::Exceeded,
    session::{Chosen, SESSION_MS_MAX, Session},
};
use crate::domain::Provider;

/// A session with what the browser holds of it.
pub(super) struct Visit {
    pub(super) key: String,
    pub(super) session: Session,
    /// While it is held no other form of the session does what cannot be undone.
    _turn: Option<OwnedMutexGuard<()>>,
}

/// An answer that ends a request early.
pub(super) type Ended = Box<Response>;

/// `GET /link`: the request for authorization.
pub(super) async fn begin(State(link): State<Arc<AuthLink>>, request: Request) -> Response {
    let (asked, _) = Asked::of(request);
    link.begin(&asked).await.unwrap_or_else(|ended| *ended)
}

/// `POST /link/cancel`: the user does not want to.
pub(super) async fn cancel(State(link): State<Arc<AuthLink>>, request: Request) -> Response {
    match link.posted_in_turn(Asked::of(request)).await {
        Ok((visit, _)) if visit.session.linked.is_some() => answer::see_other("/link/done"),
        Ok((visit, _)) => {
            link.sessions.end(&visit.key);
            let told =
                [("error", "access_denied"), ("error_description", "the user did not agree")];
            link.leave(&visit.session, &told)
        }
        Err(ended) => *ended,
    }
}

impl AuthLink {
    async fn begin(&self, asked: &Asked) -> Result<Response, Ended> {
        let now = self.now().elapsed;
        let locale = locale_of(&asked.query, asked.header(&header::ACCEPT_LANGUAGE));
        self.quotas
            .begun
            .take(now, asked.address)
            .map_err(|exceeded| too_many(locale, exceeded))?;
        let catalog = self.store.catalog().await.map_err(|error| stopped(locale, &error))?;
        let asked_for = match authorization::check(&asked.query, &catalog) {
            Ok(asked_for) => asked_for,
            Err(Refused::Here(unknown)) => return Ok(stays_here(locale, unknown)),
            Err(Refused::Back(back, told)) => {
                let told = [("error", told.error), ("error_description", told.description)];
                return Ok(answer::see_other(&back.with(&told, self.origin.as_str())));
            }
        };
        let mut provider = None;
        if let Some(code) = &asked_for.provider {
            provider = self.choice(&asked_for, code).await.map_err(|_| unavailable(locale))?;
            if provider.is_none() {
                let wanted = "provider must be one that this application may link at this level";
                let told = [("error", "invalid_request"), ("error_description", wanted)];
                return Ok(answer::see_other(&asked_for.back.with(&told, self.origin.as_str())));
            }
        }
        let session = Session {
            asked: asked_for,
            locale,
            form_token: self.secret::<24>(),
            begun: now,
            provider,
            credentials: None,
            checks_count: 0,
            linked: None,
            left: None,
        };
        let key = self.secret::<32>();
        let answer = answer::see_other(session.step());
        self.sessions.begin(&key, session);
        Ok(answer::with_cookie(answer, &self.cookie(&key, SESSION_MS_MAX / 1_000)))
    }

    /// A provider as it can be chosen; `None` where it is not there, or nothing is allowed with it.
    pub(super) async fn choice(
        &self,
        asked: &Authorization,
        code: &str,
    ) -> Result<Option<Chosen>, OperationFailure> {
        let found = self.reader.one::<Provider>(None, code).await;
        let found = found.map_err(|error| crate::writer::stopped(&error))?;
        let Some(provider) = found.filter(|provider| !provider.deleted) else { return Ok(None) };
        let mut levels = self.writer.access_levels(asked.application.id, &provider.body).await?;
        levels.retain(|level| asked.access_level.is_none_or(|wanted| wanted == *level));
        let Some(adapter_url) = provider.body.adapter_url.filter(|_| !levels.is_empty()) else {
            return Ok(None);
        };
        let name = provider.body.name;
        Ok(Some(Chosen { code: provider.id, name, adapter_url, levels }))
    }

    /// The session of a page that is asked for, in the language that the user chose. It ends where
    /// the application is gone, or the place to which it would lead back is not its own any more.
    pub(super) async fn visit(&self, asked: &Asked) -> Result<Visit, Ended> {
        let locale = locale_of(&asked.query, asked.header(&header::ACCEPT_LANGUAGE));
        let now = self.now().elapsed;
        let key = asked.cookie(self.cookie_name()).unwrap_or_default();
        let chosen = asked.query.get("locale").map(|_| locale);
        let session = self.sessions.change(key, now, |session| {
            session.locale = chosen.unwrap_or(session.locale);
            session.clone()
        });
        let session = session.ok_or_else(|| session_over(locale))?;
        let catalog = self.store.catalog().await.map_err(|error| stopped(locale, &error))?;
        if let Err(unknown) = session.asked.is_still_known(&catalog) {
            self.sessions.end(key);
            return Err(Box::new(stays_here(session.locale, unknown)));
        }
        Ok(Visit { key: key.to_owned(), session, _turn: None })
    }

    /// The same as [`AuthLink::posted`] for what cannot be undone: one form at a time, each with
    /// the session as the one before left it.
    pub(super) async fn posted_in_turn(
        &self,
        sent: (Asked, Unread),
    ) -> Result<(Visit, Form), Ended> {
        let (visit, form) = self.posted(sent).await?;
        let over = || session_over(visit.session.locale);
        let turn = self.sessions.turn(&visit.key).ok_or_else(over)?.lock_owned().await;
        let now = self.now().elapsed;
        let session = self.sessions.change(&visit.key, now, |session| session.clone());
        let session = session.ok_or_else(over)?;
        Ok((Visit { key: visit.key, session, _turn: Some(turn) }, form))
    }

    /// The session and the form of a page that was sent, which only our own page can have done.
    pub(super) async fn posted(
        &self,
        (asked, body): (Asked, Unread),
    ) -> Result<(Visit, Form), Ended> {
        let visit = self.visit(&asked).await?;
        let locale = visit.session.locale;
        let now = self.now().elapsed;
        self.quotas
            .forms
            .take(now, asked.address)
            .map_err(|exceeded| too_many(locale, exceeded))?;
        let text = words::NOT_OURS_TEXT.with("origin", self.origin.as_str());
        let refused = || problem(locale, 403, words::NOT_OURS, text.clone());
        if asked.is_from_elsewhere(&self.origin) {
            return Err(refused());
        }
        let form = asked
            .form(body)
            .await
            .map_err(|_| problem(locale, 400, words::BROKEN, words::BROKEN_TEXT))?;
        let hash = |text: &str| tidings_core::secret::TokenHash::of(text);
        let own = hash(&visit.session.form_token);
        // Compared as hashes, so that the time that it takes tells nothing.
        if form.get("form_token").map(hash) != Some(own) {
            return Err(refused());
        }
        Ok((visit, form))
    }

    /// Sends the user back to the application, without the cookie.
    pub(super) fn leave(&self, session: &Session, told: &[(&str, &str)]) -> Response {
        let place = session.asked.back.with(told, self.origin.as_str());
        answer::with_cookie(answer::see_other(&place), &self.cookie("", 0))
    }

    fn is_https(&self) -> bool {
        self.origin.as_str().starts_with("https://")
    }

    fn cookie_name(&self) -> &'static str {
        // The prefix binds the cookie to this very host, and needs https.
        if self.is_https() { "__Host-tidings_link" } else { "tidings_link" }
    }

    fn cookie(&self, key: &str, seconds: u64) -> String {
        let name = self.cookie_name();
        let secure = if self.is_https() { "; Secure" } else { "" };
        format!("{name}={key}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}")
    }
}

/// A page for a session.
pub(super) fn page(session: &Session, status: u16, html: String) -> Response {
    answer::page(Page { status, html, place: session.asked.back.place() })
}

/// A page that says what is wrong, where there is nothing else to show.
pub(super) fn problem(
    locale: Locale,
    status: u16,
    title: words::Text,
    text: impl Into<words::Filled>,
) -> Ended {
    let html = pages::problem(locale, title, &text.into());
    Box::new(answer::page(Page { status, html, place: None }))
}

/// The database cannot be used.
pub(super) fn unavailable(locale: Locale) -> Ended {
    problem(locale, 503, words::UNAVAILABLE, words::UNAVAILABLE_TEXT)
}

fn stopped(locale: Locale, error: &StoreError) -> Ended {
    tracing::error!(%error, "Auth Link cannot use the store");
    unavailable(locale)
}

fn session_over(locale: Locale) -> Ended {
    problem(locale, 400, words::SESSION_OVER, words::SESSION_OVER_TEXT)
}

/// Too many, for a while.
pub(super) fn too_many(locale: Locale, exceeded: Exceeded) -> Ended {
    let page = problem(locale, 429, words::TOO_MANY, words::TOO_MANY_TEXT);
    Box::new(answer::waiting(*page, exceeded))
}

pub(super) fn stays_here(locale: Locale, unknown: Unknown) -> Response {
    let text = match unknown {
        Unknown::Client => words::UNKNOWN_CLIENT,
        Unknown::RedirectUri => words::UNKNOWN_REDIRECT,
        Unknown::Ambiguous => words::AMBIGUOUS,
    };
    *problem(locale, 400, words::CANNOT_BEGIN, text)
}
