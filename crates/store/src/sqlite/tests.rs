//! What is particular to SQLite and to its files.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use tempfile::TempDir;
use webscripts_domain::blacklist::{BlacklistRule, Failures};
use webscripts_domain::clock::{SignedDuration, Timestamp};
use webscripts_domain::identity::{GroupId, UserId};
use webscripts_domain::run::{RunId, StartedVia};
use webscripts_domain::session::{Session, SessionKey};

use super::connection::Database;
use super::runs::SqliteRuns;
use super::{Limits, RUNS_FILE, connection, examine, open, stores};
use crate::accounts::{Group, NewUser, PasswordHash};
use crate::blacklist::Subject;
use crate::runs::{NewRun, Owner};
use crate::{FileProblem, StoreError, Stores};

/// A database on a file.
struct Opened {
    database: Database,
    stores: Stores,
    path: PathBuf,
    _directory: TempDir,
}

/// Waits as long as the program does, keeps few failures.
const PATIENT: Limits = Limits { wait: Duration::from_secs(5), failures: 3 };

/// For a lock that will not be released.
const IMPATIENT: Limits = Limits { wait: Duration::from_millis(50), failures: 3 };

async fn opened() -> Opened {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("webscripts.sqlite3");
    let database = connection::open_file(&path, connection::ACCOUNTS, PATIENT).await.unwrap();
    let runs = path.with_file_name(RUNS_FILE);
    let runs = connection::open_file(&runs, connection::RUNS, PATIENT).await.unwrap();
    let stores = stores(&database, SqliteRuns::new(runs, true), PATIENT);
    Opened { stores, database, path, _directory: directory }
}

/// Another process, as far as SQLite is concerned.
async fn other(path: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(path).connect().await.unwrap()
}

async fn execute(connection: &mut SqliteConnection, statement: &'static str) {
    sqlx::raw_sql(statement).execute(connection).await.unwrap();
}

async fn open_error(path: &Path) -> StoreError {
    open(path).await.map(drop).unwrap_err()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn session() -> Session {
    let address = [10, 0, 0, 1].into();
    Session { user: UserId(2), address, opened: at(100), expires: at(1_000) }
}

fn user(name: &str) -> NewUser {
    NewUser {
        id: None,
        name: name.to_owned(),
        password: Some(PasswordHash::Argon2id("$argon2id$".to_owned())),
        groups: vec![GroupId(50)],
        addresses: Vec::new(),
        categories: Vec::new(),
        scripts: Vec::new(),
    }
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn beside(path: &Path, companion: &str) -> PathBuf {
    let mut name = path.to_owned().into_os_string();
    name.push(companion);
    name.into()
}

#[tokio::test]
async fn nobody_else_may_read_the_files() {
    let opened = opened().await;

    for path in [&opened.path, &opened.path.with_file_name(RUNS_FILE)] {
        let modes = ["", "-wal", "-shm"].map(|companion| mode(&beside(path, companion)));
        assert_eq!(modes, [0o600; 3]);
    }
}

#[tokio::test]
async fn everything_is_still_there_after_a_restart() {
    let opened = opened().await;
    let key = SessionKey([1; 32]);
    let subject = Subject::Name("eve".to_owned());
    let rule = BlacklistRule { failures: 3, time: SignedDuration::from_secs(30) };
    opened.stores.accounts.add_user(&user("Ada"), at(100)).await.unwrap().unwrap();
    opened.stores.sessions.add(&key, &session(), 10).await.unwrap();
    opened.stores.blacklist.record(&subject, &rule, at(100)).await.unwrap();
    let before = opened.stores.accounts.user_by_name("Ada").await.unwrap();
    opened.stores.health.close().await;

    let again = open(&opened.path).await.unwrap();

    assert_eq!(again.accounts.user_by_name("Ada").await.unwrap(), before);
    assert_eq!(again.sessions.find(&key, at(200)).await.unwrap(), Some(session()));
    let failures = again.blacklist.find(&subject).await.unwrap();
    assert_eq!(failures, Some(Failures { count: 1, last: at(100) }));
}

#[tokio::test]
async fn a_write_reaches_the_disk_before_it_is_acknowledged() {
    let opened = opened().await;
    let writer = &opened.database.writer;

    let journal: String =
        sqlx::query_scalar("PRAGMA journal_mode").fetch_one(writer).await.unwrap();
    let synchronous: i64 =
        sqlx::query_scalar("PRAGMA synchronous").fetch_one(writer).await.unwrap();
    let foreign_keys: i64 =
        sqlx::query_scalar("PRAGMA foreign_keys").fetch_one(writer).await.unwrap();
    assert_eq!((journal.as_str(), synchronous, foreign_keys), ("wal", 2, 1));
}

#[tokio::test]
async fn closing_leaves_two_files() {
    let opened = opened().await;
    opened.stores.accounts.add_user(&user("Ada"), at(100)).await.unwrap();

    opened.stores.health.close().await;

    let files = std::fs::read_dir(opened.path.parent().unwrap()).unwrap();
    let mut names: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, [RUNS_FILE, "webscripts.sqlite3"]);
}

#[tokio::test]
async fn a_closed_database_answers_with_an_error() {
    let opened = opened().await;
    opened.stores.health.check().await.unwrap();

    opened.stores.health.close().await;

    assert!(opened.stores.health.check().await.is_err());
    assert!(opened.stores.accounts.user(UserId(2)).await.is_err());
}

#[tokio::test]
async fn the_directory_has_to_exist() {
    let directory = tempfile::tempdir().unwrap();

    let error = open_error(&directory.path().join("absent/webscripts.sqlite3")).await;

    assert!(matches!(error, StoreError::File { .. }), "{error:?}");
}

#[tokio::test]
async fn links_directories_and_files_for_others_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    set_mode(&file, 0o640);
    let link = directory.path().join("link");
    std::os::unix::fs::symlink(&file, &link).unwrap();

    for (path, expected) in [
        (&file, FileProblem::Mode { mode: 0o640 }),
        (&link, FileProblem::SymbolicLink),
        (&directory.path().to_owned(), FileProblem::NotAFile),
    ] {
        let StoreError::NotTrusted { problem, .. } = open_error(path).await else {
            panic!("{} was not refused", path.display());
        };
        assert_eq!(problem, expected);
    }
}

