//! Applications and webhooks: what people set up. Both are kept as JSON in rows of their own, and
//! whole in the writer's memory.

use std::sync::Arc;

use rusqlite::{OptionalExtension, params};
use tidings_core::{
    application::Application,
    delivery::Reason,
    ids::{ApplicationId, WebhookId},
    limits::WEBHOOKS_PER_TRIGGER_MAX,
    time::Now,
    webhook::Webhook,
};
use tidings_store::{NewApplication, WriteError, rules};

use crate::{
    delivery,
    error::{Stop, Trouble},
    row::{self, int, length},
    state::Tx,
    task, token,
};

/// `deleted` of a webhook that went with its application.
const DELETED_WITH_APPLICATION: i64 = 1;
/// `deleted` of a webhook that was deleted by itself.
const DELETED_ALONE: i64 = 2;

type Answer<T> = Result<T, Stop<WriteError>>;

/// A refusal: there is no such thing.
pub(crate) fn not_found(what: &'static str, id: impl ToString) -> Stop<WriteError> {
    Stop::Refused(WriteError::NotFound { what, id: id.to_string() })
}

/// The next number of a table whose rows are never removed.
pub(crate) fn next_number(tx: &Tx<'_>, sql: &'static str) -> Result<u64, Trouble> {
    let last: Option<i64> = tx.connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
    Ok(last.and_then(|last| u64::try_from(last).ok()).unwrap_or(0) + 1)
}

// --- applications ---

/// An application that is not deleted.
pub(crate) fn application(tx: &Tx<'_>, id: ApplicationId) -> Answer<Arc<Application>> {
    let found = tx.state.applications.get(&id).map(Arc::clone);
    found.ok_or_else(|| not_found("application", id))
}

/// See [`tidings_store::Store::add_application`].
pub(crate) fn add_application(
    tx: &mut Tx<'_>,
    now: Now,
    new: &NewApplication,
) -> Answer<Application> {
    if tx.state.applications.values().any(|application| application.name == new.name) {
        let id = new.name.to_string();
        return Err(Stop::Refused(WriteError::Taken { what: "application", id }));
    }
    let applications = tx.state.applications.values().map(|it| &**it);
    rules::check_jwt_profiles(applications, None, &new.settings).map_err(Stop::Refused)?;
    let application = Application {
        id: ApplicationId(next_number(tx, "SELECT max(id) FROM application")?),
        name: new.name.clone(),
        version: 1,
        scopes: new.scopes,
        token_lifetime_s: new.token_lifetime_s,
        settings: new.settings.clone(),
        added_at: now.wall,
        updated_at: now.wall,
    };
    write_application(tx, application.clone())?;
    Ok(application)
}

/// See [`tidings_store::Store::update_application`].
pub(crate) fn update_application(
    tx: &mut Tx<'_>,
    now: Now,
    asked: &Application,
) -> Answer<Application> {
    let stored = application(tx, asked.id)?;
    if stored.version != asked.version {
        let id = stored.name.to_string();
        return Err(Stop::Refused(WriteError::Stale { what: "application", id }));
    }
    let applications = tx.state.applications.values().map(|it| &**it);
    rules::check_jwt_profiles(applications, Some(asked.id), &asked.settings)
        .map_err(Stop::Refused)?;
    let changed = Application {
        name: stored.name.clone(),
        version: stored.version + 1,
        added_at: stored.added_at,
        updated_at: now.wall,
        ..asked.clone()
    };
    write_application(tx, changed.clone())?;
    Ok(changed)
}

fn write_application(tx: &mut Tx<'_>, application: Application) -> Result<(), Trouble> {
    tx.connection
        .prepare_cached(
            "INSERT INTO application (id, name, deleted, body) VALUES (?1, ?2, 0, ?3)
             ON CONFLICT (id) DO UPDATE SET body = ?3",
        )?
        .execute(params![
            int(application.id.0),
            application.name.as_str(),
            row::to_json(&application)
        ])?;
    tx.state.applications.insert(application.id, Arc::new(application));
    tx.state.change_catalog(tx.connection)
}

/// See [`tidings_store::Store::delete_application`].
pub(crate) fn delete_application(
    tx: &mut Tx<'_>,
    now: Now,
    id: ApplicationId,
) -> Answer<Application> {
    let stored = application(tx, id)?;
    tx.connection
        .prepare_cached("UPDATE application SET deleted = 1 WHERE id = ?1")?
        .execute([int(id.0)])?;
    token::revoke_of(tx, id, now)?;
    let of_application = |webhook: &&Arc<Webhook>| webhook.application == id;
    let webhooks: Vec<WebhookId> =
        tx.state.webhooks.values().filter(of_application).map(|webhook| webhook.id).collect();
    let mut left = rules::ENDED_PER_COMMIT_MAX;
    for webhook in webhooks {
        mark_deleted(tx, webhook, DELETED_WITH_APPLICATION)?;
        left -= cancel_some(tx, webhook, left, now)?;
    }
    tx.state.applications.remove(&id);
    tx.state.change_catalog(tx.connection)?;
    Ok(Application::clone(&stored))
}

// --- webhooks ---

/// A webhook that is not deleted.
pub(crate) fn present_webhook(tx: &Tx<'_>, id: WebhookId) -> Answer<Arc<Webhook>> {
    let found = tx.state.webhooks.get(&id).map(Arc::clone);
    found.ok_or_else(|| not_found("webhook", id))
}

