//! What a webhook would send: the query runs, the body is composed and signed, and nothing leaves.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, SimpleObject};
use tidings_core::{
    access::Scope,
    event::{Event, JsonObject},
    ids::{DeliveryId, EntityId, WebhookId},
    secret::VaultError,
    signature::{OpenKey, sign},
    time::Now,
    trigger::TriggerName,
    webhook::{KEY_PURPOSE, Webhook},
};
use tidings_graphql::{Failure, OperationFailure, result_union};
use tidings_query::{
    render::{RenderRequest, Rendering, SourceAnswer, Waited, plan, render},
    source::Identity,
};

use super::{
    asker::{Asker, invalid, invalid_input, not_found, parse_argument, store_failure},
    webhook::{Header, find, masked_headers},
};
use crate::{provision, webhook_input::AddWebhookInput};

/// The request that a webhook would send.
#[derive(SimpleObject, Clone, Debug)]
pub struct Preview {
    /// Where it would be sent.
    pub url: String,
    /// Its headers; secrets are masked.
    pub headers: Vec<Header>,
    /// Its body, byte for byte.
    pub body: String,
    /// Bytes of the body.
    pub bytes: usize,
    /// What the query costs the source, as it is estimated.
    pub cost: u64,
    /// Milliseconds that the query took.
    pub duration_ms: u64,
}

result_union! {
    /// The request, or why none would be sent.
    PreviewWebhookResult(Preview)
}

/// The preview of a webhook.
#[derive(Default, Debug)]
pub struct PreviewMutation;

#[Object]
impl PreviewMutation {
    /// Runs a webhook's query for an entity and shows the exact signed request, without sending it.
    /// For a stored webhook (`id`) or for one that is yet to be added (`input`). Needs the scope
    /// `manage:webhooks`.
    async fn preview_webhook(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "A stored webhook.")] id: Option<ID>,
        #[graphql(desc = "A webhook that is not stored.")] input: Option<AddWebhookInput>,
        #[graphql(desc = "One of the webhook's triggers.")] trigger: String,
        #[graphql(desc = "The id of an entity in the webhook's source.")] entity: ID,
    ) -> PreviewWebhookResult {
        preview(context, id, input, &trigger, &entity).await.into()
    }
}

async fn preview(
    context: &Context<'_>,
    id: Option<ID>,
    input: Option<AddWebhookInput>,
    trigger: &str,
    entity: &str,
) -> Result<Preview, OperationFailure> {
    let asker = Asker::with(context, &[Scope::ManageWebhooks])?;
    let now = asker.now();
    let webhook = match (id, input) {
        (Some(id), None) => find(&asker, &id).await?,
        (None, Some(input)) => Arc::new(unsaved(&asker, input, now).await?),
        _ => return Err(invalid("/id", "give either `id` or `input`")),
    };
    let trigger = listened(&webhook, trigger)?;
    let entity: EntityId = parse_argument("/entity", entity)?;
    let event = test_event(&asker, &webhook, trigger.clone(), entity, now);
    run(&asker, &webhook, &trigger, &event, now).await
}

async fn unsaved(
    asker: &Asker<'_>,
    input: AddWebhookInput,
    now: Now,
) -> Result<Webhook, OperationFailure> {
    let own = asker.principal.application_name.as_ref().map(|name| name.as_str());
    let name = input.application.as_deref().or(own).ok_or_else(|| {
        invalid("/input/application", "name the application whose rights the query has")
    })?;
    let application = asker.application(name).await?.id;
    let provisioned = provision::add(asker.api, application, input.into_change(), now);
    let mut webhook = provisioned.map_err(invalid_input)?.webhook;
    webhook.id = WebhookId(1); // Where a number will stand: a webhook that is not stored has none.
    Ok(webhook)
}

