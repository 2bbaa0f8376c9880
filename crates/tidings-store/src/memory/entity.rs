//! The platform's entities, in the order of their commits.

use std::collections::{BTreeMap, HashMap};

use tidings_core::{
    ids::ApplicationId,
    limits,
    time::{Elapsed, Now},
};

use crate::{
    error::AppendError,
    rules,
    types::{Append, Emptied, Entity, EntityChange, EntityQuery, Link, LinkedQuery, Paged},
};

type Key = (Option<ApplicationId>, String, String);

/// All entities.
#[derive(Debug, Default)]
pub(super) struct Entities {
    rows: HashMap<Key, Row>,
    by_position: BTreeMap<u64, Key>,
    last_position: u64,
}

#[derive(Debug)]
struct Row {
    entity: Entity,
    links: Vec<Link>,
    forget_at: Option<Elapsed>,
}

fn key(change: &EntityChange) -> Key {
    (change.application, change.kind.clone(), change.id.clone())
}

impl Entities {
    /// Whether what the append counts on is so, and its changes can be made, one after the other.
    pub(super) fn check(&self, append: &Append) -> Result<(), AppendError> {
        for it in &append.expected {
            let key = (it.application, it.kind.clone(), it.id.clone());
            if self.rows.get(&key).map(|row| row.entity.version) != Some(it.version) {
                let (kind, id) = (it.kind.clone(), it.id.clone());
                return Err(AppendError::EntityConflict { kind, id });
            }
        }
        let mut versions: HashMap<Key, u64> = HashMap::new();
        for change in &append.changes {
            let stored = self.rows.get(&key(change)).map(|row| row.entity.version);
            let present = versions.get(&key(change)).copied().or(stored);
            if present != change.expected_version {
                let (kind, id) = (change.kind.clone(), change.id.clone());
                return Err(AppendError::EntityConflict { kind, id });
            }
            versions.insert(key(change), present.unwrap_or(0) + 1);
        }
        append.emptied.iter().try_for_each(|emptied| self.check_emptied(emptied, &append.changes))
    }

    fn check_emptied(
        &self,
        emptied: &Emptied,
        changes: &[EntityChange],
    ) -> Result<(), AppendError> {
        let Emptied { application, kind, link } = emptied;
        let last_changes: HashMap<Key, &EntityChange> =
            changes.iter().map(|change| (key(change), change)).collect();
        let hangs = |owner: &Option<ApplicationId>, of: &String, links: &[Link], deleted: bool| {
            owner == application && of == kind && !deleted && links.contains(link)
        };
        let added = changes.iter().filter(|change| {
            std::ptr::eq(last_changes[&key(change)], *change)
                && hangs(&change.application, &change.kind, &change.links, change.deleted)
        });
        let stored = self.by_position.values().filter(|key| !last_changes.contains_key(*key));
        let stored = stored.map(|key| &self.rows[key]).filter(|Row { entity, links, .. }| {
            hangs(&entity.application, &entity.kind, links, entity.deleted)
        });
        let left = stored.map(|row| &row.entity.id).chain(added.map(|change| &change.id)).next();
        left.map_or(Ok(()), |id| {
            Err(AppendError::EntityConflict { kind: kind.clone(), id: id.clone() })
        })
    }

    /// Makes a change that was checked.
    pub(super) fn apply(&mut self, change: EntityChange, now: Now) {
        let key = key(&change);
        let earlier = self.rows.remove(&key);
        if let Some(row) = &earlier {
            self.by_position.remove(&row.entity.position);
        }
        self.last_position += 1;
        let entity = Entity {
            application: change.application,
            kind: change.kind,
            id: change.id,
            version: earlier.map_or(0, |row| row.entity.version) + 1,
            position: self.last_position,
            updated_at: now.wall,
            deleted: change.deleted,
            body: change.body,
        };
        self.by_position.insert(entity.position, key.clone());
        self.rows.insert(key, Row { entity, links: change.links, forget_at: change.forget_at });
    }

    /// Forgets those whose moment has come, but for the one at the last position.
    pub(super) fn forget_expired(&mut self, now: Now) -> usize {
        let mut expired: Vec<(Elapsed, u64)> = self
            .rows
            .values()
            .filter_map(|row| Some((row.forget_at?, row.entity.position)))
            .filter(|(at, position)| *at <= now.elapsed && *position < self.last_position)
            .collect();
        expired.sort_unstable();
        expired.truncate(rules::FORGOTTEN_PER_COMMIT_MAX);
        for (_, position) in &expired {
            if let Some(key) = self.by_position.remove(position) {
                self.rows.remove(&key);
            }
        }
        expired.len()
    }

    /// Those with these ids.
    pub(super) fn some(
        &self,
        application: Option<ApplicationId>,
        kind: &str,
        ids: Vec<String>,
    ) -> Vec<Entity> {
        let mut keys: Vec<Key> =
            ids.into_iter().map(|id| (application, kind.to_owned(), id)).collect();
        keys.sort_unstable();
        keys.dedup();
        keys.iter().filter_map(|key| self.rows.get(key)).map(|row| row.entity.clone()).collect()
    }

    /// A page, in the order of the commits.
    pub(super) fn page(&self, query: &EntityQuery) -> Paged<Entity> {
        let after = query.page.after.unwrap_or(0);
        let found = self
            .by_position
            .range(after.saturating_add(1)..)
            .map(|(_, key)| &self.rows[key])
            .filter(|row| is_asked_for(query, row))
            .map(|row| row.entity.clone());
        super::read::page(found, query.page.first)
    }

    /// A page for each target.
    pub(super) fn linked(&self, query: &LinkedQuery) -> Vec<Paged<Entity>> {
        let page_of = |target: &String| {
            self.page(&EntityQuery {
                application: query.application,
                kind: query.kind.clone(),
                link: Some(Link { role: query.role.clone(), id: target.clone() }),
                updated_since: None,
                deleted_too: query.deleted_too,
                page: query.page.clone(),
            })
        };
        query.targets.iter().take(limits::PAGE_MAX).map(page_of).collect()
    }

    /// The applications that have it.
    pub(super) fn owners(&self, kind: &str, id: &str) -> Vec<ApplicationId> {
        let same = |key: &&Key| key.1 == kind && key.2 == id;
        let mut owners: Vec<ApplicationId> =
            self.rows.keys().filter(same).filter_map(|key| key.0).collect();
        owners.sort_unstable();
        owners
    }

    /// Where the latest change stands that the application can be shown.
    pub(super) fn position(&self, application: Option<ApplicationId>) -> u64 {
        let is_shown = |key: &Key| application.is_none() || key.0.is_none() || key.0 == application;
        let latest = self.by_position.iter().rev().find(|(_, key)| is_shown(key));
        latest.map_or(0, |(position, _)| *position)
    }
}

fn is_asked_for(query: &EntityQuery, row: &Row) -> bool {
    row.entity.application == query.application
        && row.entity.kind == query.kind
        && query.link.as_ref().is_none_or(|link| row.links.contains(link))
        && query.updated_since.is_none_or(|since| row.entity.updated_at >= since)
        && (query.deleted_too || !row.entity.deleted)
}
