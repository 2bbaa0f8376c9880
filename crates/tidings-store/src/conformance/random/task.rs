//! Tasks and tokens of users, as they come with an append, and the work on tasks.

use tidings_core::{
    access::{Owner, ScopeSet},
    secret::TokenHash,
    time::{HOUR_MS, MINUTE_MS, Now, SECOND_MS},
};

use super::{Run, both, normal};
use crate::types::{ClaimTasks, ExtendTask, NewToken, Revocation, TaskChange};

/// The keys that tasks have; few, so that they meet.
const KEYS: [&str; 3] = ["a", "b", "é"];
/// One that needs no room, and two that share it.
const LANES: [&str; 3] = ["", "x", "y"];
const TASK_KINDS: [&str; 2] = ["collect", "other"];

impl Run<'_> {
    /// The same changes for each store, under the leases that it gave.
    pub(super) fn task_changes(&mut self) -> [Vec<TaskChange>; 2] {
        let mut changes = [Vec::new(), Vec::new()];
        for _ in 0..self.pick(&[0, 0, 1, 2]).unwrap() {
            let Some(pair) = self.task_change() else { break };
            for (changes, change) in changes.iter_mut().zip(pair) {
                changes.push(change);
            }
        }
        changes
    }

    fn task_change(&mut self) -> Option<[TaskChange; 2]> {
        let due_at = self.now.elapsed.plus_ms(self.random.u64(0..MINUTE_MS));
        let body = format!("{{\"step\":{}}}", self.step);
        let lane = LANES[self.step % LANES.len()].to_owned();
        if self.chance(55) {
            let leases = self.pick(&self.task_leases.clone())?;
            let (gives_back, finishes) = (self.chance(50), self.chance(30));
            return Some(leases.map(|claimed| {
                let (task, token) = (claimed.task.id, claimed.token);
                let (lane, body) = (lane.clone(), body.clone());
                match (finishes, gives_back) {
                    (true, _) => TaskChange::Finish { task, token },
                    (false, true) => TaskChange::GiveBack { task, token, lane, body, due_at },
                    (false, false) => TaskChange::Keep { task, token, body },
                }
            }));
        }
        let application = self.pick(&self.applications.clone())?;
        let kind = self.pick(&TASK_KINDS).unwrap().to_owned();
        let key = self.pick(&KEYS).unwrap().to_owned();
        let change = match self.chance(85) {
            true => TaskChange::Put { application, kind, key, lane, body, due_at },
            false => TaskChange::Remove { application, kind, key },
        };
        Some([change.clone(), change])
    }

    /// Mostly none.
    pub(super) fn token_changes(&mut self) -> (Vec<NewToken>, Vec<Revocation>) {
        let Some(application) = self.pick(&self.applications.clone()).filter(|_| self.chance(25))
        else {
            return (Vec::new(), Vec::new());
        };
        let mut tokens = Vec::new();
        for _ in 0..self.random.usize(0..3) {
            let hash = TokenHash::of(&format!("token {}", self.random.u32(0..60)));
            let new = NewToken::own(hash, Owner::Application(application), ScopeSet::for_users());
            let elapsed = self.now.elapsed.plus_ms(self.random.u64(0..HOUR_MS));
            let expires = Some(Now { elapsed, wall: self.now.wall });
            tokens.push(NewToken { expires, ..self.of_user(new) });
        }
        let one = self.of_user(NewToken::own(
            TokenHash::of("for its user and grant alone"),
            Owner::Application(application),
            ScopeSet::NONE,
        ));
        let revocation = match (one.user, one.grant) {
            (_, Some(grant)) if self.chance(50) => Some(Revocation::Grant { application, grant }),
            (Some(user), _) => Some(Revocation::User { application, user }),
            (None, _) => None,
        };
        (tokens, revocation.filter(|_| self.chance(50)).into_iter().collect())
    }

    pub(super) async fn claim_tasks(&mut self) {
        let kind = self.pick(&TASK_KINDS).unwrap().to_owned();
        let permits = self.pick(&[0, 1, 3, 50]).unwrap();
        let lease_until = self.now.elapsed.plus_ms(self.pick(&[SECOND_MS, MINUTE_MS]).unwrap());
        let lane_permits = self.step % 4;
        let claim = ClaimTasks { kind, permits, lane_permits, lease_until };
        let answers = both!(self, |store| store.claim_tasks(self.now, claim.clone()));
        let batches = self.done("claim_tasks", answers);
        let comparable = batches.each_ref().map(|batch| {
            let claimed: Vec<_> = batch.claimed.iter().map(normal::claimed_task).collect();
            (claimed, batch.next_at)
        });
        self.same("claim_tasks", comparable);
        let [first, second] = batches;
        self.count("task claimed", first.claimed.len());
        let pairs = first.claimed.into_iter().zip(second.claimed);
        self.task_leases.extend(pairs.map(|(first, second)| [first, second]));
        let too_many = self.task_leases.len().saturating_sub(8);
        self.task_leases.drain(..too_many);
    }

    pub(super) async fn extend_tasks(&mut self) {
        let Some(leases) = self.pick(&self.task_leases.clone()) else { return };
        let expires_at = self.now.elapsed.plus_ms(self.random.u64(0..MINUTE_MS));
        let items = leases.map(|claimed| ExtendTask {
            token: claimed.token,
            task: claimed.task.id,
            expires_at,
        });
        let answers = [
            self.stores[0].extend_tasks(self.now, vec![items[0]]).await,
            self.stores[1].extend_tasks(self.now, vec![items[1]]).await,
        ];
        let answers = self.done("extend_tasks", answers);
        let held = answers.map(|answers| answers.iter().map(Result::is_ok).collect::<Vec<_>>());
        let held = self.same("extend_tasks", held);
        self.count("task extended", usize::from(held == [true]));
    }

    pub(super) async fn compare_tasks(&mut self) {
        for application in self.applications.clone() {
            for (kind, key) in TASK_KINDS.into_iter().flat_map(|kind| KEYS.map(|key| (kind, key))) {
                let answers = both!(self, |store| store.task(application, kind, key));
                let found = self.done("task", answers);
                self.same("task", found.map(|task| task.as_ref().map(normal::task)));
            }
        }
    }
}
