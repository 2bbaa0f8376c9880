//! Rows and what they mean: the only place that knows how a value is written in a column.

use std::{
    str::FromStr,
    sync::{Arc, LazyLock},
};

use rusqlite::{Connection, ErrorCode, OptionalExtension, Row, params};
use serde::{Serialize, de::DeserializeOwned};
use tidings_core::{
    application::Application,
    event::{Event, JsonObject},
    ids::{ApplicationId, DeliveryId, EntityId, EventId, NoticeId, WebhookId},
    outcome::Attempt,
    time::Wall,
    webhook::Webhook,
};
use tidings_store::{Notice, NoticeKind};

use crate::error::Trouble;

// --- single values ---

/// A number as SQLite keeps it: what is past its end stays at the end.
pub(crate) fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A length as SQLite keeps it.
pub(crate) fn length(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// An owner as SQLite keeps it; 0 is the operator, since applications are numbered from 1.
pub(crate) fn owner(application: Option<ApplicationId>) -> i64 {
    application.map_or(0, |id| int(id.0))
}

/// A value as JSON text.
pub(crate) fn to_json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("the stored types hold nothing that JSON cannot")
}

/// A number that is not negative.
pub(crate) fn number(row: &Row<'_>, column: usize, what: &str) -> Result<u64, Trouble> {
    let number: i64 = row.get(column)?;
    u64::try_from(number).map_err(|error| Trouble::corrupt(what, error))
}

/// A number, or none.
pub(crate) fn number_if(row: &Row<'_>, column: usize, what: &str) -> Result<Option<u64>, Trouble> {
    let number: Option<i64> = row.get(column)?;
    number.map(u64::try_from).transpose().map_err(|error| Trouble::corrupt(what, error))
}

/// A small number that is not negative.
pub(crate) fn small(row: &Row<'_>, column: usize, what: &str) -> Result<u32, Trouble> {
    u32::try_from(number(row, column, what)?).map_err(|error| Trouble::corrupt(what, error))
}

/// A wall-clock time.
pub(crate) fn wall(row: &Row<'_>, column: usize) -> Result<Wall, Trouble> {
    Ok(Wall(row.get(column)?))
}

/// An array of bytes.
pub(crate) fn bytes<const N: usize>(
    row: &Row<'_>,
    column: usize,
    what: &str,
) -> Result<[u8; N], Trouble> {
    let found = row.get_ref(column)?.as_blob().map_err(|error| Trouble::corrupt(what, error))?;
    <[u8; N]>::try_from(found).map_err(|error| Trouble::corrupt(what, error))
}

/// A value that is kept as JSON text.
pub(crate) fn json<T: DeserializeOwned>(
    row: &Row<'_>,
    column: usize,
    what: &str,
) -> Result<T, Trouble> {
    let text = row.get_ref(column)?.as_str().map_err(|error| Trouble::corrupt(what, error))?;
    serde_json::from_str(text).map_err(|error| Trouble::corrupt(what, error))
}

/// A value that is kept as its own text.
pub(crate) fn parsed<T: FromStr<Err: ToString>>(
    row: &Row<'_>,
    column: usize,
    what: &str,
) -> Result<T, Trouble> {
    let text = row.get_ref(column)?.as_str().map_err(|error| Trouble::corrupt(what, error))?;
    text.parse().map_err(|error: T::Err| Trouble::corrupt(what, error.to_string()))
}

/// A value that is written as its text, or none.
pub(crate) fn parsed_if<T: FromStr<Err: ToString>>(
    row: &Row<'_>,
    column: usize,
    what: &str,
) -> Result<Option<T>, Trouble> {
    let text: Option<&str> =
        row.get_ref(column)?.as_str_or_null().map_err(|error| Trouble::corrupt(what, error))?;
    text.map(str::parse)
        .transpose()
        .map_err(|error: T::Err| Trouble::corrupt(what, error.to_string()))
}

// --- the catalog ---

/// Applications that are not deleted.
pub(crate) fn applications(connection: &Connection) -> Result<Vec<Application>, Trouble> {
    all(connection, "SELECT body FROM application WHERE deleted = 0", "application")
}

/// Webhooks that are not deleted.
pub(crate) fn live_webhooks(connection: &Connection) -> Result<Vec<Webhook>, Trouble> {
    all(connection, "SELECT body FROM webhook WHERE deleted = 0", "webhook")
}