#[tokio::test]
async fn the_file_of_somebody_else_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let mut path = directory.path().join("webscripts.sqlite3");
    std::fs::write(&path, "").unwrap();
    set_mode(&path, 0o600);
    if std::os::unix::fs::chown(&path, Some(1), None).is_err() {
        // Only root gives files away; for others this one belongs to somebody else.
        path = PathBuf::from("/etc/passwd");
    }

    let error = open_error(&path).await;

    let is_refused =
        matches!(error, StoreError::NotTrusted { problem: FileProblem::Owner { .. }, .. });
    assert!(is_refused, "{error:?}");
}

#[tokio::test]
async fn a_planted_log_is_refused() {
    let opened = opened().await;
    opened.stores.health.close().await;
    std::os::unix::fs::symlink("/dev/null", beside(&opened.path, "-wal")).unwrap();

    let error = open_error(&opened.path).await;

    let expected = format!(
        "the database file `{}-wal` is not safe to use: it is a symbolic link; put the file itself \
         in its place",
        opened.path.canonicalize().unwrap().display()
    );
    assert_eq!(error.to_string(), expected);
}

#[tokio::test]
async fn a_read_only_file_is_refused_by_name() {
    let opened = opened().await;
    opened.stores.health.close().await;
    set_mode(&opened.path, 0o400);

    let error = open_error(&opened.path).await;

    assert!(matches!(error, StoreError::ReadOnlyFile { .. }), "{error:?}");
    assert!(error.to_string().contains("webscripts.sqlite3"), "{error}");
}

#[tokio::test]
async fn the_file_of_the_records_of_runs_is_no_less_private() {
    let opened = opened().await;
    opened.stores.health.close().await;
    let runs = opened.path.with_file_name(RUNS_FILE);
    set_mode(&runs, 0o640);

    for error in [open_error(&opened.path).await, examine(&opened.path).await.unwrap_err()] {
        let is_refused =
            matches!(&error, StoreError::NotTrusted { path, .. } if path.ends_with(RUNS_FILE));
        assert!(is_refused, "{error:?}");
    }
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("webscripts.sqlite3");
    let text = "no database ".repeat(100);
    std::fs::write(&path, &text).unwrap();
    set_mode(&path, 0o600);

    let error = open_error(&path).await;

    assert!(matches!(error, StoreError::Open { .. }), "{error:?}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
}

#[tokio::test]
async fn a_look_at_a_database_finds_damage_and_changes_nothing() {
    let opened = opened().await;
    opened.stores.accounts.add_user(&user("alice"), at(0)).await.unwrap();
    examine(&opened.path).await.unwrap();
    opened.stores.health.close().await;
    let before = std::fs::read(&opened.path).unwrap();

    examine(&opened.path).await.unwrap();
    assert_eq!(std::fs::read(&opened.path).unwrap(), before);
    examine(&opened.path.with_file_name("none")).await.unwrap();
    assert!(!opened.path.with_file_name("none").exists());

    for path in [opened.path.with_file_name(RUNS_FILE), opened.path.clone()] {
        let mut damaged = std::fs::read(&path).unwrap();
        damaged[4096..8192].fill(0xff);
        std::fs::write(&path, &damaged).unwrap();
        let error = examine(&opened.path).await.unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. } | StoreError::Open { .. }), "{error:?}");
        assert_eq!(std::fs::read(&path).unwrap(), damaged);
    }
}

