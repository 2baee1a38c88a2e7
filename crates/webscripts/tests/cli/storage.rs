//! What happens to saved state, and what the server makes of it.

use std::fs::{self, Permissions};
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Resource, Rlimit, getrlimit, prlimit};
use webscripts_testkit::{Account, Answer, Instance, Request, Server, python};

use crate::program::{assert_ended, describe, without_directory};

fn database(directory: &Path) -> PathBuf {
    directory.join("data/webscripts.sqlite3")
}

/// Another program that is writing to the database and does not finish.
struct Lock(Child);

impl Lock {
    fn hold(database: &Path) -> Self {
        const HOLD: &str = "import sqlite3, sys\n\
            connection = sqlite3.connect(sys.argv[1], isolation_level=None)\n\
            connection.execute('BEGIN EXCLUSIVE')\n\
            print('locked', flush=True)\n\
            sys.stdin.read()\n";
        #[expect(clippy::disallowed_methods, reason = "the other program of the test")]
        let mut command = Command::new(python().unwrap());
        command.args(["-c", HOLD]).arg(database).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "locked\n");
        Self(child)
    }

    fn release(mut self) {
        drop(self.0.stdin.take());
        assert!(self.0.wait().unwrap().success());
    }
}

fn sign_in(server: &Server) -> Answer {
    let account = server.instance().account("alice").unwrap();
    server.send(&Request::sign_in(&account.name, &account.password)).unwrap()
}

#[track_caller]
fn assert_signed_in(answer: &Answer) {
    let cookie = answer.header("Set-Cookie").unwrap_or_default();
    assert!(answer.status == 302 && cookie.starts_with("SessionID=2:"), "{answer:?}");
}

#[track_caller]
fn assert_unavailable(answer: &Answer) {
    assert_eq!(answer.status, 503, "{answer:?}");
    assert_eq!(answer.header("Set-Cookie"), None);
    assert!(answer.text().contains("ERROR 503"), "{answer:?}");
}

#[test]
fn a_locked_database_refuses_sign_in_for_as_long_as_it_is_locked() {
    let server = describe().account(Account::user("alice")).start().unwrap();
    let lock = Lock::hold(&database(server.directory()));

    let refused = sign_in(&server);
    let alive = server.send(&Request::get("/health/live")).unwrap();
    lock.release();
    let accepted = sign_in(&server);

    assert_unavailable(&refused);
    assert_eq!(alive.status, 200);
    assert_signed_in(&accepted);
    let log = server.log();
    assert!(log.contains("the database is locked by another process"), "{log}");
}

#[test]
fn a_locked_database_is_said_by_commands() {
    let instance = describe().account(Account::user("alice")).create().unwrap();
    let lock = Lock::hold(&database(instance.directory()));

    let refused = instance.run(["user", "disable", "alice"]).unwrap();
    lock.release();

    assert_eq!(refused.status.code(), Some(1));
    assert!(refused.stderr.contains("the database is locked by another process"), "{refused:?}");
    instance.run(["user", "disable", "alice"]).unwrap().success().unwrap();
}

/// Lets the server write files up to this size only, as a disk without room does; `None`: no limit.
fn limit_files(server: &Server, size: Option<u64>) {
    let maximum = getrlimit(Resource::Fsize).maximum;
    prlimit(Some(server.pid()), Resource::Fsize, Rlimit { current: size.or(maximum), maximum })
        .unwrap();
}

#[test]
fn without_room_on_the_disk_nothing_is_acknowledged_and_the_server_goes_on_afterwards() {
    let instance = describe().account(Account::user("alice")).create().unwrap();
    // Without this the system would end the program instead of refusing to write.
    let server =
        instance.through(["sh", "-c", "trap '' XFSZ; exec \"$0\" \"$@\""]).serve().unwrap();

    limit_files(&server, Some(4096));
    let refused = sign_in(&server);
    let alive = server.send(&Request::get("/health/live")).unwrap();
    limit_files(&server, None);
    let accepted = sign_in(&server);

    assert_unavailable(&refused);
    assert_eq!(alive.status, 200);
    assert_signed_in(&accepted);
}

/// Goes through the whole start without serving; answers exit status and standard error.
fn start(instance: &Instance) -> (Option<i32>, String) {
    let finished = instance.run(["serve", "--test-running", "--port", "0"]).unwrap();
    (finished.status.code(), without_directory(&finished.stderr, instance))
}

#[test]
fn a_read_only_database_stops_the_start_and_every_change() {
    let instance = describe().account(Account::user("alice")).create().unwrap();
    let file = database(instance.directory());
    fs::set_permissions(&file, Permissions::from_mode(0o400)).unwrap();

    let (status, log) = start(&instance);
    let change = instance.run(["user", "disable", "alice"]).unwrap();

    assert_eq!(status, Some(1));
    insta::assert_snapshot!(log, @r"
    webscripts: the database `DIR/data/webscripts.sqlite3` cannot be used
      because the database file `DIR/data/webscripts.sqlite3` is read-only: make it and its directory writable for the user who runs the program
    ");
    assert_ended(&change, 1, "", &log.replace("DIR", instance.directory().to_str().unwrap()));
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    assert_signed_in(&sign_in(&instance.serve().unwrap()));
}

#[test]
fn a_database_that_others_may_read_stops_the_start() {
    let instance = describe().account(Account::user("alice")).create().unwrap();
    fs::set_permissions(database(instance.directory()), Permissions::from_mode(0o640)).unwrap();

    let (status, log) = start(&instance);

    assert_eq!(status, Some(1));
    insta::assert_snapshot!(log, @r"
    webscripts: the database `DIR/data/webscripts.sqlite3` cannot be used
      because the database file `DIR/data/webscripts.sqlite3` is not safe to use: other users may open it (mode 0640); take their rights away with `chmod 600`
    ");
}

#[test]
fn a_directory_in_the_place_of_the_write_ahead_log_stops_the_start() {
    let instance = describe().account(Account::user("alice")).create().unwrap();
    fs::create_dir(instance.directory().join("data/webscripts.sqlite3-wal")).unwrap();

    let (status, log) = start(&instance);

    assert_eq!(status, Some(1));
    insta::assert_snapshot!(log, @r"
    webscripts: the database `DIR/data/webscripts.sqlite3` cannot be used
      because the database file `DIR/data/webscripts.sqlite3-wal` is not safe to use: it is not a regular file
    ");
}

#[test]
fn a_file_that_is_no_database_stops_the_start_and_stays_as_it_is() {
    let instance = describe().create().unwrap();
    let file = database(instance.directory());
    let content = "my shopping list\n".repeat(1000);
    fs::write(&file, &content).unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();

    let (status, log) = start(&instance);

    assert_eq!(status, Some(1));
    insta::assert_snapshot!(log, @r"
    webscripts: the database `DIR/data/webscripts.sqlite3` cannot be used
      because the database `DIR/data/webscripts.sqlite3` cannot be opened
      because error returned from database: (code: 26) file is not a database
    ");
    assert_eq!(fs::read_to_string(&file).unwrap(), content);
}
