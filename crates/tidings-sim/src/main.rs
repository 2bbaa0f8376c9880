//! Plays seeds until one breaks a rule: `cargo xtask sim`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it talks to who started it")]

use std::process::ExitCode;

use clap::Parser;
use tidings_sim::campaign::{campaign, too_little};

#[derive(Parser)]
#[command(about = "Plays seeds until one breaks a rule", bin_name = "cargo xtask sim")]
struct Arguments {
    /// How many seeds to play
    #[arg(long, default_value_t = 200)]
    seeds: u64,
    /// The first of them
    #[arg(long, default_value_t = 0)]
    from: u64,
}

fn main() -> ExitCode {
    let Arguments { seeds, from } = Arguments::parse();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let tally = match campaign(from, seeds, threads, None) {
        Ok(tally) => tally,
        Err(failed) => {
            eprintln!("{}", failed.explain(None));
            return ExitCode::FAILURE;
        }
    };
    for (what, count) in &tally {
        println!("{count:>10}  {what}");
    }
    let seldom = too_little(&tally, seeds);
    for what in &seldom {
        eprintln!("too little happened: {what}");
    }
    if seldom.is_empty() {
        println!("{seeds} seeds from {from}: no rule was broken");
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
