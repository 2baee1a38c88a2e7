//! From the beginning to the end of a run.

use std::time::Duration;

use webscripts_domain::invocation::TerminalSize;
use webscripts_domain::run::{
    Outcome, RecordedArgument, RecordedValue, RunRecord, RunState, StartedVia,
};

use super::{
    ADA, BOB, add, at, end, ended, find, finish, id, id_in, owner, queued, record, run, text,
};
use crate::Stores;
use crate::runs::{Change, Claim, Counts, Ended, NewRun, Unfinished};

pub(in crate::contract) async fn a_new_run_is_found_with_everything_that_was_given(
    stores: &Stores,
) {
    let secret = RecordedArgument {
        name: "--password".to_owned(),
        value: RecordedValue::Secret,
        input: true,
        cut: false,
    };
    let cut = RecordedArgument { cut: true, ..text("file", "cont") };
    let queued = NewRun {
        arguments: vec![text("--name", "\"é\n\u{1}\\\u{1f600}"), secret, cut],
        owner: owner(0, 9),
        user_name: "Not Authenticated".to_owned(),
        via: StartedVia::Again(id(1)),
        ..queued(100)
    };
    let running = NewRun { via: StartedVia::Api, ..run(101) };
    add(stores, &queued).await;
    add(stores, &running).await;

    assert_eq!(find(stores, queued.id).await, Some(record(&queued)));
    assert_eq!(find(stores, running.id).await, Some(record(&running)));
    assert_eq!(find(stores, id(102)).await, None);
}

pub(in crate::contract) async fn an_identifier_is_taken_once(stores: &Stores) {
    add(stores, &run(100)).await;

    let again = NewRun { script: "b.py".to_owned(), ..run(100) };
    assert!(stores.runs.add(&again).await.is_err());

    assert_eq!(find(stores, id(100)).await, Some(record(&run(100))));
}

pub(in crate::contract) async fn a_queued_run_starts_once(stores: &Stores) {
    add(stores, &queued(100)).await;
    let start = async |second| {
        stores.runs.change(id(100), &Change::Started { at: at(second) }).await.unwrap()
    };

    assert!(start(105).await);
    assert!(!start(106).await);

    let expected =
        RunRecord { state: RunState::Running, started: Some(at(105)), ..record(&queued(100)) };
    assert_eq!(find(stores, id(100)).await, Some(expected));
}

pub(in crate::contract) async fn the_first_end_of_a_run_counts(stores: &Stores) {
    add(stores, &run(100)).await;
    let end = end(Outcome::Signalled(15), Duration::from_micros(1_234_567));
    let stopped = Ended {
        end: Some(end),
        reason: Some("stopped by Ada".to_owned()),
        output_bytes: 25,
        ..ended(101, RunState::Stopped)
    };
    finish(stores, id(100), stopped).await;

    let late = Change::Ended(ended(102, RunState::Lost));
    assert!(!stores.runs.change(id(100), &late).await.unwrap());
    let start = Change::Started { at: at(102) };
    assert!(!stores.runs.change(id(100), &start).await.unwrap());

    let expected = RunRecord {
        state: RunState::Stopped,
        ended: Some(at(101)),
        end: Some(end),
        reason: Some("stopped by Ada".to_owned()),
        ..record(&run(100))
    };
    assert_eq!(find(stores, id(100)).await, Some(expected));
}

pub(in crate::contract) async fn every_end_reads_back(stores: &Stores) {
    let outcomes = [
        (RunState::Succeeded, Some(Outcome::Exited(0))),
        (RunState::Failed, Some(Outcome::Exited(-1))),
        (RunState::Failed, Some(Outcome::Signalled(9))),
        (RunState::TimedOut, Some(Outcome::TimedOut)),
        (RunState::Stopped, Some(Outcome::Cancelled)),
        (RunState::Stopped, None),
        (RunState::Lost, None),
    ];
    for (second, (state, outcome)) in (100..).zip(outcomes) {
        let end = outcome.map(|outcome| end(outcome, Duration::from_millis(3)));
        add(stores, &queued(second)).await;
        finish(stores, id(second), Ended { end, ..ended(200, state) }).await;

        let expected = RunRecord { state, ended: Some(at(200)), end, ..record(&queued(second)) };
        assert_eq!(find(stores, id(second)).await, Some(expected));
    }
}

pub(in crate::contract) async fn an_unknown_run_does_not_change(stores: &Stores) {
    for change in [Change::Started { at: at(1) }, Change::Ended(ended(1, RunState::Lost))] {
        assert!(!stores.runs.change(id(100), &change).await.unwrap());
    }
}

pub(in crate::contract) async fn unfinished_runs_are_listed_oldest_first_page_by_page(
    stores: &Stores,
) {
    let terminal = Some(TerminalSize { columns: 132, rows: 43 });
    let runs = [queued(100), run(101), NewRun { terminal, ..queued(102) }, run(103)];
    for run in &runs {
        add(stores, run).await;
    }
    finish(stores, id(101), ended(104, RunState::Lost)).await;

    let page = async |after, limit| stores.runs.unfinished(after, limit).await.unwrap();
    let [first, _, third, fourth] =
        runs.map(|run| Unfinished { record: record(&run), terminal: run.terminal });
    assert_eq!(page(None, 2).await, [first, third]);
    assert_eq!(page(Some(id(102)), 2).await, [fourth]);
    assert_eq!(page(Some(id(103)), 2).await, []);
    let counts = stores.runs.counts().await.unwrap();
    assert_eq!(counts, Counts { queued: 2, running: 1 });
}

