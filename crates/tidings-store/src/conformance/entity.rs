//! The platform's entities.

use tidings_core::{ids::ApplicationId, limits::PAGE_MAX, time::Wall};

use super::world::World;
use crate::{
    error::AppendError,
    store::Store,
    types::{
        Append, Emptied, Entity, EntityChange, EntityExpectation, EntityQuery, Link, LinkedQuery,
        Page,
    },
};

fn change(application: Option<ApplicationId>, id: &str, version: Option<u64>) -> EntityChange {
    EntityChange {
        application,
        kind: "User".to_owned(),
        id: id.to_owned(),
        expected_version: version,
        body: format!("{{\"id\":\"{id}\",\"é\":1.0}}"),
        deleted: false,
        links: Vec::new(),
        forget_at: None,
    }
}

async fn write(world: &World<'_>, changes: Vec<EntityChange>) -> Result<(), AppendError> {
    let append = Append { changes, ..world.append_of(Vec::new(), None).await };
    world.store.append(world.now, append).await.map(|_| ())
}

fn query(application: Option<ApplicationId>) -> EntityQuery {
    EntityQuery {
        application,
        kind: "User".to_owned(),
        link: None,
        updated_since: None,
        deleted_too: false,
        page: Page { first: 50, after: None },
    }
}

async fn page(world: &World<'_>, query: EntityQuery) -> (Vec<Entity>, bool) {
    let page = world.store.entity_page(query).await.unwrap();
    (page.items, page.has_next_page)
}

async fn ids(world: &World<'_>, query: EntityQuery) -> Vec<String> {
    page(world, query).await.0.into_iter().map(|entity| entity.id).collect()
}

pub async fn an_entity_is_kept_with_its_version_and_place(store: &dyn Store) {
    let mut world = World::new(store);
    write(&world, vec![change(None, "a", None), change(None, "b", None)]).await.unwrap();
    let (before, _) = page(&world, query(None)).await;
    assert_eq!((before[0].id.as_str(), before[0].version, before[0].deleted), ("a", 1, false));
    assert_eq!(before[0].updated_at, world.now.wall);
    assert_eq!(before[0].body, change(None, "a", None).body);
    world.pass_ms(1_000);
    let mut second = change(None, "a", Some(1));
    second.body = "{\"changed\":true}".to_owned();
    write(&world, vec![second.clone()]).await.unwrap();
    let (after, _) = page(&world, query(None)).await;
    let order: Vec<&str> = after.iter().map(|entity| entity.id.as_str()).collect();
    assert_eq!(order, ["b", "a"], "in the order of the last commits");
    assert_eq!((after[1].version, &after[1].body), (2, &second.body));
    assert_eq!(after[1].updated_at, world.now.wall);
    assert!(after[1].position > before[1].position, "a place is never used twice");
    assert_eq!(after[0], before[1]);
}

pub async fn a_change_of_another_version_refuses_the_whole_append(store: &dyn Store) {
    let world = World::new(store);
    write(&world, vec![change(None, "a", None)]).await.unwrap();
    for (id, version) in [("a", None), ("a", Some(0)), ("a", Some(2)), ("c", Some(1))] {
        let refused = write(&world, vec![change(None, "b", None), change(None, id, version)]).await;
        match refused {
            Err(AppendError::EntityConflict { kind, id: named }) => {
                assert_eq!((kind.as_str(), named.as_str()), ("User", id));
            }
            other => panic!("{id} at {version:?} gave {other:?}"),
        }
    }
    assert_eq!(ids(&world, query(None)).await, ["a"]);
    // Within one append the second change sees the first.
    let twice = vec![change(None, "b", None), change(None, "b", Some(1))];
    write(&world, twice).await.unwrap();
    assert_eq!(page(&world, query(None)).await.0[1].version, 2);
}

