//! Measures records of runs: `cargo run --release -p webscripts-store --example measure_runs`.
//!
//! Prints how many runs are recorded per second, how long one write takes, and how long pages of a
//! history take. The history has a million runs, or as many as an argument says.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a measurement"
)]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use webscripts_domain::clock::Timestamp;
use webscripts_domain::identity::UserId;
use webscripts_domain::run::{
    Outcome, Printed, RecordedArgument, RecordedValue, RunEnd, RunId, RunState, StartedVia, Usage,
};
use webscripts_store::runs::{Change, Ended, NewRun, Owner, RequestKey, RunFilter, Runs, Visible};
use webscripts_store::{StoreError, Stores};

/// Runs of the history.
const HISTORY: u64 = 1_000_000;
const START_MS: u64 = 1_700_000_000_000;

/// Run number `number` of a history in which a run is asked for every second.
fn id(number: u64) -> RunId {
    let time = u128::from(START_MS + number * 1000) << 80;
    RunId::from_bytes((time | 0x7000_8000_0000_0000_0000 | u128::from(number)).to_be_bytes())
}

fn owner(number: u64) -> Owner {
    // One visitor in eight, from 50 addresses; 100 users.
    let user = if number.is_multiple_of(8) { 0 } else { 2 + i64::try_from(number % 100).unwrap() };
    let address = [10, 0, 0, u8::try_from(number % 50).unwrap()].into();
    Owner { user: UserId(user), address }
}

fn new_run(number: u64) -> NewRun {
    let argument = |name: &str, value: String| RecordedArgument {
        name: name.to_owned(),
        value: RecordedValue::Json(value),
        input: false,
        cut: false,
    };
    NewRun {
        id: id(number),
        script: format!("script_{}.py", number % 37),
        arguments: vec![
            argument("--name", format!("\"customer {number}\"")),
            argument("--count", number.to_string()),
            argument("files", "[\"report.csv\",\"summary.txt\"]".to_owned()),
        ],
        owner: owner(number),
        user_name: format!("user{}", number % 100),
        via: StartedVia::Api,
        terminal: None,
        started: Some(id(number).created()),
        key: None,
    }
}

fn ended(number: u64) -> Change {
    let (state, outcome) = match number % 20 {
        0 => (RunState::Failed, Outcome::Exited(1)),
        _ => (RunState::Succeeded, Outcome::Exited(0)),
    };
    let took = Duration::from_millis(12);
    Change::Ended(Ended {
        at: Timestamp::from_millisecond(id(number).created().as_millisecond() + 12).unwrap(),
        state,
        end: Some(RunEnd {
            outcome,
            took,
            usage: Usage { cpu: took, peak_memory: 9_000_000 },
            printed: Printed { stdout: 120, stderr: 0, dropped: 0 },
        }),
        reason: None,
        output_bytes: 152,
    })
}

async fn pair(runs: &dyn Runs, number: u64, key: Option<RequestKey>) {
    runs.add(&NewRun { key, ..new_run(number) }).await.unwrap();
    assert!(runs.change(id(number), &ended(number)).await.unwrap());
}

/// Pairs of a new run and its end, by 32 callers at once.
async fn throughput(runs: &Arc<dyn Runs>, first: u64, pairs: u64, with_key: bool) {
    let begun = Instant::now();
    let cpu = cpu_time();
    let mut callers = tokio::task::JoinSet::new();
    for caller in 0..32 {
        let runs = Arc::clone(runs);
        callers.spawn(async move {
            for number in (first + caller..first + pairs).step_by(32) {
                let key = RequestKey { key: number.to_string(), digest: [7; 32] };
                pair(runs.as_ref(), number, with_key.then_some(key)).await;
            }
        });
    }
    callers.join_all().await;
    let (took, cpu) = (begun.elapsed(), cpu_time().checked_sub(cpu).unwrap());
    let per_pair = |time: Duration| time.as_secs_f64() * 1e6 / pairs as f64;
    println!(
        "32 callers{}: {:.0} pairs/s, {:.0} us of processor time per pair",
        if with_key { " with keys" } else { "" },
        pairs as f64 / took.as_secs_f64(),
        per_pair(cpu)
    );
}

/// Processor time of this process; the kernel counts in hundredths of a second (proc(5)).
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields = stat.rsplit(' ').collect::<Vec<_>>();
    let ticks: u64 = [52 - 14, 52 - 15].map(|at| fields[at].parse::<u64>().unwrap()).iter().sum();
    Duration::from_millis(ticks * 10)
}

/// One caller, one write after the other.
async fn latency(runs: &dyn Runs, first: u64) {
    let mut times = Vec::new();
    for number in first..first + 2_000 {
        let begun = Instant::now();
        pair(runs, number, None).await;
        times.push(begun.elapsed() / 2);
    }
    times.sort_unstable();
    println!(
        "1 caller: a write takes {:?} (median), {:?} (99 %), {:?} (longest)",
        times[1000], times[1980], times[1999]
    );
}

