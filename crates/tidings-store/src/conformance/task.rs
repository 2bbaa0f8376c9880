//! Tasks: put with what they are for, given out under a lease, kept and finished by who has it.

use tidings_core::{delivery::LeaseToken, ids::ApplicationId, time::Elapsed};

use super::world::World;
use crate::{
    error::AppendError,
    store::Store,
    types::{
        Append, ClaimTasks, ClaimedTask, EntityChange, ExtendTask, Task, TaskBatch, TaskChange,
    },
};

const LEASE_MS: u64 = 60_000;
/// Tasks of one lane at a time.
const LANE_PERMITS: usize = 2;

async fn write(world: &World<'_>, tasks: Vec<TaskChange>) -> Result<(), AppendError> {
    let append = Append { tasks, ..world.append_of(Vec::new(), None).await };
    world.store.append(world.now, append).await.map(|_| ())
}

fn put(application: ApplicationId, key: &str, due_at: Elapsed) -> TaskChange {
    TaskChange::Put {
        application,
        kind: "collect".to_owned(),
        key: key.to_owned(),
        lane: String::new(),
        body: format!("{{\"of\":\"{key}\"}}"),
        due_at,
    }
}

/// The same in a lane.
fn put_in(lane: &str, application: ApplicationId, key: &str, due_at: Elapsed) -> TaskChange {
    match put(application, key, due_at) {
        TaskChange::Put { application, kind, key, body, due_at, .. } => {
            TaskChange::Put { application, kind, key, lane: lane.to_owned(), body, due_at }
        }
        other => other,
    }
}

fn keep(claimed: &ClaimedTask, body: &str) -> TaskChange {
    TaskChange::Keep { task: claimed.task.id, token: claimed.token, body: body.to_owned() }
}

fn give_back(claimed: &ClaimedTask, lane: &str, body: &str, due_at: Elapsed) -> TaskChange {
    let (task, token) = (claimed.task.id, claimed.token);
    TaskChange::GiveBack { task, token, lane: lane.to_owned(), body: body.to_owned(), due_at }
}

fn finish(claimed: &ClaimedTask) -> TaskChange {
    TaskChange::Finish { task: claimed.task.id, token: claimed.token }
}

async fn claim(world: &World<'_>, permits: usize) -> TaskBatch {
    let lease_until = world.in_ms(LEASE_MS);
    let kind = "collect".to_owned();
    let claim = ClaimTasks { kind, permits, lane_permits: LANE_PERMITS, lease_until };
    world.store.claim_tasks(world.now, claim).await.unwrap()
}

async fn claim_one(world: &World<'_>) -> ClaimedTask {
    let mut batch = claim(world, 9).await;
    assert_eq!(batch.claimed.len(), 1);
    batch.claimed.remove(0)
}

async fn keys(world: &World<'_>, permits: usize) -> Vec<String> {
    claim(world, permits).await.claimed.into_iter().map(|it| it.task.key).collect()
}

async fn task(world: &World<'_>, application: ApplicationId, key: &str) -> Option<Task> {
    world.store.task(application, "collect", key).await.unwrap()
}

fn assert_lost(answer: &Result<(), AppendError>) {
    assert!(matches!(answer, Err(AppendError::LeaseLost { .. })), "{answer:?}");
}

pub async fn a_task_is_put_with_its_change_or_not_at_all(store: &dyn Store) {
    let world = World::new(store);
    let id = world.add_application("acme").await.id;
    let change = EntityChange {
        application: Some(id),
        kind: "Account".to_owned(),
        id: "a".to_owned(),
        expected_version: None,
        body: "{}".to_owned(),
        deleted: false,
        links: Vec::new(),
        forget_at: None,
    };
    let append = async |key: &str| {
        let (changes, tasks) = (vec![change.clone()], vec![put(id, key, world.in_ms(5))]);
        let append = Append { changes, tasks, ..world.append_of(Vec::new(), None).await };
        store.append(world.now, append).await
    };
    append("a").await.unwrap();
    append("b").await.unwrap_err();
    let found = task(&world, id, "a").await.unwrap();
    assert_eq!((found.application, found.kind.as_str(), found.key.as_str()), (id, "collect", "a"));
    assert_eq!((found.body.as_str(), found.due_at), ("{\"of\":\"a\"}", world.in_ms(5)));
    assert_eq!(found.leased_until, None);
    assert_eq!(task(&world, id, "b").await, None);
    assert_eq!(store.task(id, "other", "a").await.unwrap(), None);
    assert_eq!(store.task(ApplicationId(id.0 + 1), "collect", "a").await.unwrap(), None);
}