pub async fn a_deleted_entity_stays_as_a_tombstone(store: &dyn Store) {
    let world = World::new(store);
    write(&world, vec![change(None, "a", None), change(None, "b", None)]).await.unwrap();
    let gone = EntityChange { deleted: true, ..change(None, "a", Some(1)) };
    write(&world, vec![gone.clone()]).await.unwrap();
    assert_eq!(ids(&world, query(None)).await, ["b"]);
    let with = EntityQuery { deleted_too: true, ..query(None) };
    let (all, _) = page(&world, with).await;
    assert_eq!((all[1].id.as_str(), all[1].deleted, &all[1].body), ("a", true, &gone.body));
    let found = store.entities(None, "User", vec!["a".to_owned()]).await.unwrap();
    assert_eq!((found[0].deleted, found[0].version), (true, 2));
    assert!(write(&world, vec![change(None, "a", None)]).await.is_err(), "its id is not free");
    write(&world, vec![change(None, "a", Some(2))]).await.unwrap();
    assert_eq!(ids(&world, query(None)).await, ["b", "a"]);
}

pub async fn entities_of_different_owners_never_meet(store: &dyn Store) {
    let world = World::new(store);
    let own = world.add_application("acme").await.id;
    let other = world.add_application("other").await.id;
    for application in [Some(other), Some(own), None] {
        write(&world, vec![change(application, "a", None)]).await.unwrap();
        let (found, _) = page(&world, query(application)).await;
        assert_eq!((found.len(), found[0].application), (1, application));
    }
    write(&world, vec![change(Some(other), "b", None)]).await.unwrap();
    let asked = || ["a", "b", "c", "a"].map(str::to_owned).to_vec();
    for (application, expected) in [(Some(own), vec!["a"]), (Some(other), vec!["a", "b"])] {
        let found = store.entities(application, "User", asked()).await.unwrap();
        let mut found: Vec<&str> = found.iter().map(|entity| entity.id.as_str()).collect();
        found.sort_unstable();
        assert_eq!(found, expected);
    }
    assert_eq!(store.entities(Some(own), "Account", asked()).await.unwrap(), []);
    assert_eq!(store.entities(Some(own), "User", Vec::new()).await.unwrap(), []);
    assert_eq!(store.entity_owners("User", "a").await.unwrap(), [own, other]);
    assert_eq!(store.entity_owners("User", "b").await.unwrap(), [other]);
    assert_eq!(store.entity_owners("Account", "a").await.unwrap(), []);
    let gone = EntityChange { deleted: true, ..change(Some(other), "b", Some(1)) };
    write(&world, vec![gone]).await.unwrap();
    assert_eq!(store.entity_owners("User", "b").await.unwrap(), [other]);
}

pub async fn the_entity_position_moves_with_what_an_application_can_be_shown(store: &dyn Store) {
    let world = World::new(store);
    let own = world.add_application("acme").await.id;
    let other = world.add_application("other").await.id;
    let positions = async || {
        let mut positions = Vec::new();
        for application in [Some(own), Some(other), None] {
            positions.push(store.entity_position(application).await.unwrap());
        }
        positions
    };
    assert_eq!(positions().await, [0, 0, 0]);
    let of_kind = |kind: &str, application, version| EntityChange {
        kind: kind.to_owned(),
        ..change(application, "a", version)
    };
    let gone = EntityChange { deleted: true, ..of_kind("User", Some(own), Some(2)) };
    let changes = [
        (of_kind("User", Some(own), None), [true, false, true]),
        (of_kind("Account", Some(other), None), [false, true, true]),
        (of_kind("Provider", None, None), [true, true, true]),
        (of_kind("Account", Some(own), None), [true, false, true]),
        (of_kind("User", Some(own), Some(1)), [true, false, true]),
        (gone, [true, false, true]),
        (of_kind("Provider", None, Some(1)), [true, true, true]),
    ];
    for (change, expected) in changes {
        let before = positions().await;
        let name = format!("{change:?}");
        assert!(
            write(&world, vec![EntityChange { expected_version: Some(9), ..change.clone() }])
                .await
                .is_err()
        );
        assert_eq!(positions().await, before, "a change that is refused moves nothing");
        write(&world, vec![change]).await.unwrap();
        let after = positions().await;
        let moved: Vec<bool> = before.iter().zip(&after).map(|(b, a)| a > b).collect();
        let same: Vec<bool> = before.iter().zip(&after).map(|(b, a)| a != b).collect();
        assert_eq!((&moved[..], &same[..]), (&expected[..], &expected[..]), "{name}");
    }
}

