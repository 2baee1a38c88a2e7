//! How fast runs are next to the least that starting a process costs, in one process so that both
//! meet the same machine.
//!
//! ```text
//! cargo run --release -p webscripts-engine --example spawn_rate [RUNS [CONCURRENT [PROGRAM [WORD]…]]]
//! ```
//!
//! "bare" is `tokio::process` alone: spawn, read both pipes, wait. The others are runs in the
//! presets of the sandbox, whose output is kept on disk and read back. All get the same program,
//! environment and directory. Rounds alternate and the median of their ratios is printed, because
//! other work on the machine disturbs single rounds. The processor time of a run, with that of
//! everything it needs, is disturbed less: its ratio is that of the rates on a machine with nothing
//! else to do.

use std::io::Write;
use std::path::PathBuf;
use std::process::{ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use tokio::task::JoinSet;
use webscripts_domain::clock::{Clock, SystemClock};
use webscripts_domain::invocation::Invocation;
use webscripts_domain::random::{Random, SystemRandom};
use webscripts_domain::run::{RunId, Stream};
use webscripts_domain::sandbox::{Preset, Sandbox};
use webscripts_domain::testkit::surroundings;
use webscripts_engine::runs::{
    LocalRunner, LocalSettings, Over, Runner, SupervisorProgram, supervise,
};
use webscripts_engine::spool::Spool;

/// Groups of rounds, one round of each way.
const ROUNDS: usize = 15;
/// The word that makes this program a supervisor.
const SUPERVISE: &str = "supervise";

#[derive(Debug, Clone, Copy)]
enum Way {
    Bare,
    Engine(Preset),
}

#[derive(Debug)]
struct Bench {
    random: Arc<SystemRandom>,
    runs: u64,
    /// Runs at the same time.
    concurrent: usize,
    words: Vec<String>,
    environment: Vec<(String, String)>,
    directory: PathBuf,
    runs_directory: PathBuf,
}

fn main() -> anyhow::Result<ExitCode> {
    if std::env::args().nth(1).as_deref() == Some(SUPERVISE) {
        return Ok(supervise());
    }
    tokio::runtime::Runtime::new()?.block_on(measure())?;
    Ok(ExitCode::SUCCESS)
}

async fn measure() -> anyhow::Result<()> {
    let mut words = std::env::args().skip(1);
    let runs: u64 = words.next().map_or(Ok(2000), |text| text.parse()).context("not a number")?;
    let concurrent = words.next().map_or(Ok(8), |text| text.parse()).context("not a number")?;
    let mut words: Vec<String> = words.collect();
    if words.is_empty() {
        words = ["/bin/echo", "hello"].map(str::to_owned).to_vec();
    }
    let place = tempfile::tempdir()?;
    let runs_directory = place.path().join("runs");
    let bench = Arc::new(Bench {
        random: Arc::new(SystemRandom),
        runs_directory,
        runs,
        concurrent,
        words,
        environment: vec![("PATH".to_owned(), "/usr/bin:/bin".to_owned())],
        directory: std::env::temp_dir(),
    });
    let mut out = std::io::stdout();
    let ways = [
        ("bare", Way::Bare),
        ("none", Way::Engine(Preset::None)),
        ("default", Way::Engine(Preset::Default)),
        ("strict", Way::Engine(Preset::Strict)),
    ];
    let mut rounds = vec![Vec::new(); ways.len()];
    for _ in 0..ROUNDS {
        for ((_, way), rounds) in ways.iter().zip(&mut rounds) {
            let before = processor_seconds()?;
            let seconds = round(&bench, *way).await?.as_secs_f64();
            rounds.push((seconds, processor_seconds()? - before));
        }
    }
    let bare = rounds.first().context("no rounds")?;
    for ((name, _), rounds) in ways.iter().zip(&rounds) {
        let rate = median(bare.iter().zip(rounds).map(|(bare, round)| bare.0 / round.0));
        let cost = median(bare.iter().zip(rounds).map(|(bare, round)| bare.1 / round.1));
        let per_run =
            |seconds: f64| seconds * 1e6 / f64::from(u32::try_from(bench.runs).unwrap_or(u32::MAX));
        let best = rounds.iter().map(|round| round.0).fold(f64::INFINITY, f64::min);
        let processor = median(rounds.iter().map(|round| round.1));
        writeln!(
            out,
            "{name:8} {:7.1} µs a run (best round), {:7.1} µs of processors (median); of bare: rate \
             {rate:.3}, processors {cost:.3}",
            per_run(best),
            per_run(processor),
        )?;
    }
    Ok(())
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Processor time of this process and of all it has waited for (proc(5), `stat`: fields 14 to 17).
fn processor_seconds() -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let (_, fields) = stat.rsplit_once(')').context("no name")?;
    let ticks = fields.split_ascii_whitespace().skip(11).take(4);
    let ticks = ticks.map(str::parse::<f64>).sum::<Result<f64, _>>()?;
    Ok(ticks / 100.0)
}

async fn round(bench: &Arc<Bench>, way: Way) -> anyhow::Result<Duration> {
    let runner = Arc::new(LocalRunner::new(LocalSettings {
        supervisor: SupervisorProgram::this_program(SUPERVISE),
        rendezvous: bench.runs_directory.join("rendezvous"),
        random: bench.random.clone(),
    })?);
    let started = Instant::now();
    let next = Arc::new(AtomicU64::new(0));
    let mut workers = JoinSet::new();
    for _ in 0..bench.concurrent {
        let (bench, next, runner) = (Arc::clone(bench), Arc::clone(&next), Arc::clone(&runner));
        workers.spawn(async move {
            while next.fetch_add(1, Ordering::Relaxed) < bench.runs {
                match way {
                    Way::Bare => bench.bare().await?,
                    Way::Engine(preset) => bench.engine(&runner, preset).await?,
                };
            }
            Ok::<_, anyhow::Error>(())
        });
    }
    while let Some(worker) = workers.join_next().await {
        worker??;
    }
    let took = started.elapsed();
    // The processor time of supervisors is known when they have ended.
    runner.shutdown(Duration::from_secs(5)).await;
    Ok(took)
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

    async fn engine(&self, runner: &LocalRunner, preset: Preset) -> anyhow::Result<usize> {
        let mut surroundings = surroundings(&self.directory, &self.runs_directory);
        surroundings.sandbox = Sandbox { preset, ..Sandbox::default() };
        let mut random = [0; 10];
        SystemRandom.fill(&mut random)?;
        let run = RunId::new(SystemClock.now(), random);
        let (words, environment) = (self.words.clone(), self.environment.clone());
        let order = Invocation::documentation(run, words, environment, &surroundings)
            .context("no program")?;
        let handle = runner.start(order).await?;
        let Over::Ended(end) = handle.over().await else { anyhow::bail!("lost") };
        ensure!(end.outcome.is_success(), "{:?} failed", self.words);
        let place = handle.place().to_owned();
        let spool = Spool::open(&place)?;
        Ok(spool.read(Stream::Stdout, 0, 1 << 20)?.bytes.len())
    }
}
