//! The one thread that writes.
//!
//!   write(job) ─► channel ─► all that waits ─► BEGIN, job, job, …, COMMIT (one sync) ─► answers
//!                                                │
//!                                                ├─ a job breaks down: ROLLBACK, and each job
//!                                                │  again in a commit of its own
//!                                                └─ the disk breaks down: ROLLBACK, and no
//!                                                   write is taken until a restart
//!
//! A job that is refused has written nothing, so that no savepoint is needed on the way. While one
//! commit is being synced the jobs for the next gather in the channel: the busier, the more share a
//! sync. Nothing is answered before its commit returned.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering},
    thread::JoinHandle,
};

use rusqlite::{Connection, ErrorCode, wal::CheckpointMode};
use tidings_store::StoreError;
use tokio::sync::mpsc;

use crate::{
    error::{Stop, Trouble},
    job::{self, Failure, Job},
    setbacks::Setbacks,
    shared::Shared,
    state::{State, Tx},
};

/// Jobs that share one commit.
const GROUP_JOBS_MAX: usize = 512;
/// Rows, as the jobs estimate them, that share one commit.
const GROUP_WEIGHT_MAX: usize = 20_000;
/// Jobs that wait for the next commit; who comes then waits before the channel.
const WAITING_JOBS_MAX: usize = 4_096;
/// Pages in the write-ahead log at which they are brought into the database.
const CHECKPOINT_PAGES: u32 = 4_000;

/// The way to the thread.
#[derive(Debug)]
pub(crate) struct Writer {
    jobs: Option<mpsc::Sender<Box<dyn Job>>>,
    thread: Option<JoinHandle<()>>,
    shared: Arc<Shared>,
}

impl Writer {
    /// Starts the thread. It ends, and closes the connection, when the writer is dropped.
    pub(crate) fn start(
        connection: Connection,
        state: State,
        files: Files,
        shared: Arc<Shared>,
    ) -> std::io::Result<Writer> {
        let (jobs, waiting) = mpsc::channel(WAITING_JOBS_MAX);
        let mut desk = Desk::new(connection, state, files, Arc::clone(&shared));
        let thread = std::thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || desk.serve(waiting))?;
        Ok(Writer { jobs: Some(jobs), thread: Some(thread), shared })
    }

    /// Does the work in a transaction and returns once it is durable. `weight` estimates its rows.
    pub(crate) async fn write<R, E>(
        &self,
        operation: &'static str,
        weight: usize,
        work: impl FnMut(&mut Tx<'_>) -> Result<R, Stop<E>> + Send + 'static,
    ) -> Result<R, E>
    where
        R: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let unavailable =
            |cause: &str| E::from(StoreError::Unavailable { operation, cause: cause.to_owned() });
        if let Some(cause) = self.shared.broken() {
            return Err(unavailable(cause));
        }
        let (job, answered) = job::job(operation, weight, work);
        let closed = "the database is being closed";
        let jobs = self.jobs.as_ref().ok_or_else(|| unavailable(closed))?;
        jobs.send(job).await.map_err(|_| unavailable(closed))?;
        answered.await.unwrap_or_else(|_| Err(unavailable(closed)))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            // What waits is still written; then the log is brought into the database.
            let _panicked = thread.join();
        }
    }
}

/// The files that the connection has open, to notice when they are taken away under it: SQLite
/// would go on writing to files that nobody can find again.
#[derive(Debug)]
pub(crate) struct Files([(PathBuf, u64, u64); 2]);

impl Files {
    /// Notes where the files, the database and its log, are now.
    pub(crate) fn of([database, log]: [PathBuf; 2]) -> std::io::Result<Files> {
        let place = |path: PathBuf| -> std::io::Result<_> {
            let file = fs::metadata(&path)?;
            Ok((path, file.dev(), file.ino()))
        };
        Ok(Files([place(database)?, place(log)?]))
    }

    /// The database itself.
    fn database(&self) -> &Path {
        &self.0[0].0
    }

    fn missing(&self) -> Option<&Path> {
        let in_place = |(path, device, inode): &&(PathBuf, u64, u64)| {
            fs::metadata(path).is_ok_and(|file| (file.dev(), file.ino()) == (*device, *inode))
        };
        self.0.iter().find(|file| !in_place(file)).map(|(path, ..)| path.as_path())
    }
}

