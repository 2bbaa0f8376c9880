//! Webhooks that are held because their query did not fit go on once it fits again.
//!
//! ```text
//!   start, and every minute ─► has a source another schema than before? ─► held webhooks
//!     ─► secrets open, source there, every query fits ─► active again, at its newest version
//! ```
//!
//! A query that its owner mends is none of this: saving it lets the webhook go on at once.

use tidings_core::{
    delivery::ReasonCode,
    time::MINUTE_MS,
    webhook::{Status, Webhook},
};
use tidings_query::SourceSchema;
use tidings_store::{StoreError, WriteError};
use tracing::{info, warn};

use crate::attempt::Desk;

/// How often the schemas are looked at.
pub(crate) const LOOK_EVERY_MS: u64 = MINUTE_MS;

/// The schemas under which held webhooks were last looked at; none at the start.
#[derive(Debug, Default)]
pub(crate) struct Mending {
    known: Vec<SourceSchema>,
}

impl Mending {
    /// Looks at held webhooks where a schema is another one than before. Whether any goes on.
    pub(crate) async fn look(&mut self, desk: &Desk) -> bool {
        let present: Vec<SourceSchema> = desk.sources.iter().map(|each| each.schema()).collect();
        let is_known = present.len() == self.known.len()
            && present.iter().zip(&self.known).all(|(one, other)| one.is(other));
        if is_known {
            return false;
        }
        match mend(desk).await {
            Ok(mended) => {
                self.known = present;
                mended > 0
            }
            Err(cause) => {
                warn!(error = %cause, "held webhooks were not looked at: {cause}");
                false
            }
        }
    }
}

/// Lets webhooks go on whose queries fit the schemas as they are; how many there were.
async fn mend(desk: &Desk) -> Result<usize, StoreError> {
    let mut mended = 0;
    let catalog = desk.store.catalog().await?;
    for webhook in catalog.webhooks() {
        if !is_held_by_its_query(webhook) || !fits(desk, webhook) {
            continue;
        }
        let now = desk.clock.now();
        let mut active = Webhook::clone(webhook);
        active.set_status(Status::Active, now.elapsed);
        match desk.store.update_webhook(now, active).await {
            Ok(active) => {
                mended += 1;
                let id = active.id;
                info!(webhook.id = %id, "a held webhook goes on: its queries fit again");
            }
            // Its owner was quicker.
            Err(WriteError::Stale { .. } | WriteError::NotFound { .. }) => {}
            Err(WriteError::Store(cause)) => return Err(cause),
            Err(cause) => {
                warn!(webhook.id = %webhook.id, "a held webhook cannot go on: {cause}");
            }
        }
    }
    Ok(mended)
}

fn is_held_by_its_query(webhook: &Webhook) -> bool {
    matches!(webhook.status, Status::Held { code: ReasonCode::QueryBroken, .. })
}

fn fits(desk: &Desk, webhook: &Webhook) -> bool {
    let Ok(prepared) = desk.prepared.get(webhook) else { return false };
    let Some(source) = desk.sources.iter().find(|source| source.info().name == webhook.source)
    else {
        return false;
    };
    let schema = source.schema();
    webhook.triggers.iter().all(|trigger| prepared.plan(&schema, webhook, trigger).is_ok())
}
