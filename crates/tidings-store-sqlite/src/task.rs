//! Tasks: durable work beside deliveries.
//!
//!   append ─► check ─► apply (put, remove, keep, give back, finish)
//!   claim  ─► applications in turn ─► their first tasks with room in their lane ─► leased

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension, Row, params};
use tidings_core::{
    delivery::LeaseToken,
    ids::{ApplicationId, TaskId},
    time::{Elapsed, Now},
};
use tidings_store::{
    AppendError, ClaimTasks, ClaimedTask, ExtendTask, PerTask, Task, TaskBatch, TaskChange,
    TaskLeaseLost, rules::LaneRoom,
};

use crate::{
    error::{Stop, Trouble},
    lane::Line,
    row::{self, int, length},
    state::Tx,
};

const TASK: &str = "id, application, kind, key, body, due_at, next_at, token, lane";

fn task(row: &Row<'_>) -> Result<Task, Trouble> {
    let is_leased = row.get::<_, Option<i64>>(7)?.is_some();
    let next_at = Elapsed(row::number(row, 6, "task")?);
    Ok(Task {
        id: TaskId(row::number(row, 0, "task")?),
        application: ApplicationId(row::number(row, 1, "task")?),
        kind: row.get(2)?,
        key: row.get(3)?,
        lane: row.get(8)?,
        body: row.get(4)?,
        due_at: Elapsed(row::number(row, 5, "task")?),
        leased_until: is_leased.then_some(next_at),
    })
}

/// See [`tidings_store::Store::task`].
pub(crate) fn one(
    connection: &Connection,
    application: ApplicationId,
    kind: &str,
    key: &str,
) -> Result<Option<Task>, Trouble> {
    let sql = format!("SELECT {TASK} FROM task WHERE application = ?1 AND kind = ?2 AND key = ?3");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params![int(application.0), kind, key])?;
    rows.next()?.map(task).transpose()
}

// --- within an append ---

/// Whether the changes can be made, one after the other.
pub(crate) fn check(tx: &Tx<'_>, changes: &[TaskChange]) -> Result<(), Stop<AppendError>> {
    // Whose lease is void after the changes before.
    let mut void: HashSet<TaskId> = HashSet::new();
    for change in changes {
        match change {
            TaskChange::Put { application, kind, key, .. }
            | TaskChange::Remove { application, kind, key } => {
                void.extend(one(tx.connection, *application, kind, key)?.map(|task| task.id));
            }
            TaskChange::Keep { task, token, .. }
            | TaskChange::GiveBack { task, token, .. }
            | TaskChange::Finish { task, token } => {
                if void.contains(task) || holder(tx, *task)? != Some(*token) {
                    return Err(Stop::Refused(AppendError::LeaseLost { task: *task }));
                }
                if !matches!(change, TaskChange::Keep { .. }) {
                    void.insert(*task);
                }
            }
        }
    }
    Ok(())
}

/// The right of the worker that has the task, if its application is there.
fn holder(tx: &Tx<'_>, task: TaskId) -> Result<Option<LeaseToken>, Trouble> {
    let mut statement =
        tx.connection.prepare_cached("SELECT application, token FROM task WHERE id = ?1")?;
    let mut rows = statement.query([int(task.0)])?;
    let Some(found) = rows.next()? else { return Ok(None) };
    let application = ApplicationId(row::number(found, 0, "task")?);
    let token = row::number_if(found, 1, "task")?.map(LeaseToken);
    Ok(token.filter(|_| tx.state.applications.contains_key(&application)))
}

