//! A disk that is full, and a file that goes away.

use std::fs;

use tidings_core::{access::Owner, limits::IDEMPOTENCY_REMEMBERED_MS};
use tidings_store::{
    AppendError, Store, StoreError,
    conformance::world::{World, key},
};
use tidings_store_sqlite::{Check, Options, SqliteStore, check_integrity};

use crate::support::{fresh, place};

#[tokio::test]
async fn a_full_disk_refuses_writes_until_there_is_space_again() {
    let (_directory, path) = place();
    let options = Options { pages_max: Some(120), ..Options::standard() };
    let store = SqliteStore::open(&path, options).unwrap();
    let mut world = World::new(&store);
    let mut written = Vec::new();
    let error = loop {
        let event = world.new_event();
        let id = event.id;
        let long = format!("{:0255}", written.len());
        let new = world.matched(event, Some(key(Owner::Operator, &long, 1))).await;
        match world.try_append(vec![new], None).await {
            Ok(_) => written.push(id),
            Err(error) => break error,
        }
        assert!(written.len() < 10_000, "120 pages hold no 10,000 events");
    };
    let text = error.to_string();
    assert!(matches!(error, AppendError::Store(StoreError::Unavailable { .. })), "{text}");
    assert!(text.contains("full"), "{text}");
    assert_eq!(store.broken(), None, "a full disk is no reason to stop for good");
    assert!(store.event(written[0]).await.unwrap().is_some(), "reads go on");

    world.pass_ms(IDEMPOTENCY_REMEMBERED_MS);
    while store.forget_expired(world.now).await.unwrap() > 0 {}
    written.push(world.fire().await.id);
    for id in written {
        assert!(store.event(id).await.unwrap().is_some());
    }
    assert_eq!(check_integrity(&path, Check::Full).unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn nothing_is_acknowledged_after_the_files_were_taken_away() {
    let (store, directory) = fresh();
    let mut world = World::new(&store);
    world.one_webhook().await;
    world.fire().await;
    fs::remove_file(store.path()).unwrap();
    let event = world.new_event();
    let new = world.matched(event, None).await;
    let error = world.try_append(vec![new], None).await.unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, AppendError::Store(StoreError::Unavailable { .. })), "{text}");
    assert!(text.contains(&*store.path().to_string_lossy()), "{text}");
    assert!(store.broken().is_some());
    drop(directory);
}
