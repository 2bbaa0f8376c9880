//! An account for the demo: the sample provider, a webhook that hears of documents, and a link
//! that is collected on and on, so that new documents arrive while one watches.

use std::{net::Ipv4Addr, time::Duration};

use serde_json::{Value, json};
use tidings_platform::sample::{PROVIDER, USER};

use super::{
    notes::Notes,
    stage::{Stage, put_webhook, webhooks},
};
use crate::{
    client::Client,
    clock,
    commands::requests::{self, with},
    failure::Failure,
    sample_provider::{self, Behaviour, PASSWORD, SampleProvider},
};

/// The webhook that hears of documents.
const WEBHOOK: &str = "documents of a linked account";
const DOCUMENT_QUERY: &str = "query($id: ID!) { getDocument(id: $id) { __typename \
    ... on Document { title date mediaType bytes downloadUrl \
    account { id provider { name } } } } }";
/// What the sample provider has at first, and how often it gets another one and is asked.
const BEHAVIOUR: Behaviour =
    Behaviour { documents: 3, new_every_s: 30, document_delay: Duration::ZERO, sync_every_s: 20 };

/// Starts the sample provider and links an account with it, unless an earlier run has.
pub async fn link(stage: &Stage) -> Result<SampleProvider, Failure> {
    let provider = sample_provider::start((Ipv4Addr::LOCALHOST, 0).into(), BEHAVIOUR).await?;
    let document = with(requests::UPDATE_PROVIDER, "code");
    let input = json!({ "adapterUrl": provider.url() });
    stage.client.run_union(&document, json!({ "code": PROVIDER, "input": input })).await?;
    hear_of_documents(stage).await?;
    let Notes { url, application_token, .. } = &stage.notes;
    let application = Client::to(url, Some(application_token.clone()))?;
    let accounts = "query($user: ID!) { getAccounts(user: $user) { items { accessLevel } } }";
    let found = application.run(accounts, json!({ "user": USER })).await?;
    if found["items"].as_array().is_none_or(Vec::is_empty) {
        link_account(&application).await?;
    }
    Ok(provider)
}

async fn link_account(application: &Client) -> Result<Value, Failure> {
    let document = "mutation($user: ID!, $provider: String!, $credentials: [CredentialInput!]!, \
        $consent: ConsentInput!) { linkAccount(user: $user, provider: $provider, \
        accessLevel: FULL_CHECK_ONGOING, credentials: $credentials, consent: $consent) \
        { __typename ... on Account { id } FAILURE } }";
    let credentials = json!([
        { "name": "email", "value": "ada@example.com" },
        { "name": "password", "value": PASSWORD },
    ]);
    let given_at = clock::wall().iso();
    let consent = json!({ "text": "The demo may read this sample account.", "givenAt": given_at });
    let variables = json!({ "user": USER, "provider": PROVIDER, "credentials": credentials,
        "consent": consent });
    application.run_union(&with(document, ""), variables).await
}

/// Adds the webhook, or points that of an earlier run to this run's receiver.
async fn hear_of_documents(stage: &Stage) -> Result<(), Failure> {
    let input = json!({
        "name": WEBHOOK, "triggers": ["DocumentAdded"], "url": stage.notes.receiver_url,
        "query": DOCUMENT_QUERY, "key": stage.notes.key,
    });
    let present = webhooks(&stage.client).await?;
    put_webhook(&stage.client, &present, input).await.map(|_| ())
}
