//! Watches until what was fired has arrived, was verified, and is recorded as delivered.

use std::{collections::HashSet, time::Duration};

use serde_json::json;

use super::stage::WEBHOOKS;
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

/// Prints what arrives until the demo's own deliveries arrived with the right signatures and are
/// recorded. Requests of other deliveries, left from an earlier run or of webhooks that people
/// added, are printed and do not count.
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
    if let Ok(result) = tokio::time::timeout(PATIENCE, arrived).await {
        result?;
    }
    let never_made = WEBHOOKS.len().saturating_sub(deliveries.len());
    if never_made + missing.len() > 0 {
        let mut why =
            states(client, deliveries.iter().filter(|id| missing.contains(id.as_str()))).await?;
        why.extend((0..never_made).map(|_| "never made".to_owned()));
        return Err(incomplete("had not arrived", &why));
    }
    let recorded = async {
        loop {
            let mut open = states(client, deliveries.iter()).await?;
            open.retain(|state| state != "DELIVERED");
            if open.is_empty() {
                return Ok(());
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
    };
    if let Ok(result) = tokio::time::timeout(PATIENCE, recorded).await {
        return result;
    }
    let mut open = states(client, deliveries.iter()).await?;
    open.retain(|state| state != "DELIVERED");
    if open.is_empty() { Ok(()) } else { Err(incomplete("arrived and were not recorded", &open)) }
}

/// Says how many of the demo's own deliveries are missing, and how each of those stands.
fn incomplete(what: &str, why: &[String]) -> Failure {
    Failure::new(format!(
        "{} of the demo's own {} deliveries {what} after {} s: {}: look at `tidings delivery \
         list`, or start afresh with another --data-dir",
        why.len(),
        WEBHOOKS.len(),
        PATIENCE.as_secs(),
        why.join(", ")
    ))
}

async fn states(
    client: &Client,
    deliveries: impl Iterator<Item = &String>,
) -> Result<Vec<String>, Failure> {
    let document = with(requests::GET_DELIVERY, "state reason");
    let mut states = Vec::new();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_counted_among_the_demos_own_deliveries() {
        let why = ["PENDING".to_owned(), "never made".to_owned()];
        let text = incomplete("had not arrived", &why).to_string();
        let wanted = "2 of the demo's own 3 deliveries had not arrived after 30 s: PENDING, never";
        assert!(text.starts_with(wanted), "{text}");
    }
}
