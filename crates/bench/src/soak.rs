//! A mixture of runs at full speed, for as long as it is told: short, long, noisy and failing ones,
//! ones that are stopped, ones that leave daemons behind, and ones that are watched.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::exchange::{Answer, ask};
use crate::plan::Plan;
use crate::watch::{self, WatchPlan};

/// Most workers of a plan.
const MOST_WORKERS: usize = 64;
/// Most minutes.
const MOST_MINUTES: u64 = 600;

/// What is done and for how long.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SoakPlan {
    /// The server. Loopback only.
    pub address: SocketAddr,
    /// Header fields of every request.
    pub headers: Vec<(String, String)>,
    /// How many work at the same time, each with one run. 1 to 64.
    pub workers: usize,
    /// Seconds until no new run is started.
    pub seconds: u64,
}

/// How many runs of each kind ended as they should. A run that did not is an error.
#[derive(Debug, Default, Serialize)]
pub struct SoakReport {
    /// By kind.
    pub runs: BTreeMap<&'static str, u64>,
}

/// The kinds, in the order in which a worker takes its turns.
const KINDS: [Kind; 8] = [
    Kind::Short,
    Kind::Noisy,
    Kind::Short,
    Kind::Failing,
    Kind::Watched,
    Kind::Stopped,
    Kind::Daemon,
    Kind::Short,
];

#[derive(Debug, Clone, Copy)]
enum Kind {
    Short,
    Noisy,
    Failing,
    Watched,
    Stopped,
    Daemon,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Short => "short",
            Self::Noisy => "noisy",
            Self::Failing => "failing",
            Self::Watched => "long and watched",
            Self::Stopped => "stopped",
            Self::Daemon => "leaving a daemon",
        }
    }
}

/// Works until the time is over and the last run has ended.
pub async fn run(plan: &SoakPlan) -> anyhow::Result<SoakReport> {
    ensure!(plan.address.ip().is_loopback(), "{} is not a loopback address", plan.address);
    ensure!((1..=MOST_WORKERS).contains(&plan.workers), "1 to {MOST_WORKERS} workers");
    ensure!(plan.seconds <= MOST_MINUTES * 60, "at most {MOST_MINUTES} minutes");
    let end = Instant::now() + Duration::from_secs(plan.seconds);
    let mut workers = JoinSet::new();
    for worker in 0..plan.workers {
        workers.spawn(work(plan.clone(), worker, end));
    }
    let mut report = SoakReport::default();
    while let Some(worker) = workers.join_next().await {
        for (kind, runs) in worker.context("a worker failed")?? {
            *report.runs.entry(kind).or_default() += runs;
        }
    }
    Ok(report)
}

async fn work(
    plan: SoakPlan,
    worker: usize,
    end: Instant,
) -> anyhow::Result<BTreeMap<&'static str, u64>> {
    let mut runs = BTreeMap::new();
    for kind in KINDS.iter().cycle().skip(worker) {
        if Instant::now() >= end {
            break;
        }
        one(&plan, *kind).await.with_context(|| format!("a run of the kind `{}`", kind.name()))?;
        *runs.entry(kind.name()).or_default() += 1;
    }
    Ok(runs)
}

async fn one(plan: &SoakPlan, kind: Kind) -> anyhow::Result<()> {
    match kind {
        Kind::Short => finishes(plan, "tiny", json!({}), "succeeded").await,
        Kind::Noisy => finishes(plan, "flood", words(&["bytes"], &["1300000"]), "succeeded").await,
        Kind::Failing => finishes(plan, "failing", json!({}), "failed").await,
        Kind::Daemon => finishes(plan, "daemon", json!({}), "succeeded").await,
        Kind::Watched => {
            let body = body("ticker", &words(&["lines", "pause"], &["50", "5"]), "id");
            let start = post(plan, "/api/runs/", &body);
            let report =
                watch::run(&WatchPlan { start, watchers: 2, lines: 50, idle_ms: 0 }).await?;
            ensure!(report.lines == 100, "the watchers saw {} lines", report.lines);
            Ok(())
        }
        Kind::Stopped => stopped(plan).await,
    }
}

async fn finishes(
    plan: &SoakPlan,
    script: &str,
    arguments: Value,
    state: &str,
) -> anyhow::Result<()> {
    let answer = ask(&post(plan, "/api/runs/", &body(script, &arguments, "result"))).await?;
    ensure!(answer.status == 200, "the answer was {}: {}", answer.status, answer.body);
    expect_state(&answer, "/run/state", state)
}

async fn stopped(plan: &SoakPlan) -> anyhow::Result<()> {
    let arguments = words(&["lines", "pause"], &["100000", "5"]);
    let answer = ask(&post(plan, "/api/runs/", &body("ticker", &arguments, "id"))).await?;
    ensure!(answer.status == 202, "the start was answered {}: {}", answer.status, answer.body);
    let started: Value = serde_json::from_str(&answer.body)?;
    let id = started.pointer("/run/id").and_then(Value::as_str).context("no run")?;
    let answer = ask(&post(plan, &format!("/api/runs/{id}/stop"), "{}")).await?;
    ensure!(answer.status == 200, "the stop was answered {}: {}", answer.status, answer.body);
    loop {
        let mut poll = post(plan, &format!("/api/runs/{id}/poll?wait=20"), "");
        "GET".clone_into(&mut poll.method);
        let answer = ask(&poll).await?;
        ensure!(answer.status == 200, "the poll was answered {}: {}", answer.status, answer.body);
        let polled: Value = serde_json::from_str(&answer.body)?;
        let state = polled.pointer("/run/state").and_then(Value::as_str).context("no state")?;
        if !matches!(state, "queued" | "running") {
            return expect_state(&answer, "/run/state", "stopped");
        }
    }
}

fn expect_state(answer: &Answer, pointer: &str, state: &str) -> anyhow::Result<()> {
    let body: Value = serde_json::from_str(&answer.body).context("the answer is no JSON")?;
    let is = body.pointer(pointer).and_then(Value::as_str);
    ensure!(is == Some(state), "the run is {is:?}, not {state}: {}", answer.body);
    Ok(())
}

fn words(names: &[&str], values: &[&str]) -> Value {
    let members = names.iter().zip(values);
    members.map(|(name, value)| ((*name).to_owned(), json!({"value": value}))).collect()
}

fn body(script: &str, arguments: &Value, answer: &str) -> String {
    json!({"script": script, "arguments": arguments, "answer": answer}).to_string()
}

fn post(plan: &SoakPlan, path: &str, body: &str) -> Plan {
    Plan {
        address: plan.address,
        method: "POST".to_owned(),
        path: path.to_owned(),
        headers: plan.headers.clone(),
        body: body.to_owned(),
        connections: 1,
        warm_up_ms: 0,
        duration_ms: 0,
        requests: 1,
        expect: String::new(),
        least_bytes: 0,
    }
}
