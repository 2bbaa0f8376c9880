//! What cargo knows about the crates of the workspace and what lies below them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use serde::Deserialize;

/// One crate of the workspace.
#[derive(Clone, Debug)]
pub struct Package {
    pub name: String,
    /// Its Cargo.toml, from the root.
    pub manifest: String,
    /// What it declares for the product; tests and build scripts may use more.
    pub dependencies: BTreeSet<String>,
    /// Everything below those, as the lock file has it: a feature that any crate of the workspace
    /// switches on counts for all.
    pub below: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Described>,
}

#[derive(Deserialize)]
struct Described {
    name: String,
    manifest_path: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
}

#[derive(Deserialize)]
struct Lock {
    package: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    name: String,
    version: String,
    #[serde(default)]
    dependencies: Vec<String>,
}

/// Asks cargo, without its registry, and reads Cargo.lock.
pub fn read(root: &Path) -> Result<Vec<Package>, String> {
    let output = Command::new("cargo")
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root)
        .output()
        .map_err(|error| format!("cargo metadata did not start: {error}"))?;
    if !output.status.success() {
        return Err(format!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    let lock = fs::read_to_string(root.join("Cargo.lock"))
        .map_err(|error| format!("Cargo.lock: {error}: run `cargo generate-lockfile`"))?;
    combine(&String::from_utf8_lossy(&output.stdout), &lock, &root.to_string_lossy())
}

fn combine(metadata: &str, lock: &str, root: &str) -> Result<Vec<Package>, String> {
    let metadata: Metadata =
        serde_json::from_str(metadata).map_err(|error| format!("cargo metadata: {error}"))?;
    let lock: Lock = toml::from_str(lock).map_err(|error| format!("Cargo.lock: {error}"))?;
    let graph = graph(&lock);
    let package = |described: Described| {
        let normal = |d: &Dependency| d.kind.is_none();
        let names = described.dependencies.into_iter().filter(normal).map(|d| d.name);
        let dependencies: BTreeSet<String> = names.collect();
        Package {
            below: below(&graph, &described.name, &dependencies),
            manifest: described
                .manifest_path
                .trim_start_matches(root)
                .trim_start_matches('/')
                .to_owned(),
            name: described.name,
            dependencies,
        }
    };
    Ok(metadata.packages.into_iter().map(package).collect())
}

// `name version` for each locked package, and what it uses in the same form.
fn graph(lock: &Lock) -> BTreeMap<String, Vec<String>> {
    let full_name = |used: &String| {
        let mut words = used.split(' ');
        let name = words.next().unwrap_or_default();
        let version = words.next().or_else(|| {
            let locked = lock.package.iter().find(|locked| locked.name == name);
            locked.map(|locked| locked.version.as_str())
        });
        format!("{name} {}", version.unwrap_or_default())
    };
    let entry = |locked: &Locked| {
        let uses = locked.dependencies.iter().map(full_name).collect();
        (format!("{} {}", locked.name, locked.version), uses)
    };
    lock.package.iter().map(entry).collect()
}

fn below(
    graph: &BTreeMap<String, Vec<String>>,
    package: &str,
    dependencies: &BTreeSet<String>,
) -> BTreeSet<String> {
    let name_of = |full: &str| full.split(' ').next().unwrap_or_default().to_owned();
    let own = graph.iter().find(|(full, _)| name_of(full) == package);
    let declared = |full: &&String| dependencies.contains(&name_of(full));
    let mut waiting: Vec<&String> =
        own.iter().flat_map(|(_, uses)| uses.iter().filter(declared)).collect();
    let mut seen = BTreeSet::new();
    while let Some(full) = waiting.pop() {
        if seen.insert(full) {
            waiting.extend(graph.get(full).into_iter().flatten());
        }
    }
    seen.into_iter().map(|full| name_of(full)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_below_follows_the_lock_file_and_leaves_out_what_only_tests_use() {
        let metadata = r#"{"packages": [{"name": "a", "manifest_path": "/x/crates/a/Cargo.toml",
            "dependencies": [{"name": "b", "kind": null}, {"name": "t", "kind": "dev"}]}]}"#;
        let lock = "
            [[package]]\nname = \"a\"\nversion = \"0.1.0\"\ndependencies = [\"b 2.0.0\", \"t\"]
            [[package]]\nname = \"b\"\nversion = \"1.0.0\"\ndependencies = [\"old\"]
            [[package]]\nname = \"b\"\nversion = \"2.0.0\"\ndependencies = [\"c\"]
            [[package]]\nname = \"c\"\nversion = \"1.0.0\"
            [[package]]\nname = \"t\"\nversion = \"1.0.0\"\ndependencies = [\"old\"]
            [[package]]\nname = \"old\"\nversion = \"1.0.0\"";
        let packages = combine(metadata, lock, "/x").unwrap();
        assert_eq!(packages[0].manifest, "crates/a/Cargo.toml");
        assert_eq!(packages[0].dependencies, BTreeSet::from(["b".to_owned()]));
        assert_eq!(packages[0].below, BTreeSet::from(["b", "c"].map(str::to_owned)));
    }
}
