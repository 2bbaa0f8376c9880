//! "Did you mean …?"

use std::fmt::Write as _;

/// Names longer than this are not compared.
const BYTES_MAX: usize = 64;

/// Candidates that are looked at.
const CANDIDATES_MAX: usize = 2_000;

/// The candidate that is most like `name`, if one is like it at all.
pub(crate) fn nearest<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    if name.len() > BYTES_MAX {
        return None;
    }
    let distance_max = (name.len() / 3).max(1);
    candidates
        .into_iter()
        .take(CANDIDATES_MAX)
        .filter(|candidate| candidate.len() <= BYTES_MAX)
        .map(|candidate| (score(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= distance_max)
        .min()
        .map(|(_, candidate)| candidate)
}

/// `: did you mean …?`, or the names that there are.
pub(crate) fn instead<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
    what: &str,
) -> String {
    const SHOWN_MAX: usize = 10;
    let candidates: Vec<&str> = candidates.into_iter().collect();
    if let Some(near) = nearest(name, candidates.iter().copied()) {
        return format!(": did you mean `{near}`?");
    }
    if candidates.is_empty() {
        return String::new();
    }
    let mut text = format!(": {what} ");
    for (index, candidate) in candidates.iter().take(SHOWN_MAX).enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        let _ = write!(text, "{comma}`{candidate}`");
    }
    if candidates.len() > SHOWN_MAX {
        let _ = write!(text, " and {} more", candidates.len() - SHOWN_MAX);
    }
    text
}

/// The edit distance, where a name that differs in upper and lower case alone is at distance 0.
fn score(one: &str, other: &str) -> usize {
    if one.eq_ignore_ascii_case(other) {
        return 0;
    }
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, from) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (column, to) in other.iter().enumerate() {
            let changed = diagonal + usize::from(!from.eq_ignore_ascii_case(to));
            diagonal = row[column + 1];
            row[column + 1] = changed.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, candidates: &[&str], expected: Option<&str>) {
        assert_eq!(nearest(name, candidates.iter().copied()), expected, "{name}");
    }

    #[test]
    fn the_nearest_name_is_found_unless_none_is_near() {
        check("tarifName", &["postcode", "tariffName"], Some("tariffName"));
        check("TARIFFNAME", &["tariffName"], Some("tariffName"));
        check("id", &["ID", "idx"], Some("ID"));
        check("postcode", &["tariffName", "savings"], None);
        check(&"x".repeat(1_000), &["x"], None);
        check("a", &[], None);
    }

    #[test]
    fn without_a_near_name_the_first_ones_are_shown() {
        assert_eq!(instead("zzz", ["a", "b"], "it has"), ": it has `a`, `b`");
        assert_eq!(instead("zzz", [], "it has"), "");
    }
}
