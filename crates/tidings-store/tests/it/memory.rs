use tidings_store::{MemoryStore, conformance::random, conformance_tests};

conformance_tests!((MemoryStore::new(), ()));

#[tokio::test]
async fn two_of_them_stay_the_same_whatever_is_done() {
    for seed in 0..5 {
        let (reference, subject) = (MemoryStore::new(), MemoryStore::new());
        random::compare(&reference, &subject, seed, random::STEPS_MIN).await;
    }
}
