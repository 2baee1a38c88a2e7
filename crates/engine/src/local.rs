//! Runs on this machine.

use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use webscripts_domain::invocation::Invocation;

use crate::run::{Ending, Run};
use crate::spawn::{spawn, unusable};
use crate::{RunHandle, Runner, StartError};

/// Time between asking a run to end and forcing it.
const GRACE: Duration = Duration::from_secs(2);

/// Starts runs on this machine and owns them: dropping it cancels every one.
#[derive(Debug)]
pub struct LocalRunner {
    runs: TaskTracker,
    stop: CancellationToken,
    hurry: CancellationToken,
    grace: Duration,
}

impl LocalRunner {
    /// A runner that gives runs two seconds to end by themselves.
    pub fn new() -> Self {
        Self::with_grace(GRACE)
    }

    /// A runner with another time between TERM and KILL.
    pub fn with_grace(grace: Duration) -> Self {
        Self {
            runs: TaskTracker::new(),
            stop: CancellationToken::new(),
            hurry: CancellationToken::new(),
            grace,
        }
    }

    /// Starts nothing more, cancels every run and waits until all are over. Runs that are left
    /// after `grace` are killed at once, and output which nobody has taken by then is lost.
    pub async fn shutdown(&self, grace: Duration) {
        self.stop.cancel();
        self.runs.close();
        if tokio::time::timeout(grace, self.runs.wait()).await.is_ok() {
            return;
        }
        self.hurry.cancel();
        if tokio::time::timeout(self.grace + GRACE, self.runs.wait()).await.is_err() {
            tracing::error!(runs = self.runs.len(), "scripts could not be ended");
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
        self.stop.cancel();
    }
}

#[async_trait]
impl Runner for LocalRunner {
    async fn start(&self, what: Invocation) -> Result<RunHandle, StartError> {
        // Held from here on, so that a shutdown waits for this run or prevents it.
        let place = self.runs.token();
        if self.stop.is_cancelled() {
            let stopping = std::io::Error::other("the server is stopping");
            return Err(StartError::Failed {
                program: what.program().to_owned(),
                source: stopping,
            });
        }
        let cancel = self.stop.child_token();
        let ending =
            Ending { grace: self.grace, cancel: cancel.clone(), hurry: self.hurry.clone() };
        let started = Instant::now();
        let program = what.program().to_owned();
        let child = spawn(&what)?;
        let (run, output) =
            Run::new(child, what, started, ending).map_err(|source| unusable(program, source))?;
        let pid = run.pid();
        let (report, end) = oneshot::channel();
        self.runs.spawn(run.accompany(report));
        drop(place);
        Ok(RunHandle { output, end, cancel, pid })
    }
}
