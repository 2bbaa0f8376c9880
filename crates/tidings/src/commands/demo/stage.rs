//! What the demo plays with: an application with its tokens, the sample people, three webhooks.
//! All of it may be there from an earlier run.

use serde_json::{Value, json};
use tidings_core::{access::Token, secret::TokenHash};
use tidings_platform::sample::{self, COMMISSION_QUERY, ENERGY_SWITCH, FULL_QUERY, MINIMAL_QUERY};
use tidings_store::Clock;
use tidings_verify::Key;

use super::notes::Notes;
use crate::{
    client::Client,
    commands::{
        pages,
        requests::{self, with},
        token::{self, Wanted},
    },
    failure::Failure,
    server::Server,
};

/// The application that owns everything in the demo.
pub const APPLICATION: &str = "acme";

/// The webhooks: name, trigger, query.
pub const WEBHOOKS: [(&str, &str, &str); 3] = [
    ("full details of a new switch", "EnergySwitchAdded", FULL_QUERY),
    ("minimal details of a new switch", "EnergySwitchAdded", MINIMAL_QUERY),
    ("commission of an updated switch", "EnergySwitchUpdated", COMMISSION_QUERY),
];

/// The stage, set.
pub struct Stage {
    /// Speaks to the server as the operator.
    pub client: Client,
    /// What is written down.
    pub notes: Notes,
    /// The ids of the three webhooks; the application may have more of its own.
    webhooks: Vec<String>,
}

impl Stage {
    /// Makes what is missing and points the webhooks to this run's receiver.
    pub async fn set(
        server: &Server,
        notes: Notes,
        key: &Key,
        receiver_url: &str,
    ) -> Result<Stage, Failure> {
        let operator = opening_token(server, &notes.operator_token, None).await?;
        let client = Client::to(&server.url, Some(operator.clone()))?;
        let document = with(requests::GET_APPLICATION, "name");
        let variables = json!({ "name": APPLICATION });
        if client.run(&document, variables).await?.is_null() {
            let document = with(requests::ADD_APPLICATION, "name");
            let input = json!({ "name": APPLICATION, "clientType": "PUBLIC" });
            client.run_union(&document, json!({ "input": input })).await?;
        }
        let application =
            opening_token(server, &notes.application_token, Some(APPLICATION)).await?;
        add_people(server).await?;
        let webhooks = point_webhooks(&client, key, receiver_url).await?;
        let notes = Notes {
            url: server.url.clone(),
            operator_token: operator,
            application_token: application,
            receiver_url: receiver_url.to_owned(),
            key: notes.key,
        };
        Ok(Stage { client, notes, webhooks })
    }

    /// Fires the sample switch: the first time by adding it, later by its trigger. Gives the ids
    /// of the deliveries that came of it for the three webhooks, not for those that people added.
    pub async fn fire(&self, server: &Server) -> Result<Vec<String>, Failure> {
        let added = match server.writer.as_ref() {
            Some(writer) => {
                let id = application_id(server).await?;
                sample::add_energy_switch(writer, id).await.map_err(|error| refused(&error))?
            }
            None => return Err(Failure::new("the demo needs the platform")),
        };
        let mut events = Vec::new();
        match added.and_then(|written| written.event) {
            Some(event) => events.push(event.id.to_string()),
            None => events.push(self.trigger("EnergySwitchAdded").await?),
        }
        events.push(self.trigger("EnergySwitchUpdated").await?);
        let mut deliveries = Vec::new();
        for event in events {
            let document = "query($id: ID!) { getEvent(id: $id) { __typename \
                ... on Event { deliveries { id webhook { id } } } FAILURE } }";
            let found = self.client.run_union(&with(document, ""), json!({ "id": event })).await?;
            let found = found["deliveries"].as_array().cloned().unwrap_or_default();
            let own = found.iter().filter(|each| self.is_own(&each["webhook"]["id"]));
            deliveries.extend(own.filter_map(|each| Some(each["id"].as_str()?.to_owned())));
        }
        Ok(deliveries)
    }

    fn is_own(&self, webhook: &Value) -> bool {
        self.webhooks.iter().any(|own| webhook == own)
    }

