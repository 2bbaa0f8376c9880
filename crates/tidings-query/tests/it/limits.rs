//! Every limit has its refusal, which names it, and a query just inside it.

// How long a refusal takes is what is tested here.
#![allow(clippy::disallowed_methods)]

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use tidings_query::{ProvidedVariables, QueryProblem, check as check_query};

use crate::schemas::platform;

/// Refused, with the limit's name in a problem, at once and on a small stack.
fn check(query: String, limit: &str) {
    let told = run(query).unwrap_err();
    assert!(told.contains(limit), "{limit}: {told}");
}

fn run(query: String) -> Result<(), String> {
    let schema = platform();
    let run = move || {
        let started = Instant::now();
        let result = check_query(&schema, &query, &ProvidedVariables::none());
        // Ten milliseconds in a release build; this one is not optimized and may share its core.
        assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
        let told = |problem: &QueryProblem| problem.to_string();
        let told = |problems: Vec<_>| problems.iter().map(told).collect::<Vec<_>>().join("\n");
        result.map(drop).map_err(told)
    };
    std::thread::Builder::new().stack_size(1024 * 1024).spawn(run).unwrap().join().unwrap()
}

fn friends(levels: usize) -> String {
    format!(
        "{{ getUsers {{ items {{ {}id{} }} }} }}",
        "friend { ".repeat(levels),
        " }".repeat(levels)
    )
}

fn providers(each: impl Fn(usize) -> String, count: usize) -> String {
    let fields: Vec<String> = (0..count).map(each).collect();
    format!("{{ getProviders {{ {} }} }}", fields.join(" "))
}

#[test]
fn depth_is_bounded() {
    run(friends(12)).unwrap();
    check(friends(13), "depth_max is 15");
    check(friends(200), "nesting_max");
}

#[test]
fn aliases_are_bounded() {
    run(providers(|n| format!("a{n}: code"), 200)).unwrap();
    check(providers(|n| format!("a{n}: code"), 201), "aliases_max is 200");
    check(providers(|n| format!("a{n}: code"), 2_500), "selections_max is 2000");
    check(providers(|n| format!("a{n}: code"), 5_000), "tokens_max");
}

#[test]
fn directives_are_bounded() {
    run(providers(|_| "code @skip(if: true)".to_owned(), 100)).unwrap();
    check(providers(|_| "code @skip(if: true)".to_owned(), 101), "directives_max is 100");
    let on_one = format!("{{ getProviders {{ code {} }} }}", "@x".repeat(4_900));
    check(on_one, "directives_max is 100");
}

#[test]
fn fields_at_the_root_are_bounded() {
    let roots = |count: usize| {
        let mut query = "{".to_owned();
        for n in 0..count {
            let _ = write!(query, " a{n}: getProviders {{ code }}");
        }
        query + " }"
    };
    run(roots(50)).unwrap();
    check(roots(51), "root_fields_max is 50");
    check(roots(1_000), "root_fields_max is 50");
}

#[test]
fn cost_is_bounded() {
    run("{ getUsers(first: 4998) { items { id } } }".to_owned()).unwrap();
    check("{ getUsers(first: 4999) { items { id } } }".to_owned(), "cost_max is 5000");
    check("{ getUsers(first: 2147483647) { items { id } } }".to_owned(), "cost_max is 5000");
}

#[test]
fn variables_and_fragments_are_bounded() {
    let mut declared = String::new();
    for n in 0..51 {
        let _ = write!(declared, "$v{n}: Int ");
    }
    check(format!("query({declared}) {{ getProviders {{ code }} }}"), "variables_max is 50");
    let mut query = "{ getProviders { code } }".to_owned();
    for n in 0..101 {
        let _ = write!(query, " fragment F{n} on Provider {{ code }}");
    }
    check(query, "fragments_max is 100");
}

#[test]
fn text_is_bounded_before_it_is_parsed() {
    check("{".repeat(1_000_000), "query_bytes_max is 65536");
    check("{".repeat(65_000), "nesting_max");
    check(format!("{{ a{} }}", ", ".repeat(500_000)), "query_bytes_max");
    check(format!("{{ a(b: {}", "{a:".repeat(3_000)), "nesting_max");
    check("a ".repeat(30_000), "tokens_max");
}

#[test]
fn fragments_that_double_are_refused_by_their_count() {
    let mut query = "{ getProviders { ...F0 ...F0 } }".to_owned();
    for n in 0..30 {
        let _ = write!(query, " fragment F{n} on Provider {{ ...F{0} ...F{0} }}", n + 1);
    }
    query += " fragment F30 on Provider { code }";
    check(query, "selections_max is 2000");
}

#[test]
fn more_selections_than_can_be_counted_are_very_many() {
    let mut query = "{ getProviders { ...F0 ...F0 } }".to_owned();
    for n in 0..90 {
        let _ = write!(query, " fragment F{n} on Provider {{ ...F{0} ...F{0} }}", n + 1);
    }
    query += " fragment F90 on Provider { code }";
    check(query, "very many fields and fragments, selections_max is 2000");
}

#[test]
fn a_long_chain_of_fragments_is_refused_by_its_nesting() {
    let chain = |length: usize| {
        let mut query = "{ getProviders { ...F0 } }".to_owned();
        for n in 0..length {
            let _ = write!(query, " fragment F{n} on Provider {{ ...F{} }}", n + 1);
        }
        query + &format!(" fragment F{length} on Provider {{ code }}")
    };
    run(chain(61)).unwrap();
    check(chain(63), "nesting_max is 64");
    check(chain(900), "fragments_max is 100");
}

#[test]
fn a_fragment_that_contains_itself_is_refused_with_the_way_round() {
    let told = |query: &str| run(query.to_owned()).unwrap_err();
    assert_eq!(
        told(
            "{ getProviders { ...A } } fragment A on Provider { ...B } \
              fragment B on Provider { code ...A }"
        ),
        "/query:1:27: the fragment `A` contains itself (A → B → A): take one of the spreads out"
    );
    assert_eq!(
        told("{ getProviders { ...S } } fragment S on Provider { ...S }"),
        "/query:1:27: the fragment `S` contains itself (S → S): take one of the spreads out"
    );
    assert_eq!(
        told(
            "{ getUsers { items { ...A } } } fragment A on User { friend { ...Z } } \
              fragment Z on User { friend { ...Z } }"
        ),
        "/query:1:72: the fragment `Z` contains itself (Z → Z): take one of the spreads out"
    );
}

#[test]
fn a_text_full_of_mistakes_is_refused_with_the_first_of_them() {
    check("é ".repeat(9_000), "and 8982 more: mend these first (problems_max is 20)");
    check(providers(|_| "kode".to_owned(), 1_990), "problems_max is 20");
    check(providers(|_| "__type".to_owned(), 1_990), "problems_max is 20");
}