#[tokio::test]
async fn the_database_of_a_newer_program_is_refused_and_left_alone() {
    let opened = opened().await;
    opened.stores.health.close().await;
    execute(
        &mut other(&opened.path).await,
        "PRAGMA user_version = 9; PRAGMA journal_mode = DELETE",
    )
    .await;
    let before = std::fs::read(&opened.path).unwrap();

    let error = open_error(&opened.path).await;

    let is_newer = matches!(error, StoreError::Newer { found: 9, known: 1 });
    assert!(is_newer, "{error:?}");
    assert_eq!(std::fs::read(&opened.path).unwrap(), before);
}

#[tokio::test]
async fn a_step_that_fails_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("webscripts.sqlite3");
    std::fs::write(&path, "").unwrap();
    set_mode(&path, 0o600);
    execute(&mut other(&path).await, "CREATE TABLE sessions (foreign_program TEXT)").await;

    let error = open_error(&path).await;

    assert!(matches!(error, StoreError::Migrate(_)), "{error:?}");
    let mut other = other(&path).await;
    let tables: Vec<String> =
        sqlx::query_scalar("SELECT name FROM sqlite_schema").fetch_all(&mut other).await.unwrap();
    assert_eq!(tables, ["sessions"]);
}

#[tokio::test]
async fn a_new_database_may_be_opened_by_several_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("webscripts.sqlite3");

    let (first, second, third) = tokio::join!(open(&path), open(&path), open(&path));

    for stores in [first, second, third] {
        assert_eq!(stores.unwrap().accounts.groups().await.unwrap().len(), 4);
    }
}

#[tokio::test]
async fn a_locked_database_refuses_writes_and_answers_reads() {
    let opened = opened().await;
    sqlx::query("PRAGMA busy_timeout = 0").execute(&opened.database.writer).await.unwrap();
    let mut other = other(&opened.path).await;
    execute(&mut other, "BEGIN IMMEDIATE").await;

    let added = opened.stores.accounts.add_user(&user("Ada"), at(100)).await;
    assert!(matches!(added, Err(StoreError::Locked(_))), "{added:?}");
    let health = opened.stores.health.check().await;
    assert!(matches!(health, Err(StoreError::Locked(_))), "{health:?}");
    assert_eq!(opened.stores.accounts.user_by_name("Ada").await.unwrap(), None);

    execute(&mut other, "ROLLBACK").await;
    assert!(opened.stores.accounts.add_user(&user("Ada"), at(100)).await.unwrap().is_some());
}

#[tokio::test]
async fn a_database_that_another_process_keeps_to_itself_is_not_opened() {
    let opened = opened().await;
    opened.stores.health.close().await;
    let mut other = other(&opened.path).await;
    execute(&mut other, "PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; COMMIT").await;

    let error =
        connection::open_file(&opened.path, connection::ACCOUNTS, IMPATIENT).await.unwrap_err();

    assert!(matches!(error, StoreError::Locked(_)), "{error:?}");
}

#[tokio::test]
async fn a_full_disk_is_reported_and_does_not_outlast_itself() {
    let opened = opened().await;
    let groups = &opened.stores.accounts;
    let group = |id| Group { id: GroupId(id), name: format!("{id}{}", "x".repeat(100_000)) };
    sqlx::query("PRAGMA max_page_count = 1").execute(&opened.database.writer).await.unwrap();

    let refused = groups.add_group(&group(7)).await;
    assert!(matches!(refused, Err(StoreError::Full(_))), "{refused:?}");
    let named = NewUser { name: "x".repeat(100_000), ..user("") };
    let refused = groups.add_user(&named, at(100)).await;
    assert!(matches!(refused, Err(StoreError::Full(_))), "{refused:?}");

    let room = "PRAGMA max_page_count = 1000000";
    sqlx::query(room).execute(&opened.database.writer).await.unwrap();
    assert!(groups.add_user(&named, at(100)).await.unwrap().is_some());
}

