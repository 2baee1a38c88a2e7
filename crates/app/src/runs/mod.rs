//! Runs: every execution of a script, from its place in the queue to its place in the history.
//!
//! Read [`start`] first. A run is a record in the database, a directory with its output, and, while
//! it is not over, an entry of the registry. Watchers, lists and controls all go through the same
//! rule of access: who may not see a run is told that there is none.

pub(crate) mod active;
pub mod control;
pub mod files;
pub mod follow;
pub mod history;
pub(crate) mod life;
mod output;
pub(crate) mod queue;
pub(crate) mod rate;
pub mod recover;
mod request_key;
pub(crate) mod retention;
pub(crate) mod rights;
pub mod screen;
mod shutdown;
pub mod start;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use webscripts_domain::catalogue::Script;
use webscripts_domain::run::{Printed, RunRecord};
use webscripts_store::StoreError;

/// A run as somebody who may see it sees it.
#[derive(Debug, Clone)]
pub struct RunView {
    /// What is recorded.
    pub record: RunRecord,
    /// How much it has printed up to now.
    pub printed: Printed,
    /// How many runs start before it, while it waits.
    pub queue_position: Option<usize>,
    /// Its script as it is configured now; `None`: it is not any more.
    pub script: Option<Arc<Script>>,
    /// What the viewer may do with it at the moment.
    pub can: Can,
    /// How far it is, and how far it may go.
    pub outlook: Outlook,
}

/// How far a run is, and how far it may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Outlook {
    /// How long it may take; `None`: not known any more, or without end.
    pub timeout: Option<Duration>,
    /// How long runs of the script usually take; only while it is not over, and only if enough of
    /// them have succeeded.
    pub usual: Option<Duration>,
    /// How many pieces of output there are: their sequence numbers are below this.
    pub chunks: u64,
    /// What it reported of its progress last.
    pub progress: Option<screen::TaskProgress>,
}

/// What somebody may do with a run at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a right of its own")]
pub struct Can {
    /// Stop or kill it: it is not over, and the right is there.
    pub stop: bool,
    /// Delete it: it is over, and the right is there.
    pub delete: bool,
    /// Start it once more with the same arguments: the viewer may run the script, and every value
    /// was recorded whole.
    pub again: bool,
    /// Write to its standard input: it runs, keeps its input open, and is the viewer's own.
    pub input: bool,
    /// Open the page of its script: it is configured, and the viewer may run it.
    pub open_script: bool,
}

/// Why a run cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum RunAccessError {
    /// There is none of this number, or it is not for the caller: nobody learns which.
    #[error("there is no run of this number")]
    NotFound,
    /// Saved state failed.
    #[error("saved state cannot be reached")]
    Store(#[from] StoreError),
    /// Its output cannot be read.
    #[error("the output of the run cannot be read")]
    Output(#[source] std::io::Error),
}
