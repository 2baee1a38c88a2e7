//! Failed sign-ins per address and per name; they survive a restart.

use async_trait::async_trait;
use webscripts_domain::blacklist::{BlacklistRule, Failures};
use webscripts_domain::clock::Timestamp;

use crate::StoreError;

/// What failures are counted for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A client address, in canonical text form.
    Address(String),
    /// A user name, lower case.
    Name(String),
}

/// Failed sign-ins. Bounded: when there are too many entries the oldest leave.
#[async_trait]
pub trait Blacklist: Send + Sync {
    /// The failures of a subject.
    async fn find(&self, subject: &Subject) -> Result<Option<Failures>, StoreError>;
    /// Counts one more failure by the rule, atomically.
    async fn record(
        &self,
        subject: &Subject,
        rule: &BlacklistRule,
        now: Timestamp,
    ) -> Result<Failures, StoreError>;
    /// Forgets the failures of a subject.
    async fn clear(&self, subject: &Subject) -> Result<(), StoreError>;
    /// Deletes entries whose last failure is older than `before`, at most `limit`; answers how many.
    async fn sweep(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError>;
}
