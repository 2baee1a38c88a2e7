//! Runs: what is known of each but its output.

use std::net::IpAddr;
use std::time::Duration;

use async_trait::async_trait;
use webscripts_domain::clock::{SignedDuration, Timestamp};
use webscripts_domain::identity::UserId;
use webscripts_domain::invocation::TerminalSize;
use webscripts_domain::run::{RecordedArgument, RunEnd, RunId, RunRecord, RunState, StartedVia};

use crate::StoreError;

/// Records per page at most.
pub const PAGE: u32 = 200;

/// How long a key of a request is remembered.
pub const KEY_LIFETIME: SignedDuration = SignedDuration::from_hours(24);

/// Whose runs: an account, or visitors who did not sign in, who are told apart by their address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Owner {
    /// The user.
    pub user: UserId,
    /// The address; it counts for users 0 and 1 only.
    pub address: IpAddr,
}

impl Owner {
    /// The address that tells visitors apart; `None` for accounts.
    pub fn visitor(&self) -> Option<IpAddr> {
        let is_visitor = [UserId::NOT_AUTHENTICATED, UserId::UNKNOW].contains(&self.user);
        is_visitor.then_some(self.address)
    }
}

/// A run to be recorded. Its identifier says when it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRun {
    /// Its identifier.
    pub id: RunId,
    /// Name of the script.
    pub script: String,
    /// Arguments in the order of the request; secrets as markers only.
    pub arguments: Vec<RecordedArgument>,
    /// Who starts it, and from where.
    pub owner: Owner,
    /// The name of that user.
    pub user_name: String,
    /// How.
    pub via: StartedVia,
    /// The terminal that was asked for; needed to start it after a restart.
    pub terminal: Option<TerminalSize>,
    /// When its process started; `None`: it is queued.
    pub started: Option<Timestamp>,
    /// The key that keeps a request from starting two runs.
    pub key: Option<RequestKey>,
}

/// Key of a request that may be sent again (`Idempotency-Key`); it counts for its owner alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestKey {
    /// The key.
    pub key: String,
    /// SHA-256 of what was asked for.
    pub digest: [u8; 32],
}

/// What became of a new run, or is known of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// Nobody used the key before, or there is none; the run is recorded.
    New,
    /// The same request was made before and started this run, whose record may be deleted since.
    /// Nothing is recorded.
    Same(RunId),
    /// The key was used for another request. Nothing is recorded.
    Other,
}

/// What happens to a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A queued run starts.
    Started {
        /// When.
        at: Timestamp,
    },
    /// A queued or running run is over.
    Ended(Ended),
}

/// How a run is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// When.
    pub at: Timestamp,
    /// Where it stands now; never queued or running.
    pub state: RunState,
    /// What it ended with; `None` if it never started or was lost.
    pub end: Option<RunEnd>,
    /// Why, in words, when it was not the script that ended it.
    pub reason: Option<String>,
    /// Bytes on disk that may be removed to make room; 0: there are none.
    pub output_bytes: u64,
}

/// Which runs may be listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Visible {
    /// All.
    All,
    /// Those of an owner, and those of scripts that the owner may view.
    Own {
        /// The owner.
        owner: Owner,
        /// Names of scripts, at most 1000.
        scripts: Vec<String>,
    },
}

/// Which runs are wanted: those that fit every part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFilter {
    /// What may be seen at all.
    pub visible: Visible,
    /// In one of these states; empty: in any.
    pub states: Vec<RunState>,
    /// Of this script.
    pub script: Option<String>,
    /// Of this user.
    pub user: Option<UserId>,
    /// With this text in the first 1024 characters of names and values of arguments, whatever its
    /// case.
    pub text: Option<String>,
    /// Asked for at this time or later.
    pub from: Option<Timestamp>,
    /// Asked for before this time.
    pub to: Option<Timestamp>,
}

