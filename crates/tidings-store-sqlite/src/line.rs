//! The queue of one webhook, read as far as it is needed.

use std::collections::VecDeque;

use rusqlite::{OptionalExtension, params};
use tidings_core::{
    ids::{DeliveryId, WebhookId},
    time::Elapsed,
    webhook::{PayloadMode, Running, Webhook},
};
use tidings_store::rules;

use crate::{
    delivery::{self, Stored},
    error::Trouble,
    row::{int, length},
    state::Tx,
};

/// Where a delivery stands in the queue: when it may be taken, and its id.
pub(crate) type Place = (Elapsed, DeliveryId);

/// Rows that are read at first, and at most, in one step.
const READ_MIN: usize = 4;
const READ_MAX: usize = 256;

fn place(stored: &Stored) -> Option<Place> {
    Some((stored.delivery.next_at()?, stored.delivery.id))
}

/// Due deliveries of a webhook in the order of their places, read ahead a few at a time.
pub(crate) struct Line {
    /// Whether those without a body are among them; else their source holds them back.
    pub(crate) everything: bool,
    rows: VecDeque<Stored>,
    /// Expired leases on deliveries with a body, which the index of frozen ones does not hold.
    expired: VecDeque<Stored>,
    after: Option<Place>,
    read_count: usize,
    started: bool,
    ended: bool,
}

impl Line {
    pub(crate) fn new(everything: bool) -> Line {
        Line {
            everything,
            rows: VecDeque::new(),
            expired: VecDeque::new(),
            after: None,
            read_count: 0,
            started: false,
            ended: false,
        }
    }

    /// The place of its first.
    pub(crate) fn head(
        &mut self,
        tx: &Tx<'_>,
        webhook: &Webhook,
        now: Elapsed,
    ) -> Result<Option<Place>, Trouble> {
        if !self.started && !self.everything {
            let is_ready = |it: &Stored| {
                !rules::needs_query(webhook, &it.delivery, it.payload.is_some())
                    && it.delivery.next_at().is_some_and(|at| at <= now)
            };
            let mut expired = leased(tx, webhook.id)?;
            expired.retain(is_ready);
            expired.sort_unstable_by_key(place);
            self.expired = expired.into();
        }
        self.started = true;
        if self.rows.is_empty() && !self.ended {
            self.read(tx, webhook, now)?;
        }
        let fronts = [self.rows.front(), self.expired.front()];
        Ok(fronts.into_iter().flatten().filter_map(place).min())
    }

    /// Takes its first away, after [`Line::head`] has shown it.
    pub(crate) fn pop(&mut self) -> Option<Stored> {
        let (first, expired) = (self.rows.front(), self.expired.front());
        match (first.and_then(place), expired.and_then(place)) {
            (Some(row), Some(expired)) if expired < row => self.expired.pop_front(),
            (None, Some(_)) => self.expired.pop_front(),
            _ => self.rows.pop_front(),
        }
    }

    fn read(&mut self, tx: &Tx<'_>, webhook: &Webhook, now: Elapsed) -> Result<(), Trouble> {
        let sql = line_sql(self.everything, webhook.payload);
        let count = self.read_count.clamp(READ_MIN, READ_MAX);
        let (after_at, after_id) = match &self.after {
            Some((at, id)) => (int(at.0), id.bytes().as_slice()),
            None => (-1, [].as_slice()),
        };
        let parameters: [&dyn rusqlite::ToSql; 5] =
            [&int(webhook.id.0), &int(now.0), &after_at, &after_id, &length(count)];
        self.rows = delivery::deliveries(tx.connection, &sql, &parameters)?.into();
        self.ended = self.rows.len() < count;
        self.read_count += self.rows.len();
        self.after = self.rows.back().and_then(place).or(self.after);
        Ok(())
    }
}

