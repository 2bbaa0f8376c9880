//! `tidings listen`: a receiver for development.

use std::time::Duration;

use serde_json::{Map, Value, json};
use tidings_verify::Key;

use super::delivery::pretty;
use crate::{
    cli::{Listen, from_file},
    failure::Failure,
    output,
    receiver::{self, Manners, Received, Verdict},
};

pub async fn run(options: Listen) -> Result<(), Failure> {
    let mut keys = Vec::with_capacity(options.key.len());
    for key in &options.key {
        let key = Key::parse(&from_file("key", key)?)
            .map_err(|error| Failure::usage(format!("--key: {error}")))?;
        keys.push(key);
    }
    let manners = Manners {
        keys,
        status: options.status,
        delay: Duration::from_millis(options.delay_ms),
        fail_rate: options.fail_rate,
    };
    let mut receiver = receiver::start(options.port, manners).await?;
    // On stderr, so that stdout holds what arrived and nothing else.
    output::error(&format!("listening on http://{}", receiver.address));
    while let Some(received) = receiver.received.recv().await {
        if options.json { output::line(&as_json(&received).to_string()) } else { print(&received) }
    }
    Ok(())
}

/// A request for people.
pub fn print(received: &Received) {
    let body: Value = serde_json::from_slice(&received.body).unwrap_or(Value::Null);
    let trigger = body["webhook"]["trigger"].as_str().unwrap_or("no trigger");
    let entity = body["query"]["variables"]["id"].as_str().unwrap_or("no entity");
    let head = format!("{} {}  {trigger} {entity}", received.method, received.path);
    output::text(&head.replace('\n', " "));
    for (name, value) in &received.headers {
        output::text(&format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())));
    }
    output::line("");
    output::text(&pretty(&String::from_utf8_lossy(&received.body)));
    output::line(&format!("{}; answered {}", verdict(&received.verdict), received.status));
    output::line("");
}

/// What verifying came to, in words.
pub fn verdict(verdict: &Verdict) -> String {
    let say = |name: &str, result: &Result<(), tidings_verify::Rejection>| match result {
        Ok(()) => format!("{name} is right"),
        Err(rejection) => format!("{name} is WRONG: {rejection}"),
    };
    match verdict {
        Verdict::NoKey => "not verified: start with --key to verify".to_owned(),
        Verdict::Checked { sha1, standard } => {
            format!("{}; {}", say("X-Signature", sha1), say("webhook-signature", standard))
        }
    }
}

fn as_json(received: &Received) -> Value {
    let mut headers = Map::new();
    for (name, value) in &received.headers {
        let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
        headers.insert(name.as_str().to_owned(), text.into());
    }
    let body = String::from_utf8_lossy(&received.body);
    let parsed: Value = serde_json::from_slice(&received.body).unwrap_or(Value::Null);
    let verified = match &received.verdict {
        Verdict::NoKey => Value::Null,
        checked => json!(checked.is_right()),
    };
    json!({
        "method": received.method.as_str(), "path": received.path, "headers": headers,
        "body": body, "json": parsed, "verified": verified, "status": received.status,
    })
}
