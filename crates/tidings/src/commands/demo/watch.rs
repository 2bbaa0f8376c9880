//! Watches until what was fired has arrived, was verified, and is recorded as delivered.

use std::{collections::HashSet, time::Duration};

use serde_json::json;

use crate::{
    client::Client,
    commands::{
        listen,
        requests::{self, with},
    },
    failure::Failure,
    receiver::Receiver,
};

/// How long the demo waits for its own deliveries.
const PATIENCE: Duration = Duration::from_secs(30);
const ASK_EVERY: Duration = Duration::from_millis(50);

/// Prints what arrives until every delivery arrived with the right signatures and is recorded.
/// Requests of other deliveries, left from an earlier run, are printed and do not count.
pub async fn until_delivered(
    client: &Client,
    receiver: &mut Receiver,
    deliveries: &[String],
) -> Result<(), Failure> {
    let mut missing: HashSet<&str> = deliveries.iter().map(String::as_str).collect();
    let arrived = async {
        while !missing.is_empty() {
            let Some(received) = receiver.received.recv().await else {
                return Err(Failure::new("the receiver ended before everything had arrived"));
            };
            listen::print(&received);
            let is_ours = missing.contains(received.header("webhook-id"));
            if is_ours && !received.verdict.is_right() {
                let why = listen::verdict(&received.verdict);
                return Err(Failure::new(format!("a request could not be verified: {why}")));
            }
            missing.remove(received.header("webhook-id"));
        }
        Ok(())
    };
    let outcome = tokio::time::timeout(PATIENCE, arrived).await;
    match outcome {
        Ok(result) => result?,
        Err(_) => {
            let seconds = PATIENCE.as_secs();
            return Err(Failure::new(format!(
                "{} of {} deliveries had not arrived after {seconds} s: {}",
                missing.len(),
                deliveries.len(),
                states(client, deliveries).await?.join(", ")
            )));
        }
    }
    let recorded = async {
        loop {
            let states = states(client, deliveries).await?;
            if states.iter().all(|state| state == "DELIVERED") {
                return Ok(());
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
    };
    match tokio::time::timeout(PATIENCE, recorded).await {
        Ok(result) => result,
        Err(_) => {
            let states = states(client, deliveries).await?.join(", ");
            Err(Failure::new(format!("the deliveries arrived and were not recorded: {states}")))
        }
    }
}

async fn states(client: &Client, deliveries: &[String]) -> Result<Vec<String>, Failure> {
    let document = with(requests::GET_DELIVERY, "state reason");
    let mut states = Vec::with_capacity(deliveries.len());
    for id in deliveries {
        let found = client.run_union(&document, json!({ "id": id })).await?;
        let state = found["state"].as_str().unwrap_or("unknown").to_owned();
        states.push(match found["reason"].as_str() {
            Some(reason) => format!("{state} ({reason})"),
            None => state,
        });
    }
    Ok(states)
}
