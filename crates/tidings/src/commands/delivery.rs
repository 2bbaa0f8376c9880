//! `tidings delivery`.

use serde_json::{Map, Value, json};

use super::{
    pages,
    requests::{self, DELIVERY, DELIVERY_ROW, with},
};
use crate::{
    cli::{DeliveryCommand, DeliveryFilterOptions},
    client::Client,
    failure::Failure,
    output::{self, cell},
};

pub async fn run(command: DeliveryCommand) -> Result<(), Failure> {
    match command {
        DeliveryCommand::List { filter, first, server } => {
            let client = Client::new(&server)?;
            let document = with(requests::GET_DELIVERIES, DELIVERY_ROW);
            let variables = json!({ "filter": filter_value(&filter) });
            let (items, has_more) =
                pages::read(&client, &document, &variables, Some(first)).await?;
            let headings = ["ID", "TRIGGER", "ENTITY", "WEBHOOK", "STATE", "ADDED", "REASON"];
            pages::print(&items, has_more, server.json, &headings, |item| {
                vec![
                    cell(&item["id"]),
                    cell(&item["event"]["trigger"]),
                    cell(&item["event"]["entity"]),
                    format!("{} {}", cell(&item["webhook"]["id"]), cell(&item["webhook"]["name"])),
                    cell(&item["state"]),
                    cell(&item["added"]),
                    cell(&item["reason"]),
                ]
            });
        }
        DeliveryCommand::Show { id, server } => {
            let client = Client::new(&server)?;
            let found = client
                .run_union(&with(requests::GET_DELIVERY, DELIVERY), json!({ "id": id }))
                .await?;
            if server.json { output::line(&found.to_string()) } else { print(&found) }
        }
        DeliveryCommand::Replay { id, filter, payload, server } => {
            let filter = filter_value(&filter);
            let client = Client::new(&server)?;
            let payload = payload.unwrap_or_else(|| "FROZEN".to_owned());
            match (id, filter.is_empty()) {
                (Some(id), true) => {
                    let document = with(requests::REPLAY_DELIVERY, DELIVERY_ROW);
                    let variables = json!({ "id": id, "payload": payload });
                    let replay = client.run_union(&document, variables).await?;
                    pages::print_done(
                        &replay,
                        server.json,
                        &format!("replayed as {}", cell(&replay["id"])),
                    );
                }
                (None, false) => {
                    let document = with(requests::REPLAY_DELIVERIES, "count");
                    let variables = json!({ "filter": filter, "payload": payload });
                    let started = client.run_union(&document, variables).await?;
                    pages::print_done(
                        &started,
                        server.json,
                        &format!("replays made: {}", cell(&started["count"])),
                    );
                }
                _ => {
                    return Err(Failure::usage(
                        "name either one delivery's id or options that say which deliveries: see \
                         `tidings delivery replay --help`",
                    ));
                }
            }
        }
    }
    Ok(())
}

fn filter_value(options: &DeliveryFilterOptions) -> Map<String, Value> {
    let mut filter = Map::new();
    for (field, value) in [
        ("application", &options.application),
        ("webhook", &options.webhook),
        ("trigger", &options.trigger),
        ("entity", &options.entity),
        ("from", &options.from),
        ("until", &options.until),
    ] {
        if let Some(value) = value {
            filter.insert(field.to_owned(), json!(value));
        }
    }
    if !options.state.is_empty() {
        filter.insert("state".to_owned(), json!(options.state));
    }
    filter
}

/// A delivery for people: what it is, what was sent, and every attempt.
pub fn print(delivery: &Value) {
    let mut summary = delivery.clone();
    let Some(fields) = summary.as_object_mut() else { return };
    let payload = fields.shift_remove("payload").unwrap_or(Value::Null);
    let attempts = fields.shift_remove("attempts").unwrap_or(Value::Null);
    let event = fields.shift_remove("event").unwrap_or(Value::Null);
    let webhook = fields.shift_remove("webhook").unwrap_or(Value::Null);
    output::fields(&summary);
    for name in ["trigger", "entity", "source", "application", "date"] {
        output::line(&format!("event.{name}  {}", cell(&event[name])));
    }
    for name in ["id", "name", "url"] {
        output::line(&format!("webhook.{name}  {}", cell(&webhook[name])));
    }
    if let Some(payload) = payload.as_str() {
        output::line("payload");
        output::text(&pretty(payload));
    }
    for attempt in attempts.as_array().into_iter().flatten() {
        print_attempt(attempt);
    }
}

/// JSON with line breaks; any other text as it is.
pub fn pretty(text: &str) -> String {
    match serde_json::from_str::<Value>(text) {
        Ok(value) => serde_json::to_string_pretty(&value).unwrap_or_else(|_| text.to_owned()),
        Err(_) => text.to_owned(),
    }
}

fn print_attempt(attempt: &Value) {
    output::line(&format!(
        "attempt {} at {}, {} ms: {}{}{}",
        cell(&attempt["number"]),
        cell(&attempt["started"]),
        cell(&attempt["durationMs"]),
        cell(&attempt["outcome"]),
        attempt["status"].as_u64().map(|status| format!(", status {status}")).unwrap_or_default(),
        attempt["error"].as_str().map(|error| format!(", {error}")).unwrap_or_default(),
    ));
    for (mark, list) in [(">", "requestHeaders"), ("<", "responseHeaders")] {
        for header in attempt[list].as_array().into_iter().flatten() {
            output::line(&format!(
                "  {mark} {}: {}",
                cell(&header["name"]),
                cell(&header["value"])
            ));
        }
    }
    if let Some(body) = attempt["responseBody"].as_str().filter(|body| !body.is_empty()) {
        output::text(body);
        if attempt["responseBodyTruncated"] == true {
            output::line("… cut");
        }
    }
}