/// See [`tidings_store::Store::add_webhook`].
pub(crate) fn add_webhook(tx: &mut Tx<'_>, now: Now, asked: &Webhook) -> Answer<Webhook> {
    application(tx, asked.application)?;
    check_listeners(tx, asked, None)?;
    let webhook = Webhook {
        id: WebhookId(next_number(tx, "SELECT max(id) FROM webhook")?),
        version: 1,
        added_at: now.wall,
        updated_at: now.wall,
        ..asked.clone()
    };
    Ok(write_webhook(tx, webhook)?)
}

/// See [`tidings_store::Store::update_webhook`].
pub(crate) fn update_webhook(tx: &mut Tx<'_>, now: Now, asked: &Webhook) -> Answer<Webhook> {
    let stored = present_webhook(tx, asked.id)?;
    if stored.version != asked.version {
        let id = asked.id.to_string();
        return Err(Stop::Refused(WriteError::Stale { what: "webhook", id }));
    }
    check_listeners(tx, asked, Some(&stored))?;
    let webhook = Webhook {
        application: stored.application,
        version: stored.version + 1,
        added_at: stored.added_at,
        updated_at: now.wall,
        ..asked.clone()
    };
    Ok(write_webhook(tx, webhook)?)
}

fn check_listeners(tx: &Tx<'_>, webhook: &Webhook, before: Option<&Webhook>) -> Answer<()> {
    for trigger in &webhook.triggers {
        let listened =
            before.is_some_and(|it| it.source == webhook.source && it.triggers.contains(trigger));
        let count = tx.state.listeners_count(&webhook.source, trigger) - usize::from(listened);
        if count >= WEBHOOKS_PER_TRIGGER_MAX {
            let detail = format!(
                "{WEBHOOKS_PER_TRIGGER_MAX} webhooks listen to {trigger} already: remove one first"
            );
            return Err(Stop::Refused(WriteError::Full { detail }));
        }
    }
    Ok(())
}

/// Writes a webhook as it is but for its endpoint, which is that of its url, and returns it so.
pub(crate) fn write_webhook(tx: &mut Tx<'_>, mut webhook: Webhook) -> Result<Webhook, Trouble> {
    let (endpoint, is_new) = tx.state.endpoint_of(webhook.application, &webhook.url);
    if is_new {
        tx.state.add_endpoint(tx.connection, endpoint, webhook.application, &webhook.url)?;
    }
    webhook.endpoint = endpoint;
    tx.connection
        .prepare_cached(
            "INSERT INTO webhook (id, deleted, body) VALUES (?1, 0, ?2)
             ON CONFLICT (id) DO UPDATE SET body = ?2",
        )?
        .execute(params![int(webhook.id.0), row::to_json(&webhook)])?;
    tx.state.keep_webhook(Arc::new(webhook.clone()));
    tx.state.change_catalog(tx.connection)?;
    Ok(webhook)
}

/// See [`tidings_store::Store::delete_webhook`].
pub(crate) fn delete_webhook(tx: &mut Tx<'_>, now: Now, id: WebhookId) -> Answer<Webhook> {
    let webhook = present_webhook(tx, id)?;
    mark_deleted(tx, id, DELETED_ALONE)?;
    cancel_some(tx, id, rules::ENDED_PER_COMMIT_MAX, now)?;
    tx.state.change_catalog(tx.connection)?;
    Ok(Webhook::clone(&webhook))
}

fn mark_deleted(tx: &mut Tx<'_>, id: WebhookId, how: i64) -> Result<(), Trouble> {
    tx.connection
        .prepare_cached("UPDATE webhook SET deleted = ?2 WHERE id = ?1")?
        .execute([int(id.0), how])?;
    tx.state.drop_webhook(id);
    Ok(())
}

// --- what deleted webhooks and applications leave ---

/// See [`tidings_store::Store::cancel_orphans`].
pub(crate) fn cancel_orphans(tx: &mut Tx<'_>, now: Now) -> Result<u64, Trouble> {
    let with_work = tx.state.due.keys().copied();
    let orphaned: Vec<WebhookId> =
        with_work.filter(|id| !tx.state.webhooks.contains_key(id)).collect();
    let mut left = rules::ENDED_PER_COMMIT_MAX;
    for id in orphaned {
        if left == 0 {
            break;
        }
        left -= cancel_some(tx, id, left, now)?;
    }
    let removed = task::remove_orphans(tx, rules::ENDED_PER_COMMIT_MAX)?;
    Ok((rules::ENDED_PER_COMMIT_MAX - left + removed) as u64)
}

/// Cancels deliveries of a deleted webhook, at most so many, the longest due first.
fn cancel_some(
    tx: &mut Tx<'_>,
    id: WebhookId,
    count_max: usize,
    now: Now,
) -> Result<usize, Trouble> {
    let Some(why) = deletion(tx, id)? else { return Ok(0) };
    let sql = format!(
        "SELECT {} FROM delivery INDEXED BY delivery_open
         WHERE state < 2 AND webhook = ?1 ORDER BY next_at, id LIMIT ?2",
        delivery::DELIVERY
    );
    let open = delivery::deliveries(tx.connection, &sql, &[&int(id.0), &length(count_max)])?;
    let count = open.len();
    for mut stored in open {
        stored.delivery.cancel(why.clone(), now);
        tx.update(&stored)?;
    }
    tx.settle(id)?;
    Ok(count)
}

fn deletion(tx: &Tx<'_>, id: WebhookId) -> Result<Option<Reason>, Trouble> {
    let deleted: Option<i64> = tx
        .connection
        .prepare_cached("SELECT deleted FROM webhook WHERE id = ?1")?
        .query_row([int(id.0)], |row| row.get(0))
        .optional()?;
    Ok(match deleted {
        Some(DELETED_WITH_APPLICATION) => Some(rules::application_deleted()),
        Some(DELETED_ALONE) => Some(rules::webhook_deleted()),
        _ => None,
    })
}
