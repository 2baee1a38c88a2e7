//! Disabling and deleting, and that an administrator stays.

use webscripts_domain::identity::{GroupId, UserId};
use webscripts_domain::session::{Session, SessionKey};

use super::{ADMINISTRATORS, add, add_administrator, add_named, at, new_user};
use crate::Stores;
use crate::accounts::{Change, Group, NewUser};

async fn open_session(stores: &Stores, user: UserId) -> SessionKey {
    let key = SessionKey([9; 32]);
    let session =
        Session { user, address: [10, 0, 0, 1].into(), opened: at(100), expires: at(1_000) };
    stores.sessions.add(&key, &session, 10).await.unwrap();
    key
}

async fn disable(stores: &Stores, id: UserId) -> Change {
    stores.accounts.set_disabled(id, true, &ADMINISTRATORS).await.unwrap()
}

async fn delete(stores: &Stores, id: UserId) -> Change {
    stores.accounts.delete_user(id, &ADMINISTRATORS).await.unwrap()
}

async fn is_disabled(stores: &Stores, id: UserId) -> bool {
    stores.accounts.user(id).await.unwrap().unwrap().disabled
}

pub(super) async fn a_user_is_disabled_and_enabled(stores: &Stores) {
    let id = add_named(stores, "Ada").await;

    assert_eq!(disable(stores, id).await, Change::Done);
    assert!(is_disabled(stores, id).await);

    let enabled = stores.accounts.set_disabled(id, false, &ADMINISTRATORS).await.unwrap();
    assert_eq!(enabled, Change::Done);
    assert!(!is_disabled(stores, id).await);
}

pub(super) async fn disabling_ends_the_sessions(stores: &Stores) {
    let id = add_named(stores, "Ada").await;
    let key = open_session(stores, id).await;

    disable(stores, id).await;

    assert_eq!(stores.sessions.find(&key, at(100)).await.unwrap(), None);
}

pub(super) async fn deleting_a_user_ends_sessions_and_keys(stores: &Stores) {
    let id = add_named(stores, "Ada").await;
    let key = open_session(stores, id).await;
    stores.accounts.set_api_key(id, "default", &[1; 32], at(100)).await.unwrap();

    assert_eq!(delete(stores, id).await, Change::Done);

    assert_eq!(stores.accounts.user(id).await.unwrap(), None);
    assert_eq!(stores.accounts.user_by_name("Ada").await.unwrap(), None);
    assert_eq!(stores.accounts.user_by_api_key(&[1; 32]).await.unwrap(), None);
    assert_eq!(stores.sessions.find(&key, at(100)).await.unwrap(), None);
}

pub(super) async fn the_last_enabled_administrator_is_neither_disabled_nor_deleted(
    stores: &Stores,
) {
    let first = add_administrator(stores, "Ada").await;
    let second = add_administrator(stores, "Bob").await;
    let key = open_session(stores, first).await;

    assert_eq!(disable(stores, second).await, Change::Done);
    assert_eq!(disable(stores, first).await, Change::LastAdministrator);
    assert_eq!(delete(stores, first).await, Change::LastAdministrator);

    assert!(!is_disabled(stores, first).await);
    assert!(stores.sessions.find(&key, at(100)).await.unwrap().is_some());
}

pub(super) async fn a_disabled_administrator_may_be_deleted(stores: &Stores) {
    add_administrator(stores, "Ada").await;
    let second = add_administrator(stores, "Bob").await;
    disable(stores, second).await;

    assert_eq!(delete(stores, second).await, Change::Done);
}

pub(super) async fn without_administrators_others_may_be_disabled_and_deleted(stores: &Stores) {
    let id = add_named(stores, "Ada").await;

    assert_eq!(disable(stores, id).await, Change::Done);
    assert_eq!(delete(stores, id).await, Change::Done);
}

pub(super) async fn of_two_administrators_who_are_disabled_at_once_one_stays(stores: &Stores) {
    let first = add_administrator(stores, "Ada").await;
    let second = add_administrator(stores, "Bob").await;

    let (one, other) = tokio::join!(disable(stores, first), disable(stores, second));

    let mut changes = [one, other];
    changes.sort_by_key(|change| *change == Change::LastAdministrator);
    assert_eq!(changes, [Change::Done, Change::LastAdministrator]);
}

pub(super) async fn a_group_is_taken_from_all_users(stores: &Stores) {
    let (ada, bob) = (add_named(stores, "Ada").await, add_named(stores, "Bob").await);

    let deleted = stores.accounts.delete_group(GroupId(500), &ADMINISTRATORS).await.unwrap();

    assert_eq!(deleted, Change::Done);
    for id in [ada, bob] {
        assert_eq!(stores.accounts.user(id).await.unwrap().unwrap().groups, [GroupId(50)]);
    }
}

pub(super) async fn the_group_that_makes_the_only_administrators_is_not_deleted(stores: &Stores) {
    let id = add_administrator(stores, "Ada").await;

    let deleted = stores.accounts.delete_group(GroupId(1000), &ADMINISTRATORS).await.unwrap();

    assert_eq!(deleted, Change::LastAdministrator);
    let user = stores.accounts.user(id).await.unwrap().unwrap();
    assert_eq!(user.groups, [GroupId(50), GroupId(1000)]);
    let groups = stores.accounts.groups().await.unwrap();
    assert!(groups.iter().any(|group| group.id == GroupId(1000)));
}

pub(super) async fn one_of_two_groups_of_administrators_may_be_deleted(stores: &Stores) {
    let owners = Group { id: GroupId(2000), name: "Owners".to_owned() };
    stores.accounts.add_group(&owners).await.unwrap();
    let groups = vec![GroupId(2000), GroupId(1000)];
    add(stores, &NewUser { groups, ..new_user("Ada") }).await;
    let both = [GroupId(1000), GroupId(2000)];

    let first = stores.accounts.delete_group(GroupId(1000), &both).await.unwrap();
    let second = stores.accounts.delete_group(GroupId(2000), &both).await.unwrap();

    assert_eq!([first, second], [Change::Done, Change::LastAdministrator]);
}
