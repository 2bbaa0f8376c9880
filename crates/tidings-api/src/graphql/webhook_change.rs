//! Adding, changing and deleting webhooks.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, SimpleObject};
use tidings_core::{
    access::Scope,
    time::Now,
    webhook::{Status, Webhook as Stored},
};
use tidings_graphql::{DateTime, Failure, OperationFailure, Problem, Thing, result_union};
use tidings_query::QueryProblem;
use tidings_store::WriteError;

use super::{
    asker::{Asker, invalid, invalid_input, problem, write_failure},
    webhook::{Webhook, find, wall_of},
};
use crate::{
    provision::{self, Provisioned, shown_secret},
    webhook_input::{AddWebhookInput, UpdateWebhookInput},
};

/// How often a change is made anew because someone else changed the webhook meanwhile.
const CHANGES_MAX: usize = 4;

/// A webhook that was added, with its key at the one moment at which it is shown.
#[derive(SimpleObject, Clone, Debug)]
pub struct WebhookAdded {
    /// The webhook.
    pub webhook: Webhook,
    /// The shared key, where it was made here. Keep it: it is never shown again.
    pub key: Option<String>,
    /// The shared key as the libraries of Standard Webhooks take it; null where the webhook is
    /// unsigned.
    pub standard_webhooks_secret: Option<String>,
    /// What works today and should be changed.
    pub warnings: Vec<Problem>,
}

/// A webhook with a new key, which is shown at this one moment.
#[derive(SimpleObject, Clone, Debug)]
pub struct WebhookKeyRotated {
    /// The webhook.
    pub webhook: Webhook,
    /// The new key, where it was made here. Keep it: it is never shown again.
    pub key: Option<String>,
    /// The new key as the libraries of Standard Webhooks take it.
    pub standard_webhooks_secret: String,
    /// Until when the old key signs as well; null where it does not.
    pub overlap_until: Option<DateTime>,
    /// What works today and should be changed.
    pub warnings: Vec<Problem>,
}

result_union! {
    /// The webhook that was added, or why not.
    AddWebhookResult(WebhookAdded)
}
result_union! {
    /// The webhook as it is now, or why it was not changed.
    UpdateWebhookResult(Webhook)
}
result_union! {
    /// The webhook as it last was, or why it was not deleted.
    DeleteWebhookResult(Webhook)
}
result_union! {
    /// The webhook as it is now, or why it was not paused.
    PauseWebhookResult(Webhook)
}
result_union! {
    /// The webhook as it is now, or why it was not resumed.
    ResumeWebhookResult(Webhook)
}
result_union! {
    /// The new key, or why there is none.
    RotateWebhookKeyResult(WebhookKeyRotated)
}
result_union! {
    /// The webhook as it is now, or why the rotation was not finished.
    FinishWebhookKeyRotationResult(Webhook)
}

/// Mutations of webhooks. All need the scope `manage:webhooks`.
#[derive(Default, Debug)]
pub struct WebhookMutation;

#[Object]
impl WebhookMutation {
    /// Adds a webhook. Everything is checked; every problem is told.
    async fn add_webhook(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The webhook that is to be.")] input: AddWebhookInput,
    ) -> AddWebhookResult {
        add(context, input).await.into()
    }

    /// Changes a webhook. What is left out stays as it is, null goes back to what counts when
    /// nothing is given. One that was held flows again when its query is mended.
    async fn update_webhook(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Its number.")] id: ID,
        #[graphql(desc = "What is to change.")] input: UpdateWebhookInput,
    ) -> UpdateWebhookResult {
        let changed = change(context, &id, |asker, webhook, now| {
            provision::update(asker.api, webhook, input.clone(), now)
        });
        changed.await.map(|(webhook, _)| webhook).into()
    }

    /// Deletes a webhook. Its deliveries that are not final are cancelled; no attempt starts after
    /// the answer.
    async fn delete_webhook(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Its number.")] id: ID,
    ) -> DeleteWebhookResult {
        delete(context, &id).await.into()
    }

    /// Pauses a webhook: its deliveries are kept until it is resumed, and their clocks stand still.
    async fn pause_webhook(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Its number.")] id: ID,
    ) -> PauseWebhookResult {
        set_status(context, &id, Status::Paused).await.into()
    }

    /// Resumes a webhook that was paused, held or disabled: what waited for it flows.
    async fn resume_webhook(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Its number.")] id: ID,
    ) -> ResumeWebhookResult {
        set_status(context, &id, Status::Active).await.into()
    }

