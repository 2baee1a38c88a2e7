//! Preset `default`: files.

use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, symlink};

use webscripts_domain::sandbox::Preset;
use webscripts_engine::sandbox::{Cache, Request};

use crate::fixture::{Instance, SECRET, is_root, stderr, stdout};

const OUT_OF_REACH: [&str; 7] = [
    "config/server.json",
    "config/scripts/a.json",
    "data/webscripts.sqlite3",
    "logs/server.log",
    "data/runs/2026-11-25/other/stdout.0",
    "data/runs/2026-11-25/other/files/report.txt",
    "data/runs/2026-11-25/own/stdout.0",
];

fn unchanged(instance: &Instance, path: &str) -> bool {
    std::fs::read_to_string(instance.at(path)).is_ok_and(|text| text == SECRET)
}

#[test]
fn without_a_sandbox_everything_of_the_account_can_be_read() {
    let instance = Instance::new(Preset::None);

    for path in OUT_OF_REACH {
        assert_eq!(stdout(&instance.sh(&format!("cat {path}"))), SECRET, "{path}");
    }
}

#[test]
fn configuration_data_and_logs_cannot_be_read() {
    let instance = Instance::new(Preset::Default);

    for path in OUT_OF_REACH {
        let output = instance.sh(&format!("cat {path}"));
        assert_eq!(stdout(&output), "", "{path}");
        assert!(stderr(&output).contains("Permission denied"), "{path}: {output:?}");
    }
}

#[test]
fn configuration_data_and_logs_cannot_be_changed() {
    let instance = Instance::new(Preset::Default);

    for path in OUT_OF_REACH {
        for attack in [
            "echo x > PATH",
            "echo x >> PATH",
            "truncate -s 0 PATH",
            "perl -e 'truncate(\"PATH\", 0)'",
            "rm -f PATH",
            "mv PATH tmp",
            "mv PATH \"$TMPDIR\"/x",
            "mv scripts/own.sh PATH",
            "touch \"$TMPDIR\"/x; mv \"$TMPDIR\"/x PATH",
        ] {
            instance.sh(&attack.replace("PATH", path));
            assert!(unchanged(&instance, path), "{attack} {path}");
        }
    }
}

#[test]
fn protected_directories_cannot_be_listed() {
    let instance = Instance::new(Preset::Default);

    for path in ["config", "config/scripts", "data", "data/runs", "logs", "data/runs/2026-11-25"] {
        let output = instance.sh(&format!("ls {path}"));
        assert_eq!(stdout(&output), "", "{path}");
        assert!(!output.status.success(), "{path}");
    }
}

#[test]
fn nothing_can_be_made_in_or_on_the_way_to_protected_directories() {
    let instance = Instance::new(Preset::Default);

    for path in
        ["config/x", "config/scripts/x", "data/x", "logs/x", "x", "data/runs/x", "scripts/x"]
    {
        for attack in ["touch PATH", "mkdir PATH", "mkfifo PATH", "ln -s /etc PATH"] {
            let output = instance.sh(&attack.replace("PATH", path));
            assert!(!output.status.success(), "{attack} {path}");
        }
        assert!(!instance.at(path).exists(), "{path}");
    }
}

#[test]
fn directories_on_the_way_cannot_be_moved_or_removed() {
    let instance = Instance::new(Preset::Default);
    let srv = instance.at("");

    for attack in [
        format!("mv {0} {0}.old", srv.display().to_string().trim_end_matches('/')),
        "mv config \"$TMPDIR\"/config".to_owned(),
        "mv config \"$ELSEWHERE\"/config".to_owned(),
        "rm -rf config data logs scripts".to_owned(),
    ] {
        instance.sh(&attack);
        for path in OUT_OF_REACH {
            assert!(unchanged(&instance, path), "{attack} {path}");
        }
        assert!(instance.at("scripts/other.sh").exists());
    }
}