    async fn trigger(&self, trigger: &str) -> Result<String, Failure> {
        let event = json!({ "trigger": trigger, "id": ENERGY_SWITCH, "application": APPLICATION });
        let answer = self.client.post("/v1/events", &event).await?;
        Ok(answer["events"][0]["id"].as_str().unwrap_or_default().to_owned())
    }
}

/// The token of an earlier run while it still opens, else a new one.
async fn opening_token(
    server: &Server,
    known: &str,
    application: Option<&str>,
) -> Result<String, Failure> {
    let now = server.clock.now();
    let found = server
        .store
        .token(TokenHash::of(known))
        .await
        .map_err(|error| Failure::new(error.to_string()))?;
    if found.is_some_and(|token: Token| token.is_valid(now.elapsed)) {
        return Ok(known.to_owned());
    }
    let wanted = Wanted { application, kind: None, user: None, scopes: &[], lifetime_s: None };
    let issued = token::issue(server.store.as_ref(), now, &wanted).await?;
    Ok(issued["token"].as_str().unwrap_or_default().to_owned())
}

async fn application_id(server: &Server) -> Result<tidings_core::ids::ApplicationId, Failure> {
    let catalog = server.store.catalog().await.map_err(|error| Failure::new(error.to_string()))?;
    let name = APPLICATION.parse().expect("the demo's application has a name");
    catalog
        .application_named(&name)
        .map(|application| application.id)
        .ok_or_else(|| Failure::new(format!("the application {APPLICATION} went away")))
}

async fn add_people(server: &Server) -> Result<(), Failure> {
    let Some(writer) = &server.writer else {
        return Err(Failure::new("the demo needs the platform"));
    };
    let id = application_id(server).await?;
    sample::add_people(writer, id).await.map_err(|error| refused(&error))
}

fn refused(failure: &tidings_graphql::OperationFailure) -> Failure {
    let why = failure.failure.text(tidings_graphql::Locale::EnGb);
    Failure::new(format!("the sample data was refused: {why}"))
}

/// Adds the three webhooks, or points those of an earlier run to this run's receiver. Gives their
/// ids.
async fn point_webhooks(client: &Client, key: &Key, url: &str) -> Result<Vec<String>, Failure> {
    let present = webhooks(client).await?;
    let mut own = Vec::with_capacity(WEBHOOKS.len());
    for (name, trigger, query) in WEBHOOKS {
        let input = json!({
            "name": name, "triggers": [trigger], "url": url, "query": query,
            "key": key.to_whsec(),
        });
        let webhook = put_webhook(client, &present, input).await?;
        resume(client, &webhook).await?;
        own.push(webhook["id"].as_str().unwrap_or_default().to_owned());
    }
    Ok(own)
}

/// The application's webhooks.
pub async fn webhooks(client: &Client) -> Result<Vec<Value>, Failure> {
    let document = with(requests::GET_WEBHOOKS, "id name");
    let variables = json!({ "filter": { "application": APPLICATION } });
    Ok(pages::read(client, &document, &variables, None).await?.0)
}

/// Changes the one of the webhooks that has the input's name, or adds it. Gives its id and status.
pub async fn put_webhook(
    client: &Client,
    present: &[Value],
    mut input: Value,
) -> Result<Value, Failure> {
    if let Some(earlier) = present.iter().find(|webhook| webhook["name"] == input["name"]) {
        let document = with(requests::UPDATE_WEBHOOK, "id status");
        let variables = json!({ "id": earlier["id"], "input": input });
        return client.run_union(&document, variables).await;
    }
    input["application"] = APPLICATION.into();
    let document = with(requests::ADD_WEBHOOK, "id status");
    let mut added = client.run_union(&document, json!({ "input": input })).await?;
    Ok(added["webhook"].take())
}

/// A webhook that was paused for play is to take part again.
async fn resume(client: &Client, webhook: &Value) -> Result<(), Failure> {
    if webhook["status"] == "ACTIVE" {
        return Ok(());
    }
    let document = with(requests::RESUME_WEBHOOK, "id");
    client.run_union(&document, json!({ "id": webhook["id"] })).await?;
    Ok(())
}
