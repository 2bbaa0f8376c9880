//! The page that explains the codes.

use tidings_api::problem::Code;

#[test]
fn the_page_of_errors_lists_every_code_with_its_status_and_no_other() {
    let page = include_str!("../../../../docs/errors.md");
    let mut listed: Vec<(&str, u16)> = page
        .lines()
        .filter_map(|line| {
            let row = line.strip_prefix("| <a id=\"")?;
            let code = row.split('"').next()?;
            let status = row.split('|').nth(1)?.trim().parse().ok()?;
            assert!(row.contains(&format!("`{code}` |")), "{line}");
            Some((code, status))
        })
        .collect();
    let mut known: Vec<(&str, u16)> =
        Code::ALL.into_iter().map(|code| (code.as_str(), code.status())).collect();
    listed.sort_unstable();
    known.sort_unstable();
    assert_eq!(listed, known);
}
