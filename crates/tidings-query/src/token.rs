//! GraphQL text cut into tokens, without a parser and without recursion.
//!
//! ```text
//! text ─► Tokens ─┬─ Ignored      white space, line ends, commas, comments, byte order marks
//!                 ├─ Punctuator   one of ! $ & ( ) : = @ [ ] { | } or ...
//!                 ├─ Word         a name or a number (or what cannot be one: the parser says so)
//!                 ├─ String       "…" or """…""", quotes included
//!                 └─ Unclosed     from a quote that nothing closes to the end
//! ```
//!
//! Section 2.1 of the GraphQL specification. The pieces put together are the text again. Nothing
//! is refused here: the limits look at the pieces before the parser runs, and the canonical text
//! is made of them.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Ignored,
    Punctuator,
    Word,
    String,
    Unclosed,
}

/// A token and where it begins, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    pub(crate) kind: Kind,
    pub(crate) text: &'a str,
    pub(crate) start: usize,
}

/// The tokens of a text in order. Neighbouring ignored ones come as one.
pub(crate) struct Tokens<'a> {
    text: &'a str,
    start: usize,
}

impl<'a> Tokens<'a> {
    pub(crate) fn of(text: &'a str) -> Tokens<'a> {
        Tokens { text, start: 0 }
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        let rest = &self.text[self.start..];
        let first = rest.chars().next()?;
        let (kind, bytes) = match first {
            '"' => string(rest),
            _ if is_ignored(first) || first == '#' => (Kind::Ignored, ignored_bytes(rest)),
            '.' if rest.starts_with("...") => (Kind::Punctuator, 3),
            _ if is_word(first) => (Kind::Word, word_bytes(rest)),
            _ => (Kind::Punctuator, first.len_utf8()),
        };
        let token = Token { kind, text: &rest[..bytes], start: self.start };
        self.start += bytes;
        Some(token)
    }
}

fn is_ignored(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\n' | '\r' | ',' | '\u{feff}')
}

fn is_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

fn is_word(character: char) -> bool {
    is_name(character) || matches!(character, '-' | '+' | '.')
}

fn word_bytes(rest: &str) -> usize {
    let is_number = !rest.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    let goes_on = |character: char| if is_number { is_word(character) } else { is_name(character) };
    rest.find(|character: char| !goes_on(character)).unwrap_or(rest.len())
}

fn ignored_bytes(rest: &str) -> usize {
    let mut bytes = 0;
    while let Some(next) = rest[bytes..].chars().next() {
        if next == '#' {
            let comment = &rest[bytes..];
            bytes += comment.find(['\n', '\r']).unwrap_or(comment.len());
        } else if is_ignored(next) {
            bytes += next.len_utf8();
        } else {
            break;
        }
    }
    bytes
}

fn string(rest: &str) -> (Kind, usize) {
    let end = if rest.starts_with("\"\"\"") { block_end(rest) } else { line_end(rest) };
    end.map_or((Kind::Unclosed, rest.len()), |bytes| (Kind::String, bytes))
}

/// The end of `"…"`, which stays on its line.
fn line_end(rest: &str) -> Option<usize> {
    let bytes = rest.as_bytes();
    let mut index = 1;
    while let Some(byte) = bytes.get(index) {
        match byte {
            b'"' => return Some(index + 1),
            b'\n' | b'\r' => return None,
            b'\\' if matches!(bytes.get(index + 1), Some(b'"' | b'\\')) => index += 2,
            _ => index += 1,
        }
    }
    None
}

/// The end of `"""…"""`, in which only `\"""` is an escape.
fn block_end(rest: &str) -> Option<usize> {
    let bytes = rest.as_bytes();
    let mut index = 3;
    while index < bytes.len() {
        if bytes[index..].starts_with(b"\\\"\"\"") {
            index += 4;
        } else if bytes[index..].starts_with(b"\"\"\"") {
            return Some(index + 3);
        } else {
            index += 1;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(Kind, &str)]) {
        let tokens: Vec<_> = Tokens::of(text).map(|token| (token.kind, token.text)).collect();
        assert_eq!(tokens, expected, "{text:?}");
    }

    #[test]
    fn a_text_is_cut_where_the_specification_cuts_it() {
        use Kind::{Ignored, Punctuator, String, Unclosed, Word};
        check("", &[]);
        check("{a}", &[(Punctuator, "{"), (Word, "a"), (Punctuator, "}")]);
        check("a,# c\n b", &[(Word, "a"), (Ignored, ",# c\n "), (Word, "b")]);
        check("...on", &[(Punctuator, "..."), (Word, "on")]);
        check("a...b", &[(Word, "a"), (Punctuator, "..."), (Word, "b")]);
        check("-1.5e+3", &[(Word, "-1.5e+3")]);
        check("\"#,\" x", &[(String, "\"#,\""), (Ignored, " "), (Word, "x")]);
        check(r#""a\"b\\""#, &[(String, r#""a\"b\\""#)]);
        check("\"\"", &[(String, "\"\"")]);
        check(
            "\"\"\"a\n\"b\\\"\"\"c\"\"\"d",
            &[(String, "\"\"\"a\n\"b\\\"\"\"c\"\"\""), (Word, "d")],
        );
        check("a\"b\n c", &[(Word, "a"), (Unclosed, "\"b\n c")]);
        check("\"\"\"b\" \"\"", &[(Unclosed, "\"\"\"b\" \"\"")]);
        check("\u{feff}é", &[(Ignored, "\u{feff}"), (Punctuator, "é")]);
    }
}
