//! The account of a run: names become numbers before its process exists.

use std::ffi::{CStr, CString};
use std::io;
use std::time::{Duration, Instant};

use webscripts_domain::sandbox::Sandbox;

use super::capabilities::{SETGID, SETUID};
use super::raw::{self, Errno};
use super::{PrepareError, Step};

/// How long a looked-up account is used without asking again.
const FRESH: Duration = Duration::from_secs(10);
/// Most accounts kept.
const KEPT: usize = 64;
/// Most bytes of one record of the account database.
const LARGEST_RECORD: usize = 1024 * 1024;
/// Most groups of an account (`NGROUPS_MAX`).
const MOST_GROUPS: usize = 65_536;

/// Numbers of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The user.
    pub uid: u32,
    /// The primary group.
    pub gid: u32,
    /// All groups.
    pub groups: Vec<u32>,
}

impl Account {
    /// Becomes this account, for good. Async-signal-safe.
    pub(super) fn apply(&self) -> Result<(), (Step, Errno)> {
        raw::set_groups(&self.groups).map_err(|errno| (Step::Groups, errno))?;
        raw::set_group(self.gid).map_err(|errno| (Step::Group, errno))?;
        raw::set_user(self.uid).map_err(|errno| (Step::User, errno))
    }
}

/// Whether these capabilities let a process change its account.
pub(super) fn may_change(capabilities: u64) -> bool {
    let needed = 1 << SETUID | 1 << SETGID;
    capabilities & needed == needed
}

/// Looked-up accounts.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    known: Vec<Known>,
}

#[derive(Debug)]
struct Known {
    user: Option<String>,
    group: Option<String>,
    account: Account,
    at: Instant,
}

impl Accounts {
    /// The account a sandbox asks for; `None`: that of this process.
    pub(super) fn of(&mut self, sandbox: &Sandbox) -> Result<Option<Account>, PrepareError> {
        let (user, group) = (sandbox.user.as_deref(), sandbox.group.as_deref());
        if user.is_none() && group.is_none() {
            return Ok(None);
        }
        self.known.retain(|known| known.at.elapsed() < FRESH);
        let known = self
            .known
            .iter()
            .find(|known| known.user.as_deref() == user && known.group.as_deref() == group);
        if let Some(known) = known {
            return Ok(Some(known.account.clone()));
        }
        let account = look_up(user, group)?;
        if self.known.len() < KEPT {
            let (user, group) = (sandbox.user.clone(), sandbox.group.clone());
            self.known.push(Known { user, group, account: account.clone(), at: Instant::now() });
        }
        Ok(Some(account))
    }
}

fn look_up(user: Option<&str>, group: Option<&str>) -> Result<Account, PrepareError> {
    let unknown = |kind, name: &str| PrepareError::UnknownAccount { kind, name: name.to_owned() };
    let failed = |name: &str| {
        let name = name.to_owned();
        move |source| PrepareError::Account { name, source }
    };
    let own_gid = match group {
        Some(name) => {
            Some(group_number(name).map_err(failed(name))?.ok_or_else(|| unknown("group", name))?)
        }
        None => None,
    };
    let Some(name) = user else {
        let uid = rustix::process::geteuid().as_raw();
        let gid = own_gid.unwrap_or_else(|| rustix::process::getegid().as_raw());
        return Ok(Account { uid, gid, groups: vec![gid] });
    };
    let user = user_entry(name).map_err(failed(name))?.ok_or_else(|| unknown("user", name))?;
    let gid = own_gid.unwrap_or(user.gid);
    let groups = groups_of(&user.name, gid).map_err(failed(name))?;
    Ok(Account { uid: user.uid, gid, groups })
}

struct User {
    name: CString,
    uid: u32,
    gid: u32,
}

/// A user by name, or by number when no user has that name.
fn user_entry(name: &str) -> io::Result<Option<User>> {
    let Ok(text) = CString::new(name) else { return Ok(None) };
    let by_name = user_record(|entry, buffer, found| {
        #[expect(unsafe_code, reason = "the account database is behind the C library")]
        // SAFETY: the name ends with a zero byte; the record, its buffer with its true length and
        // the place for the result live until the call returns.
        unsafe {
            libc::getpwnam_r(text.as_ptr(), entry, buffer.as_mut_ptr(), buffer.len(), found)
        }
    })?;
    match (by_name, name.parse::<u32>()) {
        (None, Ok(number)) => user_record(|entry, buffer, found| {
            #[expect(unsafe_code, reason = "the account database is behind the C library")]
            // SAFETY: as above, without a name.
            unsafe {
                libc::getpwuid_r(number, entry, buffer.as_mut_ptr(), buffer.len(), found)
            }
        }),
        (by_name, _) => Ok(by_name),
    }
}