fn all<T: DeserializeOwned>(
    connection: &Connection,
    sql: &str,
    what: &str,
) -> Result<Vec<T>, Trouble> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(json(row, 0, what)?);
    }
    Ok(found)
}

/// A webhook, also a deleted one.
pub(crate) fn webhook(connection: &Connection, id: WebhookId) -> Result<Option<Webhook>, Trouble> {
    let mut statement = connection.prepare_cached("SELECT body FROM webhook WHERE id = ?1")?;
    let mut rows = statement.query([int(id.0)])?;
    rows.next()?.map(|row| json(row, 0, "webhook")).transpose()
}

// --- events ---

/// The columns of [`event`].
pub(crate) const EVENT: &str = "id, application, trigger, entity, source, variables, date, test";

/// An event.
pub(crate) fn event(row: &Row<'_>) -> Result<Event, Trouble> {
    let variables: Option<&str> =
        row.get_ref(5)?.as_str_or_null().map_err(|error| Trouble::corrupt("event", error))?;
    let variables = match variables {
        Some(text) => {
            serde_json::from_str(text).map_err(|error| Trouble::corrupt("event", error))?
        }
        None => JsonObject::new(),
    };
    Ok(Event {
        id: EventId::from_bytes(bytes(row, 0, "event")?),
        application: number_if(row, 1, "event")?.map(ApplicationId),
        trigger: parsed(row, 2, "event")?,
        entity: parsed(row, 3, "event")?,
        source: parsed(row, 4, "event")?,
        variables,
        date: wall(row, 6)?,
        test: row.get(7)?,
    })
}

/// Reads an event by its id.
pub(crate) fn event_by_id(
    connection: &Connection,
    id: EventId,
) -> Result<Option<Arc<Event>>, Trouble> {
    static SQL: LazyLock<String> =
        LazyLock::new(|| format!("SELECT {EVENT} FROM event WHERE id = ?1"));
    let mut statement = connection.prepare_cached(&SQL)?;
    let mut rows = statement.query([id.bytes().as_slice()])?;
    rows.next()?.map(|row| event(row).map(Arc::new)).transpose()
}

/// Writes an event.
pub(crate) fn insert_event(connection: &Connection, event: &Event) -> Result<(), Trouble> {
    let variables = (!event.variables.is_empty()).then(|| to_json(&event.variables));
    let inserted = connection
        .prepare_cached(
            "INSERT INTO event (id, application, trigger, entity, source, variables, date, test)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            event.id.bytes().as_slice(),
            event.application.map(|id| int(id.0)),
            event.trigger.as_str(),
            event.entity.as_str(),
            event.source.as_str(),
            variables,
            event.date.0,
            event.test,
        ]);
    match inserted {
        Ok(_) => Ok(()),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
            let what = format!("event {}", event.id);
            Err(Trouble::corrupt(what, "there is an event with this id already"))
        }
        Err(error) => Err(error.into()),
    }
}

// --- notices ---

/// The number that stands for a kind of notice.
pub(crate) fn notice_kind_number(kind: NoticeKind) -> i64 {
    match kind {
        NoticeKind::WebhookDisabled => 0,
        NoticeKind::WebhookHeld => 1,
        NoticeKind::DeliveryExhausted => 2,
    }
}

/// The columns of [`notice`].
pub(crate) const NOTICE: &str = "id, application, webhook, kind, text, count, first_at, last_at";

/// A notice.
pub(crate) fn notice(row: &Row<'_>) -> Result<Notice, Trouble> {
    let kind: i64 = row.get(3)?;
    let kinds =
        [NoticeKind::WebhookDisabled, NoticeKind::WebhookHeld, NoticeKind::DeliveryExhausted];
    let kind = kinds
        .into_iter()
        .find(|known| notice_kind_number(*known) == kind)
        .ok_or_else(|| Trouble::corrupt("notice", format!("there is no kind {kind}")))?;
    Ok(Notice {
        id: NoticeId(number(row, 0, "notice")?),
        application: ApplicationId(number(row, 1, "notice")?),
        webhook: WebhookId(number(row, 2, "notice")?),
        kind,
        text: row.get(4)?,
        count: number(row, 5, "notice")?,
        first_at: wall(row, 6)?,
        last_at: wall(row, 7)?,
    })
}

