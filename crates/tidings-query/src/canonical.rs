//! The one text that a query runs as, is signed as and is shown as (docs/delivery.md).

use crate::token::{Kind, Tokens};

/// Every run of white space, line ends, commas, comments and byte order marks between two tokens
/// becomes one space; nothing is put where nothing was. Both ends are trimmed. Strings and block
/// strings stay as they are.
///
/// It takes any text. From a quote that nothing closes to the end the text is kept as it is.
pub fn canonical(query: &str) -> String {
    let mut text = String::with_capacity(query.len());
    let mut space = false;
    for token in Tokens::of(query) {
        if token.kind == Kind::Ignored {
            space = true;
            continue;
        }
        if space && !text.is_empty() {
            text.push(' ');
        }
        space = false;
        text.push_str(token.text);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(query: &str, expected: &str) {
        assert_eq!(canonical(query), expected, "{query:?}");
        assert_eq!(canonical(expected), expected, "again: {expected:?}");
    }

    #[test]
    fn a_run_of_ignored_tokens_is_one_space() {
        check("query($id: ID!) {\n  a\n}\n", "query($id: ID!) { a }");
        check("query ($id:ID!){a}", "query ($id:ID!){a}");
        check("{a,,b\t\r\n,c}", "{a b c}");
        check("{ a # why\n  # and more\n b }", "{ a b }");
        check("\u{feff}{ a }", "{ a }");
        check("# only a comment", "");
        check(" , ", "");
    }

    #[test]
    fn strings_stay_as_they_are() {
        check(r#"{a(b:"x,  # y")}"#, r#"{a(b:"x,  # y")}"#);
        check("{a(b:\"\"\"x,\n\n  # y\"\"\"  )}", "{a(b:\"\"\"x,\n\n  # y\"\"\" )}");
        check(r#"{a(b:"\"  \\"  c:1)}"#, r#"{a(b:"\"  \\" c:1)}"#);
        check("\"\"  \"\"", "\"\" \"\"");
    }

    #[test]
    fn what_follows_an_unclosed_quote_is_left_alone() {
        check("{  a \"b\n\n  \"c  d", "{ a \"b\n\n  \"c  d");
    }
}
