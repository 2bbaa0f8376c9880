//! Rust text without what is not code: comments, strings and characters become spaces.
//!
//! Lines and columns stay where they are, so that a place found in the result is a place in the
//! file. Braces, words and attributes can then be looked for without being fooled by a string.

/// The text with the insides of comments, strings and character literals blanked.
pub fn code_only(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < characters.len() {
        let end = skipped_end(&characters, at);
        if end == at {
            code.push(characters[at]);
            at += 1;
            continue;
        }
        for character in &characters[at..end] {
            code.push(if *character == '\n' { '\n' } else { ' ' });
        }
        at = end;
    }
    code
}

/// The code with every item blanked that stands under `#[cfg(test)]`.
pub fn without_tests(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut product = code.as_bytes().to_vec();
    let mut from = 0;
    while let Some(found) = code[from..].find(MARK) {
        let start = from + found;
        let end = item_end(code.as_bytes(), start + MARK.len());
        for byte in &mut product[start..end] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        from = end;
    }
    String::from_utf8(product).expect("whole items were replaced by ASCII spaces")
}

/// A function with a body: its name and its first and last line, counted from 1.
#[derive(Debug, PartialEq, Eq)]
pub struct Function {
    pub name: String,
    pub first_line: usize,
    pub last_line: usize,
}

/// Every function with a body, also those inside other functions.
pub fn functions(code: &str) -> Vec<Function> {
    let bytes = code.as_bytes();
    let mut functions = Vec::new();
    for start in word_places(code, "fn") {
        let rest = code[start + 2..].trim_start();
        let name: String = rest.chars().take_while(|&c| c.is_alphanumeric() || c == '_').collect();
        if name.is_empty() {
            continue; // the type of a function pointer
        }
        let end = item_end(bytes, start);
        if bytes[..end].last() == Some(&b'}') {
            functions.push(Function {
                name,
                first_line: line_of(code, start),
                last_line: line_of(code, end - 1),
            });
        }
    }
    functions
}

/// Where `word` stands as a whole word.
pub fn word_places(code: &str, word: &str) -> Vec<usize> {
    let is_part = |byte: u8| byte == b'_' || byte.is_ascii_alphanumeric() || !byte.is_ascii();
    let bytes = code.as_bytes();
    let is_whole = |&(start, _): &(usize, &str)| {
        let before = start.checked_sub(1).map(|index| bytes[index]);
        let after = bytes.get(start + word.len()).copied();
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    };
    code.match_indices(word).filter(is_whole).map(|(start, _)| start).collect()
}

/// The line of a byte offset, counted from 1.
pub fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes()[..offset].iter().filter(|&&byte| byte == b'\n').count() + 1
}

// The end of the item that begins at `from`: its closing brace, or the `;` of one without a body.
fn item_end(bytes: &[u8], from: usize) -> usize {
    let (mut braces, mut others) = (0_usize, 0_usize);
    for (index, byte) in bytes.iter().enumerate().skip(from) {
        match byte {
            b'(' | b'[' => others += 1,
            b')' | b']' => others = others.saturating_sub(1),
            b'{' => braces += 1,
            b'}' if braces <= 1 => return index + 1,
            b'}' => braces -= 1,
            b';' if braces == 0 && others == 0 => return index + 1,
            _ => {}
        }
    }
    bytes.len()
}

// Where the comment, string or character that begins at `at` is over; `at` when none begins.
fn skipped_end(characters: &[char], at: usize) -> usize {
    let next = characters.get(at + 1).copied();
    match characters[at] {
        '/' if next == Some('/') => until_line_end(characters, at),
        '/' if next == Some('*') => block_comment_end(characters, at),
        '"' => quoted_end(characters, at),
        'r' if !continues_word(characters, at) => raw_string_end(characters, at),
        '\'' => character_end(characters, at),
        _ => at,
    }
}

// An `r` inside a word opens no raw string; the `b` or `c` of `br"…"` and `cr"…"` may stand there.
fn continues_word(characters: &[char], at: usize) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let word_before = characters[..at].iter().rev().take_while(|&&c| is_part(c)).count();
    let is_prefix = word_before == 1 && matches!(characters[at - 1], 'b' | 'c');
    word_before > 0 && !is_prefix
}

fn until_line_end(characters: &[char], at: usize) -> usize {
    characters[at..].iter().position(|&c| c == '\n').map_or(characters.len(), |n| at + n)
}

