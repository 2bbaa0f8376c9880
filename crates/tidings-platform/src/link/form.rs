//! Parameters of a query or a form, as they came.

use url::form_urlencoded;

/// Parameters that are read; what has more is refused.
const PARAMETERS_MAX: usize = 100;

/// Parameters in their order. Values are never printed.
#[derive(Clone, PartialEq, Eq, Default)]
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads what is written as `application/x-www-form-urlencoded`.
    pub(super) fn read(bytes: &[u8]) -> Form {
        let pairs = form_urlencoded::parse(bytes).take(PARAMETERS_MAX + 1);
        Form(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }

    /// The value of a parameter; an empty one counts as left out (RFC 6749, section 3.1).
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.raw(name).filter(|value| !value.is_empty())
    }

    /// The value of a field as the user left it.
    pub(super) fn raw(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// Whether a parameter stands there twice, which RFC 6749 forbids, or there are too many.
    pub(super) fn is_ambiguous(&self) -> bool {
        let twice = |(index, (name, _)): (usize, &(String, String))| {
            self.0[..index].iter().any(|(earlier, _)| earlier == name)
        };
        self.0.len() > PARAMETERS_MAX || self.0.iter().enumerate().any(twice)
    }
}

/// A URI with more parameters in its query.
pub(super) fn with_parameters(uri: &str, parameters: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(parameters);
    let joint = match uri.split_once('?') {
        None => "?",
        Some((_, "")) => "",
        Some(_) => "&",
    };
    format!("{uri}{joint}{}", query.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_added_to_what_a_uri_has() {
        for (uri, wanted) in [
            ("https://a.example/b", "https://a.example/b?state=x%26y+z"),
            ("https://a.example/b?", "https://a.example/b?state=x%26y+z"),
            ("https://a.example/b?c=d", "https://a.example/b?c=d&state=x%26y+z"),
        ] {
            assert_eq!(with_parameters(uri, &[("state", "x&y z")]), wanted);
        }
    }

    #[test]
    fn a_parameter_that_stands_there_twice_is_seen() {
        assert!(Form::read(b"a=1&b=2&a=3").is_ambiguous());
        assert!(Form::read("a=1&".repeat(101).replace("a=", "").as_bytes()).is_ambiguous());
        let form = Form::read(b"a=1&b=&c=%C5%B5");
        assert!(!form.is_ambiguous());
        assert_eq!((form.get("a"), form.get("b"), form.raw("b")), (Some("1"), None, Some("")));
        assert_eq!(form.get("c"), Some("ŵ"));
    }
}
