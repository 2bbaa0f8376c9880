//! One event of `POST /v1/events`, as it was written, made into what it says. Pure: nothing is
//! looked up.

use serde_json::Value;
use sha2::{Digest, Sha256};
use tidings_core::{
    application::Name,
    event::{IdempotencyKey, JsonObject},
    ids::EntityId,
    limits::{EVENTS_PER_REQUEST_MAX, VARIABLES_BYTES_MAX},
    time::{DAY_MS, Wall},
    trigger::TriggerName,
};

use crate::problem::Fault;

/// How far ahead of the clock an event may have happened: clocks differ, time zones are forgotten.
const AHEAD_MS_MAX: i64 = DAY_MS as i64;
/// The members of an event.
const MEMBERS: [&str; 7] =
    ["trigger", "id", "source", "application", "variables", "occurredAt", "idempotencyKey"];

/// What one event of a request says.
#[derive(Clone, PartialEq, Debug)]
pub struct EventInput {
    /// Its JSON pointer: `` or `/3`.
    pub pointer: String,
    /// The trigger that fired.
    pub trigger: TriggerName,
    /// What it fired for.
    pub entity: EntityId,
    /// Where the entity is.
    pub source: Option<Name>,
    /// Whose webhooks hear it.
    pub application: Option<Name>,
    /// Passed to the queries that declare them.
    pub variables: JsonObject,
    /// When it happened.
    pub occurred_at: Option<Wall>,
    /// The key under which it is remembered.
    pub key: Option<IdempotencyKey>,
}

/// The events of a body: one, or an array of them.
///
/// # Errors
/// Everything that is wrong with them, in their order; never empty.
pub fn parse(body: Value, now: Wall) -> Result<Vec<EventInput>, Vec<Fault>> {
    let events = match body {
        Value::Array(events) => {
            check_count(events.len())?;
            let pointed = events.into_iter().enumerate();
            pointed.map(|(index, event)| (index, format!("/{index}"), event)).collect()
        }
        event => vec![(0, String::new(), event)],
    };
    let mut inputs = Vec::with_capacity(events.len());
    let mut faults = Vec::new();
    for (index, pointer, event) in events {
        let mut reader = Reader { index, pointer, faults: &mut faults };
        inputs.extend(reader.event(event, now));
    }
    if faults.is_empty() { Ok(inputs) } else { Err(faults) }
}

fn check_count(count: usize) -> Result<(), Vec<Fault>> {
    let detail = match count {
        0 => "the array is empty: send at least one event".to_owned(),
        1..=EVENTS_PER_REQUEST_MAX => return Ok(()),
        _ => format!(
            "the array has {count} events, a request has at most {EVENTS_PER_REQUEST_MAX}: send \
             several requests"
        ),
    };
    Err(vec![Fault { index: 0, pointer: String::new(), detail }])
}

struct Reader<'a> {
    index: usize,
    pointer: String,
    faults: &'a mut Vec<Fault>,
}

