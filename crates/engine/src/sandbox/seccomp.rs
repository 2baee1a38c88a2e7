//! System calls that runs may not make.

use std::sync::Arc;

use libc::{EACCES, ENOSYS, EPERM, c_long, sock_filter};
use webscripts_domain::sandbox::{Network, Preset, Sandbox};

use super::bpf::{self, Half, OWN_ARCHITECTURE, Verdict};
use super::raw;

/// `CLONE_NEW*` (clone(2)) as far as they are bits of its flags: new namespaces.
const NEW_NAMESPACES: u32 = 0x7E02_0000;
/// `CLONE_NEWTIME`, which only `unshare` knows: for `clone` it is part of the signal.
const NEW_TIME_NAMESPACE: u32 = 0x80;
/// Types of sockets come with flags above these bits (socket(2)).
const SOCKET_TYPE: u32 = 0xF;
/// `MSG_FASTOPEN`: sending that connects as well, which Landlock does not look at.
const SENDING_CONNECTS: u32 = 0x2000_0000;
/// `MFD_NOEXEC_SEAL`: a file in memory that can never be executed.
const NEVER_EXECUTABLE: u32 = 0x8;

/// Calls that administer the machine, look into other processes, or are known more for their
/// errors than for their use in scripts.
const DANGEROUS: &[c_long] = &[
    // Mounts.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    OPEN_TREE_ATTR,
    // Files by handles, which pass by the directories they are in; watching whole file systems.
    libc::SYS_open_by_handle_at,
    libc::SYS_fanotify_init,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_acct,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    // Other processes.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_kcmp,
    libc::SYS_pidfd_getfd,
    libc::SYS_setns,
    // The kernel.
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_nfsservctl,
    // The machine.
    libc::SYS_reboot,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_vhangup,
];
/// Those that not every architecture has.
#[cfg(target_arch = "x86_64")]
const DANGEROUS_HERE: &[c_long] = &[
    libc::SYS_iopl,
    libc::SYS_ioperm,
    libc::SYS_kexec_file_load,
    libc::SYS_lookup_dcookie,
    libc::SYS_uselib,
    libc::SYS__sysctl,
];
/// Those that not every architecture has.
#[cfg(not(target_arch = "x86_64"))]
const DANGEROUS_HERE: &[c_long] = &[libc::SYS_kexec_file_load, libc::SYS_lookup_dcookie];

/// `open_tree_attr` has the same number everywhere.
const OPEN_TREE_ATTR: c_long = 467;
/// `fchmodat2` has the same number everywhere.
const FCHMODAT2: c_long = 452;
/// `setxattrat`, `removexattrat` and `file_setattr` have the same numbers everywhere.
const SETXATTRAT: c_long = 463;
const REMOVEXATTRAT: c_long = 466;
const FILE_SETATTR: c_long = 469;

/// Calls that `strict` refuses besides: what Landlock does not look at, which is changing mode,
/// owner and attributes of a file, or the times of one that is named and not open, and being told
/// the names of what is made in a directory; the kernel's log.
const STRICT: &[c_long] = &[
    libc::SYS_fchmod,
    libc::SYS_fchown,
    libc::SYS_fsetxattr,
    libc::SYS_fremovexattr,
    libc::SYS_fchmodat,
    FCHMODAT2,
    libc::SYS_fchownat,
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_removexattr,
    libc::SYS_lremovexattr,
    SETXATTRAT,
    REMOVEXATTRAT,
    FILE_SETATTR,
    libc::SYS_memfd_secret,
    libc::SYS_inotify_add_watch,
    libc::SYS_syslog,
];
/// Those that not every architecture has.
#[cfg(target_arch = "x86_64")]
const STRICT_HERE: &[c_long] = &[
    libc::SYS_chmod,
    libc::SYS_chown,
    libc::SYS_lchown,
    libc::SYS_utime,
    libc::SYS_utimes,
    libc::SYS_futimesat,
    libc::SYS_modify_ldt,
];
/// Those that not every architecture has.
#[cfg(not(target_arch = "x86_64"))]
const STRICT_HERE: &[c_long] = &[];

/// Whether filters can be used on this machine.
pub(super) fn is_available() -> bool {
    OWN_ARCHITECTURE.is_some() && raw::has_seccomp()
}

/// A compiled filter.
#[derive(Debug)]
pub(super) struct Filter(Vec<sock_filter>);

impl Filter {
    /// The program.
    pub(super) fn instructions(&self) -> &[sock_filter] {
        &self.0
    }
}

/// What filters differ in: there are at most nine, and three that only add to a common one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Kind {
    preset: Preset,
    sockets: Sockets,
    /// Without what the common filter refuses already.
    only_adds: bool,
}

/// The filter that the runs of many scripts have in common. A process that starts nothing but such
/// runs puts it on itself: they inherit it, and the kernel need not compile it for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommonFilter(Sockets);

