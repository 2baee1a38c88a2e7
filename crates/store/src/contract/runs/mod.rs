//! Runs.

pub(super) mod keys;
pub(super) mod lists;
pub(super) mod retention;
pub(super) mod states;

use std::net::IpAddr;
use std::time::Duration;

use webscripts_domain::identity::UserId;
use webscripts_domain::run::{
    Outcome, Printed, RecordedArgument, RecordedValue, RunEnd, RunId, RunRecord, RunState,
    StartedVia, Usage,
};

use super::at;
use crate::Stores;
use crate::runs::{Change, Claim, Ended, NewRun, Owner, Page, RunFilter, Visible};

const ADA: Owner = owner(2, 1);
const BOB: Owner = owner(3, 1);

const fn owner(user: i64, address: u8) -> Owner {
    Owner { user: UserId(user), address: IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, address)) }
}

/// The run that was asked for in this second; several of one second have other last numbers.
fn id_in(second: i64, last: u8) -> RunId {
    RunId::new(at(second), [last; 10])
}

fn id(second: i64) -> RunId {
    id_in(second, 7)
}

fn text(name: &str, value: &str) -> RecordedArgument {
    RecordedArgument {
        name: name.to_owned(),
        value: RecordedValue::Json(serde_json::Value::from(value).to_string()),
        input: false,
        cut: false,
    }
}

/// A run that Ada starts at this second.
fn run(second: i64) -> NewRun {
    NewRun {
        id: id(second),
        script: "a.py".to_owned(),
        arguments: Vec::new(),
        owner: ADA,
        user_name: "Ada".to_owned(),
        via: StartedVia::Page,
        terminal: None,
        started: Some(at(second)),
        key: None,
    }
}

fn queued(second: i64) -> NewRun {
    NewRun { started: None, ..run(second) }
}

/// What is known of a new run.
fn record(run: &NewRun) -> RunRecord {
    RunRecord {
        id: run.id,
        script: run.script.clone(),
        arguments: run.arguments.clone(),
        user: run.owner.user,
        user_name: run.user_name.clone(),
        address: run.owner.address,
        via: run.via,
        terminal: run.terminal,
        state: if run.started.is_some() { RunState::Running } else { RunState::Queued },
        created: run.id.created(),
        started: run.started,
        ended: None,
        end: None,
        reason: None,
        output_expired: false,
    }
}

fn end(outcome: Outcome, took: Duration) -> RunEnd {
    RunEnd {
        outcome,
        took,
        usage: Usage { cpu: Duration::from_micros(1234), peak_memory: 5_000_000_000 },
        printed: Printed { stdout: 10, stderr: 20, dropped: 5 },
    }
}

fn ended(second: i64, state: RunState) -> Ended {
    Ended { at: at(second), state, end: None, reason: None, output_bytes: 0 }
}

async fn add(stores: &Stores, run: &NewRun) {
    assert_eq!(stores.runs.add(run).await.unwrap(), Claim::New);
}

async fn finish(stores: &Stores, id: RunId, ended: Ended) {
    assert!(stores.runs.change(id, &Change::Ended(ended)).await.unwrap());
}

/// A run of this second that ends a second later with this much output.
async fn add_ended(stores: &Stores, run: &NewRun, state: RunState, output_bytes: u64) {
    add(stores, run).await;
    let second = run.id.created().as_second() + 1;
    finish(stores, run.id, Ended { output_bytes, ..ended(second, state) }).await;
}

async fn find(stores: &Stores, id: RunId) -> Option<RunRecord> {
    stores.runs.find(id).await.unwrap()
}

fn seconds(runs: &[RunRecord]) -> Vec<i64> {
    runs.iter().map(|run| run.created.as_second()).collect()
}

async fn page(stores: &Stores, filter: &RunFilter, cursor: Option<RunId>, limit: u32) -> Page {
    stores.runs.list(filter, cursor, limit).await.unwrap()
}

/// The seconds of all runs that fit, over all pages.
async fn listed(stores: &Stores, filter: &RunFilter) -> Vec<i64> {
    let (mut all, mut cursor) = (Vec::new(), None);
    loop {
        let page = page(stores, filter, cursor, 2).await;
        assert!(page.runs.len() <= 2);
        all.extend(seconds(&page.runs));
        match page.next {
            Some(next) => cursor = Some(next),
            None => return all,
        }
    }
}

fn everything() -> RunFilter {
    RunFilter::all(Visible::All)
}

fn own(owner: Owner, scripts: &[&str]) -> RunFilter {
    let scripts = scripts.iter().map(|name| (*name).to_owned()).collect();
    RunFilter::all(Visible::Own { owner, scripts })
}