#[test]
fn other_scripts_can_be_neither_read_nor_changed_nor_executed() {
    let instance = Instance::new(Preset::Default);

    for path in ["scripts/other.sh", "scripts/inner/third.sh"] {
        assert_eq!(stdout(&instance.sh(&format!("cat {path}"))), "");
        assert!(!instance.sh(&format!("echo x > {path}")).status.success());
        assert!(!instance.sh(&format!("rm -f {path}")).status.success());
        assert!(!instance.sh(&format!("sh {path}")).status.success());
        assert!(unchanged(&instance, path));
    }
}

#[test]
fn the_own_script_can_be_read_and_executed_but_not_changed() {
    let instance = Instance::new(Preset::Default);

    assert_eq!(stdout(&instance.sh("scripts/own.sh")), "own");
    assert!(stdout(&instance.sh("cat scripts/own.sh")).contains("echo own"));
    assert!(!instance.sh("echo x >> scripts/own.sh").status.success());
    assert!(!instance.sh("rm -f scripts/own.sh").status.success());
}

#[test]
fn what_lies_beside_scripts_can_be_used_but_not_changed() {
    let instance = Instance::new(Preset::Default);

    assert_eq!(stdout(&instance.sh("cat scripts/helper.py")), "answer = 42");
    assert!(stdout(&instance.sh("ls scripts")).contains("helper.py"));
    assert!(!instance.sh("echo x >> scripts/helper.py").status.success());
    assert!(!instance.sh("rm -f scripts/helper.py").status.success());
    assert!(!instance.sh("mkdir -p scripts/__pycache__").status.success());
}

#[test]
fn everything_else_can_be_used_as_ever() {
    let instance = Instance::new(Preset::Default);

    for line in [
        "echo x > \"$ELSEWHERE\"/a && mv \"$ELSEWHERE\"/a \"$ELSEWHERE\"/b && rm \"$ELSEWHERE\"/b",
        "mkdir \"$ELSEWHERE\"/d && ln -s d \"$ELSEWHERE\"/l && mkfifo \"$ELSEWHERE\"/f",
        "echo x > doc/new.html && cat doc/page.html",
        "ls \"$ELSEWHERE\" /usr /etc > /dev/null",
        "cat /etc/passwd > /dev/null",
        "cat /proc/self/status > /dev/null",
    ] {
        let output = instance.sh(line);
        assert!(output.status.success(), "{line}: {output:?}");
    }
}

#[test]
fn the_own_directories_can_be_used_for_everything() {
    let instance = Instance::new(Preset::Default);

    let output = instance.sh(
        "set -e; echo x > \"$OWN\"/files/a; mkdir \"$OWN\"/files/d; mv \"$OWN\"/files/a \"$OWN\"/tmp/b; \
         printf '#!/bin/sh\\necho made' > \"$OWN\"/tmp/c; chmod +x \"$OWN\"/tmp/c; \"$OWN\"/tmp/c; \
         ls \"$OWN\"/files",
    );

    assert_eq!(stdout(&output), "made\nd", "{output:?}");
}

#[test]
fn symbolic_links_lead_to_nothing_more() {
    let instance = Instance::new(Preset::Default);

    for target in OUT_OF_REACH.iter().chain(&["scripts/other.sh"]) {
        let line =
            format!("ln -sfn {} \"$TMPDIR\"/l && cat \"$TMPDIR\"/l", instance.at(target).display());
        assert_eq!(stdout(&instance.sh(&line)), "", "{target}");
        let line = format!(
            "ln -sfn {} \"$TMPDIR\"/l; echo x > \"$TMPDIR\"/l",
            instance.at(target).display()
        );
        instance.sh(&line);
        assert!(unchanged(&instance, target), "{target}");
    }
}

#[test]
fn hard_links_to_protected_files_cannot_be_made() {
    let instance = Instance::new(Preset::Default);

    for target in OUT_OF_REACH.iter().chain(&["scripts/other.sh"]) {
        for place in ["\"$TMPDIR\"/l", "\"$ELSEWHERE\"/l", "doc/l"] {
            let output = instance.sh(&format!("ln {target} {place}"));
            assert!(!output.status.success(), "{target} {place}");
        }
    }
}

