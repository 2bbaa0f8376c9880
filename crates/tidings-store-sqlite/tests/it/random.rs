//! The same operations on the reference and on the database: what can be read must be equal.

use tidings_store::{MemoryStore, conformance::random};

use crate::support::fresh;

async fn check(seeds: std::ops::Range<u64>) {
    for seed in seeds {
        let (store, _directory) = fresh();
        random::compare(&MemoryStore::new(), &store, seed, random::STEPS_MIN).await;
    }
}

#[tokio::test]
async fn random_operations_leave_the_same_in_both_stores() {
    check(0..2).await;
}

#[tokio::test]
async fn other_random_operations_leave_the_same_in_both_stores() {
    check(2..4).await;
}
