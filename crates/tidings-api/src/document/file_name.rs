//! What a document's file is called where it is saved: its title, without what a file system or a
//! person could be fooled by.

/// Characters of a name, without its end.
const CHARACTERS_MAX: usize = 100;
/// What Windows keeps for devices.
const DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];

/// The name of a file with this title; `end` is what its type's files end in.
pub fn of(title: &str, end: Option<&str>) -> String {
    let kept: String = title.chars().map(kept).take(CHARACTERS_MAX).collect();
    let mut name = kept.trim_matches(|c: char| c == '.' || c.is_whitespace()).to_owned();
    if name.is_empty() {
        "document".clone_into(&mut name);
    }
    if is_device(&name) {
        name.insert(0, '_');
    }
    match end {
        Some(end) if !ends_in(&name, end) => format!("{name}.{end}"),
        _ => name,
    }
}

fn kept(character: char) -> char {
    // Marks that turn the direction of writing hide the end of a name, others cannot be seen.
    let is_hidden = matches!(
        character,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
    );
    if is_hidden || character.is_control() || r#"/\:*?"<>|"#.contains(character) {
        return '_';
    }
    character
}

fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_ascii_lowercase();
    let is_port = |prefix: &str| {
        stem.strip_prefix(prefix)
            .is_some_and(|number| number.len() == 1 && number.bytes().all(|b| b.is_ascii_digit()))
    };
    DEVICES.contains(&stem.as_str()) || is_port("com") || is_port("lpt")
}

fn ends_in(name: &str, end: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, last)| last.eq_ignore_ascii_case(end))
}

/// The name as RFC 8187 writes it.
pub fn encoded(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_becomes_a_name_that_fools_nobody() {
        for (title, end, name) in [
            ("Bill of February", Some("pdf"), "Bill of February.pdf"),
            ("Bill.PDF", Some("pdf"), "Bill.PDF"),
            ("Bill", None, "Bill"),
            ("../../etc/passwd", None, "_.._etc_passwd"),
            ("a\r\nSet-Cookie: b", None, "a__Set-Cookie_ b"),
            ("bill\u{202e}fdp.exe", Some("pdf"), "bill_fdp.exe.pdf"),
            (" ... ", Some("txt"), "document.txt"),
            ("", None, "document"),
            ("con", Some("txt"), "_con.txt"),
            ("LPT1.a", None, "_LPT1.a"),
            ("Contract", None, "Contract"),
        ] {
            assert_eq!(of(title, end), name, "{title:?}");
        }
        assert_eq!(of(&"é".repeat(300), None).chars().count(), CHARACTERS_MAX);
    }

    #[test]
    fn a_name_is_written_in_ascii() {
        assert_eq!(encoded("Bil Chwefror £5.pdf"), "Bil%20Chwefror%20%C2%A35.pdf");
        assert_eq!(encoded("a'b\"c;d%e*"), "a%27b%22c%3Bd%25e%2A");
    }
}