fn user_record(
    ask: impl Fn(*mut libc::passwd, &mut [libc::c_char], *mut *mut libc::passwd) -> i32,
) -> io::Result<Option<User>> {
    record(|buffer| {
        let mut entry = std::mem::MaybeUninit::<libc::passwd>::uninit();
        let mut found = std::ptr::null_mut();
        let status = ask(entry.as_mut_ptr(), buffer, &raw mut found);
        if status != 0 || found.is_null() {
            return (status, None);
        }
        #[expect(unsafe_code, reason = "the account database is behind the C library")]
        // SAFETY: the call succeeded and found something: the record is filled in, and its name is
        // a string with a final zero byte in the buffer, which lives until it is copied here.
        let user = unsafe {
            let entry = entry.assume_init_ref();
            let name = CStr::from_ptr(entry.pw_name).to_owned();
            User { name, uid: entry.pw_uid, gid: entry.pw_gid }
        };
        (0, Some(user))
    })
}

/// The number of a group by name, or the number itself when no group has that name.
fn group_number(name: &str) -> io::Result<Option<u32>> {
    let Ok(text) = CString::new(name) else { return Ok(None) };
    let by_name = record(|buffer| {
        let mut entry = std::mem::MaybeUninit::<libc::group>::uninit();
        let mut found = std::ptr::null_mut();
        #[expect(unsafe_code, reason = "the account database is behind the C library")]
        // SAFETY: the name ends with a zero byte; the record, its buffer with its true length and
        // the place for the result live until the call returns. A found record is filled in.
        unsafe {
            let (space, length) = (buffer.as_mut_ptr(), buffer.len());
            let status =
                libc::getgrnam_r(text.as_ptr(), entry.as_mut_ptr(), space, length, &raw mut found);
            let is_found = status == 0 && !found.is_null();
            (status, is_found.then(|| entry.assume_init_ref().gr_gid))
        }
    })?;
    Ok(by_name.or_else(|| name.parse().ok()))
}

/// Asks with larger buffers until the record fits.
fn record<T>(
    mut ask: impl FnMut(&mut [libc::c_char]) -> (i32, Option<T>),
) -> io::Result<Option<T>> {
    let mut buffer: Vec<libc::c_char> = vec![0; 1024];
    loop {
        let (status, found) = ask(&mut buffer);
        match status {
            0 => return Ok(found),
            libc::ERANGE if buffer.len() < LARGEST_RECORD => buffer.resize(buffer.len() * 4, 0),
            libc::EINTR => {}
            // What getpwnam(3) lists for a name that does not exist.
            libc::ENOENT | libc::ESRCH | libc::EBADF | libc::EPERM => return Ok(None),
            other => return Err(io::Error::from_raw_os_error(other)),
        }
    }
}

fn groups_of(user: &CStr, gid: u32) -> io::Result<Vec<u32>> {
    let mut groups = vec![0; 64];
    loop {
        let mut count = libc::c_int::try_from(groups.len()).unwrap_or(libc::c_int::MAX);
        #[expect(unsafe_code, reason = "the account database is behind the C library")]
        // SAFETY: the name ends with a zero byte and `count` is the length of the list.
        let result =
            unsafe { libc::getgrouplist(user.as_ptr(), gid, groups.as_mut_ptr(), &raw mut count) };
        let count = usize::try_from(count).unwrap_or_default();
        if result >= 0 {
            groups.truncate(count);
            return Ok(groups);
        }
        if groups.len() >= MOST_GROUPS {
            return Err(io::Error::other("the account has more groups than the system accepts"));
        }
        groups.resize(count.max(groups.len() * 2).min(MOST_GROUPS), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sandbox(user: &str) -> Sandbox {
        Sandbox { user: Some(user.to_owned()), ..Sandbox::default() }
    }

    #[test]
    fn a_name_becomes_numbers() {
        let account = Accounts::default().of(&sandbox("root")).unwrap().unwrap();

        assert_eq!((account.uid, account.gid), (0, 0));
        assert!(account.groups.contains(&0));
    }

    #[test]
    fn a_number_names_a_user_as_well() {
        let by_number = Accounts::default().of(&sandbox("0")).unwrap();

        assert_eq!(by_number, Accounts::default().of(&sandbox("root")).unwrap());
    }

    #[test]
    fn nobody_asked_for_changes_nothing() {
        assert_eq!(Accounts::default().of(&Sandbox::default()).unwrap(), None);
    }

    #[test]
    fn an_unknown_name_is_said() {
        let error = Accounts::default().of(&sandbox("no-such-user")).unwrap_err();

        assert_eq!(error.to_string(), "there is no user `no-such-user` on this machine");
    }

    #[test]
    fn a_group_alone_keeps_the_user() {
        let sandbox = Sandbox { group: Some("1234".to_owned()), ..Sandbox::default() };
        let uid = rustix::process::geteuid().as_raw();

        let account = Accounts::default().of(&sandbox).unwrap();

        assert_eq!(account, Some(Account { uid, gid: 1234, groups: vec![1234] }));
    }
}
