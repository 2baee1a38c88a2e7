//! What is particular to SQLite and to the task that writes.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use tempfile::TempDir;
use webscripts_domain::clock::Timestamp;
use webscripts_domain::identity::UserId;
use webscripts_domain::run::{RunId, RunState, StartedVia};

use super::list::{Compared, page_among};
use super::{SqliteRuns, statements};
use crate::StoreError;
use crate::runs::{Change, Claim, Ended, NewRun, Owner, RunFilter, Runs, Visible};
use crate::sqlite::connection::{self, Database};
use crate::sqlite::{Limits, RUNS_FILE};

/// For a lock that will not be released.
const IMPATIENT: Limits = Limits { wait: Duration::from_millis(50), failures: 3 };

struct Opened {
    database: Database,
    runs: SqliteRuns,
    directory: TempDir,
}

async fn opened_in(directory: TempDir, keeps_connection: bool) -> Opened {
    let path = directory.path().join(RUNS_FILE);
    let database = connection::open_file(&path, connection::RUNS, IMPATIENT).await.unwrap();
    Opened { runs: SqliteRuns::new(database.clone(), keeps_connection), database, directory }
}

async fn opened() -> Opened {
    opened_in(tempfile::tempdir().unwrap(), true).await
}

impl Opened {
    /// Another process, as far as SQLite is concerned.
    async fn other(&self) -> SqliteConnection {
        let path = self.directory.path().join(RUNS_FILE);
        SqliteConnectOptions::new().filename(path).connect().await.unwrap()
    }
}

