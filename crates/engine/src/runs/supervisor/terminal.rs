//! The terminal of a run.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::io::ioctl_fionbio;
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use webscripts_domain::invocation::TerminalSize;

/// Both ends of a new terminal.
#[derive(Debug)]
pub(super) struct Terminal {
    /// The end of the supervisor; reading and writing never waits.
    pub(super) outer: OwnedFd,
    /// The end of the script.
    pub(super) inner: OwnedFd,
}

impl Terminal {
    /// Makes a terminal of this size.
    pub(super) fn new(size: TerminalSize) -> io::Result<Self> {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let outer = openpt(flags)?;
        unlockpt(&outer)?;
        // Through the descriptor: no path that another mount could have replaced.
        let inner = ioctl_tiocgptpeer(&outer, flags)?;
        ioctl_fionbio(&outer, true)?;
        resize(&outer, size)?;
        Ok(Self { outer, inner })
    }
}

/// Changes the size; programs in the foreground are told by the kernel (`SIGWINCH`).
pub(super) fn resize(outer: impl AsFd, size: TerminalSize) -> io::Result<()> {
    let TerminalSize { columns, rows } = size;
    let size = Winsize { ws_col: columns, ws_row: rows, ws_xpixel: 0, ws_ypixel: 0 };
    Ok(tcsetwinsize(outer, size)?)
}