// --- payloads and attempts ---

/// Writes a body, with whom it tells of, and returns its row.
pub(crate) fn insert_payload(
    connection: &Connection,
    body: &[u8],
    subjects: &[EntityId],
) -> Result<i64, Trouble> {
    connection
        .prepare_cached("INSERT INTO payload (body, subjects) VALUES (?1, ?2)")?
        .execute(params![body, subjects_text(subjects)])?;
    Ok(connection.last_insert_rowid())
}

/// Replaces the body in a row.
pub(crate) fn update_payload(
    connection: &Connection,
    id: i64,
    body: &[u8],
    subjects: &[EntityId],
) -> Result<(), Trouble> {
    connection
        .prepare_cached("UPDATE payload SET body = ?2, subjects = ?3 WHERE id = ?1")?
        .execute(params![id, body, subjects_text(subjects)])?;
    Ok(())
}

/// Removes a body.
pub(crate) fn delete_payload(connection: &Connection, id: i64) -> Result<(), Trouble> {
    connection.prepare_cached("DELETE FROM payload WHERE id = ?1")?.execute([id])?;
    Ok(())
}

fn subjects_text(subjects: &[EntityId]) -> Option<String> {
    (!subjects.is_empty()).then(|| to_json(&subjects))
}

/// Whom the body in a row tells of.
pub(crate) fn payload_subjects(connection: &Connection, id: i64) -> Result<Vec<EntityId>, Trouble> {
    let text: Option<String> = connection
        .prepare_cached("SELECT subjects FROM payload WHERE id = ?1")?
        .query_row([id], |row| row.get(0))
        .optional()?
        .flatten();
    match text {
        Some(text) => {
            serde_json::from_str(&text).map_err(|error| Trouble::corrupt("payload", error))
        }
        None => Ok(Vec::new()),
    }
}

/// Reads the body in a row.
pub(crate) fn payload(connection: &Connection, id: i64) -> Result<Option<Vec<u8>>, Trouble> {
    let mut statement = connection.prepare_cached("SELECT body FROM payload WHERE id = ?1")?;
    Ok(statement.query_row([id], |row| row.get(0)).optional()?)
}

/// Writes an attempt.
pub(crate) fn insert_attempt(
    connection: &Connection,
    delivery: DeliveryId,
    attempt: &Attempt,
) -> Result<(), Trouble> {
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO attempt (delivery, number, started_at, duration_ms, outcome,
                 status, error, request_headers, response_headers, response_body, truncated)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?
        .execute(params![
            delivery.bytes().as_slice(),
            attempt.number,
            attempt.started_at.0,
            int(attempt.duration_ms),
            to_json(&attempt.outcome),
            attempt.status,
            attempt.error,
            to_json(&attempt.request_headers),
            to_json(&attempt.response_headers),
            &attempt.response_body[..],
            attempt.response_body_truncated,
        ])?;
    Ok(())
}

/// Leaves out what receivers said to the attempts at a delivery.
pub(crate) fn forget_answers(connection: &Connection, id: DeliveryId) -> Result<(), Trouble> {
    connection
        .prepare_cached(
            "UPDATE attempt SET response_headers = '[]', response_body = x''
             WHERE delivery = ?1",
        )?
        .execute([id.bytes().as_slice()])?;
    Ok(())
}

/// Reads the attempts at a delivery, in their order.
pub(crate) fn attempts(connection: &Connection, id: DeliveryId) -> Result<Vec<Attempt>, Trouble> {
    let mut statement = connection.prepare_cached(
        "SELECT number, started_at, duration_ms, outcome, status, error, request_headers,
             response_headers, response_body, truncated
         FROM attempt WHERE delivery = ?1 ORDER BY number",
    )?;
    let mut rows = statement.query([id.bytes().as_slice()])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(Attempt {
            number: small(row, 0, "attempt")?,
            started_at: wall(row, 1)?,
            duration_ms: number(row, 2, "attempt")?,
            outcome: json(row, 3, "attempt")?,
            status: row.get(4)?,
            error: row.get(5)?,
            request_headers: json(row, 6, "attempt")?,
            response_headers: json(row, 7, "attempt")?,
            response_body: row.get::<_, Vec<u8>>(8)?.into(),
            response_body_truncated: row.get(9)?,
        });
    }
    Ok(found)
}