impl Reader<'_> {
    fn event(&mut self, event: Value, now: Wall) -> Option<EventInput> {
        let Value::Object(mut members) = event else {
            self.fault("", "an event is an object with `trigger` and `id`".to_owned());
            return None;
        };
        for name in members.keys().filter(|name| !MEMBERS.contains(&name.as_str())) {
            let shown: String = name.chars().take(64).collect();
            let detail = format!("an event has no member {shown:?}: it has {}", MEMBERS.join(", "));
            self.fault(&format!("/{}", name.replace('~', "~0").replace('/', "~1")), detail);
        }
        let trigger = self.required(&mut members, "trigger");
        let entity = self.required(&mut members, "id");
        let source = self.text(&mut members, "source");
        let application = self.text(&mut members, "application");
        let variables = self.variables(members.shift_remove("variables"));
        let occurred_at = self.occurred_at(&mut members, now);
        let key = self.text(&mut members, "idempotencyKey");
        Some(EventInput {
            pointer: self.pointer.clone(),
            trigger: trigger?,
            entity: entity?,
            source,
            application,
            variables,
            occurred_at,
            key,
        })
    }

    fn fault(&mut self, member: &str, detail: String) {
        let pointer = format!("{}{member}", self.pointer);
        self.faults.push(Fault { index: self.index, pointer, detail });
    }

    fn required<T>(&mut self, members: &mut JsonObject, name: &str) -> Option<T>
    where
        T: std::str::FromStr<Err: std::fmt::Display>,
    {
        if !members.contains_key(name) {
            self.fault(&format!("/{name}"), format!("`{name}` is missing: an event needs it"));
        }
        self.text(members, name)
    }

    /// A member that is a text, parsed. Absent and `null` are both nothing, but for the required
    /// ones.
    fn text<T>(&mut self, members: &mut JsonObject, name: &str) -> Option<T>
    where
        T: std::str::FromStr<Err: std::fmt::Display>,
    {
        let is_required = matches!(name, "trigger" | "id");
        match members.shift_remove(name)? {
            Value::Null if !is_required => None,
            Value::String(text) => match text.parse() {
                Ok(value) => Some(value),
                Err(error) => {
                    self.fault(&format!("/{name}"), error.to_string());
                    None
                }
            },
            _ => {
                self.fault(&format!("/{name}"), format!("`{name}` is a string"));
                None
            }
        }
    }

    fn variables(&mut self, value: Option<Value>) -> JsonObject {
        let variables = match value {
            None | Some(Value::Null) => return JsonObject::new(),
            Some(Value::Object(variables)) => variables,
            Some(_) => {
                let detail = "`variables` is an object: its keys are the names of variables";
                self.fault("/variables", detail.to_owned());
                return JsonObject::new();
            }
        };
        let bytes = serde_json::to_string(&variables).map_or(usize::MAX, |text| text.len());
        if bytes > VARIABLES_BYTES_MAX {
            let detail = format!(
                "`variables` has {bytes} bytes as JSON, at most {VARIABLES_BYTES_MAX} are taken: \
                 send ids and let the query ask for the rest"
            );
            self.fault("/variables", detail);
        }
        variables
    }

    fn occurred_at(&mut self, members: &mut JsonObject, now: Wall) -> Option<Wall> {
        let text: String = self.text(members, "occurredAt")?;
        let detail = match Wall::parse(&text) {
            Ok(wall) if wall.0 < 0 => {
                "`occurredAt` is before 1970: write when the trigger fired".to_owned()
            }
            Ok(wall) if wall.0 > now.0.saturating_add(AHEAD_MS_MAX) => format!(
                "`occurredAt` is more than a day ahead of the server's clock, which says {now}"
            ),
            Ok(wall) => return Some(wall),
            Err(error) => error.to_string(),
        };
        self.fault("/occurredAt", detail);
        None
    }
}

impl EventInput {
    /// SHA-256 over what was asked for. Two requests with the same content have the same, whatever
    /// the order of their keys; `source` and `application` are those that count, also where they
    /// were left out.
    #[must_use]
    pub fn content(&self, source: &Name, application: Option<&Name>) -> [u8; 32] {
        let mut text = String::new();
        for part in [
            Value::from(self.trigger.as_str()),
            self.entity.as_str().into(),
            source.as_str().into(),
            application.map(Name::as_str).into(),
            self.occurred_at.map(|wall| wall.0).into(),
        ] {
            write_sorted(&part, &mut text);
            text.push('\n');
        }
        write_sorted(&Value::Object(self.variables.clone()), &mut text);
        Sha256::digest(text.as_bytes()).into()
    }
}

