//! Users who come with a token that their application signed.

use futures_util::future::join_all;
use tidings_core::time::Wall;
use tidings_platform::writer::Subject;
use tidings_store::Clock;

use crate::support::World;

fn subject(world: &World) -> Subject {
    Subject {
        application: world.acme.id,
        issuer: "https://login.acme.example".to_owned(),
        subject: "customer-7".to_owned(),
        issued_at: Some(world.clock.now().wall),
    }
}

#[tokio::test]
async fn a_user_is_made_at_the_first_token_of_a_subject_and_found_at_the_next() {
    let world = World::empty().await;
    let made = world.writer.user_of(&subject(&world)).await.unwrap().unwrap();
    assert_eq!(made.body.tenant_id.as_deref(), Some("customer-7"));
    world.pass_ms(5);
    let found = world.writer.user_of(&subject(&world)).await.unwrap().unwrap();
    assert_eq!(found, made);
    assert_eq!(world.fired().await, ["UserAdded"]);
}

#[tokio::test]
async fn first_tokens_at_the_same_moment_make_one_user() {
    let world = World::empty().await;
    let subject = subject(&world);
    let all = join_all((0..10).map(|_| world.writer.user_of(&subject))).await;
    let ids: Vec<String> = all.into_iter().map(|user| user.unwrap().unwrap().id).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_eq!(world.fired().await, ["UserAdded"]);
}

#[tokio::test]
async fn other_subjects_issuers_and_applications_are_other_users() {
    let world = World::empty().await;
    let one = subject(&world);
    let mut ids = Vec::new();
    for other in [
        one.clone(),
        Subject { subject: "customer-8".to_owned(), ..one.clone() },
        Subject { issuer: "https://login.other.example".to_owned(), ..one.clone() },
        Subject { application: world.other.id, ..one },
    ] {
        ids.push(world.writer.user_of(&other).await.unwrap().unwrap().id);
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 4);
}

#[tokio::test]
async fn a_deleted_user_comes_back_with_a_token_that_was_issued_later_and_with_no_other() {
    let world = World::empty().await;
    let before = subject(&world);
    let user = world.writer.user_of(&before).await.unwrap().unwrap();
    world.pass_ms(1_000);
    world.writer.delete_user(world.acme.id, &user.id).await.unwrap();
    let deleted_at = world.clock.now().wall;
    for issued_at in [before.issued_at, None, Some(deleted_at)] {
        let old = Subject { issued_at, ..before.clone() };
        assert_eq!(world.writer.user_of(&old).await.unwrap(), None, "{issued_at:?}");
    }
    assert_eq!(world.fired().await, ["UserAdded", "UserDeleted"]);
    let later = Subject { issued_at: Some(Wall(deleted_at.0 + 1)), ..before };
    let again = world.writer.user_of(&later).await.unwrap().unwrap();
    assert_eq!((&again.id, again.deleted), (&user.id, false));
    let found = world.writer.user_of(&later).await.unwrap().unwrap();
    assert_eq!(found, again);
    assert_eq!(world.fired().await, ["UserAdded", "UserDeleted", "UserAdded"]);
}
