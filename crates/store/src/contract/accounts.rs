//! Users, passwords, API keys.

use webscripts_domain::glob::Glob;
use webscripts_domain::identity::{GroupId, UserId};
use webscripts_domain::session::{Session, SessionKey};

use super::{ADMINISTRATORS, add, add_named, at, new_user, password};
use crate::Stores;
use crate::accounts::{Change, NewUser, PasswordHash, User};

async fn open_session(stores: &Stores, user: UserId, key: u8) {
    let session =
        Session { user, address: [10, 0, 0, 1].into(), opened: at(100), expires: at(1_000) };
    stores.sessions.add(&SessionKey([key; 32]), &session, 10).await.unwrap();
}

async fn sessions(stores: &Stores, user: UserId) -> usize {
    stores.sessions.of_user(user, at(100)).await.unwrap().len()
}

pub(super) async fn a_new_user_is_found_by_name_and_by_number(stores: &Stores) {
    let id = add_named(stores, "Ada").await;

    let expected = User {
        id,
        name: "Ada".to_owned(),
        password: Some(password("Ada")),
        groups: vec![GroupId(500), GroupId(50)],
        addresses: vec![Glob::new("10.*"), Glob::new("::1")],
        categories: vec![Glob::any()],
        scripts: vec![Glob::new("[ab]\"*é")],
        disabled: false,
        created: at(100),
        last_sign_in: None,
    };
    assert_eq!(stores.accounts.user_by_name("Ada").await.unwrap(), Some(expected.clone()));
    assert_eq!(stores.accounts.user(id).await.unwrap(), Some(expected));
}

pub(super) async fn names_are_case_sensitive(stores: &Stores) {
    add_named(stores, "ada").await;
    let other = add_named(stores, "Ada").await;

    assert_eq!(stores.accounts.user_by_name("Ada").await.unwrap().unwrap().id, other);
    assert_eq!(stores.accounts.user_by_name("ADA").await.unwrap(), None);
}

pub(super) async fn the_first_number_is_2(stores: &Stores) {
    assert_eq!(add_named(stores, "Ada").await, UserId(2));
    assert_eq!(add_named(stores, "Bob").await, UserId(3));
}

pub(super) async fn numbers_of_deleted_users_are_not_given_out_again(stores: &Stores) {
    let id = add_named(stores, "Ada").await;
    let deleted = stores.accounts.delete_user(id, &ADMINISTRATORS).await.unwrap();
    let again = NewUser { id: Some(id), ..new_user("Eve") };

    assert_eq!(deleted, Change::Done);
    assert_eq!(stores.accounts.add_user(&again, at(100)).await.unwrap(), None);
    assert_eq!(add_named(stores, "Eve").await, UserId(id.0 + 1));
}

pub(super) async fn a_chosen_number_is_kept_and_the_next_one_is_above_it(stores: &Stores) {
    let chosen = add(stores, &NewUser { id: Some(UserId(70)), ..new_user("Ada") }).await;
    let lower = add(stores, &NewUser { id: Some(UserId(60)), ..new_user("Bob") }).await;

    assert_eq!((chosen, lower), (UserId(70), UserId(60)));
    assert_eq!(add_named(stores, "Eve").await, UserId(71));
}

pub(super) async fn built_in_taken_and_enormous_numbers_are_refused(stores: &Stores) {
    let taken = add_named(stores, "Ada").await.0;

    for id in [-1, 0, 1, taken, 1 << 53, i64::MAX] {
        let user = NewUser { id: Some(UserId(id)), ..new_user("Bob") };
        assert_eq!(stores.accounts.add_user(&user, at(100)).await.unwrap(), None, "{id}");
    }
    assert_eq!(stores.accounts.users(None, 10).await.unwrap().len(), 1);
}

pub(super) async fn a_taken_name_is_refused(stores: &Stores) {
    add_named(stores, "Ada").await;

    assert_eq!(stores.accounts.add_user(&new_user("Ada"), at(100)).await.unwrap(), None);
}

pub(super) async fn a_group_named_twice_counts_where_it_stands_first(stores: &Stores) {
    let groups = [9, 3, 9, -5, 3].map(GroupId).to_vec();
    let id = add(stores, &NewUser { groups, ..new_user("Ada") }).await;

    let user = stores.accounts.user(id).await.unwrap().unwrap();
    assert_eq!(user.groups, [9, 3, -5].map(GroupId));
}

pub(super) async fn users_are_listed_page_by_page_in_order_of_their_numbers(stores: &Stores) {
    for name in ["Carl", "Ada", "Bob"] {
        add_named(stores, name).await;
    }
    let first = stores.accounts.users(None, 2).await.unwrap();
    let second = stores.accounts.users(first.last().map(|user| user.id), 2).await.unwrap();

    let names = |users: &[User]| users.iter().map(|user| user.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&first), ["Carl", "Ada"]);
    assert_eq!(names(&second), ["Bob"]);
}

pub(super) async fn an_imported_password_reads_back(stores: &Stores) {
    let imported =
        PasswordHash::Pbkdf2Sha512 { hash: vec![7; 64], salt: b"salt".to_vec(), rounds: 1_000 };
    let with = add(stores, &NewUser { password: Some(imported.clone()), ..new_user("Ada") }).await;
    let without = add(stores, &NewUser { password: None, ..new_user("Bob") }).await;

    assert_eq!(stores.accounts.user(with).await.unwrap().unwrap().password, Some(imported));
    assert_eq!(stores.accounts.user(without).await.unwrap().unwrap().password, None);
}

