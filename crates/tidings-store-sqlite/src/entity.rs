//! The platform's entities, in the order of their commits.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Row, ToSql, params};
use tidings_core::{
    ids::ApplicationId,
    limits::PAGE_MAX,
    time::{Now, Wall},
};
use tidings_store::{
    Append, AppendError, Emptied, Entity, EntityChange, EntityQuery, Link, LinkedQuery, Paged,
    rules,
};

use crate::{
    error::{Stop, Trouble},
    row::{self, int, length},
};

const ENTITY: &str = "entity.application, entity.kind, entity.id, entity.version, entity.position, \
     entity.updated_at, entity.deleted, entity.body";

fn entity(row: &Row<'_>) -> Result<Entity, Trouble> {
    let application = row::number(row, 0, "entity")?;
    Ok(Entity {
        application: (application > 0).then_some(ApplicationId(application)),
        kind: row.get(1)?,
        id: row.get(2)?,
        version: row::number(row, 3, "entity")?,
        position: row::number(row, 4, "entity")?,
        updated_at: row::wall(row, 5)?,
        deleted: row.get(6)?,
        body: row.get(7)?,
    })
}

/// Where an entity stands, and at which version.
fn place(
    connection: &Connection,
    application: Option<ApplicationId>,
    kind: &str,
    id: &str,
) -> Result<Option<(i64, u64)>, Trouble> {
    let found: Option<(i64, i64)> = connection
        .prepare_cached(
            "SELECT position, version FROM entity
             WHERE application = ?1 AND kind = ?2 AND id = ?3",
        )?
        .query_row(params![row::owner(application), kind, id], |found| {
            Ok((found.get(0)?, found.get(1)?))
        })
        .optional()?;
    let Some((position, version)) = found else { return Ok(None) };
    let version = u64::try_from(version).map_err(|error| Trouble::corrupt("entity", error))?;
    Ok(Some((position, version)))
}

/// Whether what the append counts on is so, and its changes can be made, one after the other.
pub(crate) fn check(connection: &Connection, append: &Append) -> Result<(), Stop<AppendError>> {
    for it in &append.expected {
        let present = place(connection, it.application, &it.kind, &it.id)?;
        if present.map(|(_, version)| version) != Some(it.version) {
            let (kind, id) = (it.kind.clone(), it.id.clone());
            return Err(Stop::Refused(AppendError::EntityConflict { kind, id }));
        }
    }
    let mut versions = HashMap::new();
    for change in &append.changes {
        let EntityChange { application, kind, id, .. } = change;
        let key = (*application, kind, id);
        let present = match versions.get(&key) {
            Some(version) => Some(*version),
            None => place(connection, *application, kind, id)?.map(|(_, version)| version),
        };
        if present != change.expected_version {
            let (kind, id) = (change.kind.clone(), change.id.clone());
            return Err(Stop::Refused(AppendError::EntityConflict { kind, id }));
        }
        versions.insert(key, present.unwrap_or(0) + 1);
    }
    append.emptied.iter().try_for_each(|it| check_emptied(connection, it, &append.changes))
}

/// Whether nothing of the kind will hang there once the changes are made.
fn check_emptied(
    connection: &Connection,
    emptied: &Emptied,
    changes: &[EntityChange],
) -> Result<(), Stop<AppendError>> {
    let Emptied { application, kind, link } = emptied;
    let of_kind = changes.iter().filter(|it| it.application == *application && it.kind == *kind);
    let last_changes: HashMap<&str, &EntityChange> =
        of_kind.map(|change| (change.id.as_str(), change)).collect();
    let mut statement = connection.prepare_cached(HANGING).map_err(Trouble::from)?;
    let mut rows = statement
        .query(params![row::owner(*application), kind, link.role, link.id])
        .map_err(Trouble::from)?;
    while let Some(found) = rows.next().map_err(Trouble::from)? {
        let id: String = found.get(0).map_err(Trouble::from)?;
        if !last_changes.contains_key(id.as_str()) {
            return Err(Stop::Refused(AppendError::EntityConflict { kind: kind.clone(), id }));
        }
    }
    let left = changes.iter().find(|change| {
        let is_last =
            last_changes.get(change.id.as_str()).is_some_and(|it| std::ptr::eq(*it, *change));
        is_last && !change.deleted && change.links.contains(link)
    });
    left.map_or(Ok(()), |change| {
        let (kind, id) = (kind.clone(), change.id.clone());
        Err(Stop::Refused(AppendError::EntityConflict { kind, id }))
    })
}

const HANGING: &str = "SELECT entity.id FROM entity_link AS link
     CROSS JOIN entity ON entity.position = link.position
     WHERE link.application = ?1 AND link.kind = ?2 AND link.role = ?3 AND link.target = ?4
         AND entity.deleted = 0
     ORDER BY link.position";

