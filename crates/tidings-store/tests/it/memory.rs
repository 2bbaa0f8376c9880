use tidings_store::{MemoryStore, conformance_tests};

conformance_tests!((MemoryStore::new(), ()));
