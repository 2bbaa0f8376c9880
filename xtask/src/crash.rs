//! `cargo xtask crash`: kills the server under load and holds a ledger against it.
//!
//! Builds the program and the bench, and runs the bench's `crash`. Debug builds by default: what is
//! tested is order and durability, not speed.

use std::process::{Command, ExitCode};

use clap::Args;

/// How the cycles are run.
#[derive(Args)]
pub struct Options {
    /// How often the server is killed
    #[arg(long, default_value_t = 30)]
    cycles: u32,
    /// What the moments of the kills are drawn from
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Use release builds
    #[arg(long)]
    release: bool,
}

/// Builds and runs; the exit code is the ledger's verdict.
pub fn run(options: &Options) -> ExitCode {
    let profile: &[&str] = if options.release { &["--release"] } else { &[] };
    let built = cargo(
        &["build", "--locked", "--package", "tidings", "--package", "tidings-bench"],
        profile,
        &[],
    );
    if built != ExitCode::SUCCESS {
        return built;
    }
    let (cycles, seed) = (options.cycles.to_string(), options.seed.to_string());
    let arguments = ["--", "crash", "--cycles", &cycles, "--seed", &seed];
    cargo(&["run", "--locked", "--quiet", "--package", "tidings-bench"], profile, &arguments)
}

fn cargo(first: &[&str], profile: &[&str], last: &[&str]) -> ExitCode {
    let status = Command::new(env!("CARGO"))
        .current_dir(crate::root())
        .args(first)
        .args(profile)
        .args(last)
        .status();
    match status {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("cargo could not be run: {error}");
            ExitCode::FAILURE
        }
    }
}