/// Makes changes that were checked.
pub(crate) fn apply(
    connection: &Connection,
    changes: &[EntityChange],
    now: Now,
) -> Result<(), Trouble> {
    for change in changes {
        apply_one(connection, change, now)?;
    }
    Ok(())
}

fn apply_one(connection: &Connection, change: &EntityChange, now: Now) -> Result<(), Trouble> {
    let earlier = place(connection, change.application, &change.kind, &change.id)?;
    // The row with the last position is read before the change may take it away: positions are
    // never used twice.
    let last: Option<(i64, i64)> = connection
        .prepare_cached("SELECT position, reached_at FROM entity ORDER BY position DESC LIMIT 1")?
        .query_row([], |found| Ok((found.get(0)?, found.get(1)?)))
        .optional()?;
    let (last_position, last_reached) = last.unwrap_or((0, i64::MIN));
    if let Some((position, _)) = earlier {
        remove(connection, position)?;
    }
    let application = row::owner(change.application);
    let position = last_position + 1;
    connection
        .prepare_cached(
            "INSERT INTO entity (position, application, kind, id, version, updated_at, reached_at,
                 deleted, body, forget_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?
        .execute(params![
            position,
            application,
            change.kind,
            change.id,
            int(earlier.map_or(0, |(_, version)| version) + 1),
            now.wall.0,
            now.wall.0.max(last_reached),
            change.deleted,
            change.body,
            change.forget_at.map(|at| int(at.0)),
        ])?;
    for link in &change.links {
        connection
            .prepare_cached(
                "INSERT OR IGNORE INTO entity_link (application, kind, role, target, position)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![application, change.kind, link.role, link.id, position])?;
    }
    Ok(())
}

/// Forgets entities whose moment has come. The one at the last position stays, since the next
/// position follows from it. Returns how many.
pub(crate) fn forget_expired(connection: &Connection, now: Now) -> Result<usize, Trouble> {
    let mut statement = connection.prepare_cached(
        "SELECT position FROM entity INDEXED BY entity_to_forget
         WHERE forget_at <= ?1 AND position < (SELECT max(position) FROM entity)
         ORDER BY forget_at, position LIMIT ?2",
    )?;
    let most = length(rules::FORGOTTEN_PER_COMMIT_MAX);
    let positions = statement
        .query_map([int(now.elapsed.0), most], |found| found.get::<_, i64>(0))?
        .collect::<Result<Vec<_>, _>>()?;
    for position in &positions {
        remove(connection, *position)?;
    }
    Ok(positions.len())
}

fn remove(connection: &Connection, position: i64) -> Result<(), Trouble> {
    connection
        .prepare_cached("DELETE FROM entity_link WHERE position = ?1")?
        .execute([position])?;
    connection.prepare_cached("DELETE FROM entity WHERE position = ?1")?.execute([position])?;
    Ok(())
}

/// See [`tidings_store::Store::entities`].
pub(crate) fn entities(
    connection: &Connection,
    application: Option<ApplicationId>,
    kind: &str,
    ids: &[String],
) -> Result<Vec<Entity>, Trouble> {
    let sql =
        format!("SELECT {ENTITY} FROM entity WHERE application = ?1 AND kind = ?2 AND id = ?3");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut ids: Vec<&String> = ids.iter().collect();
    ids.sort_unstable();
    ids.dedup();
    let mut found = Vec::new();
    for id in ids {
        let mut rows = statement.query(params![row::owner(application), kind, id])?;
        if let Some(row) = rows.next()? {
            found.push(entity(row)?);
        }
    }
    Ok(found)
}

/// See [`tidings_store::Store::entity_page`].
pub(crate) fn entity_page(
    connection: &Connection,
    query: &EntityQuery,
) -> Result<Paged<Entity>, Trouble> {
    let mut after = int(query.page.after.unwrap_or(0));
    if let Some(since) = query.updated_since {
        // What was changed before the clock first reached `since` is passed over in one step.
        match first_reached(connection, since)? {
            Some(position) => after = after.max(position - 1),
            None => return Ok(Paged { items: Vec::new(), has_next_page: false }),
        }
    }
    let first = query.page.first.clamp(1, PAGE_MAX);
    let application = row::owner(query.application);
    let since = query.updated_since.map_or(i64::MIN, |since| since.0);
    let (limit, deleted_max) = (length(first + 1), i64::from(query.deleted_too));
    let mut parameters: Vec<&dyn ToSql> =
        vec![&application, &query.kind, &after, &since, &deleted_max, &limit];
    if let Some(link) = &query.link {
        parameters.push(&link.role);
        parameters.push(&link.id);
    }
    let mut statement = connection.prepare_cached(&page_sql(query.link.is_some()))?;
    let mut rows = statement.query(parameters.as_slice())?;
    let mut items = Vec::new();
    while let Some(row) = rows.next()? {
        items.push(entity(row)?);
    }
    let has_next_page = items.len() > first;
    items.truncate(first);
    Ok(Paged { items, has_next_page })
}

fn page_sql(is_linked: bool) -> String {
    if is_linked {
        format!(
            "SELECT {ENTITY} FROM entity_link AS link
             CROSS JOIN entity ON entity.position = link.position
             WHERE link.application = ?1 AND link.kind = ?2 AND link.role = ?7
                 AND link.target = ?8 AND link.position > ?3
                 AND entity.updated_at >= ?4 AND entity.deleted <= ?5
             ORDER BY link.position LIMIT ?6"
        )
    } else {
        format!(
            "SELECT {ENTITY} FROM entity INDEXED BY entity_by_position
             WHERE application = ?1 AND kind = ?2 AND position > ?3 AND updated_at >= ?4
                 AND deleted <= ?5
             ORDER BY position LIMIT ?6"
        )
    }
}

/// See [`tidings_store::Store::linked_entities`]: one range of the links' key for each target.
pub(crate) fn linked_entities(
    connection: &Connection,
    query: &LinkedQuery,
) -> Result<Vec<Paged<Entity>>, Trouble> {
    let mut pages = Vec::new();
    for target in query.targets.iter().take(PAGE_MAX) {
        pages.push(entity_page(
            connection,
            &EntityQuery {
                application: query.application,
                kind: query.kind.clone(),
                link: Some(Link { role: query.role.clone(), id: target.clone() }),
                updated_since: None,
                deleted_too: query.deleted_too,
                page: query.page.clone(),
            },
        )?);
    }
    Ok(pages)
}

fn first_reached(connection: &Connection, since: Wall) -> Result<Option<i64>, Trouble> {
    let found = connection
        .prepare_cached(
            "SELECT position FROM entity INDEXED BY entity_by_time
             WHERE reached_at >= ?1 ORDER BY reached_at, position LIMIT 1",
        )?
        .query_row([since.0], |row| row.get(0))
        .optional()?;
    Ok(found)
}

/// See [`tidings_store::Store::entity_owners`].
pub(crate) fn entity_owners(
    connection: &Connection,
    kind: &str,
    id: &str,
) -> Result<Vec<ApplicationId>, Trouble> {
    let mut statement = connection.prepare_cached(
        "SELECT application FROM entity INDEXED BY entity_by_id
         WHERE kind = ?1 AND id = ?2 AND application > 0 ORDER BY application",
    )?;
    let mut rows = statement.query([kind, id])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(ApplicationId(row::number(row, 0, "entity")?));
    }
    Ok(found)
}

/// Behind every kind, in the order of the index: kinds are plain words.
const BEHIND_ALL_KINDS: &str = "\u{10FFFF}";

/// See [`tidings_store::Store::entity_position`]: one step down the index for each kind.
pub(crate) fn entity_position(
    connection: &Connection,
    application: Option<ApplicationId>,
) -> Result<u64, Trouble> {
    let mut latest = 0;
    if application.is_none() {
        let mut statement = connection.prepare_cached("SELECT max(position) FROM entity")?;
        let found: Option<i64> = statement.query_row([], |row| row.get(0))?;
        latest = found.unwrap_or(0);
    }
    let owners = application.map_or_else(Vec::new, |it| vec![int(it.0), row::owner(None)]);
    let mut statement = connection.prepare_cached(LAST_OF_KIND)?;
    for owner in owners {
        let mut before = BEHIND_ALL_KINDS.to_owned();
        while let Some((kind, position)) = statement
            .query_row(params![owner, before], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?)))
            .optional()?
        {
            latest = latest.max(position);
            before = kind;
        }
    }
    u64::try_from(latest).map_err(|error| Trouble::corrupt("entity", error))
}

const LAST_OF_KIND: &str = "SELECT kind, position FROM entity INDEXED BY entity_by_position
     WHERE application = ?1 AND kind < ?2 ORDER BY kind DESC, position DESC LIMIT 1";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan;

    #[test]
    fn entities_are_read_along_one_range_and_never_sorted() {
        for (is_linked, range) in [
            (true, "(application=? AND kind=? AND role=? AND target=? AND position>?)"),
            (false, "entity_by_position (application=? AND kind=? AND position>?)"),
        ] {
            plan::check(&page_sql(is_linked), range);
        }
        let range = "entity_by_position (application=? AND kind<?)";
        plan::check(LAST_OF_KIND, range);
        let range = "(application=? AND kind=? AND role=? AND target=?)";
        plan::check(HANGING, range);
    }
}
