//! A walk through deliveries, newest first, in bounded steps along the index that fits the filter
//! best.

use std::{collections::HashMap, sync::Arc};

use rusqlite::{Connection, OptionalExtension, params_from_iter, types::Value};
use tidings_core::{
    event::Event,
    ids::{DeliveryId, WebhookId},
    webhook::Webhook,
};
use tidings_store::{DeliveryFilter, ShownState, rules};

use crate::{
    delivery::{self, Stored},
    error::Trouble,
    row::{self, int},
};

/// Deliveries that are looked at in one step.
const PART: usize = 256;
/// Greater than every id.
pub(crate) const END: [u8; 33] = [0xFF; 33];

/// A delivery with what it belongs to.
pub(crate) type Whole = (Stored, Arc<Event>, Arc<Webhook>);

/// A walk through the deliveries that are asked for, newest first, in bounded steps.
pub(crate) struct DeliveryScan {
    filter: DeliveryFilter,
    /// What is smaller has not been looked at.
    before: Vec<u8>,
    last_event: Option<Arc<Event>>,
    webhooks: HashMap<WebhookId, Arc<Webhook>>,
    done: bool,
}

impl DeliveryScan {
    /// A walk that begins behind `after`.
    pub(crate) fn new(filter: DeliveryFilter, after: Option<DeliveryId>) -> DeliveryScan {
        DeliveryScan {
            filter,
            before: after.map_or(END.to_vec(), |after| after.bytes().to_vec()),
            last_event: None,
            webhooks: HashMap::new(),
            done: false,
        }
    }

    /// The next of those that are asked for: perhaps none of this step; `None` at the end. `known`
    /// finds a webhook without reading.
    pub(crate) fn next_part(
        &mut self,
        connection: &Connection,
        known: &dyn Fn(WebhookId) -> Option<Arc<Webhook>>,
    ) -> Result<Option<Vec<Whole>>, Trouble> {
        if self.done {
            return Ok(None);
        }
        let rows = match self.filter.entity.clone() {
            Some(entity) => self.of_next_event(connection, &entity)?,
            None => self.along_index(connection)?,
        };
        let mut part = Vec::with_capacity(rows.len());
        for stored in rows {
            let event = self.event(connection, stored.delivery.id)?;
            let webhook = self.webhook(connection, stored.delivery.id, known)?;
            if rules::delivery_matches(&self.filter, &stored.delivery, &event, &webhook) {
                part.push((stored, event, webhook));
            }
        }
        Ok(Some(part))
    }

    fn along_index(&mut self, connection: &Connection) -> Result<Vec<Stored>, Trouble> {
        let (sql, parameters) = self.along_index_sql();
        let rows = rows(connection, &sql, parameters)?;
        match rows.last() {
            Some(last) if rows.len() == PART => self.before = last.delivery.id.bytes().to_vec(),
            _ => self.done = true,
        }
        Ok(rows)
    }

    /// Names one owner alone, so that only the index that narrows most fits.
    fn along_index_sql(&self) -> (String, Vec<Value>) {
        let (mut sql, mut parameters) = self.conditions();
        if let Some(webhook) = self.filter.webhook {
            sql += " AND webhook = ?";
            parameters.push(Value::from(int(webhook.0)));
        } else if let Some(application) = self.filter.application {
            sql += " AND application = ?";
            parameters.push(Value::from(int(application.0)));
        }
        (newest_first(sql), parameters)
    }

    /// Deliveries of the next event for the entity, which lie side by side.
    fn of_next_event(
        &mut self,
        connection: &Connection,
        entity: &str,
    ) -> Result<Vec<Stored>, Trouble> {
        let event: Option<Vec<u8>> = connection
            .prepare_cached(
                "SELECT id FROM event INDEXED BY event_by_entity
                 WHERE entity = ?1 AND id < ?2 ORDER BY id DESC LIMIT 1",
            )?
            .query_row((entity, &self.before), |row| row.get(0))
            .optional()?;
        let Some(event) = event else {
            self.done = true;
            return Ok(Vec::new());
        };
        let (mut sql, mut parameters) = self.conditions();
        sql += " AND id > ?";
        parameters.push(Value::from(event.clone()));
        let rows = rows(connection, &newest_first(sql), parameters)?;
        self.before = match rows.last() {
            Some(last) if rows.len() == PART => last.delivery.id.bytes().to_vec(),
            _ => event,
        };
        Ok(rows)
    }

