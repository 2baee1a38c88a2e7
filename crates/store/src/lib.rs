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
pub use sqlite::{examine, open, open_in_memory};

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
    /// Whether the database answers.
    pub health: Arc<dyn Health>,
}

/// Whether the database answers, for readiness.
#[async_trait::async_trait]
pub trait Health: Send + Sync {
    /// Reads and, unless the database is read-only, proves that a write would be possible.
    async fn check(&self) -> Result<(), StoreError>;

    /// A number that changes whenever the database may have changed, also by another process;
    /// `None` when that cannot be told cheaply. Never blocks for long: it is asked on every request.
    fn stamp(&self) -> Option<u64> {
        None
    }

    /// Finishes what is being written and closes the files. Later calls fail.
    async fn close(&self);
}
