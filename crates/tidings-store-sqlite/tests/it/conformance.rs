//! Every case of the contract, each on a new database.

tidings_store::conformance_tests!(crate::support::fresh());
