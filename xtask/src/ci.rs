//! `cargo xtask ci`: what every change must pass, in the order in which it fails fastest.
//!
//!   format ─► tidy ─► clippy ─► tests ─► examples in the documentation of tidings-verify

use std::process::{Command, ExitCode};

use crate::{root, tidy};

/// What to leave out.
#[derive(clap::Args)]
pub struct Options {
    /// Stop before the tests: format, tidy and clippy only
    #[arg(long)]
    without_tests: bool,
}

/// Runs the steps one after another and stops at the first that fails.
pub fn run(options: &Options) -> ExitCode {
    if !cargo(&["fmt", "--all", "--check"]) {
        return ExitCode::FAILURE;
    }
    println!("\n==> cargo xtask tidy");
    if tidy::run() != ExitCode::SUCCESS {
        return ExitCode::FAILURE;
    }
    if !cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "--deny", "warnings"]) {
        return ExitCode::FAILURE;
    }
    if options.without_tests {
        return ExitCode::SUCCESS;
    }
    let tests = [test_arguments(has_nextest()), &["test", "--package", "tidings-verify", "--doc"]];
    match tests.iter().all(|arguments| cargo(arguments)) {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

// Nextest runs the tests of all crates at once. Without it the same tests run, crate by crate.
fn test_arguments(has_nextest: bool) -> &'static [&'static str] {
    match has_nextest {
        true => &["nextest", "run", "--workspace", "--locked", "--no-fail-fast"],
        false => &["test", "--workspace", "--all-targets", "--locked", "--no-fail-fast"],
    }
}

fn has_nextest() -> bool {
    Command::new("cargo")
        .args(["nextest", "--version"])
        .output()
        .is_ok_and(|output| output.status.success())
}

fn cargo(arguments: &[&str]) -> bool {
    println!("\n==> cargo {}", arguments.join(" "));
    match Command::new("cargo").args(arguments).current_dir(root()).status() {
        Ok(status) if status.success() => true,
        Ok(status) => {
            eprintln!("cargo {} failed ({status}): mend what it printed above", arguments[0]);
            false
        }
        Err(error) => {
            eprintln!("cargo {} did not start: {error}: is cargo in the PATH?", arguments[0]);
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tests_of_the_whole_workspace_run_with_and_without_nextest() {
        assert_eq!(test_arguments(true)[0], "nextest");
        assert_eq!(test_arguments(false)[0], "test");
        for has_nextest in [true, false] {
            assert!(test_arguments(has_nextest).contains(&"--workspace"));
        }
    }
}
