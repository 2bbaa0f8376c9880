//! Tasks, and who has them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use tidings_core::{
    delivery::LeaseToken,
    ids::{ApplicationId, TaskId},
    time::{Elapsed, Now},
};

use crate::{
    error::{AppendError, TaskLeaseLost},
    memory::state::State,
    rules::LaneRoom,
    types::{ClaimTasks, ClaimedTask, ExtendTask, PerTask, Task, TaskBatch, TaskChange},
};

type Key = (ApplicationId, String, String);
/// Where a task stands in its line, with its lane.
type Place<'a> = (Elapsed, &'a str, TaskId, &'a str);

/// All tasks.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    rows: BTreeMap<TaskId, Row>,
    ids: BTreeMap<Key, TaskId>,
    last_id: u64,
    /// The application that a claim of a kind served last.
    served: HashMap<String, ApplicationId>,
}

#[derive(Debug)]
struct Row {
    task: Task,
    token: Option<LeaseToken>,
    /// Leases that were given since the last progress.
    claims: u32,
}

impl Tasks {
    /// Whether the changes can be made, one after the other.
    pub(super) fn check(
        &self,
        changes: &[TaskChange],
        is_there: impl Fn(ApplicationId) -> bool,
    ) -> Result<(), AppendError> {
        // Whose lease is void after the changes before.
        let mut void: HashSet<TaskId> = HashSet::new();
        for change in changes {
            match change {
                TaskChange::Put { application, kind, key, .. }
                | TaskChange::Remove { application, kind, key } => {
                    void.extend(self.ids.get(&(*application, kind.clone(), key.clone())));
                }
                TaskChange::Keep { task, token, .. }
                | TaskChange::GiveBack { task, token, .. }
                | TaskChange::Finish { task, token } => {
                    let row = self.rows.get(task).filter(|row| is_there(row.task.application));
                    if void.contains(task) || row.and_then(|row| row.token) != Some(*token) {
                        return Err(AppendError::LeaseLost { task: *task });
                    }
                    if !matches!(change, TaskChange::Keep { .. }) {
                        void.insert(*task);
                    }
                }
            }
        }
        Ok(())
    }

    /// Makes a change that was checked.
    pub(super) fn apply(&mut self, change: TaskChange) {
        match change {
            TaskChange::Put { application, kind, key, lane, body, due_at } => {
                let leased_until = None;
                let id = TaskId(0);
                self.put(Task { id, application, kind, key, lane, body, due_at, leased_until });
            }
            TaskChange::Remove { application, kind, key } => {
                if let Some(id) = self.ids.remove(&(application, kind, key)) {
                    self.rows.remove(&id);
                }
            }
            TaskChange::Keep { task, body, .. } => {
                if let Some(row) = self.rows.get_mut(&task) {
                    row.task.body = body;
                    row.claims = 0;
                }
            }
            TaskChange::GiveBack { task, lane, body, due_at, .. } => {
                if let Some(row) = self.rows.get_mut(&task) {
                    let task = row.task.clone();
                    let leased_until = None;
                    let task = Task { lane, body, due_at, leased_until, ..task };
                    *row = Row { task, token: None, claims: 0 };
                }
            }
            TaskChange::Finish { task, .. } => self.remove(task),
        }
    }

    /// Under its own number, or the next one.
    fn put(&mut self, task: Task) {
        let place = (task.application, task.kind.clone(), task.key.clone());
        let id = self.ids.get(&place).copied().unwrap_or(TaskId(self.last_id + 1));
        self.last_id = self.last_id.max(id.0);
        self.rows.insert(id, Row { task: Task { id, ..task }, token: None, claims: 0 });
        self.ids.insert(place, id);
    }

    fn remove(&mut self, id: TaskId) {
        if let Some(row) = self.rows.remove(&id) {
            self.ids.remove(&(row.task.application, row.task.kind, row.task.key));
        }
    }

    /// A task.
    pub(super) fn one(&self, application: ApplicationId, kind: &str, key: &str) -> Option<Task> {
        let id = self.ids.get(&(application, kind.to_owned(), key.to_owned()))?;
        Some(self.rows[id].task.clone())
    }

