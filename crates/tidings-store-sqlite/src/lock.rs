//! One process for one database: a lock file beside it, locked as long as the process lives, with
//! its pid inside. The system takes the lock away when the process ends, however it ends, so that
//! no lock is ever left behind.

use std::{
    fs::{File, OpenOptions},
    io::{Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};

use crate::error::OpenError;

/// Held while the database is open.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

/// The lock file of a database.
fn lock_path(database: &Path) -> PathBuf {
    beside(database, ".lock")
}

/// A file beside the database, with its name and an ending.
pub(crate) fn beside(database: &Path, ending: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

impl Lock {
    /// Takes the lock, or says who has it.
    pub(crate) fn take(database: &Path) -> Result<Lock, OpenError> {
        let path = lock_path(database);
        let failed = |error: std::io::Error| OpenError::from_io(path.clone(), &error);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(failed)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => {
                return Err(OpenError::InUse {
                    path: database.to_owned(),
                    pid: read_pid(&mut file),
                });
            }
            Err(errno) => return Err(failed(errno.into())),
        }
        file.set_len(0).map_err(failed)?;
        writeln!(file, "{}", std::process::id()).map_err(failed)?;
        Ok(Lock { _file: file })
    }
}

/// Who has the database, without taking it: nobody, or a process whose pid may be unknown.
pub(crate) fn holder(database: &Path) -> Result<Option<Option<u32>>, OpenError> {
    let path = lock_path(database);
    let failed = |error: std::io::Error| OpenError::from_io(path.clone(), &error);
    let mut file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    match flock(&file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => Ok(None),
        Err(Errno::WOULDBLOCK) => Ok(Some(read_pid(&mut file))),
        Err(errno) => Err(failed(errno.into())),
    }
}

fn read_pid(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(32).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}
