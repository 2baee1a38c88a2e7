//! How fast runs are next to the least that starting a process costs, in one process so that both
//! meet the same machine.
//!
//! ```text
//! cargo run --release -p webscripts-engine --example spawn_rate [RUNS [CONCURRENT [PROGRAM [WORD]…]]]
//! ```
//!
//! "bare" is `tokio::process` alone: spawn, read both pipes, wait. Both get the same program,
//! environment and directory. Rounds alternate and the median of their ratios is printed, because
//! other work on the machine disturbs single rounds.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use tokio::task::JoinSet;
use webscripts_domain::invocation::Invocation;
use webscripts_domain::run::RunId;
use webscripts_domain::testkit::surroundings;
use webscripts_engine::{LocalRunner, Runner};

/// Pairs of rounds.
const ROUNDS: usize = 15;

#[derive(Debug, Clone, Copy)]
enum Way {
    Bare,
    Engine,
}

#[derive(Debug)]
struct Bench {
    runner: LocalRunner,
    runs: u64,
    /// Runs at the same time.
    concurrent: usize,
    words: Vec<String>,
    environment: Vec<(String, String)>,
    directory: PathBuf,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut words = std::env::args().skip(1);
    let runs: u64 = words.next().map_or(Ok(2000), |text| text.parse()).context("not a number")?;
    let concurrent = words.next().map_or(Ok(8), |text| text.parse()).context("not a number")?;
    let mut words: Vec<String> = words.collect();
    if words.is_empty() {
        words = ["/bin/echo", "hello"].map(str::to_owned).to_vec();
    }
    let bench = Arc::new(Bench {
        runner: LocalRunner::new(),
        runs,
        concurrent,
        words,
        environment: vec![("PATH".to_owned(), "/usr/bin:/bin".to_owned())],
        directory: std::env::temp_dir(),
    });
    let mut out = std::io::stdout();
    let mut ratios = Vec::new();
    let mut best = (f64::INFINITY, f64::INFINITY);
    for _ in 0..ROUNDS {
        let bare = round(&bench, Way::Bare).await?.as_secs_f64();
        let engine = round(&bench, Way::Engine).await?.as_secs_f64();
        ratios.push(bare / engine);
        best = (best.0.min(bare), best.1.min(engine));
    }
    ratios.sort_by(f64::total_cmp);
    let ratio = ratios.get(ROUNDS / 2).context("no rounds")?;
    let per_run = |seconds: f64| seconds * 1e6 / f64::from(u32::try_from(runs).unwrap_or(u32::MAX));
    writeln!(out, "bare   {:8.1} µs a run (best round)", per_run(best.0))?;
    writeln!(out, "engine {:8.1} µs a run (best round)", per_run(best.1))?;
    writeln!(out, "engine / bare, rate: {ratio:.3} (median of {ROUNDS} rounds of {runs} runs)")?;
    Ok(())
}

async fn round(bench: &Arc<Bench>, way: Way) -> anyhow::Result<Duration> {
    let started = Instant::now();
    let next = Arc::new(AtomicU64::new(0));
    let mut workers = JoinSet::new();
    for _ in 0..bench.concurrent {
        let (bench, next) = (Arc::clone(bench), Arc::clone(&next));
        workers.spawn(async move {
            while next.fetch_add(1, Ordering::Relaxed) < bench.runs {
                match way {
                    Way::Bare => bench.bare().await?,
                    Way::Engine => bench.engine().await?,
                };
            }
            Ok::<_, anyhow::Error>(())
        });
    }
    while let Some(worker) = workers.join_next().await {
        worker??;
    }
    Ok(started.elapsed())
}

impl Bench {
    async fn bare(&self) -> anyhow::Result<usize> {
        let (program, words) = self.words.split_first().context("no program")?;
        #[expect(clippy::disallowed_methods, reason = "what the engine is compared with")]
        let mut command = tokio::process::Command::new(program);
        command.args(words).env_clear().envs(self.environment.iter().cloned());
        command.current_dir(&self.directory).stdin(Stdio::null()).kill_on_drop(true);
        let output = command.output().await?;
        ensure!(output.status.success(), "{:?} failed", self.words);
        Ok(output.stdout.len())
    }

    async fn engine(&self) -> anyhow::Result<usize> {
        let surroundings = surroundings(&self.directory, Path::new("/nonexistent"));
        let run = RunId::parse("00000000-0000-7000-8000-000000000000").context("no identifier")?;
        let (words, environment) = (self.words.clone(), self.environment.clone());
        let order = Invocation::documentation(run, words, environment, &surroundings)
            .context("no program")?;
        let mut handle = self.runner.start(order).await?;
        let mut length = 0;
        while let Some(chunk) = handle.output.recv().await {
            length += chunk.bytes.len();
        }
        ensure!(handle.end.await?.outcome.is_success(), "{:?} failed", self.words);
        Ok(length)
    }
}
