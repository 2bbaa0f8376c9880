//! What a source answered: `data` as the bytes that it sent, and the errors beside it.
//!
//! ```text
//! bytes ─► not too many ─► nested not too deeply (counted) ─► JSON ─► GraphqlResponse
//! ```

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use tidings_core::ids::EntityId;

use crate::limits::{RESPONSE_BYTES_MAX, RESPONSE_NESTING_MAX};
use crate::problem::excerpt;

/// How much of an answer is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResponseLimits {
    /// Bytes of the body.
    pub bytes_max: usize,
    /// Arrays and objects inside one another; more than [`RESPONSE_NESTING_MAX`] counts as that.
    pub nesting_max: usize,
}

impl ResponseLimits {
    /// What holds where nothing else is set.
    pub const STANDARD: ResponseLimits =
        ResponseLimits { bytes_max: RESPONSE_BYTES_MAX, nesting_max: RESPONSE_NESTING_MAX };
}

/// An answer by the GraphQL specification, section 7.1.
#[derive(Clone, Debug)]
pub struct GraphqlResponse {
    /// The object of `data`, byte for byte. `null` and absent are both `None`.
    pub data: Option<Box<RawValue>>,
    /// The errors in their order; none when all went well.
    pub errors: Vec<GraphqlError>,
    /// The people and accounts that the answer tells of, where the source knows: when one of them
    /// is deleted, what was made of the answer is erased.
    pub subjects: Vec<EntityId>,
}

/// One error of an answer.
#[derive(Clone, Debug)]
pub struct GraphqlError {
    /// Its `message`, or words that say that it has none.
    pub message: String,
    /// Its `extensions.code`, where that is a string.
    pub code: Option<String>,
    /// The whole error, byte for byte.
    pub raw: Box<RawValue>,
}

/// Why a body is not an answer.
#[derive(Debug, thiserror::Error)]
pub enum ResponseError {
    /// It is larger than is read.
    #[error("the source's answer has {bytes} bytes, bytes_max is {bytes_max}: ask for less")]
    TooLarge {
        /// Bytes of the body.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// It is nested deeper than is read.
    #[error("the source's answer is nested deeper than nesting_max, which is {nesting_max}")]
    TooDeep {
        /// The limit.
        nesting_max: usize,
    },
    /// It is not JSON.
    #[error("the source's answer is not JSON ({why}); it begins with `{start}`")]
    NotJson {
        /// What the JSON parser says.
        why: String,
        /// The first characters of the body.
        start: String,
    },
    /// It is JSON and not a GraphQL response.
    #[error("the source's answer is not a GraphQL response: {why}")]
    NotGraphql {
        /// What is wrong with it.
        why: &'static str,
    },
}

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    data: Option<Box<RawValue>>,
    #[serde(default)]
    errors: Option<Box<RawValue>>,
}

/// Reads the body of a source's answer.
///
/// # Errors
/// See [`ResponseError`]. An answer that has only errors is an answer.
pub fn read_response(
    bytes: &[u8],
    limits: ResponseLimits,
) -> Result<GraphqlResponse, ResponseError> {
    if bytes.len() > limits.bytes_max {
        let bytes_max = limits.bytes_max;
        return Err(ResponseError::TooLarge { bytes: bytes.len(), bytes_max });
    }
    let nesting_max = limits.nesting_max.min(RESPONSE_NESTING_MAX);
    if is_nested_deeper(bytes, nesting_max) {
        return Err(ResponseError::TooDeep { nesting_max });
    }
    let body = read_body(bytes)?;
    let errors = match body.errors {
        None => Vec::new(),
        Some(raw) => serde_json::from_str::<Vec<Box<RawValue>>>(raw.get())
            .map_err(|_| ResponseError::NotGraphql { why: "`errors` is not an array" })?,
    };
    let errors = errors.into_iter().map(read_error).collect::<Result<Vec<_>, _>>()?;
    match &body.data {
        None if errors.is_empty() => {
            Err(ResponseError::NotGraphql { why: "it has neither `data` nor `errors`" })
        }
        Some(data) if !data.get().starts_with('{') => {
            Err(ResponseError::NotGraphql { why: "`data` is neither an object nor null" })
        }
        _ => Ok(GraphqlResponse { data: body.data, errors, subjects: Vec::new() }),
    }
}

fn read_body(bytes: &[u8]) -> Result<Body, ResponseError> {
    const NOT_AN_OBJECT: ResponseError = ResponseError::NotGraphql { why: "it is not an object" };
    let is_object = bytes.trim_ascii_start().starts_with(b"{");
    let body = serde_json::from_slice(bytes).map_err(|error| {
        if error.is_data() {
            let twice = ResponseError::NotGraphql { why: "`data` or `errors` is there twice" };
            return if is_object { twice } else { NOT_AN_OBJECT };
        }
        const START_BYTES: usize = 240;
        let start = &bytes[..bytes.len().min(START_BYTES)];
        ResponseError::NotJson {
            why: error.to_string(),
            start: excerpt(&String::from_utf8_lossy(start)),
        }
    })?;
    // An array would do for the struct too, as its fields in order.
    if is_object { Ok(body) } else { Err(NOT_AN_OBJECT) }
}

fn read_error(raw: Box<RawValue>) -> Result<GraphqlError, ResponseError> {
    let Ok(Value::Object(error)) = serde_json::from_str(raw.get()) else {
        return Err(ResponseError::NotGraphql { why: "an error is not an object" });
    };
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let message = text(error.get("message"))
        .unwrap_or_else(|| "the source gave an error without a message".to_owned());
    let code = text(error.get("extensions").and_then(|extensions| extensions.get("code")));
    Ok(GraphqlError { message, code, raw })
}

/// Counts brackets outside strings. It need not know whether the text is JSON: what it lets pass
/// cannot nest deeper than it counted.
fn is_nested_deeper(bytes: &[u8], nesting_max: usize) -> bool {
    let mut open = 0_usize;
    let mut in_string = false;
    let mut escaped = false;
    for byte in bytes {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => open += 1,
            b'}' | b']' => open = open.saturating_sub(1),
            _ => {}
        }
        if open > nesting_max {
            return true;
        }
    }
    false
}
