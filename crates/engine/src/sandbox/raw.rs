//! The system calls of a sandbox, as the kernel takes them: no allocation, no lock, nothing that
//! would not be allowed between the clone of a process and its program (async-signal-safe).
//!
//! The functions of the C library are not used for them: some do not exist there, others
//! (`setuid`) tell all threads of the process, of which the one being made has only itself.

#![expect(unsafe_code, reason = "these system calls have no safe form elsewhere")]

use std::ffi::{c_int, c_long};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

/// The number of an error (errno(3)).
pub(super) type Errno = i32;

/// `struct landlock_ruleset_attr`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct RulesetAttributes {
    pub(super) handled_access_fs: u64,
    pub(super) handled_access_net: u64,
    pub(super) scoped: u64,
}

/// `struct landlock_path_beneath_attr`.
#[repr(C, packed)]
struct PathBeneath {
    allowed_access: u64,
    parent: c_int,
}

/// `struct landlock_net_port_attr`.
#[repr(C)]
struct NetPort {
    allowed_access: u64,
    port: u64,
}

/// `struct rlimit64` (prlimit(2)).
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limit {
    pub(super) soft: u64,
    pub(super) hard: u64,
}

/// `struct __user_cap_header_struct` (capget(2)).
#[repr(C)]
struct CapabilityHeader {
    version: u32,
    pid: c_int,
}

/// `struct __user_cap_data_struct` (capget(2)): the lower and the upper half follow each other.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct CapabilityHalf {
    pub(super) effective: u32,
    pub(super) permitted: u32,
    pub(super) inheritable: u32,
}

/// `_LINUX_CAPABILITY_VERSION_3` (capget(2)).
const CAPABILITY_VERSION: u32 = 0x2008_0522;
/// `LANDLOCK_CREATE_RULESET_VERSION`.
const RULESET_VERSION: c_long = 1;
/// `LANDLOCK_RULE_PATH_BENEATH`.
const RULE_PATH: c_long = 1;
/// `LANDLOCK_RULE_NET_PORT`.
const RULE_PORT: c_long = 2;
/// `SECCOMP_SET_MODE_FILTER`.
const SET_MODE_FILTER: c_long = 1;
/// `SECCOMP_GET_ACTION_AVAIL`.
const GET_ACTION_AVAIL: c_long = 2;

/// What the C library kept of the last error. The variable belongs to the thread.
fn errno() -> Errno {
    std::io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO)
}

fn check(result: c_long) -> Result<c_long, Errno> {
    if result < 0 { Err(errno()) } else { Ok(result) }
}

/// The version of the interface of Landlock; 0: there is none.
pub(super) fn landlock_version() -> u32 {
    // SAFETY: with this flag the call takes no structure.
    let result = unsafe {
        libc::syscall(libc::SYS_landlock_create_ruleset, 0 as c_long, 0 as c_long, RULESET_VERSION)
    };
    u32::try_from(result).unwrap_or(0)
}

/// A new rule set. `size`: how many bytes of the attributes this kernel knows.
pub(super) fn create_ruleset(
    attributes: &RulesetAttributes,
    size: usize,
) -> Result<OwnedFd, Errno> {
    let attributes: *const RulesetAttributes = attributes;
    // SAFETY: the kernel reads `size` bytes, which the callers keep within the structure.
    let result =
        unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, attributes, size, 0 as c_long) };
    let number = c_int::try_from(check(result)?).map_err(|_| libc::EIO)?;
    // SAFETY: the call succeeded: the number is a new descriptor that nothing else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Allows something to a file, or to everything beneath a directory.
pub(super) fn allow_path(
    ruleset: BorrowedFd<'_>,
    path: BorrowedFd<'_>,
    access: u64,
) -> Result<(), Errno> {
    let rule = PathBeneath { allowed_access: access, parent: path.as_raw_fd() };
    // SAFETY: the kernel reads a rule of this type, which lives until the call returns.
    let result = unsafe {
        libc::syscall(
            libc::SYS_landlock_add_rule,
            ruleset.as_raw_fd(),
            RULE_PATH,
            &raw const rule,
            0 as c_long,
        )
    };
    check(result).map(|_| ())
}

/// Allows something to a TCP port.
pub(super) fn allow_port(ruleset: BorrowedFd<'_>, port: u16, access: u64) -> Result<(), Errno> {
    let rule = NetPort { allowed_access: access, port: u64::from(port) };
    // SAFETY: the kernel reads a rule of this type, which lives until the call returns.
    let result = unsafe {
        libc::syscall(
            libc::SYS_landlock_add_rule,
            ruleset.as_raw_fd(),
            RULE_PORT,
            &raw const rule,
            0 as c_long,
        )
    };
    check(result).map(|_| ())
}

/// Puts this thread and what it starts under a rule set, for good.
pub(super) fn restrict_self(ruleset: BorrowedFd<'_>) -> Result<(), Errno> {
    // SAFETY: the call takes numbers only.
    let result = unsafe {
        libc::syscall(libc::SYS_landlock_restrict_self, ruleset.as_raw_fd(), 0 as c_long)
    };
    check(result).map(|_| ())
}

/// Whether filters of system calls can be used.
pub(super) fn has_seccomp() -> bool {
    let action: u32 = libc::SECCOMP_RET_KILL_PROCESS;
    // SAFETY: the kernel reads one action.
    let result = unsafe {
        libc::syscall(libc::SYS_seccomp, GET_ACTION_AVAIL, 0 as c_long, &raw const action)
    };
    result == 0
}

