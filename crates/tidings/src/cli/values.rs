//! Values of options: `@FILE`, JSON, and pairs.

use serde_json::{Map, Value};
use tidings_core::time::Wall;

use crate::failure::Failure;

/// No value that the API takes is longer.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// The text itself or, for `@FILE`, what the file holds without its last line break.
pub fn from_file(option: &str, text: &str) -> Result<String, Failure> {
    let Some(path) = text.strip_prefix('@') else { return Ok(text.to_owned()) };
    let wrong = |why: String| Failure::usage(format!("--{option}: {path}: {why}"));
    let about = std::fs::metadata(path)
        .map_err(|error| wrong(format!("{error}: name a file that can be read")))?;
    if about.len() > FILE_BYTES_MAX {
        return Err(wrong("the file is over 1 MiB: nothing that long is taken".to_owned()));
    }
    let text = std::fs::read_to_string(path)
        .map_err(|error| wrong(format!("{error}: name a text file")))?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    Ok(text.strip_suffix('\r').unwrap_or(text).to_owned())
}

/// A JSON object, also from a file.
pub fn json_value(option: &str, text: &str) -> Result<Value, Failure> {
    let text = from_file(option, text)?;
    let wrong = |why: String| Failure::usage(format!("--{option}: {why}: write a JSON object"));
    let value: Value = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    if value.is_object() { Ok(value) } else { Err(wrong("this is not an object".to_owned())) }
}

/// A list whose items are `FIRST=SECOND`, or JSON objects; the names are those of the API's
/// fields.
pub fn list_items(
    option: &str,
    items: &[String],
    first: &str,
    second: &str,
) -> Result<Vec<Value>, Failure> {
    let mut values = Vec::with_capacity(items.len());
    for item in items {
        let item = from_file(option, item)?;
        if item.trim_start().starts_with('{') {
            values.push(json_value(option, &item)?);
            continue;
        }
        let Some((name, value)) = item.split_once('=') else {
            return Err(Failure::usage(format!(
                "--{option}: write {}=VALUE; to take VALUE from a file, {}=@FILE",
                first.to_uppercase(),
                first.to_uppercase()
            )));
        };
        let mut object = Map::new();
        object.insert(first.to_owned(), name.trim().into());
        object.insert(second.to_owned(), from_file(option, value)?.into());
        values.push(Value::Object(object));
    }
    Ok(values)
}

pub(super) const CLIENT_TYPE: [&str; 2] = ["CONFIDENTIAL", "PUBLIC"];
pub(super) const ACCESS_LEVEL: [&str; 3] = ["QUICK_CHECK", "FULL_CHECK", "FULL_CHECK_ONGOING"];
pub(super) const SECTOR: [&str; 7] =
    ["ENERGY", "WATER", "BROADBAND", "MOBILE", "TV", "INSURANCE", "OTHER"];
pub(super) const SUCCESS: [&str; 2] = ["ONLY_200", "ANY_2XX"];
pub(super) const PAYLOAD_MODE: [&str; 2] = ["FROZEN", "FRESH"];
pub(super) const WEBHOOK_STATUS: [&str; 4] = ["ACTIVE", "PAUSED", "HELD", "DISABLED"];
pub(super) const DELIVERY_STATE: [&str; 7] =
    ["PENDING", "LEASED", "HELD", "DELIVERED", "SUPPRESSED", "EXHAUSTED", "CANCELLED"];
const ERROR_ACTION: [&str; 4] = ["DELIVER", "RETRY", "HOLD", "DROP"];

/// Reads one of the values of an enum of the API, however it was typed: `any-2xx` is `ANY_2XX`.
pub(super) fn one_of(
    allowed: &'static [&'static str],
) -> impl Fn(&str) -> Result<String, String> + Clone + Send + Sync + 'static {
    move |text: &str| {
        let value = text.to_uppercase().replace('-', "_");
        match allowed.contains(&value.as_str()) {
            true => Ok(value),
            false => Err(format!("write one of {}", allowed.join(", "))),
        }
    }
}

/// `CODE=ACTION` with an action that there is. An object and a file are the API's to judge.
pub(super) fn error_rule(text: &str) -> Result<String, String> {
    match text.split_once('=') {
        Some((code, action)) if !text.starts_with(['{', '@']) && !action.starts_with('@') => {
            one_of(&ERROR_ACTION)(action.trim()).map(|action| format!("{code}={action}"))
        }
        _ => Ok(text.to_owned()),
    }
}

/// A date with its time, as the API takes it.
pub(super) fn date(text: &str) -> Result<String, String> {
    match Wall::parse(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err("write a date with its time, as 2021-02-17T08:48:47Z".to_owned()),
    }
}

/// A part of all: 0 to 1.
pub(super) fn part(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(part) if (0.0..=1.0).contains(&part) => Ok(part),
        _ => Err("write a number from 0 to 1, as in 0.25".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_read_from_a_file_without_its_last_line_break() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        std::fs::write(&path, "two\nlines\r\n").unwrap();
        let named = format!("@{}", path.display());
        assert_eq!(from_file("key", &named).unwrap(), "two\nlines");
        assert_eq!(from_file("key", "plain").unwrap(), "plain");
        let missing = from_file("key", "@nowhere/at/all").unwrap_err();
        assert!(missing.to_string().starts_with("--key: nowhere/at/all"), "{missing}");
        assert_eq!(missing.code(), 2);
    }

    #[test]
    fn items_of_a_list_are_pairs_or_objects() {
        let items = ["X-Team=a=b".to_owned(), r#"{"name":"y","value":"z"}"#.to_owned()];
        let values = list_items("headers", &items, "name", "value").unwrap();
        assert_eq!(values[0], serde_json::json!({"name": "X-Team", "value": "a=b"}));
        assert_eq!(values[1], serde_json::json!({"name": "y", "value": "z"}));
        assert!(list_items("headers", &["x".to_owned()], "name", "value").is_err());
        assert!(list_items("headers", &["{".to_owned()], "name", "value").is_err());
    }
}
