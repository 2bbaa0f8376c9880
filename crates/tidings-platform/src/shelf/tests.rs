use std::{
    convert::Infallible,
    os::unix::fs::PermissionsExt,
    sync::atomic::{AtomicBool, AtomicUsize},
};

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, stream};
use tempfile::TempDir;
use tokio::{io::AsyncReadExt, sync::oneshot};

use super::*;

/// Stops before the step of a number, and before every later one.
#[derive(Default)]
pub(super) struct Steps {
    left: AtomicUsize,
    are_counted: AtomicBool,
}

impl Steps {
    fn stop_after(&self, count: usize) {
        self.left.store(count, Ordering::SeqCst);
        self.are_counted.store(true, Ordering::SeqCst);
    }

    pub(super) fn pass(&self, _: Step) -> io::Result<()> {
        if !self.are_counted.load(Ordering::SeqCst) {
            return Ok(());
        }
        let less = |left: usize| left.checked_sub(1);
        match self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less) {
            Ok(_) => Ok(()),
            Err(_) => Err(io::ErrorKind::StorageFull.into()),
        }
    }
}

const TEXT: &[u8] = b"a bill of forty-two pounds";

async fn shelf() -> (TempDir, Shelf) {
    let folder = tempfile::tempdir().unwrap();
    let shelf = Shelf::open(&folder.path().join("documents")).await.unwrap();
    (folder, shelf)
}

type Sent = Result<Bytes, Infallible>;

/// A text in pieces of ten bytes.
fn pieces(text: &'static [u8]) -> impl futures_util::Stream<Item = Sent> {
    stream::iter(text.chunks(10).map(|piece| Ok(Bytes::from_static(piece))))
}

async fn read(shelf: &Shelf, expected: Expected) -> Vec<u8> {
    let mut file = shelf.open_document(expected).await.unwrap();
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).await.unwrap();
    bytes
}

async fn is_there(shelf: &Shelf, expected: Expected) -> bool {
    shelf.open_document(expected).await.is_ok()
}

async fn incoming(shelf: &Shelf) -> Vec<String> {
    list(&shelf.inner.folder.join(INCOMING)).await.unwrap()
}

async fn reopen(shelf: &Shelf) -> Shelf {
    Shelf::open(&shelf.inner.folder).await.unwrap()
}

