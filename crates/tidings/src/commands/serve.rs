//! `tidings serve`.

use tracing::info;

use crate::{
    cli::Serve,
    config::{Config, Overrides},
    failure::Failure,
    server::Server,
    shutdown::{self, Signals},
    telemetry,
};

pub async fn run(options: Serve) -> Result<(), Failure> {
    telemetry::start(&options.log)?;
    let overrides = Overrides { listen: options.listen, ..options.config.overrides() };
    let config = Config::read(&overrides)?;
    shutdown::hide_memory();
    let mut signals = Signals::listen()?;
    let server = tokio::select! {
        started = Server::start(&config) => started?,
        name = signals.next() => {
            info!("{name} while starting: ending, nothing was begun");
            return Ok(());
        }
    };
    info!(version = env!("CARGO_PKG_VERSION"), "listening on {}", server.url);
    let name = signals.next().await;
    info!("{name}: no more requests are taken, attempts under way may finish");
    signals.finish(server.stop()).await;
    info!("ended");
    Ok(())
}
