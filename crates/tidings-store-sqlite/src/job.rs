//! A job for the writer: what is to be done within a transaction, and who waits for the answer.

use std::fmt;

use tidings_store::StoreError;
use tokio::sync::oneshot;

use crate::{
    error::{Stop, Trouble},
    state::Tx,
};

/// Why jobs were not done.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Nothing of it happened.
    NotDone(String),
    /// The commit failed in a way that leaves open whether a restart finds it.
    Unknown(String),
    /// A row cannot be read.
    Corrupt { what: String, cause: String },
}

impl Failure {
    pub(crate) fn of(trouble: &Trouble) -> Failure {
        match trouble {
            Trouble::Sqlite(error) => Failure::NotDone(error.to_string()),
            Trouble::Corrupt { what, cause } => {
                Failure::Corrupt { what: what.clone(), cause: cause.clone() }
            }
            Trouble::Panicked => Failure::NotDone(
                "a defect of the program ended the operation and nothing was written".to_owned(),
            ),
        }
    }

    pub(crate) fn to_store(&self, operation: &'static str) -> StoreError {
        match self {
            Failure::NotDone(cause) => StoreError::Unavailable { operation, cause: cause.clone() },
            Failure::Unknown(cause) => StoreError::Unknown { operation, cause: cause.clone() },
            Failure::Corrupt { what, cause } => {
                StoreError::Corrupt { operation, what: what.clone(), cause: cause.clone() }
            }
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::NotDone(cause) | Failure::Unknown(cause) => f.write_str(cause),
            Failure::Corrupt { what, cause } => write!(f, "{what} cannot be read: {cause}"),
        }
    }
}

/// Something to be done within a transaction. It may be run again after a rollback.
pub(crate) trait Job: Send {
    /// Does it and keeps the answer.
    fn run(&mut self, tx: &mut Tx<'_>) -> Result<(), Trouble>;
    /// How many rows it writes, about.
    fn weight(&self) -> usize;
    /// Gives the answer that was kept. The commit has returned.
    fn answer(self: Box<Self>);
    /// Says why it was not done.
    fn fail(self: Box<Self>, failure: &Failure);
}

struct Task<W, R, E> {
    operation: &'static str,
    weight: usize,
    work: W,
    result: Option<Result<R, E>>,
    answer: oneshot::Sender<Result<R, E>>,
}

/// A job, and where its answer comes. `weight` estimates the rows that it writes.
pub(crate) fn job<W, R, E>(
    operation: &'static str,
    weight: usize,
    work: W,
) -> (Box<dyn Job>, oneshot::Receiver<Result<R, E>>)
where
    W: FnMut(&mut Tx<'_>) -> Result<R, Stop<E>> + Send + 'static,
    R: Send + 'static,
    E: From<StoreError> + Send + 'static,
{
    let (answer, answered) = oneshot::channel();
    (Box::new(Task { operation, weight, work, result: None, answer }), answered)
}

impl<W, R, E> Job for Task<W, R, E>
where
    W: FnMut(&mut Tx<'_>) -> Result<R, Stop<E>> + Send,
    R: Send,
    E: From<StoreError> + Send,
{
    fn run(&mut self, tx: &mut Tx<'_>) -> Result<(), Trouble> {
        let changes = tx.connection.total_changes();
        match (self.work)(tx) {
            Ok(done) => self.result = Some(Ok(done)),
            Err(Stop::Refused(_)) if tx.connection.total_changes() != changes => {
                tracing::error!(
                    operation = self.operation,
                    "a job was refused after it had written"
                );
                return Err(Trouble::Panicked);
            }
            Err(Stop::Refused(refusal)) => self.result = Some(Err(refusal)),
            Err(Stop::Trouble(trouble)) => return Err(trouble),
        }
        Ok(())
    }

    fn weight(&self) -> usize {
        self.weight
    }

    fn answer(self: Box<Self>) {
        let result = self.result.expect("a job is answered after it ran without trouble");
        // Who asked may have gone away; what was committed stays.
        let _gone = self.answer.send(result);
    }

    fn fail(self: Box<Self>, failure: &Failure) {
        let _gone = self.answer.send(Err(failure.to_store(self.operation).into()));
    }
}
