//! `webscripts init`: everything with its mode and owner, or nothing.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use webscripts_testkit::{Instance, Request};

use crate::program::{assert_ended, run, unmade, value_of, without_directory};

/// All entries below a directory: path, mode and owner, sorted.
fn entries(directory: &Path) -> Vec<(String, u32, u32)> {
    let mut entries = Vec::new();
    let mut open = vec![directory.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let status = path.symlink_metadata().unwrap();
            if status.is_dir() {
                open.push(path.clone());
            }
            let mode = status.mode() & 0o7777;
            entries.push((path.to_str().unwrap().to_owned(), mode, status.uid()));
        }
    }
    for (path, _, _) in &mut entries {
        *path = path.strip_prefix(directory.to_str().unwrap()).unwrap().to_owned();
    }
    entries.sort();
    entries
}

fn own_user() -> u32 {
    fs::metadata("/proc/self").unwrap().uid()
}

/// Writes a file beside the instance.
fn write(instance: &Instance, name: &str, content: &str, mode: u32) -> String {
    let path = instance.root().join(name);
    fs::write(&path, content).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    path.to_str().unwrap().to_owned()
}

fn init(instance: &Instance, more: &[&str]) -> webscripts_testkit::Finished {
    let mut arguments = vec!["init", instance.directory().to_str().unwrap()];
    arguments.extend(more);
    run(instance, arguments)
}

#[test]
fn modes_and_owners_are_right_whatever_the_umask() {
    for umask in ["000", "077"] {
        let shell = format!("umask {umask}; exec \"$0\" \"$@\"");
        let instance = unmade().through(["sh", "-c", &shell]);

        init(&instance, &["--no-samples"]).success().unwrap();

        let expected = [
            ("/config", 0o755),
            ("/config/scripts", 0o755),
            ("/config/server.json", 0o400),
            ("/data", 0o700),
            ("/data/runs.sqlite3", 0o600),
            ("/data/webscripts.sqlite3", 0o600),
            ("/doc", 0o755),
            ("/logs", 0o700),
            ("/scripts", 0o755),
            ("/static", 0o755),
        ];
        let expected: Vec<(String, u32, u32)> =
            expected.map(|(path, mode)| (path.to_owned(), mode, own_user())).to_vec();
        assert_eq!(entries(instance.directory()), expected, "umask {umask}");
        assert_eq!(fs::metadata(instance.directory()).unwrap().mode() & 0o7777, 0o755);
    }
}

#[test]
fn samples_can_be_read_by_the_server_alone_and_checked_without_a_finding() {
    let instance = unmade().through(["sh", "-c", "umask 000; exec \"$0\" \"$@\""]);

    init(&instance, &[]).success().unwrap();

    let entries = entries(instance.directory());
    let samples: Vec<_> = entries
        .iter()
        .filter(|(path, _, _)| {
            ["/config/scripts/", "/scripts/", "/doc/"].iter().any(|folder| path.starts_with(folder))
        })
        .collect();
    assert!(samples.len() > 20, "{samples:?}");
    for (path, mode, owner) in samples {
        let expected = if path == "/scripts/disk_usage.sh" { 0o500 } else { 0o400 };
        assert_eq!((*mode, *owner), (expected, own_user()), "{path}");
    }
    let checked = instance.run(["check", "--strict"]).unwrap();
    assert!(checked.stdout.starts_with("0 errors, 0 warnings ("), "{}", checked.stdout);
    assert_eq!(checked.status.code(), Some(0));
}

#[test]
fn the_generated_password_is_printed_once_and_signs_in() {
    let instance = unmade();

    let made = init(&instance, &[]).success().unwrap();

    let password = value_of(&made.stdout, "Password").to_owned();
    let expected = format!(
        "Administrator: Admin\nPassword: {password}\nThe instance is ready: `webscripts serve \
         --directory DIR` serves it\n"
    );
    assert_eq!(without_directory(&made.stdout, &instance), expected);
    assert_eq!(made.stderr, "");
    assert_eq!(password.len(), 20);
    let server = instance.serve().unwrap();
    let answer = server.send(&Request::sign_in("Admin", &password)).unwrap();
    let cookie = answer.header("Set-Cookie").unwrap();
    assert!(cookie.starts_with("SessionID=2:"), "{answer:?}");
    let stopped = server.stop().unwrap();
    assert!(!stopped.log.contains(&password), "{}", stopped.log);
}

#[test]
fn name_and_password_of_the_administrator_can_be_chosen() {
    let instance = unmade();
    let file = write(&instance, "password", "seven green boats\nrest\n", 0o600);

    let made = init(&instance, &["--admin-name", "Ada", "--admin-password-file", &file]);

    let stdout = without_directory(&made.stdout, &instance);
    assert_eq!((made.status.code(), made.stderr.as_str()), (Some(0), ""));
    assert!(stdout.starts_with("Administrator: Ada\nThe instance is ready:"), "{stdout}");
    let server = instance.serve().unwrap();
    let answer = server.send(&Request::sign_in("Ada", "seven green boats")).unwrap();
    assert!(answer.header("Set-Cookie").unwrap().starts_with("SessionID=2:"), "{answer:?}");
}

#[test]
fn the_password_may_come_from_standard_input() {
    let instance = unmade();
    let directory = instance.directory().to_str().unwrap();
    let arguments = ["init", directory, "--no-samples", "--admin-password-file", "-"];

    let made = instance.run_exactly(arguments, "seven green boats\r\n").unwrap();

    made.success().unwrap();
    let server = instance.serve().unwrap();
    let answer = server.send(&Request::sign_in("Admin", "seven green boats")).unwrap();
    assert!(answer.header("Set-Cookie").unwrap().starts_with("SessionID=2:"), "{answer:?}");
}

