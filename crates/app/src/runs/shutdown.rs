//! The end of the server: runs may finish, the others are stopped, those that wait stay recorded.

use std::time::Duration;

use webscripts_domain::run::RunState;

use super::active::ActiveRun;
use crate::{App, events};

/// What is recorded of runs that were stopped.
const REASON: &str = "the server was stopped";
/// How long after its grace a stopped run may take to end.
const LEEWAY: Duration = Duration::from_secs(5);

impl App {
    /// Starts nothing more, waits at most `shutdown_wait` until running scripts are over, stops
    /// those that are not and records why. Runs that wait in the queue start with the next server,
    /// unless a client waits for their result: it gets an answer, and nothing happens later on.
    pub async fn end_runs(&self) {
        self.runs.close();
        for run in self.runs.all() {
            if run.is_awaited() {
                self.stop_active(&run, || REASON.to_owned()).await;
            }
        }
        let configuration = self.configuration();
        let wait = configuration.settings.runs.shutdown_wait;
        if tokio::time::timeout(wait, self.running_are_over()).await.is_ok() {
            return;
        }
        let running = self.running();
        events::runs_stopping(running.len());
        for run in &running {
            run.note_reason(|| REASON.to_owned());
            if let Some(handle) = run.handle() {
                handle.stop();
            }
        }
        let grace = configuration.surroundings().grace + LEEWAY;
        if tokio::time::timeout(grace, self.running_are_over()).await.is_err() {
            tracing::error!(runs = self.running().len(), "runs could not be ended");
        }
    }

    fn running(&self) -> Vec<std::sync::Arc<ActiveRun>> {
        let mut all = self.runs.all();
        all.retain(|run| run.state() != RunState::Queued);
        all
    }

    async fn running_are_over(&self) {
        for run in self.running() {
            run.over().await;
        }
    }
}