#[tokio::test]
async fn a_transaction_that_sqlite_has_undone_does_not_spoil_the_next_one() {
    let opened = opened().await;
    let mut transaction = opened.database.write().await.unwrap();
    execute(&mut transaction, "ROLLBACK").await;
    drop(transaction);

    assert!(opened.stores.accounts.add_user(&user("Ada"), at(100)).await.unwrap().is_some());
}

#[tokio::test]
async fn a_change_that_is_given_up_half_way_does_not_block_the_next_one() {
    let opened = opened().await;
    for number in 0..20 {
        let name = number.to_string();
        let user = user(&name);
        let mut adding = opened.stores.accounts.add_user(&user, at(100));
        // Each round goes some steps further than the one before.
        for _ in 0..number {
            let step = std::future::poll_fn(|context| {
                std::task::Poll::Ready(adding.as_mut().poll(context).is_ready())
            });
            if step.await {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(adding);
        opened.stores.accounts.add_user(&user, at(100)).await.unwrap();
        assert!(opened.stores.accounts.user_by_name(&name).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn a_connection_that_reads_cannot_write() {
    let opened = opened().await;

    let refused = sqlx::query("DELETE FROM groups").execute(&opened.database.reader).await;

    let error = StoreError::from(refused.unwrap_err());
    assert!(matches!(error, StoreError::ReadOnly(_)), "{error:?}");
}

#[tokio::test]
async fn a_value_that_cannot_be_read_is_named() {
    let opened = opened().await;
    opened.stores.accounts.add_user(&user("Ada"), at(100)).await.unwrap();
    let spoil = "UPDATE users SET scripts = '{'";
    sqlx::query(spoil).execute(&opened.database.writer).await.unwrap();

    let error = opened.stores.accounts.user_by_name("Ada").await.unwrap_err();

    let expected = "table `users`, column `scripts`, row 2: the value cannot be read";
    assert_eq!(error.to_string(), expected);
}

#[tokio::test]
async fn the_oldest_failures_leave_when_there_are_too_many() {
    let opened = opened().await;
    let rule = BlacklistRule { failures: 3, time: SignedDuration::from_secs(30) };
    let subject = |name: &str| Subject::Name(name.to_owned());
    // The clock is set back before the last one: it stays all the same.
    for (name, second) in [("a", 1), ("b", 2), ("c", 3), ("a", 4), ("d", 0)] {
        opened.stores.blacklist.record(&subject(name), &rule, at(second)).await.unwrap();
    }

    let mut kept = Vec::new();
    for name in ["a", "b", "c", "d"] {
        if opened.stores.blacklist.find(&subject(name)).await.unwrap().is_some() {
            kept.push(name);
        }
    }
    assert_eq!(kept, ["a", "c", "d"]);
}

#[tokio::test]
async fn the_stamp_changes_with_every_write_of_any_process_and_with_nothing_else() {
    let opened = opened().await;
    let health = &opened.stores.health;
    let first = health.stamp().unwrap();

    opened.stores.accounts.user_by_name("Ada").await.unwrap();
    opened.stores.health.check().await.unwrap();
    assert_eq!(health.stamp(), Some(first));

    opened.stores.accounts.add_user(&user("Ada"), at(100)).await.unwrap();
    let second = health.stamp().unwrap();
    assert_ne!(second, first);

    let mut other = other(&opened.path).await;
    execute(&mut other, "UPDATE users SET disabled = 1").await;
    let third = health.stamp().unwrap();
    assert!(![first, second].contains(&third));
}

#[tokio::test]
async fn records_of_runs_do_not_change_the_stamp() {
    let opened = opened().await;
    let before = opened.stores.health.stamp();
    let run = NewRun {
        id: RunId::new(at(100), [0; 10]),
        script: "a.py".to_owned(),
        arguments: Vec::new(),
        owner: Owner { user: UserId(2), address: [10, 0, 0, 1].into() },
        user_name: "Ada".to_owned(),
        via: StartedVia::Page,
        terminal: None,
        started: None,
        key: None,
    };

    opened.stores.runs.add(&run).await.unwrap();

    assert!(before.is_some());
    assert_eq!(opened.stores.health.stamp(), before);
}

#[tokio::test]
async fn a_closed_database_has_no_stamp() {
    let opened = opened().await;

    opened.stores.health.close().await;

    assert_eq!(opened.stores.health.stamp(), None);
}
