//! Groups.

use webscripts_domain::identity::GroupId;

use super::ADMINISTRATORS;
use crate::Stores;
use crate::accounts::{Change, Group};

fn group(id: i64, name: &str) -> Group {
    Group { id: GroupId(id), name: name.to_owned() }
}

pub(super) async fn four_groups_are_there_from_the_beginning(stores: &Stores) {
    let expected = [
        group(50, "User"),
        group(500, "Developers"),
        group(750, "Maintainers"),
        group(1000, "Administrators"),
    ];
    assert_eq!(stores.accounts.groups().await.unwrap(), expected);
}

pub(super) async fn a_new_group_is_listed_in_order(stores: &Stores) {
    let added = stores.accounts.add_group(&group(100, "Operators")).await.unwrap();

    assert_eq!(added, Change::Done);
    assert_eq!(stores.accounts.groups().await.unwrap()[1], group(100, "Operators"));
}

pub(super) async fn built_in_and_taken_groups_are_refused(stores: &Stores) {
    for refused in [group(0, "Zero"), group(1, "One"), group(50, "New"), group(51, "User")] {
        assert_eq!(stores.accounts.add_group(&refused).await.unwrap(), Change::Taken);
    }
    assert_eq!(stores.accounts.groups().await.unwrap().len(), 4);
}

pub(super) async fn an_unknown_group_is_not_deleted(stores: &Stores) {
    let deleted = stores.accounts.delete_group(GroupId(51), &ADMINISTRATORS).await.unwrap();

    assert_eq!(deleted, Change::NotFound);
}
