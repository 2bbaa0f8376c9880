//! What does not change from one delivery of a webhook to the next: its checked queries, its open
//! keys and headers.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tidings_core::{
    delivery::Reason,
    ids::WebhookId,
    secret::{Vault, VaultError},
    signature::OpenKey,
    trigger::TriggerName,
    webhook::{HEADER_PURPOSE, KEY_PURPOSE, Webhook},
};
use tidings_query::{CheckedQuery, SourceSchema, render};

/// Webhooks that are kept ready.
const PREPARED_MAX: usize = 20_000;

/// A webhook, ready to be sent.
#[derive(Debug)]
pub(crate) struct Prepared {
    version: u64,
    pub(crate) keys: Vec<OpenKey>,
    pub(crate) headers: Vec<(String, String)>,
    plans: Mutex<Plans>,
}

/// A webhook's queries, held against one schema.
#[derive(Debug, Default)]
struct Plans {
    schema: Option<SourceSchema>,
    by_trigger: HashMap<TriggerName, Result<CheckedQuery, Reason>>,
}

/// Webhooks that were used lately, each at its newest version.
#[derive(Debug)]
pub(crate) struct PreparedWebhooks {
    vault: Vault,
    webhooks: Mutex<HashMap<WebhookId, Arc<Prepared>>>,
}

impl PreparedWebhooks {
    pub(crate) fn new(vault: Vault) -> PreparedWebhooks {
        PreparedWebhooks { vault, webhooks: Mutex::new(HashMap::new()) }
    }

    /// The webhook, ready.
    ///
    /// # Errors
    /// When one of its secrets does not open with this installation's key.
    pub(crate) fn get(&self, webhook: &Webhook) -> Result<Arc<Prepared>, VaultError> {
        let mut webhooks = self.webhooks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(prepared) = webhooks.get(&webhook.id)
            && prepared.version == webhook.version
        {
            return Ok(Arc::clone(prepared));
        }
        let prepared = Arc::new(self.open(webhook)?);
        if webhooks.len() >= PREPARED_MAX {
            webhooks.clear();
        }
        webhooks.insert(webhook.id, Arc::clone(&prepared));
        Ok(prepared)
    }

    fn open(&self, webhook: &Webhook) -> Result<Prepared, VaultError> {
        let mut keys = Vec::with_capacity(webhook.keys.len());
        for key in &webhook.keys {
            let secret = self.vault.open(&key.sealed, KEY_PURPOSE)?;
            keys.push(OpenKey { secret, expires_at: key.expires_at });
        }
        let mut headers = Vec::with_capacity(webhook.headers.len());
        for header in &webhook.headers {
            let secret = self.vault.open(&header.sealed, HEADER_PURPOSE)?;
            let value = String::from_utf8_lossy(secret.expose()).into_owned();
            headers.push((header.name.clone(), value));
        }
        let plans = Mutex::new(Plans::default());
        Ok(Prepared { version: webhook.version, keys, headers, plans })
    }
}

impl Prepared {
    /// The webhook's query for a trigger, held against the schema; why the webhook is held where it
    /// does not fit.
    pub(crate) fn plan(
        &self,
        schema: &SourceSchema,
        webhook: &Webhook,
        trigger: &TriggerName,
    ) -> Result<CheckedQuery, Reason> {
        let mut plans = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
        if !plans.schema.as_ref().is_some_and(|known| known.is(schema)) {
            *plans = Plans { schema: Some(schema.clone()), by_trigger: HashMap::new() };
        }
        if let Some(plan) = plans.by_trigger.get(trigger) {
            return plan.clone();
        }
        let plan =
            render::plan(schema, webhook, trigger).map_err(|problems| render::broken(&problems));
        plans.by_trigger.insert(trigger.clone(), plan.clone());
        plan
    }
}
