//! JSON as the front door reads it: everything that is ambiguous or could be lost on the way is
//! refused, with its place.
//!
//!   bytes ─► UTF-8, no byte order mark ─► nesting and numbers (one look, no recursion)
//!      ─► serde, each key once ─► Value

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};
use tidings_core::limits::JSON_DEPTH_MAX;

/// Significant digits that a number with a fraction keeps on its way through.
const DIGITS_MAX: usize = 17;

/// Why bytes are not the JSON that is read here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JsonFault {
    /// The byte at which it shows, from 0.
    pub offset: usize,
    /// What is wrong.
    pub what: String,
}

/// Reads a JSON value.
///
/// # Errors
/// [`JsonFault`] for anything but one JSON text (RFC 8259) in UTF-8 without byte order mark, nested
/// at most [`JSON_DEPTH_MAX`] deep, with no key twice and no number that would change on its way.
pub fn parse(bytes: &[u8]) -> Result<Value, JsonFault> {
    let fault = |offset, what: &str| Err(JsonFault { offset, what: what.to_owned() });
    if bytes.starts_with(b"\xEF\xBB\xBF") {
        return fault(0, "a byte order mark");
    }
    if let Err(error) = std::str::from_utf8(bytes) {
        return fault(error.valid_up_to(), "bytes that are not UTF-8");
    }
    look(bytes)?;
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = Strict.deserialize(&mut deserializer);
    let value = value.and_then(|value| deserializer.end().map(|()| value));
    value.map_err(|error| explain(bytes, &error))
}

fn explain(bytes: &[u8], error: &serde_json::Error) -> JsonFault {
    let line_start = match error.line() {
        0 | 1 => 0,
        line => {
            let mut ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
            ends.nth(line - 2).map_or(0, |(place, _)| place + 1)
        }
    };
    let offset = if error.is_eof() {
        bytes.len()
    } else {
        (line_start + error.column().saturating_sub(1)).min(bytes.len())
    };
    let text = error.to_string();
    let what = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what);
    JsonFault { offset, what: what.to_owned() }
}

/// Looks at nesting and numbers without recursion, so that what follows may recurse.
fn look(bytes: &[u8]) -> Result<(), JsonFault> {
    let mut depth = 0_usize;
    let mut place = 0;
    while let Some(byte) = bytes.get(place) {
        match byte {
            b'"' => place = end_of_string(bytes, place),
            b'[' | b'{' => {
                depth += 1;
                if depth > JSON_DEPTH_MAX {
                    let what = format!("nesting deeper than {JSON_DEPTH_MAX}");
                    return Err(JsonFault { offset: place, what });
                }
                place += 1;
            }
            b']' | b'}' => {
                depth = depth.saturating_sub(1);
                place += 1;
            }
            b'-' | b'0'..=b'9' => {
                let end = end_of_number(bytes, place);
                if !is_kept(&bytes[place..end]) {
                    let what = "a number that would lose digits (send it as a string)".to_owned();
                    return Err(JsonFault { offset: place, what });
                }
                place = end;
            }
            _ => place += 1,
        }
    }
    Ok(())
}

fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let mut place = start + 1;
    while let Some(byte) = bytes.get(place) {
        match byte {
            b'\\' => place += 2,
            b'"' => return place + 1,
            _ => place += 1,
        }
    }
    bytes.len()
}

fn end_of_number(bytes: &[u8], start: usize) -> usize {
    let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
    bytes[start..].iter().position(|byte| !is_part(byte)).map_or(bytes.len(), |n| start + n)
}

/// Whether a number comes out as it went in. What is no number at all is left to the parser.
fn is_kept(number: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(number) else { return true };
    if !text.contains(['.', 'e', 'E']) {
        return text.len() <= 20 && (text.parse::<i64>().is_ok() || text.parse::<u64>().is_ok());
    }
    let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.trim_start_matches('0');
    let number = text.parse::<f64>().unwrap_or(0.0);
    // Too large becomes infinite, too small becomes nothing.
    let is_lost = number.is_infinite() || (number == 0.0 && !digits.is_empty());
    digits.len() <= DIGITS_MAX && !is_lost
}

/// Builds a value and refuses a key that is there twice.
struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(Strict)? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(Key(key)) = members.next_key()? {
            if object.contains_key(&key) {
                let shown: String = key.chars().take(64).collect();
                return Err(A::Error::custom(format!("the key {shown:?} a second time")));
            }
            object.insert(key, members.next_value_seed(Strict)?);
        }
        Ok(Value::Object(object))
    }
}

#[derive(Deserialize)]
struct Key(String);

#[cfg(test)]
mod tests {
    use super::*;

    fn check_refused(bytes: &[u8], offset: usize, what: &str) {
        let fault = parse(bytes).unwrap_err();
        assert!(fault.what.contains(what), "{}: {fault:?}", String::from_utf8_lossy(bytes));
        assert_eq!(fault.offset, offset, "{}: {fault:?}", String::from_utf8_lossy(bytes));
    }

    #[test]
    fn what_is_no_json_is_refused_with_its_place() {
        check_refused(b"\xEF\xBB\xBF{}", 0, "byte order mark");
        check_refused(b"{\"a\":\"\xff\"}", 6, "UTF-8");
        check_refused(br#"{"a":NaN}"#, 5, "expected value");
        check_refused(br#"{"a":"\ud800"}"#, 12, "hex escape");
        check_refused(br#"{"a":"\ud800x"}"#, 12, "hex escape");
        check_refused(br#"{"a":1,"a":2}"#, 9, "second time");
        check_refused(b"{\n\"a\":1,\n\"b\":x}", 13, "expected value");
        check_refused(b"{} x", 3, "trailing");
        check_refused(b"", 0, "EOF");
        check_refused(br#"{"a": 01}"#, 7, "number");
        check_refused(b"[1,]", 3, "trailing comma");
    }

    #[test]
    fn what_is_too_much_is_refused_without_recursion() {
        check_refused(&[b'['; 100_000], 64, "nesting");
        check_refused("{\"a\":".repeat(100_000).as_bytes(), 320, "nesting");
        check_refused("9".repeat(1_000_000).as_bytes(), 0, "lose digits");
        check_refused(b"[0.12345678901234567890]", 1, "lose digits");
        check_refused(b"18446744073709551616", 0, "lose digits");
        check_refused(b"[1e999]", 1, "lose digits");
        check_refused(b"[1.5e-999]", 1, "lose digits");
    }

    #[test]
    fn what_is_taken_comes_out_as_it_went_in() {
        let text = r#"{"z":1,"a":[-1,1.5,true,null,"\u0000\"ü"],"n":18446744073709551615,"e":1.0}"#;
        let value = parse(text.as_bytes()).unwrap();
        assert_eq!(value.to_string(), text);
        let deep = format!("{}{}", "[".repeat(64), "]".repeat(64));
        assert_eq!(parse(deep.as_bytes()).unwrap().to_string(), deep);
    }
}