#[test]
fn the_own_script_cannot_be_linked_to_where_it_could_be_changed() {
    let instance = Instance::new(Preset::Default);

    assert!(!instance.sh("ln scripts/own.sh \"$TMPDIR\"/l").status.success());
}

#[test]
fn detours_lead_to_nothing_more() {
    let instance = Instance::new(Preset::Default);
    let file = instance.at("config/server.json");
    let file = file.display();

    for path in [
        format!("/proc/self/root{file}"),
        format!("/proc/thread-self/root{file}"),
        "/proc/self/cwd/config/server.json".to_owned(),
        format!("/proc/{}/root{file}", std::process::id()),
        format!("/proc/1/root{file}"),
        format!("//{file}"),
        "scripts/../config/server.json".to_owned(),
        "scripts/inner/../../config/server.json".to_owned(),
    ] {
        assert_eq!(stdout(&instance.sh(&format!("cat {path}"))), "", "{path}");
    }
    let output = instance.sh("cd config && cat server.json; cd ../data/runs; ls");
    assert_eq!(stdout(&output), "");
}

#[test]
fn a_protected_path_that_is_a_symbolic_link_protects_both_ends() {
    let mut instance = Instance::new(Preset::Default);
    let (real, link) = (instance.elsewhere("real"), instance.at("linked"));
    std::fs::create_dir(&real).unwrap();
    std::fs::write(real.join("file"), SECRET).unwrap();
    symlink(&real, &link).unwrap();
    instance.protected.server.push(link.clone());

    assert_eq!(stdout(&instance.sh("cat linked/file")), "");
    assert_eq!(stdout(&instance.sh("cat \"$ELSEWHERE\"/real/file")), "");
    assert!(!instance.sh("rm linked").status.success());
    assert!(!instance.sh("ln -sfn /etc linked").status.success());
    assert_eq!(std::fs::read_link(&link).unwrap(), real);
}

#[test]
fn relative_links_and_links_to_links_are_followed() {
    let mut instance = Instance::new(Preset::Default);
    std::fs::create_dir_all(instance.elsewhere("a/real")).unwrap();
    std::fs::write(instance.elsewhere("a/real/file"), SECRET).unwrap();
    symlink("a/real", instance.elsewhere("second")).unwrap();
    symlink("../elsewhere/second", instance.at("first")).unwrap();
    instance.protected.server.push(instance.at("first/file"));

    for path in ["first/file", "\"$ELSEWHERE\"/second/file", "\"$ELSEWHERE\"/a/real/file"] {
        assert_eq!(stdout(&instance.sh(&format!("cat {path}"))), "", "{path}");
    }
}

#[test]
fn a_protected_path_that_does_not_exist_yet_cannot_be_made() {
    let mut instance = Instance::new(Preset::Default);
    instance.protected.server.push(instance.at("doc/later/deep"));

    assert!(!instance.sh("mkdir doc/later").status.success());
    assert_eq!(stdout(&instance.sh("cat doc/page.html")), "page");
}

#[test]
fn what_appears_later_beside_protected_directories_is_found_by_the_next_run() {
    let instance = Instance::new(Preset::Default);
    let mut cache = Cache::new();
    drop(instance.prepare_with(&mut cache).unwrap());
    std::fs::write(instance.at("later.txt"), "later").unwrap();
    std::fs::create_dir(instance.at("config/later")).unwrap();
    std::fs::write(instance.at("config/later/file"), SECRET).unwrap();

    assert_eq!(stdout(&instance.sh("cat later.txt; cat config/later/file")), "later");
}

