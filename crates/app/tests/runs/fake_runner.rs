//! A runner that starts nothing: tests print and end runs by hand.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::mpsc;
use webscripts_domain::invocation::Invocation;
use webscripts_domain::run::{Outcome, RunEnd, RunId, Stream, Usage};
use webscripts_engine::runs::{
    Lack, Over, Progress, Recovered, RunControl, RunHandle, Runner, StartError, Wishes,
};
use webscripts_engine::spool::SpoolWriter;

/// What tests hold of the runner.
pub struct FakeRunner {
    runs: Mutex<HashMap<RunId, FakeRun>>,
    started: mpsc::UnboundedSender<RunId>,
    starts: tokio::sync::Mutex<mpsc::UnboundedReceiver<RunId>>,
    /// What is answered of runs of the time before.
    pub found: Mutex<HashMap<RunId, Recovered>>,
    /// Whether nothing can be started.
    pub is_broken: Mutex<bool>,
}

struct FakeRun {
    control: RunControl,
    spool: SpoolWriter,
    invocation: Invocation,
}

impl FakeRunner {
    pub fn new() -> Self {
        let (started, starts) = mpsc::unbounded_channel();
        Self {
            runs: Mutex::default(),
            started,
            starts: tokio::sync::Mutex::new(starts),
            found: Mutex::default(),
            is_broken: Mutex::new(false),
        }
    }

    fn runs(&self) -> MutexGuard<'_, HashMap<RunId, FakeRun>> {
        self.runs.lock().unwrap()
    }

    /// The run that was started next.
    pub async fn next_start(&self) -> RunId {
        self.starts.lock().await.recv().await.unwrap()
    }

    /// Whether nothing was started that [`FakeRunner::next_start`] has not answered.
    pub async fn is_quiet(&self) -> bool {
        self.starts.lock().await.is_empty()
    }

    /// Prints something.
    pub fn print(&self, run: RunId, stream: Stream, bytes: &[u8]) {
        let mut runs = self.runs();
        let run = runs.get_mut(&run).unwrap();
        run.spool.append(stream, bytes, 1_000).unwrap();
        let printed = run.spool.printed();
        let chunks = run.spool.chunks();
        run.control.progress.send_modify(|progress| {
            *progress =
                Progress { chunks, stdout: printed.stdout, stderr: printed.stderr, over: None };
        });
    }

    /// Ends a run.
    pub fn end(&self, run: RunId, outcome: Outcome) {
        let run = self.runs().remove(&run).unwrap();
        let end = RunEnd {
            outcome,
            took: Duration::from_secs(1),
            usage: Usage::default(),
            printed: run.spool.printed(),
        };
        run.control.progress.send_modify(|progress| progress.over = Some(Over::Ended(end)));
    }

    /// Lets the keeper of a run vanish.
    pub fn lose(&self, run: RunId) {
        self.runs().remove(&run).unwrap();
    }

    /// What is wanted of a run.
    pub fn wishes(&self, run: RunId) -> Wishes {
        *self.runs().get(&run).unwrap().control.wishes.borrow()
    }

    /// Waits until a run is asked to end.
    pub async fn stopped(&self, run: RunId) {
        let mut wishes = self.runs().get(&run).unwrap().control.wishes.clone();
        wishes.wait_for(|wishes| wishes.stop || wishes.kill).await.unwrap();
    }

    /// What was started.
    pub fn invocation(&self, run: RunId) -> Invocation {
        self.runs().get(&run).unwrap().invocation.clone()
    }

    /// A handle of a run that this runner keeps, as if it had been found again.
    pub fn adopt(&self, run: RunId, place: &Path) -> RunHandle {
        std::fs::create_dir_all(place).unwrap();
        let directory = std::fs::File::open(place).unwrap();
        let (handle, control) = RunHandle::new(run, place.to_owned(), 7);
        let spool = SpoolWriter::new(directory.into(), 16 << 20, 0);
        let invocation = Invocation::documentation(
            run,
            vec!["x".to_owned()],
            Vec::new(),
            &webscripts_domain::testkit::surroundings(place, place),
        );
        let invocation = invocation.unwrap();
        self.runs().insert(run, FakeRun { control, spool, invocation });
        handle
    }
}

#[async_trait]
impl Runner for FakeRunner {
    async fn start(&self, what: Invocation) -> Result<RunHandle, StartError> {
        if *self.is_broken.lock().unwrap() {
            return Err(StartError::NotFound { program: what.program().to_owned() });
        }
        let run = what.run();
        let handle = self.adopt(run, what.place());
        self.runs().get_mut(&run).unwrap().invocation = what;
        self.started.send(run).unwrap();
        Ok(handle)
    }

    async fn recover(&self, run: RunId, _: &Path, _: Duration) -> Recovered {
        self.found.lock().unwrap().remove(&run).unwrap_or(Recovered::Lost)
    }

    fn lacks(&self) -> Vec<Lack> {
        Vec::new()
    }
}
