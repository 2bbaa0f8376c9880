//! Notices: what an owner should know without having asked.

use async_graphql::{Context, Enum, Error, ID, Object, SimpleObject};
use tidings_graphql::{DateTime, ListPage};
use tidings_store as store;

use super::{
    asker::{Asker, as_error, page, shown, store_error},
    webhook::SEES_WEBHOOKS,
};

/// The name of the list in its cursors.
const LIST: &str = "notices";

/// What a notice is about.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
#[graphql(remote = "store::NoticeKind")]
pub enum NoticeKind {
    /// The receiver answered 410, and the webhook is disabled.
    WebhookDisabled,
    /// The webhook's query cannot run as things are, and it is held.
    WebhookHeld,
    /// Deliveries were tried for as long as they are to be tried.
    DeliveryExhausted,
}

/// A message to the owner of a webhook. Equal ones within an hour are one.
#[derive(SimpleObject, Clone, Debug)]
pub struct Notice {
    /// Its number.
    pub id: ID,
    /// The application that it is for; empty where that was deleted.
    pub application: String,
    /// The webhook that it is about.
    pub webhook: ID,
    /// What happened.
    pub kind: NoticeKind,
    /// The same, for people.
    pub text: String,
    /// How often it happened.
    pub count: u64,
    /// When it first happened.
    pub first: DateTime,
    /// When it last happened.
    pub last: DateTime,
}

/// Queries about notices.
#[derive(Default, Debug)]
pub struct NoticeQuery;

#[Object]
impl NoticeQuery {
    /// Notices, newest first.
    async fn get_notices(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many: 1 to 200.", default_with = "Some(50)")] first: Option<i32>,
        #[graphql(desc = "An `endCursor`, for the page after it.")] after: Option<String>,
    ) -> Result<ListPage<Notice>, Error> {
        let asker = Asker::with(context, &SEES_WEBHOOKS).map_err(as_error)?;
        let page = page(LIST, first, after.as_deref())?;
        let found = asker.api.store.notices(asker.principal.application(), page).await;
        let found = found.map_err(store_error)?;
        let catalog = asker.api.store.catalog().await.map_err(store_error)?;
        let name = |id| catalog.application(id).map_or(String::new(), |one| one.name.to_string());
        Ok(shown(
            LIST,
            found,
            |one| one.id.to_string(),
            |one| Notice {
                id: one.id.to_string().into(),
                application: name(one.application),
                webhook: one.webhook.to_string().into(),
                kind: one.kind.into(),
                text: one.text,
                count: one.count,
                first: one.first_at.into(),
                last: one.last_at.into(),
            },
        ))
    }
}
