//! The two scalars beside GraphQL's own.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use tidings_core::time::Wall;

/// ISO 8601 in UTC with milliseconds, as in `2021-02-17T08:48:47.284Z`. As input any offset will
/// do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct DateTime(pub Wall);

/// A date and time: ISO 8601 in UTC with milliseconds, as in `2021-02-17T08:48:47.284Z`. As input
/// any offset from UTC will do.
#[Scalar(name = "DateTime", specified_by_url = "https://www.rfc-editor.org/rfc/rfc3339")]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(text) => Wall::parse(text).map(DateTime).map_err(InputValueError::custom),
            _ => Err(InputValueError::custom(
                "write a date and time as \"2021-02-17T08:48:47.284Z\"",
            )),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.iso())
    }
}

impl From<Wall> for DateTime {
    fn from(wall: Wall) -> DateTime {
        DateTime(wall)
    }
}

/// Any JSON value, its keys in their order.
#[derive(Clone, PartialEq, Debug)]
pub struct Json(pub serde_json::Value);

/// Any JSON value. The keys of objects keep their order.
#[Scalar(name = "JSON", specified_by_url = "https://www.rfc-editor.org/rfc/rfc8259")]
impl ScalarType for Json {
    fn parse(value: Value) -> InputValueResult<Self> {
        value.into_json().map(Json).map_err(InputValueError::custom)
    }

    fn to_value(&self) -> Value {
        Value::from_json(self.0.clone()).expect("what is JSON is a GraphQL value as well")
    }
}
