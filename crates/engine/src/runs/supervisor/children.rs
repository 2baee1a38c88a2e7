//! The children of a supervisor: who they are and how they end.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;
use std::time::Duration;

use rustix::io::Errno;
use webscripts_domain::run::{Outcome, Usage};

/// Bytes of a note about a signal (`struct signalfd_siginfo`).
const NOTE_BYTES: usize = 128;

/// Takes note of ends. No signal interrupts the supervisor: only ends of children are noticed, and
/// those through a descriptor.
#[derive(Debug)]
pub(super) struct Children {
    notes: OwnedFd,
}

/// What taking note of ends came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    /// Some child is left.
    Some,
    /// None is: nothing that was ever started below this process is alive.
    None,
}

/// A child has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct End {
    pub(super) pid: i32,
    pub(super) outcome: Outcome,
    pub(super) usage: Usage,
}

impl Children {
    /// Blocks every signal of this process, which must have one thread, and watches for ends. What
    /// the server ignores, because it was started with `nohup` for instance, scripts do not.
    pub(super) fn watch() -> io::Result<Self> {
        let mut set = MaybeUninit::<libc::sigset_t>::uninit();
        let flags = libc::SFD_CLOEXEC | libc::SFD_NONBLOCK;
        #[expect(unsafe_code, reason = "rustix has neither signal masks nor signal descriptors")]
        // SAFETY: the set is written before it is read, by calls that only write into it, and it
        // outlives all of them. The default action of a signal, a mask for the calling thread and a
        // descriptor touch no memory of ours; numbers that cannot be changed are refused. A descriptor that is not -1 is new and belongs to nobody else.
        let notes = unsafe {
            for signal in 1..libc::SIGRTMAX() {
                libc::signal(signal, libc::SIG_DFL);
            }
            libc::sigfillset(set.as_mut_ptr());
            if libc::sigprocmask(libc::SIG_SETMASK, set.as_ptr(), ptr::null_mut()) != 0 {
                return Err(io::Error::last_os_error());
            }
            libc::sigemptyset(set.as_mut_ptr());
            libc::sigaddset(set.as_mut_ptr(), libc::SIGCHLD);
            match libc::signalfd(-1, set.as_ptr(), flags) {
                -1 => return Err(io::Error::last_os_error()),
                descriptor => OwnedFd::from_raw_fd(descriptor),
            }
        };
        Ok(Self { notes })
    }

    /// Becomes readable when a child has ended.
    pub(super) fn notes(&self) -> BorrowedFd<'_> {
        self.notes.as_fd()
    }

    /// Forgets the notes, so that the next one is noticed.
    pub(super) fn clear_notes(&self) {
        let mut notes = [0; NOTE_BYTES];
        // One signal number, so one note at most waits.
        let _ = rustix::io::read(&self.notes, &mut notes);
    }

    /// Takes note of every child that has ended, so that its number may be used again.
    pub(super) fn reap(mut on_end: impl FnMut(End)) -> Left {
        loop {
            match wait_any() {
                Ok(Some(end)) => on_end(end),
                Ok(None) => return Left::Some,
                Err(Errno::INTR) => {}
                Err(_) => return Left::None,
            }
        }
    }
}

/// A child that has ended, `None` if all are alive, `ECHILD` if there is none. `__WALL`: also those
/// that were made to say nothing at their end.
fn wait_any() -> Result<Option<End>, Errno> {
    let mut status = 0;
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    let flags = libc::WNOHANG | libc::__WALL;
    #[expect(unsafe_code, reason = "rustix does not tell what a child has used")]
    // SAFETY: both places are valid for writes and live longer than the call; a record of numbers
    // is valid in whatever way it was filled, also with the zeros it began with.
    let (pid, usage) = unsafe {
        let pid = libc::wait4(-1, &raw mut status, flags, usage.as_mut_ptr());
        (pid, usage.assume_init())
    };
    match pid {
        -1 => Err(Errno::from_io_error(&io::Error::last_os_error()).unwrap_or(Errno::CHILD)),
        0 => Ok(None),
        pid => Ok(Some(End { pid, outcome: outcome(status), usage: used(&usage) })),
    }
}

fn outcome(status: i32) -> Outcome {
    if libc::WIFSIGNALED(status) {
        Outcome::Signalled(libc::WTERMSIG(status))
    } else {
        Outcome::Exited(libc::WEXITSTATUS(status))
    }
}

/// What the child used, and those of its children whose end it took note of.
fn used(usage: &libc::rusage) -> Usage {
    let time = |time: libc::timeval| {
        let seconds = Duration::from_secs(u64::try_from(time.tv_sec).unwrap_or(0));
        seconds + Duration::from_micros(u64::try_from(time.tv_usec).unwrap_or(0))
    };
    Usage {
        cpu: time(usage.ru_utime) + time(usage.ru_stime),
        peak_memory: u64::try_from(usage.ru_maxrss).unwrap_or(0).saturating_mul(1024),
    }
}