pub async fn a_task_is_given_when_it_is_due_and_not_to_two(store: &dyn Store) {
    let mut world = World::new(store);
    let id = world.add_application("acme").await.id;
    write(&world, vec![put(id, "a", world.in_ms(5)), put(id, "b", world.in_ms(9))]).await.unwrap();
    let early = claim(&world, 9).await;
    assert_eq!((early.claimed.len(), early.next_at), (0, Some(world.in_ms(5))));
    world.pass_ms(5);
    let (kind, lease_until) = ("other".to_owned(), world.in_ms(9));
    let other = ClaimTasks { kind, permits: 9, lane_permits: LANE_PERMITS, lease_until };
    assert_eq!(store.claim_tasks(world.now, other).await.unwrap(), TaskBatch::default());
    assert_eq!(claim(&world, 0).await.claimed.len(), 0, "there were no permits");
    let batch = claim(&world, 9).await;
    let claimed = &batch.claimed[0];
    assert_eq!((claimed.task.key.as_str(), claimed.claims_count), ("a", 1));
    assert_eq!(claimed.task.leased_until, Some(world.in_ms(LEASE_MS)));
    assert_eq!(task(&world, id, "a").await.as_ref(), Some(&claimed.task));
    assert_eq!((batch.claimed.len(), batch.next_at), (1, Some(world.in_ms(4))));
    assert_eq!(claim(&world, 9).await.claimed, []);
}

pub async fn applications_get_a_task_each_in_turn(store: &dyn Store) {
    let mut world = World::new(store);
    let mut tasks = Vec::new();
    for name in ["x", "y", "z"] {
        let id = world.add_application(name).await.id;
        let count = if name == "x" { 4 } else { 2 };
        for number in 0..count {
            tasks.push(put(id, &format!("{name}{number}"), world.in_ms(count - number)));
        }
    }
    write(&world, tasks).await.unwrap();
    world.pass_ms(100);
    assert_eq!(keys(&world, 2).await, ["x3", "y1"]);
    assert_eq!(keys(&world, 4).await, ["z1", "x2", "y0", "z0"]);
    assert_eq!(keys(&world, 9).await, ["x1", "x0"]);
}

pub async fn a_lane_has_so_many_tasks_at_a_time_and_others_flow_past_it(store: &dyn Store) {
    let mut world = World::new(store);
    let [x, y] = [world.add_application("x").await.id, world.add_application("y").await.id];
    let now = world.now.elapsed;
    // Before all others in the order.
    let slow = (0..600).map(|number| put_in("slow", x, &format!("a{number:03}"), now));
    write(&world, slow.collect()).await.unwrap();
    let mixed = vec![
        put_in("slow", y, "a", now),
        put_in("fast", y, "b", now),
        put_in("fast", x, "b", now),
        put_in("fast", x, "c", now),
        put_in("", x, "d", now),
        put_in("", x, "e", now),
        put_in("", x, "f", now),
    ];
    write(&world, mixed).await.unwrap();
    let first = claim(&world, 3).await;
    let has: Vec<&str> = first.claimed.iter().map(|it| it.task.key.as_str()).collect();
    assert_eq!(has, ["a000", "a", "b"], "the slow lane is full, whoever's its tasks are");
    assert_eq!(first.claimed[0].task.lane, "slow");
    let rest = claim(&world, 9).await;
    let has: Vec<&str> = rest.claimed.iter().map(|it| it.task.key.as_str()).collect();
    assert_eq!(has, ["b", "d", "e", "f"], "one of the fast ones was had, and no lane is free");
    assert_eq!(
        (claim(&world, 9).await.claimed.len(), rest.next_at),
        (0, Some(world.in_ms(LEASE_MS)))
    );
    write(&world, vec![finish(&first.claimed[0])]).await.unwrap();
    let later = give_back(&first.claimed[1], "slow", "{}", world.in_ms(1));
    write(&world, vec![later]).await.unwrap();
    assert_eq!(keys(&world, 9).await, ["a001", "a002"], "what ended made room");
    world.pass_ms(LEASE_MS);
    assert_eq!(keys(&world, 3).await.len(), 3, "a lease that expired takes no room");
}

