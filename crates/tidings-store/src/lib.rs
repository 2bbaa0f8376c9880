//! What every database promises. [`Store`] is the contract, in verbs of the domain: each is one
//! transaction, `now` is passed in, and a write by a worker is fenced by its lease token. The
//! in-memory store is the reference; the conformance suite holds every store to the contract.

pub mod clock;
pub mod erasures;
pub mod error;
pub mod ingest;
pub mod rules;
pub mod store;
pub mod types;

pub mod conformance;
pub mod memory;

pub use clock::{Chance, Clock};
pub use erasures::LateErasures;
pub use error::{AppendError, StoreError, WriteError};
pub use ingest::Ingest;
pub use memory::MemoryStore;
pub use store::Store;
pub use types::*;