/// A trigger that the webhook listens to.
pub(super) fn listened(webhook: &Webhook, text: &str) -> Result<TriggerName, OperationFailure> {
    let trigger: TriggerName = parse_argument("/trigger", text)?;
    if webhook.triggers.contains(&trigger) {
        return Ok(trigger);
    }
    let known: Vec<&str> = webhook.triggers.iter().map(TriggerName::as_str).collect();
    let message = format!("the webhook does not listen to {trigger}, but to {}", known.join(", "));
    Err(invalid("/trigger", message))
}

/// An event that only this webhook hears.
pub(super) fn test_event(
    asker: &Asker<'_>,
    webhook: &Webhook,
    trigger: TriggerName,
    entity: EntityId,
    now: Now,
) -> Event {
    Event {
        id: asker.api.chance.event_id(now.wall),
        trigger,
        entity,
        source: webhook.source.clone(),
        application: Some(webhook.application),
        variables: JsonObject::new(),
        date: now.wall,
        test: true,
    }
}

async fn run(
    asker: &Asker<'_>,
    webhook: &Webhook,
    trigger: &TriggerName,
    event: &Event,
    now: Now,
) -> Result<Preview, OperationFailure> {
    let source = asker.api.source(&webhook.source).ok_or_else(|| Failure::SourceDown {
        why: format!("this server has no source `{}`", webhook.source),
    })?;
    let query = plan(&source.schema(), webhook, trigger).map_err(invalid_input)?;
    let catalog = asker.api.store.catalog().await.map_err(store_failure)?;
    let owner = catalog.application(webhook.application).ok_or_else(|| {
        not_found(tidings_graphql::Thing::Application, &webhook.application.to_string())
    })?;
    let delivery = DeliveryId::new(event.id, webhook.id, 0);
    let identity =
        Identity { application: owner.id, name: owner.name.clone(), scopes: owner.scopes };
    let waited = Waited::default();
    let request =
        RenderRequest { delivery, trigger, event, webhook, query: &query, identity, waited };
    let rendered = render(source.as_ref(), &request).await;
    let duration_ms = asker.now().elapsed.since_ms(now.elapsed);
    let body = match rendered.rendering {
        Rendering::Payload(body) => body,
        Rendering::Wait(why)
        | Rendering::Suppress(why)
        | Rendering::Hold(why)
        | Rendering::Exhaust(why) => {
            return Err(match rendered.source {
                SourceAnswer::Down { .. } => Failure::SourceDown { why: why.detail },
                _ => Failure::NothingToSend { why: why.detail },
            }
            .into());
        }
    };
    let headers = headers(asker, webhook, delivery, &body, now).map_err(|error| {
        tracing::error!(error = %error, webhook.id = %webhook.id, "a key cannot be opened: \
         {error}");
        OperationFailure::from(Failure::Unavailable)
    })?;
    Ok(Preview {
        url: webhook.url.clone(),
        headers,
        bytes: body.len(),
        body: String::from_utf8_lossy(&body).into_owned(),
        cost: query.cost(),
        duration_ms,
    })
}

fn headers(
    asker: &Asker<'_>,
    webhook: &Webhook,
    delivery: DeliveryId,
    body: &[u8],
    now: Now,
) -> Result<Vec<Header>, VaultError> {
    let keys = webhook
        .keys
        .iter()
        .map(|key| {
            let secret = asker.api.vault.open(&key.sealed, KEY_PURPOSE)?;
            Ok(OpenKey { secret, expires_at: key.expires_at })
        })
        .collect::<Result<Vec<_>, VaultError>>()?;
    let header =
        |name: &str, value: &str| Header { name: name.to_owned(), value: value.to_owned() };
    let mut headers = vec![
        header("content-type", "application/json"),
        header("accept", "application/json, text/plain, */*"),
        header("user-agent", &asker.api.settings.user_agent),
        header("content-length", &body.len().to_string()),
    ];
    let signed = sign(&keys, delivery, now.wall, now.elapsed, body);
    headers.extend(signed.into_iter().map(|(name, value)| header(name, &value)));
    headers.extend(masked_headers(webhook));
    Ok(headers)
}