pub(super) async fn a_new_password_replaces_the_old_one_and_ends_the_sessions_of_this_user_only(
    stores: &Stores,
) {
    let (ada, bob) = (add_named(stores, "Ada").await, add_named(stores, "Bob").await);
    open_session(stores, ada, 1).await;
    open_session(stores, bob, 2).await;

    let changed = stores.accounts.set_password(ada, &password("new")).await.unwrap();

    assert_eq!(changed, Change::Done);
    let user = stores.accounts.user(ada).await.unwrap().unwrap();
    assert_eq!(user.password, Some(password("new")));
    assert_eq!((sessions(stores, ada).await, sessions(stores, bob).await), (0, 1));
}

pub(super) async fn a_better_hash_of_the_same_password_keeps_the_sessions(stores: &Stores) {
    let old = PasswordHash::Pbkdf2Sha512 { hash: vec![7; 64], salt: vec![1], rounds: 9 };
    let id = add(stores, &NewUser { password: Some(old.clone()), ..new_user("Ada") }).await;
    open_session(stores, id, 1).await;

    stores.accounts.upgrade_password(id, &old, &password("better")).await.unwrap();

    let user = stores.accounts.user(id).await.unwrap().unwrap();
    assert_eq!(user.password, Some(password("better")));
    assert_eq!(sessions(stores, id).await, 1);
}

pub(super) async fn a_better_hash_is_dropped_when_the_password_has_changed_meanwhile(
    stores: &Stores,
) {
    let id = add_named(stores, "Ada").await;
    stores.accounts.set_password(id, &password("new")).await.unwrap();

    stores.accounts.upgrade_password(id, &password("Ada"), &password("better")).await.unwrap();

    let user = stores.accounts.user(id).await.unwrap().unwrap();
    assert_eq!(user.password, Some(password("new")));
}

pub(super) async fn a_sign_in_is_remembered_to_the_second(stores: &Stores) {
    let id = add_named(stores, "Ada").await;

    stores.accounts.signed_in(id, at(200)).await.unwrap();

    assert_eq!(stores.accounts.user(id).await.unwrap().unwrap().last_sign_in, Some(at(200)));
}

pub(super) async fn the_owner_of_an_api_key_is_found(stores: &Stores) {
    add_named(stores, "Ada").await;
    let bob = add_named(stores, "Bob").await;

    let set = stores.accounts.set_api_key(bob, "default", &[1; 32], at(100)).await.unwrap();

    assert_eq!(set, Change::Done);
    let found = stores.accounts.user_by_api_key(&[1; 32]).await.unwrap();
    assert_eq!(found, stores.accounts.user(bob).await.unwrap());
    assert_eq!(stores.accounts.user_by_api_key(&[2; 32]).await.unwrap(), None);
}

pub(super) async fn an_api_key_replaces_the_earlier_one_of_that_name_only(stores: &Stores) {
    let id = add_named(stores, "Ada").await;
    for (name, key) in [("default", 1), ("backup", 2), ("default", 3)] {
        stores.accounts.set_api_key(id, name, &[key; 32], at(100)).await.unwrap();
    }

    let mut found = Vec::new();
    for key in 1..=3 {
        found.push(stores.accounts.user_by_api_key(&[key; 32]).await.unwrap().map(|user| user.id));
    }
    assert_eq!(found, [None, Some(id), Some(id)]);
}

pub(super) async fn an_api_key_that_somebody_has_is_refused(stores: &Stores) {
    let (ada, bob) = (add_named(stores, "Ada").await, add_named(stores, "Bob").await);
    stores.accounts.set_api_key(ada, "default", &[1; 32], at(100)).await.unwrap();

    let set = stores.accounts.set_api_key(bob, "default", &[1; 32], at(100)).await.unwrap();

    assert_eq!(set, Change::Taken);
    assert_eq!(stores.accounts.user_by_api_key(&[1; 32]).await.unwrap().unwrap().id, ada);
}

pub(super) async fn changes_of_unknown_users_find_nobody(stores: &Stores) {
    let (accounts, nobody) = (&stores.accounts, UserId(99));

    let changes = [
        accounts.set_password(nobody, &password("new")).await.unwrap(),
        accounts.set_disabled(nobody, true, &ADMINISTRATORS).await.unwrap(),
        accounts.set_disabled(nobody, false, &ADMINISTRATORS).await.unwrap(),
        accounts.delete_user(nobody, &ADMINISTRATORS).await.unwrap(),
        accounts.set_api_key(nobody, "default", &[1; 32], at(100)).await.unwrap(),
    ];
    accounts.signed_in(nobody, at(200)).await.unwrap();
    accounts.upgrade_password(nobody, &password("old"), &password("new")).await.unwrap();

    assert_eq!(changes, [Change::NotFound; 5]);
    assert_eq!(accounts.user(nobody).await.unwrap(), None);
}

pub(super) async fn concurrent_users_of_one_name_are_made_once(stores: &Stores) {
    let user = new_user("Ada");
    let (first, second) = tokio::join!(
        stores.accounts.add_user(&user, at(100)),
        stores.accounts.add_user(&user, at(100)),
    );

    assert_eq!([first.unwrap(), second.unwrap()].iter().flatten().count(), 1);
}