async fn page(runs: &dyn Runs, what: &str, filter: RunFilter) {
    let mut times = Vec::new();
    let mut last = None;
    for _ in 0..20 {
        let begun = Instant::now();
        last = Some(runs.list(&filter, None, 50).await.unwrap());
        times.push(begun.elapsed());
    }
    let first = times[0];
    times.sort_unstable();
    let page = last.unwrap();
    println!(
        "page {what}: {:.2?} (median), {first:.2?} (first); {} runs, more: {}",
        times[10],
        page.runs.len(),
        page.next.is_some()
    );
}

fn filters() -> Vec<(&'static str, RunFilter)> {
    let all = RunFilter::all(Visible::All);
    let own = |number, scripts: &[&str]| {
        let scripts = scripts.iter().map(|name| (*name).to_owned()).collect();
        RunFilter::all(Visible::Own { owner: owner(number), scripts })
    };
    let script = |name: &str| Some(name.to_owned());
    let at = |number| Some(id(number).created());
    let text = |text: &str| RunFilter { text: Some(text.to_owned()), ..all.clone() };
    vec![
        ("of all", all.clone()),
        ("of a user", RunFilter { user: Some(UserId(3)), ..all.clone() }),
        ("of nobody", RunFilter { user: Some(UserId(9999)), ..all.clone() }),
        ("of a script", RunFilter { script: script("script_3.py"), ..all.clone() }),
        ("failed", RunFilter { states: vec![RunState::Failed], ..all.clone() }),
        ("stopped", RunFilter { states: vec![RunState::Stopped], ..all.clone() }),
        ("over", RunFilter { states: RunState::ALL[2..].to_vec(), ..all.clone() }),
        ("unfinished", RunFilter { states: RunState::ALL[..2].to_vec(), ..all.clone() }),
        ("own", own(1, &[])),
        ("own of a visitor", own(8, &[])),
        ("own and of 2 scripts", own(1, &["script_1.py", "script_2.py"])),
        ("own failed", RunFilter { states: vec![RunState::Failed], ..own(1, &[]) }),
        ("in 10 minutes", RunFilter { from: at(5_000), to: at(5_600), ..all.clone() }),
        (
            "of a user and a script",
            RunFilter { user: Some(UserId(3)), script: script("script_3.py"), ..all.clone() },
        ),
        ("with a frequent text", text("Customer")),
        ("with a rare text", text("customer 77 ")),
    ]
}

async fn history(stores: &Stores, path: &Path, length: u64) {
    let runs = &stores.runs;
    let begun = Instant::now();
    throughput(runs, 0, length, false).await;
    let bytes = std::fs::metadata(path).unwrap().len();
    println!("{length} runs: {} MB, {:?}", bytes / 1_000_000, begun.elapsed());
    for (what, filter) in filters() {
        page(runs.as_ref(), what, filter).await;
    }
    timed("usual duration", runs.usual_duration("script_3.py")).await;
    timed("last run of a user and a script", runs.last_of(&owner(3), "script_3.py")).await;
    timed("last run of none", runs.last_of(&owner(3), "absent.py")).await;
    timed("counts", runs.counts()).await;
    timed("unfinished", runs.unfinished(None, 200)).await;
    timed("total of the output", runs.total_output_bytes()).await;
    let oldest = timed("oldest 500 with output", runs.oldest_with_output(500)).await;
    let ids: Vec<RunId> = oldest.into_iter().map(|(id, _)| id).collect();
    timed("output of 500 expired", runs.mark_output_expired(&ids)).await;
    let before = id(length / 2).created();
    let ids = timed("500 expired", runs.expired(before, 500)).await;
    timed("500 deleted", runs.delete(&ids)).await;
    latency(runs.as_ref(), length).await;
    throughput(runs, length + 2_000, 40_000, false).await;
}

async fn timed<T>(what: &str, call: impl Future<Output = Result<T, StoreError>>) -> T {
    let begun = Instant::now();
    let answer = call.await.unwrap();
    println!("{what}: {:.2?}", begun.elapsed());
    answer
}

#[tokio::main]
async fn main() {
    let argument = std::env::args().nth(1);
    let length = argument.map_or(HISTORY, |length| length.parse().unwrap());
    let directory = tempfile::tempdir().unwrap();
    for (name, size) in [("small", 0), ("large", 1)] {
        let path = directory.path().join(name);
        std::fs::create_dir(&path).unwrap();
        let stores = webscripts_store::open(&path.join("webscripts.sqlite3")).await.unwrap();
        if size == 0 {
            latency(stores.runs.as_ref(), 0).await;
            throughput(&stores.runs, 2_000, 40_000, false).await;
            throughput(&stores.runs, 42_000, 40_000, true).await;
        } else {
            history(&stores, &path.join(webscripts_store::RUNS_FILE), length).await;
        }
        stores.health.close().await;
    }
}