pub async fn entities_are_found_by_what_they_hang_on(store: &dyn Store) {
    let world = World::new(store);
    let link = |role: &str, id: &str| Link { role: role.to_owned(), id: id.to_owned() };
    let linked = |id: &str, version, links: &[Link]| EntityChange {
        links: links.to_vec(),
        ..change(None, id, version)
    };
    let (user, account) = (link("user", "u"), link("account", "u"));
    let changes = vec![
        linked("a", None, std::slice::from_ref(&user)),
        linked("b", None, &[user.clone(), account.clone()]),
        linked("c", None, &[]),
    ];
    write(&world, changes).await.unwrap();
    let by = |link: &Link| EntityQuery { link: Some(link.clone()), ..query(None) };
    assert_eq!(ids(&world, by(&user)).await, ["a", "b"]);
    assert_eq!(ids(&world, by(&account)).await, ["b"]);
    assert_eq!(ids(&world, by(&link("user", "x"))).await, [""; 0]);
    write(&world, vec![linked("b", Some(1), std::slice::from_ref(&account))]).await.unwrap();
    assert_eq!(ids(&world, by(&user)).await, ["a"]);
    assert_eq!(ids(&world, by(&account)).await, ["b"]);
}

pub async fn an_append_counts_on_what_it_does_not_change(store: &dyn Store) {
    let world = World::new(store);
    let own = world.add_application("acme").await.id;
    write(&world, vec![change(Some(own), "a", None)]).await.unwrap();
    let expecting = async |application, id: &str, version, changes| {
        let (kind, id) = ("User".to_owned(), id.to_owned());
        let expected = vec![EntityExpectation { application, kind, id, version }];
        let append = Append { changes, expected, ..world.append_of(Vec::new(), None).await };
        world.store.append(world.now, append).await
    };
    let b = || vec![change(Some(own), "b", None)];
    for (application, id, version) in
        [(Some(own), "a", 2), (Some(own), "a", 0), (Some(own), "b", 1), (None, "a", 1)]
    {
        match expecting(application, id, version, b()).await {
            Err(AppendError::EntityConflict { kind, id: named }) => {
                assert_eq!((kind.as_str(), named.as_str()), ("User", id));
            }
            other => panic!("{id} at {version} gave {other:?}"),
        }
    }
    assert_eq!(ids(&world, query(Some(own))).await, ["a"], "nothing of them was written");
    expecting(Some(own), "a", 1, b()).await.unwrap();
    let (found, _) = page(&world, query(Some(own))).await;
    let found: Vec<_> = found.iter().map(|entity| (entity.id.as_str(), entity.version)).collect();
    assert_eq!(found, [("a", 1), ("b", 1)]);
    // What is expected holds before the append's own changes.
    expecting(Some(own), "a", 1, vec![change(Some(own), "a", Some(1))]).await.unwrap();
    assert!(expecting(Some(own), "a", 1, Vec::new()).await.is_err());
}