pub async fn lanes_that_have_room_go_by_time_behind_one_that_is_full(store: &dyn Store) {
    let mut world = World::new(store);
    let id = world.add_application("acme").await.id;
    let at = |ms| world.in_ms(ms);
    let slow = (0..40).map(|number| put_in("slow", id, &format!("slow{number:02}"), at(1)));
    write(&world, slow.collect()).await.unwrap();
    let others = vec![
        put_in("fast", id, "c", at(4)),
        put_in("fast", id, "d", at(5)),
        put_in("fast", id, "f", at(7)),
        put_in("slow", id, "later", at(15)),
        put_in("third", id, "a", at(2)),
        put_in("third", id, "g", at(8)),
        put(id, "b", at(3)),
        put(id, "e", at(6)),
    ];
    write(&world, others).await.unwrap();
    world.pass_ms(9);
    assert_eq!(keys(&world, 2).await, ["slow00", "slow01"], "they are the first");
    let held = claim(&world, 4).await;
    let has: Vec<&str> = held.claimed.iter().map(|it| it.task.key.as_str()).collect();
    assert_eq!(has, ["a", "b", "c", "d"], "their time decides, not their lane");
    assert_eq!(held.next_at, Some(world.in_ms(6)), "also a full lane's next one is told of");
    assert_eq!(keys(&world, 9).await, ["e", "g"]);
    write(&world, vec![finish(&held.claimed[2])]).await.unwrap();
    assert_eq!(keys(&world, 9).await, ["f"]);
}

pub async fn a_task_that_is_given_back_has_the_lane_that_it_is_given(store: &dyn Store) {
    let world = World::new(store);
    let id = world.add_application("acme").await.id;
    let now = world.now.elapsed;
    let slow = ["a", "b", "c", "d"].map(|key| put_in("slow", id, key, now));
    write(&world, slow.into()).await.unwrap();
    let first = claim(&world, 2).await.claimed;
    write(&world, vec![keep(&first[1], "{}")]).await.unwrap();
    assert_eq!(task(&world, id, "b").await.unwrap().lane, "slow");
    write(&world, vec![give_back(&first[0], "", "{}", now)]).await.unwrap();
    assert_eq!(task(&world, id, "a").await.unwrap().lane, "");
    assert_eq!(keys(&world, 9).await, ["a", "c"], "it needs no room, and has left its own");
    write(&world, vec![give_back(&first[1], "fast", "{}", now)]).await.unwrap();
    assert_eq!(keys(&world, 9).await, ["b", "d"], "it is in another lane");
}

pub async fn tasks_that_are_due_together_go_by_their_keys(store: &dyn Store) {
    let world = World::new(store);
    let id = world.add_application("acme").await.id;
    let tasks = ["b", "é", "a", "Z"].map(|key| put(id, key, world.now.elapsed));
    write(&world, tasks.into()).await.unwrap();
    assert_eq!(keys(&world, 9).await, ["Z", "a", "b", "é"]);
}

pub async fn a_task_whose_lease_expired_is_given_again_and_counted(store: &dyn Store) {
    let mut world = World::new(store);
    let id = world.add_application("acme").await.id;
    write(&world, vec![put(id, "a", world.now.elapsed)]).await.unwrap();
    let first = claim_one(&world).await;
    world.pass_ms(LEASE_MS);
    let second = claim_one(&world).await;
    assert_eq!(second.claims_count, 2);
    assert_ne!(second.token, first.token);
    assert_lost(&write(&world, vec![keep(&first, "{}")]).await);
    assert_lost(&write(&world, vec![finish(&first)]).await);
    write(&world, vec![keep(&second, "{\"page\":2}")]).await.unwrap();
    assert_eq!(claim(&world, 9).await.claimed, [], "the lease goes on");
    world.pass_ms(LEASE_MS);
    let third = claim_one(&world).await;
    assert_eq!((third.claims_count, third.task.body.as_str()), (1, "{\"page\":2}"));
}

