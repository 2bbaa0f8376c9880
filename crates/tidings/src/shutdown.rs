//! How the program is asked to end: the first SIGTERM or SIGINT lets it finish, a second does not.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{failure::Failure, output};

/// The exit code of a program that SIGTERM or SIGINT ended.
const EXIT_CODE_CUT: i32 = 130;

/// The signals that end the program.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// From now on the signals are taken in instead of ending the program at once.
    pub fn listen() -> Result<Signals, Failure> {
        let listen = |kind| {
            signal(kind).map_err(|error| Failure::new(format!("signals cannot be heard: {error}")))
        };
        Ok(Signals {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    /// Waits for the next one and gives its name.
    pub async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }

    /// Finishes `ending`, unless another signal comes: then the program ends as it stands. What
    /// was acknowledged is on disk, and leases run out.
    pub async fn finish(&mut self, ending: impl Future<Output = ()>) {
        tokio::select! {
            () = ending => {}
            name = self.next() => {
                output::error(&format!("{name} again: ending at once"));
                std::process::exit(EXIT_CODE_CUT);
            }
        }
    }
}

/// Keeps the memory, the environment and core dumps of this process from others of the same user.
pub fn hide_memory() {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        tracing::warn!(error = %error, "core dumps cannot be switched off: {error}");
    }
}