#[test]
fn a_password_file_that_others_may_read_is_pointed_out() {
    let instance = unmade();
    let file = write(&instance, "password", "seven green boats", 0o644);

    let made = init(&instance, &["--no-samples", "--admin-password-file", &file]);

    assert_eq!(made.status.code(), Some(0));
    assert_eq!(
        made.stderr,
        format!(
            "webscripts: warning: other accounts may read `{file}` (mode 0644): use `chmod 600`\n"
        )
    );
}

#[test]
fn a_second_init_is_refused_and_changes_nothing() {
    let instance = unmade();
    init(&instance, &["--no-samples"]).success().unwrap();
    let before = entries(instance.directory());

    let again = init(&instance, &[]);

    assert_ended(
        &again,
        1,
        "",
        &format!(
            "webscripts: no instance was made in `{}`\n  because it holds an instance already: \
             `config/server.json` exists\n",
            instance.directory().display()
        ),
    );
    assert_eq!(entries(instance.directory()), before);
}

#[test]
fn a_directory_with_an_ini_configuration_or_a_database_is_an_instance() {
    for file in ["config/server.ini", "data/webscripts.sqlite3"] {
        let instance = unmade();
        let path = instance.directory().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "").unwrap();
        let before = entries(instance.directory());

        let refused = init(&instance, &[]);

        assert_eq!(refused.status.code(), Some(1));
        let why = format!("because it holds an instance already: `{file}` exists");
        assert!(refused.stderr.contains(&why), "{}", refused.stderr);
        assert_eq!(entries(instance.directory()), before);
    }
}

#[test]
fn a_failure_in_the_last_step_leaves_nothing_behind() {
    let instance = unmade();
    let weak = write(&instance, "password", "short\n", 0o600);

    let failed = init(&instance, &["--admin-password-file", &weak]);

    assert_ended(
        &failed,
        1,
        "",
        &format!(
            "webscripts: no instance was made in `{}`\n  because the account of the administrator \
             was not made\n  because a password has at least 10 characters\n",
            instance.directory().display()
        ),
    );
    assert!(!instance.directory().exists());
}

#[test]
fn what_was_there_before_stays_when_a_step_fails() {
    let instance = unmade();
    let taken = instance.directory().join("scripts/subnet.py");
    fs::create_dir_all(taken.parent().unwrap()).unwrap();
    fs::write(&taken, "mine").unwrap();
    for directory in [taken.parent().unwrap(), instance.directory()] {
        fs::set_permissions(directory, Permissions::from_mode(0o755)).unwrap();
    }
    let before = entries(instance.directory());

    let failed = init(&instance, &[]);

    assert_eq!(failed.status.code(), Some(1));
    let why = format!("because the file `{}` cannot be made", taken.display());
    assert!(failed.stderr.contains(&why), "{}", failed.stderr);
    assert_eq!(entries(instance.directory()), before);
    assert_eq!(fs::read_to_string(taken).unwrap(), "mine");
}

#[test]
fn a_disk_without_room_leaves_nothing_behind() {
    let shell = "trap '' XFSZ; exec prlimit --fsize=4096 \"$0\" \"$@\"";
    let instance = unmade().through(["sh", "-c", shell]);

    let failed = init(&instance, &[]);

    assert_eq!(failed.status.code(), Some(1));
    assert!(failed.stderr.contains("cannot be made\n  because File too large"), "{failed:?}");
    assert!(!instance.directory().exists());
}

#[test]
fn a_place_that_others_may_exchange_is_refused_with_help() {
    let instance = unmade();
    fs::set_permissions(instance.root(), Permissions::from_mode(0o777)).unwrap();

    let refused = init(&instance, &[]);

    let root = instance.directory().parent().unwrap().display();
    assert_ended(
        &refused,
        1,
        "",
        &format!(
            "webscripts: no instance was made in `{}`\n  because other accounts may exchange what \
             is in the directory `{root}` (mode 0777): choose another place, or run `chmod go-w \
             {root}`\n",
            instance.directory().display()
        ),
    );
    assert!(!instance.directory().exists());
}

#[test]
fn a_data_directory_that_others_may_enter_is_refused_with_help() {
    let instance = unmade();
    let data = instance.directory().join("data");
    fs::create_dir_all(&data).unwrap();
    for directory in [instance.directory(), &data] {
        fs::set_permissions(directory, Permissions::from_mode(0o755)).unwrap();
    }

    let refused = init(&instance, &["--no-samples"]);

    assert_eq!(refused.status.code(), Some(1));
    let help = format!(
        "other accounts may enter the directory `{0}`: run `chmod 700 {0}`",
        data.display()
    );
    assert!(refused.stderr.contains(&help), "{}", refused.stderr);
    assert_eq!(entries(instance.directory()).len(), 1);
}

#[test]
fn an_instance_may_be_made_below_directories_that_do_not_exist() {
    let instance = unmade();
    let deep = instance.directory().join("a/b");

    run(&instance, ["init", deep.to_str().unwrap(), "--no-samples"]).success().unwrap();

    assert!(deep.join("config/server.json").is_file());
    assert_eq!(fs::metadata(instance.directory().join("a")).unwrap().mode() & 0o7777, 0o755);
}