pub async fn a_lease_on_a_task_that_is_extended_lasts_longer(store: &dyn Store) {
    let mut world = World::new(store);
    let id = world.add_application("acme").await.id;
    write(&world, vec![put(id, "a", world.now.elapsed)]).await.unwrap();
    let claimed = claim_one(&world).await;
    let extend = async |world: &World<'_>, token, ms| {
        let expires_at = world.in_ms(ms);
        let item = ExtendTask { token, task: claimed.task.id, expires_at };
        store.extend_tasks(world.now, vec![item]).await.unwrap()[0].is_ok()
    };
    assert!(extend(&world, claimed.token, 2 * LEASE_MS).await);
    assert!(!extend(&world, LeaseToken(claimed.token.0 + 1), 1).await);
    world.pass_ms(LEASE_MS);
    assert_eq!(claim(&world, 9).await.claimed, []);
    world.pass_ms(LEASE_MS);
    assert!(extend(&world, claimed.token, LEASE_MS).await, "nobody took it");
    assert_eq!(claim(&world, 9).await.claimed, []);
    write(&world, vec![finish(&claimed)]).await.unwrap();
    assert!(!extend(&world, claimed.token, LEASE_MS).await);
    assert_eq!(task(&world, id, "a").await, None);
}

pub async fn a_task_that_is_given_back_is_due_again(store: &dyn Store) {
    let mut world = World::new(store);
    let id = world.add_application("acme").await.id;
    write(&world, vec![put(id, "a", world.now.elapsed)]).await.unwrap();
    let claimed = claim_one(&world).await;
    let later = give_back(&claimed, "", "{\"later\":1}", world.in_ms(7));
    write(&world, vec![later.clone()]).await.unwrap();
    let found = task(&world, id, "a").await.unwrap();
    assert_eq!((found.due_at, found.leased_until), (world.in_ms(7), None));
    assert_lost(&write(&world, vec![later]).await);
    assert_lost(&write(&world, vec![keep(&claimed, "{}")]).await);
    world.pass_ms(7);
    let again = claim_one(&world).await;
    assert_eq!((again.claims_count, again.task.body.as_str()), (1, "{\"later\":1}"));
}

pub async fn a_task_that_is_put_anew_or_removed_voids_its_lease(store: &dyn Store) {
    let world = World::new(store);
    let id = world.add_application("acme").await.id;
    let due_at = world.now.elapsed;
    write(&world, vec![put(id, "a", due_at)]).await.unwrap();
    let claimed = claim_one(&world).await;
    let (kind, key) = ("collect".to_owned(), "a".to_owned());
    let remove = TaskChange::Remove { application: id, kind, key };
    assert_lost(&write(&world, vec![remove.clone(), finish(&claimed)]).await);
    assert_lost(&write(&world, vec![finish(&claimed), finish(&claimed)]).await);
    assert!(task(&world, id, "a").await.is_some(), "what was refused did nothing");
    write(&world, vec![put(id, "a", due_at)]).await.unwrap();
    assert_lost(&write(&world, vec![keep(&claimed, "{}")]).await);
    let again = claim_one(&world).await;
    assert_eq!(again.claims_count, 1);
    write(&world, vec![remove.clone()]).await.unwrap();
    assert_eq!(task(&world, id, "a").await, None);
    assert_lost(&write(&world, vec![finish(&again)]).await);
    write(&world, vec![remove]).await.unwrap();
}

pub async fn tasks_of_a_deleted_application_are_not_given_and_go(store: &dyn Store) {
    let world = World::new(store);
    let [gone, other] =
        [world.add_application("acme").await.id, world.add_application("b").await.id];
    let due_at = world.now.elapsed;
    write(&world, vec![put(gone, "a", due_at)]).await.unwrap();
    let claimed = claim_one(&world).await;
    write(&world, vec![put(gone, "b", due_at), put(other, "c", due_at)]).await.unwrap();
    store.delete_application(world.now, gone).await.unwrap();
    assert_lost(&write(&world, vec![keep(&claimed, "{}")]).await);
    assert_eq!(keys(&world, 9).await, ["c"]);
    assert_eq!(store.cancel_orphans(world.now).await.unwrap(), 2);
    assert_eq!(store.cancel_orphans(world.now).await.unwrap(), 0);
    assert_eq!(task(&world, gone, "a").await, None);
    assert!(task(&world, other, "c").await.is_some());
}
