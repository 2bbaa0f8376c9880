//! The house rules as a test: `cargo xtask tidy`, and `cargo test --package xtask`.
//!
//!   tree (files, read once) ─┬─► size          files, functions, columns
//!   metadata (cargo)         ├─► words         what must not be left behind; names of modules
//!                            ├─► places        which file may do what
//!                            ├─► walls         which crate may use which
//!                            └─► dependencies  each has its reason written down
//!
//! A rule is a function from what was read to findings; it reads nothing itself. The rules look
//! at text and not at types, so that they are quick and easy to read. What they cannot see
//! (a renamed import, code made by a macro) is left to clippy's bans in clippy.toml.

mod dependencies;
mod metadata;
mod places;
mod scan;
mod size;
mod tree;
mod walls;
mod words;

use std::fmt;
use std::path::Path;
use std::process::ExitCode;

use crate::root;

/// A place where a rule is broken, and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    path: String,
    line: usize,
    what: String,
    remedy: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding { path, line, what, remedy } = self;
        write!(formatter, "{path}:{line}: {what}\n    {remedy}")
    }
}

/// Prints every finding. Success when there is none.
pub fn run() -> ExitCode {
    match check(&root()) {
        Ok(findings) if findings.is_empty() => {
            println!("tidy: the house rules hold");
            ExitCode::SUCCESS
        }
        Ok(findings) => {
            for finding in &findings {
                println!("{finding}");
            }
            eprintln!("tidy: {} findings; CONTRIBUTING.md explains the rules", findings.len());
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("tidy could not look: {error}");
            ExitCode::FAILURE
        }
    }
}

fn check(root: &Path) -> Result<Vec<Finding>, String> {
    let files = tree::read(root)?;
    let packages = metadata::read(root)?;
    let mut findings = size::check(&files);
    findings.extend(words::check(&files));
    findings.extend(places::check(&files));
    findings.extend(walls::check(&packages));
    findings.extend(dependencies::check(&files)?);
    findings.sort();
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_house_is_tidy() {
        let findings = check(&root()).unwrap();
        let lines: Vec<_> = findings.iter().map(Finding::to_string).collect();
        assert!(lines.is_empty(), "{} findings:\n{}", lines.len(), lines.join("\n"));
    }

    #[test]
    fn a_finding_names_file_and_line_what_is_wrong_and_what_to_do() {
        let finding = Finding {
            path: "crates/tidings/src/main.rs".to_owned(),
            line: 7,
            what: "a tab".to_owned(),
            remedy: "use spaces".to_owned(),
        };
        assert_eq!(finding.to_string(), "crates/tidings/src/main.rs:7: a tab\n    use spaces");
    }
}