pub async fn what_hangs_on_each_of_several_is_read_at_once(store: &dyn Store) {
    let world = World::new(store);
    let own = world.add_application("acme").await.id;
    let other = world.add_application("other").await.id;
    let hanging = |application, id: &str, version, target: &str| EntityChange {
        links: vec![Link { role: "user".to_owned(), id: target.to_owned() }],
        ..change(Some(application), id, version)
    };
    let changes = vec![
        hanging(own, "a", None, "x"),
        hanging(own, "b", None, "y"),
        hanging(own, "c", None, "x"),
        hanging(own, "d", None, "x"),
        hanging(other, "e", None, "x"),
        EntityChange { deleted: true, ..hanging(own, "f", None, "y") },
    ];
    write(&world, changes).await.unwrap();
    let asked = |targets: &[&str], first, deleted_too, after| LinkedQuery {
        application: Some(own),
        kind: "User".to_owned(),
        role: "user".to_owned(),
        targets: targets.iter().map(|&target| target.to_owned()).collect(),
        deleted_too,
        page: Page { first, after },
    };
    let found = async |query| {
        let pages = world.store.linked_entities(query).await.unwrap();
        let ids = pages.iter().map(|page| {
            let ids: Vec<String> = page.items.iter().map(|entity| entity.id.clone()).collect();
            (ids.concat(), page.has_next_page)
        });
        ids.collect::<Vec<(String, bool)>>()
    };
    let pages = |pages: &[(&str, bool)]| -> Vec<(String, bool)> {
        pages.iter().map(|(ids, more)| ((*ids).to_owned(), *more)).collect()
    };
    let both = found(asked(&["y", "nobody", "x"], 2, false, None)).await;
    assert_eq!(both, pages(&[("b", false), ("", false), ("ac", true)]));
    let with_gone = found(asked(&["y"], 2, true, None)).await;
    assert_eq!(with_gone, pages(&[("bf", false)]));
    let first = world.store.linked_entities(asked(&["x"], 2, false, None)).await.unwrap();
    let after = first[0].items.last().map(|entity| entity.position);
    assert_eq!(
        found(asked(&["x", "y"], 2, false, after)).await,
        pages(&[("d", false), ("", false)])
    );
    let role = LinkedQuery { role: "account".to_owned(), ..asked(&["x"], 2, true, None) };
    assert_eq!(found(role).await, pages(&[("", false)]));
    let many = vec!["x"; PAGE_MAX + 1];
    assert_eq!(found(asked(&many, 1, false, None)).await.len(), PAGE_MAX, "the rest is left out");
    assert_eq!(found(asked(&[], 1, false, None)).await, []);
}

pub async fn a_poller_misses_nothing_that_is_committed_later(store: &dyn Store) {
    let mut world = World::new(store);
    for id in ["a", "b", "c"] {
        write(&world, vec![change(None, id, None)]).await.unwrap();
        world.pass_ms(10);
    }
    let after = |after, first| EntityQuery {
        page: Page { first, after },
        deleted_too: true,
        ..query(None)
    };
    let (first, more) = page(&world, after(None, 2)).await;
    assert_eq!((first.len(), more), (2, true));
    let cursor = first.last().map(|entity| entity.position);
    // What was on an earlier page is changed, one is deleted, and one is new.
    write(&world, vec![change(None, "a", Some(1))]).await.unwrap();
    write(&world, vec![EntityChange { deleted: true, ..change(None, "b", Some(1)) }])
        .await
        .unwrap();
    write(&world, vec![change(None, "d", None)]).await.unwrap();
    let (rest, more) = page(&world, after(cursor, 9)).await;
    let found: Vec<(&str, bool)> =
        rest.iter().map(|entity| (entity.id.as_str(), entity.deleted)).collect();
    assert_eq!((found, more), (vec![("c", false), ("a", false), ("b", true), ("d", false)], false));
    let end = rest.last().map(|entity| entity.position);
    assert_eq!(page(&world, after(end, 9)).await, (Vec::new(), false));
    world.pass_ms(10);
    write(&world, vec![change(None, "c", Some(1))]).await.unwrap();
    assert_eq!(ids(&world, after(end, 9)).await, ["c"]);
    let since = Some(Wall(world.now.wall.0 - 10));
    let since = EntityQuery { updated_since: since, ..query(None) };
    assert_eq!(ids(&world, since).await, ["a", "d", "c"], "those changed at that moment too");
}