fn block_comment_end(characters: &[char], at: usize) -> usize {
    let (mut depth, mut index) = (0_usize, at);
    while index + 1 < characters.len() {
        match (characters[index], characters[index + 1]) {
            ('/', '*') => (depth, index) = (depth + 1, index + 2),
            ('*', '/') if depth == 1 => return index + 2,
            ('*', '/') => (depth, index) = (depth - 1, index + 2),
            _ => index += 1,
        }
    }
    characters.len()
}

fn quoted_end(characters: &[char], at: usize) -> usize {
    let mut index = at + 1;
    while index < characters.len() {
        match characters[index] {
            '\\' => index += 2,
            '"' => return index + 1,
            _ => index += 1,
        }
    }
    characters.len()
}

fn raw_string_end(characters: &[char], at: usize) -> usize {
    let hashes = characters[at + 1..].iter().take_while(|&&c| c == '#').count();
    let opening = at + 1 + hashes;
    if characters.get(opening) != Some(&'"') {
        return at; // a name such as `r#type`
    }
    let closes = |index: usize| {
        characters[index] == '"'
            && characters[index + 1..].iter().take_while(|&&c| c == '#').count() >= hashes
    };
    let end = (opening + 1..characters.len()).find(|&index| closes(index));
    end.map_or(characters.len(), |index| index + 1 + hashes)
}

// A quote begins a character when it is closed after one, and else a lifetime.
fn character_end(characters: &[char], at: usize) -> usize {
    if characters.get(at + 1) == Some(&'\\') {
        let closing = characters[at + 3..].iter().position(|&c| c == '\'');
        return closing.map_or(characters.len(), |n| at + 3 + n + 1);
    }
    if characters.get(at + 2) == Some(&'\'') { at + 3 } else { at }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, wanted: &str) {
        let code = code_only(text);
        assert_eq!(code.split_whitespace().collect::<Vec<_>>().join(" "), wanted, "{text}");
        assert_eq!(code.chars().count(), text.chars().count(), "{text}");
    }

    #[test]
    fn comments_strings_and_characters_are_blanked_and_nothing_else() {
        check("a // b\nc", "a c");
        check("a /* b /* c */ d */ e", "a e");
        check(r#"f("a \" b", 'x', '\'', '"', b'\\')"#, "f( , , , , b )");
        check("r\"a\\\" + b", "+ b");
        check(r##"r#"a " b"# + br#"c"#"##, "+ b");
        check("fn f<'a>(x: &'a str) -> &'static str", "fn f<'a>(x: &'a str) -> &'static str");
        check("r#type + bar\"x\" + '{'", "r#type + bar +");
        check("\"ŵ🌍\" + ŵ", "+ ŵ");
        check("'\\u{1F30D}' + x", "+ x");
    }

    #[test]
    fn what_is_not_closed_runs_to_the_end() {
        for text in ["\"a", "/* a", "r#\"a", "'\\n", "// a", "\"a\\"] {
            check(text, "");
        }
    }

    #[test]
    fn functions_are_found_with_their_lines_and_declarations_are_not() {
        let text = "trait T {\n  fn declared(a: [u8; 3]);\n  fn given(&self) {\n  }\n}\n\
                    fn outer(f: fn(u8) -> u8) {\n  fn inner() { \"}\"; }\n}\n";
        let found: Vec<_> = functions(&code_only(text))
            .into_iter()
            .map(|function| (function.name, function.first_line, function.last_line))
            .collect();
        let wanted = [("given", 3, 4), ("outer", 6, 8), ("inner", 7, 7)];
        assert_eq!(found, wanted.map(|(name, first, last)| (name.to_owned(), first, last)));
    }

    #[test]
    fn items_under_cfg_test_are_blanked_and_their_lines_stay() {
        let text = "a();\n#[cfg(test)]\nmod tests {\n  fn b() { c }\n}\nd();\n\
                    #[cfg(test)]\nuse e;\nf();\n#[cfg(test)]\nfn g(h: [u8; 2]) {}\ni();";
        let product = without_tests(text);
        assert_eq!(product.split_whitespace().collect::<String>(), "a();d();f();i();");
        assert_eq!(product.lines().count(), text.lines().count());
    }

    #[test]
    fn words_are_whole() {
        assert_eq!(word_places("fn a fn_b cfn (fn) ŵfn", "fn"), [0, 15]);
    }
}
