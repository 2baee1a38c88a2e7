//! Open sessions, stored under a digest of their token.

use async_trait::async_trait;
use webscripts_domain::clock::Timestamp;
use webscripts_domain::identity::UserId;
use webscripts_domain::session::{Session, SessionKey};

use crate::StoreError;

/// Open sessions. Times are kept to the millisecond; the oldest is the one that was added first.
#[async_trait]
pub trait Sessions: Send + Sync {
    /// Finds a session that has not expired at `now`; unknown and expired are not told apart.
    async fn find(&self, key: &SessionKey, now: Timestamp) -> Result<Option<Session>, StoreError>;
    /// Stores a session; when the user then has more than `most`, the oldest end.
    async fn add(&self, key: &SessionKey, session: &Session, most: u32) -> Result<(), StoreError>;
    /// Ends a session. False: there was none.
    async fn end(&self, key: &SessionKey) -> Result<bool, StoreError>;
    /// Ends all sessions of a user; answers how many.
    async fn end_all(&self, user: UserId) -> Result<u64, StoreError>;
    /// The sessions of a user that have not expired, newest first.
    async fn of_user(
        &self,
        user: UserId,
        now: Timestamp,
    ) -> Result<Vec<(SessionKey, Session)>, StoreError>;
    /// Deletes what has expired, at most `limit` rows; answers how many.
    async fn sweep(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError>;
}
