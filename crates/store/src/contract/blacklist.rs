//! Failed sign-ins.

use webscripts_domain::blacklist::{BlacklistRule, Failures};
use webscripts_domain::clock::SignedDuration;

use super::at;
use crate::Stores;
use crate::blacklist::Subject;

const RULE: BlacklistRule = BlacklistRule { failures: 3, time: SignedDuration::from_secs(30) };

fn address() -> Subject {
    Subject::Address("192.0.2.1".to_owned())
}

fn name(text: &str) -> Subject {
    Subject::Name(text.to_owned())
}

async fn fail(stores: &Stores, subject: &Subject, second: i64) -> Failures {
    stores.blacklist.record(subject, &RULE, at(second)).await.unwrap()
}

async fn find(stores: &Stores, subject: &Subject) -> Option<Failures> {
    stores.blacklist.find(subject).await.unwrap()
}

pub(super) async fn nobody_has_failures_at_first(stores: &Stores) {
    assert_eq!(find(stores, &address()).await, None);
}

pub(super) async fn failures_are_counted_by_the_rule(stores: &Stores) {
    fail(stores, &address(), 0).await;
    assert_eq!(fail(stores, &address(), 30).await, Failures { count: 2, last: at(30) });
    assert_eq!(find(stores, &address()).await, Some(Failures { count: 2, last: at(30) }));

    assert_eq!(fail(stores, &address(), 61).await, Failures { count: 1, last: at(61) });
    assert_eq!(find(stores, &address()).await, Some(Failures { count: 1, last: at(61) }));
}

pub(super) async fn addresses_and_names_are_counted_apart(stores: &Stores) {
    fail(stores, &address(), 0).await;

    assert_eq!(find(stores, &name("192.0.2.1")).await, None);
}

pub(super) async fn cleared_failures_are_forgotten(stores: &Stores) {
    fail(stores, &address(), 0).await;
    fail(stores, &name("ada"), 0).await;

    stores.blacklist.clear(&address()).await.unwrap();

    assert_eq!(find(stores, &address()).await, None);
    assert_eq!(find(stores, &name("ada")).await, Some(Failures { count: 1, last: at(0) }));
}

pub(super) async fn a_sweep_deletes_old_failures_up_to_the_limit(stores: &Stores) {
    for second in 0..5 {
        fail(stores, &name(&second.to_string()), second).await;
    }

    assert_eq!(stores.blacklist.sweep(at(4), 3).await.unwrap(), 3);
    assert_eq!(find(stores, &name("2")).await, None);
    assert_eq!(stores.blacklist.sweep(at(4), 3).await.unwrap(), 1);
    assert_eq!(stores.blacklist.sweep(at(4), 3).await.unwrap(), 0);
    assert_eq!(find(stores, &name("4")).await, Some(Failures { count: 1, last: at(4) }));
}

pub(super) async fn concurrent_failures_are_all_counted(stores: &Stores) {
    let subject = address();
    tokio::join!(
        fail(stores, &subject, 1),
        fail(stores, &subject, 1),
        fail(stores, &subject, 1),
        fail(stores, &subject, 1),
    );

    assert_eq!(find(stores, &subject).await, Some(Failures { count: 4, last: at(1) }));
}

pub(super) async fn a_very_long_name_counts_together_with_others_of_the_same_beginning(
    stores: &Stores,
) {
    let long = |end| name(&format!("{}{end}", "é".repeat(256)));
    fail(stores, &long("a"), 0).await;
    fail(stores, &long("b"), 0).await;

    assert_eq!(find(stores, &long("c")).await, Some(Failures { count: 2, last: at(0) }));
    assert_eq!(find(stores, &name(&"é".repeat(255))).await, None);
}
