//! Which webhooks, events and deliveries a list gives. Whatever is asked for, an application gets
//! no more than its own.

use async_graphql::{Enum, ID, InputObject};
use tidings_core::{ids::ApplicationId, trigger::TriggerName};
use tidings_graphql::{DateTime, OperationFailure, Thing};
use tidings_store as store;

use super::asker::{Asker, parse_argument, parse_id};

/// Whether a webhook is sent at present.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
#[graphql(remote = "store::WebhookStatus")]
pub enum WebhookStatus {
    /// It is sent.
    Active,
    /// Its owner paused it; its deliveries wait.
    Paused,
    /// Its query cannot run as things are; its deliveries wait until that is mended.
    Held,
    /// Its receiver answered 410; its deliveries wait until it is resumed.
    Disabled,
}

/// Where a delivery stands.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
#[graphql(remote = "store::ShownState")]
pub enum DeliveryState {
    /// It waits for its turn.
    Pending,
    /// It is on its way.
    Leased,
    /// It waits behind a webhook that is paused, held or disabled.
    Held,
    /// The receiver has it.
    Delivered,
    /// Nothing was to be sent.
    Suppressed,
    /// It was tried for as long as it is to be tried.
    Exhausted,
    /// It is not wanted any more.
    Cancelled,
}

/// Which webhooks: those that fit everything that is given.
#[derive(InputObject, Clone, Debug, Default)]
pub struct WebhookFilter {
    /// Of this application.
    pub application: Option<String>,
    /// That listen to this trigger.
    pub trigger: Option<String>,
    /// In one of these statuses.
    pub status: Option<Vec<WebhookStatus>>,
}

/// Which events: those that fit everything that is given.
#[derive(InputObject, Clone, Debug, Default)]
pub struct EventFilter {
    /// Of this trigger.
    pub trigger: Option<String>,
    /// For this entity.
    pub entity: Option<ID>,
    /// Of this application, or of every application's.
    pub application: Option<String>,
    /// Fired then or later.
    pub from: Option<DateTime>,
    /// Fired before.
    pub until: Option<DateTime>,
}

/// Which deliveries: those that fit everything that is given.
#[derive(InputObject, Clone, Debug, Default)]
pub struct DeliveryFilter {
    /// Of this application.
    pub application: Option<String>,
    /// To this webhook.
    pub webhook: Option<ID>,
    /// Heard under this trigger.
    pub trigger: Option<String>,
    /// For this entity.
    pub entity: Option<ID>,
    /// In one of these states.
    pub state: Option<Vec<DeliveryState>>,
    /// Added then or later.
    pub from: Option<DateTime>,
    /// Added before.
    pub until: Option<DateTime>,
}

/// The application whose things are listed: the asker's own, the one that is named, or `None` for
/// all.
async fn application(
    asker: &Asker<'_>,
    named: Option<&str>,
) -> Result<Option<ApplicationId>, OperationFailure> {
    match named {
        Some(name) => Ok(Some(asker.application(name).await?.id)),
        None => Ok(asker.principal.application()),
    }
}

fn trigger(text: Option<&str>) -> Result<Option<TriggerName>, OperationFailure> {
    text.map(|text| parse_argument("/filter/trigger", text)).transpose()
}

impl WebhookFilter {
    pub(super) async fn resolve(
        self,
        asker: &Asker<'_>,
    ) -> Result<store::WebhookFilter, OperationFailure> {
        Ok(store::WebhookFilter {
            application: application(asker, self.application.as_deref()).await?,
            trigger: trigger(self.trigger.as_deref())?,
            statuses: self.status.unwrap_or_default().into_iter().map(Into::into).collect(),
        })
    }
}

impl EventFilter {
    pub(super) async fn resolve(
        self,
        asker: &Asker<'_>,
    ) -> Result<store::EventFilter, OperationFailure> {
        Ok(store::EventFilter {
            application: application(asker, self.application.as_deref()).await?,
            trigger: trigger(self.trigger.as_deref())?,
            entity: self.entity.map(|id| id.0),
            from: self.from.map(|at| at.0),
            until: self.until.map(|at| at.0),
        })
    }
}

impl DeliveryFilter {
    pub(super) async fn resolve(
        self,
        asker: &Asker<'_>,
    ) -> Result<store::DeliveryFilter, OperationFailure> {
        Ok(store::DeliveryFilter {
            application: application(asker, self.application.as_deref()).await?,
            webhook: self.webhook.map(|id| parse_id(Thing::Webhook, &id)).transpose()?,
            trigger: trigger(self.trigger.as_deref())?,
            entity: self.entity.map(|id| id.0),
            states: self.state.unwrap_or_default().into_iter().map(Into::into).collect(),
            from: self.from.map(|at| at.0),
            until: self.until.map(|at| at.0),
        })
    }
}
