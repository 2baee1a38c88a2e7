//! Keys of requests that may be sent again.

use webscripts_domain::clock::SignedDuration;

use super::{ADA, BOB, at, find, id, owner, record, run};
use crate::Stores;
use crate::runs::{Claim, KEY_LIFETIME, NewRun, Owner, RequestKey};

fn key(digest: u8) -> RequestKey {
    RequestKey { key: "order 1".to_owned(), digest: [digest; 32] }
}

/// A run of this second with a key.
fn keyed(second: i64, owner: Owner, digest: u8) -> NewRun {
    NewRun { owner, key: Some(key(digest)), ..run(second) }
}

async fn claim(stores: &Stores, run: &NewRun) -> Claim {
    stores.runs.add(run).await.unwrap()
}

pub(in crate::contract) async fn the_same_request_starts_one_run(stores: &Stores) {
    let first = keyed(100, ADA, 1);
    assert_eq!(stores.runs.claim(&ADA, &key(1), at(100)).await.unwrap(), Claim::New);
    assert_eq!(claim(stores, &first).await, Claim::New);

    assert_eq!(claim(stores, &keyed(101, ADA, 1)).await, Claim::Same(id(100)));
    assert_eq!(claim(stores, &keyed(102, ADA, 2)).await, Claim::Other);
    assert_eq!(stores.runs.claim(&ADA, &key(1), at(103)).await.unwrap(), Claim::Same(id(100)));
    assert_eq!(stores.runs.claim(&ADA, &key(2), at(103)).await.unwrap(), Claim::Other);

    assert_eq!(find(stores, id(100)).await, Some(record(&first)));
    assert_eq!(find(stores, id(101)).await, None);
    assert_eq!(find(stores, id(102)).await, None);
}

pub(in crate::contract) async fn a_key_counts_for_its_owner_alone(stores: &Stores) {
    let owners = [ADA, BOB, owner(0, 1), owner(0, 2)];
    for (second, owner) in (100..).zip(owners) {
        assert_eq!(claim(stores, &keyed(second, owner, 1)).await, Claim::New);
    }

    let elsewhere = Owner { address: owner(2, 200).address, ..ADA };
    assert_eq!(claim(stores, &keyed(110, elsewhere, 1)).await, Claim::Same(id(100)));
    assert_eq!(claim(stores, &keyed(110, owner(0, 2), 1)).await, Claim::Same(id(103)));
}

pub(in crate::contract) async fn a_key_is_forgotten_after_a_day(stores: &Stores) {
    let day = KEY_LIFETIME.as_secs();
    claim(stores, &keyed(100, ADA, 1)).await;

    assert_eq!(claim(stores, &keyed(100 + day, ADA, 2)).await, Claim::Other);
    let later = at(101 + day);
    assert_eq!(stores.runs.claim(&ADA, &key(2), later).await.unwrap(), Claim::New);
    assert_eq!(claim(stores, &keyed(101 + day, ADA, 2)).await, Claim::New);
    assert_eq!(claim(stores, &keyed(102 + day, ADA, 2)).await, Claim::Same(id(101 + day)));
}

pub(in crate::contract) async fn of_concurrent_requests_with_one_key_one_starts_a_run(
    stores: &Stores,
) {
    let runs = [100, 101, 102].map(|second| keyed(second, ADA, 1));
    let [first, second, third] = &runs;

    let (first, second, third) =
        tokio::join!(claim(stores, first), claim(stores, second), claim(stores, third));

    let claims = [first, second, third];
    let new: Vec<usize> = (0..3).filter(|at| claims[*at] == Claim::New).collect();
    let [new] = new[..] else { panic!("{claims:?}") };
    for (at, run) in runs.iter().enumerate() {
        assert_eq!(find(stores, run.id).await.is_some(), at == new);
        assert!(at == new || claims[at] == Claim::Same(runs[new].id), "{claims:?}");
    }
}

pub(in crate::contract) async fn a_sweep_deletes_old_keys_up_to_the_limit(stores: &Stores) {
    for number in 0..4 {
        let key = RequestKey { key: number.to_string(), digest: [1; 32] };
        claim(stores, &NewRun { key: Some(key), ..run(100 + number) }).await;
    }
    let now = at(103).checked_add(KEY_LIFETIME).unwrap();

    let sweep = async |limit| stores.runs.sweep_keys(now, limit).await.unwrap();
    assert_eq!(sweep(2).await, 2);
    assert_eq!(sweep(2).await, 1);
    assert_eq!(sweep(2).await, 0);
    let later = now.checked_add(SignedDuration::from_secs(1)).unwrap();
    assert_eq!(stores.runs.sweep_keys(later, 2).await.unwrap(), 1);
}
