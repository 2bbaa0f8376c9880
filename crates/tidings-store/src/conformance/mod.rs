//! The suite that holds every store to its contract. Each case is a sentence of it, and runs on a store of its own.
//!
//!   conformance_tests!((store, what must live as long as it))  ─► one test for each case
//!   CASES                                                      ─► the same as a list
//!
//! Beside it, [`random::compare`] applies the same operations, chosen by a seed, to two stores and compares all that can be read.

#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "cases are tests: a panic is how they fail, and their names are sentences"
)]

pub mod world;

pub mod ingest;

use std::pin::Pin;

use crate::store::Store;

/// One case.
pub type Case = for<'a> fn(&'a dyn Store) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

macro_rules! suite {
    ($dollar:tt $($module:ident { $($case:ident)+ })+) => {
        /// All cases, by their names.
        pub const CASES: &[(&str, Case)] =
            &[$($((stringify!($case), |store| Box::pin($module::$case(store))),)+)+];

        /// One test for each case. The expression gives a pair, a new and empty store and what must live as long as it; it is
        /// evaluated in an async function.
        #[macro_export]
        macro_rules! conformance_tests {
            ($dollar make:expr) => {
                $($(
                    #[tokio::test]
                    async fn $case() {
                        let (store, _guard) = $dollar make;
                        $crate::conformance::$module::$case(&store).await;
                    }
                )+)+
            };
        }
    };
}

suite! {
    $
    ingest {
        an_append_answers_for_each_event_in_its_order
        what_was_appended_can_be_read
        an_append_against_an_older_catalog_is_refused_and_writes_nothing
        a_known_key_gives_the_earlier_event_and_makes_nothing
        a_key_is_known_within_one_append
        a_key_with_other_content_refuses_the_whole_append
        keys_of_different_owners_never_meet
        a_key_is_remembered_for_7_days_of_elapsed_time
        forgotten_keys_are_counted_once
        a_changed_entity_and_its_event_are_one_commit
        newborn_deliveries_are_leased_while_there_are_permits
        without_a_room_nothing_is_leased
        newborn_deliveries_of_a_full_endpoint_are_left
        newborn_deliveries_of_a_webhook_that_is_not_active_are_left
        newborn_deliveries_behind_an_open_breaker_or_a_dead_source_are_left
        a_test_event_is_leased_whatever_is_in_its_way
    }
}
