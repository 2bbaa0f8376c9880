//! The server, put together and taken apart.
//!
//! ```text
//!   start   store ─► key ─► clock ─► listener ─► egress ─► sources ─► deliver ─► api
//!   stop    api: no more requests ┐
//!           deliver: attempts end ┴─► clock's mark ─► store
//! ```

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use futures_util::FutureExt;
use tidings_api::{Api, Parts, Readiness, ServeLimits, Settings, Subjects, UrlPolicy};
use tidings_core::secret::Vault;
use tidings_deliver::{Deliver, EgressSender, Options};
use tidings_egress::{Egress, EgressOptions, OwnAddresses, Profile, Section};
use tidings_platform::{
    Library, PlatformSource, Reader, Writer,
    collect::{adapter::Adapters, collector::CollectorParts, over_http::AdaptersOverHttp},
    shelf::Shelf,
    source_info,
    writer::Linking,
};
use tidings_query::source::Source;
use tidings_store::{Chance, Clock, Ingest, Store};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    chance::SystemChance,
    clock::{self, SystemClock},
    collecting::Collecting,
    config::Config,
    downloads::Downloads,
    failure::Failure,
    metrics,
    progress::PlatformProgress,
    schema,
    subjects::{PlatformSubjects, fetch_key_set},
    sweeping::sweep,
    wiring,
};

/// How long attempts and requests may take to finish once the server is asked to end: an attempt's
/// 30 seconds, the reading of its answer, and its record.
const GRACE_MS: u64 = 35_000;
/// How long collections may take to finish: they go on at their last document.
const COLLECTING_GRACE_MS: u64 = 5_000;
/// How long readiness waits for the database.
const READY_TIMEOUT: Duration = Duration::from_secs(2);
/// How often what nobody needs any more is cleared away.
const TIDY_EVERY: Duration = Duration::from_secs(30);

/// A server that runs.
pub struct Server {
    /// Its address as a url, for those on this machine.
    pub url: String,
    /// The store.
    pub store: Arc<dyn Store>,
    /// The time.
    pub clock: Arc<SystemClock>,
    /// Changes the platform's entities, where the platform is enabled.
    pub writer: Option<Writer>,
    deliver: Arc<Deliver>,
    collecting: Option<Collecting>,
    api: JoinHandle<()>,
    keepers: Vec<JoinHandle<()>>,
    stop_api: CancellationToken,
    stop_keepers: CancellationToken,
}

impl Server {
    /// Opens the database, takes up what is due in it, and listens.
    pub async fn start(config: &Config) -> Result<Server, Failure> {
        let store = wiring::open(&config.database).await?;
        let vault = config.key.open(store.as_ref()).await?;
        let mark = store.clock_mark().await.map_err(|error| Failure::new(error.to_string()))?;
        let clock = Arc::new(SystemClock::resume(mark.as_ref()));
        let listener = listen(config.server.listen).await?;
        let address = listener
            .local_addr()
            .map_err(|error| Failure::new(format!("the listener has no address: {error}")))?;
        let own = OwnAddresses::read(vec![address]);
        let (delivery, platform) = (&config.delivery, &config.platform);
        let egress = way_out(
            config,
            Profile {
                section: Section::Delivery,
                allow_http: delivery.allow_http,
                allow_addresses: delivery.allow_addresses.clone(),
                own: own.clone(),
            },
        )?;
        let to_adapters = way_out(
            config,
            Profile {
                section: Section::Platform,
                allow_http: platform.allow_http,
                allow_addresses: platform.allow_addresses.clone(),
                own,
            },
        )?;
        let shelf = match config.platform.enabled {
            true => Some(open_shelf(config).await?),
            false => None,
        };
        let url = local_url(address);
        let base = Base { store, clock, vault, egress, to_adapters, shelf, url };
        Ok(base.build(config, listener))
    }

