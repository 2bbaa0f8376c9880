//! An application's tasks that are due, in their order, as far as their lanes have room. A lane
//! without room costs one step down the index, however many wait in it: this is read in the one
//! writer.
//!
//!   each lane with room ─► its first task ─┐
//!                                          ├─► the first of them ─► given; its lane's next one
//!   each lane with room ─► its first task ─┘                        takes its place

use std::collections::BTreeSet;

use rusqlite::{Connection, Row, params};
use tidings_core::{
    ids::{ApplicationId, TaskId},
    time::Elapsed,
};
use tidings_store::rules::LaneRoom;

use crate::{
    error::Trouble,
    row::{self, int},
};

/// See the module.
pub(crate) struct Line<'a> {
    connection: &'a Connection,
    kind: &'a str,
    application: ApplicationId,
    now: Elapsed,
    /// The first of each lane that has one due and had room; none before the first is asked for.
    firsts: Option<BTreeSet<Place>>,
}

/// Where a task stands; in the order in which tasks go.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    next_at: Elapsed,
    key: String,
    lane: String,
    id: TaskId,
}

fn place(row: &Row<'_>) -> Result<Place, Trouble> {
    Ok(Place {
        next_at: Elapsed(row::number(row, 0, "task")?),
        key: row.get(1)?,
        lane: row.get(2)?,
        id: TaskId(row::number(row, 3, "task")?),
    })
}

impl<'a> Line<'a> {
    pub(crate) fn of(
        connection: &'a Connection,
        kind: &'a str,
        application: ApplicationId,
        now: Elapsed,
    ) -> Line<'a> {
        Line { connection, kind, application, now, firsts: None }
    }

    /// The next one, which has its lane's room then.
    pub(crate) fn next(&mut self, room: &mut LaneRoom) -> Result<Option<TaskId>, Trouble> {
        let mut firsts = match self.firsts.take() {
            Some(firsts) => firsts,
            None => self.firsts_with(room)?,
        };
        let mut found = None;
        while let Some(first) = firsts.pop_first() {
            // A lane that is full by now has no more room in this claim.
            if room.take(&first.lane) {
                firsts.extend(self.in_lane(&first.lane, int(first.next_at.0), &first.key)?);
                found = Some(first.id);
                break;
            }
        }
        self.firsts = Some(firsts);
        Ok(found)
    }

    /// From lane to lane, each time to its first task, due or not.
    fn firsts_with(&self, room: &LaneRoom) -> Result<BTreeSet<Place>, Trouble> {
        let mut firsts: BTreeSet<Place> = self.in_lane("", -1, "")?.into_iter().collect();
        let mut statement = self.connection.prepare_cached(NEXT_LANE)?;
        let mut lane = String::new();
        loop {
            let mut rows = statement.query(params![self.kind, int(self.application.0), lane])?;
            let Some(first) = rows.next()?.map(place).transpose()? else { return Ok(firsts) };
            lane.clone_from(&first.lane);
            if first.next_at <= self.now && room.has(&lane) {
                firsts.insert(first);
            }
        }
    }

    /// The first that is due in a lane behind a place in it.
    fn in_lane(&self, lane: &str, next_at: i64, key: &str) -> Result<Option<Place>, Trouble> {
        let mut statement = self.connection.prepare_cached(NEXT_IN_LANE)?;
        let application = int(self.application.0);
        let mut rows = statement.query(params![self.kind, application, lane, next_at, key])?;
        let found = rows.next()?.map(place).transpose()?;
        Ok(found.filter(|found| found.next_at <= self.now))
    }
}

pub(crate) const NEXT_LANE: &str = "SELECT next_at, key, lane, id FROM task INDEXED BY task_open
     WHERE kind = ?1 AND application = ?2 AND lane > ?3 ORDER BY lane, next_at, key LIMIT 1";

pub(crate) const NEXT_IN_LANE: &str = "SELECT next_at, key, lane, id FROM task INDEXED BY task_open
     WHERE kind = ?1 AND application = ?2 AND lane = ?3 AND (next_at, key) > (?4, ?5)
     ORDER BY next_at, key LIMIT 1";
