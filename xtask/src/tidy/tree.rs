//! Every text file of the project, read once.

use std::fs;
use std::path::Path;

use super::scan;

const FOLDERS_SKIPPED: [&str; 4] = ["target", "node_modules", ".git", ".venv"];
const TEXT_ENDINGS: [&str; 14] = [
    "rs", "toml", "md", "sh", "py", "mjs", "js", "graphql", "json", "sql", "html", "css", "snap",
    "run",
];

/// One file: its path from the root with `/`, and its text in three forms.
pub struct SourceFile {
    pub path: String,
    pub text: String,
    /// For Rust: comments and strings blanked. Otherwise empty.
    pub code: String,
    /// For Rust: `code` with the tests blanked too. Empty for a file of tests.
    pub product: String,
}

impl SourceFile {
    /// Prepares a text for the rules.
    pub fn new(path: &str, text: &str) -> SourceFile {
        let code = if path.ends_with(".rs") { scan::code_only(text) } else { String::new() };
        let is_test = path.contains("/tests/") || path.ends_with("/tests.rs");
        let product = if is_test { String::new() } else { scan::without_tests(&code) };
        SourceFile { path: path.to_owned(), text: text.to_owned(), code, product }
    }

    /// Whether it is Rust.
    pub fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }
}

/// Reads the tree, leaving out what is built or fetched.
pub fn read(root: &Path) -> Result<Vec<SourceFile>, String> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).map_err(|error| describe(&folder, &error))?;
        for entry in entries {
            let path = entry.map_err(|error| describe(&folder, &error))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() && !path.is_symlink() {
                if !FOLDERS_SKIPPED.contains(&name.as_str()) {
                    folders.push(path);
                }
            } else if is_text(&name) {
                let text = fs::read_to_string(&path).map_err(|error| describe(&path, &error))?;
                let relative = path.strip_prefix(root).expect("the walk began at the root");
                files.push(SourceFile::new(&relative.to_string_lossy().replace('\\', "/"), &text));
            }
        }
    }
    files.sort_by(|left, right| left.path.cmp(&right.path));
    Ok(files)
}

// Files without an ending are scripts and the like: `.ci/run`. LICENSE is not ours to judge.
fn is_text(name: &str) -> bool {
    let ending = name.rsplit_once('.').map_or(name, |(_name, ending)| ending);
    TEXT_ENDINGS.contains(&ending)
}

fn describe(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_no_part_of_the_product_wherever_they_stand() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests { fn b() {} }\n";
        let source = SourceFile::new("crates/x/src/lib.rs", text);
        assert!(source.product.contains("fn a") && !source.product.contains("fn b"));
        assert!(source.code.contains("fn b"));
        for path in ["crates/x/tests/it/main.rs", "crates/x/src/y/tests.rs"] {
            assert_eq!(SourceFile::new(path, text).product, "");
        }
    }

    #[test]
    fn text_is_told_from_other_files_by_its_ending() {
        for name in ["lib.rs", "run", "README.md", "test.sh", "it__case.snap"] {
            assert!(is_text(name), "{name}");
        }
        for name in ["LICENSE", "tidings.db", "Cargo.lock", "logo.png"] {
            assert!(!is_text(name), "{name}");
        }
    }
}
