//! How SQLite would run a statement, for tests that hold it to an index.

use std::path::Path;

use rusqlite::Connection;

use crate::migrate;

/// The plan of a statement on an empty database, a step on each line.
pub(crate) fn of(sql: &str) -> String {
    let mut connection = Connection::open_in_memory().unwrap();
    migrate::migrate(&mut connection, Path::new("x")).unwrap();
    let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let mut rows = statement.raw_query();
    let mut plan = String::new();
    while let Some(row) = rows.next().unwrap() {
        plan += &row.get::<_, String>(3).unwrap();
        plan += "\n";
    }
    plan
}

/// Fails unless the statement reads that range of an index and sorts nothing.
pub(crate) fn check(sql: &str, range: &str) {
    let plan = of(sql);
    assert!(plan.contains(range) && !plan.contains("TEMP"), "{plan}");
}
