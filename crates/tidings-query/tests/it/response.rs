//! What a source may answer.

use proptest::prelude::*;
use tidings_query::{GraphqlResponse, ResponseError, ResponseLimits, read_response};

fn read(body: &str) -> Result<GraphqlResponse, ResponseError> {
    read_response(body.as_bytes(), ResponseLimits::STANDARD)
}

fn check(body: &str, data: Option<&str>, errors: &[(&str, Option<&str>)]) {
    let response = read(body).unwrap();
    assert_eq!(response.data.as_deref().map(|data| data.get()), data, "{body}");
    let read: Vec<_> =
        response.errors.iter().map(|one| (one.message.as_str(), one.code.as_deref())).collect();
    assert_eq!(read, errors, "{body}");
}

fn check_refused(body: &str, expected: &str) {
    let told = read(body).unwrap_err().to_string();
    assert!(told.contains(expected), "{told}");
}

#[test]
fn data_is_kept_byte_for_byte() {
    check(
        r#" {"data" : {"b":1.50,"a":{ "x" :"é\u00e9"}} } "#,
        Some(r#"{"b":1.50,"a":{ "x" :"é\u00e9"}}"#),
        &[],
    );
    check(r#"{"data":{},"errors":[],"extensions":{"x":1}}"#, Some("{}"), &[]);
    check(
        r#"{"data":{"n":123456789012345678901234567890}}"#,
        Some(r#"{"n":123456789012345678901234567890}"#),
        &[],
    );
}

#[test]
fn errors_are_read_with_and_without_data() {
    check(
        r#"{"errors":[{"message":"a","extensions":{"code":"X"}},{"message":"b"}],"data":null}"#,
        None,
        &[("a", Some("X")), ("b", None)],
    );
    check(
        r#"{"errors":[{"message":"a"}],"data":{"u":null}}"#,
        Some(r#"{"u":null}"#),
        &[("a", None)],
    );
    check(
        r#"{"errors":[{"extensions":{"code":7}}]}"#,
        None,
        &[("the source gave an error without a message", None)],
    );
    let response = read(r#"{"errors":[ {"message":"a", "path":[1]} ]}"#).unwrap();
    assert_eq!(response.errors[0].raw.get(), r#"{"message":"a", "path":[1]}"#);
}

#[test]
fn what_is_not_a_graphql_response_is_told_apart() {
    check_refused("", "is not JSON");
    check_refused("<!DOCTYPE html><html>", "it begins with `<!DOCTYPE html><html>`");
    check_refused("{\"data\":{}", "is not JSON");
    check_refused("{\"data\":{}} x", "is not JSON");
    check_refused("[]", "it is not an object");
    check_refused("[{\"a\":1},[]]", "it is not an object");
    check_refused("7", "it is not an object");
    check_refused("{}", "neither `data` nor `errors`");
    check_refused("{\"data\":null,\"errors\":[]}", "neither `data` nor `errors`");
    check_refused("{\"data\":[1]}", "`data` is neither an object nor null");
    check_refused("{\"data\":{},\"errors\":{}}", "`errors` is not an array");
    check_refused("{\"data\":{},\"errors\":[1]}", "an error is not an object");
    check_refused("{\"data\":{},\"data\":{}}", "twice");
    let told = read_response(b"{\"data\":{\"a\":\"\xff\"}}", ResponseLimits::STANDARD);
    assert!(matches!(told, Err(ResponseError::NotJson { .. })), "{told:?}");
}

#[test]
fn size_and_nesting_are_bounded() {
    let nested = |levels: usize| {
        format!("{{\"data\":{{\"a\":{}{}}}}}", "[".repeat(levels), "]".repeat(levels))
    };
    read(&nested(98)).unwrap();
    check_refused(&nested(99), "nesting_max, which is 100");
    check_refused(&nested(100_000), "nesting_max, which is 100");
    check_refused(&"[".repeat(100_000), "nesting_max");
    let in_a_string = format!("{{\"data\":{{\"a\":\"\\\"{}\"}}}}", "[".repeat(1_000));
    read(&in_a_string).unwrap();
    let limits = ResponseLimits { bytes_max: 10, nesting_max: 5 };
    let told = read_response(b"{\"data\":{}}", limits).unwrap_err().to_string();
    assert_eq!(told, "the source's answer has 11 bytes, bytes_max is 10: ask for less");
}

proptest! {
    #[test]
    fn no_bytes_bring_the_reading_down(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read_response(&bytes, ResponseLimits::STANDARD);
    }

    #[test]
    fn pieces_of_json_are_read_or_refused(pieces in prop::collection::vec(
        prop::sample::select(vec![
            "{", "}", "[", "]", ":", ",", "\"data\"", "\"errors\"", "\"message\"", "null", "1",
            "\"", "\\", " ",
        ]),
        0..20,
    )) {
        if let Ok(response) = read(&pieces.concat()) {
            prop_assert!(response.data.is_some() || !response.errors.is_empty());
        }
    }
}
