//! `cargo xtask durability`: proves that what was acknowledged is on the disk, and stays there.
//!
//!   tests of the proofs ─► build ─► the program under strace ─► order of syncs ─► power cuts
//!
//! The proofs are in Python, in tests/durability; its README says what they show and how.

use std::process::{Command, ExitCode};

use clap::Args;

use crate::root;

const PROOFS: &str = "tests/durability";

/// How much is looked at.
#[derive(Args)]
pub struct Options {
    /// How many requests must be acknowledged before the server is stopped
    #[arg(long, default_value_t = 300)]
    requests: u32,
    /// How many power cuts are tried
    #[arg(long, default_value_t = 300)]
    images: u32,
    /// What the moments of the power cuts are drawn from
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Use a release build
    #[arg(long)]
    release: bool,
}

/// Tests the proofs on logs with planted violations, then runs them on the real program.
pub fn run(options: &Options) -> ExitCode {
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--locked", "--package", "tidings"]);
    if options.release {
        build.arg("--release");
    }
    let program = if options.release { "target/release/tidings" } else { "target/debug/tidings" };
    let mut prove = Command::new("python3");
    prove.arg(format!("{PROOFS}/prove.py")).arg(program);
    prove.arg("--requests").arg(options.requests.to_string());
    prove.arg("--images").arg(options.images.to_string());
    prove.arg("--seed").arg(options.seed.to_string());
    let mut tests = Command::new("python3");
    tests.args(["-m", "unittest", "discover", "--start-directory", PROOFS]);
    match [tests, build, prove].iter_mut().all(succeeds) {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

fn succeeds(command: &mut Command) -> bool {
    // Python would leave its compiled modules between the sources.
    match command.current_dir(root()).env("PYTHONDONTWRITEBYTECODE", "1").status() {
        Ok(status) => status.success(),
        Err(error) => {
            let program = command.get_program().display();
            eprintln!("{program} did not start: {error}: is it in the PATH?");
            false
        }
    }
}
