//! The load generator, seen from here: plans go in, reports come out.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use serde::{Deserialize, Serialize};

use super::bounded::output_of;

/// What the generator takes beyond the times of its plan.
const MARGIN: Duration = Duration::from_mins(4);

/// One measurement; the fields are described in crates/bench/src/plan.rs.
#[derive(Debug, Clone, Serialize)]
pub struct Plan {
    pub address: String,
    pub method: &'static str,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
    pub connections: usize,
    pub warm_up_ms: u128,
    pub duration_ms: u128,
    pub requests: u64,
    pub expect: String,
    pub least_bytes: u64,
}

impl Plan {
    /// A single request, to be shaped further by its fields.
    pub fn once(address: &str, method: &'static str, path: &str) -> Self {
        Self {
            address: address.to_owned(),
            method,
            path: path.to_owned(),
            headers: Vec::new(),
            body: String::new(),
            connections: 1,
            warm_up_ms: 0,
            duration_ms: 120_000,
            requests: 1,
            expect: String::new(),
            least_bytes: 0,
        }
    }

    /// The same request over `connections`, as often as `duration` allows.
    pub fn repeated(self, connections: usize, warm_up: Duration, duration: Duration) -> Self {
        let (warm_up_ms, duration_ms) = (warm_up.as_millis(), duration.as_millis());
        Self { connections, warm_up_ms, duration_ms, requests: 10_000_000, ..self }
    }
}

/// What the generator counted; the fields are described in crates/bench/src/report.rs.
#[derive(Debug, Deserialize)]
pub struct Report {
    pub requests: u64,
    pub answers: u64,
    pub requests_per_second: f64,
    pub body_bytes: u64,
    pub latency_us: Latency,
    errors: BTreeMap<String, u64>,
}

/// Latencies in microseconds.
#[derive(Debug, Deserialize)]
pub struct Latency {
    /// Half of the requests took at most this long.
    pub median: u32,
}

/// A run and its watchers; the fields are described in crates/bench/src/watch.rs.
#[derive(Debug, Clone, Serialize)]
pub struct WatchPlan {
    pub start: Plan,
    pub watchers: usize,
    pub lines: usize,
    pub idle_ms: u64,
}

/// What watchers saw, in microseconds; described in crates/bench/src/watch.rs.
#[derive(Debug, Deserialize)]
pub struct WatchReport {
    pub lines: u64,
    pub counted: u64,
    pub median_us: u32,
    pub p99_us: u32,
}

/// A mixture of runs; the fields are described in crates/bench/src/soak.rs.
#[derive(Debug, Clone, Serialize)]
pub struct SoakPlan {
    pub address: String,
    pub headers: Vec<(String, String)>,
    pub workers: usize,
    pub seconds: u64,
}

/// Runs by kind.
#[derive(Debug, Deserialize)]
pub struct SoakReport {
    pub runs: BTreeMap<String, u64>,
}

/// One answer.
#[derive(Debug, Deserialize)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Body as text.
    pub body: String,
    headers: Vec<(String, String)>,
}

impl Answer {
    /// The first header field called `name` (lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// The program `load`.
pub struct Load {
    /// Where it is.
    pub program: PathBuf,
}

impl Load {
    /// Runs a plan. A single wrong answer makes the whole measurement fail.
    pub fn run(&self, plan: &Plan) -> anyhow::Result<Report> {
        let report: Report = self.call(&[], plan)?;
        if !report.errors.is_empty() {
            let kinds: Vec<String> =
                report.errors.iter().map(|(what, times)| format!("{what} ({times} ×)")).collect();
            bail!("{} {}: {}", plan.method, plan.path, kinds.join(", "));
        }
        ensure!(report.requests > 0, "{} {}: nothing was counted", plan.method, plan.path);
        Ok(report)
    }

    /// Makes the request of a plan once; every status is an answer.
    pub fn ask(&self, plan: &Plan) -> anyhow::Result<Answer> {
        self.call(&["ask"], plan)
    }

    /// Watches a run over many event streams.
    pub fn watch(&self, plan: &WatchPlan) -> anyhow::Result<WatchReport> {
        self.call_within(&["watch"], plan, Duration::from_mins(6))
    }

    /// Runs a mixture of scripts.
    pub fn soak(&self, plan: &SoakPlan) -> anyhow::Result<SoakReport> {
        self.call_within(&["soak"], plan, Duration::from_secs(plan.seconds) + MARGIN)
    }

    fn call<T: for<'a> Deserialize<'a>>(&self, words: &[&str], plan: &Plan) -> anyhow::Result<T> {
        let times = Duration::from_millis(u64::try_from(plan.warm_up_ms + plan.duration_ms)?);
        self.call_within(words, plan, times + MARGIN)
            .with_context(|| format!("{} {}", plan.method, plan.path))
    }

    fn call_within<T: for<'a> Deserialize<'a>>(
        &self,
        words: &[&str],
        plan: &impl Serialize,
        within: Duration,
    ) -> anyhow::Result<T> {
        let mut load = Command::new(&self.program);
        load.args(words);
        let text = output_of(load, &serde_json::to_string(plan)?, within)?;
        serde_json::from_str(&text).context("the load generator answered something else")
    }
}
