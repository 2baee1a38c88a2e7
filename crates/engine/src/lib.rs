//! Processes: the only crate that starts them, and the only one that may hold `unsafe`.

use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use webscripts_domain::invocation::Invocation;
use webscripts_domain::run::{OutputChunk, RunEnd};

pub mod cgroup;
mod descriptor;
mod kill;
mod local;
mod lookup;
mod pipes;
pub mod place;
pub mod result_files;
mod run;
pub mod runs;
pub mod sandbox;
mod spawn;
pub mod spool;

pub use local::LocalRunner;

/// Starts runs: on this machine, or later on another.
#[async_trait]
pub trait Runner: Send + Sync {
    /// Starts what the order says. The run ends by itself, at its time limit, or when
    /// [`RunHandle::cancel`] is used; dropping the handle cancels it.
    async fn start(&self, what: Invocation) -> Result<RunHandle, StartError>;
}

/// A run that has been started.
#[derive(Debug)]
pub struct RunHandle {
    /// Output in the order in which it was read. Bounded: a slow reader slows the script, never
    /// the server; what exceeds the limit of the run is counted and dropped.
    pub output: mpsc::Receiver<OutputChunk>,
    /// How it ended; sent after the last output.
    pub end: oneshot::Receiver<RunEnd>,
    /// Ends the run and everything it started.
    pub cancel: CancellationToken,
    /// Process number, for logs.
    pub pid: u32,
}

/// Why a run did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The launcher or the script is not there.
    #[error("`{program}` does not exist")]
    NotFound {
        /// The program.
        program: std::path::PathBuf,
    },
    /// It may not be executed.
    #[error(
        "`{program}` may not be executed: it needs execute permission and a launcher or a `#!` line"
    )]
    NotExecutable {
        /// The program.
        program: std::path::PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// Arguments and environment are larger than the system accepts.
    #[error("the arguments are larger than the system accepts")]
    TooLarge(#[source] std::io::Error),
    /// The system has no process or descriptor left.
    #[error("the system cannot start another process")]
    Exhausted(#[source] std::io::Error),
    /// Anything else.
    #[error("`{program}` could not be started")]
    Failed {
        /// The program.
        program: std::path::PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
}
