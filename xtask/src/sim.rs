//! `cargo xtask sim`: plays seeds of the simulation until one breaks a rule.

use std::process::{Command, ExitCode};

use crate::root;

/// Which seeds.
#[derive(clap::Args)]
pub struct Options {
    /// How many seeds to play
    #[arg(long, default_value_t = 200)]
    seeds: u64,
    /// The first of them
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Build it with optimizations first: worth it from some thousand seeds on
    #[arg(long)]
    release: bool,
}

/// Runs the machine as its own program, so that this one stays quick to build.
pub fn run(options: &Options) -> ExitCode {
    let started = Command::new("cargo").args(arguments(options)).current_dir(root()).status();
    match started {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("cargo run did not start: {error}: is cargo in the PATH?");
            ExitCode::FAILURE
        }
    }
}

fn arguments(options: &Options) -> Vec<String> {
    let mut arguments = vec!["run", "--quiet", "--package", "tidings-sim"];
    if options.release {
        arguments.push("--release");
    }
    let (seeds, from) = (options.seeds.to_string(), options.from.to_string());
    arguments.extend(["--", "--seeds", &seeds, "--from", &from]);
    arguments.into_iter().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seeds_are_handed_on() {
        let options = Options { seeds: 3, from: 7, release: true };
        let expected = "run --quiet --package tidings-sim --release -- --seeds 3 --from 7";
        assert_eq!(arguments(&options).join(" "), expected);
    }
}
