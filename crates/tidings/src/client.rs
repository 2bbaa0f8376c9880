//! A client of a running server, for the commands that manage one.
//!
//!   command ─► GraphQL document, variables ─► POST /v1/graphql ─► the object, or a Failure
//!
//! The server is the one that the user names, so that the guard for deliveries is set to let
//! everything through; what connects is still the one way out.

use std::{path::PathBuf, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use serde_json::{Map, Value, json};
use tidings_egress::{
    Egress, EgressOptions, Network, Outgoing, OwnAddresses, Profile, Section, SendLimits,
};
use url::form_urlencoded;

use crate::{
    cli::{ServerOptions, from_file},
    failure::Failure,
};

/// The server that is asked when none is named.
pub const SERVER_DEFAULT: &str = "http://127.0.0.1:8080";

/// A test delivery takes as long as its receiver; the rest is quick.
const LIMITS: SendLimits = SendLimits {
    timeout: Duration::from_secs(120),
    body_bytes_max: 64 * 1024 * 1024,
    body_time: Duration::from_secs(60),
};

/// A client of one server, with one token.
pub struct Client {
    egress: Egress,
    server: String,
    token: Option<String>,
}

/// An answer that is not GraphQL.
pub struct HttpAnswer {
    /// The status.
    pub status: u16,
    /// The body, if it is JSON.
    pub body: Value,
}

impl Client {
    /// The client that the options name.
    pub fn new(options: &ServerOptions) -> Result<Client, Failure> {
        let token = options.token.as_deref().map(|text| from_file("token", text)).transpose()?;
        Client::to(options.server.as_deref().unwrap_or(SERVER_DEFAULT), token)
    }

    /// A client of that server.
    pub fn to(server: &str, token: Option<String>) -> Result<Client, Failure> {
        let everything = |text: &str| Network::parse(text).expect("the ranges are well-formed");
        let profile = Profile {
            section: Section::default(),
            allow_http: true,
            allow_addresses: vec![everything("0.0.0.0/0"), everything("::/0")],
            own: OwnAddresses::default(),
        };
        let egress = Egress::new(profile, EgressOptions::new(None::<PathBuf>, None))
            .map_err(|error| Failure::new(error.to_string()))?;
        let server = server.trim_end_matches('/').to_owned();
        egress.target(&server).map_err(|error| {
            Failure::usage(format!("the server `{server}`: {error}: set --server or TIDINGS_URL"))
        })?;
        Ok(Client { egress, server, token })
    }

    /// Runs a GraphQL operation and gives its one field.
    pub async fn run(&self, document: &str, variables: Value) -> Result<Value, Failure> {
        let asked = json!({ "query": document, "variables": variables });
        let answer = self.exchange(Method::POST, "/v1/graphql", Some(as_json(&asked))).await?;
        if let Some(errors) = answer.body.get("errors").and_then(Value::as_array) {
            return Err(self.graphql_failure(errors));
        }
        match answer.body.get("data").and_then(Value::as_object) {
            Some(data) if answer.status == 200 => {
                Ok(data.values().next().cloned().unwrap_or(Value::Null))
            }
            _ => Err(self.refused(&answer)),
        }
    }

    /// As [`Client::run`], for a field that may be an `OperationFailure`. The object comes
    /// without its `__typename`.
    pub async fn run_union(&self, document: &str, variables: Value) -> Result<Value, Failure> {
        let mut value = self.run(document, variables).await?;
        let Some(object) = value.as_object_mut() else { return Ok(value) };
        match object.shift_remove("__typename").as_ref().and_then(Value::as_str) {
            Some("OperationFailure") => Err(operation_failure(object)),
            _ => Ok(value),
        }
    }

    /// Sends JSON to a route that is not GraphQL.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        let answer = self.exchange(Method::POST, path, Some(as_json(body))).await?;
        if (200..300).contains(&answer.status) {
            Ok(answer.body)
        } else {
            Err(self.refused(&answer))
        }
    }

    /// Asks a route; the status is for the caller to judge.
    pub async fn get(&self, path: &str) -> Result<HttpAnswer, Failure> {
        self.exchange(Method::GET, path, None).await
    }

    /// Sends a form; the status is for the caller to judge.
    pub async fn post_form(
        &self,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Result<HttpAnswer, Failure> {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let media_type = HeaderValue::from_static("application/x-www-form-urlencoded");
        self.exchange(Method::POST, path, Some((media_type, form.into()))).await
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Option<(HeaderValue, Bytes)>,
    ) -> Result<HttpAnswer, Failure> {
        let url = format!("{}{path}", self.server);
        let target = self.egress.target(&url).map_err(|error| Failure::usage(error.to_string()))?;
        let mut headers = HeaderMap::new();
        let accept = "application/graphql-response+json, application/json, */*;q=0.1";
        headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
        headers.insert(
            header::USER_AGENT,
            HeaderValue::from_static(concat!("tidings-cli/", env!("CARGO_PKG_VERSION"))),
        );
        if let Some(token) = &self.token {
            let value = HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| {
                Failure::usage("the token holds characters that no token has: copy it whole")
            })?;
            headers.insert(header::AUTHORIZATION, value);
        }
        let body = body.map_or_else(Bytes::new, |(media_type, body)| {
            headers.insert(header::CONTENT_TYPE, media_type);
            body
        });
        let answer =
            self.egress.send(&target, Outgoing { method, headers, body }, &LIMITS).await.map_err(
                |error| {
                    Failure::new(format!(
                        "the server {} did not answer: {error}: is `tidings serve` running there? \
                     --server or TIDINGS_URL names another",
                        self.server
                    ))
                },
            )?;
        let body = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
        Ok(HttpAnswer { status: answer.status, body })
    }

    /// A problem document (RFC 9457), or whatever else the server answered.
    fn refused(&self, answer: &HttpAnswer) -> Failure {
        let detail = answer.body.get("detail").and_then(Value::as_str);
        let code = answer.body.get("code").and_then(Value::as_str).unwrap_or("refused");
        let remedy = match answer.status {
            401 => ": set TIDINGS_TOKEN to a valid token, `tidings token issue` makes one",
            _ => "",
        };
        match detail {
            Some(detail) => Failure::new(format!("{code}: {detail}{remedy}")),
            None => Failure::new(format!(
                "{} answered with status {} and nothing that Tidings says{remedy}: check the \
                 address",
                self.server, answer.status
            )),
        }
    }

    fn graphql_failure(&self, errors: &[Value]) -> Failure {
        let texts: Vec<String> = errors.iter().take(5).map(graphql_error).collect();
        let is_unknown = errors
            .iter()
            .any(|error| error["extensions"]["code"].as_str() == Some("UNAUTHENTICATED"));
        let remedy = match is_unknown {
            true => ": set TIDINGS_TOKEN, `tidings token issue` makes a token",
            false => "",
        };
        Failure::new(format!("{}{remedy}", texts.join("; ")))
    }
}

