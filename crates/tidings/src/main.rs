//! The `tidings` program.
//!
//! ```text
//!   arguments, environment ─► cli ─► commands ─┬─ serve, demo ─► server ─► store, deliver, api
//!                                              ├─ trigger, webhook, … ─► client ─► a server
//!                                              └─ token, migrate, doctor ─► wiring ─► the database
//! ```
//!
//! Modules use those above them in this list.

mod failure;
mod output;
mod chance;
mod config;
mod cli;
mod clock;
mod telemetry;
mod shutdown;
mod metrics;
mod downloads;
mod progress;
mod sweeping;
mod collecting;
mod subjects;
mod wiring;
mod schema;
mod server;
mod small_server;
mod receiver;
mod sample_provider;

mod client;
mod commands;

use std::{process::ExitCode, time::Duration};

use cli::Parsed;
use failure::Failure;

/// A delivery is many small allocations that end on another thread; decision 0012 has the figures.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long what is left of a command may take to end.
const ENDING_MAX: Duration = Duration::from_secs(3);

fn main() -> ExitCode {
    let done = match cli::parse(std::env::args_os()) {
        Err(failure) => Err(failure),
        Ok(Parsed::Text(text)) => {
            output::line(text.trim_end());
            Ok(())
        }
        Ok(Parsed::Command(command)) => run(*command),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::error(&format!("tidings: {failure}"));
            ExitCode::from(failure.code())
        }
    }
}

fn run(command: cli::Command) -> Result<(), Failure> {
    let runtime = tokio::runtime::Runtime::new()
        .map_err(|error| Failure::new(format!("the runtime cannot be started: {error}")))?;
    let done = runtime.block_on(commands::run(command));
    // Waits until the database is closed; a lookup that hangs on a thread of its own must not keep
    // the program from ending.
    runtime.shutdown_timeout(ENDING_MAX);
    done
}
