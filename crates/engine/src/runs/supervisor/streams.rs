//! The descriptors between a supervisor and a script.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{Gid, Uid, fchown};
use rustix::io::ioctl_fionbio;
use rustix::pipe::{PipeFlags, pipe_with};
use webscripts_domain::invocation::TerminalSize;

use super::input::Sink;
use super::terminal::Terminal;
use crate::sandbox::Account;

/// The descriptors of both sides.
#[derive(Debug)]
pub(super) struct Streams {
    /// Of the script.
    pub(super) inner: Inner,
    /// Where input goes; `None`: the script has nothing to read.
    pub(super) stdin: Option<Sink>,
    /// Where output comes from.
    pub(super) stdout: OwnedFd,
    /// Where errors come from; those of a terminal come with the output.
    pub(super) stderr: Option<OwnedFd>,
    /// To change the size of the terminal.
    pub(super) terminal: Option<OwnedFd>,
}

/// The side of the script; closed as soon as it runs.
#[derive(Debug)]
pub(super) enum Inner {
    Pipes { stdin: Option<OwnedFd>, stdout: OwnedFd, stderr: OwnedFd },
    Terminal(OwnedFd),
}

impl Streams {
    /// Pipes, or a terminal of this size. They belong to `account`, so that the script can open
    /// them by their names.
    pub(super) fn new(
        terminal: Option<TerminalSize>,
        has_input: bool,
        account: Option<&Account>,
    ) -> io::Result<Self> {
        let streams = match terminal {
            Some(size) => Self::terminal(size)?,
            None => Self::pipes(has_input)?,
        };
        if let Some(account) = account {
            streams.inner.give_to(account)?;
        }
        Ok(streams)
    }

    fn terminal(size: TerminalSize) -> io::Result<Self> {
        let Terminal { outer, inner } = Terminal::new(size)?;
        Ok(Self {
            inner: Inner::Terminal(inner),
            stdin: Some(Sink::Terminal(outer.try_clone()?)),
            stdout: outer.try_clone()?,
            stderr: None,
            terminal: Some(outer),
        })
    }

    fn pipes(has_input: bool) -> io::Result<Self> {
        let (stdout, inner_stdout) = pipe_with(PipeFlags::CLOEXEC)?;
        let (stderr, inner_stderr) = pipe_with(PipeFlags::CLOEXEC)?;
        let (inner_stdin, stdin) = if has_input {
            let (inner, outer) = pipe_with(PipeFlags::CLOEXEC)?;
            ioctl_fionbio(&outer, true)?;
            (Some(inner), Some(Sink::Pipe(outer)))
        } else {
            (None, None)
        };
        let inner = Inner::Pipes { stdin: inner_stdin, stdout: inner_stdout, stderr: inner_stderr };
        Ok(Self { inner, stdin, stdout, stderr: Some(stderr), terminal: None })
    }
}

impl Inner {
    /// Standard input, output and error; `nothing` in place of an input that there is not.
    pub(super) fn descriptors<'a>(&'a self, nothing: &'a OwnedFd) -> [BorrowedFd<'a>; 3] {
        match self {
            Self::Pipes { stdin, stdout, stderr } => {
                [stdin.as_ref().unwrap_or(nothing).as_fd(), stdout.as_fd(), stderr.as_fd()]
            }
            Self::Terminal(terminal) => [terminal.as_fd(); 3],
        }
    }

    fn give_to(&self, account: &Account) -> io::Result<()> {
        let (owner, group) = (Uid::from_raw(account.uid), Gid::from_raw(account.gid));
        let descriptors = match self {
            Self::Pipes { stdin, stdout, stderr } => {
                vec![stdin.as_ref(), Some(stdout), Some(stderr)]
            }
            Self::Terminal(terminal) => vec![Some(terminal)],
        };
        for descriptor in descriptors.into_iter().flatten() {
            fchown(descriptor, Some(owner), Some(group))?;
        }
        Ok(())
    }
}
