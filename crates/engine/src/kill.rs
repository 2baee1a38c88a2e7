//! The process group of a run: how its leader ended, and how the whole group is ended.
//!
//! The leader is the process the engine started; its number is the number of the group. It is
//! looked at with `WNOWAIT` and reaped only when nothing more will be sent to the group: a zombie
//! keeps its number, so a signal can never reach a stranger that got a recycled one.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::process::Child;
use std::time::Duration;

use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, kill_process_group, pidfd_open, waitid,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use webscripts_domain::run::Outcome;

use crate::descriptor::watch;

/// First pause between two looks for members of a group that is being ended.
const FIRST_PAUSE: Duration = Duration::from_millis(2);
/// Longest pause.
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// What is reported when the system does not say how a script ended.
const UNKNOWN: Outcome = Outcome::Exited(-1);

/// A process group whose leader has not been reaped.
#[derive(Debug)]
pub(crate) struct Group {
    leader: Child,
    number: Pid,
    /// Becomes readable when the leader has ended.
    ended: AsyncFd<OwnedFd>,
    reaped: bool,
}

impl Group {
    /// Watches a child that leads a process group of its own. If that fails the group is ended.
    pub(crate) fn watch(mut leader: Child) -> io::Result<Self> {
        let number = Pid::from_child(&leader);
        let ended = pidfd_open(number, PidfdFlags::NONBLOCK)
            .map_err(io::Error::from)
            .and_then(|descriptor| watch(descriptor, Interest::READABLE));
        match ended {
            Ok(ended) => Ok(Self { leader, number, ended, reaped: false }),
            Err(error) => {
                end_now(&mut leader);
                Err(error)
            }
        }
    }

    /// The number of the leader and of the group.
    pub(crate) fn number(&self) -> u32 {
        self.leader.id()
    }

    /// Ends the group at once and waits for its leader; for a run that could not be set up.
    pub(crate) fn abandon(mut self) {
        end_now(&mut self.leader);
        self.reaped = true;
    }

    /// Waits until the leader has ended; it stays a zombie. Safe to cancel and to call again.
    pub(crate) async fn ended(&mut self) -> Outcome {
        loop {
            let Ok(mut ready) = self.ended.readable().await else {
                // The runtime is being taken down; it drops this task.
                return std::future::pending().await;
            };
            match status(self.ended.get_ref()) {
                Ok(Some(outcome)) => return outcome,
                Ok(None) => ready.clear_ready(),
                Err(error) => {
                    tracing::error!(pid = self.number(), %error, "how a script ended is unknown");
                    // Something else has reaped it: its number may belong to a stranger now.
                    self.reaped = true;
                    return UNKNOWN;
                }
            }
        }
    }

    /// Asks every member to end. Stopped ones are continued, or they would not notice.
    pub(crate) fn terminate(&self) {
        self.send(Signal::TERM);
        self.send(Signal::CONT);
    }

    /// Ends every member. The kernel sends to all of them at once; a `fork` at the same moment
    /// either is a member already or fails.
    pub(crate) fn kill(&self) {
        self.send(Signal::KILL);
    }

    /// Waits until no member is alive: zombies have closed their descriptors and do nothing more.
    pub(crate) async fn gone(&mut self) {
        self.ended().await;
        let mut pause = FIRST_PAUSE;
        while self.may_have_living_members().await {
            tokio::time::sleep(pause).await;
            pause = LONGEST_PAUSE.min(pause * 2);
        }
    }

    /// Reaps the leader; afterwards its number may be used again. The group comes back if the
    /// leader has not ended.
    pub(crate) fn reap(mut self) -> Option<Self> {
        self.reaped |= match self.leader.try_wait() {
            Ok(status) => status.is_some(),
            Err(error) => {
                tracing::error!(pid = self.number(), %error, "a script could not be reaped");
                true
            }
        };
        (!self.reaped).then_some(self)
    }

    fn send(&self, signal: Signal) {
        if self.reaped {
            return;
        }
        // Members that changed their user cannot be reached: EPERM if no other is left.
        if let Err(error) = kill_process_group(self.number, signal) {
            tracing::debug!(pid = self.number(), %error, ?signal, "no process took the signal");
        }
    }

    /// There is no system call for this while the leader is a zombie. Only runs that are ended by
    /// force come here.
    async fn may_have_living_members(&self) -> bool {
        let number = self.number;
        let members = tokio::task::spawn_blocking(move || living_members(number)).await;
        // Without `/proc` the whole grace passes.
        !matches!(members, Ok(Ok(false)))
    }
}

/// Only a task that was dropped by its runtime comes here unreaped; the zombie that may be left
/// is taken by `init` when the server ends, which is then happening.
impl Drop for Group {
    fn drop(&mut self) {
        if !self.reaped {
            self.kill();
            let _ = self.leader.try_wait();
        }
    }
}

/// How the leader ended; `None` while it runs.
fn status(leader: &OwnedFd) -> rustix::io::Result<Option<Outcome>> {
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
    let Some(status) = waitid(WaitId::PidFd(leader.as_fd()), look)? else { return Ok(None) };
    Ok(match status.terminating_signal() {
        Some(signal) => Some(Outcome::Signalled(signal)),
        None => status.exit_status().map(Outcome::Exited),
    })
}

fn end_now(leader: &mut Child) {
    let _ = kill_process_group(Pid::from_child(leader), Signal::KILL);
    if let Err(error) = leader.wait() {
        tracing::error!(pid = leader.id(), %error, "a script could not be reaped");
    }
}

fn living_members(group: Pid) -> io::Result<bool> {
    for entry in std::fs::read_dir("/proc")? {
        let path = entry?.path();
        let is_process = path
            .file_name()
            .and_then(|name| name.to_str())
            .is_some_and(|name| name.bytes().all(|byte| byte.is_ascii_digit()));
        // A process that ended meanwhile cannot be read.
        if is_process
            && let Ok(stat) = std::fs::read(path.join("stat"))
            && is_living_member(&stat, group)
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Reads `/proc/<pid>/stat`: `pid (name) state parent group …` (proc(5)). The name may hold
/// anything, parentheses among it, so what counts begins behind the last one.
fn is_living_member(stat: &[u8], group: Pid) -> bool {
    let Some(end) = stat.iter().rposition(|byte| *byte == b')') else { return false };
    let fields = String::from_utf8_lossy(stat.get(end + 1..).unwrap_or_default());
    let mut fields = fields.split_ascii_whitespace();
    let is_alive = !matches!(fields.next(), None | Some("Z" | "X"));
    let member_of = fields.nth(1).and_then(|number| number.parse().ok());
    is_alive && member_of == Some(group.as_raw_nonzero().get())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_recognised_behind_any_name() {
        let group = Pid::INIT;

        assert!(is_living_member(b"7 (sh) S 3 1 9 0", group));
        assert!(is_living_member(b"7 (a) S 2 (b)) R 3 1 9 0", group));
        assert!(!is_living_member(b"7 (sh) Z 3 1 9 0", group));
        assert!(!is_living_member(b"7 (1 1 1) S 3 2 9 0", group));
        assert!(!is_living_member(b"", group));
    }
}
