//! Everything below a process, and how it is ended.
//!
//! A process that is no child of ours may end at any moment, and its number may then be given to a
//! stranger. So such a process is taken hold of (pidfd) and looked at again before it gets a signal.

use std::collections::HashSet;
use std::fs;
use std::num::NonZeroI32;

use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal};

/// How often is looked for processes that began meanwhile, before all that are known are killed.
/// A frozen process begins none, so the second look usually finds nothing.
const MOST_LOOKS: usize = 64;

/// A process and its parent when it was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) pid: Pid,
    parent: Pid,
}

/// Processes that were asked to end.
#[derive(Debug, Default)]
pub(super) struct Asked(HashSet<NonZeroI32>);

impl Asked {
    fn ask(&mut self, tree: Tree, processes: &[Process]) {
        for process in processes {
            self.0.insert(process.pid.as_raw_nonzero());
            tree.send(*process, Signal::TERM);
            tree.send(*process, Signal::CONT);
        }
    }
}

/// Where to look: the children of a process, or some of them, and everything below.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tree {
    root: Pid,
    is_meant: fn(Pid) -> bool,
}

impl Tree {
    /// Everything below this process.
    pub(super) fn below_this_process() -> Self {
        Self::below_children(|_| true)
    }

    /// The children of this process for which the answer is yes, and everything below them.
    pub(super) fn below_children(is_meant: fn(Pid) -> bool) -> Self {
        Self { root: rustix::process::getpid(), is_meant }
    }

    /// The children themselves.
    pub(super) fn roots(self) -> Vec<Pid> {
        children(self.root).into_iter().filter(|pid| (self.is_meant)(*pid)).collect()
    }

    /// Asks everything to end. What is stopped is continued, or it would not notice.
    pub(super) fn terminate(self) -> Asked {
        let mut asked = Asked::default();
        let all = self.all();
        asked.ask(self, &all);
        asked
    }

    /// Asks orphans to end that were not there when everything was asked: their parent ended
    /// before it noticed them. What a process makes because it was asked is left alone.
    pub(super) fn terminate_orphans(self, asked: &mut Asked) {
        let is_new = |pid: &Pid| !asked.0.contains(&pid.as_raw_nonzero());
        if self.roots().iter().any(is_new) {
            let mut new = HashSet::new();
            let mut below_new = self.all();
            below_new.retain(|process| {
                let is_root = process.parent == self.root && is_new(&process.pid);
                let is_below = new.contains(&process.parent.as_raw_nonzero());
                (is_root || is_below) && new.insert(process.pid.as_raw_nonzero())
            });
            asked.ask(self, &below_new);
        }
    }

    /// All processes, each behind its parent. Nothing is sent before all are known: the children
    /// of a process that ends go to the root, and would be missed.
    fn all(self) -> Vec<Process> {
        let mut all = Vec::new();
        self.visit(|process| all.push(process));
        all
    }

    /// Ends everything. Each process is frozen before its children are looked up, so that none
    /// begins unseen, and killed when no new one appears.
    pub(super) fn kill(self) {
        let mut frozen = HashSet::new();
        let mut last = Vec::new();
        for _ in 0..MOST_LOOKS {
            let before = frozen.len();
            last.clear();
            self.visit(|process| {
                if frozen.insert(process.pid.as_raw_nonzero()) {
                    self.send(process, Signal::STOP);
                }
                last.push(process);
            });
            if frozen.len() == before {
                break;
            }
        }
        for process in last {
            self.send(process, Signal::KILL);
        }
    }

    /// Shows each process before its children are looked up.
    fn visit(self, mut show: impl FnMut(Process)) {
        let mut seen = HashSet::new();
        let roots = self.roots().into_iter();
        let mut waiting: Vec<Process> =
            roots.map(|pid| Process { pid, parent: self.root }).collect();
        while let Some(process) = waiting.pop() {
            if seen.insert(process.pid.as_raw_nonzero()) {
                show(process);
                let parent = process.pid;
                waiting.extend(children(parent).into_iter().map(|pid| Process { pid, parent }));
            }
        }
    }

