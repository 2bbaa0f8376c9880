//! Reproducible load: what a delivery costs, beside a bare client that sends the same bytes.
//!
//! ```text
//!   report ─┬─ bare: 64 connections POST one signed body to the sink ──────────────► sink
//!           └─ firehose ─► POST /v1/events ─► tidings serve (SQLite, platform) ─────► sink
//! ```
//!
//! ```text
//!   polls ─┬─ GET /graphql ────► static_graphql (async-graphql, hyper, nothing to look up)
//!          └─ GET /v1/graphql ─► tidings serve, in full and with `If-None-Match`
//! ```
//!
//! Both run in one go on one machine, so that their ratio means something where their figures do
//! not.

#![allow(clippy::disallowed_methods, reason = "a bench connects and reads the clock")]
#![allow(clippy::print_stdout, reason = "a bench prints what it measured")]

mod client;
mod measure;
mod sink;
mod bare;
mod product;
mod firehose;
mod report;
mod ledger;
mod crash;
mod static_graphql;
mod polls;

use std::{net::SocketAddr, path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

/// Load for Tidings, and what came of it.
#[derive(Parser)]
#[command(
    name = "tidings-bench",
    after_help = "Example:\n  cargo run --release -p tidings-bench -- report"
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs everything in one go and prints the figures.
    Report {
        /// Deliveries in each measured run.
        #[arg(long, default_value_t = 40_000)]
        deliveries: usize,
        /// Seconds of the run at a tenth of the maximum load.
        #[arg(long, default_value_t = 15)]
        latency_s: u64,
        /// The program; by default the one beside this.
        #[arg(long)]
        tidings: Option<PathBuf>,
        /// Prints one JSON object instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// Asks for an energy switch over HTTP, in full and with its tag, beside a bare async-graphql
    /// server that has the same answer ready.
    Polls {
        /// Requests in each measured run.
        #[arg(long, default_value_t = 60_000)]
        requests: usize,
        /// The program; by default the one beside this.
        #[arg(long)]
        tidings: Option<PathBuf>,
    },
    /// Serves the answer of `polls` with async-graphql and hyper alone.
    StaticGraphql {
        /// Where to listen.
        #[arg(long, default_value = "127.0.0.1:0")]
        listen: SocketAddr,
    },
    /// Kills the server under load again and again and compares what was acknowledged with what
    /// arrived.
    Crash {
        /// How often.
        #[arg(long, default_value_t = 30)]
        cycles: u32,
        /// The program; by default the one beside this.
        #[arg(long)]
        tidings: Option<PathBuf>,
        /// What the moments of the kills are drawn from.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Receives, counts and answers 200 until it is stopped; a line each second.
    Sink {
        /// Where to listen.
        #[arg(long, default_value = "127.0.0.1:9000")]
        listen: SocketAddr,
    },
    /// Fires events at a running server.
    Firehose {
        /// Where the server is.
        #[arg(long, default_value = "127.0.0.1:8080")]
        server: SocketAddr,
        /// A token with `fire:triggers`.
        #[arg(long, env = "TIDINGS_TOKEN")]
        token: String,
        /// How many events.
        #[arg(long, default_value_t = 10_000)]
        events: usize,
        /// Events in one request.
        #[arg(long, default_value_t = 100)]
        batch: usize,
        /// The entity's id.
        #[arg(long, default_value = "602cd86f3755d621aff583ee")]
        id: String,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Report { deliveries, latency_s, tidings, json } => {
            report::run(&report::Options { deliveries, latency_s, tidings, json }).await
        }
        Command::Polls { requests, tidings } => polls::run(requests, tidings).await,
        Command::StaticGraphql { listen } => static_graphql::serve(listen).await,
        Command::Crash { cycles, tidings, seed } => crash::run(cycles, tidings, seed).await,
        Command::Sink { listen } => sink::serve_alone(listen).await,
        Command::Firehose { server, token, events, batch, id } => {
            firehose::fire_alone(server, token, events, batch, id).await
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("tidings-bench: {error}");
            ExitCode::FAILURE
        }
    }
}