fn as_json(value: &Value) -> (HeaderValue, Bytes) {
    (HeaderValue::from_static("application/json"), value.to_string().into())
}

fn graphql_error(error: &Value) -> String {
    let message = error["message"].as_str().unwrap_or("an error without a message");
    match error["extensions"]["code"].as_str() {
        Some(code) => format!("{code}: {message}"),
        None => misshapen(message).unwrap_or_else(|| message.to_owned()),
    }
}

/// JSON of an option that is not shaped as the schema has it: `Invalid value for argument
/// "input.retry", unknown field …`.
fn misshapen(message: &str) -> Option<String> {
    let told = message.strip_prefix("Invalid value for argument \"input.")?;
    let (path, why) = told.split_once("\", ")?;
    let option = option_of(&format!("/input/{}", path.replace('.', "/")));
    Some(format!("{option}: {why}: `--help` shows how it is written, or names the page that does"))
}

/// What people wrote, for a JSON pointer into the input: options are named after its fields.
pub fn option_of(pointer: &str) -> String {
    let Some(field) = pointer.strip_prefix("/input/").and_then(|path| path.split('/').next())
    else {
        return pointer.trim_start_matches('/').to_owned();
    };
    let mut option = "--".to_owned();
    for letter in field.chars() {
        if letter.is_ascii_uppercase() {
            option.push('-');
        }
        option.push(letter.to_ascii_lowercase());
    }
    option
}

/// `CODE: description; field: what is wrong (line 3, column 5); …`
fn operation_failure(object: &Map<String, Value>) -> Failure {
    let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
    let problems = object.get("problems").and_then(Value::as_array);
    let mut parts = match problems {
        // The description of wrong input only says that the problems say it.
        Some(problems) if text("code") == "INVALID_INPUT" && !problems.is_empty() => Vec::new(),
        _ => vec![text("description").to_owned()],
    };
    for problem in problems.into_iter().flatten() {
        let path = problem["path"].as_str().unwrap_or_default();
        let message = problem["message"].as_str().unwrap_or_default();
        let place = match (problem["line"].as_u64(), problem["column"].as_u64()) {
            (Some(line), Some(column)) => format!(" (line {line}, column {column})"),
            _ => String::new(),
        };
        parts.push(format!("{}: {message}{place}", option_of(path)));
    }
    Failure::new(format!("{}: {}", text("code"), parts.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_of_an_operation_names_the_field_and_the_place() {
        let failure = json!({
            "code": "INVALID_INPUT", "description": "The input is not valid.",
            "problems": [
                {
                    "path": "/input/queries/0/query", "message": "no field `a`",
                    "line": 1, "column": 9,
                },
                {"path": "/input/timeoutMs", "message": "too long"},
                {"path": "/id", "message": "no number"},
            ],
        });
        assert_eq!(
            operation_failure(failure.as_object().unwrap()).to_string(),
            "INVALID_INPUT: --queries: no field `a` (line 1, column 9); \
             --timeout-ms: too long; id: no number"
        );
    }

    #[test]
    fn json_that_does_not_fit_the_schema_is_told_with_the_option_that_it_was_given_in() {
        let why = "field \"algorithms\" of type \"[String!]!\" is required but not provided";
        let message = format!("Invalid value for argument \"input.jwtProfiles.0\", {why}");
        let expected = format!(
            "--jwt-profiles: {why}: `--help` shows how it is written, or names the page that does"
        );
        assert_eq!(graphql_error(&json!({ "message": message })), expected);
        let other = "Unknown field \"a\" on type \"Query\".";
        assert_eq!(graphql_error(&json!({ "message": other })), other);
    }

    #[test]
    fn an_address_that_is_none_is_wrong_usage() {
        let error = Client::to("ftp://x", None).err().unwrap();
        assert_eq!(error.code(), 2);
        assert!(Client::to("http://localhost:8080/", None).is_ok());
        assert!(Client::to("https://tidings.example.com", None).is_ok());
    }
}