/// JSON with the keys of objects in their order as text. Values that came in are nested at most as
/// deep as is read.
fn write_sorted(value: &Value, text: &mut String) {
    match value {
        Value::Array(items) => {
            text.push('[');
            for item in items {
                write_sorted(item, text);
                text.push(',');
            }
            text.push(']');
        }
        Value::Object(members) => {
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_by_key(|(name, _)| name.as_str());
            text.push('{');
            for (name, member) in sorted {
                text.push_str(&Value::from(name.as_str()).to_string());
                text.push(':');
                write_sorted(member, text);
                text.push(',');
            }
            text.push('}');
        }
        plain => text.push_str(&plain.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tidings_core::samples::WALL;

    use super::*;

    fn check_refused(body: Value, expected: &[(usize, &str, &str)]) {
        let faults = parse(body.clone(), WALL).unwrap_err();
        assert_eq!(faults.len(), expected.len(), "{body}: {faults:?}");
        for (fault, (index, pointer, detail)) in faults.iter().zip(expected) {
            assert_eq!((fault.index, fault.pointer.as_str()), (*index, *pointer), "{fault:?}");
            assert!(fault.detail.contains(detail), "{body}: {fault:?}");
        }
    }

    fn with(name: &str, value: Value) -> Value {
        let mut event = json!({ "trigger": "UserAdded", "id": "1" });
        event[name] = value;
        event
    }

    #[test]
    fn the_sample_is_read_whole() {
        let input = parse(
            json!({
                "trigger": "EnergySwitchAdded", "id": "602cd86f3755d621aff583ee",
                "source": "platform",
                "application": "acme", "variables": { "locale": "en_GB" },
                "occurredAt": "2021-02-17T08:48:47.284Z", "idempotencyKey": "order-42-added"
            }),
            WALL,
        )
        .unwrap()
        .remove(0);
        assert_eq!(input.occurred_at, Some(WALL));
        assert_eq!(input.application, Some("acme".parse().unwrap()));
        assert_eq!(input.variables["locale"], "en_GB");
        assert!(input.key.is_some());
    }

    #[test]
    fn every_wrong_member_is_told_with_its_pointer() {
        check_refused(json!([]), &[(0, "", "empty")]);
        check_refused(json!(vec![with("id", json!("1")); 1_001]), &[(0, "", "at most 1000")]);
        check_refused(json!("x"), &[(0, "", "object")]);
        check_refused(json!([{}]), &[(0, "/0/trigger", "missing"), (0, "/0/id", "missing")]);
        check_refused(with("trigger", json!("../x%")), &[(0, "/trigger", "not a trigger's name")]);
        check_refused(with("trigger", json!("A".repeat(300))), &[(0, "/trigger", "too long")]);
        check_refused(with("trigger", Value::Null), &[(0, "/trigger", "string")]);
        check_refused(with("id", json!(7)), &[(0, "/id", "string")]);
        check_refused(with("id", json!("")), &[(0, "/id", "entity's id")]);
        check_refused(with("source", json!("No!")), &[(0, "/source", "not a name")]);
        check_refused(with("a/b~", json!(1)), &[(0, "/a~1b~0", "no member")]);
        check_refused(with("variables", json!([])), &[(0, "/variables", "object")]);
        let large = json!({ "x": "y".repeat(16 * 1024) });
        check_refused(with("variables", large), &[(0, "/variables", "at most 16384")]);
        check_refused(with("occurredAt", json!("yesterday")), &[(0, "/occurredAt", "date")]);
        let ahead = json!("2021-02-18T08:48:47.285Z");
        check_refused(with("occurredAt", ahead), &[(0, "/occurredAt", "ahead")]);
        check_refused(
            with("occurredAt", json!("1969-12-31T23:59:59Z")),
            &[(0, "/occurredAt", "1970")],
        );
        check_refused(with("idempotencyKey", json!("a b")), &[(0, "/idempotencyKey", "visible")]);
        check_refused(
            json!([with("id", json!("1")), with("id", json!(1)), with("trigger", json!(""))]),
            &[(1, "/1/id", "string"), (2, "/2/trigger", "name")],
        );
    }

    #[test]
    fn the_same_content_has_the_same_hash_and_other_content_another() {
        let name: Name = "platform".parse().unwrap();
        let hash = |body: Value| parse(body, WALL).unwrap()[0].content(&name, None);
        let first = hash(with("variables", json!({ "a": 1, "b": { "c": 1, "d": 2 } })));
        assert_eq!(first, hash(with("variables", json!({ "b": { "d": 2, "c": 1 }, "a": 1 }))));
        assert_ne!(first, hash(with("variables", json!({ "b": { "d": 2, "c": 1 }, "a": 2 }))));
        assert_eq!(hash(with("variables", Value::Null)), hash(with("id", json!("1"))));
        assert_ne!(hash(with("id", json!("1"))), hash(with("id", json!("2"))));
        let dated = hash(with("occurredAt", json!("2021-02-17T08:48:47.284Z")));
        assert_ne!(dated, hash(with("id", json!("1"))));
    }
}
