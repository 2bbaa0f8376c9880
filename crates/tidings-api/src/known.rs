//! Which answers a client has, as `If-None-Match` says (RFC 9110, section 13.1.2).

use http::{HeaderMap, header};

/// Which answers the client has.
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Known {
    /// Any at all.
    Any,
    /// Those with these tags, each with its quotation marks.
    Tags(Vec<String>),
}

impl Known {
    /// Reads the header. Weak tags count as the strong ones, since the comparison is the weak one.
    /// What comes behind something that is no tag is not read.
    pub(crate) fn of(headers: &HeaderMap) -> Known {
        let mut tags = Vec::new();
        for value in headers.get_all(header::IF_NONE_MATCH) {
            let Ok(mut rest) = value.to_str() else { continue };
            if rest.trim() == "*" {
                return Known::Any;
            }
            loop {
                rest = rest.trim_start_matches([' ', '\t', ',']);
                let opaque = rest.strip_prefix("W/").unwrap_or(rest);
                let Some(end) = opaque.strip_prefix('"').and_then(|inner| inner.find('"')) else {
                    break;
                };
                let (tag, behind) = opaque.split_at(end + 2);
                tags.push(tag.to_owned());
                rest = behind;
            }
        }
        Known::Tags(tags)
    }

    /// Whether the answer with this tag is among them.
    pub(crate) fn has(&self, tag: &str) -> bool {
        match self {
            Known::Any => true,
            Known::Tags(tags) => tags.iter().any(|known| known == tag),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn check(values: &[&'static str], expected: &[&str]) {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::IF_NONE_MATCH, HeaderValue::from_static(value));
        }
        let expected = expected.iter().map(|&tag| tag.to_owned()).collect();
        assert_eq!(Known::of(&headers), Known::Tags(expected), "{values:?}");
    }

    #[test]
    fn tags_are_read_from_lists_weak_or_strong_and_with_what_stands_in_them() {
        check(&[], &[]);
        check(&["\"a\""], &["\"a\""]);
        check(&["W/\"a\""], &["\"a\""]);
        check(&["\"a\" , W/\"b,c\",,\"\""], &["\"a\"", "\"b,c\"", "\"\""]);
        check(&["\"a\"", "\"b\""], &["\"a\"", "\"b\""]);
    }

    #[test]
    fn what_is_no_tag_is_none() {
        for value in ["", "a", "\"a", "w/\"a\"", "W/ \"a\"", "*a", "W/*", "\""] {
            check(&[value], &[]);
        }
        check(&["\"a\", b, \"c\""], &["\"a\""]);
    }

    #[test]
    fn a_star_is_any_answer() {
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_NONE_MATCH, HeaderValue::from_static(" * "));
        assert_eq!(Known::of(&headers), Known::Any);
    }

    #[test]
    fn a_version_is_known_by_its_tag_strong_weak_or_among_others() {
        for (sent, known) in [
            (vec!["\"abc\""], true),
            (vec!["W/\"abc\""], true),
            (vec!["\"x\", \"abc\""], true),
            (vec!["\"x\"", "\"abc\""], true),
            (vec!["*"], true),
            (vec!["\"ab\""], false),
            (vec!["\"abcd\""], false),
            (vec!["abc"], false),
            (vec![""], false),
            (vec![], false),
        ] {
            let mut headers = HeaderMap::new();
            for value in &sent {
                headers.append(header::IF_NONE_MATCH, HeaderValue::from_static(value));
            }
            assert_eq!(Known::of(&headers).has("\"abc\""), known, "{sent:?}");
        }
    }
}
