//! Single fields of a webhook, each judged for itself.

use serde_json::Value;
use tidings_core::{
    event::JsonObject,
    limits::{
        HEADER_NAME_BYTES_MAX, HEADER_VALUE_BYTES_MAX, VARIABLES_BYTES_MAX, WEBHOOK_HEADERS_MAX,
        WEBHOOK_NAME_CHARACTERS_MAX, WEBHOOK_TRIGGERS_MAX,
    },
    source::SourceInfo,
    trigger::TriggerName,
};
use tidings_query::QueryProblem;

use crate::webhook_input::HeaderInput;

/// Headers that the delivery sets, or that would change how the request is read.
const RESERVED: [&str; 20] = [
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "accept-ranges",
    "connection",
    "date",
    "expect",
    "forwarded",
    "host",
    "http2-settings",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
    "x-signature",
    "x-http-method-override",
];
/// Families of such headers.
const RESERVED_STARTS: [&str; 4] = ["content-", "proxy-", "webhook-", "sec-"];

/// Whether a text can be a webhook's name.
pub(super) fn name(text: &str) -> Result<(), String> {
    let length = text.chars().count();
    let max = WEBHOOK_NAME_CHARACTERS_MAX;
    if text.trim().is_empty() {
        return Err(format!("the name is empty: write 1 to {max} characters"));
    }
    if length > max {
        return Err(format!("the name has {length} characters: write at most {max}"));
    }
    if text.chars().any(char::is_control) {
        return Err("the name contains a control character: leave it out".to_owned());
    }
    Ok(())
}

/// The triggers of a webhook, and what is wrong with them.
pub(super) fn triggers(
    texts: &[String],
    source: Option<&SourceInfo>,
) -> (Vec<TriggerName>, Vec<QueryProblem>) {
    let max = WEBHOOK_TRIGGERS_MAX;
    if texts.is_empty() || texts.len() > max {
        let message = format!("{} triggers: write 1 to {max}", texts.len());
        return (Vec::new(), vec![QueryProblem::new("/input/triggers", message)]);
    }
    let mut triggers: Vec<TriggerName> = Vec::with_capacity(texts.len());
    let mut problems = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        let path = format!("/input/triggers/{index}");
        match text.parse::<TriggerName>() {
            Err(error) => problems.push(QueryProblem::new(path, error.to_string())),
            Ok(name) if triggers.contains(&name) => {
                let message = format!("{name} is there twice: leave one out");
                problems.push(QueryProblem::new(path, message));
            }
            Ok(name) => {
                if let Some(info) = source.filter(|info| !is_heard(info, &name)) {
                    let message = format!(
                        "the source `{}` does not fire {name}: getTriggers lists what it fires",
                        info.name
                    );
                    problems.push(QueryProblem::new(path, message));
                }
                triggers.push(name);
            }
        }
    }
    (triggers, problems)
}

fn is_heard(info: &SourceInfo, name: &TriggerName) -> bool {
    info.triggers.has(name) || info.aliases.iter().any(|alias| alias.heard_as == *name)
}

/// The variables of a webhook.
pub(super) fn variables(value: Value) -> Result<JsonObject, String> {
    let Value::Object(variables) = value else {
        return Err("variables are an object: its keys are the names of variables".to_owned());
    };
    let bytes = serde_json::to_string(&variables).map_or(usize::MAX, |text| text.len());
    if bytes > VARIABLES_BYTES_MAX {
        return Err(format!(
            "the variables have {bytes} bytes as JSON: at most {VARIABLES_BYTES_MAX}"
        ));
    }
    Ok(variables)
}

/// The headers of a webhook, their names in lower case, and what is wrong with them.
pub(super) fn headers(inputs: &[HeaderInput]) -> (Vec<(String, String)>, Vec<QueryProblem>) {
    if inputs.len() > WEBHOOK_HEADERS_MAX {
        let message = format!("{} headers: write at most {WEBHOOK_HEADERS_MAX}", inputs.len());
        return (Vec::new(), vec![QueryProblem::new("/input/headers", message)]);
    }
    let mut headers: Vec<(String, String)> = Vec::with_capacity(inputs.len());
    let mut problems = Vec::new();
    for (index, input) in inputs.iter().enumerate() {
        let name = input.name.to_ascii_lowercase();
        let mut fault = |member: &str, message: String| {
            problems.push(QueryProblem::new(format!("/input/headers/{index}/{member}"), message));
        };
        if let Err(message) = header_name(&name) {
            fault("name", message);
        } else if headers.iter().any(|(known, _)| *known == name) {
            fault("name", format!("`{name}` is there twice: leave one out"));
        }
        if let Err(message) = header_value(&input.value) {
            fault("value", message);
        }
        headers.push((name, input.value.clone()));
    }
    (headers, problems)
}

