//! Saved state: one trait per kind of thing, one method is one transaction.

pub mod accounts;
pub mod blacklist;
#[cfg(test)]
mod contract;
mod error;
pub mod runs;
pub mod sessions;
mod sqlite;

use std::sync::Arc;

pub use error::{FileProblem, StoreError};
pub use sqlite::{RUNS_FILE, examine, open, open_in_memory};

/// The bundle of all stores.
#[derive(Clone)]
pub struct Stores {
    /// Users, groups, API keys.
    pub accounts: Arc<dyn accounts::Accounts>,
    /// Open sessions.
    pub sessions: Arc<dyn sessions::Sessions>,
    /// Failed sign-ins.
    pub blacklist: Arc<dyn blacklist::Blacklist>,
    /// Records of runs.
    pub runs: Arc<dyn runs::Runs>,
    /// Whether the databases answer.
    pub health: Arc<dyn Health>,
}

/// Whether the databases answer, for readiness.
#[async_trait::async_trait]
pub trait Health: Send + Sync {
    /// Reads, and proves that a write would be possible, in each.
    async fn check(&self) -> Result<(), StoreError>;

    /// A number that changes whenever accounts, sessions or failed sign-ins may have changed, also by
    /// another process; `None` when that cannot be told cheaply. Records of runs do not change it.
    /// Never blocks for long: it is asked on every request.
    fn stamp(&self) -> Option<u64> {
        None
    }

    /// Finishes what is being written and closes the files. Later calls fail.
    async fn close(&self);
}
