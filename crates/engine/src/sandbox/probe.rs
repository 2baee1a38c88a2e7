//! What this machine can enforce.

use std::sync::OnceLock;

use webscripts_domain::sandbox::{Network, Preset, Resources, Sandbox};

use super::{account, capabilities, raw, seccomp};
use crate::cgroup;

/// What a sandbox promises and this machine cannot keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lack {
    /// Stable name, for filters on logs and audits.
    pub id: &'static str,
    /// What is not enforced and what helps, for people.
    pub text: &'static str,
}

const LANDLOCK: Lack = Lack {
    id: "landlock",
    text: "this kernel has no Landlock: scripts can read and change every file that their account \
           can, also those of the server; use Linux 5.13 or later with `landlock` among the \
           security modules",
};
const TRUNCATE: Lack = Lack {
    id: "landlock-truncate",
    text: "Landlock of this kernel does not know truncation: scripts can empty files that are out \
           of reach otherwise; use Linux 6.2 or later",
};
const PORTS: Lack = Lack {
    id: "landlock-network",
    text: "Landlock of this kernel does not know ports: scripts that may use some TCP ports can \
           use every one; use Linux 6.7 or later",
};
const DEVICES: Lack = Lack {
    id: "landlock-devices",
    text: "Landlock of this kernel does not know control calls of devices: strict scripts can send \
           them to the devices that they may open; use Linux 6.10 or later",
};
const SCOPE: Lack = Lack {
    id: "landlock-scope",
    text: "Landlock of this kernel does not know scopes: scripts can send signals to every process \
           of their account, also to the server; use Linux 6.12 or later or another `user`",
};
const SECCOMP: Lack = Lack {
    id: "seccomp",
    text: "system calls cannot be filtered here (no seccomp, or an architecture without a filter): \
           scripts can use the network and every system call that their account may use",
};
const ACCOUNT: Lack = Lack {
    id: "account",
    text: "the server may not change accounts: scripts with `user` or `group` do not start; run the \
           server as root or with CAP_SETUID and CAP_SETGID",
};
const GROUPS: Lack = Lack {
    id: "control-groups",
    text: "no control group can be made here: `memory_limit` counts for the address space of each \
           process and `process_limit` for all processes of the account (not at all for root); \
           delegate a control group with the controllers `memory` and `pids` to the server",
};

/// What the kernel offers; it is asked once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kernel {
    /// Version of the interface of Landlock; 0: none.
    pub(super) landlock: u32,
    /// Whether system calls can be filtered.
    pub(super) seccomp: bool,
}

/// Asks the kernel, the first time.
pub(super) fn kernel() -> Kernel {
    static KERNEL: OnceLock<Kernel> = OnceLock::new();
    *KERNEL.get_or_init(|| Kernel {
        landlock: raw::landlock_version(),
        seccomp: seccomp::is_available(),
    })
}

/// What this machine cannot enforce of a sandbox and of limits; empty: everything is enforced.
///
/// Asks for the control groups each time; not for the path of a request.
pub fn lacks(sandbox: &Sandbox, resources: &Resources) -> Vec<Lack> {
    let mut lacks = lacks_of(sandbox, kernel(), account::may_change(capabilities::effective()));
    let wanted = resources.memory_bytes.is_some() || resources.processes.is_some();
    if wanted && !cgroup::available().covers(resources) {
        lacks.push(GROUPS);
    }
    lacks
}

/// What the kernel and the rights of this process cannot enforce of a sandbox.
pub(super) fn lacks_of(sandbox: &Sandbox, kernel: Kernel, may_change_account: bool) -> Vec<Lack> {
    let files = sandbox.preset != Preset::None;
    let network = sandbox.network();
    let ports = matches!(network, Network::Ports(_));
    let filtered = files || network != Network::Allowed;
    let account = sandbox.user.is_some() || sandbox.group.is_some();
    [
        (files && kernel.landlock == 0, LANDLOCK),
        (files && (1..3).contains(&kernel.landlock), TRUNCATE),
        (ports && kernel.landlock < 4, PORTS),
        (sandbox.preset == Preset::Strict && (1..5).contains(&kernel.landlock), DEVICES),
        (files && (1..6).contains(&kernel.landlock), SCOPE),
        (filtered && !kernel.seccomp, SECCOMP),
        (account && !may_change_account, ACCOUNT),
    ]
    .into_iter()
    .filter_map(|(is_lacking, lack)| is_lacking.then_some(lack))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CURRENT: Kernel = Kernel { landlock: 6, seccomp: true };

    fn ids(sandbox: &Sandbox, kernel: Kernel) -> Vec<&'static str> {
        lacks_of(sandbox, kernel, false).iter().map(|lack| lack.id).collect()
    }

    fn preset(preset: Preset) -> Sandbox {
        Sandbox { preset, ..Sandbox::default() }
    }

    #[test]
    fn a_current_kernel_lacks_nothing() {
        for each in [Preset::None, Preset::Default, Preset::Strict] {
            assert_eq!(ids(&preset(each), CURRENT), [""; 0]);
        }
    }

    #[test]
    fn older_kernels_lack_what_came_later() {
        let kernel = |landlock| Kernel { landlock, seccomp: true };
        let ports = Sandbox { network: Some(Network::Ports(vec![443])), ..preset(Preset::Strict) };

        assert_eq!(ids(&ports, kernel(5)), ["landlock-scope"]);
        assert_eq!(ids(&ports, kernel(4)), ["landlock-devices", "landlock-scope"]);
        assert_eq!(
            ids(&ports, kernel(2)),
            ["landlock-truncate", "landlock-network", "landlock-devices", "landlock-scope"],
        );
        assert_eq!(ids(&ports, kernel(0)), ["landlock", "landlock-network"]);
    }

    #[test]
    fn a_script_without_a_sandbox_needs_nothing_of_the_kernel() {
        let kernel = Kernel { landlock: 0, seccomp: false };

        assert_eq!(ids(&preset(Preset::None), kernel), [""; 0]);
        assert_eq!(ids(&preset(Preset::Default), kernel), ["landlock", "seccomp"]);
    }

    #[test]
    fn another_account_needs_rights_of_the_server() {
        let sandbox = Sandbox { user: Some("backup".to_owned()), ..preset(Preset::None) };

        assert_eq!(ids(&sandbox, CURRENT), ["account"]);
        assert_eq!(lacks_of(&sandbox, CURRENT, true), []);
    }
}