/// Puts this thread and what it starts under a filter, for good.
pub(super) fn filter_calls(program: &[libc::sock_filter]) -> Result<(), Errno> {
    let program = libc::sock_fprog {
        len: u16::try_from(program.len()).map_err(|_| libc::EINVAL)?,
        filter: program.as_ptr().cast_mut(),
    };
    // SAFETY: the kernel reads as many instructions as there are; it never writes to them.
    let result = unsafe {
        libc::syscall(libc::SYS_seccomp, SET_MODE_FILTER, 0 as c_long, &raw const program)
    };
    check(result).map(|_| ())
}

/// From now on no program gives this thread more rights than it has.
pub(super) fn no_new_privileges() -> Result<(), Errno> {
    let [one, none]: [c_long; 2] = [1, 0];
    // SAFETY: the call takes numbers only.
    let result = unsafe {
        libc::syscall(
            libc::SYS_prctl,
            c_long::from(libc::PR_SET_NO_NEW_PRIVS),
            one,
            none,
            none,
            none,
        )
    };
    check(result).map(|_| ())
}

/// Empties the set of capabilities that programs inherit without being asked.
pub(super) fn clear_ambient_capabilities() -> Result<(), Errno> {
    let none: c_long = 0;
    // SAFETY: the call takes numbers only.
    let result = unsafe {
        libc::syscall(
            libc::SYS_prctl,
            c_long::from(libc::PR_CAP_AMBIENT),
            c_long::from(libc::PR_CAP_AMBIENT_CLEAR_ALL),
            none,
            none,
            none,
        )
    };
    check(result).map(|_| ())
}

/// The capabilities of this thread.
pub(super) fn capabilities() -> Result<[CapabilityHalf; 2], Errno> {
    let mut header = CapabilityHeader { version: CAPABILITY_VERSION, pid: 0 };
    let mut halves = [CapabilityHalf::default(); 2];
    // SAFETY: the kernel writes a header and, in this version, two halves.
    let result = unsafe { libc::syscall(libc::SYS_capget, &raw mut header, halves.as_mut_ptr()) };
    check(result).map(|_| halves)
}

/// Sets the capabilities of this thread.
pub(super) fn set_capabilities(halves: &[CapabilityHalf; 2]) -> Result<(), Errno> {
    let mut header = CapabilityHeader { version: CAPABILITY_VERSION, pid: 0 };
    // SAFETY: the kernel reads two halves; it writes to the header only if the version is unknown.
    let result = unsafe { libc::syscall(libc::SYS_capset, &raw mut header, halves.as_ptr()) };
    check(result).map(|_| ())
}

/// Sets the supplementary groups of this thread.
pub(super) fn set_groups(groups: &[u32]) -> Result<(), Errno> {
    // SAFETY: the kernel reads as many numbers as there are.
    let result = unsafe { libc::syscall(libc::SYS_setgroups, groups.len(), groups.as_ptr()) };
    check(result).map(|_| ())
}

/// Sets the real, effective and saved group of this thread.
pub(super) fn set_group(gid: u32) -> Result<(), Errno> {
    // SAFETY: the call takes numbers only.
    check(unsafe { libc::syscall(libc::SYS_setresgid, gid, gid, gid) }).map(|_| ())
}

/// Sets the real, effective and saved user of this thread.
pub(super) fn set_user(uid: u32) -> Result<(), Errno> {
    // SAFETY: the call takes numbers only.
    check(unsafe { libc::syscall(libc::SYS_setresuid, uid, uid, uid) }).map(|_| ())
}

/// New files get no rights that are in this mask.
pub(super) fn set_umask(mask: u32) {
    // SAFETY: the call takes a number only. It cannot fail.
    let _ = unsafe { libc::syscall(libc::SYS_umask, mask) };
}

/// A limit of this process.
pub(super) fn limit(kind: u32) -> Result<Limit, Errno> {
    let none: c_long = 0;
    let mut limit = Limit { soft: 0, hard: 0 };
    // SAFETY: the kernel writes one limit.
    let result = unsafe { libc::syscall(libc::SYS_prlimit64, none, kind, none, &raw mut limit) };
    check(result).map(|_| limit)
}

/// Sets a limit of this process.
pub(super) fn set_limit(kind: u32, limit: &Limit) -> Result<(), Errno> {
    let none: c_long = 0;
    let limit: *const Limit = limit;
    // SAFETY: the kernel reads one limit.
    check(unsafe { libc::syscall(libc::SYS_prlimit64, none, kind, limit, none) }).map(|_| ())
}

/// Makes this process be ended before others when memory is short. Without effect where that
/// cannot be said.
pub(super) fn be_ended_first() {
    let [path, score] = [c"/proc/self/oom_score_adj", c"500"];
    let flags = c_long::from(libc::O_WRONLY | libc::O_CLOEXEC);
    let none: c_long = 0;
    // SAFETY: the path ends with a zero byte, as many bytes are read as there are, and the
    // descriptor is the one that was opened here.
    unsafe {
        let opened = libc::syscall(
            libc::SYS_openat,
            c_long::from(libc::AT_FDCWD),
            path.as_ptr(),
            flags,
            none,
        );
        if opened >= 0 {
            libc::syscall(libc::SYS_write, opened, score.as_ptr(), score.count_bytes());
            libc::syscall(libc::SYS_close, opened);
        }
    }
}
