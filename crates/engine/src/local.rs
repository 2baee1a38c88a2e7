//! Runs on this machine.

use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use webscripts_domain::invocation::Invocation;

use crate::descriptor::keep_from_children;
use crate::run::{Ending, Run};
use crate::spawn::{spawn, unusable};
use crate::{RunHandle, Runner, StartError};

/// How long a run that is over may take to end.
const GRACE: Duration = Duration::from_secs(2);

/// Starts runs on this machine and owns them: dropping it cancels every one.
#[derive(Debug)]
pub struct LocalRunner {
    owner: Owner,
}

impl LocalRunner {
    /// A runner that gives runs two seconds to end by themselves.
    pub fn new() -> Self {
        Self::with_grace(GRACE)
    }

    /// A runner that gives another time, both to runs that were asked to end until they are
    /// killed, and to descendants that keep the outputs of a script open after its end.
    pub fn with_grace(grace: Duration) -> Self {
        keep_from_children();
        let (runs, stop, hurry) = Default::default();
        Self { owner: Owner { runs, stop, hurry, grace } }
    }

    /// Starts nothing more, cancels every run and waits until all are over. Runs that are left
    /// after `grace` are killed at once, and output which nobody has taken by then is lost.
    pub async fn shutdown(&self, grace: Duration) {
        let Owner { runs, stop, hurry, .. } = &self.owner;
        stop.cancel();
        runs.close();
        if tokio::time::timeout(grace, runs.wait()).await.is_ok() {
            return;
        }
        hurry.cancel();
        if tokio::time::timeout(self.owner.grace + GRACE, runs.wait()).await.is_err() {
            tracing::error!(runs = runs.len(), "scripts could not be ended");
        }
    }
}

impl Default for LocalRunner {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for LocalRunner {
    fn drop(&mut self) {
        self.owner.stop.cancel();
    }
}

#[async_trait]
impl Runner for LocalRunner {
    /// Takes about half a millisecond, in which a thread stands still: not one of those that
    /// serve requests. If the caller loses interest meanwhile, the handle is dropped, which ends
    /// the run.
    async fn start(&self, what: Invocation) -> Result<RunHandle, StartError> {
        let program = what.program().to_owned();
        let owner = self.owner.clone();
        let start = self.owner.runs.spawn_blocking(move || owner.start(what));
        start.await.unwrap_or_else(|lost| Err(unusable(program, lost.into())))
    }
}

/// What all runs of a runner have in common.
#[derive(Debug, Clone)]
struct Owner {
    runs: TaskTracker,
    stop: CancellationToken,
    hurry: CancellationToken,
    grace: Duration,
}

impl Owner {
    /// Called from a tracked task only, so that a shutdown waits for this run or prevents it.
    fn start(&self, what: Invocation) -> Result<RunHandle, StartError> {
        let program = what.program().to_owned();
        if self.stop.is_cancelled() {
            let source = std::io::Error::other("the server is stopping");
            return Err(StartError::Failed { program, source });
        }
        let started = Instant::now();
        let child = spawn(&what)?;
        let cancel = self.stop.child_token();
        let ending =
            Ending { grace: self.grace, cancel: cancel.clone(), hurry: self.hurry.clone() };
        let (run, output) =
            Run::new(child, what, started, ending).map_err(|source| unusable(program, source))?;
        let pid = run.pid();
        let (report, end) = oneshot::channel();
        self.runs.spawn(run.accompany(report));
        Ok(RunHandle { output, end, cancel, pid })
    }
}
