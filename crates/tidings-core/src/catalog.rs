//! The catalog: every webhook that listens, as it stood at one version. Events are matched against
//! it without reading.

use std::{collections::HashMap, sync::Arc};

use crate::{
    application::{Application, Name},
    ids::{ApplicationId, WebhookId},
    trigger::TriggerName,
    webhook::Webhook,
};

/// All webhooks and applications that are not deleted, at one version.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    version: u64,
    webhooks: HashMap<WebhookId, Arc<Webhook>>,
    applications: HashMap<ApplicationId, Arc<Application>>,
    listeners: HashMap<Name, HashMap<TriggerName, Vec<Arc<Webhook>>>>,
}

impl Catalog {
    /// Builds the catalog of one version. Webhooks whose application is not among `applications`
    /// are left out.
    #[must_use]
    pub fn new(
        version: u64,
        webhooks: impl IntoIterator<Item = Arc<Webhook>>,
        applications: impl IntoIterator<Item = Arc<Application>>,
    ) -> Catalog {
        let applications: HashMap<_, _> =
            applications.into_iter().map(|application| (application.id, application)).collect();
        let mut catalog =
            Catalog { version, applications, webhooks: HashMap::new(), listeners: HashMap::new() };
        let mut sorted: Vec<Arc<Webhook>> = webhooks
            .into_iter()
            .filter(|webhook| catalog.applications.contains_key(&webhook.application))
            .collect();
        sorted.sort_by_key(|webhook| webhook.id);
        for webhook in sorted {
            let of_source = catalog.listeners.entry(webhook.source.clone()).or_default();
            for trigger in &webhook.triggers {
                of_source.entry(trigger.clone()).or_default().push(Arc::clone(&webhook));
            }
            catalog.webhooks.insert(webhook.id, webhook);
        }
        catalog
    }

    /// Which version this is. A commit that used an older one is refused.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// A webhook.
    #[must_use]
    pub fn webhook(&self, id: WebhookId) -> Option<&Arc<Webhook>> {
        self.webhooks.get(&id)
    }

    /// All webhooks, in no order.
    pub fn webhooks(&self) -> impl Iterator<Item = &Arc<Webhook>> {
        self.webhooks.values()
    }

    /// An application.
    #[must_use]
    pub fn application(&self, id: ApplicationId) -> Option<&Arc<Application>> {
        self.applications.get(&id)
    }

    /// An application, by its name.
    #[must_use]
    pub fn application_named(&self, name: &Name) -> Option<&Arc<Application>> {
        self.applications.values().find(|application| application.name == *name)
    }

    /// All applications, in no order.
    pub fn applications(&self) -> impl Iterator<Item = &Arc<Application>> {
        self.applications.values()
    }

    /// The webhooks that listen to a trigger of a source, in the order of their numbers.
    #[must_use]
    pub fn listeners(&self, source: &Name, trigger: &TriggerName) -> &[Arc<Webhook>] {
        self.listeners
            .get(source)
            .and_then(|triggers| triggers.get(trigger))
            .map_or(&[], Vec::as_slice)
    }
}
