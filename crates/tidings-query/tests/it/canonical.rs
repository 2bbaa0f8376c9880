//! The canonical text, on any text.

use apollo_compiler::ast::Document;
use proptest::prelude::*;
use tidings_query::canonical;

/// Text made of what matters to a lexer, more often than chance would.
fn graphql_like() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "{",
        "}",
        "(",
        ")",
        "...",
        "$a",
        ":",
        "a",
        "b1",
        "\"",
        "\"\"\"",
        "\\",
        "\\\"",
        "#",
        "\n",
        "\r",
        ",",
        " ",
        "\t",
        "\u{feff}",
        "1.5",
        "-2",
        "\"x, #y\"",
        "\"\"\"\n,\"\"\"",
        "é",
        "@",
    ]);
    prop::collection::vec(pieces, 0..40).prop_map(|pieces| pieces.concat())
}

/// A token, and what stands between it and the next one.
fn tokens() -> impl Strategy<Value = Vec<(&'static str, &'static str)>> {
    let token = prop::sample::select(vec![
        "{",
        "}",
        "(",
        ")",
        ":",
        "$",
        "!",
        "...",
        "name",
        "_x9",
        "12",
        "-3.5e+1",
        "\"a,  b # c\"",
        "\"\\\"\"",
        "\"\"\"\n  #,\n\"\"\"",
    ]);
    let between = prop::sample::select(vec![" ", ",", "\n", "\r\n\t", ", ,", "# c\n", "\u{feff}"]);
    prop::collection::vec((token, between), 0..30)
}

proptest! {
    #[test]
    fn canonical_of_canonical_is_the_same(text in graphql_like()) {
        let once = canonical(&text);
        prop_assert_eq!(canonical(&once), once);
    }

    #[test]
    fn any_text_is_taken(text in any::<String>()) {
        let once = canonical(&text);
        prop_assert!(once.len() <= text.len());
        prop_assert_eq!(canonical(&once), once);
    }

    #[test]
    fn the_tokens_stay_and_what_is_between_becomes_one_space(tokens in tokens()) {
        let pieces = tokens.iter().map(|(token, between)| format!("{token}{between}"));
        let text: String = pieces.collect();
        let expected: Vec<&str> = tokens.iter().map(|(token, _)| *token).collect();
        prop_assert_eq!(canonical(&text), expected.join(" "));
    }

    #[test]
    fn a_query_means_the_same_as_its_canonical_text(
        fields in prop::collection::vec("[a-z]{1,4}", 1..8),
        between in prop::sample::select(vec![" ", ",", "\n # why\n", "\t,,\r\n"]),
        value in "[ -!#-\\[\\]-~]{0,12}",
    ) {
        let fields = fields.join(between);
        let text = format!("query($a:ID!){{f(b:\"{value}\"){between}{{{fields}}}}}");
        let before = Document::parse(&text, "before").unwrap();
        let after = Document::parse(canonical(&text), "after").unwrap();
        prop_assert_eq!(before, after);
    }
}
