//! What an adapter says goes to the log and to people, and it may repeat what it was given.

use super::protocol::Credential;

/// What stands for a credential.
const HIDDEN: &str = "…";
/// Shorter values are found everywhere, and tell nothing where they are.
const CHARACTERS_MIN: usize = 4;
/// A value of so many letters is no word of a sentence. A shorter one of letters alone may be, and
/// to hide it there would tell that it is the secret: it is hidden where it stands in quotes.
const LETTERS_MIN: usize = 12;

/// The text without the credentials, also where one is quoted as Rust quotes, or was cut off with
/// the end of the text.
pub(crate) fn without(text: &str, credentials: &[Credential]) -> String {
    let mut values: Vec<&str> = credentials.iter().map(|it| it.value.as_str()).collect();
    values.retain(|value| value.chars().count() >= CHARACTERS_MIN);
    // One may be a part of another.
    values.sort_by_key(|value| std::cmp::Reverse(value.len()));
    let mut text = text.to_owned();
    for value in values {
        let quoted = format!("{value:?}");
        if !is_told_apart(value) {
            text = text.replace(&quoted, &format!("\"{HIDDEN}\""));
            text = text.replace(&format!("`{value}`"), &format!("`{HIDDEN}`"));
            continue;
        }
        for form in [value, &quoted[1..quoted.len() - 1]] {
            text = text.replace(form, HIDDEN);
            if let Some(whole) = cut_off(&text, form) {
                text.truncate(whole);
                text.push_str(HIDDEN);
            }
        }
    }
    text
}

fn is_told_apart(value: &str) -> bool {
    value.chars().count() >= LETTERS_MIN || !value.chars().all(char::is_alphabetic)
}

/// Where the beginning of the value begins that the text ends with.
fn cut_off(text: &str, value: &str) -> Option<usize> {
    let ends = value.char_indices().skip(CHARACTERS_MIN).map(|(end, _)| end);
    let longest = ends.filter(|end| text.ends_with(&value[..*end])).last()?;
    Some(text.len() - longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, values: &[&str], expected: &str) {
        let of = |value: &&str| Credential { name: "a".to_owned(), value: (*value).to_owned() };
        let credentials: Vec<Credential> = values.iter().map(of).collect();
        assert_eq!(without(text, &credentials), expected);
    }

    #[test]
    fn credentials_that_are_repeated_are_hidden_in_each_form() {
        check("unknown variant `s3cret`, or s3cret", &["s3cret"], "unknown variant `…`, or …");
        check(r#"string "a\"b\nc" came"#, &["a\"b\nc"], "string \"…\" came");
        check(r#"string "it's\"So1" came"#, &["it's\"So1"], "string \"…\" came");
        check("it is s3cr", &["s3cret"], "it is …");
        check("s3cret-long", &["s3cret", "s3cret-long"], "…");
        check("żółty3 klucz", &["żółty3"], "… klucz");
        check("it is correcthorse", &["correcthorsebattery"], "it is …");
    }

    #[test]
    fn what_is_no_credential_stays() {
        check("the status 503", &["s3cret", "5"], "the status 503");
        check("it ends with s3c", &["s3cret"], "it ends with s3c");
        check("The password is wrong", &["wrong"], "The password is wrong");
        check("unknown variant `wrong`", &["wrong"], "unknown variant `…`");
        check("string \"wrong\" came", &["wrong"], "string \"…\" came");
        check("", &["s3cret"], "");
    }
}
