//! What every handler works with. The binary fills it in; tests fill it with a store in memory and
//! a clock that they move.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use tidings_core::{
    application::Name,
    secret::{Secret, Vault},
    source::SourceInfo,
};
use tidings_query::source::Source;
use tidings_store::{Chance, Clock, Ingest, Store};

use crate::{
    auth::TokenCache,
    document::Documents,
    gate::Gate,
    jwt::{Jwts, Subjects},
    status::Progress,
    tag_salt::TagSalt,
};

/// Judges the URL of a webhook when it is saved, without resolving or connecting: the error is for
/// the person who wrote it. The binary passes the parser of the delivery's egress, so that the same
/// policy counts here and there.
pub type UrlPolicy = Arc<dyn Fn(&str) -> Result<(), String> + Send + Sync>;

/// Reads the key set of an issuer of tokens. The binary passes the delivery's way out, which judges
/// the address; the error is for people.
pub type FetchKeySet =
    Arc<dyn Fn(String) -> BoxFuture<'static, Result<Bytes, String>> + Send + Sync>;

/// Whether the server can accept and record; the error says why not.
pub type Readiness = Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// The text of `/metrics`, in the Prometheus text format.
pub type Metrics = Arc<dyn Fn() -> BoxFuture<'static, String> + Send + Sync>;

/// What the operator can set.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Introspection and the SDL are open to requests without a token.
    pub public_schema: bool,
    /// `/metrics` is open to requests without a token.
    pub public_metrics: bool,
    /// The `User-Agent` of deliveries, shown in previews: `tidings@live/1.0.0`.
    pub user_agent: String,
    /// Requests to `/v1/events` that are read and written at a time.
    pub ingest_in_flight_max: usize,
    /// Documents that are on their way at a time; each holds a file open.
    pub downloads_max: usize,
    /// Milliseconds in which a request's body must have arrived.
    pub body_ms_max: u64,
}

impl Settings {
    /// What holds where nothing is set.
    #[must_use]
    pub fn standard() -> Settings {
        Settings {
            public_schema: true,
            public_metrics: false,
            user_agent: format!("tidings@live/{}", env!("CARGO_PKG_VERSION")),
            ingest_in_flight_max: 256,
            downloads_max: 128,
            body_ms_max: 30_000,
        }
    }
}

/// What [`Api`] is made of.
pub struct Parts {
    /// The store.
    pub store: Arc<dyn Store>,
    /// The way in for events.
    pub ingest: Arc<dyn Ingest>,
    /// The sources, in the order of the configuration.
    pub sources: Vec<Arc<dyn Source>>,
    /// Where documents are, where the platform is enabled.
    pub documents: Option<Arc<dyn Documents>>,
    /// Where accounts are that were linked, where the platform is enabled.
    pub progress: Option<Arc<dyn Progress>>,
    /// Where users are whose applications sign their tokens, where the platform is enabled.
    pub subjects: Option<Arc<dyn Subjects>>,
    /// What reads the key sets of those who sign.
    pub fetch_key_set: FetchKeySet,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance, for keys, tokens, ids and nonces.
    pub chance: Arc<dyn Chance>,
    /// What seals secrets.
    pub vault: Vault,
    /// Which URLs a webhook may have.
    pub url_policy: UrlPolicy,
    /// What the operator set.
    pub settings: Settings,
    /// `/readyz`.
    pub readiness: Readiness,
    /// `/metrics`.
    pub metrics: Metrics,
}

/// The state of the front door, shared by all requests.
pub struct Api {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) ingest: Arc<dyn Ingest>,
    pub(crate) sources: Vec<Arc<dyn Source>>,
    pub(crate) documents: Option<Arc<dyn Documents>>,
    pub(crate) progress: Option<Arc<dyn Progress>>,
    pub(crate) subjects: Option<Arc<dyn Subjects>>,
    pub(crate) fetch_key_set: FetchKeySet,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) chance: Arc<dyn Chance>,
    pub(crate) vault: Vault,
    pub(crate) url_policy: UrlPolicy,
    pub(crate) settings: Settings,
    pub(crate) readiness: Readiness,
    pub(crate) metrics: Metrics,
    pub(crate) tokens: TokenCache,
    pub(crate) jwts: Jwts,
    pub(crate) gate: Gate,
    pub(crate) downloads: Gate,
    /// What the tags of answers are mixed with.
    pub(crate) tag_salt: TagSalt,
}

impl Api {
    /// The front door over these parts.
    #[must_use]
    pub fn new(parts: Parts) -> Arc<Api> {
        Arc::new(Api {
            tag_salt: TagSalt::default(),
            gate: Gate::new(parts.settings.ingest_in_flight_max),
            downloads: Gate::new(parts.settings.downloads_max),
            tokens: TokenCache::default(),
            jwts: Jwts::new(),
            store: parts.store,
            ingest: parts.ingest,
            sources: parts.sources,
            documents: parts.documents,
            progress: parts.progress,
            subjects: parts.subjects,
            fetch_key_set: parts.fetch_key_set,
            clock: parts.clock,
            chance: parts.chance,
            vault: parts.vault,
            url_policy: parts.url_policy,
            settings: parts.settings,
            readiness: parts.readiness,
            metrics: parts.metrics,
        })
    }

    /// The source of that name.
    pub(crate) fn source(&self, name: &Name) -> Option<&Arc<dyn Source>> {
        self.sources.iter().find(|source| source.info().name == *name)
    }

    /// What is known of every source.
    pub(crate) fn source_infos(&self) -> impl Iterator<Item = &SourceInfo> {
        self.sources.iter().map(|source| source.info())
    }

    /// Random bytes of the system's.
    pub(crate) fn random<const BYTES: usize>(&self) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        self.chance.fill(&mut bytes);
        bytes
    }

    /// Opens a secret; `None` where it was not sealed with this key for this purpose.
    pub(crate) fn open(
        &self,
        sealed: &tidings_core::secret::Sealed,
        purpose: &str,
    ) -> Option<Secret> {
        self.vault.open(sealed, purpose).ok()
    }

    /// Seals a secret before the store sees it.
    pub(crate) fn seal(&self, secret: &Secret, purpose: &str) -> tidings_core::secret::Sealed {
        self.vault.seal(secret, self.chance.nonce(), purpose)
    }
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api").field("settings", &self.settings).finish_non_exhaustive()
    }
}