pub(in crate::contract) async fn concurrent_writes_are_all_done_and_answered(stores: &Stores) {
    let add_and_end = async |number: u8| {
        let run = NewRun { id: id_in(100, number), ..run(100) };
        add(stores, &run).await;
        let change = Change::Ended(ended(101, RunState::Failed));
        let (first, second) =
            tokio::join!(stores.runs.change(run.id, &change), stores.runs.change(run.id, &change));
        assert!(first.unwrap() ^ second.unwrap());
    };
    tokio::join!(add_and_end(1), add_and_end(2), add_and_end(3), add_and_end(4), add_and_end(5));

    for number in 1..=5 {
        assert_eq!(find(stores, id_in(100, number)).await.unwrap().state, RunState::Failed);
    }
}

pub(in crate::contract) async fn a_write_that_is_refused_does_not_spoil_those_beside_it(
    stores: &Stores,
) {
    add(stores, &run(100)).await;
    let (taken, new) = (run(100), run(101));

    let (refused, accepted) = tokio::join!(stores.runs.add(&taken), stores.runs.add(&new));

    assert!(refused.is_err());
    assert!(accepted.is_ok());
    assert_eq!(find(stores, id(101)).await, Some(record(&new)));
}

pub(in crate::contract) async fn the_usual_duration_is_the_median_of_the_last_20_successes(
    stores: &Stores,
) {
    let usual = async |script| stores.runs.usual_duration(script).await.unwrap();
    assert_eq!(usual("a.py").await, None);
    for second in 0..30 {
        add(stores, &run(second)).await;
        let took = Duration::from_secs(second.unsigned_abs());
        let end = Some(end(Outcome::Exited(0), took));
        // One in three fails: 20 are successful.
        let state = if second % 3 == 0 { RunState::Failed } else { RunState::Succeeded };
        finish(stores, id(second), Ended { end, ..ended(100, state) }).await;
    }
    assert_eq!(usual("a.py").await, Some(Duration::from_secs(16)));
    add(stores, &run(50)).await;
    let quick = Some(end(Outcome::Exited(0), Duration::ZERO));
    finish(stores, id(50), Ended { end: quick, ..ended(100, RunState::Succeeded) }).await;

    // The oldest of now 21 counts no longer.
    assert_eq!(usual("a.py").await, Some(Duration::from_secs(16)));
    assert_eq!(usual("b.py").await, None);
}

pub(in crate::contract) async fn the_last_run_of_a_script_is_that_of_its_owner(stores: &Stores) {
    let of =
        |second, owner, script: &str| NewRun { owner, script: script.to_owned(), ..run(second) };
    for run in [
        of(100, ADA, "a.py"),
        of(101, ADA, "a.py"),
        of(102, ADA, "b.py"),
        of(103, BOB, "a.py"),
        of(104, owner(0, 1), "a.py"),
        of(105, owner(0, 2), "a.py"),
    ] {
        add(stores, &run).await;
    }
    let last = async |owner, script| {
        let run = stores.runs.last_of(&owner, script).await.unwrap();
        run.map(|run| run.created.as_second())
    };

    assert_eq!(last(ADA, "a.py").await, Some(101));
    assert_eq!(last(ADA, "b.py").await, Some(102));
    assert_eq!(last(BOB, "b.py").await, None);
    assert_eq!(last(owner(0, 1), "a.py").await, Some(104));
}

pub(in crate::contract) async fn an_end_that_is_being_written_is_read(stores: &Stores) {
    add(stores, &run(100)).await;
    let over = Change::Ended(ended(101, RunState::Succeeded));

    let mut ending = std::pin::pin!(stores.runs.change(id(100), &over));
    let early = futures_util::poll!(ending.as_mut());
    let found = find(stores, id(100)).await;

    assert!(early.is_pending());
    assert_eq!(found.map(|record| record.state), Some(RunState::Succeeded));
    assert!(ending.await.unwrap());
}

pub(in crate::contract) async fn new_runs_and_ends_are_written_together(stores: &Stores) {
    for second in 100..110 {
        add(stores, &run(second)).await;
    }
    let over = Change::Ended(ended(120, RunState::Succeeded));
    let ends = (100..112).map(|second| stores.runs.change(id(second), &over));
    let news: Vec<NewRun> = (110..113).map(run).collect();
    let adds = news.iter().map(|run| stores.runs.add(run));

    let (ends, adds) = tokio::join!(
        futures_util::future::try_join_all(ends),
        futures_util::future::try_join_all(adds)
    );

    // Ends came first: of runs that were not there yet there was nothing to end.
    assert_eq!(ends.unwrap(), [[true; 10].as_slice(), &[false; 2]].concat());
    assert_eq!(adds.unwrap(), [Claim::New; 3]);
    let states = async |second| find(stores, id(second)).await.map(|record| record.state);
    assert_eq!(states(109).await, Some(RunState::Succeeded));
    assert_eq!(states(112).await, Some(RunState::Running));
}

pub(in crate::contract) async fn a_run_is_deleted_behind_its_end(stores: &Stores) {
    add(stores, &run(100)).await;
    let over = Change::Ended(ended(101, RunState::Succeeded));
    let ids = [id(100)];

    let (ended, deleted) =
        tokio::join!(stores.runs.change(id(100), &over), stores.runs.delete(&ids));

    assert_eq!((ended.unwrap(), deleted.unwrap()), (true, 1));
    assert_eq!(find(stores, id(100)).await, None);
}
