//! Control groups: limits of a run as a whole, and an end that nothing in it can prevent.
//!
//! The process that keeps a run sits in the group itself, so that what it starts is there from the
//! first moment. Moving a process between groups waits for every processor (4 to 140 ms measured,
//! unless somebody else has just moved one), so it moves once, when the first limit asks for it,
//! and stays: the next run changes numbers only. A group holds one run at a time, and its keeper.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

use rustix::process::{Pid, Signal, kill_process};
use webscripts_domain::sandbox::Resources;

mod hierarchy;

use hierarchy::{Hierarchies, Hierarchy, Version};
pub use hierarchy::{available, prepare_server};

/// How the names of our groups begin; the number of their keeper follows.
const PREFIX: &str = "webscripts-run-";
/// The keeper itself.
const KEEPER_PROCESSES: u64 = 1;
/// What the keeper may use of the memory of its group.
const KEEPER_BYTES: u64 = 4 * 1024 * 1024;
/// How often the members of a group are looked for until none is left.
const ROUNDS: u32 = 200;

/// Which limits a control group keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Covered {
    /// `memory_limit`.
    pub memory: bool,
    /// `process_limit`.
    pub processes: bool,
}

impl Covered {
    /// Whether everything that is limited is covered.
    pub fn covers(self, resources: &Resources) -> bool {
        (self.memory || resources.memory_bytes.is_none())
            && (self.processes || resources.processes.is_none())
    }
}

/// The control group of the process that keeps runs, made when a limit asks for it and removed
/// when this is dropped.
#[derive(Debug, Default)]
pub struct Group {
    found: Option<Hierarchies>,
    memory: Option<Member>,
    processes: Option<Member>,
    limits: Limits,
}

/// What is written in the group now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Limits {
    memory_bytes: Option<u64>,
    processes: Option<u64>,
}

impl Group {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the limits of the next run, before its process is made. Says what is kept; the rest
    /// has to be limited per process.
    pub fn limit(&mut self, resources: &Resources) -> Covered {
        let wanted =
            Limits { memory_bytes: resources.memory_bytes, processes: resources.processes };
        if wanted != self.limits
            && let Err(error) = self.set(wanted)
        {
            tracing::warn!(%error, "the limits of a control group could not be set");
        }
        Covered {
            memory: wanted.memory_bytes.is_some()
                && wanted.memory_bytes == self.limits.memory_bytes,
            processes: wanted.processes.is_some() && wanted.processes == self.limits.processes,
        }
    }

    fn set(&mut self, wanted: Limits) -> io::Result<()> {
        let found = self.found.get_or_insert_with(Hierarchies::find);
        if wanted.memory_bytes.is_some() && self.memory.is_none() {
            self.memory = found.memory.as_ref().map(Member::join).transpose()?;
        }
        if wanted.processes.is_some() && self.processes.is_none() {
            self.processes = found.processes.as_ref().map(Member::join).transpose()?;
        }
        if let Some(group) = &self.memory
            && wanted.memory_bytes != self.limits.memory_bytes
        {
            group.limit_memory(wanted.memory_bytes)?;
            self.limits.memory_bytes = wanted.memory_bytes;
        }
        if let Some(group) = &self.processes
            && wanted.processes != self.limits.processes
        {
            group.limit_processes(wanted.processes)?;
            self.limits.processes = wanted.processes;
        }
        Ok(())
    }

    /// Ends every process of the group but this one; false if there is no group that holds them.
    /// What is ended has to be waited for as ever. Afterwards the group is used again.
    ///
    /// Where the kernel cannot end a group at once, its members are first kept from making others.
    pub fn kill(&mut self) -> bool {
        let Some(group) = self.processes.as_ref().or(self.memory.as_ref()) else { return false };
        let is_ended = group.kill();
        if self.processes.is_some() {
            // The limit that kept them from multiplying is not the one of the next run.
            self.limits.processes = None;
        }
        is_ended
    }

    /// How many bytes the group has used at most since its limit was set, with the files it read
    /// and wrote as far as they were kept in memory; `None` if that is not counted.
    pub fn peak_memory(&self) -> Option<u64> {
        let group = self.memory.as_ref()?;
        let name = match group.version {
            Version::One => "memory.max_usage_in_bytes",
            Version::Two => "memory.peak",
        };
        std::fs::read_to_string(group.path.join(name)).ok()?.trim().parse().ok()
    }