/// A header's name: a token (RFC 9110, section 5.6.2) that is free to be set.
fn header_name(name: &str) -> Result<(), String> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || name.len() > HEADER_NAME_BYTES_MAX || !name.bytes().all(is_token) {
        let max = HEADER_NAME_BYTES_MAX;
        return Err(format!(
            "this is not a header's name: write 1 to {max} letters, digits or `-`, as in X-Api-Key"
        ));
    }
    let is_reserved =
        RESERVED.contains(&name) || RESERVED_STARTS.iter().any(|start| name.starts_with(start));
    if is_reserved {
        return Err(format!("`{name}` is set by the delivery itself: choose another name"));
    }
    Ok(())
}

/// A header's value: visible ASCII, with spaces and tabs only inside. It is a secret, and so no
/// part of the message.
fn header_value(value: &str) -> Result<(), String> {
    if value.len() > HEADER_VALUE_BYTES_MAX {
        let max = HEADER_VALUE_BYTES_MAX;
        return Err(format!("the value has {} bytes: at most {max}", value.len()));
    }
    let is_kept = |byte: u8| byte.is_ascii_graphic() || matches!(byte, b' ' | b'\t');
    if !value.bytes().all(is_kept) {
        return Err(
            "the value has a line break, a control character or a character beyond ASCII: leave it \
             out, or encode it"
                .to_owned(),
        );
    }
    if value.trim_matches([' ', '\t']) != value {
        return Err("the value begins or ends with a space: leave it out".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_header(name: &str, value: &str, expected: &[&str]) {
        let input = HeaderInput { name: name.to_owned(), value: value.to_owned() };
        let (_, problems) = headers(&[input]);
        let paths: Vec<&str> = problems.iter().map(|problem| problem.path.as_str()).collect();
        assert_eq!(paths, expected, "{name:?}: {value:?}");
    }

    #[test]
    fn a_header_is_a_free_name_and_visible_ascii() {
        let (name, value) = (&["/input/headers/0/name"], &["/input/headers/0/value"]);
        for free in ["X-Api-Key", "Authorization", "Cookie", "x_1", "!#$%&'*+-.^_`|~"] {
            check_header(free, "Bearer a b", &[]);
        }
        for reserved in [
            "Host",
            "content-type",
            "Content-Length",
            "TRANSFER-ENCODING",
            "connection",
            "te",
            "User-Agent",
            "accept",
            "x-signature",
            "Webhook-Id",
            "upgrade",
            "trailer",
            "expect",
            "proxy-authorization",
            "keep-alive",
        ] {
            check_header(reserved, "x", name);
        }
        for odd in ["", "X-A\r\nHost: x", "X A", "X:A", "Ü", "X\u{0}", &"x".repeat(129)] {
            check_header(odd, "x", name);
        }
        for odd in ["a\r\nHost: x", "a\nb", "a\u{0}", "ü", " a", "a ", &"x".repeat(100_000)] {
            check_header("X-A", odd, value);
        }
        check_header("X-A", "", &[]);
    }

    #[test]
    fn a_header_is_there_once_and_no_message_shows_a_value() {
        let twice = ["X-A", "x-a"]
            .map(|name| HeaderInput { name: name.to_owned(), value: "canary\n".to_owned() });
        let (_, problems) = headers(&twice);
        assert_eq!(problems.len(), 3);
        assert!(problems.iter().all(|problem| !problem.message.contains("canary")));
        let many = vec![HeaderInput { name: "a".into(), value: "b".into() }; 17];
        assert_eq!(headers(&many).1[0].path, "/input/headers");
    }

    #[test]
    fn a_name_is_1_to_200_characters() {
        for text in ["a", "Größe 5 ✓", &"ü".repeat(200)] {
            assert_eq!(name(text), Ok(()), "{text}");
        }
        for text in ["", "  ", "a\nb", "a\u{1b}[0m", &"ü".repeat(201)] {
            assert!(name(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn variables_are_an_object_of_16_kib() {
        assert!(variables(serde_json::json!({ "a": 1 })).is_ok());
        assert!(variables(serde_json::json!([])).is_err());
        assert!(variables(serde_json::json!({ "a": "x".repeat(16 * 1024) })).is_err());
    }
}
