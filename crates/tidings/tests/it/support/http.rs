//! A small HTTP client and the reading of requests.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
};

use serde_json::{Value, json};

use super::PATIENCE;

/// A request, or an answer, as it came over the wire.
#[derive(Clone, Debug, Default)]
pub struct Message {
    pub first_line: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Message {
    /// Reads one; `None` when the connection ends before its head does.
    pub fn read(stream: &mut BufReader<TcpStream>) -> Option<Message> {
        let mut message = Message { first_line: line(stream)?, ..Message::default() };
        loop {
            let text = line(stream)?;
            if text.is_empty() {
                break;
            }
            let (name, value) = text.split_once(':')?;
            message.headers.push((name.to_lowercase(), value.trim().to_owned()));
        }
        let length = message.header("content-length").parse().unwrap_or(0);
        message.body = vec![0; length];
        stream.read_exact(&mut message.body).ok()?;
        Some(message)
    }

    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|header| header.0 == name);
        found.map_or("", |header| header.1.as_str())
    }

    pub fn status(&self) -> u16 {
        self.first_line.split(' ').nth(1).and_then(|text| text.parse().ok()).unwrap_or(0)
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }
}

fn line(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut text = String::new();
    let count = stream.read_line(&mut text).ok()?;
    (count > 0).then(|| text.trim_end_matches(['\r', '\n']).to_owned())
}

/// Makes one request of a server on this machine.
pub fn ask(url: &str, method: &str, path: &str, token: &str, body: &str) -> Message {
    ask_with(url, method, path, token, "", body)
}

/// As [`ask`], with further header lines, each with its end.
pub fn ask_with(
    url: &str,
    method: &str,
    path: &str,
    token: &str,
    lines: &str,
    body: &str,
) -> Message {
    let address = url.strip_prefix("http://").expect("the tests speak plain HTTP");
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let authorization = match token {
        "" => String::new(),
        token => format!("Authorization: Bearer {token}\r\n"),
    };
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{authorization}{lines}\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    Message::read(&mut BufReader::new(stream)).expect("the server answers")
}

/// Runs a GraphQL operation and gives its `data`.
pub fn graphql(url: &str, token: &str, query: &str, variables: Value) -> Value {
    let body = json!({ "query": query, "variables": variables }).to_string();
    let answer = ask(url, "POST", "/v1/graphql", token, &body).json();
    assert!(answer["errors"].is_null(), "{query} gave {answer}");
    answer["data"].clone()
}
