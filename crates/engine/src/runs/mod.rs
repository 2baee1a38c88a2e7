//! Runs: processes kept by supervisors, so that they outlive pages, connections and the server.

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use webscripts_domain::invocation::Invocation;
use webscripts_domain::run::{RunEnd, RunId};

mod accompany;
mod descendants;
mod handle;
mod local;
mod order;
mod outcome;
mod pool;
mod protocol;
mod record;
mod rendezvous;
mod start_error;
mod strays;
mod supervisor;

pub use handle::{Input, Over, Progress, RunControl, RunHandle, StdinClosed, WholeOutput, Wishes};
pub use local::{LocalRunner, LocalSettings};
pub use pool::SupervisorProgram;
pub use start_error::StartError;
pub use supervisor::supervise;

pub use crate::sandbox::Lack;

/// Starts runs and finds those again that were started before the server.
#[async_trait]
pub trait Runner: Send + Sync {
    /// Starts what the order says. The run then goes on whatever happens to the handle: it ends by
    /// itself, at its time limit, or when [`RunHandle::stop`] or [`RunHandle::kill`] is called.
    async fn start(&self, what: Invocation) -> Result<RunHandle, StartError>;

    /// What became of a run that was running when the server ended. `place`: its directory.
    /// `patience`: how long a run that goes on may take to get in touch.
    async fn recover(&self, run: RunId, place: &Path, patience: Duration) -> Recovered;

    /// What this machine cannot enforce of any sandbox or limit, other accounts left aside. Empty:
    /// everything can be. Looks at the system each time.
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
