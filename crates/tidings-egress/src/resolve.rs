//! From a host name to its addresses: one lookup, bounded in time and number.
//!
//! ```text
//!   name ─┬─ delivery.resolver set ─► that DNS server: A and AAAA, no cache, no hosts file
//!         └─ else ─► the system's resolver on a blocking thread, of which there are at most 64
//! ```
//!
//! Who calls this judges all addresses before dialling any. A name is never looked up twice for one
//! attempt.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolveHosts, ResolverConfig,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{Name, RData, Record};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::error::{EgressError, SendFailure};

/// Blocking lookups at one time. A hung system resolver holds this many threads and no more.
const SYSTEM_LOOKUPS_MAX: usize = 64;
/// Links of a chain of aliases that are followed.
const ALIASES_MAX: usize = 8;
/// Time for one question to the configured DNS server, which is asked twice at most.
const QUESTION_TIMEOUT: Duration = Duration::from_secs(3);

/// Where names are looked up.
pub(crate) struct Resolver {
    way: Way,
    lookup_time: Duration,
}

enum Way {
    System { permits: Arc<Semaphore> },
    Server(Box<TokioResolver>),
}

impl Resolver {
    /// Asks `server`, or the system where there is none. A lookup takes `lookup_time` at most.
    pub(crate) fn new(
        server: Option<SocketAddr>,
        lookup_time: Duration,
    ) -> Result<Resolver, EgressError> {
        let way = match server {
            None => Way::System { permits: Arc::new(Semaphore::new(SYSTEM_LOOKUPS_MAX)) },
            Some(address) => Way::Server(Box::new(server_resolver(address, lookup_time)?)),
        };
        Ok(Resolver { way, lookup_time })
    }

    /// All addresses of the name, at least one, in the resolver's order.
    pub(crate) async fn lookup(&self, name: &str) -> Result<Vec<IpAddr>, SendFailure> {
        let found = match &self.way {
            Way::System { permits } => {
                timeout(self.lookup_time, ask_system(name, Arc::clone(permits))).await
            }
            Way::Server(server) => timeout(self.lookup_time, ask_server(name, server)).await,
        };
        let mut addresses = found.map_err(|_| dns("no answer in time"))??;
        addresses.dedup();
        if addresses.is_empty() {
            return Err(dns("the name has no address"));
        }
        Ok(addresses)
    }
}

fn dns(why: impl Into<String>) -> SendFailure {
    SendFailure::Dns { why: why.into() }
}

async fn ask_system(name: &str, permits: Arc<Semaphore>) -> Result<Vec<IpAddr>, SendFailure> {
    let permit = permits.acquire_owned().await.map_err(|error| dns(error.to_string()))?;
    let name = name.to_owned();
    // The permit goes with the thread: a lookup that we stopped waiting for still occupies it.
    let asked = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        look_up_blocking(&name)
    });
    match asked.await {
        Ok(Ok(addresses)) => Ok(addresses),
        Ok(Err(error)) => Err(dns(error.to_string())),
        Err(error) => Err(dns(error.to_string())),
    }
}

#[expect(clippy::disallowed_methods, reason = "this is where names are resolved, off the workers")]
fn look_up_blocking(name: &str) -> io::Result<Vec<IpAddr>> {
    (name, 0_u16).to_socket_addrs().map(|found| found.map(|address| address.ip()).collect())
}

fn server_resolver(
    address: SocketAddr,
    lookup_time: Duration,
) -> Result<TokioResolver, EgressError> {
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()]
        .into_iter()
        .map(|mut connection| {
            connection.port = address.port();
            connection
        })
        .collect();
    let server = NameServerConfig::new(address.ip(), true, connections);
    let config = ResolverConfig::from_name_servers(vec![server]);
    let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
    let options = builder.options_mut();
    options.timeout = QUESTION_TIMEOUT.min(lookup_time);
    options.attempts = 1;
    options.num_concurrent_reqs = 1;
    options.max_active_requests = 1024;
    options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
    // Keep-alive saves the lookups that matter; without a cache every attempt sees the present.
    options.cache_size = 0;
    options.use_hosts_file = ResolveHosts::Never;
    builder.build().map_err(|error| EgressError::Resolver { address, why: error.to_string() })
}

async fn ask_server(name: &str, server: &TokioResolver) -> Result<Vec<IpAddr>, SendFailure> {
    let mut name = Name::from_ascii(name).map_err(|error| dns(error.to_string()))?;
    name.set_fqdn(true);
    let found = server.lookup_ip(name.clone()).await.map_err(|error| {
        let why = if error.is_nx_domain() {
            "the name does not exist".to_owned()
        } else if error.is_no_records_found() {
            "the name has no address".to_owned()
        } else {
            error.to_string()
        };
        dns(why)
    })?;
    Ok(addresses_of(name, found.as_lookup().answers()))
}

/// The addresses that answer for the name itself, or for what it is an alias of. Records of
/// other names in the same answer mean nothing.
fn addresses_of(name: Name, answers: &[Record]) -> Vec<IpAddr> {
    let mut names = vec![name];
    for _ in 0..ALIASES_MAX {
        let known = names.len();
        for record in answers {
            if let RData::CNAME(alias) = &record.data
                && names.contains(&record.name)
                && !names.contains(&alias.0)
                && names.len() <= ALIASES_MAX
            {
                names.push(alias.0.clone());
            }
        }
        if names.len() == known {
            break;
        }
    }
    answers
        .iter()
        .filter(|record| names.contains(&record.name))
        .filter_map(|record| record.data.ip_addr())
        .collect()
}
