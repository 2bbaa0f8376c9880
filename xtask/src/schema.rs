//! `cargo xtask schema`: writes `schema.graphql` as the program serves it.

use std::process::{Command, ExitCode};

/// Runs the test that compares the file, told to write it.
pub fn run() -> ExitCode {
    let status = Command::new(env!("CARGO"))
        .current_dir(crate::root())
        .args([
            "test",
            "--quiet",
            "--locked",
            "--package",
            "tidings",
            "--bin",
            "tidings",
            "schema::",
        ])
        .env("TIDINGS_WRITE_SCHEMA", "1")
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
