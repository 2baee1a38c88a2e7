//! Limits that the kernel keeps for each process.

use std::path::Path;

use webscripts_domain::sandbox::Resources;

use super::raw::{self, Errno, Limit};
use crate::cgroup::Covered;

/// No limit (`RLIM64_INFINITY`).
const UNLIMITED: u64 = u64::MAX;
/// Against core dumps: 0 would still feed a program that the machine has for them, 1 prevents that
/// as well (core(5)), and no file is that small.
const NO_CORE: u64 = 1;

/// The limits of a run.
#[derive(Debug)]
pub(super) struct Limits(Vec<(u32, Limit)>);

impl Limits {
    /// What is not covered by a control group is limited per process. `uid`: the account of the
    /// run, whose processes are counted.
    pub(super) fn new(resources: &Resources, covered: Covered, uid: u32) -> Self {
        let memory = resources.memory_bytes.filter(|_| !covered.memory);
        let processes = resources.processes.filter(|_| !covered.processes);
        let wanted = [
            (libc::RLIMIT_CORE, Some(NO_CORE)),
            (libc::RLIMIT_AS, memory),
            (libc::RLIMIT_CPU, resources.cpu_s),
            (libc::RLIMIT_NPROC, processes.map(|limit| limit.saturating_add(tasks_of(uid)))),
            (libc::RLIMIT_NOFILE, resources.open_files),
            (libc::RLIMIT_FSIZE, resources.file_bytes),
        ];
        let limits = wanted.into_iter().filter_map(|(kind, wanted)| {
            let hard = wanted?.min(current_hard(kind));
            // A second more lets a process that handles the signal say so before it is killed.
            let most = if kind == libc::RLIMIT_CPU { hard.saturating_add(1) } else { hard };
            Some((kind, Limit { soft: hard, hard: most.min(current_hard(kind)) }))
        });
        Self(limits.collect())
    }

    /// Sets them. Async-signal-safe.
    pub(super) fn apply(&self) -> Result<(), Errno> {
        self.0.iter().try_for_each(|(kind, limit)| raw::set_limit(*kind, limit))
    }
}

fn current_hard(kind: u32) -> u64 {
    raw::limit(kind).map_or(UNLIMITED, |limit| limit.hard)
}

/// How many tasks the account has now: the kernel counts all of them, not those of a run.
fn tasks_of(uid: u32) -> u64 {
    let Ok(entries) = std::fs::read_dir("/proc") else { return 0 };
    entries
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().as_encoded_bytes().iter().all(u8::is_ascii_digit))
        .filter_map(|entry| tasks_in(&entry.path(), uid))
        .sum()
}

fn tasks_in(process: &Path, uid: u32) -> Option<u64> {
    let directory = rustix::fs::stat(process.join("task")).ok()?;
    // A directory has a link for itself, one in its parent, and one for each directory in it.
    #[expect(clippy::useless_conversion, reason = "the width differs between architectures")]
    let links = u64::from(directory.st_nlink);
    (directory.st_uid == uid).then(|| links.saturating_sub(2))
}
