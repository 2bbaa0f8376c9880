//! `tidings trigger`.

use serde_json::{Map, Value, json};

use crate::{
    cli::{Trigger, json_value},
    client::Client,
    failure::Failure,
    output::{self, cell},
};

pub async fn run(options: Trigger) -> Result<(), Failure> {
    let mut event = Map::new();
    event.insert("trigger".to_owned(), options.name.into());
    event.insert("id".to_owned(), options.id.into());
    for (field, value) in [
        ("source", options.source),
        ("application", options.application),
        ("idempotencyKey", options.idempotency_key),
    ] {
        if let Some(value) = value {
            event.insert(field.to_owned(), json!(value));
        }
    }
    if let Some(variables) = &options.variables {
        event.insert("variables".to_owned(), json_value("variables", variables)?);
    }
    let client = Client::new(&options.server)?;
    let mut answer = client.post("/v1/events", &Value::Object(event)).await?;
    let fired = answer["events"][0].take();
    if options.server.json {
        output::line(&fired.to_string());
        return Ok(());
    }
    let duplicate = match fired["duplicate"].as_bool() {
        Some(true) => ", known already under this idempotency key",
        _ => "",
    };
    output::line(&format!(
        "event {}: {} {}{duplicate}",
        cell(&fired["id"]),
        cell(&fired["deliveries"]),
        if fired["deliveries"] == 1 { "delivery" } else { "deliveries" },
    ));
    Ok(())
}