pub async fn an_entity_is_forgotten_at_its_moment_unless_it_was_changed_before(store: &dyn Store) {
    let mut world = World::new(store);
    let at_ms = |ms| Some(world.now.elapsed.plus_ms(ms));
    let link = Link { role: "user".to_owned(), id: "u".to_owned() };
    let until = |id, forget_at| EntityChange {
        forget_at,
        links: vec![link.clone()],
        ..change(None, id, None)
    };
    let (soon, later) = (at_ms(1_000), at_ms(5_000));
    let all = vec![until("a", soon), until("b", soon), until("c", later), until("d", None)];
    write(&world, all).await.unwrap();
    write(&world, vec![EntityChange { expected_version: Some(1), ..until("b", None) }])
        .await
        .unwrap();
    let linked = || EntityQuery { link: Some(link.clone()), deleted_too: true, ..query(None) };
    world.pass_ms(999);
    assert_eq!(store.forget_expired(world.now).await.unwrap(), 0);
    world.pass_ms(1);
    assert_eq!(store.forget_expired(world.now).await.unwrap(), 1);
    assert_eq!(store.forget_expired(world.now).await.unwrap(), 0);
    assert_eq!(ids(&world, linked()).await, ["c", "d", "b"], "no tombstone stays");
    assert!(store.entities(None, "User", vec!["a".to_owned()]).await.unwrap().is_empty());
    write(&world, vec![change(None, "a", None)]).await.expect("the id is free");
}

pub async fn the_last_position_is_never_used_again_though_its_entity_is_to_be_forgotten(
    store: &dyn Store,
) {
    let mut world = World::new(store);
    let last = EntityChange { forget_at: Some(world.now.elapsed), ..change(None, "b", None) };
    write(&world, vec![change(None, "a", None), last]).await.unwrap();
    let before = store.entity_position(None).await.unwrap();
    world.pass_ms(1_000);
    assert_eq!(store.forget_expired(world.now).await.unwrap(), 0, "the next position needs it");
    write(&world, vec![change(None, "a", Some(1))]).await.unwrap();
    assert!(store.entity_position(None).await.unwrap() > before);
    assert_eq!(store.forget_expired(world.now).await.unwrap(), 1);
    assert_eq!(ids(&world, query(None)).await, ["a"]);
}

pub async fn what_an_append_empties_has_nothing_left_hanging_on_it(store: &dyn Store) {
    let world = World::new(store);
    let own = Some(world.add_application("acme").await.id);
    let link = |id: &str| Link { role: "user".to_owned(), id: id.to_owned() };
    let on = |id: &str, version, target: &str| EntityChange {
        links: vec![link(target)],
        ..change(own, id, version)
    };
    let gone = |change: EntityChange| EntityChange { deleted: true, ..change };
    let emptying = async |kind: &str, target: &str, changes| {
        let emptied = vec![Emptied { application: own, kind: kind.to_owned(), link: link(target) }];
        let append = Append { changes, emptied, ..world.append_of(Vec::new(), None).await };
        store.append(world.now, append).await.map(|_| ())
    };
    write(&world, vec![on("a", None, "u"), on("b", None, "u"), on("c", None, "v")]).await.unwrap();
    write(&world, vec![change(None, "d", None)]).await.unwrap();
    for (changes, left) in [
        (vec![], "a"),
        (vec![gone(on("a", Some(1), "u"))], "b"),
        (vec![gone(on("a", Some(1), "u")), gone(on("b", Some(1), "u")), on("e", None, "u")], "e"),
        (vec![gone(on("b", Some(1), "u")), on("a", Some(1), "u")], "a"),
        // The last of several changes of one counts.
        (
            vec![gone(on("b", Some(1), "u")), gone(on("a", Some(1), "u")), on("a", Some(2), "u")],
            "a",
        ),
    ] {
        match emptying("User", "u", changes).await {
            Err(AppendError::EntityConflict { kind, id }) => {
                assert_eq!((kind.as_str(), id.as_str()), ("User", left));
            }
            other => panic!("{left} is left, and it gave {other:?}"),
        }
    }
    emptying("Account", "u", vec![]).await.unwrap();
    // What goes, and what moves away.
    emptying("User", "u", vec![gone(on("a", Some(1), "u")), on("b", Some(1), "v")]).await.unwrap();
    emptying("User", "u", vec![]).await.unwrap();
    assert_eq!(ids(&world, query(own)).await, ["c", "b"]);
}
