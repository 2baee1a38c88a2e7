//! May this caller see, stop or delete this run?

use std::net::IpAddr;

use crate::catalogue::{RunRight, Script};
use crate::identity::{Caller, GroupId, Identity, UserId};
use crate::run::RunRecord;

/// What somebody may do with a run, apart from what its state allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RunRights {
    /// See that it exists, its arguments and its output, and repeat it if the script allows.
    pub view: bool,
    /// Stop it, kill it and write to its standard input.
    pub stop: bool,
    /// Delete it with its output.
    pub delete: bool,
}

impl RunRights {
    /// Everything.
    pub const ALL: Self = Self { view: true, stop: true, delete: true };
}

/// Whose run it is, and what its script says.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Who started it.
    pub user: UserId,
    /// From where.
    pub address: IpAddr,
    /// Its script as it is configured now; `None`: it is not any more.
    pub script: Option<&'a Script>,
}

impl<'a> Subject<'a> {
    /// A recorded run.
    pub fn of(record: &RunRecord, script: Option<&'a Script>) -> Self {
        Self { user: record.user, address: record.address, script }
    }

    /// Whether the caller started it. Callers who are not signed in share their numbers and are
    /// told apart by their address.
    pub fn is_own(&self, caller: &Caller) -> bool {
        caller.identity.id == self.user
            && (caller.identity.is_signed_in() || caller.address == self.address)
    }
}

/// Decides. Own runs and administrators: everything. Others: what `view_groups`, `view_users`,
/// `stop_groups` and `stop_users` of the script say; who may stop a run also sees it. The right to
/// run a script gives no right to the runs of others.
pub fn rights(caller: &Caller, run: &Subject<'_>, admin_groups: &[GroupId]) -> RunRights {
    if run.is_own(caller) || caller.identity.is_administrator(admin_groups) {
        return RunRights::ALL;
    }
    let has = |right: fn(&Script) -> &RunRight| {
        run.script.is_some_and(|script| includes(right(script), &caller.identity))
    };
    let stop = has(|script| &script.runs.stop);
    RunRights { view: stop || has(|script| &script.runs.view), stop, delete: false }
}

fn includes(right: &RunRight, user: &Identity) -> bool {
    right.users.contains(&user.id) || user.groups.iter().any(|group| right.groups.contains(group))
}

#[cfg(all(test, feature = "testkit"))]
mod tests {
    use super::*;
    use crate::testkit::{caller, script};

    const ADMINISTRATORS: [GroupId; 1] = [GroupId(1000)];
    const NOTHING: RunRights = RunRights { view: false, stop: false, delete: false };
    const VIEW: RunRights = RunRights { view: true, stop: false, delete: false };
    const VIEW_AND_STOP: RunRights = RunRights { view: true, stop: true, delete: false };

    fn shared() -> Script {
        script("x")
            .runs(|rules| {
                rules.view = RunRight { groups: vec![GroupId(60)], users: vec![UserId(7)] };
                rules.stop = RunRight { groups: vec![GroupId(70)], users: vec![UserId(8)] };
            })
            .build()
    }

    fn address(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    fn decide(caller: &Caller, user: i64, script: Option<&Script>) -> RunRights {
        let run = Subject { user: UserId(user), address: address(1), script };
        rights(caller, &run, &ADMINISTRATORS)
    }

    #[test]
    fn who_may_do_what() {
        let shared = shared();
        let someone = |id: i64, group: i64| caller("x").id(id).groups([group]).build();
        for (who, caller, with_script, without) in [
            ("the owner", someone(2, 50), RunRights::ALL, RunRights::ALL),
            ("an administrator", someone(3, 1000), RunRights::ALL, RunRights::ALL),
            ("somebody else", someone(3, 50), NOTHING, NOTHING),
            ("a larger group than that of administrators", someone(3, 1001), NOTHING, NOTHING),
            ("a group of `view_groups`", someone(3, 60), VIEW, NOTHING),
            ("a user of `view_users`", someone(7, 50), VIEW, NOTHING),
            ("a group of `stop_groups`", someone(3, 70), VIEW_AND_STOP, NOTHING),
            ("a user of `stop_users`", someone(8, 50), VIEW_AND_STOP, NOTHING),
            ("a visitor in a group of administrators", someone(0, 1000), NOTHING, NOTHING),
        ] {
            assert_eq!(decide(&caller, 2, Some(&shared)), with_script, "{who}");
            assert_eq!(decide(&caller, 2, None), without, "{who}, script not configured");
        }
    }

    #[test]
    fn visitors_are_told_apart_by_their_address() {
        for (id, identity) in [(0, Identity::not_authenticated()), (1, Identity::unknow())] {
            let from =
                |last| Caller { identity: identity.clone(), ..Caller::anonymous(address(last)) };

            assert_eq!(decide(&from(1), id, None), RunRights::ALL);
            assert_eq!(decide(&from(2), id, None), NOTHING);
            assert_eq!(decide(&from(1), 1 - id, None), NOTHING, "another kind of visitor");
        }
    }

    #[test]
    fn an_account_owns_its_runs_from_any_address() {
        let elsewhere = Caller { address: address(9), ..caller("x").id(2).build() };

        assert_eq!(decide(&elsewhere, 2, None), RunRights::ALL);
    }

    #[test]
    fn keys_without_entries_let_nobody_in() {
        let private = script("x").build();

        assert_eq!(decide(&caller("x").id(3).build(), 2, Some(&private)), NOTHING);
    }
}
