//! Opening: one process, the right file, the right schema, and errors that say what to do.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
};

use rusqlite::Connection;
use tidings_store::{Store, StoreError, conformance::world::World};
use tidings_store_sqlite::{
    Check, Migrated, OpenError, Options, SCHEMA_VERSION, SqliteStore, backup, check_integrity,
    migrate, schema_version,
};

use crate::support::{fresh, open, place};

fn refused(path: &Path) -> OpenError {
    SqliteStore::open(path, Options::standard()).unwrap_err()
}

#[test]
fn a_second_opening_is_refused_with_the_pid_of_the_first_under_every_name_of_the_file() {
    let (directory, path) = place();
    let store = open(&path);
    let other_name = directory.path().join("other.db");
    symlink(&path, &other_name).unwrap();
    for path in [&path, &other_name] {
        let error = refused(path);
        assert!(error.to_string().contains(&format!("in use by pid {}", std::process::id())));
        let OpenError::InUse { pid, .. } = error else { panic!("{error}") };
        assert_eq!(pid, Some(std::process::id()));
    }
    assert!(matches!(migrate(&path).unwrap_err(), OpenError::InUse { .. }));
    drop(store);
    open(&path);
}

#[test]
fn the_files_can_be_read_by_their_owner_alone() {
    let (directory, path) = place();
    let _store = open(&path);
    let mut names = Vec::new();
    for entry in fs::read_dir(directory.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{:?}", entry.file_name());
        names.push(entry.file_name().into_string().unwrap());
    }
    names.sort();
    assert_eq!(names, ["tidings.db", "tidings.db-shm", "tidings.db-wal", "tidings.db.lock"]);
}

#[test]
fn a_newer_schema_is_refused_with_both_versions() {
    let (_directory, path) = place();
    drop(open(&path));
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let text = refused(&path).to_string();
    assert!(text.contains("version 99"), "{text}");
    assert!(text.contains(&format!("up to {SCHEMA_VERSION}")), "{text}");
    assert!(matches!(schema_version(&path).unwrap_err(), OpenError::Newer { found: 99, .. }));
}

#[test]
fn a_schema_is_made_once() {
    let (_directory, path) = place();
    assert!(matches!(schema_version(&path).unwrap_err(), OpenError::Missing { .. }));
    assert_eq!(migrate(&path).unwrap(), Migrated { from: 0, to: SCHEMA_VERSION });
    let to = SCHEMA_VERSION;
    assert_eq!(migrate(&path).unwrap(), Migrated { from: to, to });
    assert_eq!(schema_version(&path).unwrap(), SCHEMA_VERSION);
}

#[test]
fn what_is_not_our_database_is_refused_and_left_as_it_is() {
    let (directory, path) = place();
    fs::write(&path, "these are words and no pages, and there are enough of them for a header")
        .unwrap();
    let before = fs::read(&path).unwrap();
    assert!(matches!(refused(&path), OpenError::NotADatabase { .. }));
    assert_eq!(fs::read(&path).unwrap(), before);

    let theirs = directory.path().join("theirs.db");
    Connection::open(&theirs).unwrap().execute_batch("CREATE TABLE t (a)").unwrap();
    let before = fs::read(&theirs).unwrap();
    let text = refused(&theirs).to_string();
    assert!(text.contains("another program"), "{text}");
    assert_eq!(fs::read(&theirs).unwrap(), before);
}

#[test]
fn a_database_that_is_damaged_or_a_folder_says_so_and_what_to_do() {
    let (directory, path) = place();
    drop(open(&path));
    let mut bytes = fs::read(&path).unwrap();
    bytes[4_096..].fill(0xA5);
    fs::write(&path, bytes).unwrap();
    let error = refused(&path);
    assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
    assert!(error.to_string().contains("go back to the last good backup"), "{error}");

    let folder = directory.path().join("folder.db");
    fs::create_dir(&folder).unwrap();
    for error in [refused(&folder), schema_version(&folder).unwrap_err()] {
        let text = error.to_string();
        assert!(text.contains("it is a folder") && text.contains("give another path"), "{text}");
    }
}

#[test]
fn a_missing_directory_is_named() {
    let (directory, _) = place();
    let missing = directory.path().join("nowhere");
    let error = refused(&missing.join("tidings.db"));
    assert!(matches!(&error, OpenError::NoDirectory { path } if *path == missing), "{error}");
}

#[test]
fn a_directory_that_may_not_be_written_is_named_with_the_user() {
    let (directory, path) = place();
    let uid = rustix::process::geteuid();
    // Root may write everywhere, but for what the kernel itself keeps.
    let path = if uid.is_root() {
        Path::new("/sys/tidings.db").to_owned()
    } else {
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o500)).unwrap();
        path
    };
    let error = refused(&path);
    let text = error.to_string();
    assert!(matches!(error, OpenError::NotPermitted { .. }), "{text}");
    assert!(text.contains(&format!("user {}", uid.as_raw())), "{text}");
    assert!(text.contains(&*path.to_string_lossy()), "{text}");
}

#[tokio::test]
async fn a_reader_works_beside_the_process_that_has_the_database() {
    let (store, _directory) = fresh();
    let world = World::new(&store);
    let webhook = world.one_webhook().await;
    let reader = SqliteStore::open_read_only(store.path()).unwrap();
    assert_eq!(reader.webhook(webhook.id).await.unwrap().unwrap().id, webhook.id);
    assert_eq!(reader.stats(world.now).await.unwrap().webhooks, 1);
    let error = reader.keep_key_id("a").await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
    // What came since is seen too.
    let second = world.add_webhook(&world.add_application("other").await, |_| ()).await;
    assert!(reader.catalog().await.unwrap().webhook(second.id).is_some());
}

#[tokio::test]
async fn a_copy_made_beside_a_running_server_is_whole() {
    let (store, directory) = fresh();
    let mut world = World::new(&store);
    let webhook = world.one_webhook().await;
    let id = world.fire_for(&webhook).await;
    let copy = directory.path().join("copy.db");
    backup(store.path(), &copy).unwrap();
    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(backup(store.path(), &copy).is_err(), "a file that is there is not overwritten");
    for check in [Check::Quick, Check::Full] {
        assert_eq!(check_integrity(&copy, check).unwrap(), Vec::<String>::new());
        assert_eq!(check_integrity(store.path(), check).unwrap(), Vec::<String>::new());
    }
    let copied = open(&copy);
    assert!(copied.delivery(world.now, id).await.unwrap().is_some());
}
