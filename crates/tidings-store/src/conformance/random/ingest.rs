//! Events and entities come in.

use tidings_core::{
    access::Owner,
    event::Event,
    ids::{DeliveryId, EventId},
    matching::match_event,
    samples,
};

use super::{Run, both, catalog, normal};
use crate::{
    error::AppendError,
    types::{
        Append, Appended, Emptied, EntityChange, EntityExpectation, Erasure, Idempotency, Link,
        NewEvent,
    },
};

/// The ids that entities have; few, so that they meet.
pub(super) const ENTITIES: [&str; 5] = ["a", "b", "c", "d", "é"];
pub(super) const KINDS: [&str; 2] = ["User", "Account"];

impl Run<'_> {
    pub(super) async fn append(&mut self) {
        let answers = both!(self, |store| store.catalog());
        let catalogs = self.done("catalog", answers);
        let events: Vec<(Event, Option<Idempotency>)> =
            (0..self.random.usize(0..4)).map(|_| (self.event(), self.key())).collect();
        let mut changes = Vec::new();
        for _ in 0..self.pick(&[0, 0, 1, 2]).unwrap() {
            changes.push(self.entity_change().await);
        }
        let mut expected = Vec::new();
        if self.chance(20) {
            expected.push(self.expectation().await);
        }
        let mut emptied = Vec::new();
        if self.chance(10) {
            emptied.push(self.emptied().await);
        }
        let mut erasures = Vec::new();
        if let Some(application) = self.pick(&self.applications.clone()).filter(|_| self.chance(4))
        {
            let entity = self.pick(&ENTITIES).unwrap();
            erasures.push(Erasure { application, entities: vec![entity.parse().unwrap()] });
        }
        let tasks = self.task_changes();
        let tasks_count = tasks[0].len();
        let (tokens, revocations) = self.token_changes();
        let is_stale = self.chance(3);
        let rooms = self.room().await.map(Some);
        let rooms = if self.chance(10) { [None, None] } else { rooms };
        let mut answers = Vec::new();
        let parts = self.stores.into_iter().zip(&catalogs).zip(rooms).zip(tasks);
        for (((store, catalog), room), tasks) in parts {
            let matched = |(event, idempotency): &(Event, Option<Idempotency>)| NewEvent {
                matches: match_event(event, catalog, &[]),
                event: event.clone(),
                idempotency: idempotency.clone(),
            };
            let append = Append {
                changes: changes.clone(),
                expected: expected.clone(),
                emptied: emptied.clone(),
                erasures: erasures.clone(),
                tasks,
                tokens: tokens.clone(),
                revocations: revocations.clone(),
                room,
                ..Append::of(
                    catalog.version().wrapping_sub(u64::from(is_stale)),
                    events.iter().map(matched).collect(),
                )
            };
            answers.push(store.append(self.now, append).await);
        }
        let answers: [_; 2] = answers.try_into().expect("there are two stores");
        if answers[0].is_ok() {
            self.count("task changed", tasks_count);
            self.count("tokens revoked", revocations.len());
        }
        self.compare_appended(&events, changes.len(), answers);
    }

    fn compare_appended(
        &mut self,
        events: &[(Event, Option<Idempotency>)],
        changes_count: usize,
        answers: [Result<Appended, AppendError>; 2],
    ) {
        let comparable = answers.each_ref().map(|answer| {
            answer.as_ref().map_err(refusal).map(|appended| {
                let newborn: Vec<_> = appended.newborn.iter().map(normal::claimed).collect();
                (appended.events.clone(), newborn, appended.left)
            })
        });
        // What it came to is counted below.
        let _same = self.same("append", comparable);
        match answers {
            [Ok(first), Ok(second)] => {
                for answer in &first.events {
                    let what = if answer.duplicate { "event duplicate" } else { "event appended" };
                    self.count(what, 1);
                }
                self.count("entity changed", changes_count);
                self.count("newborn", first.newborn.len());
                self.events.extend(events.iter().map(|(event, _)| event.id));
                let pairs = first.newborn.into_iter().zip(second.newborn);
                self.leases.extend(pairs.map(|(first, second)| [first, second]));
            }
            [Err(refused), _] => self.count(
                match refused {
                    AppendError::StaleCatalog => "append stale",
                    AppendError::IdempotencyConflict { .. } => "append conflict",
                    AppendError::EntityConflict { .. } => "append entity conflict",
                    AppendError::LeaseLost { .. } => "task lease lost",
                    AppendError::TokenTaken { .. } => "append token taken",
                    AppendError::Store(error) => panic!("{error}"),
                },
                1,
            ),
            [Ok(_), Err(_)] => unreachable!("they were compared"),
        }
    }

    fn event(&mut self) -> Event {
        let trigger = self.pick(&catalog::TRIGGERS).unwrap();
        let mut event = samples::event(trigger);
        let mut random = [0; 10];
        self.random.fill(&mut random);
        event.id = EventId::new(self.now.wall, random);
        event.entity = self.pick(&ENTITIES).unwrap().parse().unwrap();
        event.source = self.pick(&catalog::SOURCES).unwrap().parse().unwrap();
        event.application = self.pick(&self.applications.clone()).filter(|_| self.chance(40));
        event.variables.insert("step".to_owned(), self.step.into());
        event.date = self.now.wall;
        event.test = self.chance(5);
        event
    }

    /// Mostly none; few keys, whose content mostly stays the same, so that they meet.
    fn key(&mut self) -> Option<Idempotency> {
        if self.chance(60) {
            return None;
        }
        let owner = match self.pick(&self.applications.clone()) {
            Some(id) if self.chance(30) => Owner::Application(id),
            _ => Owner::Operator,
        };
        let number = self.random.u8(0..15);
        let content = [u8::from(self.chance(20)); 32];
        Some(Idempotency { owner, key: format!("key-{number}").parse().unwrap(), content })
    }

    async fn entity_change(&mut self) -> EntityChange {
        let application = self.pick(&self.applications.clone()).filter(|_| self.chance(70));
        let kind = self.pick(&KINDS).unwrap();
        let id = self.pick(&ENTITIES).unwrap();
        let stored = self.stores[0].entities(application, kind, vec![id.to_owned()]).await.unwrap();
        let present = stored.first().map(|entity| entity.version);
        let wrong = self.chance(10);
        let link = Link { role: "user".to_owned(), id: self.pick(&ENTITIES).unwrap().to_owned() };
        let later_ms = self.random.u64(0..60_000);
        let forget_at = self.chance(10).then(|| self.now.elapsed.plus_ms(later_ms));
        EntityChange {
            application,
            kind: kind.to_owned(),
            id: id.to_owned(),
            expected_version: if wrong { Some(present.unwrap_or(0) + 1) } else { present },
            body: format!("{{\"step\":{}}}", self.step),
            deleted: self.chance(15),
            links: self.chance(50).then_some(link).into_iter().collect(),
            forget_at,
        }
    }

    /// Mostly right where there is such an entity, else of one that is not there.
    async fn expectation(&mut self) -> EntityExpectation {
        let EntityChange { application, kind, id, expected_version, .. } =
            self.entity_change().await;
        EntityExpectation { application, kind, id, version: expected_version.unwrap_or(1) }
    }

    /// Rarely so: most things have something hanging on them.
    async fn emptied(&mut self) -> Emptied {
        let EntityChange { application, kind, .. } = self.entity_change().await;
        let id = self.pick(&ENTITIES).unwrap().to_owned();
        Emptied { application, kind, link: Link { role: "user".to_owned(), id } }
    }

    /// Learns which deliveries there are, to choose some of them.
    pub(super) fn know(&mut self, ids: impl Iterator<Item = DeliveryId>) {
        self.deliveries = ids.collect();
    }
}

fn refusal(error: &AppendError) -> String {
    match error {
        AppendError::StaleCatalog => "stale".to_owned(),
        AppendError::IdempotencyConflict { index } => format!("conflict at {index}"),
        AppendError::EntityConflict { kind, id } => format!("entity {kind} {id}"),
        AppendError::LeaseLost { .. } => "task lease lost".to_owned(),
        AppendError::TokenTaken { index } => format!("token {index} taken"),
        AppendError::Store(error) => format!("{error}"),
    }
}
