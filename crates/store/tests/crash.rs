//! A process that is killed loses no record of a run that was acknowledged.
//!
//! The test runs itself as another process, which records runs and their ends and says so line by
//! line. It is killed in the middle; the records must be there.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use webscripts_domain::clock::Timestamp;
use webscripts_domain::identity::UserId;
use webscripts_domain::run::{RunId, RunState, StartedVia};
use webscripts_store::runs::{Change, Claim, Ended, NewRun, Owner, RequestKey, Runs};

/// Names the directory in the process that is to be killed.
const DIRECTORY: &str = "WEBSCRIPTS_STORE_CRASH_DIRECTORY";
const DATABASE: &str = "webscripts.sqlite3";
const THIS_TEST: &str = "no_acknowledged_record_is_lost_when_the_process_is_killed";

/// Kills.
const ROUNDS: usize = 10;
/// Callers at once.
const CALLERS: u8 = 8;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn new_run(id: RunId) -> NewRun {
    let owner = Owner { user: UserId(2), address: [10, 0, 0, 1].into() };
    NewRun {
        id,
        script: "a.py".to_owned(),
        arguments: Vec::new(),
        owner,
        user_name: "Ada".to_owned(),
        via: StartedVia::Api,
        terminal: None,
        started: None,
        key: Some(RequestKey { key: id.to_string(), digest: [1; 32] }),
    }
}

fn say(word: &str, id: RunId) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{word} {id}").unwrap();
}

/// Records runs until killed.
async fn record_until_killed(directory: &Path, round: u8) {
    let stores = webscripts_store::open(&directory.join(DATABASE)).await.unwrap();
    let mut callers = tokio::task::JoinSet::new();
    for caller in 0..CALLERS {
        callers.spawn(record(Arc::clone(&stores.runs), round, caller));
    }
    callers.join_all().await;
}

async fn record(runs: Arc<dyn Runs>, round: u8, caller: u8) {
    for second in 1.. {
        let id = RunId::new(at(second), [round, caller, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(runs.add(&new_run(id)).await.unwrap(), Claim::New);
        say("queued", id);
        assert!(runs.change(id, &Change::Started { at: at(second) }).await.unwrap());
        say("running", id);
        let state = RunState::Succeeded;
        let ended = Ended { at: at(second), state, end: None, reason: None, output_bytes: 1 };
        assert!(runs.change(id, &Change::Ended(ended)).await.unwrap());
        say("succeeded", id);
    }
}

#[expect(clippy::disallowed_methods, reason = "this test itself as another process")]
fn start(directory: &Path, round: usize) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", THIS_TEST, "--nocapture"])
        .env(DIRECTORY, directory)
        .env("ROUND", round.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// What was acknowledged, as far as it is to be understood.
fn acknowledged(line: &str) -> Option<(RunState, RunId)> {
    let (word, id) = line.split_once(' ')?;
    Some((RunState::parse(word)?, RunId::parse(id)?))
}

/// Lets it record for a while, kills it and answers what was acknowledged.
fn kill_one(directory: &Path, round: usize) -> Vec<(RunState, RunId)> {
    let mut child = start(directory, round);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut known = Vec::new();
    // Another number in every round, so that the kill meets everything in every state.
    while known.len() < 500 + round * 37 {
        known.extend(acknowledged(&lines.next().unwrap()));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // The last line may be incomplete.
    known.extend(lines.filter_map(|line| acknowledged(&line)));
    known
}

/// How far a run has come.
fn progress(state: RunState) -> usize {
    RunState::ALL.iter().position(|other| *other == state).unwrap()
}

async fn verify(directory: &Path, known: &[(RunState, RunId)]) {
    let path = directory.join(DATABASE);
    let stores = webscripts_store::open(&path).await.unwrap();
    for (state, id) in known {
        let run = stores.runs.find(*id).await.unwrap();
        let is_kept = run.is_some_and(|run| progress(run.state) >= progress(*state));
        assert!(is_kept, "{id} is not {}", state.name());
    }
    let (_, last) = known.last().unwrap();
    let run = new_run(*last);
    let claim = stores.runs.claim(&run.owner, &run.key.unwrap(), at(1)).await.unwrap();
    assert_eq!(claim, Claim::Same(*last));
    stores.health.close().await;
    webscripts_store::examine(&path).await.unwrap();
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "tells the other process from this one")]
async fn no_acknowledged_record_is_lost_when_the_process_is_killed() {
    if let Some(directory) = std::env::var_os(DIRECTORY) {
        let round = std::env::var("ROUND").unwrap().parse().unwrap();
        return record_until_killed(Path::new(&directory), round).await;
    }
    let directory = tempfile::tempdir().unwrap();
    let mut acknowledged = 0;

    for round in 0..ROUNDS {
        let known = kill_one(directory.path(), round);
        verify(directory.path(), &known).await;
        acknowledged += known.len();
    }

    println!("{ROUNDS} rounds: {acknowledged} writes were acknowledged; none was lost");
}