    /// Gives a webhook a new key. The old one signs beside it until the overlap is over;
    /// `X-Signature`, which has room for one, stays with the old one until then.
    async fn rotate_webhook_key(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Its number.")] id: ID,
        #[graphql(desc = "The new key; left out: a strong one is made and shown once.")]
        key: Option<String>,
        #[graphql(
            name = "overlapS",
            desc = "Seconds for which the old key signs as well: 0 to 2592000.",
            default_with = "Some(86400)"
        )]
        overlap_s: Option<i32>,
    ) -> RotateWebhookKeyResult {
        rotate(context, &id, key.as_deref(), overlap_s.unwrap_or(86_400)).await.into()
    }

    /// Ends the overlap of a rotation: the newest key signs alone from now on.
    async fn finish_webhook_key_rotation(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Its number.")] id: ID,
    ) -> FinishWebhookKeyRotationResult {
        let changed = change(context, &id, |_, webhook, _| {
            Ok(unchanged(provision::finish_rotation(webhook)))
        });
        changed.await.map(|(webhook, _)| webhook).into()
    }
}

fn unchanged(webhook: Stored) -> Provisioned {
    Provisioned { webhook, key: None, warnings: Vec::new() }
}

async fn add(
    context: &Context<'_>,
    input: AddWebhookInput,
) -> Result<WebhookAdded, OperationFailure> {
    let asker = Asker::with(context, &[Scope::ManageWebhooks])?;
    let own = asker.principal.application_name.as_ref().map(|name| name.as_str());
    let name = input.application.as_deref().or(own).ok_or_else(|| {
        invalid("/input/application", "name the application that will own the webhook")
    })?;
    let application = asker.application(name).await?.id;
    let now = asker.now();
    let provisioned = provision::add(asker.api, application, input.into_change(), now);
    let provisioned = provisioned.map_err(invalid_input)?;
    let added = asker.api.store.add_webhook(now, provisioned.webhook).await;
    let added = added.map_err(|error| write_failure(Thing::Webhook, "/input/triggers", error))?;
    let key = provisioned.key.as_ref();
    Ok(WebhookAdded {
        webhook: Webhook(Arc::new(added)),
        key: key.and_then(|key| key.text()),
        standard_webhooks_secret: key.map(|key| shown_secret(key.secret())),
        warnings: provisioned.warnings.into_iter().map(problem).collect(),
    })
}

/// Reads, changes and writes a webhook; again, where someone else wrote in between.
async fn change(
    context: &Context<'_>,
    id: &ID,
    decide: impl Fn(&Asker<'_>, Stored, Now) -> Result<Provisioned, Vec<QueryProblem>>,
) -> Result<(Webhook, Provisioned), OperationFailure> {
    let asker = Asker::with(context, &[Scope::ManageWebhooks])?;
    for _ in 0..CHANGES_MAX {
        let stored = find(&asker, id).await?;
        let now = asker.now();
        let provisioned = decide(&asker, Stored::clone(&stored), now).map_err(invalid_input)?;
        match asker.api.store.update_webhook(now, provisioned.webhook.clone()).await {
            Ok(webhook) => {
                // It may have been resumed.
                asker.api.ingest.wake();
                return Ok((Webhook(Arc::new(webhook)), provisioned));
            }
            Err(WriteError::Stale { .. }) => {}
            Err(error) => return Err(write_failure(Thing::Webhook, "/input/triggers", error)),
        }
    }
    Err(Failure::ChangedMeanwhile { what: Thing::Webhook, id: id.to_string() }.into())
}

async fn set_status(
    context: &Context<'_>,
    id: &ID,
    status: Status,
) -> Result<Webhook, OperationFailure> {
    let changed = change(context, id, |_, mut webhook, now| {
        webhook.set_status(status.clone(), now.elapsed);
        Ok(unchanged(webhook))
    });
    changed.await.map(|(webhook, _)| webhook)
}

async fn rotate(
    context: &Context<'_>,
    id: &ID,
    key: Option<&str>,
    overlap_s: i32,
) -> Result<WebhookKeyRotated, OperationFailure> {
    let changed = change(context, id, |asker, webhook, now| {
        provision::rotate(asker.api, webhook, key, overlap_s.into(), now)
    });
    let (webhook, provisioned) = changed.await?;
    let now = Asker::with(context, &[])?.now();
    let keys = &provisioned.webhook.keys;
    let overlap_until = keys.iter().filter_map(|key| key.expires_at).max();
    let new = provisioned.key.as_ref();
    Ok(WebhookKeyRotated {
        webhook,
        key: new.and_then(|key| key.text()),
        standard_webhooks_secret: new.map_or(String::new(), |key| shown_secret(key.secret())),
        overlap_until: overlap_until.map(|until| wall_of(until, now).into()),
        warnings: provisioned.warnings.into_iter().map(problem).collect(),
    })
}

async fn delete(context: &Context<'_>, id: &ID) -> Result<Webhook, OperationFailure> {
    let asker = Asker::with(context, &[Scope::ManageWebhooks])?;
    let stored = find(&asker, id).await?;
    let deleted = asker.api.store.delete_webhook(asker.now(), stored.id).await;
    let deleted = deleted.map_err(|error| write_failure(Thing::Webhook, "/id", error))?;
    Ok(Webhook(Arc::new(deleted)))
}
