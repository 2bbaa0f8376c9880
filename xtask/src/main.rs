//! The chores of the house: `cargo xtask tidy`, `cargo xtask ci`.
//!
//! One file for each subcommand. A new one is a file with a `run` function that gives an exit
//! code, a line in `Command` and a line in `main`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a chore talks to its user")]

mod ci;
mod sim;
mod crash;
mod durability;
mod schema;
mod tidy;
mod web;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about = "The chores of the Tidings workspace", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write schema.graphql as the program serves it
    Schema,
    /// Check the house rules: sizes, words, walls between crates, who may do what
    Tidy,
    /// Run what every change must pass: format, clippy, tidy, tests
    Ci(ci::Options),
    /// Play seeds of the simulation until one breaks a rule
    Sim(sim::Options),
    /// Kill the server under load and compare what was acknowledged with what arrived
    Crash(crash::Options),
    /// Prove under strace that what was acknowledged is on the disk, and survives a power cut
    Durability(durability::Options),
    /// Build the pages of web/ into the program's sources, with npm and esbuild
    Web(web::Options),
}

fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Schema => schema::run(),
        Command::Tidy => tidy::run(),
        Command::Ci(options) => ci::run(&options),
        Command::Sim(options) => sim::run(&options),
        Command::Crash(options) => crash::run(&options),
        Command::Durability(options) => durability::run(&options),
        Command::Web(options) => web::run(&options),
    }
}

/// The folder that holds the workspace's Cargo.toml.
fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("xtask lies in a folder of the workspace").to_owned()
}