    /// Takes no more requests, lets attempts finish within the grace, hands the others back and
    /// keeps the clock's mark.
    pub async fn stop(self) {
        self.stop_api.cancel();
        let now = self.clock.now().elapsed;
        let collected = async {
            if let Some(collecting) = &self.collecting {
                collecting.drain(now.plus_ms(COLLECTING_GRACE_MS)).await;
            }
        };
        let delivered = self.deliver.drain(now.plus_ms(GRACE_MS));
        let ((), (), ended) = tokio::join!(collected, delivered, self.api);
        if let Err(error) = ended {
            tracing::error!(error = %error, "the front door broke down: {error}");
        }
        self.stop_keepers.cancel();
        for keeper in self.keepers {
            if let Err(error) = keeper.await {
                tracing::error!(error = %error, "a background task broke down: {error}");
            }
        }
    }
}

/// What everything else is built on.
struct Base {
    store: Arc<dyn Store>,
    clock: Arc<SystemClock>,
    vault: Vault,
    egress: Egress,
    /// The way out to providers' adapters.
    to_adapters: Egress,
    /// The bytes of documents, where the platform is enabled.
    shelf: Option<Shelf>,
    url: String,
}

/// What works on its own.
struct Workers {
    deliver: Arc<Deliver>,
    collecting: Option<Collecting>,
}

impl Base {
    fn build(self, config: &Config, listener: TcpListener) -> Server {
        let chance: Arc<dyn Chance> = Arc::new(SystemChance);
        let clock: Arc<dyn Clock> = self.clock.clone();
        let info = source_info(config.server.public_url.as_deref().unwrap_or(&self.url));
        let mut sources: Vec<Arc<dyn Source>> = Vec::new();
        if config.platform.enabled {
            let reader = Reader::new(Arc::clone(&self.store));
            sources.push(Arc::new(PlatformSource::new(reader, info.clone())));
        }
        let user_agent = user_agent(config);
        let deliver = Deliver::start(tidings_deliver::Parts {
            store: Arc::clone(&self.store),
            sources: sources.clone(),
            sender: Arc::new(EgressSender::new(self.egress.clone())),
            clock: Arc::clone(&clock),
            chance: Arc::clone(&chance),
            vault: self.vault.clone(),
            options: Options::standard(user_agent.clone()),
        });
        let ingest: Arc<dyn Ingest> = deliver.clone();
        let vault = Arc::new(self.vault.clone());
        let adapters =
            AdaptersOverHttp::new(self.to_adapters.clone(), Arc::clone(&clock), &user_agent);
        let adapters: Arc<dyn Adapters> = Arc::new(adapters);
        let writer = config.platform.enabled.then(|| {
            let (store, ingest) = (Arc::clone(&self.store), Arc::clone(&ingest));
            let linking = Linking { vault: Arc::clone(&vault), adapters: Arc::clone(&adapters) };
            Writer::new(store, ingest, Arc::clone(&clock), Arc::clone(&chance), info, linking)
        });
        let link = writer.clone().map(|writer| self.auth_link(writer, &ingest, &adapters));
        let collecting = writer.clone().zip(self.shelf.clone()).map(|(writer, shelf)| {
            Collecting::start(CollectorParts {
                store: Arc::clone(&self.store),
                writer,
                shelf,
                adapters,
                vault,
                clock: Arc::clone(&clock),
                chance: Arc::clone(&chance),
            })
        });
        let (writable_to, writable) = watch::channel(Ok(()));
        let api = Api::new(Parts {
            store: Arc::clone(&self.store),
            ingest,
            sources,
            documents: self.documents(),
            progress: config.platform.enabled.then(|| self.progress()),
            subjects: writer.clone().map(|it| Arc::new(PlatformSubjects(it)) as Arc<dyn Subjects>),
            fetch_key_set: fetch_key_set(self.egress.clone()),
            clock,
            chance,
            vault: self.vault.clone(),
            url_policy: url_policy(self.egress.clone()),
            settings: Settings {
                public_schema: config.server.public_schema,
                user_agent,
                ..Settings::standard()
            },
            readiness: readiness(&self.store, &self.clock, writable),
            metrics: metrics_text(&self.store, &self.clock, &deliver, collecting.as_ref()),
        });
        let executor = schema::executor(writer.as_ref(), &self.store);
        let mut routes = tidings_api::router(api, executor);
        if let Some(link) = link {
            routes = routes.merge(tidings_platform::link::router(link));
        }
        let workers = Workers { deliver, collecting };
        self.run(listener, routes, workers, writer, writable_to)
    }