    /// How many processes of the group were ended because its memory was used up, ever.
    pub fn ended_for_memory(&self) -> u64 {
        let Some(group) = &self.memory else { return 0 };
        let name = match group.version {
            Version::One => "memory.oom_control",
            Version::Two => "memory.events",
        };
        let text = std::fs::read_to_string(group.path.join(name)).unwrap_or_default();
        text.lines()
            .find_map(|line| line.strip_prefix("oom_kill "))
            .and_then(|count| count.trim().parse().ok())
            .unwrap_or(0)
    }
}

/// A group of ours in one hierarchy.
#[derive(Debug)]
struct Member {
    version: Version,
    path: PathBuf,
    /// Where this process was before.
    home: PathBuf,
}

impl Member {
    fn join(hierarchy: &Hierarchy) -> io::Result<Self> {
        let path = hierarchy.base.join(format!("{PREFIX}{}", std::process::id()));
        let member = Self { version: hierarchy.version, path, home: hierarchy.home.clone() };
        // Between the two, a server that starts may take it for one that was left behind.
        member.make().and_then(|()| member.enter()).or_else(|_| {
            member.make()?;
            member.enter()
        })?;
        Ok(member)
    }

    fn make(&self) -> io::Result<()> {
        match std::fs::create_dir(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => Ok(()),
        }
    }

    fn enter(&self) -> io::Result<()> {
        write(&self.path, "cgroup.procs", "0")
    }

    fn limit_memory(&self, bytes: Option<u64>) -> io::Result<()> {
        let bytes = bytes.map(|bytes| bytes.saturating_add(KEEPER_BYTES));
        match self.version {
            Version::One => {
                let limit = bytes.map_or_else(|| "-1".to_owned(), |bytes| bytes.to_string());
                // Memory with swap may not be less than memory; it does not exist without swap.
                let _ = write(&self.path, "memory.memsw.limit_in_bytes", "-1");
                write(&self.path, "memory.limit_in_bytes", &limit)?;
                let _ = write(&self.path, "memory.memsw.limit_in_bytes", &limit);
                let _ = write(&self.path, "memory.max_usage_in_bytes", "0");
                Ok(())
            }
            Version::Two => {
                let swap = if bytes.is_some() { "0" } else { "max" };
                let limit = bytes.map_or_else(|| "max".to_owned(), |bytes| bytes.to_string());
                let _ = write(&self.path, "memory.swap.max", swap);
                write(&self.path, "memory.max", &limit)
            }
        }
    }

    fn limit_processes(&self, processes: Option<u64>) -> io::Result<()> {
        let limit = processes.map(|processes| processes.saturating_add(KEEPER_PROCESSES));
        let limit = limit.map_or_else(|| "max".to_owned(), |limit| limit.to_string());
        write(&self.path, "pids.max", &limit)
    }

    fn kill(&self) -> bool {
        if self.version == Version::Two && write(&self.home, "cgroup.procs", "0").is_ok() {
            let is_ended = write(&self.path, "cgroup.kill", "1").is_ok();
            let is_back = self.enter();
            if let Err(error) = is_back {
                tracing::warn!(%error, "a control group could not be entered again");
            }
            if is_ended {
                return true;
            }
        }
        // Nothing here exists in a hierarchy that does not count processes.
        let _ = write(&self.path, "pids.max", "0");
        let mut ended = HashSet::from([rustix::process::getpid()]);
        (0..ROUNDS).any(|_| self.end_others(&mut ended) == 0)
    }

    /// Sends KILL to every member that is not among those, adds it, and says how many there were.
    /// Members that have ended stay until somebody has waited for them.
    fn end_others(&self, ended: &mut HashSet<Pid>) -> usize {
        let text = std::fs::read_to_string(self.path.join("cgroup.procs")).unwrap_or_default();
        text.lines()
            .filter_map(|line| Pid::from_raw(line.trim().parse().ok()?))
            .filter(|member| ended.insert(*member))
            .filter(|member| kill_process(*member, Signal::KILL).is_ok())
            .count()
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        // What cannot be removed now, because something in it is still alive, is removed when the
        // next server starts.
        let _ = write(&self.home, "cgroup.procs", "0");
        let _ = std::fs::remove_dir(&self.path);
    }
}

/// Files of groups take a value in one piece.
fn write(group: &Path, name: &str, value: &str) -> io::Result<()> {
    use std::io::Write;
    std::fs::OpenOptions::new().write(true).open(group.join(name))?.write_all(value.as_bytes())
}
