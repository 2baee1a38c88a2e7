//! Runs: processes kept by supervisors, so that they outlive pages, connections and the server.

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use webscripts_domain::invocation::Invocation;
use webscripts_domain::run::{RunEnd, RunId};

mod handle;
mod start_error;

pub use handle::{Input, Over, Progress, RunControl, RunHandle, StdinClosed, Wishes};
pub use start_error::StartError;

/// Starts runs and finds those again that were started before the server.
#[async_trait]
pub trait Runner: Send + Sync {
    /// Starts what the order says. The run then goes on whatever happens to the handle: it ends by
    /// itself, at its time limit, or when [`RunHandle::stop`] or [`RunHandle::kill`] is called.
    async fn start(&self, what: Invocation) -> Result<RunHandle, StartError>;

    /// What became of a run that was running when the server ended. `place`: its directory.
    /// `patience`: how long a run that goes on may take to get in touch.
    async fn recover(&self, run: RunId, place: &Path, patience: Duration) -> Recovered;

    /// What this machine cannot enforce. Empty: everything can be.
    fn lacks(&self) -> Vec<Lack>;
}

/// What became of a run while there was no server.
#[derive(Debug, Clone)]
pub enum Recovered {
    /// It goes on.
    Attached(RunHandle),
    /// It ended.
    Ended(RunEnd),
    /// How it ended is unknown; nothing of it is left running.
    Lost,
}

/// Something this machine cannot enforce, for the log at the start, `explain` and the audit.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Lack {
    /// What is missing, in a word, such as `landlock`.
    pub feature: &'static str,
    /// What that means, as a sentence for the operator.
    pub consequence: String,
}

impl std::fmt::Display for Lack {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}: {}", self.feature, self.consequence)
    }
}