    fn auth_link(
        &self,
        writer: Writer,
        ingest: &Arc<dyn Ingest>,
        adapters: &Arc<dyn Adapters>,
    ) -> tidings_platform::link::Parts {
        tidings_platform::link::Parts {
            store: Arc::clone(&self.store),
            ingest: Arc::clone(ingest),
            writer,
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            chance: Arc::new(SystemChance),
            adapters: Arc::clone(adapters),
        }
    }

    fn progress(&self) -> Arc<dyn tidings_api::Progress> {
        let reader = Reader::new(Arc::clone(&self.store));
        Arc::new(PlatformProgress(tidings_platform::Progress::new(reader)))
    }

    fn documents(&self) -> Option<Arc<dyn tidings_api::Documents>> {
        let shelf = self.shelf.clone()?;
        let library = Library::new(Reader::new(Arc::clone(&self.store)), shelf);
        Some(Arc::new(Downloads(library)))
    }

    fn run(
        self,
        listener: TcpListener,
        routes: Router,
        workers: Workers,
        writer: Option<Writer>,
        writable: watch::Sender<Result<(), String>>,
    ) -> Server {
        let (stop_api, stop_keepers) = (CancellationToken::new(), CancellationToken::new());
        let (store, clock) = (self.store, self.clock);
        let both = || (Arc::clone(&clock), Arc::clone(&store));
        let (marked_clock, marked_store) = both();
        let (tidied_clock, tidied_store) = both();
        let marks = clock::keep_marks(marked_clock, marked_store, stop_keepers.clone(), writable);
        let library = self.shelf.map(|shelf| Library::new(Reader::new(Arc::clone(&store)), shelf));
        let tidied = tidy(tidied_store, tidied_clock, stop_keepers.clone());
        let mut keepers = vec![tokio::spawn(marks), tokio::spawn(tidied)];
        if let Some((library, writer)) = library.zip(writer.as_ref()) {
            keepers.push(tokio::spawn(sweep(library, writer.freed(), stop_keepers.clone())));
        }
        Server {
            url: self.url,
            keepers,
            api: tokio::spawn(serve(listener, routes, stop_api.clone())),
            store,
            clock,
            writer,
            deliver: workers.deliver,
            collecting: workers.collecting,
            stop_api,
            stop_keepers,
        }
    }
}

async fn open_shelf(config: &Config) -> Result<Shelf, Failure> {
    let folder = config.database.documents_folder();
    Shelf::open(&folder).await.map_err(|error| Failure::new(error.to_string()))
}

async fn serve(listener: TcpListener, routes: Router, stop: CancellationToken) {
    let limits = ServeLimits { drain_ms_max: GRACE_MS, ..ServeLimits::standard() };
    tidings_api::serve(listener, routes, limits, stop.cancelled_owned()).await;
}

async fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        let remedy = match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                "another program listens there: stop it, or choose another address with --listen"
            }
            std::io::ErrorKind::PermissionDenied => {
                "ports below 1024 need a right: choose a higher one with --listen"
            }
            _ => "choose an address of this machine with --listen",
        };
        Failure::new(format!("cannot listen on {address}: {error}: {remedy}"))
    })
}