impl CommonFilter {
    /// What runs in this sandbox inherit; `None`: they must not be started by a process with a
    /// filter.
    pub fn of(sandbox: &Sandbox) -> Option<Self> {
        (sandbox.preset != Preset::None).then(|| Self(Sockets::of(sandbox)))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sockets {
    Any,
    Local,
    LocalAndTcp,
}

/// Compiled filters.
#[derive(Debug, Default)]
pub(super) struct Filters(Vec<(Kind, Arc<Filter>)>);

impl Sockets {
    fn of(sandbox: &Sandbox) -> Self {
        match sandbox.network() {
            Network::Allowed => Self::Any,
            Network::None => Self::Local,
            Network::Ports(_) => Self::LocalAndTcp,
        }
    }
}

impl Filters {
    /// The filter of a sandbox; `None`: nothing is filtered.
    pub(super) fn of(&mut self, sandbox: &Sandbox) -> Option<Arc<Filter>> {
        let sockets = Sockets::of(sandbox);
        self.compiled(Kind { preset: sandbox.preset, sockets, only_adds: false })
    }

    /// What a sandbox refuses beyond what it inherits ([`CommonFilter::of`]); `None`: nothing.
    pub(super) fn beyond_common(&mut self, sandbox: &Sandbox) -> Option<Arc<Filter>> {
        let sockets = Sockets::of(sandbox);
        self.compiled(Kind { preset: sandbox.preset, sockets, only_adds: true })
    }

    /// A common filter; `None`: this machine has none.
    pub(super) fn common(&mut self, common: CommonFilter) -> Option<Arc<Filter>> {
        self.compiled(Kind { preset: Preset::Default, sockets: common.0, only_adds: false })
    }

    fn compiled(&mut self, kind: Kind) -> Option<Arc<Filter>> {
        let architecture = OWN_ARCHITECTURE?;
        let rules = rules(kind);
        if rules.is_empty() {
            return None;
        }
        if let Some((_, filter)) = self.0.iter().find(|(known, _)| *known == kind) {
            return Some(Arc::clone(filter));
        }
        let filter = Arc::new(Filter(bpf::program(architecture, &rules)));
        self.0.push((kind, Arc::clone(&filter)));
        Some(filter)
    }
}

fn rules(kind: Kind) -> Vec<(u32, Verdict)> {
    let mut rules = Vec::new();
    let is_common = kind.preset != Preset::None && !kind.only_adds;
    if is_common {
        refuse(&mut rules, DANGEROUS);
        refuse(&mut rules, DANGEROUS_HERE);
        rules.extend(conditional().map(numbered));
    }
    if kind.preset == Preset::Strict {
        refuse(&mut rules, STRICT);
        refuse(&mut rules, STRICT_HERE);
        rules.extend(conditional_strict().map(numbered));
    }
    if kind.only_adds {
        return rules;
    }
    if kind.sockets != Sockets::Any {
        // A ring makes system calls that no filter sees.
        if kind.preset == Preset::None {
            refuse(&mut rules, &[libc::SYS_io_uring_setup]);
        }
        rules.push(numbered((libc::SYS_socket, sockets(kind.sockets))));
    }
    if kind.sockets == Sockets::LocalAndTcp {
        rules.extend(around_ports().map(numbered));
    }
    rules
}

fn refuse(rules: &mut Vec<(u32, Verdict)>, calls: &[c_long]) {
    rules.extend(calls.iter().map(|call| numbered((*call, Verdict::Refuse(EPERM)))));
}

fn numbered((call, verdict): (c_long, Verdict)) -> (u32, Verdict) {
    (u32::try_from(call).unwrap_or(u32::MAX), verdict)
}

fn conditional() -> [(c_long, Verdict); 5] {
    let namespaces = |more| {
        let bits = NEW_NAMESPACES | more;
        Verdict::if_bits(Half::Lower(0), bits, Verdict::Refuse(EPERM), Verdict::Allow)
    };
    // Characters put into the terminal as if typed, by `TIOCSTI` or by pasting.
    let typed = [libc::TIOCSTI, libc::TIOCLINUX].map(|request| {
        #[expect(clippy::cast_possible_truncation, reason = "requests have 32 bits")]
        let request = request as u32;
        request
    });
    let refuse = Verdict::Refuse(EPERM);
    let control =
        Verdict::if_one_of(Half::Lower(1), typed.to_vec(), refuse.clone(), Verdict::Allow);
    [
        (libc::SYS_clone, namespaces(0)),
        // Its flags are in memory, where a filter cannot look; without it, programs use `clone`.
        (libc::SYS_clone3, Verdict::Refuse(ENOSYS)),
        (libc::SYS_unshare, namespaces(NEW_TIME_NAMESPACE)),
        (libc::SYS_ioctl, control),
        // 0 is the caller; others of the same account could be limited to death.
        (libc::SYS_prlimit64, Verdict::if_one_of(Half::Lower(0), vec![0], Verdict::Allow, refuse)),
    ]
}

fn conditional_strict() -> [(c_long, Verdict); 3] {
    let only = |half, values, then| Verdict::if_one_of(half, values, then, Verdict::Refuse(EPERM));
    // Asking for the current one, and the usual one.
    let personality = only(Half::Lower(0), vec![0, u32::MAX], Verdict::Allow);
    // Without a name it is about an open file.
    let no_name = only(Half::Upper(1), vec![0], Verdict::Allow);
    let in_memory =
        Verdict::if_bits(Half::Lower(1), NEVER_EXECUTABLE, Verdict::Allow, Verdict::Refuse(EPERM));
    [
        (libc::SYS_personality, personality),
        (libc::SYS_memfd_create, in_memory),
        (libc::SYS_utimensat, only(Half::Lower(1), vec![0], no_name)),
    ]
}

fn sockets(allowed: Sockets) -> Verdict {
    let [local, v4, v6] = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6].map(i32::unsigned_abs);
    let only = |half, values, then| Verdict::if_one_of(half, values, then, Verdict::Refuse(EACCES));
    let protocols = vec![0, libc::IPPROTO_TCP.unsigned_abs()];
    let protocol = only(Half::Lower(2), protocols, Verdict::Allow);
    let stream = vec![libc::SOCK_STREAM.unsigned_abs()];
    let tcp = Box::new([protocol, Verdict::Refuse(EACCES)]);
    let tcp = Verdict::IfOneOf(Half::Lower(1), SOCKET_TYPE, stream, tcp);
    let others = match allowed {
        Sockets::Any => Verdict::Allow,
        Sockets::Local => Verdict::Refuse(EACCES),
        Sockets::LocalAndTcp => only(Half::Lower(0), vec![v4, v6], tcp),
    };
    Verdict::if_one_of(Half::Lower(0), vec![local], Verdict::Allow, others)
}

/// What would reach other ports, or let others in, without the calls that Landlock looks at.
fn around_ports() -> [(c_long, Verdict); 4] {
    let sending = |flags| {
        let flags = Half::Lower(flags);
        Verdict::if_bits(flags, SENDING_CONNECTS, Verdict::Refuse(EACCES), Verdict::Allow)
    };
    [
        (libc::SYS_sendto, sending(3)),
        (libc::SYS_sendmsg, sending(2)),
        (libc::SYS_sendmmsg, sending(3)),
        // Without an address the kernel chooses a port.
        (libc::SYS_listen, Verdict::Refuse(EACCES)),
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const PRESETS: [Preset; 3] = [Preset::None, Preset::Default, Preset::Strict];
    const SOCKETS: [Sockets; 3] = [Sockets::Any, Sockets::Local, Sockets::LocalAndTcp];

    #[test]
    fn no_call_has_two_verdicts() {
        for (preset, sockets) in PRESETS.into_iter().flat_map(|p| SOCKETS.map(|s| (p, s))) {
            let rules = rules(Kind { preset, sockets, only_adds: false });
            let numbers: BTreeSet<u32> = rules.iter().map(|(number, _)| *number).collect();

            assert_eq!(numbers.len(), rules.len(), "{preset:?} {sockets:?}");
            assert!(!numbers.contains(&u32::MAX));
        }
    }

    #[test]
    fn a_filter_fits_into_what_the_kernel_accepts() {
        let mut filters = Filters::default();
        let strict = Sandbox {
            preset: Preset::Strict,
            network: Some(Network::Ports(vec![443])),
            ..Sandbox::default()
        };

        assert!(filters.of(&strict).unwrap().instructions().len() < 4096);
    }

    #[test]
    fn what_is_inherited_and_what_is_added_make_the_whole() {
        for (preset, sockets) in PRESETS.into_iter().flat_map(|p| SOCKETS.map(|s| (p, s))) {
            if preset == Preset::None {
                continue;
            }
            let numbers = |preset, only_adds| -> BTreeSet<u32> {
                let rules = rules(Kind { preset, sockets, only_adds });
                rules.into_iter().map(|(number, _)| number).collect()
            };
            let (common, added) = (numbers(Preset::Default, false), numbers(preset, true));

            assert!(common.is_disjoint(&added), "{preset:?} {sockets:?}");
            assert_eq!(&common | &added, numbers(preset, false), "{preset:?} {sockets:?}");
        }
    }

    #[test]
    fn a_filter_is_compiled_once() {
        let mut filters = Filters::default();
        let first = filters.of(&Sandbox::default()).unwrap();

        assert!(Arc::ptr_eq(&first, &filters.of(&Sandbox::default()).unwrap()));
        assert!(filters.of(&Sandbox { preset: Preset::None, ..Sandbox::default() }).is_none());
    }
}