    /// What a row can be told by without its event and webhook.
    fn conditions(&self) -> (String, Vec<Value>) {
        let mut sql = format!("SELECT {} FROM delivery WHERE id < ?", delivery::DELIVERY);
        let mut parameters = vec![Value::from(self.before.clone())];
        if let [ShownState::Exhausted] = self.filter.states.as_slice() {
            sql += " AND state = 4";
        } else if !self.filter.states.is_empty() {
            let states: Vec<&str> = self.filter.states.iter().map(|it| raw_state(*it)).collect();
            // The unary plus keeps the planner away from the partial indexes of the queue.
            sql += &format!(" AND +state IN ({})", states.join(", "));
        }
        if let Some(trigger) = &self.filter.trigger {
            sql += " AND trigger = ?";
            parameters.push(Value::from(trigger.as_str().to_owned()));
        }
        for (condition, at) in
            [(" AND added_at >= ?", self.filter.from), (" AND added_at < ?", self.filter.until)]
        {
            if let Some(at) = at {
                sql += condition;
                parameters.push(Value::from(at.0));
            }
        }
        (sql, parameters)
    }

    /// The event of a stored delivery.
    pub(crate) fn event(
        &mut self,
        connection: &Connection,
        id: DeliveryId,
    ) -> Result<Arc<Event>, Trouble> {
        if let Some(event) = self.last_event.as_ref().filter(|event| event.id == id.event()) {
            return Ok(Arc::clone(event));
        }
        let event = row::event_by_id(connection, id.event())?
            .ok_or_else(|| Trouble::corrupt(format!("delivery {id}"), "its event is missing"))?;
        self.last_event = Some(Arc::clone(&event));
        Ok(event)
    }

    /// The webhook of a stored delivery, also a deleted one.
    pub(crate) fn webhook(
        &mut self,
        connection: &Connection,
        id: DeliveryId,
        known: &dyn Fn(WebhookId) -> Option<Arc<Webhook>>,
    ) -> Result<Arc<Webhook>, Trouble> {
        let number = id.webhook();
        if let Some(webhook) = known(number).or_else(|| self.webhooks.get(&number).cloned()) {
            return Ok(webhook);
        }
        let webhook = row::webhook(connection, number)?
            .map(Arc::new)
            .ok_or_else(|| Trouble::corrupt(format!("delivery {id}"), "its webhook is missing"))?;
        self.webhooks.insert(number, Arc::clone(&webhook));
        Ok(webhook)
    }
}

fn newest_first(sql: String) -> String {
    sql + &format!(" ORDER BY id DESC LIMIT {PART}")
}

fn rows(
    connection: &Connection,
    sql: &str,
    parameters: Vec<Value>,
) -> Result<Vec<Stored>, Trouble> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params_from_iter(parameters))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(delivery::stored(row)?);
    }
    Ok(found)
}

fn raw_state(state: ShownState) -> &'static str {
    match state {
        ShownState::Pending | ShownState::Held => "0",
        ShownState::Leased => "1",
        ShownState::Delivered => "2",
        ShownState::Suppressed => "3",
        ShownState::Exhausted => "4",
        ShownState::Cancelled => "5",
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use tidings_core::ids::ApplicationId;

    use super::*;
    use crate::migrate;

    /// Which index a filter is answered from; none of them may sort.
    fn check(filter: DeliveryFilter, index: &str) {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate::migrate(&mut connection, Path::new("x")).unwrap();
        let (sql, parameters) = DeliveryScan::new(filter.clone(), None).along_index_sql();
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let plan: String =
            statement.query_row(params_from_iter(parameters), |row| row.get(3)).unwrap();
        assert!(plan.contains(index) && !plan.contains("TEMP"), "{filter:?}: {plan}");
    }

    #[test]
    fn lists_of_deliveries_are_read_along_the_index_that_fits_best() {
        let all = DeliveryFilter::default();
        let application = Some(ApplicationId(1));
        let webhook = Some(WebhookId(1));
        let exhausted = vec![ShownState::Exhausted];
        let waiting = vec![ShownState::Pending, ShownState::Held, ShownState::Leased];
        check(all.clone(), "USING PRIMARY KEY");
        check(DeliveryFilter { application, ..all.clone() }, "delivery_by_application");
        check(DeliveryFilter { application, webhook, ..all.clone() }, "delivery_by_webhook");
        let filter = DeliveryFilter { webhook, states: waiting.clone(), ..all.clone() };
        check(filter, "delivery_by_webhook");
        let filter = DeliveryFilter { application, states: waiting, ..all.clone() };
        check(filter, "delivery_by_application");
        let filter = DeliveryFilter { application, states: exhausted, ..all };
        check(filter, "delivery_exhausted");
    }
}