async fn execute(connection: &mut SqliteConnection, statement: &'static str) {
    sqlx::raw_sql(statement).execute(connection).await.unwrap();
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn run(second: i64) -> NewRun {
    NewRun {
        id: RunId::new(at(second), [0; 10]),
        script: "a.py".to_owned(),
        arguments: Vec::new(),
        owner: Owner { user: UserId(2), address: [10, 0, 0, 1].into() },
        user_name: "Ada".to_owned(),
        via: StartedVia::Api,
        terminal: None,
        started: None,
        key: None,
    }
}

fn ended(state: RunState) -> Change {
    Change::Ended(Ended { at: at(1000), state, end: None, reason: None, output_bytes: 0 })
}

#[tokio::test]
async fn records_are_there_after_a_restart() {
    let opened = opened().await;
    opened.runs.add(&run(1)).await.unwrap();
    let before = opened.runs.find(run(1).id).await.unwrap();
    opened.runs.close().await;

    let again = opened_in(opened.directory, true).await;

    assert!(before.is_some());
    assert_eq!(again.runs.find(run(1).id).await.unwrap(), before);
}

#[tokio::test]
async fn what_waits_is_written_before_closing() {
    let opened = opened().await;
    let runs = [1, 2, 3].map(run);

    let (first, second, third, ()) = tokio::join!(
        opened.runs.add(&runs[0]),
        opened.runs.add(&runs[1]),
        opened.runs.add(&runs[2]),
        opened.runs.close(),
    );

    let claims = [first, second, third].map(Result::unwrap);
    assert_eq!(claims, [Claim::New; 3]);
    assert!(opened.runs.add(&run(4)).await.is_err());
    assert!(opened.runs.find(run(1).id).await.is_err());
}

#[tokio::test]
async fn everyone_whose_write_waited_for_a_lock_in_vain_is_told() {
    let opened = opened().await;
    let mut other = opened.other().await;
    execute(&mut other, "BEGIN IMMEDIATE").await;
    let (first, second) = (run(1), run(2));

    let (first_added, second_added) =
        tokio::join!(opened.runs.add(&first), opened.runs.add(&second));
    for refused in [first_added.map(drop), second_added.map(drop), opened.runs.check().await] {
        assert!(matches!(refused, Err(StoreError::Locked(_))), "{refused:?}");
    }
    assert_eq!(opened.runs.find(first.id).await.unwrap(), None);

    execute(&mut other, "ROLLBACK").await;
    assert_eq!(opened.runs.add(&first).await.unwrap(), Claim::New);
    opened.runs.check().await.unwrap();
}

#[tokio::test]
async fn a_full_disk_is_reported_to_everyone_and_does_not_outlast_itself() {
    let opened = opened_in(tempfile::tempdir().unwrap(), false).await;
    let limit = "PRAGMA max_page_count = 1";
    sqlx::query(limit).execute(&opened.database.writer).await.unwrap();
    let large = |second| NewRun { user_name: "x".repeat(100_000), ..run(second) };
    let (first, second) = (large(1), large(2));

    let (first_added, second_added) =
        tokio::join!(opened.runs.add(&first), opened.runs.add(&second));
    for refused in [first_added, second_added] {
        assert!(matches!(refused, Err(StoreError::Full(_))), "{refused:?}");
    }

    let room = "PRAGMA max_page_count = 1000000";
    sqlx::query(room).execute(&opened.database.writer).await.unwrap();
    assert_eq!(opened.runs.add(&first).await.unwrap(), Claim::New);
}

#[tokio::test]
async fn a_write_that_is_given_up_does_not_block_the_next_one() {
    let opened = opened().await;
    for second in 1..20 {
        let run = run(second);
        let mut adding = opened.runs.add(&run);
        // Each round goes some steps further than the one before.
        for _ in 0..second {
            if poll_fn(|context| Poll::Ready(adding.as_mut().poll(context).is_ready())).await {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(adding);
        let other = NewRun { id: RunId::new(at(second), [1; 10]), ..run };
        assert_eq!(opened.runs.add(&other).await.unwrap(), Claim::New);
    }
}

#[tokio::test]
async fn many_writes_at_once_are_all_done() {
    let opened = std::sync::Arc::new(opened().await);
    let mut callers = tokio::task::JoinSet::new();
    for second in 1..=600 {
        let opened = std::sync::Arc::clone(&opened);
        callers.spawn(async move {
            let run = run(second);
            opened.runs.add(&run).await.unwrap();
            let started = Change::Started { at: at(second) };
            assert!(opened.runs.change(run.id, &started).await.unwrap());
            assert!(opened.runs.change(run.id, &ended(RunState::Failed)).await.unwrap());
        });
    }
    callers.join_all().await;

    for second in 1..=600 {
        let run = opened.runs.find(run(second).id).await.unwrap().unwrap();
        assert_eq!((run.state, run.started), (RunState::Failed, Some(at(second))));
    }
}

#[tokio::test]
async fn a_page_compares_few_rows_and_goes_on_where_it_stopped() {
    let opened = opened().await;
    for second in 1..=10 {
        opened.runs.add(&run(second)).await.unwrap();
    }
    opened.runs.change(run(2).id, &ended(RunState::Failed)).await.unwrap();
    let filter = RunFilter {
        user: Some(UserId(2)),
        states: vec![RunState::Failed],
        ..RunFilter::all(Visible::All)
    };
    let mut connection = opened.database.reader.acquire().await.unwrap();
    let four = Compared { rows: 4, entries: 4 };
    let mut page =
        async |cursor| page_among(&mut connection, &filter, cursor, 5, four).await.unwrap();

    assert_eq!(page(None).await, (Vec::new(), Some(run(7).id)));
    assert_eq!(page(Some(run(7).id)).await, (Vec::new(), Some(run(3).id)));
    assert_eq!(page(Some(run(3).id)).await, (vec![run(2).id], None));
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_named() {
    let opened = opened_in(tempfile::tempdir().unwrap(), false).await;
    opened.runs.add(&run(1)).await.unwrap();
    let spoil = "UPDATE runs SET arguments = '[{}]'";
    sqlx::query(spoil).execute(&opened.database.writer).await.unwrap();

    let error = opened.runs.find(run(1).id).await.unwrap_err();

    let expected = "table `runs`, column `arguments`, row 1: the value cannot be read";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn there_is_a_text_for_every_number_of_rows() {
    for rows in 1..=statements::MOST {
        assert!(statements::START.text(rows).matches("(?, ?)").count() >= rows);
    }
}
