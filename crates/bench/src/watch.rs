//! Watches the output of one run over many event streams and times each line.
//!
//! The run prints lines `tick NUMBER NANOSECONDS`; the time between that and the arrival of the
//! event is what a person waits for a line. Lines that were printed before all watchers were
//! connected must arrive, too, but their time is that of connecting and does not count.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, ensure};
use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::connection::Connection;
use crate::exchange::ask;
use crate::plan::Plan;

/// Most watchers of a plan.
const MOST_WATCHERS: usize = 20_000;
/// How long the whole measurement may take.
const LONGEST: Duration = Duration::from_mins(5);
/// Bytes of an event that are looked at together.
const LONGEST_EVENT: usize = 256 * 1024;

/// One measurement: a request that starts the run, and how many watch it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WatchPlan {
    /// `POST /api/runs/` with `"answer": "id"`; its header fields go with every other request.
    pub start: Plan,
    /// Event streams of the run. 1 to 20,000.
    pub watchers: usize,
    /// Lines that the run prints; every watcher must see each once. 0: nobody waits for lines, all
    /// stay connected for `idle_ms`.
    pub lines: usize,
    /// How long idle streams are held.
    #[serde(default)]
    pub idle_ms: u64,
}

/// What the watchers saw. Times in microseconds.
#[derive(Debug, Serialize)]
pub struct WatchReport {
    /// Lines seen by all watchers together.
    pub lines: u64,
    /// Those of them that were printed when all watchers were connected. The times are of these.
    pub counted: u64,
    /// Half of the lines arrived within this time.
    pub median_us: u64,
    /// 99 of 100 did.
    pub p99_us: u64,
    /// The slowest.
    pub most_us: u64,
}

/// A line: when it was printed and when it was seen, in nanoseconds of the monotonic clock.
#[derive(Debug, Clone, Copy)]
struct Tick {
    printed: u64,
    seen: u64,
}

impl Tick {
    fn delay_us(&self) -> u64 {
        self.seen.saturating_sub(self.printed) / 1000
    }
}

/// How many watchers are connected.
struct Connected {
    missing: AtomicUsize,
    /// When all were.
    since: AtomicU64,
    all: Barrier,
}

impl Connected {
    fn new(watchers: usize) -> Self {
        let missing = AtomicUsize::new(watchers);
        Self { missing, since: AtomicU64::new(u64::MAX), all: Barrier::new(watchers) }
    }

    fn one_more(&self) {
        if self.missing.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.since.store(monotonic_nanoseconds(), Ordering::Relaxed);
        }
    }
}

/// The monotonic clock of the machine, in nanoseconds.
pub fn monotonic_nanoseconds() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    let seconds = u64::try_from(now.tv_sec).unwrap_or_default();
    seconds.saturating_mul(1_000_000_000) + u64::try_from(now.tv_nsec).unwrap_or_default()
}

/// Starts the run and watches it to its end.
pub async fn run(plan: &WatchPlan) -> anyhow::Result<WatchReport> {
    let WatchPlan { watchers, .. } = plan;
    ensure!(
        (1..=MOST_WATCHERS).contains(watchers),
        "{watchers} watchers are not within 1 to {MOST_WATCHERS}"
    );
    timeout(LONGEST, watch_all(plan)).await.context("the watchers took too long")?
}

async fn watch_all(plan: &WatchPlan) -> anyhow::Result<WatchReport> {
    let answer = ask(&plan.start).await?;
    ensure!(answer.status == 202, "the start answered {}: {}", answer.status, answer.body);
    let started: serde_json::Value = serde_json::from_str(&answer.body)?;
    let id = started.pointer("/run/id").and_then(serde_json::Value::as_str);
    let path = format!("/api/runs/{}/events", id.context("the start named no run")?);
    let connected = Arc::new(Connected::new(plan.watchers));
    let mut watchers = JoinSet::new();
    for _ in 0..plan.watchers {
        watchers.spawn(watch(plan.clone(), path.clone(), Arc::clone(&connected)));
    }
    let mut ticks = Vec::new();
    while let Some(watcher) = watchers.join_next().await {
        ticks.extend(watcher.context("a watcher failed")??);
    }
    let since = connected.since.load(Ordering::Relaxed);
    let late = ticks.iter().filter(|tick| tick.printed >= since);
    let mut delays: Vec<u64> = late.map(Tick::delay_us).collect();
    delays.sort_unstable();
    let at = |part: f64| {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "an index far below 2^52"
        )]
        let index = (delays.len().saturating_sub(1) as f64 * part) as usize;
        delays.get(index).copied().unwrap_or_default()
    };
    Ok(WatchReport {
        lines: ticks.len() as u64,
        counted: delays.len() as u64,
        median_us: at(0.5),
        p99_us: at(0.99),
        most_us: at(1.0),
    })
}

/// One event stream: its lines.
async fn watch(
    plan: WatchPlan,
    path: String,
    connected: Arc<Connected>,
) -> anyhow::Result<Vec<Tick>> {
    let mut request: Request<Full<Bytes>> = plan.start.request()?;
    *request.method_mut() = Method::GET;
    *request.uri_mut() = path.parse().context("the path of the events")?;
    *request.body_mut() = Full::default();
    request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static("text/event-stream"));
    let mut connection = Connection::open(plan.start.address).await?;
    let response = connection.send(request).await?;
    ensure!(response.status() == StatusCode::OK, "the events answered {}", response.status());
    let mut body = response.into_body();
    connected.one_more();
    let mut ticks = Vec::with_capacity(plan.lines);
    if plan.lines == 0 {
        connected.all.wait().await;
        let held = Duration::from_millis(plan.idle_ms);
        let _ =
            timeout(held, async { while body.frame().await.is_some_and(|f| f.is_ok()) {} }).await;
        return Ok(ticks);
    }
    let mut rest = String::new();
    while ticks.len() < plan.lines {
        let frame = body.frame().await.context("the events ended before the last line")?;
        let Ok(data) = frame.context("the events broke off")?.into_data() else { continue };
        let now = monotonic_nanoseconds();
        rest.push_str(&String::from_utf8_lossy(&data));
        take_ticks(&mut rest, now, &mut ticks);
        ensure!(rest.len() <= LONGEST_EVENT, "an event is longer than {LONGEST_EVENT} bytes");
    }
    ensure!(ticks.len() == plan.lines, "{} lines instead of {}", ticks.len(), plan.lines);
    Ok(ticks)
}

/// Takes the complete events off `text` and adds the ticks in them.
fn take_ticks(text: &mut String, now: u64, ticks: &mut Vec<Tick>) {
    let Some(end) = text.rfind("\n\n") else { return };
    let events: String = text.drain(..end + 2).collect();
    for tick in events.split("tick ").skip(1) {
        let mut words = tick.split(|byte: char| !byte.is_ascii_digit());
        let printed = words.nth(1).and_then(|word| word.parse::<u64>().ok());
        ticks.extend(printed.map(|printed| Tick { printed, seen: now }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_read_from_complete_events_only() {
        let mut text =
            "event: output\nid: 1\ndata: {\"text\":\"tick 0 1000\\ntick 1 3000\\n\"}\n\n\
                        event: output\ndata: {\"text\":\"tick 2"
                .to_owned();
        let mut ticks = Vec::new();

        take_ticks(&mut text, 5_000_000, &mut ticks);

        assert_eq!(ticks.iter().map(Tick::delay_us).collect::<Vec<_>>(), [4_999, 4_997]);
        assert!(text.starts_with("event: output\ndata: {\"text\":\"tick 2"));
    }
}
