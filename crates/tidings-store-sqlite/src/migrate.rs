//! The schema's versions, each reached by one transaction: a kill in the middle leaves the version
//! before.

use std::path::Path;

use rusqlite::Connection;

use crate::error::OpenError;

/// What each version adds to the one before; the first makes version 1 of an empty file.
const STEPS: [&str; 4] = [
    include_str!("schema/1.sql"),
    include_str!("schema/2.sql"),
    include_str!("schema/3.sql"),
    include_str!("schema/4.sql"),
];
/// The version that this program reads and writes.
pub const SCHEMA_VERSION: u32 = STEPS.len() as u32;
/// Marks a file as ours: `Tdgs`.
pub(crate) const APPLICATION_ID: i32 = 0x5464_6773;

/// The version of the schema in a database; 0 for an empty one. Refuses what is not ours.
pub(crate) fn version(connection: &Connection, path: &Path) -> Result<u32, OpenError> {
    let failed = |error: rusqlite::Error| OpenError::from_sqlite(path.to_owned(), &error);
    let pragma = |name: &str| {
        connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0)).map_err(failed)
    };
    let (application_id, version) = (pragma("application_id")?, pragma("user_version")?);
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(failed)?;
    let is_empty = tables == 0 && application_id == 0 && version == 0;
    if application_id != APPLICATION_ID && !is_empty {
        let cause = "it is a database of another program".to_owned();
        return Err(OpenError::NotADatabase { path: path.to_owned(), cause });
    }
    let found = u32::try_from(version).unwrap_or(u32::MAX);
    if found > SCHEMA_VERSION {
        let (path, supported) = (path.to_owned(), SCHEMA_VERSION);
        return Err(OpenError::Newer { path, found, supported });
    }
    Ok(found)
}

/// Brings the schema to the present version. Returns the version before.
pub(crate) fn migrate(connection: &mut Connection, path: &Path) -> Result<u32, OpenError> {
    let before = version(connection, path)?;
    for (step, reached) in STEPS.iter().zip(1..).skip(before as usize) {
        apply(connection, step, reached)
            .map_err(|error| OpenError::from_sqlite(path.to_owned(), &error))?;
        tracing::info!(schema.version = reached, "the database has a new schema version");
    }
    Ok(before)
}

fn apply(connection: &mut Connection, step: &str, reached: u32) -> rusqlite::Result<()> {
    let transaction =
        connection.transaction_with_behavior(rusqlite::TransactionBehavior::Exclusive)?;
    transaction.execute_batch(step)?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", reached)?;
    transaction.commit()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_breaks_down_half_way_leaves_nothing() {
        let mut connection = Connection::open_in_memory().unwrap();
        apply(&mut connection, "CREATE TABLE a (b); CREATE TABLE a (b);", 1).unwrap_err();
        assert_eq!(version(&connection, Path::new("x")).unwrap(), 0);
        let tables: i64 = connection
            .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
            .unwrap();
        assert_eq!(tables, 0);
    }

    #[test]
    fn the_schema_is_made_once() {
        let mut connection = Connection::open_in_memory().unwrap();
        assert_eq!(migrate(&mut connection, Path::new("x")).unwrap(), 0);
        assert_eq!(migrate(&mut connection, Path::new("x")).unwrap(), SCHEMA_VERSION);
    }
}
