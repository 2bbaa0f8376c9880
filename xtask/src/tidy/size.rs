//! How long things may be: what does not fit on a few screens is not read.

use super::Finding;
use super::scan;
use super::tree::SourceFile;

const FILE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 70;
const COLUMNS_MAX: usize = 100;
const README_LINES_MAX: usize = 150;

/// Files, functions, columns, and the README.
pub fn check(files: &[SourceFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files {
        if file.is_rust() {
            findings.extend(check_file(file));
            findings.extend(check_functions(file));
            findings.extend(check_columns(file));
        } else if file.path == "README.md" {
            findings.extend(check_readme(file));
        }
    }
    findings
}

fn check_file(file: &SourceFile) -> Option<Finding> {
    let lines = file.text.lines().count();
    (lines > FILE_LINES_MAX).then(|| Finding {
        path: file.path.clone(),
        line: FILE_LINES_MAX + 1,
        what: format!("the file has {lines} lines, {FILE_LINES_MAX} are allowed"),
        remedy: "split it where its story has a seam; name the new module after what it does"
            .to_owned(),
    })
}

fn check_functions(file: &SourceFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    for function in scan::functions(&file.code) {
        let lines = function.last_line - function.first_line + 1;
        if lines > FUNCTION_LINES_MAX {
            findings.push(Finding {
                path: file.path.clone(),
                line: function.first_line,
                what: format!(
                    "`{}` has {lines} lines, {FUNCTION_LINES_MAX} are allowed",
                    function.name
                ),
                remedy: "keep the branches here and move the work of one into a function"
                    .to_owned(),
            });
        }
    }
    findings
}

fn check_columns(file: &SourceFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        let columns = line.chars().count();
        if columns > COLUMNS_MAX {
            findings.push(Finding {
                path: file.path.clone(),
                line: index + 1,
                what: format!("the line has {columns} columns, {COLUMNS_MAX} are allowed"),
                remedy: "break the comment, or the string with `\\` at the end of the line"
                    .to_owned(),
            });
        }
    }
    findings
}

fn check_readme(file: &SourceFile) -> Option<Finding> {
    let lines = file.text.lines().count();
    (lines > README_LINES_MAX).then(|| Finding {
        path: file.path.clone(),
        line: README_LINES_MAX + 1,
        what: format!("the README has {lines} lines, {README_LINES_MAX} are allowed"),
        remedy: "move what a newcomer does not need in the first five minutes into docs/"
            .to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_one(path: &str, text: &str, wanted: &[(usize, &str)]) {
        let found = check(&[SourceFile::new(path, text)]);
        let found: Vec<_> = found.iter().map(|f| (f.line, f.what.as_str())).collect();
        assert_eq!(found, wanted);
    }

    #[test]
    fn a_file_may_have_500_lines_and_not_one_more() {
        check_one("src/a.rs", &"//\n".repeat(500), &[]);
        let wanted = "the file has 501 lines, 500 are allowed";
        check_one("src/a.rs", &"//\n".repeat(501), &[(501, wanted)]);
        check_one("docs/a.md", &"//\n".repeat(501), &[]);
    }

    #[test]
    fn a_function_may_have_70_lines_and_not_one_more() {
        let function =
            |inside: usize| format!("\nfn long() {{\n{}}}\n", "    f();\n".repeat(inside));
        check_one("src/a.rs", &function(68), &[]);
        check_one("src/a.rs", &function(69), &[(2, "`long` has 71 lines, 70 are allowed")]);
    }

    #[test]
    fn a_line_may_have_100_columns_counted_in_characters() {
        check_one("src/a.rs", &format!("// {}", "ŵ".repeat(97)), &[]);
        let wanted = "the line has 101 columns, 100 are allowed";
        check_one("src/a.rs", &format!("\n// {}", "ŵ".repeat(98)), &[(2, wanted)]);
    }

    #[test]
    fn the_readme_may_have_150_lines_and_those_of_crates_are_not_meant() {
        check_one("README.md", &"x\n".repeat(150), &[]);
        let wanted = "the README has 151 lines, 150 are allowed";
        check_one("README.md", &"x\n".repeat(151), &[(151, wanted)]);
        check_one("bench/README.md", &"x\n".repeat(151), &[]);
    }
}
