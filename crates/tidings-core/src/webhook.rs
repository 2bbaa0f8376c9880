//! A webhook: an application's standing order. Triggers, queries, url, keys, policies.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    application::Name,
    delivery::ReasonCode,
    event::JsonObject,
    ids::{ApplicationId, EndpointId, WebhookId},
    retry::RetryPolicy,
    secret::Sealed,
    time::{Elapsed, Wall},
    trigger::TriggerName,
};

/// A webhook as it is stored. Everything in it was checked when it was saved.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Webhook {
    /// Its number.
    pub id: WebhookId,
    /// Who owns it, and whose rights its queries have.
    pub application: ApplicationId,
    /// What its owner calls it.
    pub name: String,
    /// The source that its queries run on.
    pub source: Name,
    /// The triggers that it listens to, in the order given.
    pub triggers: Vec<TriggerName>,
    /// Where it is sent, with query string.
    pub url: String,
    /// The endpoint of that url: shared by the webhooks of one application that have the same url.
    /// The store sets it.
    pub endpoint: EndpointId,
    /// What is asked.
    pub queries: Queries,
    /// Passed to the queries that declare them.
    pub variables: JsonObject,
    /// What signs it: none, where its owner wished so. The oldest is first, the newest last.
    pub keys: Vec<SigningKey>,
    /// How long an attempt may take.
    pub timeout_ms: u32,
    /// Which answers are taken as a success.
    pub success: Success,
    /// How often and how long it is tried.
    pub retry: RetryPolicy,
    /// Whether a retry sends the same bytes.
    pub payload: PayloadMode,
    /// Headers that its owner adds; their values are sealed.
    pub headers: Vec<CustomHeader>,
    /// What is done about errors of the query, by their code.
    pub error_rules: Vec<ErrorRule>,
    /// Whether it is sent at present.
    pub status: Status,
    /// The clock that its deadlines count on.
    pub clock: RunningClock,
    /// Grows with every change; the store sets it.
    pub version: u64,
    /// When it was added.
    pub added_at: Wall,
    /// When it was last changed.
    pub updated_at: Wall,
}

/// The queries of a webhook, as their owner wrote them.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Queries {
    /// The one for every trigger that has none of its own.
    pub common: Option<String>,
    /// Those for single triggers.
    pub by_trigger: BTreeMap<TriggerName, String>,
}

impl Queries {
    /// The query for a trigger.
    #[must_use]
    pub fn of(&self, trigger: &TriggerName) -> Option<&str> {
        self.by_trigger.get(trigger).or(self.common.as_ref()).map(String::as_str)
    }
}

/// A key that signs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SigningKey {
    /// The key's bytes, sealed for [`KEY_PURPOSE`].
    pub sealed: Sealed,
    /// What is shown of it.
    pub fingerprint: String,
    /// The end of its overlap with the key after it; `None` for the newest.
    pub expires_at: Option<Elapsed>,
}

/// What signing keys are sealed for.
pub const KEY_PURPOSE: &str = "webhook.key";
/// What header values are sealed for.
pub const HEADER_PURPOSE: &str = "webhook.header";

/// What is shown of a header's value. No value can look like this: values are ASCII.
pub const MASK: &str = "••••••";

/// A header that a webhook's owner adds to each request.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CustomHeader {
    /// Its name, in lower case.
    pub name: String,
    /// Its value, sealed for [`HEADER_PURPOSE`].
    pub sealed: Sealed,
}

/// Which answers are taken as a success.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Success {
    /// 200 and nothing else.
    #[serde(rename = "ONLY_200")]
    Only200,
    /// 200 to 299.
    #[serde(rename = "ANY_2XX")]
    Any2xx,
}

/// Whether a retry sends the same bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PayloadMode {
    /// The same bytes.
    Frozen,
    /// The query runs again.
    Fresh,
}

/// What is done when the query's response has an error with this code.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ErrorRule {
    /// The error's `extensions.code`.
    pub code: String,
    /// What is done.
    pub action: ErrorAction,
}

/// What is done about an error of the query. A later variant wins over an earlier one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ErrorAction {
    /// The response is sent with its errors.
    Deliver,
    /// The query is run again, for up to 24 hours.
    Retry,
    /// Nothing is sent, and the delivery ends.
    Drop,
    /// The webhook is put on hold.
    Hold,
}

