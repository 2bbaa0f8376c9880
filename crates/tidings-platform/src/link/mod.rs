//! Auth Link: the OAuth 2.0 Authorization Code Flow by which an end user links an account with a
//! provider and lets an application see it. `docs/auth-link.md` tells of it from the outside.
//!
//! ```text
//! GET /link ─► authorization (who asks, where to send back) ─► session, in memory
//!   ─► flow: provider ─► credentials (checked by the adapter) ─► consent ─► user, account
//!   ─► done ─► grant with its code, durable ─► back to the application
//! POST /token ─► client ─► grant ─► tokens, one commit ─► answer
//! ```
//!
//! Modules use those above them in this list.

use std::{
    fmt,
    sync::{Arc, Weak},
    time::Duration,
};

use axum::{
    Router,
    routing::{get, post},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use tidings_core::time::Now;
use tidings_store::{Chance, Clock, Ingest, Store};

use crate::{PublicOrigin, Reader, Writer, collect::adapter::Adapters};

mod form;
mod quota;
mod answer;
mod asked;
mod authorization;
mod session;
mod grant;
mod client;
mod token;
mod pages;
mod flow;
mod choosing;
mod consenting;

use quota::Quotas;
use session::Sessions;

/// What Auth Link is made of.
pub struct Parts {
    /// Where grants and tokens are.
    pub store: Arc<dyn Store>,
    /// What commits go through.
    pub ingest: Arc<dyn Ingest>,
    /// What adds users and links accounts.
    pub writer: Writer,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The system's randomness.
    pub chance: Arc<dyn Chance>,
    /// What adapters are asked through.
    pub adapters: Arc<dyn Adapters>,
}

/// Auth Link of one process.
struct AuthLink {
    store: Arc<dyn Store>,
    ingest: Arc<dyn Ingest>,
    reader: Reader,
    writer: Writer,
    clock: Arc<dyn Clock>,
    chance: Arc<dyn Chance>,
    adapters: Arc<dyn Adapters>,
    origin: PublicOrigin,
    sessions: Sessions,
    quotas: Quotas,
}

impl fmt::Debug for AuthLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthLink").field("origin", &self.origin).finish_non_exhaustive()
    }
}

impl AuthLink {
    fn new(parts: Parts) -> AuthLink {
        let Parts { store, ingest, writer, clock, chance, adapters } = parts;
        AuthLink {
            reader: Reader::new(Arc::clone(&store)),
            origin: PublicOrigin::of(writer.source()),
            sessions: Sessions::default(),
            quotas: Quotas::default(),
            store,
            ingest,
            writer,
            clock,
            chance,
            adapters,
        }
    }

    fn now(&self) -> Now {
        self.clock.now()
    }

    /// A text that nobody can guess.
    fn secret<const BYTES: usize>(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.random::<BYTES>())
    }

    fn random<const BYTES: usize>(&self) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        self.chance.fill(&mut bytes);
        bytes
    }
}

/// What was typed on pages that nobody comes back to goes too, for as long as there are pages.
async fn forget_sessions(link: Weak<AuthLink>) {
    const EVERY: Duration = Duration::from_secs(60);
    loop {
        tokio::time::sleep(EVERY).await;
        let Some(link) = link.upgrade() else { return };
        link.sessions.forget_old(link.now().elapsed);
    }
}

/// The routes of Auth Link. They stand beside those of the front door and have no fallback.
pub fn router(parts: Parts) -> Router {
    let link = Arc::new(AuthLink::new(parts));
    tokio::spawn(forget_sessions(Arc::downgrade(&link)));
    Router::new()
        .route("/link", get(flow::begin))
        .route("/link/provider", get(choosing::show_providers).post(choosing::choose_provider))
        .route("/link/credentials", get(choosing::show_credentials).post(choosing::check))
        .route("/link/consent", get(consenting::show).post(consenting::agree))
        .route("/link/done", get(consenting::done))
        .route("/link/return", post(consenting::send_back))
        .route("/link/cancel", post(flow::cancel))
        .route(pages::style_path(), get(answer::style))
        .route(pages::ICON_PATH, get(answer::icon))
        .route("/token", post(token::answer).options(answer::preflight))
        .route("/.well-known/oauth-authorization-server", get(token::metadata))
        .method_not_allowed_fallback(answer::wrong_method)
        .with_state(link)
}
