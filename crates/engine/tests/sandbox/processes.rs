//! Other processes: those of the server, and those of nobody.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::os::unix::process::ExitStatusExt;

use libc::c_long;
use webscripts_domain::sandbox::Preset;

use crate::fixture::{Instance, Outsider, SECRET, call, is_root, stdout};

/// An account without rights that is the same for the run and for a process outside: only the
/// sandbox is between them.
const SAME: u32 = 65_534;

fn of_the_same_account(preset: Preset) -> (Instance, Outsider) {
    let mut instance = Instance::new(preset);
    instance.must_be_enforced();
    if is_root() {
        instance.sandbox.user = Some(SAME.to_string());
        instance.sandbox.group = Some(SAME.to_string());
        (instance, Outsider::of(SAME))
    } else {
        (instance, Outsider::new())
    }
}

#[test]
fn memory_and_environment_of_other_processes_cannot_be_read() {
    let look = |instance: &Instance, outsider: &Outsider, file: &str| {
        stdout(
            &instance.sh(&format!("head -c 4096 /proc/{}/{file} | tr '\\0' ' '", outsider.pid())),
        )
    };
    let (open, outsider) = of_the_same_account(Preset::None);
    assert!(look(&open, &outsider, "environ").contains(SECRET));

    for preset in [Preset::Default, Preset::Strict] {
        let (instance, outsider) = of_the_same_account(preset);
        for file in ["environ", "maps", "mem", "auxv", "stack", "fd/0", "root/etc/passwd", "cwd/x"]
        {
            assert_eq!(look(&instance, &outsider, file), "", "{file}");
        }
    }
}

#[test]
fn memory_and_environment_of_the_server_cannot_be_read_by_root_either() {
    let instance = Instance::new(Preset::Default);
    let server = std::process::id();

    for file in ["environ", "mem", "maps", "root/etc/passwd", "fd/0"] {
        let output = instance.sh(&format!("head -c 1 /proc/{server}/{file}"));
        assert_eq!(stdout(&output), "", "{file}");
    }
}

#[test]
fn other_processes_get_no_signals() {
    let kill = |preset, signal: i32| {
        let (instance, outsider) = of_the_same_account(preset);
        let pid = c_long::from(outsider.pid());
        instance.attempt(move || {
            call(libc::SYS_kill, [pid, c_long::from(signal), 0, 0, 0, 0]).map(|_| ())
        })
    };

    assert_eq!(kill(Preset::None, libc::SIGWINCH), Ok(()));
    for preset in [Preset::Default, Preset::Strict] {
        for signal in [0, libc::SIGTERM, libc::SIGKILL, libc::SIGSTOP] {
            assert_eq!(kill(preset, signal), Err(libc::EPERM));
        }
    }
}

#[test]
fn the_process_that_keeps_the_run_gets_no_signals() {
    for preset in [Preset::Default, Preset::Strict] {
        let output = Instance::new(preset).sh("kill -9 $PPID");
        assert!(!output.status.success());
        assert_eq!(output.status.signal(), None);
    }
}

#[test]
fn a_signal_to_everybody_reaches_the_run_alone() {
    let (instance, outsider) = of_the_same_account(Preset::Default);

    let output = instance.sh("sleep 60 & kill -9 -1; wait; echo left");

    assert_eq!(stdout(&output), "left");
    assert!(outsider.is_alive());
}

#[test]
fn own_children_get_signals() {
    for preset in [Preset::Default, Preset::Strict] {
        let output = Instance::new(preset).sh("sleep 60 & kill -9 $!; wait $!; echo $?");
        assert_eq!(stdout(&output), "137");
    }
}

#[test]
fn limits_of_other_processes_cannot_be_set() {
    const NONE: [u64; 2] = [0, 0];
    let limit = |preset| {
        let (instance, outsider) = of_the_same_account(preset);
        let pid = c_long::from(outsider.pid());
        let kind = c_long::from(libc::RLIMIT_CORE);
        instance.attempt(move || {
            call(libc::SYS_prlimit64, [pid, kind, NONE.as_ptr() as c_long, 0, 0, 0]).map(|_| ())
        })
    };

    assert_eq!(limit(Preset::None), Ok(()));
    assert_eq!(limit(Preset::Default), Err(libc::EPERM));
    assert_eq!(limit(Preset::Strict), Err(libc::EPERM));
    assert_eq!(stdout(&Instance::new(Preset::Strict).sh("ulimit -n 9; ulimit -n")), "9");
}

#[test]
fn other_processes_cannot_be_made_the_first_to_end() {
    let prefer = |preset| {
        let (instance, outsider) = of_the_same_account(preset);
        let path = format!("/proc/{}/oom_score_adj", outsider.pid());
        instance.sh(&format!("echo 1000 > {path}"));
        std::fs::read_to_string(path).unwrap().trim().to_owned()
    };

    assert_eq!(prefer(Preset::None), "1000");
    assert_ne!(prefer(Preset::Default), "1000");
    assert_ne!(prefer(Preset::Strict), "1000");
}

#[test]
fn abstract_sockets_of_others_cannot_be_reached() {
    let name = format!("webscripts-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let _listener = UnixListener::bind_addr(&address).unwrap();
    let line = format!(
        "perl -MSocket -e 'socket(S, AF_UNIX, SOCK_STREAM, 0) or exit 2; \
         exit !connect(S, pack(\"Sa*\", AF_UNIX, \"\\0{name}\"))'"
    );

    assert_eq!(Instance::new(Preset::None).sh(&line).status.code(), Some(0));
    assert_eq!(Instance::new(Preset::Default).sh(&line).status.code(), Some(1));
    assert_eq!(Instance::new(Preset::Strict).sh(&line).status.code(), Some(1));
}

#[test]
fn setuid_programs_give_nothing() {
    for preset in [Preset::None, Preset::Default, Preset::Strict] {
        let output = Instance::new(preset)
            .sh("perl -e 'open F, \"<\", \"/dev/null\"; print syscall(157, 39, 0, 0, 0, 0)'");
        assert_eq!(stdout(&output), "1", "no_new_privs is not set: {output:?}");
    }
}

#[test]
fn a_setuid_program_of_root_stays_what_it_was() {
    if !is_root() {
        return;
    }
    for preset in [Preset::None, Preset::Default] {
        let mut instance = Instance::new(preset);
        instance.sandbox.user = Some(SAME.to_string());
        instance.sandbox.group = Some(SAME.to_string());
        let program = instance.elsewhere("id");
        std::fs::copy("/usr/bin/id", &program).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o4755)).unwrap();

        assert_eq!(stdout(&instance.sh("\"$ELSEWHERE\"/id -u")), SAME.to_string());
    }
}
