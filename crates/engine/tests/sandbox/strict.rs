//! Preset `strict`: files.

use std::os::unix::fs::MetadataExt;

use webscripts_domain::sandbox::Preset;

use crate::fixture::{Instance, call, is_root, stderr, stdout};

#[test]
fn only_the_system_can_be_read() {
    let instance = Instance::new(Preset::Strict);

    for path in [
        "config/server.json",
        "doc/page.html",
        "scripts/helper.py",
        "scripts/other.sh",
        "data/webscripts.sqlite3",
    ] {
        assert_eq!(stdout(&instance.sh(&format!("cat {path}"))), "", "{path}");
    }
    for path in [
        "\"$ELSEWHERE\"",
        "/",
        "/tmp",
        "/root",
        "/home",
        "/var",
        "/run",
        "/proc",
        "/proc/self",
        "/proc/1",
        "/sys",
        "/dev",
    ] {
        assert!(!instance.sh(&format!("ls {path}")).status.success(), "{path}");
    }
    for path in ["/etc/passwd", "/usr/bin/env", "/proc/cpuinfo", "/proc/meminfo"] {
        assert!(instance.sh(&format!("cat {path} > /dev/null")).status.success(), "{path}");
    }
}

#[test]
fn only_the_own_directories_can_be_changed() {
    let instance = Instance::new(Preset::Strict);

    for attack in [
        "echo x > doc/page.html",
        "echo x > \"$ELSEWHERE\"/x",
        "touch /tmp/webscripts-strict-attack",
        "touch /etc/webscripts-strict-attack",
        "touch /usr/webscripts-strict-attack",
        "touch /dev/shm/webscripts-strict-attack",
        "mkdir \"$ELSEWHERE\"/d",
        "echo x > scripts/own.sh",
        "echo x > /proc/self/comm",
    ] {
        assert!(!instance.sh(attack).status.success(), "{attack}");
    }
    let output = instance
        .sh("set -e; cd \"$OWN\"/files; echo x > a; mkdir d; mv a d/b; ln -s b d/l; mkfifo f; \
         echo x > \"$TMPDIR\"/t; cat d/l; rm -r d; ls; echo > /dev/null");
    assert_eq!(stdout(&output), "x\nf", "{output:?}");
}

#[test]
fn the_own_script_can_be_executed() {
    let instance = Instance::new(Preset::Strict);

    assert_eq!(stdout(&instance.sh("scripts/own.sh")), "own");
}

#[test]
fn a_written_file_cannot_be_executed() {
    let instance = Instance::new(Preset::Strict);

    for directory in ["files", "tmp"] {
        let output =
            instance.sh(&format!("cp /bin/true \"$OWN\"/{directory}/p && \"$OWN\"/{directory}/p"));
        assert_eq!(output.status.code(), Some(126), "{output:?}");
    }
    assert!(
        Instance::new(Preset::Default)
            .sh("cp /bin/true \"$TMPDIR\"/p && \"$TMPDIR\"/p")
            .status
            .success()
    );
}

#[test]
fn a_file_in_memory_cannot_be_executed() {
    let make = |flags| {
        move || {
            call(libc::SYS_memfd_create, [c"x".as_ptr() as libc::c_long, flags, 0, 0, 0, 0])
                .map(|_| ())
        }
    };
    let instance = Instance::new(Preset::Strict);

    assert_eq!(instance.attempt(make(0)), Err(libc::EPERM));
    assert_eq!(instance.attempt(make(0x10)), Err(libc::EPERM));
    assert_eq!(instance.attempt(make(0x8)), Ok(()));
    assert_eq!(Instance::new(Preset::Default).attempt(make(0)), Ok(()));
}

#[test]
fn modes_owners_and_times_of_files_cannot_be_changed() {
    let instance = Instance::new(Preset::Strict);
    let mode = |path| std::fs::metadata(instance.at(path)).unwrap();
    let before = mode("config/server.json");

    for attack in [
        "chmod 777 config/server.json",
        "perl -e 'exit !chmod(0777, \"config/server.json\")'",
        "perl -e 'open(F, \"<\", \"scripts/own.sh\"); exit !chmod(0777, *F)'",
        "chown 1 config/server.json",
        "perl -e 'exit !utime(1, 1, \"config/server.json\")'",
        "touch -d @1 config/server.json",
    ] {
        assert!(!instance.sh(attack).status.success(), "{attack}");
    }
    let after = mode("config/server.json");
    assert_eq!(
        (after.mode(), after.uid(), after.mtime()),
        (before.mode(), before.uid(), before.mtime())
    );
    assert!(instance.sh("touch \"$TMPDIR\"/x && touch \"$TMPDIR\"/x").status.success());
}

#[test]
fn names_of_new_files_cannot_be_watched() {
    const DIRECTORY: &std::ffi::CStr = c"/";
    let watch = |preset| {
        Instance::new(preset).attempt(|| {
            let watcher = call(libc::SYS_inotify_init1, [0; 6])?;
            let created = libc::c_long::from(libc::IN_CREATE);
            let directory = DIRECTORY.as_ptr() as libc::c_long;
            call(libc::SYS_inotify_add_watch, [watcher, directory, created, 0, 0, 0]).map(|_| ())
        })
    };

    assert_eq!(watch(Preset::Strict), Err(libc::EPERM));
    assert_eq!(watch(Preset::Default), Ok(()));
}

#[test]
fn a_declared_directory_can_be_used() {
    let mut instance = Instance::new(Preset::Strict);
    instance.sandbox.read.push(instance.at("scripts"));
    instance.sandbox.write.push(instance.elsewhere(""));

    assert_eq!(stdout(&instance.sh("cat scripts/helper.py")), "answer = 42");
    assert!(instance.sh("echo x > \"$ELSEWHERE\"/x").status.success());
    assert_eq!(stdout(&instance.sh("cat scripts/other.sh")), "");
}

#[test]
fn root_reads_no_passwords_and_has_no_rights() {
    if !is_root() {
        return;
    }
    let instance = Instance::new(Preset::Strict);

    let output = instance.sh("cat /etc/shadow");
    assert!(stderr(&output).contains("Permission denied"), "{output:?}");
    // `/proc/self` is out of reach: the shell asks the kernel in another way.
    assert!(!instance.sh("perl -e 'exit !chroot(\"/\")'").status.success());
    assert!(!instance.sh("perl -e '$> = 1; exit ($> != 1)'").status.success());
}