    /// Takes away tasks of applications that are gone, at most so many.
    pub(super) fn remove_orphans(
        &mut self,
        count_max: usize,
        is_there: impl Fn(ApplicationId) -> bool,
    ) -> usize {
        let orphans = self.ids.iter().filter(|(key, _)| !is_there(key.0)).map(|(_, id)| *id);
        let orphans: Vec<TaskId> = orphans.take(count_max).collect();
        for id in &orphans {
            self.remove(*id);
        }
        orphans.len()
    }

    /// The room that the leases of now leave.
    fn room(&self, now: Elapsed, claim: &ClaimTasks) -> LaneRoom {
        let mut room = LaneRoom::new(claim.lane_permits);
        for Row { task, .. } in self.rows.values() {
            if task.kind == claim.kind && task.leased_until.is_some_and(|until| until > now) {
                room.use_up(&task.lane, 1);
            }
        }
        room
    }

    /// What a claim gives out, in its order.
    fn chosen(
        &self,
        now: Elapsed,
        claim: &ClaimTasks,
        is_there: impl Fn(ApplicationId) -> bool,
    ) -> Vec<TaskId> {
        let mut lines: BTreeMap<ApplicationId, BTreeSet<Place<'_>>> = BTreeMap::new();
        for Row { task, .. } in self.rows.values() {
            if task.kind == claim.kind && task.next_at() <= now && is_there(task.application) {
                let line = lines.entry(task.application).or_default();
                line.insert((task.next_at(), task.key.as_str(), task.id, task.lane.as_str()));
            }
        }
        let served = self.served.get(&claim.kind).copied();
        let mut lines: Vec<_> = lines.into_iter().collect();
        lines.sort_by_key(|(application, _)| (Some(*application) <= served, *application));
        let mut room = self.room(now, claim);
        let mut chosen = Vec::new();
        while chosen.len() < claim.permits && !lines.is_empty() {
            lines.retain_mut(|(_, line)| {
                let may_have_one = chosen.len() < claim.permits;
                let first = line.iter().find(|place| may_have_one && room.take(place.3)).copied();
                // Those before it found no room, and will find none.
                line.retain(|place| first.is_some_and(|first| *place > first));
                chosen.extend(first.map(|place| place.2));
                first.is_some()
            });
        }
        chosen
    }
}

impl State {
    pub(super) fn has_application(&self, id: ApplicationId) -> bool {
        self.applications.get(&id).is_some_and(|row| !row.deleted)
    }

    pub(super) fn claim_tasks(&mut self, now: Now, claim: &ClaimTasks) -> TaskBatch {
        let chosen = self.tasks.chosen(now.elapsed, claim, |id| self.has_application(id));
        let mut claimed = Vec::with_capacity(chosen.len());
        for id in chosen {
            self.leases_count += 1;
            let token = LeaseToken(self.leases_count);
            let row = self.tasks.rows.get_mut(&id).expect("it was chosen among the rows");
            row.token = Some(token);
            row.task.leased_until = Some(claim.lease_until);
            row.claims += 1;
            self.tasks.served.insert(claim.kind.clone(), row.task.application);
            claimed.push(ClaimedTask { token, task: row.task.clone(), claims_count: row.claims });
        }
        let tasks = self.tasks.rows.values().map(|row| &row.task);
        let next_at = tasks
            .filter(|task| task.kind == claim.kind && self.has_application(task.application))
            .map(Task::next_at)
            .filter(|at| *at > now.elapsed)
            .min();
        TaskBatch { claimed, next_at }
    }

    pub(super) fn extend_tasks(&mut self, batch: &[ExtendTask]) -> PerTask {
        let mut answers = Vec::with_capacity(batch.len());
        for item in batch {
            let row = self.tasks.rows.get_mut(&item.task);
            let held = row.filter(|row| row.token == Some(item.token));
            answers.push(match held {
                Some(row) => {
                    row.task.leased_until = Some(item.expires_at);
                    Ok(())
                }
                None => Err(TaskLeaseLost { task: item.task }),
            });
        }
        answers
    }
}