/// What needs its query is only read where everything is.
fn line_sql(everything: bool, mode: PayloadMode) -> String {
    let (index, of) = match (everything, mode) {
        (true, _) => ("delivery_open", "state < 2"),
        (false, PayloadMode::Frozen) => ("delivery_frozen", "state = 0 AND payload IS NOT NULL"),
        (false, PayloadMode::Fresh) => {
            ("delivery_frozen", "state = 0 AND payload IS NOT NULL AND attempts_count = 0")
        }
    };
    format!(
        "SELECT {} FROM delivery INDEXED BY {index}
         WHERE {of} AND webhook = ?1 AND next_at <= ?2 AND (next_at, id) > (?3, ?4)
         ORDER BY next_at, id LIMIT ?5",
        delivery::DELIVERY
    )
}

/// The deliveries of a webhook that are leased, also those whose lease has expired.
fn leased(tx: &Tx<'_>, webhook: WebhookId) -> Result<Vec<Stored>, Trouble> {
    let first = (webhook, DeliveryId::from_bytes([0; 32]));
    let last = (webhook, DeliveryId::from_bytes([0xFF; 32]));
    let mut found = Vec::new();
    for (_, id) in tx.state.leased.range(first..=last) {
        found.extend(delivery::delivery_by_id(tx.connection, *id)?);
    }
    Ok(found)
}

/// Due deliveries of a webhook behind an open breaker whose deadline has passed, the longest due
/// first: no more than one commit may exhaust, and one. What waits for a source that is down is
/// none of them.
pub(crate) fn past_deadline(
    tx: &mut Tx<'_>,
    webhook: &Webhook,
    now: Elapsed,
) -> Result<Vec<Stored>, Trouble> {
    let down = tx.state.source(&webhook.source).down.is_some();
    let health = tx.state.endpoint(webhook.endpoint);
    let mut passed = dated(tx, webhook, now)?;
    // The 72 hours of the others began when they were due, or held back, or their webhook went on:
    // whichever was last.
    let since = health.holding_since.map(|at| at.max(webhook.clock.went_on_at.unwrap_or_default()));
    let horizon_ms = webhook.retry.horizon_ms;
    if since.is_some_and(|at| at.plus_ms(horizon_ms) <= now)
        && let Some(latest) = now.0.checked_sub(horizon_ms)
    {
        passed.extend(undated(tx, webhook.id, Elapsed(latest), down)?);
    }
    passed.retain(|stored| {
        let held_back =
            down && rules::needs_query(webhook, &stored.delivery, stored.payload.is_some());
        let deadline = rules::deadline(&stored.delivery, webhook, &health, now);
        let is_due = stored.delivery.next_at().is_some_and(|at| at <= now);
        !held_back && is_due && deadline.is_some_and(|at| at <= now)
    });
    passed.sort_unstable_by_key(place);
    passed.truncate(rules::ENDED_PER_COMMIT_MAX + 1);
    Ok(passed)
}

/// Those whose 72 hours began when their body was frozen. Looks only when one may have passed.
fn dated(tx: &mut Tx<'_>, webhook: &Webhook, now: Elapsed) -> Result<Vec<Stored>, Trouble> {
    let reading = webhook.clock.reading(now);
    if tx.state.deadlines_from(webhook.id).is_some_and(|first| first > reading) {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT {} FROM delivery INDEXED BY delivery_deadline
         WHERE state = 0 AND deadline IS NOT NULL AND webhook = ?1 AND deadline <= ?2
             AND next_at <= ?3
         ORDER BY next_at, id LIMIT ?4",
        delivery::DELIVERY
    );
    let parameters: [&dyn rusqlite::ToSql; 4] = [
        &int(webhook.id.0),
        &int(reading.0),
        &int(now.0),
        &length(rules::ENDED_PER_COMMIT_MAX + 1),
    ];
    let mut found = delivery::deliveries(tx.connection, &sql, &parameters)?;
    let leased = leased(tx, webhook.id)?;
    let first_leased = leased.iter().filter_map(|it| it.delivery.deadline).min();
    let has_passed = |it: &Stored| it.delivery.deadline.is_some_and(|at| at <= reading);
    found.extend(leased.into_iter().filter(has_passed));
    let first_pending: Option<i64> = tx
        .connection
        .prepare_cached(
            "SELECT deadline FROM delivery INDEXED BY delivery_deadline
             WHERE state = 0 AND deadline IS NOT NULL AND webhook = ?1
             ORDER BY deadline LIMIT 1",
        )?
        .query_row(params![int(webhook.id.0)], |row| row.get(0))
        .optional()?;
    let first_pending = first_pending.map(|at| Running(u64::try_from(at).unwrap_or(0)));
    let first = [first_leased, first_pending].into_iter().flatten().min();
    tx.state.keep_deadlines_from(webhook.id, Some(first.unwrap_or(Running(u64::MAX))));
    Ok(found)
}

