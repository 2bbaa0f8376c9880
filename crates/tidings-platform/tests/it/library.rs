//! Who may download which document.

use std::{collections::BTreeSet, convert::Infallible};

use bytes::Bytes;
use futures_util::{FutureExt, stream};
use tidings_core::access::{Principal, ScopeSet};
use tidings_graphql::Viewer;
use tidings_platform::{
    Library, Reader,
    domain::entity_code_of,
    sample::USER,
    shelf::{Expected, Shelf, ShelfError},
    writer::NewDocument,
};

use crate::support::{World, linked, operator, viewer};

const TEXT: &[u8] = b"a bill of forty-two pounds";

fn principal(viewer: Viewer) -> Principal {
    viewer.0.unwrap()
}

#[tokio::test]
async fn a_document_is_its_applications_and_the_operators_until_it_is_deleted() {
    let (world, linked) = World::linked().await;
    let folder = tempfile::tempdir().unwrap();
    let shelf = Shelf::open(folder.path()).await.unwrap();
    let library = Library::new(Reader::new(world.store.clone()), shelf);
    let acme = principal(viewer(&world.acme, ScopeSet::for_applications()));
    let other = principal(viewer(&world.other, ScopeSet::for_applications()));
    let operator = principal(operator());
    for (asker, sees) in [(&acme, true), (&operator, true), (&other, false)] {
        let found = library.find(asker, &linked.document).await.unwrap();
        assert_eq!(found.is_some(), sees, "{asker:?}");
    }
    for id in ["602cd86f3755d621aff583ef", "", "..", &linked.account, &"x".repeat(1000)] {
        assert_eq!(library.find(&acme, id).await.unwrap(), None, "{id}");
        assert_eq!(library.find(&operator, id).await.unwrap(), None, "{id}");
    }
    world.writer.delete_user(world.acme.id, USER).await.unwrap();
    for asker in [&acme, &operator, &other] {
        assert_eq!(library.find(asker, &linked.document).await.unwrap(), None, "{asker:?}");
    }
}

#[tokio::test]
async fn the_bytes_that_were_received_are_those_that_are_opened() {
    let (world, linked) = World::linked().await;
    let folder = tempfile::tempdir().unwrap();
    let shelf = Shelf::open(folder.path()).await.unwrap();
    let library = Library::new(Reader::new(world.store.clone()), shelf.clone());
    let expected = Expected::of(TEXT);
    let sent = stream::iter([Ok::<_, Infallible>(Bytes::from_static(TEXT))]);
    let kept = shelf.receive(expected, sent).await.unwrap();
    let (sha256, bytes) = (expected.sha256.to_string(), expected.bytes);
    let document = NewDocument { sha256, bytes, ..linked::document("bill-2") };
    world.keep(&linked.account, linked::documents(vec![document])).await.unwrap();
    let id = entity_code_of(&linked.account, "bill-2");
    drop(kept);
    let acme = principal(viewer(&world.acme, ScopeSet::for_applications()));
    let found = library.find(&acme, &id).await.unwrap().unwrap();
    let opened = library.open(&found.sha256, found.bytes).await.unwrap();
    assert_eq!(opened.metadata().await.unwrap().len(), u64::from(bytes));
    let no_hash = library.open("../../secret", 1).await.unwrap_err();
    assert!(matches!(no_hash, ShelfError::NoHash { .. }), "{no_hash}");
}

#[tokio::test]
async fn bytes_that_no_document_has_any_more_are_removed_and_others_stay() {
    let (world, linked) = World::linked().await;
    let folder = tempfile::tempdir().unwrap();
    let shelf = Shelf::open(folder.path()).await.unwrap();
    let library = Library::new(Reader::new(world.store.clone()), shelf.clone());
    let put = async |text: &'static [u8], key: &str| {
        let expected = Expected::of(text);
        let bytes = stream::iter([Ok::<_, Infallible>(Bytes::from_static(text))]);
        let kept = shelf.receive(expected, bytes).await.unwrap();
        let new = NewDocument {
            provider_key: key.to_owned(),
            sha256: expected.sha256.to_string(),
            bytes: expected.bytes,
            ..linked::document(key)
        };
        world.keep(&linked.account, linked::documents(vec![new])).await.unwrap();
        drop(kept);
        expected
    };
    let (one, two) = (put(b"one", "one").await, put(b"two", "two").await);
    let again = put(b"one", "the same bytes again").await;
    assert_eq!(one, again);
    let sweep = async || {
        let mut removed = 0;
        for first in 0..=u8::MAX {
            removed += library.remove_unused(first).await.unwrap();
        }
        removed
    };
    assert_eq!(sweep().await, 0, "all of them are some document's");
    world.writer.withdraw_consent(world.acme.id, &linked.account).await.unwrap();
    let mut freed = BTreeSet::new();
    while let Some(first) = world.writer.freed().next().now_or_never() {
        freed.insert(first);
    }
    for gone in [one, two] {
        let first = u8::from_str_radix(&gone.sha256.to_string()[..2], 16).unwrap();
        assert!(freed.contains(&first), "{first:x} is to be looked at now: {freed:x?}");
    }
    let sent = stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"two"))]);
    let held = shelf.receive(two, sent).await.unwrap();
    assert_eq!(sweep().await, 1, "what somebody holds stays");
    drop(held);
    assert_eq!(sweep().await, 1);
    for gone in [one, two] {
        shelf.open_document(gone).await.unwrap_err();
    }
}
