//! Processes of a run whose supervisor has died.
//!
//! They become children of the server, if that started the supervisor; it is a subreaper. They
//! are told from other children by their session: every script begins one, no process can enter
//! that of the server, and everything the server starts itself is either in it or a supervisor.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::{
    Pid, PidfdFlags, Signal, WaitOptions, getpid, pidfd_open, pidfd_send_signal, waitpid,
};

use webscripts_domain::run::RunId;

use super::descendants::{Status, Tree, all_processes};
use super::record::{RUN_VARIABLE, SCRATCH};
use crate::place::remove_place;

/// Supervisors that this process has started and whose end it has not taken note of.
static SUPERVISORS: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());
/// How often is looked again for what is left.
const MOST_LOOKS: u32 = 1000;
/// Time between two looks.
const PAUSE: Duration = Duration::from_millis(5);
/// Most bytes of an environment that are read.
const LONGEST_ENVIRONMENT: u64 = 4 << 20;

/// The register of supervisors. Held while one is started, so that none is unknown.
pub(super) fn supervisors() -> MutexGuard<'static, BTreeSet<i32>> {
    SUPERVISORS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends every process that a dead supervisor left to this process. Blocks until none is left.
pub(super) fn end_adopted() {
    let adopted = Tree::below_children(is_adopted);
    for _ in 0..MOST_LOOKS {
        for child in adopted.roots() {
            let _ = waitpid(Some(child), WaitOptions::NOHANG);
        }
        if adopted.roots().is_empty() {
            return;
        }
        adopted.kill();
        pause();
    }
    tracing::error!("processes of a run whose supervisor died could not be ended");
}

fn is_adopted(child: Pid) -> bool {
    if supervisors().contains(&child.as_raw_nonzero().get()) {
        return false;
    }
    // The server's own session may have begun outside its pid namespace: then it has no number
    // here (and `getsid` of rustix panics), while every session of a script has one.
    let session = |process| Status::of(process).and_then(|status| status.session);
    let (own, of_child) = (session(getpid()), session(child));
    of_child.is_some() && of_child != own
}

/// Ends every process that says it belongs to this run, whose supervisor was started by another
/// server and is dead. Blocks until none is left.
pub(super) fn end_marked(run: RunId) {
    let mark = format!("{RUN_VARIABLE}={run}");
    for _ in 0..MOST_LOOKS {
        let marked: Vec<Pid> = all_processes().filter(|pid| is_marked(*pid, &mark)).collect();
        if marked.is_empty() {
            return;
        }
        let signals = [Signal::STOP, Signal::KILL];
        for (signal, pid) in
            signals.iter().flat_map(|signal| marked.iter().map(|pid| (*signal, *pid)))
        {
            let Ok(held) = pidfd_open(pid, PidfdFlags::empty()) else { continue };
            if is_marked(pid, &mark) {
                let _ = pidfd_send_signal(held, signal);
            }
        }
        pause();
    }
    tracing::error!(%run, "processes of a lost run could not be ended");
}

/// Removes what supervisors that are dead left of the directories in which their runs worked.
/// `runs`: the directory of all runs.
pub(super) fn sweep_scratch(runs: &Path) {
    for entry in fs::read_dir(runs.join(SCRATCH)).into_iter().flatten().flatten() {
        let number = entry.file_name().to_str().and_then(|name| name.parse().ok());
        let is_dead = number.and_then(Pid::from_raw).is_none_or(|pid| Status::of(pid).is_none());
        if is_dead && let Err(error) = remove_place(&entry.path()) {
            tracing::warn!(path = %entry.path().display(), %error, "old files stay");
        }
    }
}

/// Whether the environment of a process says that it belongs to the run. Zombies have none.
fn is_marked(process: Pid, mark: &str) -> bool {
    if process == getpid() {
        return false;
    }
    let mut environment = Vec::new();
    let path = format!("/proc/{}/environ", process.as_raw_nonzero());
    let read = fs::File::open(path)
        .and_then(|file| file.take(LONGEST_ENVIRONMENT).read_to_end(&mut environment));
    read.is_ok() && environment.split(|byte| *byte == 0).any(|each| each == mark.as_bytes())
}

#[expect(clippy::disallowed_methods, reason = "runs on a thread for work that blocks")]
fn pause() {
    std::thread::sleep(PAUSE);
}