/// Those whose 72 hours began without a body, and which were due at `latest`.
fn undated(
    tx: &Tx<'_>,
    webhook: WebhookId,
    latest: Elapsed,
    only_frozen: bool,
) -> Result<Vec<Stored>, Trouble> {
    let sql = undated_sql(only_frozen);
    let parameters: [&dyn rusqlite::ToSql; 3] =
        [&int(webhook.0), &int(latest.0), &length(rules::ENDED_PER_COMMIT_MAX + 1)];
    let mut found = delivery::deliveries(tx.connection, &sql, &parameters)?;
    if only_frozen {
        // That index has none whose lease ran out.
        found.extend(leased(tx, webhook)?.into_iter().filter(|stored| {
            let was_due = stored.delivery.next_at().is_some_and(|at| at <= latest);
            was_due && stored.delivery.deadline.is_none() && stored.payload.is_some()
        }));
    }
    Ok(found)
}

fn undated_sql(only_frozen: bool) -> String {
    let (index, of) = match only_frozen {
        true => ("delivery_frozen", "state = 0 AND payload IS NOT NULL"),
        false => ("delivery_open", "state < 2"),
    };
    format!(
        "SELECT {} FROM delivery INDEXED BY {index}
         WHERE {of} AND webhook = ?1 AND next_at <= ?2 AND deadline IS NULL
         ORDER BY next_at, id LIMIT ?3",
        delivery::DELIVERY
    )
}

/// Deliveries of a webhook that need its query and were due at `until`, the longest due first.
pub(crate) fn waited(
    tx: &Tx<'_>,
    webhook: &Webhook,
    until: Elapsed,
    count: usize,
) -> Result<Vec<Stored>, Trouble> {
    let sql = waited_sql(webhook.payload);
    let parameters: [&dyn rusqlite::ToSql; 3] = [&int(webhook.id.0), &int(until.0), &length(count)];
    delivery::deliveries(tx.connection, &sql, &parameters)
}

fn waited_sql(mode: PayloadMode) -> String {
    let asks = match mode {
        PayloadMode::Frozen => "payload IS NULL",
        PayloadMode::Fresh => "(payload IS NULL OR attempts_count > 0)",
    };
    format!(
        "SELECT {} FROM delivery INDEXED BY delivery_open
         WHERE state < 2 AND state = 0 AND webhook = ?1 AND next_at <= ?2 AND {asks}
         ORDER BY next_at, id LIMIT ?3",
        delivery::DELIVERY
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan;

    #[test]
    fn a_queue_is_read_along_its_index_and_never_sorted() {
        let modes = [PayloadMode::Frozen, PayloadMode::Fresh];
        for (everything, mode) in [true, false].into_iter().flat_map(|it| modes.map(|of| (it, of)))
        {
            let plan = plan::of(&line_sql(everything, mode));
            assert!(plan.contains("(webhook=? AND (next_at,id)>(?,?)"), "{plan}");
            assert!(!plan.contains("TEMP B-TREE"), "{plan}");
        }
        let undated = [true, false].map(undated_sql);
        for sql in modes.map(waited_sql).iter().chain(&undated) {
            let plan = plan::of(sql);
            assert!(plan.contains("(webhook=? AND next_at<?)"), "{plan}");
            assert!(!plan.contains("TEMP B-TREE"), "{plan}");
        }
    }
}
