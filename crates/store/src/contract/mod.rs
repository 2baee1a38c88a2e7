//! What every store promises, whatever keeps the data: the same tests run on each kind.

mod accounts;
mod administrators;
mod blacklist;
mod groups;
mod runs;
mod sessions;

use webscripts_domain::clock::Timestamp;
use webscripts_domain::glob::Glob;
use webscripts_domain::identity::{GroupId, UserId};

use crate::Stores;
use crate::accounts::{NewUser, PasswordHash};
use runs::{
    keys as run_keys, lists as run_lists, retention as run_retention, states as run_states,
};

const ADMINISTRATORS: [GroupId; 1] = [GroupId(1000)];

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn password(text: &str) -> PasswordHash {
    PasswordHash::Argon2id(format!("$argon2id$v=19$m=19456,t=2,p=1${text}"))
}

/// A user with every property set.
fn new_user(name: &str) -> NewUser {
    NewUser {
        id: None,
        name: name.to_owned(),
        password: Some(password(name)),
        groups: vec![GroupId(500), GroupId(50)],
        addresses: vec![Glob::new("10.*"), Glob::new("::1")],
        categories: vec![Glob::any()],
        scripts: vec![Glob::new("[ab]\"*é")],
    }
}

async fn add(stores: &Stores, user: &NewUser) -> UserId {
    stores.accounts.add_user(user, at(100)).await.unwrap().unwrap()
}

async fn add_named(stores: &Stores, name: &str) -> UserId {
    add(stores, &new_user(name)).await
}

async fn add_administrator(stores: &Stores, name: &str) -> UserId {
    add(stores, &NewUser { groups: vec![GroupId(50), GroupId(1000)], ..new_user(name) }).await
}

/// Runs each function as one test in memory and one on a file.
macro_rules! contract {
    ($($subject:ident: $($name:ident),+;)+) => {
        mod in_memory {
            $(mod $subject {
                $(#[tokio::test]
                async fn $name() {
                    let stores = crate::open_in_memory().await.unwrap();
                    crate::contract::$subject::$name(&stores).await;
                    stores.health.close().await;
                })+
            })+
        }

        mod on_file {
            $(mod $subject {
                $(#[tokio::test]
                async fn $name() {
                    let directory = tempfile::tempdir().unwrap();
                    let path = directory.path().join("webscripts.sqlite3");
                    let stores = crate::open(&path).await.unwrap();
                    crate::contract::$subject::$name(&stores).await;
                    stores.health.close().await;
                })+
            })+
        }
    };
}

contract! {
    accounts:
        a_new_user_is_found_by_name_and_by_number,
        names_are_case_sensitive,
        the_first_number_is_2,
        numbers_of_deleted_users_are_not_given_out_again,
        a_chosen_number_is_kept_and_the_next_one_is_above_it,
        built_in_taken_and_enormous_numbers_are_refused,
        a_taken_name_is_refused,
        a_group_named_twice_counts_where_it_stands_first,
        users_are_listed_page_by_page_in_order_of_their_numbers,
        an_imported_password_reads_back,
        a_new_password_replaces_the_old_one_and_ends_the_sessions_of_this_user_only,
        a_better_hash_of_the_same_password_keeps_the_sessions,
        a_better_hash_is_dropped_when_the_password_has_changed_meanwhile,
        a_sign_in_is_remembered_to_the_second,
        the_owner_of_an_api_key_is_found,
        an_api_key_replaces_the_earlier_one_of_that_name_only,
        an_api_key_that_somebody_has_is_refused,
        changes_of_unknown_users_find_nobody,
        concurrent_users_of_one_name_are_made_once;
    administrators:
        a_user_is_disabled_and_enabled,
        disabling_ends_the_sessions,
        deleting_a_user_ends_sessions_and_keys,
        the_last_enabled_administrator_is_neither_disabled_nor_deleted,
        a_disabled_administrator_may_be_deleted,
        without_administrators_others_may_be_disabled_and_deleted,
        of_two_administrators_who_are_disabled_at_once_one_stays,
        a_group_is_taken_from_all_users,
        the_group_that_makes_the_only_administrators_is_not_deleted,
        one_of_two_groups_of_administrators_may_be_deleted;
    groups:
        four_groups_are_there_from_the_beginning,
        a_new_group_is_listed_in_order,
        built_in_and_taken_groups_are_refused,
        an_unknown_group_is_not_deleted;
    sessions:
        an_open_session_is_found_until_its_end,
        a_session_is_kept_to_the_millisecond,
        an_unknown_session_is_not_found,
        the_oldest_sessions_end_above_the_limit,
        the_newest_session_stays_when_the_clock_was_set_back,
        the_limit_counts_each_user_alone,
        an_ended_session_is_not_found,
        all_sessions_of_a_user_end_at_once,
        sessions_of_a_user_are_listed_newest_first_without_expired_ones,
        a_sweep_deletes_expired_sessions_up_to_the_limit;
    blacklist:
        nobody_has_failures_at_first,
        failures_are_counted_by_the_rule,
        addresses_and_names_are_counted_apart,
        cleared_failures_are_forgotten,
        a_sweep_deletes_old_failures_up_to_the_limit,
        concurrent_failures_are_all_counted,
        a_very_long_name_counts_together_with_others_of_the_same_beginning;
    run_states:
        a_new_run_is_found_with_everything_that_was_given,
        an_identifier_is_taken_once,
        a_queued_run_starts_once,
        the_first_end_of_a_run_counts,
        an_end_that_is_being_written_is_read,
        new_runs_and_ends_are_written_together,
        a_run_is_deleted_behind_its_end,
        every_end_reads_back,
        an_unknown_run_does_not_change,
        unfinished_runs_are_listed_oldest_first_page_by_page,
        concurrent_writes_are_all_done_and_answered,
        a_write_that_is_refused_does_not_spoil_those_beside_it,
        the_usual_duration_is_the_median_of_the_last_20_successes,
        the_last_run_of_a_script_is_that_of_its_owner;
    run_keys:
        the_same_request_starts_one_run,
        a_key_counts_for_its_owner_alone,
        a_key_is_forgotten_after_a_day,
        of_concurrent_requests_with_one_key_one_starts_a_run,
        a_sweep_deletes_old_keys_up_to_the_limit;
    run_lists:
        runs_are_listed_newest_first_page_by_page,
        a_page_has_at_least_one_run_and_at_most_200,
        nobody_lists_runs_of_others,
        visitors_are_told_apart_by_their_address,
        scripts_that_may_be_viewed_are_listed_beside_own_runs,
        every_filter_keeps_to_what_is_visible,
        states_scripts_and_users_are_filtered_together,
        times_are_filtered_to_the_millisecond,
        text_is_found_in_names_and_values_whatever_its_case;
    run_retention:
        output_is_summed_up,
        output_of_runs_that_are_not_over_has_no_size,
        the_oldest_output_leaves_and_the_record_stays,
        runs_that_ended_before_a_time_are_expired,
        only_runs_that_are_over_are_deleted,
        enormous_numbers_are_kept_as_large_as_they_can_be;
}
