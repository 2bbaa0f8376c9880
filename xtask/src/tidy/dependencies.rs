//! Every external dependency has its reason written down, and every reason its dependency.

use std::collections::BTreeMap;

use super::Finding;
use super::tree::SourceFile;

const MANIFEST: &str = "Cargo.toml";
const REASONS: &str = "docs/dependencies.md";

/// Compares `[workspace.dependencies]` of the root with the list of reasons, and sees to it that
/// no crate goes past that table.
pub fn check(files: &[SourceFile]) -> Result<Vec<Finding>, String> {
    let text = |path: &str| files.iter().find(|file| file.path == path).map(|file| &file.text);
    let manifest = text(MANIFEST).ok_or("there is no Cargo.toml at the root")?;
    let reasons = text(REASONS).map_or("", |text| text.as_str());
    let mut findings = compare(&declared(manifest)?, &explained(reasons), manifest);
    for file in files.iter().filter(|file| is_manifest_of_crate(&file.path)) {
        findings.extend(check_crate(file)?);
    }
    Ok(findings)
}

fn compare(
    declared: &[String],
    explained: &BTreeMap<String, (usize, String)>,
    manifest: &str,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for name in declared {
        let has_reason = explained.get(name).is_some_and(|(_, reason)| reason.len() >= 10);
        if !has_reason {
            findings.push(Finding {
                path: MANIFEST.to_owned(),
                line: line_that_begins(manifest, name),
                what: format!("nobody knows why `{name}` is in the house"),
                remedy: format!("add a line to {REASONS}: - `{name}`: what it does for us"),
            });
        }
    }
    for (name, (line, _)) in explained.iter().filter(|(name, _)| !declared.contains(name)) {
        findings.push(Finding {
            path: REASONS.to_owned(),
            line: *line,
            what: format!("`{name}` is explained, but the root Cargo.toml does not have it"),
            remedy: "delete the line, or mend the name".to_owned(),
        });
    }
    findings
}

fn declared(manifest: &str) -> Result<Vec<String>, String> {
    let manifest: toml::Table = manifest.parse().map_err(|error| format!("{MANIFEST}: {error}"))?;
    let table = manifest.get("workspace").and_then(|workspace| workspace.get("dependencies"));
    let table = table.and_then(toml::Value::as_table).cloned().unwrap_or_default();
    let is_external = |value: &toml::Value| value.get("path").is_none();
    Ok(table.into_iter().filter(|(_, value)| is_external(value)).map(|(name, _)| name).collect())
}

// A line of the list: "- `name`: the reason". The line's number counts from 1.
fn explained(reasons: &str) -> BTreeMap<String, (usize, String)> {
    let mut explained = BTreeMap::new();
    for (index, line) in reasons.lines().enumerate() {
        let parts = line.strip_prefix("- `").and_then(|rest| rest.split_once("`: "));
        if let Some((name, reason)) = parts {
            explained.insert(name.to_owned(), (index + 1, reason.to_owned()));
        }
    }
    explained
}

fn is_manifest_of_crate(path: &str) -> bool {
    path.ends_with("/Cargo.toml")
}

// One version and one set of features for the whole house: crates name a dependency, no more.
fn check_crate(file: &SourceFile) -> Result<Vec<Finding>, String> {
    let manifest: toml::Table =
        file.text.parse().map_err(|error| format!("{}: {error}", file.path))?;
    let mut findings = Vec::new();
    for table in ["dependencies", "dev-dependencies", "build-dependencies"] {
        let entries = manifest.get(table).and_then(toml::Value::as_table);
        for (name, value) in entries.into_iter().flatten() {
            let is_shared = value.get("workspace").and_then(toml::Value::as_bool) == Some(true);
            if !is_shared {
                findings.push(Finding {
                    path: file.path.clone(),
                    line: line_that_begins(&file.text, name),
                    what: format!("`{name}` goes past [workspace.dependencies]"),
                    remedy: format!("write `{name}.workspace = true`, its version in the root"),
                });
            }
        }
    }
    Ok(findings)
}

fn line_that_begins(text: &str, name: &str) -> usize {
    let begins =
        |line: &str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['.', ' ', '=']));
    text.lines().position(begins).map_or(1, |index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = "[workspace.dependencies]\nours = { path = \"crates/ours\" }\n\
                        serde = \"1\"\nurl = { version = \"2\" }\n";

    fn check_files(files: &[(&str, &str)], wanted: &[(&str, usize, &str)]) {
        let files: Vec<_> = files.iter().map(|(path, text)| SourceFile::new(path, text)).collect();
        let found = check(&files).unwrap();
        let found: Vec<_> =
            found.iter().map(|f| (f.path.as_str(), f.line, f.what.as_str())).collect();
        assert_eq!(found, wanted);
    }

    #[test]
    fn each_external_dependency_has_a_reason_and_each_reason_a_dependency() {
        let all = "# Dependencies\n\n- `serde`: reads and writes JSON\n- `url`: parses addresses\n";
        check_files(&[(MANIFEST, ROOT), (REASONS, all)], &[]);
        check_files(
            &[(MANIFEST, ROOT), (REASONS, "- `serde`: reads and writes JSON\n- `url`: yes\n")],
            &[(MANIFEST, 4, "nobody knows why `url` is in the house")],
        );
        check_files(
            &[(MANIFEST, ROOT), (REASONS, &format!("{all}- `rand`: chance, of course\n"))],
            &[(REASONS, 5, "`rand` is explained, but the root Cargo.toml does not have it")],
        );
        check_files(
            &[(MANIFEST, ROOT)],
            &[
                (MANIFEST, 3, "nobody knows why `serde` is in the house"),
                (MANIFEST, 4, "nobody knows why `url` is in the house"),
            ],
        );
    }

    #[test]
    fn crates_take_their_versions_from_the_root() {
        let root = (MANIFEST, "[workspace.dependencies]\n");
        let manifest = "[dependencies]\nserde.workspace = true\n[dev-dependencies]\nrand = \"1\"\n";
        check_files(
            &[root, ("crates/a/Cargo.toml", manifest)],
            &[("crates/a/Cargo.toml", 4, "`rand` goes past [workspace.dependencies]")],
        );
    }
}
