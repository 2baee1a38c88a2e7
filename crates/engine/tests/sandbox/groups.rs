//! Limits of a run as a whole, kept by control groups.
//!
//! Whoever keeps a run sits in its group, so each of these tests is done by a process of its own:
//! the test program itself, started again for the one ignored test that does the work.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "the test program starts itself again, and what fails then fails the test"
)]

use std::process::Command;

use rustix::process::WaitOptions;
use webscripts_domain::sandbox::{Preset, Resources};
use webscripts_engine::cgroup::{Covered, Group, available};

use crate::fixture::{Instance, stdout};

/// Does the work of an ignored test in a process of its own.
#[track_caller]
fn in_a_process_of_its_own(test: &str) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("groups::{test}"), "--ignored", "--nocapture"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(stdout(&output).contains("1 passed"), "{output:?}");
}

/// How many processes there are in the groups of this process.
fn members() -> usize {
    let own = format!("webscripts-run-{}", std::process::id());
    let groups = std::fs::read_to_string("/proc/self/cgroup").unwrap();
    let is_member = |path: &std::path::Path| {
        let theirs = std::fs::read_to_string(path.join("cgroup")).unwrap_or_default();
        let state = std::fs::read_to_string(path.join("stat")).unwrap_or_default();
        theirs.contains(&own) && !state.contains(") Z ") && !state.is_empty()
    };
    assert!(groups.contains(&own), "{groups}");
    let entries = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let processes =
        entries.filter(|entry| entry.file_name().to_str().unwrap().parse::<u32>().is_ok());
    processes.filter(|entry| is_member(&entry.path())).count()
}

#[test]
fn a_run_as_a_whole_ends_at_its_memory() {
    in_a_process_of_its_own("keep_a_run_that_wants_more_memory");
}

#[test]
#[ignore = "started by another test, in a process of its own"]
fn keep_a_run_that_wants_more_memory() {
    if !available().memory {
        return;
    }
    let resources = Resources { memory_bytes: Some(64 * 1024 * 1024), ..Resources::default() };
    let mut group = Group::new();
    let mut instance = Instance::new(Preset::Default).limits(resources);
    instance.covered = group.limit(&resources);
    assert!(instance.covered.memory);

    // Two processes that would each be within the limit.
    let output = instance
        .sh("eat='my $x = \"x\" x (50 * 1024 * 1024); sleep 2; print \"lived\\n\"'; \
         perl -e \"$eat\" & perl -e \"$eat\" & wait");

    assert!(stdout(&output).lines().count() < 2, "{output:?}");
    assert!(group.ended_for_memory() >= 1);
    assert!(group.peak_memory().is_none_or(|peak| peak > 50 * 1024 * 1024));
    assert_eq!(group.limit(&Resources::default()), Covered::default());
    instance.covered = Covered::default();
    instance.resources = Resources::default();
    let output = instance.run("/usr/bin/perl", &["-e", "my $x = 'x' x (100 * 1024 * 1024)"]);
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn a_fork_bomb_ends() {
    in_a_process_of_its_own("keep_a_fork_bomb");
}

#[test]
#[ignore = "started by another test, in a process of its own"]
fn keep_a_fork_bomb() {
    if !available().processes {
        return;
    }
    let resources = Resources { processes: Some(30), ..Resources::default() };
    rustix::process::set_child_subreaper(Some(rustix::process::getpid())).unwrap();
    let mut group = Group::new();
    let mut instance = Instance::new(Preset::Default).limits(resources);
    instance.covered = group.limit(&resources);
    assert!(instance.covered.processes);

    // Leaves its session and its parents, ignores what can be ignored, and never stops.
    let mut bomb = instance.start(
        "exec perl -MPOSIX -e '$SIG{TERM} = \"IGNORE\"; print \"began\\n\"; close STDOUT; \
         while (1) { my $p = fork; setsid() if defined $p && !$p }'",
    );
    let mut line = String::new();
    std::io::BufRead::read_line(
        &mut std::io::BufReader::new(bomb.stdout.take().unwrap()),
        &mut line,
    )
    .unwrap();
    assert_eq!(line, "began\n");
    assert!(members() <= 31);
    assert!(group.kill());
    bomb.wait().unwrap();

    // What left its parents has come here; until it is waited for, it counts.
    while rustix::process::wait(WaitOptions::empty()).is_ok() {}
    assert_eq!(members(), 1);

    instance.covered = group.limit(&resources);
    assert!(instance.covered.processes);
    assert_eq!(stdout(&instance.sh("echo next | cat")), "next");
}

#[test]
fn a_group_is_removed_with_its_keeper() {
    in_a_process_of_its_own("keep_nothing_for_long");
}

#[test]
#[ignore = "started by another test, in a process of its own"]
fn keep_nothing_for_long() {
    let found = available();
    if !found.memory || !found.processes {
        return;
    }
    let own = || std::fs::read_to_string("/proc/self/cgroup").unwrap();
    let before = own();
    let mut group = Group::new();
    group.limit(&Resources {
        memory_bytes: Some(1 << 30),
        processes: Some(100),
        ..Resources::default()
    });
    assert_ne!(own(), before);

    drop(group);
    assert_eq!(own(), before);
}
