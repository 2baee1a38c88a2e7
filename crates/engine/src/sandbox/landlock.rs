//! Rule sets of Landlock: what is handled by which version, and what a rule grants.

use std::ops::BitOr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use super::raw::{self, Errno, RulesetAttributes};

/// Rights to files and directories (`LANDLOCK_ACCESS_FS_*`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Rights(u64);

impl Rights {
    const EXECUTE: Self = Self(1);
    const WRITE_FILE: Self = Self(1 << 1);
    const READ_FILE: Self = Self(1 << 2);
    /// Listing directories.
    pub(super) const LIST: Self = Self(1 << 3);
    /// Removing and making everything but devices (bits 6 and 11), and moving it (13).
    const CHANGE_DIRECTORY: Self =
        Self(1 << 4 | 1 << 5 | 1 << 7 | 1 << 8 | 1 << 9 | 1 << 10 | 1 << 12 | 1 << 13);
    const TRUNCATE: Self = Self(1 << 14);
    const CONTROL_DEVICE: Self = Self(1 << 15);
    const EVERY: Self = Self((1 << 16) - 1);
    /// What can be granted for something that is not a directory.
    const OF_FILES: Self = Self(1 | 1 << 1 | 1 << 2 | 1 << 14 | 1 << 15);

    /// Reading files without executing them.
    pub(super) const READ: Self = Self::READ_FILE.or(Self::LIST);
    /// Reading, listing and executing.
    pub(super) const USE: Self = Self::READ.or(Self::EXECUTE);
    /// Reading and changing without executing.
    pub(super) const KEEP: Self = Self::DEVICE.or(Self::LIST).or(Self::CHANGE_DIRECTORY);
    /// Opening a device for everything.
    pub(super) const DEVICE: Self =
        Self::READ_FILE.or(Self::WRITE_FILE).or(Self::TRUNCATE).or(Self::CONTROL_DEVICE);
    /// Everything but making devices.
    pub(super) const ALL: Self = Self::USE.or(Self::KEEP);

    const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The rights that are in both.
    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl BitOr for Rights {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.or(other)
    }
}

/// `LANDLOCK_ACCESS_NET_*`: binding and connecting TCP sockets.
const BIND_AND_CONNECT: u64 = 1 | 1 << 1;
const CONNECT: u64 = 1 << 1;
/// `LANDLOCK_SCOPE_*`: abstract sockets and signals of processes outside.
const SOCKETS_AND_SIGNALS: u64 = 1 | 1 << 1;

/// A rule set that is being filled.
#[derive(Debug)]
pub(super) struct Ruleset {
    descriptor: OwnedFd,
    handled: Rights,
}

impl Ruleset {
    /// An empty one: everything that this version knows is denied. `files`, `network`: whether it
    /// is about them at all.
    pub(super) fn new(version: u32, files: bool, network: bool) -> Result<Self, Errno> {
        let known = match version {
            1 => Rights(Rights::EVERY.0 >> 3),
            2 => Rights(Rights::EVERY.0 >> 2),
            3 | 4 => Rights(Rights::EVERY.0 >> 1),
            _ => Rights::EVERY,
        };
        let handled = if files { known } else { Rights(0) };
        let attributes = RulesetAttributes {
            handled_access_fs: handled.0,
            handled_access_net: if network && version >= 4 { BIND_AND_CONNECT } else { 0 },
            scoped: if files && version >= 6 { SOCKETS_AND_SIGNALS } else { 0 },
        };
        let size = match version {
            0..4 => 8,
            4 | 5 => 16,
            _ => size_of::<RulesetAttributes>(),
        };
        Ok(Self { descriptor: raw::create_ruleset(&attributes, size)?, handled })
    }

    /// Grants rights to what a descriptor names and, if that is a directory, to everything in it.
    /// What cannot be granted is left out: the descriptor may be of a file system that has no
    /// rules.
    pub(super) fn allow(&self, path: BorrowedFd<'_>, is_directory: bool, rights: Rights) {
        let possible = if is_directory { Rights::EVERY } else { Rights::OF_FILES };
        let rights = rights.and(possible).and(self.handled);
        if rights != Rights(0) {
            // Nothing granted is the safe side.
            let _ = raw::allow_path(self.descriptor.as_fd(), path, rights.0);
        }
    }

    /// Lets TCP sockets connect to a port.
    pub(super) fn allow_connecting(&self, port: u16) -> Result<(), Errno> {
        raw::allow_port(self.descriptor.as_fd(), port, CONNECT)
    }

    /// The descriptor of the finished set.
    pub(super) fn finish(self) -> OwnedFd {
        self.descriptor
    }
}