#[test]
fn a_run_has_nothing_of_the_run_before_it() {
    let instance = Instance::new(Preset::Default);
    let mut cache = Cache::new();
    let mut runs = |script: &str, place: &str, line: &str| {
        let script = std::fs::File::open(instance.at(script)).unwrap();
        let place = instance.at(place);
        let request = Request {
            sandbox: &instance.sandbox,
            protected: &instance.protected,
            resources: &instance.resources,
            covered: instance.covered,
            required: false,
            script: Some(script.as_fd()),
            readable: &[],
            writable: &[&place],
        };
        let prepared = cache.prepare(&request).unwrap();
        stdout(&instance.command_in(prepared, "/bin/sh", &["-c", line]).output().unwrap())
    };
    let other = "data/runs/2026-11-25/other/files";
    let look = format!("cat scripts/own.sh | head -n 1; cat scripts/other.sh {other}/report.txt");
    let (first, second) = ("#!/bin/sh".to_owned(), format!("{SECRET}{SECRET}"));

    for _ in 0..2 {
        assert_eq!(runs("scripts/own.sh", "data/runs/2026-11-25/own/files", &look), first);
        assert_eq!(runs("scripts/other.sh", other, &look), second);
    }
}

#[test]
fn declared_paths_are_opened_as_declared() {
    let mut instance = Instance::new(Preset::Default);
    instance.sandbox.read.push(instance.at("logs"));
    instance.sandbox.write.push(instance.at("data/runs/2026-11-25/other/files"));

    assert_eq!(
        stdout(&instance.sh("cat logs/server.log && ls logs")),
        format!("{SECRET}server.log")
    );
    assert!(!instance.sh("echo x > logs/server.log").status.success());
    assert!(instance.sh("echo x > data/runs/2026-11-25/other/files/new").status.success());
    assert_eq!(stdout(&instance.sh("cat data/runs/2026-11-25/other/stdout.0")), "");
    assert_eq!(stdout(&instance.sh("cat config/server.json")), "");
}

#[test]
fn declaring_a_directory_above_lists_it_and_opens_nothing_protected() {
    let mut instance = Instance::new(Preset::Default);
    assert!(!instance.sh("ls .").status.success());
    instance.sandbox.read.push("/".into());

    assert!(stdout(&instance.sh("ls .")).contains("config"));
    assert_eq!(stdout(&instance.sh("cat config/server.json")), "");
    assert_eq!(stdout(&instance.sh("cat scripts/other.sh")), "");
    assert!(!instance.sh("echo x > config/server.json").status.success());
}

#[test]
fn a_system_program_that_is_configured_as_a_script_stays_usable() {
    let mut instance = Instance::new(Preset::Default);
    instance.protected.scripts.push("/bin/ls".into());
    instance.protected.scripts.push("/usr/bin/id".into());

    assert!(instance.sh("ls doc && id").status.success());
}

#[test]
fn root_cannot_reach_disks_or_change_the_kernel() {
    if !is_root() {
        return;
    }
    let instance = Instance::new(Preset::Default);

    for attack in [
        "cp /proc/sys/kernel/core_pattern \"$TMPDIR\"/x && cat \"$TMPDIR\"/x > /proc/sys/kernel/core_pattern",
        "echo h > /proc/sysrq-trigger",
        "echo 1 > /proc/sys/vm/drop_caches",
        "mknod \"$TMPDIR\"/disk b 7 0",
        "mknod \"$TMPDIR\"/mem c 1 1",
        "head -c 1 /dev/kmsg",
    ] {
        assert!(!instance.sh(attack).status.success(), "{attack}");
    }
    for disk in std::fs::read_dir("/dev").unwrap().filter_map(Result::ok) {
        if disk.file_type().is_ok_and(|kind| kind.is_block_device()) {
            let path = disk.path();
            let output = instance.sh(&format!("head -c 1 {}", path.display()));
            assert!(stderr(&output).contains("Permission denied"), "{path:?}: {output:?}");
        }
    }
    assert!(instance.sh("echo x > /dev/null && head -c 1 /dev/urandom").status.success());
}
