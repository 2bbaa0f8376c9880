//! Why a command did not do what it should: one line for people and the exit code.

use std::fmt;

/// One line that says what is wrong and what to do, with the exit code that goes with it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    text: String,
    code: u8,
}

impl Failure {
    /// The command was understood and could not be done: exit code 1.
    pub fn new(text: impl Into<String>) -> Failure {
        Failure { text: text.into(), code: 1 }
    }

    /// The command line or the configuration is wrong: exit code 2.
    pub fn usage(text: impl Into<String>) -> Failure {
        Failure { text: text.into(), code: 2 }
    }

    /// The same, where a field of the input is no option but an argument of the command, as
    /// `<NAME>` is in `tidings application add <NAME>`.
    pub fn naming_argument(mut self, option: &str, argument: &str) -> Failure {
        self.text = self.text.replace(&format!("{option}: "), &format!("{argument}: "));
        self
    }

    /// The exit code.
    pub fn code(&self) -> u8 {
        self.code
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&one_line(&self.text))
    }
}

/// Puts a text on one line: runs of white space become one space, other control characters are
/// escaped so that a hostile text cannot steer a terminal.
pub fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    escape_controls(&words.join(" "))
}

/// Escapes control characters and those that change the direction of writing.
pub fn escape_controls(text: &str) -> String {
    if !text.chars().any(steers) {
        return text.to_owned();
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        if steers(letter) {
            escaped.extend(letter.escape_unicode());
        } else {
            escaped.push(letter);
        }
    }
    escaped
}

fn steers(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}')
        || matches!(letter, '\u{2066}'..='\u{2069}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_one_line_that_steers_no_terminal() {
        let failure = Failure::new("first\n  second \u{1b}[31mred\u{202E}");
        assert_eq!(failure.to_string(), "first second \\u{1b}[31mred\\u{202e}");
        assert_eq!((failure.code(), Failure::usage("x").code()), (1, 2));
    }
}