/// Makes a change that was checked.
pub(crate) fn apply(connection: &Connection, change: &TaskChange) -> Result<(), Trouble> {
    match change {
        TaskChange::Put { application, kind, key, lane, body, due_at } => connection
            .prepare_cached(
                "INSERT INTO task
                     (application, kind, key, lane, body, due_at, next_at, claims_count)
                 VALUES (?1, ?2, ?3, ?6, ?4, ?5, ?5, 0)
                 ON CONFLICT (application, kind, key) DO UPDATE SET lane = excluded.lane,
                     body = excluded.body, due_at = excluded.due_at, next_at = excluded.due_at,
                     token = NULL, claims_count = 0",
            )?
            .execute(params![int(application.0), kind, key, body, int(due_at.0), lane])?,
        TaskChange::Remove { application, kind, key } => connection
            .prepare_cached("DELETE FROM task WHERE application = ?1 AND kind = ?2 AND key = ?3")?
            .execute(params![int(application.0), kind, key])?,
        TaskChange::Keep { task, body, .. } => connection
            .prepare_cached("UPDATE task SET body = ?2, claims_count = 0 WHERE id = ?1")?
            .execute(params![int(task.0), body])?,
        TaskChange::GiveBack { task, lane, body, due_at, .. } => connection
            .prepare_cached(
                "UPDATE task SET lane = ?4, body = ?2, claims_count = 0, due_at = ?3,
                     next_at = ?3, token = NULL
                 WHERE id = ?1",
            )?
            .execute(params![int(task.0), body, int(due_at.0), lane])?,
        TaskChange::Finish { task, .. } => {
            connection.prepare_cached("DELETE FROM task WHERE id = ?1")?.execute([int(task.0)])?
        }
    };
    Ok(())
}

// --- work ---

/// See [`tidings_store::Store::claim_tasks`].
pub(crate) fn claim(tx: &mut Tx<'_>, now: Now, claim: &ClaimTasks) -> Result<TaskBatch, Trouble> {
    let applications = applications_in_turn(tx, &claim.kind)?;
    let mut claimed = Vec::new();
    for id in chosen(tx, now.elapsed, claim, &applications)? {
        let token = tx.state.new_token();
        let task = lease(tx.connection, id, token, claim.lease_until)?;
        tx.state.tasks_served.insert(claim.kind.clone(), task.task.application);
        claimed.push(task);
    }
    let mut next_at = None;
    for application in applications {
        let next = next_of(tx.connection, &claim.kind, application, now.elapsed)?;
        next_at = [next_at, next].into_iter().flatten().min();
    }
    Ok(TaskBatch { claimed, next_at })
}

/// Applications that have tasks of the kind and are not deleted, beginning after the one that was
/// served last.
fn applications_in_turn(tx: &Tx<'_>, kind: &str) -> Result<Vec<ApplicationId>, Trouble> {
    let mut statement = tx.connection.prepare_cached(APPLICATIONS)?;
    let mut rows = statement.query([kind])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(ApplicationId(row::number(row, 0, "task")?));
    }
    found.retain(|id| tx.state.applications.contains_key(id));
    let served = tx.state.tasks_served.get(kind).copied();
    let first = found.iter().position(|id| Some(*id) > served).unwrap_or(0);
    found.rotate_left(first);
    Ok(found)
}

const APPLICATIONS: &str = "WITH RECURSIVE line (application) AS (
         SELECT min(application) FROM task INDEXED BY task_next WHERE kind = ?1
         UNION ALL
         SELECT (SELECT min(application) FROM task INDEXED BY task_next
                 WHERE kind = ?1 AND application > line.application)
         FROM line WHERE line.application IS NOT NULL)
     SELECT application FROM line WHERE application IS NOT NULL";

/// What is given out: one task of each application in turn, round after round, each the first of
/// its application that has room in its lane.
fn chosen(
    tx: &Tx<'_>,
    now: Elapsed,
    claim: &ClaimTasks,
    applications: &[ApplicationId],
) -> Result<Vec<TaskId>, Trouble> {
    let mut room = room(tx.connection, now, claim)?;
    let line = |id: &ApplicationId| Line::of(tx.connection, &claim.kind, *id, now);
    let mut lines: Vec<Line<'_>> = applications.iter().map(line).collect();
    let mut chosen = Vec::new();
    while chosen.len() < claim.permits && !lines.is_empty() {
        for mut line in std::mem::take(&mut lines) {
            if chosen.len() == claim.permits {
                break;
            }
            if let Some(id) = line.next(&mut room)? {
                chosen.push(id);
                lines.push(line);
            }
        }
    }
    Ok(chosen)
}

