//! What becomes of old runs and their output.

use webscripts_domain::run::{RunRecord, RunState};

use super::{add, add_ended, at, ended, find, finish, id, queued, run};
use crate::Stores;
use crate::runs::{Counts, Ended};

async fn total(stores: &Stores) -> u64 {
    stores.runs.total_output_bytes().await.unwrap()
}

pub(in crate::contract) async fn output_is_summed_up(stores: &Stores) {
    assert_eq!(total(stores).await, 0);
    add_ended(stores, &run(100), RunState::Succeeded, 10).await;
    add_ended(stores, &run(101), RunState::Failed, 20).await;
    add_ended(stores, &run(102), RunState::Failed, 0).await;
    assert_eq!(total(stores).await, 30);

    assert!(stores.runs.set_output_size(id(100), 15).await.unwrap());
    assert_eq!(total(stores).await, 35);
    stores.runs.mark_output_expired(&[id(100)]).await.unwrap();
    assert_eq!(total(stores).await, 20);
    stores.runs.delete(&[id(101)]).await.unwrap();
    assert_eq!(total(stores).await, 0);
}

pub(in crate::contract) async fn output_of_runs_that_are_not_over_has_no_size(stores: &Stores) {
    add(stores, &run(100)).await;

    assert!(!stores.runs.set_output_size(id(100), 15).await.unwrap());
    assert!(!stores.runs.set_output_size(id(101), 15).await.unwrap());
    assert_eq!(total(stores).await, 0);
}

pub(in crate::contract) async fn the_oldest_output_leaves_and_the_record_stays(stores: &Stores) {
    for (second, bytes) in [(103, 3), (101, 1), (102, 2), (104, 0)] {
        add_ended(stores, &run(second), RunState::Succeeded, bytes).await;
    }
    add(stores, &run(100)).await;
    let oldest = async |limit| stores.runs.oldest_with_output(limit).await.unwrap();
    assert_eq!(oldest(2).await, [(id(101), 1), (id(102), 2)]);
    let before = find(stores, id(101)).await.unwrap();

    assert_eq!(stores.runs.mark_output_expired(&[id(101), id(100), id(99)]).await.unwrap(), 1);
    assert_eq!(stores.runs.mark_output_expired(&[id(101)]).await.unwrap(), 0);
    assert!(!stores.runs.set_output_size(id(101), 9).await.unwrap());

    assert_eq!(oldest(9).await, [(id(102), 2), (id(103), 3)]);
    assert_eq!(find(stores, id(101)).await, Some(RunRecord { output_expired: true, ..before }));
    assert!(!find(stores, id(100)).await.unwrap().output_expired);
}

pub(in crate::contract) async fn runs_that_ended_before_a_time_are_expired(stores: &Stores) {
    for second in [100, 101, 102] {
        add_ended(stores, &run(second), RunState::Succeeded, 0).await;
    }
    add(stores, &run(50)).await;
    add(stores, &queued(51)).await;
    add(stores, &run(52)).await;
    finish(stores, id(52), ended(200, RunState::Lost)).await;

    let expired = async |second, limit| stores.runs.expired(at(second), limit).await.unwrap();
    assert_eq!(expired(103, 9).await, [id(100), id(101)]);
    assert_eq!(expired(103, 1).await, [id(100)]);
    assert_eq!(expired(201, 9).await, [id(52), id(100), id(101), id(102)]);
}

pub(in crate::contract) async fn only_runs_that_are_over_are_deleted(stores: &Stores) {
    add(stores, &queued(100)).await;
    add(stores, &run(101)).await;
    add_ended(stores, &run(102), RunState::Succeeded, 0).await;
    add_ended(stores, &run(103), RunState::Stopped, 0).await;

    let deleted = stores.runs.delete(&[100, 101, 102, 104].map(id)).await.unwrap();

    assert_eq!(deleted, 1);
    assert_eq!(find(stores, id(102)).await, None);
    assert!(find(stores, id(103)).await.is_some());
    assert_eq!(stores.runs.counts().await.unwrap(), Counts { queued: 1, running: 1 });
}

pub(in crate::contract) async fn enormous_numbers_are_kept_as_large_as_they_can_be(
    stores: &Stores,
) {
    add(stores, &run(100)).await;
    let enormous = Ended { output_bytes: u64::MAX, ..ended(101, RunState::Failed) };
    finish(stores, id(100), enormous).await;

    assert_eq!(total(stores).await, i64::MAX.unsigned_abs());
}