/// What the thread has at hand.
struct Desk {
    connection: Connection,
    /// What is known without reading.
    known: State,
    files: Files,
    shared: Arc<Shared>,
    /// What the log has been told of commits that failed.
    commits: Setbacks,
    /// And of the write-ahead log, which could not be brought in.
    checkpoints: Setbacks,
}

/// Why a group was not committed.
enum Undone {
    /// A job broke down; the others may be well.
    Job(Trouble),
    /// The commit itself failed.
    Commit(Trouble),
}

impl Desk {
    fn new(connection: Connection, known: State, files: Files, shared: Arc<Shared>) -> Desk {
        let (commits, checkpoints) = (Setbacks::default(), Setbacks::default());
        Desk { connection, known, files, shared, commits, checkpoints }
    }

    fn serve(&mut self, mut waiting: mpsc::Receiver<Box<dyn Job>>) {
        let shared = Arc::clone(&self.shared);
        let hook = move |_: &mut rusqlite::hooks::Wal, pages: i32| {
            shared.wal_pages.store(u32::try_from(pages).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        };
        if let Err(error) = self.connection.wal_hook(Some(hook)) {
            self.break_off(format!("the write-ahead log cannot be watched: {error}"));
        }
        while let Some(first) = waiting.blocking_recv() {
            let mut weight = first.weight();
            let mut group = vec![first];
            while group.len() < GROUP_JOBS_MAX && weight < GROUP_WEIGHT_MAX {
                let Ok(job) = waiting.try_recv() else { break };
                weight += job.weight();
                group.push(job);
            }
            self.serve_group(group);
            self.checkpoint(CHECKPOINT_PAGES, CheckpointMode::PASSIVE);
        }
        self.checkpoint(0, CheckpointMode::TRUNCATE);
    }

    fn serve_group(&mut self, mut group: Vec<Box<dyn Job>>) {
        match self.commit(&mut group) {
            Ok(()) => self.answer(group),
            Err(Undone::Job(_)) if group.len() > 1 && self.shared.broken().is_none() => {
                for job in group {
                    let mut alone = vec![job];
                    match self.commit(&mut alone) {
                        Ok(()) => self.answer(alone),
                        Err(undone) => self.fail(alone, &undone),
                    }
                }
            }
            Err(undone) => self.fail(group, &undone),
        }
    }

    fn answer(&self, group: Vec<Box<dyn Job>>) {
        self.shared.jobs.fetch_add(group.len() as u64, Ordering::Relaxed);
        group.into_iter().for_each(|job| job.answer());
    }

    fn fail(&mut self, group: Vec<Box<dyn Job>>, undone: &Undone) {
        self.shared.failed_jobs.fetch_add(group.len() as u64, Ordering::Relaxed);
        let failure = match undone {
            Undone::Commit(trouble) if trouble.is_fatal() => {
                Failure::Unknown(self.shared.broken().unwrap_or("the commit failed").to_owned())
            }
            Undone::Job(trouble) | Undone::Commit(trouble) => Failure::of(trouble),
        };
        let cause = failure.to_string();
        if let Some(commits) = self.commits.failed(&cause) {
            let database = self.files.database().display();
            let what = match failure {
                Failure::Unknown(_) => "may not have been made",
                Failure::NotDone(_) | Failure::Corrupt { .. } => "was not made",
            };
            tracing::warn!(commits, cause, "a commit to {database} {what}: {cause}");
        }
        for job in group {
            job.fail(&failure);
        }
    }

    /// Runs the group in one transaction: all of it is durable, or nothing happened.
    fn commit(&mut self, group: &mut [Box<dyn Job>]) -> Result<(), Undone> {
        self.check_ground().map_err(Undone::Job)?;
        let changes = self.connection.total_changes();
        if let Err(error) = self.connection.execute_batch("BEGIN IMMEDIATE") {
            return Err(Undone::Job(self.undo(error.into())));
        }
        for job in group {
            if let Err(trouble) = self.run(job.as_mut()) {
                return Err(Undone::Job(self.undo(trouble)));
            }
        }
        if let Err(trouble) = self.known.flush(&self.connection) {
            return Err(Undone::Job(self.undo(trouble)));
        }
        if let Err(error) = self.connection.execute_batch("COMMIT") {
            return Err(Undone::Commit(self.undo(error.into())));
        }
        if self.connection.total_changes() != changes {
            self.shared.commits.fetch_add(1, Ordering::Relaxed);
            // One that changes nothing goes through on a full disk too.
            if let Some(commits) = self.commits.ended() {
                tracing::info!(commits, "commits are made again, after {commits} that were not");
            }
        }
        self.shared.publish(&mut self.known);
        Ok(())
    }

    fn run(&mut self, job: &mut dyn Job) -> Result<(), Trouble> {
        let mut tx = Tx { connection: &self.connection, state: &mut self.known };
        catch_unwind(AssertUnwindSafe(|| job.run(&mut tx))).unwrap_or_else(|panic| {
            let words = panic.downcast_ref::<String>().map(String::as_str);
            let words = words.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("");
            tracing::error!(panic = words, "a database job panicked; its transaction is undone");
            Err(Trouble::Panicked)
        })
    }

    /// Undoes the transaction and forgets what was known of it.
    fn undo(&mut self, trouble: Trouble) -> Trouble {
        if trouble.is_fatal() {
            let cause = Failure::of(&trouble).to_store("write").to_string();
            self.break_off(format!(
                "{cause}; mend the disk and restart, nothing is written until then"
            ));
        }
        // Some errors have ended the transaction already.
        let rolled_back =
            self.connection.is_autocommit() || self.connection.execute_batch("ROLLBACK").is_ok();
        match State::load(&self.connection, &self.known) {
            Ok(state) if rolled_back => {
                self.known = state;
                self.shared.publish(&mut self.known);
            }
            _ => self.break_off("the database cannot be read after a write was undone".to_owned()),
        }
        trouble
    }

    fn check_ground(&self) -> Result<(), Trouble> {
        if self.shared.broken().is_none()
            && let Some(path) = self.files.missing()
        {
            self.break_off(format!(
                "{} was removed or replaced while it was in use: put it back and restart",
                path.display()
            ));
        }
        match self.shared.broken() {
            None => Ok(()),
            Some(cause) => Err(Trouble::Sqlite(rusqlite::Error::SqliteFailure(
                rusqlite::ffi::Error { code: ErrorCode::CannotOpen, extended_code: 14 },
                Some(cause.to_owned()),
            ))),
        }
    }

    /// Takes no write any more. After a failed sync the system may have dropped what it could not
    /// write and call the next sync a success, so that only a restart, which reads what is really
    /// there, can be trusted.
    fn break_off(&self, cause: String) {
        tracing::error!(cause, "the database takes no writes any more until a restart");
        let _already = self.shared.broken.set(cause);
    }

    /// Brings the log into the database, after the answers are out. Done here and not by SQLite on
    /// its own, which would keep a failure to itself.
    fn checkpoint(&mut self, pages_min: u32, mode: CheckpointMode) {
        if self.shared.wal_pages.load(Ordering::Relaxed) < pages_min
            || self.shared.broken().is_some()
        {
            return;
        }
        match self.connection.wal_checkpoint_v2(None::<&str>, mode) {
            Ok(_) => {
                self.shared.wal_pages.store(0, Ordering::Relaxed);
                if let Some(times) = self.checkpoints.ended() {
                    tracing::info!(
                        times,
                        "the write-ahead log was brought in, after {times} times"
                    );
                }
            }
            Err(error) => {
                let trouble = Trouble::from(error);
                if trouble.is_fatal() {
                    self.break_off(Failure::of(&trouble).to_store("checkpoint").to_string());
                    return;
                }
                let cause = Failure::of(&trouble).to_string();
                if let Some(times) = self.checkpoints.failed(&cause) {
                    tracing::warn!(times, cause, "the write-ahead log was not brought in: {cause}");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{lock::beside, open, state::keep_setting};

    fn desk(directory: &tempfile::TempDir) -> (Desk, open::Opened) {
        let path = directory.path().join("tidings.db");
        let mut opened = open::connect_writer(&path).unwrap();
        open::begin(&mut opened.connection).unwrap();
        let connection = Connection::open(&path).unwrap();
        let state = State::load(&connection, &State::default()).unwrap();
        let files = Files::of([path.clone(), beside(&path, "-wal")]).unwrap();
        (Desk::new(connection, state, files, Arc::default()), opened)
    }

    type Answered = tokio::sync::oneshot::Receiver<Result<u32, StoreError>>;

    fn job(
        work: impl FnMut(&mut Tx<'_>) -> Result<u32, Stop<StoreError>> + Send + 'static,
    ) -> (Box<dyn Job>, Answered) {
        job::job("test", 1, work)
    }

    fn keeps(name: &'static str) -> (Box<dyn Job>, Answered) {
        job(move |tx| {
            keep_setting(tx.connection, name, &1)?;
            Ok(1)
        })
    }

    fn kept(desk: &Desk) -> i64 {
        let sql = "SELECT count(*) FROM setting WHERE name LIKE 'test%'";
        desk.connection.query_row(sql, [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn a_job_that_breaks_down_is_undone_alone() {
        let directory = tempfile::tempdir().unwrap();
        let (mut desk, _opened) = desk(&directory);
        let (first, mut first_answer) = keeps("test 1");
        let (panics, mut panic_answer) = job(|tx| {
            keep_setting(tx.connection, "test 2", &1)?;
            panic!("a defect")
        });
        let (fails, mut failure_answer) = job(|tx| {
            keep_setting(tx.connection, "test 3", &1)?;
            tx.connection.execute_batch("INSERT INTO nowhere VALUES (1)")?;
            Ok(1)
        });
        let (last, mut last_answer) = keeps("test 4");
        desk.serve_group(vec![first, panics, fails, last]);
        assert!(matches!(first_answer.try_recv().unwrap(), Ok(1)));
        assert!(matches!(last_answer.try_recv().unwrap(), Ok(1)));
        for answer in [&mut panic_answer, &mut failure_answer] {
            assert!(matches!(answer.try_recv().unwrap(), Err(StoreError::Unavailable { .. })));
        }
        assert_eq!((kept(&desk), desk.shared.broken()), (2, None));
    }

    #[test]
    fn a_refusal_after_a_write_is_taken_for_the_defect_that_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let (mut desk, _opened) = desk(&directory);
        let (refuses, mut answer) = job(|tx| {
            keep_setting(tx.connection, "test", &1)?;
            let cause = "no".to_owned();
            Err(Stop::Refused(StoreError::Unavailable { operation: "test", cause }))
        });
        desk.serve_group(vec![refuses]);
        let error = answer.try_recv().unwrap().unwrap_err().to_string();
        assert!(error.contains("a defect of the program"), "{error}");
        assert_eq!(kept(&desk), 0);
    }

    #[test]
    fn after_a_disk_error_nothing_is_written_any_more() {
        let directory = tempfile::tempdir().unwrap();
        let (mut desk, _opened) = desk(&directory);
        let (breaks, mut broken_answer) = job(|_| {
            let error = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR_FSYNC);
            Err(rusqlite::Error::SqliteFailure(error, None).into())
        });
        let (beside_it, mut beside_answer) = keeps("test 1");
        desk.serve_group(vec![beside_it, breaks]);
        let (later, mut later_answer) = keeps("test 2");
        desk.serve_group(vec![later]);
        for answer in [&mut broken_answer, &mut beside_answer, &mut later_answer] {
            assert!(matches!(answer.try_recv().unwrap(), Err(StoreError::Unavailable { .. })));
        }
        assert_eq!(kept(&desk), 0);
        assert!(desk.shared.broken().unwrap().contains("restart"));
    }

    #[test]
    fn a_commit_that_may_or_may_not_be_on_disk_is_answered_so() {
        let directory = tempfile::tempdir().unwrap();
        let (mut desk, _opened) = desk(&directory);
        let (job, mut answer) = keeps("test");
        let error = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR_FSYNC);
        let error = rusqlite::Error::SqliteFailure(error, None);
        desk.fail(vec![job], &Undone::Commit(error.into()));
        assert!(matches!(answer.try_recv().unwrap(), Err(StoreError::Unknown { .. })));
    }

    #[test]
    fn a_long_log_is_brought_into_the_database() {
        let directory = tempfile::tempdir().unwrap();
        let (mut desk, _opened) = desk(&directory);
        desk.shared.wal_pages.store(CHECKPOINT_PAGES, Ordering::Relaxed);
        let before = fs::metadata(&desk.files.0[0].0).unwrap().len();
        desk.checkpoint(CHECKPOINT_PAGES, CheckpointMode::PASSIVE);
        assert!(fs::metadata(&desk.files.0[0].0).unwrap().len() > before);
        assert_eq!(desk.shared.wal_pages.load(Ordering::Relaxed), 0);
    }
}
