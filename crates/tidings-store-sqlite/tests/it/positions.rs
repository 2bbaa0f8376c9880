//! The position of the latest change, read while changes are on their way.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tidings_core::time::Now;
use tidings_store::{Append, EntityChange, EntityQuery, Page, Store, conformance::world::World};
use tidings_store_sqlite::SqliteStore;

use crate::support::fresh;

async fn change(store: &SqliteStore, now: Now, version: Option<u64>) {
    let change = EntityChange {
        application: None,
        kind: "Provider".to_owned(),
        id: "a".to_owned(),
        expected_version: version,
        body: format!("{version:?}"),
        deleted: false,
        links: Vec::new(),
        forget_at: None,
    };
    let append = Append { changes: vec![change], ..Append::of(0, Vec::new()) };
    store.append(now, append).await.unwrap();
}

async fn body(store: &SqliteStore) -> Option<String> {
    let page = Page { first: 1, after: None };
    let kind = "Provider".to_owned();
    let (application, link, updated_since, deleted_too) = (None, None, None, true);
    let query = EntityQuery { application, kind, link, updated_since, deleted_too, page };
    let found = store.entity_page(query).await.unwrap();
    found.items.into_iter().next().map(|entity| entity.body)
}

/// Reads what is there, and keeps it where the position was the same before and after.
async fn watch(store: Arc<SqliteStore>, ends: Arc<AtomicBool>) -> usize {
    let mut seen: HashMap<u64, Option<String>> = HashMap::new();
    while !ends.load(Ordering::SeqCst) {
        let before = store.entity_position(None).await.unwrap();
        let found = body(&store).await;
        if store.entity_position(None).await.unwrap() == before {
            let known = seen.entry(before).or_insert_with(|| found.clone());
            assert_eq!(*known, found, "two states at position {before}");
        }
    }
    seen.len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_read_between_two_equal_positions_is_the_same_whenever_it_is_read() {
    let (store, _directory) = fresh();
    let store = Arc::new(store);
    let now = World::new(&*store).now;
    let ends = Arc::new(AtomicBool::new(false));
    let watchers: Vec<_> =
        (0..3).map(|_| tokio::spawn(watch(Arc::clone(&store), Arc::clone(&ends)))).collect();
    let mut last = 0;
    for version in 0..400 {
        change(&store, now, (version > 0).then_some(version)).await;
        let position = store.entity_position(None).await.unwrap();
        assert!(position > last, "who was told of the change sees it");
        assert_eq!(store.entity_position(None).await.unwrap(), position);
        last = position;
    }
    ends.store(true, Ordering::SeqCst);
    for watcher in watchers {
        assert!(watcher.await.unwrap() > 0);
    }
}