impl RunFilter {
    /// Everything that may be seen.
    pub fn all(visible: Visible) -> Self {
        Self {
            visible,
            states: Vec::new(),
            script: None,
            user: None,
            text: None,
            from: None,
            to: None,
        }
    }
}

/// Some runs, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The runs; perhaps fewer than asked for, even none, although more follow: the work for one page
    /// is bounded.
    pub runs: Vec<RunRecord>,
    /// Where the next page goes on; `None`: this was the last one.
    pub next: Option<RunId>,
}

/// A run that is queued or running.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    /// What is known of it. Where an argument is a marker of a secret or cut, a queued run cannot be
    /// started from here.
    pub record: RunRecord,
    /// The terminal that was asked for.
    pub terminal: Option<TerminalSize>,
}

/// How many runs are not over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Waiting.
    pub queued: u64,
    /// Running.
    pub running: u64,
}

/// Records of runs. Times are kept to the millisecond, durations to the microsecond.
///
/// What a method has answered survives the end of the process; after a loss of power the last
/// records may be missing.
#[async_trait]
pub trait Runs: Send + Sync {
    /// Records a run, unless the request was made before.
    async fn add(&self, run: &NewRun) -> Result<Claim, StoreError>;
    /// What [`Runs::add`] would answer for this key at `now`; nothing is recorded.
    async fn claim(
        &self,
        owner: &Owner,
        key: &RequestKey,
        now: Timestamp,
    ) -> Result<Claim, StoreError>;
    /// Records what happens to a run. False: there is no such run or it stands where this cannot
    /// happen any more, so of several ends the first one counts.
    async fn change(&self, id: RunId, change: &Change) -> Result<bool, StoreError>;
    /// Finds a run.
    async fn find(&self, id: RunId) -> Result<Option<RunRecord>, StoreError>;
    /// At most `limit` runs, at most [`PAGE`], older than `cursor`, newest first.
    async fn list(
        &self,
        filter: &RunFilter,
        cursor: Option<RunId>,
        limit: u32,
    ) -> Result<Page, StoreError>;
    /// At most `limit` runs that are queued or running, newer than `after`, oldest first.
    async fn unfinished(
        &self,
        after: Option<RunId>,
        limit: u32,
    ) -> Result<Vec<Unfinished>, StoreError>;
    /// How many runs are queued and running.
    async fn counts(&self) -> Result<Counts, StoreError>;
    /// The newest run that an owner made of a script, among the last 1000 of the owner.
    async fn last_of(&self, owner: &Owner, script: &str) -> Result<Option<RunRecord>, StoreError>;
    /// How long a script usually takes: the median of its last 20 successful runs, among its last
    /// 200 of all; `None`: none was successful.
    async fn usual_duration(&self, script: &str) -> Result<Option<Duration>, StoreError>;
    /// Bytes on disk of the output of all runs.
    async fn total_output_bytes(&self) -> Result<u64, StoreError>;
    /// Corrects the bytes on disk of a run that is over. False: there is no such run, or its output
    /// has been removed.
    async fn set_output_size(&self, id: RunId, bytes: u64) -> Result<bool, StoreError>;
    /// At most `limit` runs that are over and have output on disk, oldest first, with its bytes.
    async fn oldest_with_output(&self, limit: u32) -> Result<Vec<(RunId, u64)>, StoreError>;
    /// Records that the output of these runs has been removed; answers of how many.
    async fn mark_output_expired(&self, ids: &[RunId]) -> Result<u64, StoreError>;
    /// At most `limit` runs that were over before `before`, oldest first.
    async fn expired(&self, before: Timestamp, limit: u32) -> Result<Vec<RunId>, StoreError>;
    /// Deletes the records of those of these runs that are over; answers how many.
    async fn delete(&self, ids: &[RunId]) -> Result<u64, StoreError>;
    /// Deletes keys of requests that are too old to count at `now`, at most `limit`; answers how
    /// many.
    async fn sweep_keys(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError>;
}
