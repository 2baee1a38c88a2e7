//! Sessions.

use webscripts_domain::clock::Timestamp;
use webscripts_domain::identity::UserId;
use webscripts_domain::session::{Session, SessionKey};

use super::at;
use crate::Stores;

const ADA: UserId = UserId(2);
const BOB: UserId = UserId(3);

fn key(number: u8) -> SessionKey {
    SessionKey([number; 32])
}

fn session(user: UserId, opened: i64, expires: i64) -> Session {
    let address = "2001:db8::1".parse().unwrap();
    Session { user, address, opened: at(opened), expires: at(expires) }
}

async fn add(stores: &Stores, number: u8, session: &Session, most: u32) {
    stores.sessions.add(&key(number), session, most).await.unwrap();
}

/// The numbers of the keys of a user, newest first.
async fn open_keys(stores: &Stores, user: UserId) -> Vec<u8> {
    let sessions = stores.sessions.of_user(user, at(0)).await.unwrap();
    sessions.iter().map(|(key, _)| key.0[0]).collect()
}

pub(super) async fn an_open_session_is_found_until_its_end(stores: &Stores) {
    let opened = session(ADA, 100, 200);
    add(stores, 1, &opened, 10).await;

    let find = async |now| stores.sessions.find(&key(1), now).await.unwrap();
    assert_eq!(find(at(100)).await, Some(opened.clone()));
    assert_eq!(find(at(200)).await, Some(opened));
    assert_eq!(find(at(201)).await, None);
}

pub(super) async fn a_session_is_kept_to_the_millisecond(stores: &Stores) {
    let nanoseconds = |value| Timestamp::from_nanosecond(value).unwrap();
    let exact = Session {
        opened: nanoseconds(100_123_456_789),
        expires: Timestamp::MAX,
        ..session(ADA, 0, 0)
    };
    add(stores, 1, &exact, 10).await;

    let found = stores.sessions.find(&key(1), at(200)).await.unwrap().unwrap();
    assert_eq!(found.opened, nanoseconds(100_123_000_000));
    assert_eq!(found.expires.as_millisecond(), Timestamp::MAX.as_millisecond());
}

pub(super) async fn an_unknown_session_is_not_found(stores: &Stores) {
    add(stores, 1, &session(ADA, 100, 200), 10).await;

    assert_eq!(stores.sessions.find(&key(2), at(100)).await.unwrap(), None);
}

pub(super) async fn the_oldest_sessions_end_above_the_limit(stores: &Stores) {
    for number in 1..=4 {
        add(stores, number, &session(ADA, i64::from(number), 200), 3).await;
    }
    assert_eq!(open_keys(stores, ADA).await, [4, 3, 2]);

    add(stores, 5, &session(ADA, 5, 200), 1).await;
    assert_eq!(open_keys(stores, ADA).await, [5]);
}

pub(super) async fn the_newest_session_stays_when_the_clock_was_set_back(stores: &Stores) {
    add(stores, 1, &session(ADA, 100, 200), 1).await;
    add(stores, 2, &session(ADA, 50, 200), 1).await;

    assert_eq!(open_keys(stores, ADA).await, [2]);
}

pub(super) async fn the_limit_counts_each_user_alone(stores: &Stores) {
    add(stores, 1, &session(ADA, 100, 200), 1).await;
    add(stores, 2, &session(BOB, 101, 200), 1).await;

    assert_eq!(open_keys(stores, ADA).await, [1]);
    assert_eq!(open_keys(stores, BOB).await, [2]);
}

pub(super) async fn an_ended_session_is_not_found(stores: &Stores) {
    add(stores, 1, &session(ADA, 100, 200), 10).await;

    assert!(stores.sessions.end(&key(1)).await.unwrap());
    assert!(!stores.sessions.end(&key(1)).await.unwrap());
    assert_eq!(stores.sessions.find(&key(1), at(100)).await.unwrap(), None);
}

pub(super) async fn all_sessions_of_a_user_end_at_once(stores: &Stores) {
    for number in 1..=3 {
        add(stores, number, &session(ADA, 100, 200), 10).await;
    }
    add(stores, 4, &session(BOB, 100, 200), 10).await;

    assert_eq!(stores.sessions.end_all(ADA).await.unwrap(), 3);
    assert!(open_keys(stores, ADA).await.is_empty());
    assert_eq!(open_keys(stores, BOB).await, [4]);
}

pub(super) async fn sessions_of_a_user_are_listed_newest_first_without_expired_ones(
    stores: &Stores,
) {
    let sessions = [session(ADA, 100, 300), session(ADA, 101, 150), session(ADA, 102, 302)];
    for (number, session) in (1..).zip(&sessions) {
        add(stores, number, session, 10).await;
    }

    let listed = stores.sessions.of_user(ADA, at(151)).await.unwrap();

    let [first, _, third] = sessions;
    assert_eq!(listed, [(key(3), third), (key(1), first)]);
}

pub(super) async fn a_sweep_deletes_expired_sessions_up_to_the_limit(stores: &Stores) {
    for number in 1..=5 {
        add(stores, number, &session(ADA, 100, 200 + i64::from(number)), 10).await;
    }

    assert_eq!(stores.sessions.sweep(at(204), 2).await.unwrap(), 2);
    assert_eq!(open_keys(stores, ADA).await, [5, 4, 3]);
    assert_eq!(stores.sessions.sweep(at(204), 2).await.unwrap(), 1);
    assert_eq!(stores.sessions.sweep(at(204), 2).await.unwrap(), 0);
    assert_eq!(open_keys(stores, ADA).await, [5, 4]);
}