#[tokio::test]
async fn what_was_received_is_there_under_its_hash_and_after_a_restart() {
    let (_folder, shelf) = shelf().await;
    let expected = Expected::of(TEXT);
    assert!(!is_there(&shelf, expected).await);
    drop(shelf.receive(expected, pieces(TEXT)).await.unwrap());
    assert!(is_there(&shelf, expected).await);
    assert_eq!(read(&reopen(&shelf).await, expected).await, TEXT);
    let empty = Expected::of(b"");
    drop(shelf.receive(empty, pieces(b"")).await.unwrap());
    assert_eq!(read(&shelf, empty).await, b"");
    let first = u8::from_str_radix(&expected.sha256.to_string()[..2], 16).unwrap();
    assert_eq!(shelf.hashes(first).await.unwrap(), [expected.sha256]);
    let mode = std::fs::metadata(shelf.path(expected.sha256)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

async fn check_refused(expected: Expected, text: &'static [u8], wanted: Mismatch) {
    let (_folder, shelf) = shelf().await;
    match shelf.receive(expected, pieces(text)).await {
        Err(ReceiveError::Refused(mismatch)) => assert_eq!(mismatch, wanted),
        other => panic!("{other:?}"),
    }
    assert_eq!(incoming(&shelf).await, Vec::<String>::new());
    assert!(!is_there(&shelf, expected).await);
}

#[tokio::test]
async fn bytes_that_were_not_promised_are_refused_and_nothing_of_them_stays() {
    let right = Expected::of(TEXT);
    let promised = right.bytes;
    let other: &[u8] = b"a bill of forty-two pence.";
    let (hash, found) = (right.sha256, ContentHash::of(other));
    check_refused(right, other, Mismatch::Other { promised: hash, found }).await;
    let shorter = Mismatch::Shorter { promised, found: 25 };
    check_refused(right, &TEXT[..25], shorter).await;
    let short = Expected { bytes: promised - 1, ..right };
    let longer = Mismatch::Longer { promised: promised - 1, at_least: promised.into() };
    check_refused(short, TEXT, longer).await;
    let max = DOCUMENT_BYTES_MAX;
    let long = Expected { bytes: max + 1, ..right };
    check_refused(long, TEXT, Mismatch::TooLong { promised: max + 1, max }).await;
}

#[tokio::test]
async fn an_endless_sender_is_cut_at_what_it_promised() {
    let (_folder, shelf) = shelf().await;
    let endless = stream::repeat_with(|| Sent::Ok(Bytes::from_static(&[0; 1024])));
    let expected = Expected { bytes: 10_000, ..Expected::of(TEXT) };
    match shelf.receive(expected, endless).await {
        Err(ReceiveError::Refused(Mismatch::Longer { at_least: 10_240, .. })) => {}
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_sender_that_stops_leaves_nothing() {
    let (_folder, shelf) = shelf().await;
    let broken = stream::iter([Ok(Bytes::from_static(TEXT)), Err("connection reset")]);
    let error = shelf.receive(Expected::of(TEXT), broken).await.unwrap_err();
    assert_eq!(error.to_string(), "the bytes stopped coming: connection reset");
    assert_eq!(incoming(&shelf).await, Vec::<String>::new());
    // Also when whoever receives is dropped in the middle.
    let (begun, is_begun) = oneshot::channel();
    let stuck = stream::once(async {
        begun.send(()).unwrap();
        std::future::pending().await
    });
    let sent = pieces(TEXT).chain(stuck);
    tokio::select! {
        received = shelf.receive(Expected::of(TEXT), sent) => panic!("{received:?}"),
        begun = is_begun => begun.unwrap(),
    }
    assert_eq!(incoming(&shelf).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_stop_between_any_two_steps_leaves_all_or_nothing_and_the_next_try_succeeds() {
    let expected = Expected::of(TEXT);
    let mut stops = 0;
    loop {
        let (_folder, shelf) = shelf().await;
        shelf.inner.steps.stop_after(stops);
        let received = shelf.receive(expected, pieces(TEXT)).await.map(drop);
        if received.is_ok() {
            // Three pieces of text, and each other step once.
            assert_eq!(stops, 3 + 6);
            break;
        }
        // A process that is killed clears nothing away itself.
        std::fs::write(shelf.inner.folder.join(INCOMING).join("77"), &TEXT[..7]).unwrap();
        let again = reopen(&shelf).await;
        assert_eq!(incoming(&again).await, Vec::<String>::new());
        let is_named = stops == 3 + 5;
        assert_eq!(is_there(&again, expected).await, is_named, "stopped after {stops} steps");
        drop(again.receive(expected, pieces(TEXT)).await.unwrap());
        assert_eq!(read(&again, expected).await, TEXT);
        stops += 1;
    }
}

#[tokio::test]
async fn a_full_disk_is_told_with_the_path_and_the_remedy() {
    let (_folder, shelf) = shelf().await;
    shelf.inner.steps.stop_after(1);
    let error = shelf.receive(Expected::of(TEXT), pieces(TEXT)).await.unwrap_err().to_string();
    let path = shelf.inner.folder.join(INCOMING).join("0");
    assert!(error.starts_with(&format!("cannot write {}: ", path.display())), "{error}");
    assert!(error.ends_with("make room on that disk, it goes on by itself"), "{error}");
}

#[tokio::test]
async fn a_folder_that_cannot_be_used_is_told_with_the_path_and_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("documents");
    std::fs::write(&path, "a file").unwrap();
    let error = Shelf::open(&path).await.unwrap_err().to_string();
    assert!(error.contains(&path.display().to_string()), "{error}");
    assert!(error.contains("move away what is there"), "{error}");
}

#[tokio::test]
async fn a_file_that_is_missing_or_cut_is_told_and_received_anew() {
    let (_folder, shelf) = shelf().await;
    let expected = Expected::of(TEXT);
    let path = shelf.path(expected.sha256);
    let missing = shelf.open_document(expected).await.unwrap_err();
    assert!(matches!(&missing, ShelfError::Missing { path: named } if *named == path));
    drop(shelf.receive(expected, pieces(TEXT)).await.unwrap());
    std::fs::write(&path, &TEXT[..5]).unwrap();
    match shelf.open_document(expected).await {
        Err(ShelfError::Corrupt { found: 5, expected: 26, .. }) => {}
        other => panic!("{other:?}"),
    }
    assert!(!is_there(&shelf, expected).await);
    drop(shelf.receive(expected, pieces(TEXT)).await.unwrap());
    assert_eq!(read(&shelf, expected).await, TEXT);
}

#[tokio::test]
async fn what_somebody_holds_is_not_removed() {
    let (_folder, shelf) = shelf().await;
    let expected = Expected::of(TEXT);
    let received = shelf.receive(expected, pieces(TEXT)).await.unwrap();
    let held = shelf.receive(expected, pieces(TEXT)).await.unwrap();
    drop(received);
    let remove = || shelf.remove_unused(expected.sha256, async { true });
    assert!(!remove().await.unwrap());
    drop(held);
    assert!(!shelf.remove_unused(expected.sha256, async { false }).await.unwrap());
    assert_eq!(read(&shelf, expected).await, TEXT);
    assert!(remove().await.unwrap());
    assert!(!remove().await.unwrap());
    assert!(!is_there(&shelf, expected).await);
}

#[tokio::test]
async fn who_receives_what_is_being_removed_waits_and_finds_it_there_afterwards() {
    let (_folder, shelf) = shelf().await;
    let expected = Expected::of(TEXT);
    drop(shelf.receive(expected, pieces(TEXT)).await.unwrap());
    let (answer, answered) = oneshot::channel();
    let is_unused = async { answered.await.unwrap() };
    let mut removing = std::pin::pin!(shelf.remove_unused(expected.sha256, is_unused));
    assert!((&mut removing).now_or_never().is_none());
    let mut receiving = std::pin::pin!(shelf.receive(expected, pieces(TEXT)));
    let mut holding = std::pin::pin!(shelf.receive(expected, pieces(TEXT)));
    assert!((&mut receiving).now_or_never().is_none());
    assert!((&mut holding).now_or_never().is_none());
    answer.send(true).unwrap();
    assert!(removing.await.unwrap());
    drop(receiving.await.unwrap());
    drop(holding.await.unwrap());
    assert_eq!(read(&shelf, expected).await, TEXT);
}