/// A way out, with what is opened in it.
fn way_out(config: &Config, profile: Profile) -> Result<Egress, Failure> {
    let options = EgressOptions::new(config.delivery.ca_file.clone(), config.delivery.resolver);
    Egress::new(profile, options).map_err(|error| Failure::new(error.to_string()))
}

/// As what the server introduces itself to webhooks and adapters.
fn user_agent(config: &Config) -> String {
    format!("tidings@{}/{}", config.server.environment, env!("CARGO_PKG_VERSION"))
}

/// Where a server that listens there is reached from this machine.
fn local_url(address: SocketAddr) -> String {
    let mut reached = address;
    if address.ip().is_unspecified() {
        let loopback: std::net::IpAddr = match address.is_ipv4() {
            true => std::net::Ipv4Addr::LOCALHOST.into(),
            false => std::net::Ipv6Addr::LOCALHOST.into(),
        };
        reached.set_ip(loopback);
    }
    format!("http://{reached}")
}

fn url_policy(egress: Egress) -> UrlPolicy {
    Arc::new(move |url| egress.target(url).map(|_| ()).map_err(|error| error.to_string()))
}

/// Ready is who can read the database now and could write to it a moment ago.
fn readiness(
    store: &Arc<dyn Store>,
    clock: &Arc<SystemClock>,
    writable: watch::Receiver<Result<(), String>>,
) -> Readiness {
    let (store, clock) = (Arc::clone(store), Arc::clone(clock));
    Arc::new(move || {
        let (store, clock, writable) = (Arc::clone(&store), Arc::clone(&clock), writable.clone());
        async move {
            writable.borrow().clone()?;
            match timeout(READY_TIMEOUT, store.stats(clock.now())).await {
                Ok(Ok(_)) => Ok(()),
                Ok(Err(error)) => Err(error.to_string()),
                Err(_) => Err("the database does not answer in time".to_owned()),
            }
        }
        .boxed()
    })
}

fn metrics_text(
    store: &Arc<dyn Store>,
    clock: &Arc<SystemClock>,
    deliver: &Arc<Deliver>,
    collecting: Option<&Collecting>,
) -> tidings_api::Metrics {
    let (store, clock, deliver) = (Arc::clone(store), Arc::clone(clock), Arc::clone(deliver));
    let running = collecting.map(Collecting::running);
    Arc::new(move || {
        let (store, clock, deliver) =
            (Arc::clone(&store), Arc::clone(&clock), Arc::clone(&deliver));
        let collections = running.as_ref().map(|running| running.counts());
        async move {
            let now = clock.now();
            let stats = timeout(READY_TIMEOUT, store.stats(now)).await;
            let stats = stats.ok().and_then(Result::ok);
            metrics::text(&deliver.metrics(), collections.as_ref(), stats.as_ref(), now.elapsed)
        }
        .boxed()
    })
}

/// Clears away what nobody can ask for any more, a bounded part at a time.
async fn tidy(store: Arc<dyn Store>, clock: Arc<SystemClock>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(TIDY_EVERY) => {}
        }
        while !stop.is_cancelled() {
            let now = clock.now();
            let cleared = async {
                Ok::<u64, tidings_store::StoreError>(
                    store.cancel_orphans(now).await? + store.forget_expired(now).await?,
                )
            };
            match cleared.await {
                Ok(0) => break,
                Ok(count) => tracing::debug!(count, "cleared {count} rows away"),
                Err(error) => {
                    tracing::warn!(error = %error, "clearing away failed: {error}");
                    break;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_on_every_address_is_reached_on_this_machines_own() {
        for (address, url) in [
            ("127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("0.0.0.0:80", "http://127.0.0.1:80"),
            ("[::]:80", "http://[::1]:80"),
            ("192.0.2.1:80", "http://192.0.2.1:80"),
        ] {
            assert_eq!(local_url(address.parse().unwrap()), url);
        }
    }
}