    /// Sends to the process that was seen and to no other.
    fn send(self, process: Process, signal: Signal) {
        // A child of this process keeps its number until this process takes note of its end.
        if process.parent == self.root {
            let _ = kill_process(process.pid, signal);
            return;
        }
        let Ok(held) = pidfd_open(process.pid, PidfdFlags::empty()) else { return };
        let parent = Status::of(process.pid).and_then(|status| status.parent);
        // An orphan has been given to the root.
        if parent == Some(process.parent) || parent == Some(self.root) {
            let _ = pidfd_send_signal(held, signal);
        }
    }
}

/// What `/proc/<pid>/stat` says (proc(5)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Status {
    /// `None`: nobody that can be seen.
    pub(super) parent: Option<Pid>,
    /// The session it belongs to.
    pub(super) session: Option<Pid>,
}

impl Status {
    /// `None` if there is no such process.
    pub(super) fn of(process: Pid) -> Option<Self> {
        let stat = fs::read(format!("/proc/{}/stat", process.as_raw_nonzero())).ok()?;
        Self::parse(&stat)
    }

    /// `pid (name) state parent group session …`. The name may hold anything, parentheses among
    /// it, so what counts begins behind the last one.
    fn parse(stat: &[u8]) -> Option<Self> {
        let end = stat.iter().rposition(|byte| *byte == b')')?;
        let fields = String::from_utf8_lossy(stat.get(end + 1..)?);
        let mut fields = fields.split_ascii_whitespace();
        let _state = fields.next()?;
        let mut number = || fields.next()?.parse().ok().map(Pid::from_raw);
        let (parent, _group, session) = (number()?, number()?, number()?);
        Some(Self { parent, session })
    }
}

/// The children of all threads of a process; zombies are among them.
fn children(process: Pid) -> Vec<Pid> {
    let process_number = process.as_raw_nonzero();
    let Ok(threads) = fs::read_dir(format!("/proc/{process_number}/task")) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for thread in threads.flatten() {
        match fs::read_to_string(thread.path().join("children")) {
            Ok(numbers) => found.extend(numbers.split_ascii_whitespace().filter_map(pid)),
            // The kernel does not tell (`CONFIG_PROC_CHILDREN`), or the thread has ended.
            Err(_) if thread.path().exists() => return children_by_parent(process),
            Err(_) => {}
        }
    }
    found
}

/// The same, from a look at all processes.
fn children_by_parent(process: Pid) -> Vec<Pid> {
    let is_child =
        |pid: &Pid| Status::of(*pid).is_some_and(|status| status.parent == Some(process));
    all_processes().filter(is_child).collect()
}

/// All processes that can be seen.
pub(super) fn all_processes() -> impl Iterator<Item = Pid> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| pid(entry.file_name().to_str()?))
}

fn pid(text: &str) -> Option<Pid> {
    Pid::from_raw(text.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_read_behind_any_name() {
        let status = |parent, session| {
            let (parent, session) = (Pid::from_raw(parent), Pid::from_raw(session));
            Some(Status { parent, session })
        };

        assert_eq!(Status::parse(b"7 (sh) S 3 1 9 0"), status(3, 9));
        assert_eq!(Status::parse(b"7 (a) S 2 (b)) Z 3 1 9 0"), status(3, 9));
        assert_eq!(Status::parse(b"7 (sh) R 0 1 9 0"), status(0, 9));
        assert_eq!(Status::parse(b"7 (sh) S"), None);
        assert_eq!(Status::parse(b""), None);
    }

    #[test]
    fn both_ways_find_the_same_children() {
        let parent = rustix::process::getppid().unwrap();
        let own = rustix::process::getpid();

        assert!(children(parent).contains(&own));
        assert!(children_by_parent(parent).contains(&own));
    }
}