/// The room that the leases of now leave.
fn room(connection: &Connection, now: Elapsed, claim: &ClaimTasks) -> Result<LaneRoom, Trouble> {
    let mut statement = connection.prepare_cached(
        "SELECT lane, count(*) FROM task INDEXED BY task_leased
         WHERE token IS NOT NULL AND kind = ?1 AND next_at > ?2 GROUP BY lane",
    )?;
    let mut rows = statement.query(params![claim.kind, int(now.0)])?;
    let mut room = LaneRoom::new(claim.lane_permits);
    while let Some(row) = rows.next()? {
        let (lane, count): (String, u32) = (row.get(0)?, row.get(1)?);
        room.use_up(&lane, count as usize);
    }
    Ok(room)
}

fn lease(
    connection: &Connection,
    id: TaskId,
    token: LeaseToken,
    until: Elapsed,
) -> Result<ClaimedTask, Trouble> {
    let sql = format!(
        "UPDATE task SET token = ?2, next_at = ?3, claims_count = claims_count + 1 WHERE id = ?1
         RETURNING {TASK}, claims_count"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params![int(id.0), int(token.0), int(until.0)])?;
    let missing = || Trouble::corrupt(format!("task {id}"), "it is in the index alone");
    let found = rows.next()?.ok_or_else(missing)?;
    let (task, claims_count) = (task(found)?, row::small(found, 9, "task")?);
    // To the end, without which the update is undone.
    while rows.next()?.is_some() {}
    Ok(ClaimedTask { token, task, claims_count })
}

fn next_of(
    connection: &Connection,
    kind: &str,
    application: ApplicationId,
    now: Elapsed,
) -> Result<Option<Elapsed>, Trouble> {
    let first: Option<i64> = connection
        .prepare_cached(NEXT_OF)?
        .query_row(params![kind, int(application.0), int(now.0)], |found| found.get(0))
        .optional()?;
    Ok(first.map(|at| Elapsed(u64::try_from(at).unwrap_or(0))))
}

const NEXT_OF: &str = "SELECT next_at FROM task INDEXED BY task_next
     WHERE kind = ?1 AND application = ?2 AND next_at > ?3 ORDER BY next_at LIMIT 1";

/// See [`tidings_store::Store::extend_tasks`].
pub(crate) fn extend(tx: &Tx<'_>, batch: &[ExtendTask]) -> Result<PerTask, Trouble> {
    let mut answers = Vec::with_capacity(batch.len());
    for item in batch {
        let extended = tx
            .connection
            .prepare_cached("UPDATE task SET next_at = ?3 WHERE id = ?1 AND token = ?2")?
            .execute(params![int(item.task.0), int(item.token.0), int(item.expires_at.0)])?;
        answers.push(match extended {
            0 => Err(TaskLeaseLost { task: item.task }),
            _ => Ok(()),
        });
    }
    Ok(answers)
}

/// Takes away tasks of applications that are gone, at most so many. Returns how many.
pub(crate) fn remove_orphans(tx: &Tx<'_>, count_max: usize) -> Result<usize, Trouble> {
    let removed = tx
        .connection
        .prepare_cached(
            "DELETE FROM task WHERE id IN (
                 SELECT task.id FROM application JOIN task ON task.application = application.id
                 WHERE application.deleted = 1 LIMIT ?1)",
        )?
        .execute([length(count_max)])?;
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{lane, plan};

    #[test]
    fn tasks_are_found_by_one_step_down_an_index_and_never_sorted() {
        let lane = "task_open (kind=? AND application=? AND lane=? AND (next_at,key)>(?,?))";
        for (sql, range) in [
            (APPLICATIONS, "task_next (kind=? AND application>?)"),
            (NEXT_OF, "task_next (kind=? AND application=? AND next_at>?)"),
            (lane::NEXT_LANE, "task_open (kind=? AND application=? AND lane>?)"),
            (lane::NEXT_IN_LANE, lane),
        ] {
            plan::check(sql, range);
        }
    }
}