/// Whether a webhook is sent at present. Deliveries come into being in every status.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// It is sent.
    Active,
    /// Its owner paused it.
    Paused,
    /// Its query cannot run as things are; it flows again when that is mended.
    Held {
        /// What is wrong.
        why: String,
        /// Which kind of reason it is: a query that does not fit the schema is looked at again
        /// when the schema changes, everything else waits for a person.
        code: ReasonCode,
    },
    /// Its receiver answered 410.
    Disabled {
        /// What happened.
        why: String,
    },
}

impl Status {
    /// What is wrong, where something is.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Status::Active | Status::Paused => None,
            Status::Held { why, .. } | Status::Disabled { why } => Some(why),
        }
    }
}

impl Webhook {
    /// Changes the status, and stops its clock or lets it go on.
    pub fn set_status(&mut self, status: Status, now: Elapsed) {
        if status == Status::Active {
            self.clock.go(now);
        } else {
            self.clock.stop(now);
        }
        self.status = status;
    }
}

/// A reading of a webhook's [`RunningClock`], in milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Running(pub u64);

/// Elapsed time without the time in which the webhook was paused, held or disabled. Deadlines are
/// kept on this clock, so that stopping one webhook is one row however many of its deliveries wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct RunningClock {
    /// Milliseconds that it stood still before it last went on.
    pub stopped_ms: u64,
    /// Since when it stands still.
    pub stopped_at: Option<Elapsed>,
    /// When it last went on after it had stood still.
    #[serde(default)]
    pub went_on_at: Option<Elapsed>,
}

impl RunningClock {
    /// What it says now.
    #[must_use]
    pub fn reading(&self, now: Elapsed) -> Running {
        let still_ms = self.stopped_at.map_or(0, |stopped_at| now.since_ms(stopped_at));
        Running(now.0.saturating_sub(self.stopped_ms).saturating_sub(still_ms))
    }

    /// The moment at which it will say `running`, if it is not stopped until then.
    #[must_use]
    pub fn moment(&self, running: Running, now: Elapsed) -> Elapsed {
        let still_ms = self.stopped_at.map_or(0, |stopped_at| now.since_ms(stopped_at));
        Elapsed(running.0.saturating_add(self.stopped_ms).saturating_add(still_ms))
    }

    /// What it will say at `moment`, if it is not stopped until then: the reverse of
    /// [`RunningClock::moment`].
    #[must_use]
    pub fn running(&self, moment: Elapsed, now: Elapsed) -> Running {
        let still_ms = self.stopped_at.map_or(0, |stopped_at| now.since_ms(stopped_at));
        Running(moment.0.saturating_sub(self.stopped_ms).saturating_sub(still_ms))
    }

    fn stop(&mut self, now: Elapsed) {
        self.stopped_at.get_or_insert(now);
    }

    fn go(&mut self, now: Elapsed) {
        if let Some(stopped_at) = self.stopped_at.take() {
            self.stopped_ms = self.stopped_ms.saturating_add(now.since_ms(stopped_at));
            self.went_on_at = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stopped_clock_moves_deadlines_by_the_time_that_it_stood_still() {
        let mut clock = RunningClock::default();
        let deadline = Running(1_000);
        assert_eq!(clock.moment(deadline, Elapsed(10)), Elapsed(1_000));
        clock.stop(Elapsed(100));
        clock.stop(Elapsed(150));
        assert_eq!(clock.reading(Elapsed(400)), Running(100));
        assert_eq!(clock.running(Elapsed(500), Elapsed(400)), Running(200));
        assert_eq!(clock.moment(Running(200), Elapsed(400)), Elapsed(500));
        clock.go(Elapsed(600));
        clock.go(Elapsed(700));
        assert_eq!(clock.moment(deadline, Elapsed(700)), Elapsed(1_500));
        assert_eq!(clock.reading(Elapsed(700)), Running(200));
    }

    #[test]
    fn a_trigger_without_a_query_of_its_own_uses_the_common_one() {
        let added: TriggerName = "UserAdded".parse().unwrap();
        let deleted: TriggerName = "UserDeleted".parse().unwrap();
        let queries = Queries {
            common: Some("common".to_owned()),
            by_trigger: [(added.clone(), "own".to_owned())].into(),
        };
        assert_eq!((queries.of(&added), queries.of(&deleted)), (Some("own"), Some("common")));
        assert_eq!(Queries::default().of(&added), None);
    }
}
