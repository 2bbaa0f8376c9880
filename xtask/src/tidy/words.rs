//! What must not be left behind, and names that say nothing.

use super::Finding;
use super::scan;
use super::tree::SourceFile;

const MODULE_NAMES_REFUSED: [&str; 9] =
    ["util", "utils", "common", "helper", "helpers", "manager", "managers", "service", "services"];

// Put together here, so that this file does not hold what it looks for.
const LATER_MARKS: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("X", "XX")];
const CODE_REFUSED: [(&str, &str); 3] = [
    (concat!("#[", "ignore"), "mend the test or delete it: nobody looks at one that does not run"),
    (concat!("to", "do!"), "write the code, or leave the function out until it is needed"),
    (concat!("unimpl", "emented!"), "write the code, or leave the function out until it is needed"),
];
const MACHINE_PATHS: [&str; 5] = [
    concat!("/", "work/"),
    concat!("/", "farm/"),
    concat!("/", "home/"),
    concat!("/", "root/"),
    concat!("/", "Users/"),
];

/// Marks for later, tests that do not run, paths of one machine, empty module names.
pub fn check(files: &[SourceFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files {
        findings.extend(check_marks(file));
        findings.extend(check_code(file));
        findings.extend(check_machine_paths(file));
        findings.extend(check_module_name(file));
    }
    findings
}

fn check_marks(file: &SourceFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    for mark in LATER_MARKS {
        for place in scan::word_places(&file.text, mark) {
            findings.push(Finding {
                path: file.path.clone(),
                line: scan::line_of(&file.text, place),
                what: format!("`{mark}` was left behind"),
                remedy: "do it now, or file an issue and delete the mark".to_owned(),
            });
        }
    }
    findings
}

fn check_code(file: &SourceFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (refused, remedy) in CODE_REFUSED {
        for (place, _) in file.code.match_indices(refused) {
            findings.push(Finding {
                path: file.path.clone(),
                line: scan::line_of(&file.code, place),
                what: format!("`{refused}` was left behind"),
                remedy: remedy.to_owned(),
            });
        }
    }
    findings
}

// At the beginning of a path only: `https://example.com/home/` is nobody's machine.
fn check_machine_paths(file: &SourceFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    for machine in MACHINE_PATHS {
        for (place, _) in file.text.match_indices(machine) {
            let before = file.text[..place].chars().next_back();
            let is_inside = |c: char| c.is_alphanumeric() || "._-~}/".contains(c);
            if !before.is_some_and(is_inside) {
                findings.push(Finding {
                    path: file.path.clone(),
                    line: scan::line_of(&file.text, place),
                    what: format!("`{machine}` is a path of one machine"),
                    remedy: "write it relative to the root of the project".to_owned(),
                });
            }
        }
    }
    findings
}

fn check_module_name(file: &SourceFile) -> Option<Finding> {
    if !file.is_rust() {
        return None;
    }
    let parts = file.path.trim_end_matches(".rs").split('/');
    let refused = parts.into_iter().find(|part| MODULE_NAMES_REFUSED.contains(part))?;
    Some(Finding {
        path: file.path.clone(),
        line: 1,
        what: format!("a module named `{refused}` collects whatever comes along"),
        remedy: "name it after the one thing that it does".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_one(path: &str, text: &str, wanted: &[(usize, &str)]) {
        let found = check(&[SourceFile::new(path, text)]);
        let found: Vec<_> = found.iter().map(|f| (f.line, f.what.as_str())).collect();
        assert_eq!(found, wanted, "{path}: {text}");
    }

    #[test]
    fn marks_for_later_are_found_in_code_and_documents_and_trigger_names_are_not() {
        let mark = LATER_MARKS[0];
        let what = format!("`{mark}` was left behind");
        check_one("src/a.rs", &format!("\n// {mark}: later"), &[(2, &what)]);
        check_one("docs/a.md", mark, &[(1, &what)]);
        check_one("src/a.rs", "// ToDoAdded, TODOS_MAX", &[]);
    }

    #[test]
    fn unfinished_code_is_found_and_a_string_that_speaks_of_it_is_not() {
        for (refused, _) in CODE_REFUSED {
            let what = format!("`{refused}` was left behind");
            check_one("src/a.rs", &format!("fn a() {{\n  {refused} }}"), &[(2, &what)]);
            check_one("src/a.rs", &format!("const A: &str = \"{refused}\";"), &[]);
        }
    }

    #[test]
    fn paths_of_one_machine_are_found_and_paths_of_urls_are_not() {
        let machine = MACHINE_PATHS[2];
        let what = format!("`{machine}` is a path of one machine");
        check_one("docs/a.md", &format!("see `{machine}me/x`"), &[(1, &what)]);
        check_one("docs/a.md", &format!("https://example.com{machine}x, ~{machine}x"), &[]);
    }

    #[test]
    fn module_names_say_something() {
        let what = "a module named `helpers` collects whatever comes along";
        check_one("crates/a/src/helpers.rs", "", &[(1, what)]);
        check_one("crates/a/src/helpers/mod.rs", "", &[(1, what)]);
        check_one("crates/a/src/uncommon.rs", "", &[]);
        check_one("docs/common.md", "", &[]);
    }
}
