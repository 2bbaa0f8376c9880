//! The suite that holds every store to its contract. Each case is a sentence of it, and runs on a
//! store of its own.
//!
//!   conformance_tests!((store, what must live as long as it))  ─► one test for each case
//!   CASES                                                      ─► the same as a list
//!
//! Beside it, [`random::compare`] applies the same operations, chosen by a seed, to two stores and
//! compares all that can be read.

#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "cases are tests: a panic is how they fail, and their names are sentences"
)]

pub mod random;
pub mod world;

pub mod ingest;
pub mod claim;
pub mod breaker;
pub mod work;
pub mod control;
pub mod commands;
pub mod erasure;
pub mod reading;
pub mod entity;
pub mod task;
pub mod token;

use std::pin::Pin;

use crate::store::Store;

/// One case.
pub type Case = for<'a> fn(&'a dyn Store) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

macro_rules! suite {
    ($dollar:tt $($module:ident { $($case:ident)+ })+) => {
        /// All cases, by their names.
        pub const CASES: &[(&str, Case)] =
            &[$($((stringify!($case), |store| Box::pin($module::$case(store))),)+)+];

        /// One test for each case. The expression gives a pair, a new and empty store and what must
        /// live as long as it; it is evaluated in an async function.
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
        newborn_deliveries_do_not_overtake_what_is_due
        newborn_deliveries_of_a_full_endpoint_are_left
        newborn_deliveries_leave_room_for_other_endpoints
        newborn_deliveries_of_a_webhook_that_is_not_active_are_left
        newborn_deliveries_behind_an_open_breaker_or_a_dead_source_are_left
        a_test_event_is_leased_whatever_is_in_its_way
    }
    claim {
        a_due_delivery_is_given_with_all_that_a_worker_needs
        nothing_is_given_before_it_is_due
        within_a_webhook_the_longest_due_goes_first
        webhooks_are_served_one_after_the_other
        a_claim_goes_on_after_the_webhook_that_was_served_last
        a_claim_without_permits_gives_nothing
        an_endpoint_is_given_what_it_has_room_for
        slow_endpoints_do_not_take_all_the_room_of_a_worker
        an_endpoint_that_asks_for_less_is_given_less
        webhooks_that_are_not_active_are_passed_over_until_they_are
        an_expired_lease_is_given_to_another_worker
        a_hint_tells_when_the_next_is_due
        what_waits_for_room_is_not_asked_for_again_at_once
        a_source_that_is_down_is_asked_by_one_at_a_time
        what_waited_for_its_source_for_7_days_is_exhausted
        a_source_that_is_down_does_not_hold_back_what_is_frozen
    }
    breaker {
        behind_an_open_breaker_one_goes_when_its_turn_comes
        a_turn_without_an_attempt_is_given_back
        the_turn_is_not_given_while_an_attempt_is_on_its_way
        the_delivery_that_is_due_first_takes_the_turn_of_a_shared_endpoint
        a_paused_webhook_does_not_keep_the_turn_from_others
        after_a_success_the_rest_drain_at_a_growing_pace
        a_dead_endpoint_slows_nobody_else
        what_a_breaker_holds_back_says_since_when
        what_a_breaker_holds_back_shows_until_when_and_its_deadline
        at_its_deadline_one_goes_by_the_breaker_and_the_others_are_exhausted
        one_a_second_goes_by_an_open_breaker_at_its_deadline
        a_pause_does_not_use_up_the_72_hours_of_what_a_breaker_holds_back
        what_waits_for_its_source_is_not_exhausted_behind_a_breaker
        past_its_deadline_a_delivery_of_a_working_endpoint_gets_its_attempt
    }
    work {
        a_lease_that_is_extended_is_not_given_to_another
        a_worker_without_the_lease_changes_nothing_and_sinks_nobody_else
        a_lease_ends_with_its_record
        an_expired_lease_that_nobody_took_is_still_good
        the_first_freeze_sets_the_deadline_and_later_ones_replace_the_body
        a_freeze_ends_the_wait_for_the_query
        a_pause_moves_the_deadline_by_the_time_that_it_lasts
        a_deadline_that_is_set_during_a_pause_counts_from_its_end
        an_attempt_is_kept_as_it_was
        a_record_moves_its_delivery
        a_410_disables_the_webhook_and_tells_its_owner
        a_query_that_cannot_run_holds_the_webhook_and_tells_its_owner
        a_webhook_that_its_owner_paused_stays_paused
        equal_notices_within_an_hour_are_one_with_a_count
        what_attempts_showed_is_kept_with_their_endpoint
        an_attempt_tells_of_the_endpoint_that_it_went_to
        a_delivery_that_is_begun_again_and_again_is_set_aside
        a_record_ends_the_count_of_claims_without_one
    }
    control {
        an_application_is_kept_as_it_was_given
        a_name_is_taken_until_its_application_is_deleted
        an_application_is_changed_but_for_its_name_and_dates
        no_two_profiles_of_applications_have_one_issuer_and_audience
        a_deleted_application_takes_all_that_is_its_own_with_it
        a_webhook_is_kept_as_it_was_given
        an_update_replaces_the_version_that_it_was_made_from
        a_deleted_webhook_is_sent_nothing_any_more
        what_a_delete_leaves_is_cancelled_a_thousand_at_a_time
        a_trigger_has_a_bounded_number_of_listeners
        the_catalog_stays_at_its_version_while_nothing_changes
    }
    commands {
        a_replay_is_a_new_delivery_of_the_same_event_and_body
        a_fresh_replay_has_no_body_yet
        a_replay_of_what_never_had_a_body_has_none
        a_second_click_gives_the_replay_that_waits
        what_is_gone_is_not_replayed
        all_that_match_are_replayed_once
        a_cancelled_delivery_is_not_given_out
        a_replayed_body_that_was_never_sent_needs_no_query
    }
    erasure {
        what_tells_of_someone_who_was_erased_is_ended_and_its_body_removed
        the_event_of_an_erasure_is_told
        a_query_that_ran_before_an_erasure_brings_nothing_back
        an_erasure_is_one_applications
        a_replayed_body_tells_of_whom_it_told_and_a_replaced_one_of_others
    }
    reading {
        a_mark_of_the_clock_is_kept
        the_first_key_id_is_kept
        events_are_listed_newest_first_page_by_page
        events_are_found_by_what_they_are
        deliveries_are_listed_newest_first_page_by_page
        deliveries_are_found_by_what_they_are
        the_deliveries_of_an_event_are_in_the_order_of_their_ids
        webhooks_are_listed_by_what_they_are
        notices_are_listed_newest_first_by_owner
        a_backlog_counts_what_is_not_final
        the_oldest_that_is_due_is_counted_where_nothing_blocks_it
    }
    entity {
        an_entity_is_kept_with_its_version_and_place
        a_change_of_another_version_refuses_the_whole_append
        what_an_append_empties_has_nothing_left_hanging_on_it
        a_deleted_entity_stays_as_a_tombstone
        entities_of_different_owners_never_meet
        entities_are_found_by_what_they_hang_on
        an_append_counts_on_what_it_does_not_change
        the_entity_position_moves_with_what_an_application_can_be_shown
        an_entity_is_forgotten_at_its_moment_unless_it_was_changed_before
        the_last_position_is_never_used_again_though_its_entity_is_to_be_forgotten
        what_hangs_on_each_of_several_is_read_at_once
        a_poller_misses_nothing_that_is_committed_later
    }
    task {
        a_task_is_put_with_its_change_or_not_at_all
        a_task_is_given_when_it_is_due_and_not_to_two
        applications_get_a_task_each_in_turn
        a_lane_has_so_many_tasks_at_a_time_and_others_flow_past_it
        lanes_that_have_room_go_by_time_behind_one_that_is_full
        a_task_that_is_given_back_has_the_lane_that_it_is_given
        tasks_that_are_due_together_go_by_their_keys
        a_task_whose_lease_expired_is_given_again_and_counted
        a_lease_on_a_task_that_is_extended_lasts_longer
        a_task_that_is_given_back_is_due_again
        a_task_that_is_put_anew_or_removed_voids_its_lease
        tasks_of_a_deleted_application_are_not_given_and_go
    }
    token {
        a_token_is_found_by_its_hash_also_when_it_is_over
        tokens_are_listed_by_owner_in_the_order_of_their_numbers
        a_token_is_kept_with_what_it_is_for
        a_token_is_added_with_what_it_is_for_or_not_at_all
        a_revocation_takes_the_tokens_of_its_grant_or_user_alone
        a_users_token_is_forgotten_a_day_after_its_end
    }
}
