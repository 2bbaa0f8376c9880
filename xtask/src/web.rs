//! `cargo xtask web`: builds the pages of `web/` into the program's sources.
//!
//!   npm ci ─► esbuild ─► target/web/built ─┬─► crates/tidings-api/web
//!                                          └─► with --check: compared with what is there
//!
//! What is built is committed, so that building Tidings needs Rust alone. The packages lie under
//! target/ and are fetched again only when the list of them changed.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, ExitCode};

use crate::root;

const SOURCES: &str = "web";
const PACKAGES: &str = "target/web";
const BUILT: &str = "target/web/built";
const COMMITTED: &str = "crates/tidings-api/web";

type Files = BTreeMap<String, Vec<u8>>;

/// Whether to write.
#[derive(clap::Args)]
pub struct Options {
    /// Write nothing; fail when what is committed is not what a fresh build gives
    #[arg(long)]
    check: bool,
}

/// Builds, then writes or compares.
pub fn run(options: &Options) -> ExitCode {
    match try_to_run(options) {
        Ok(differences) if differences.is_empty() => {
            println!("web: {COMMITTED} is what {SOURCES} gives");
            ExitCode::SUCCESS
        }
        Ok(differences) => {
            for difference in &differences {
                println!("{COMMITTED}/{difference}");
            }
            eprintln!("web: what is committed is not a fresh build: run cargo xtask web");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("web: {error}");
            ExitCode::FAILURE
        }
    }
}

fn try_to_run(options: &Options) -> Result<Vec<String>, String> {
    install().and_then(|()| build())?;
    let built = read(&root().join(BUILT))?;
    let committed = root().join(COMMITTED);
    if options.check {
        return Ok(compare(&built, &read(&committed)?));
    }
    empty(&committed)?;
    for (name, content) in &built {
        fs::write(committed.join(name), content).map_err(|error| describe(&committed, &error))?;
    }
    Ok(Vec::new())
}

// npm writes the hidden lockfile when it is done, so what was broken off is fetched again.
fn install() -> Result<(), String> {
    let (sources, packages) = (root().join(SOURCES), root().join(PACKAGES));
    let wanted = read_file(&sources.join("package-lock.json"))?;
    let is_done = packages.join("node_modules/.package-lock.json").exists();
    if is_done && fs::read(packages.join("package-lock.json")).is_ok_and(|have| have == wanted) {
        return Ok(());
    }
    fs::create_dir_all(&packages).map_err(|error| describe(&packages, &error))?;
    for name in ["package.json", "package-lock.json"] {
        fs::write(packages.join(name), read_file(&sources.join(name))?)
            .map_err(|error| describe(&packages, &error))?;
    }
    let arguments = ["ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"];
    succeeds(Command::new("npm").args(arguments).current_dir(&packages))
}

fn build() -> Result<(), String> {
    empty(&root().join(BUILT))?;
    let mut node = Command::new("node");
    succeeds(node.arg(format!("{SOURCES}/build.mjs")).args([PACKAGES, BUILT]).current_dir(root()))
}

/// What differs, in a line for each file.
fn compare(built: &Files, committed: &Files) -> Vec<String> {
    let mut differences = Vec::new();
    for (name, content) in built {
        match committed.get(name) {
            None => differences.push(format!("{name}: is built, but not committed")),
            Some(other) if other != content => differences.push(format!("{name}: differs")),
            Some(_) => {}
        }
    }
    for name in committed.keys().filter(|name| !built.contains_key(*name)) {
        differences.push(format!("{name}: is committed, but not built"));
    }
    differences
}

fn read(folder: &Path) -> Result<Files, String> {
    let mut files = Files::new();
    for entry in fs::read_dir(folder).map_err(|error| describe(folder, &error))? {
        let entry = entry.map_err(|error| describe(folder, &error))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        files.insert(name, read_file(&entry.path())?);
    }
    Ok(files)
}

fn read_file(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| describe(path, &error))
}

fn empty(folder: &Path) -> Result<(), String> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(describe(folder, &error));
        }
        _ => {}
    }
    fs::create_dir_all(folder).map_err(|error| describe(folder, &error))
}

fn succeeds(command: &mut Command) -> Result<(), String> {
    let program = command.get_program().display().to_string();
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{program} failed ({status}): mend what it printed above")),
        Err(error) => Err(format!("{program} did not start: {error}: install Node.js and npm")),
    }
}

fn describe(path: &Path, error: &io::Error) -> String {
    format!("{}: {error}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(entries: &[(&str, &str)]) -> Files {
        entries.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())).collect()
    }

    #[test]
    fn a_file_that_differs_is_missing_or_is_left_over_is_told() {
        let built = files(&[("a.js", "1"), ("b.css", "2")]);
        let check = |committed: &[(&str, &str)], wanted: &[&str]| {
            assert_eq!(compare(&built, &files(committed)), wanted);
        };
        check(&[("a.js", "1"), ("b.css", "2")], &[]);
        check(&[("a.js", "1 "), ("b.css", "2")], &["a.js: differs"]);
        check(&[("a.js", "1")], &["b.css: is built, but not committed"]);
        let more = [("a.js", "1"), ("b.css", "2"), ("c.js", "")];
        check(&more, &["c.js: is committed, but not built"]);
    }
}
