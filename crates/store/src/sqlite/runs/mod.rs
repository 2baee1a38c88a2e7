//! Records of runs.

use std::time::Duration;

use async_trait::async_trait;
use webscripts_domain::clock::Timestamp;
use webscripts_domain::run::{RunId, RunRecord};

use crate::StoreError;
use crate::runs::{
    Change, Claim, Counts, NewRun, Owner, Page, RequestKey, RunFilter, Runs, Unfinished,
};

/// Records of runs in SQLite.
pub(super) struct SqliteRuns;

#[async_trait]
impl Runs for SqliteRuns {
    async fn add(&self, _run: &NewRun) -> Result<Claim, StoreError> {
        Err(StoreError::Database(sqlx::Error::PoolClosed))
    }
    async fn claim(
        &self,
        _owner: &Owner,
        _key: &RequestKey,
        _now: Timestamp,
    ) -> Result<Claim, StoreError> {
        Err(StoreError::Database(sqlx::Error::PoolClosed))
    }
    async fn change(&self, _id: RunId, _change: &Change) -> Result<bool, StoreError> {
        Err(StoreError::Database(sqlx::Error::PoolClosed))
    }
    async fn find(&self, _id: RunId) -> Result<Option<RunRecord>, StoreError> {
        Err(StoreError::Database(sqlx::Error::PoolClosed))
    }
    async fn list(
        &self,
        _filter: &RunFilter,
        _cursor: Option<RunId>,
        _limit: u32,
    ) -> Result<Page, StoreError> {
        Err(StoreError::Database(sqlx::Error::PoolClosed))
    }
    async fn unfinished(
        &self,
        _after: Option<RunId>,
        _limit: u32,
    ) -> Result<Vec<Unfinished>, StoreError> {
        Err(StoreError::Database(sqlx::Error::PoolClosed))
    }
    async fn counts(&self) -> Result<Counts, StoreError> {
        Err(StoreError::Database(sqlx::Error::PoolClosed))
    }
    async fn last_of(
        &self,
        _owner: &Owner,
        _script: &str,
    ) -> Result<Option<RunRecord>, StoreError> {
        Err(StoreError::Database(sqlx::Error::PoolClosed))
    }
    async fn usual_duration(&self, _script: &str) -> Result<Option<Duration>, StoreError> {
        Err(StoreError::Database(sqlx::Error::PoolClosed))
    }
    async fn total_output_bytes(&self) -> Result<u64, StoreError> {
        Err(StoreError::Database(sqlx::Error::PoolClosed))
    }
    async fn set_output_size(&self, _id: RunId, _bytes: u64) -> Result<bool, StoreError> {
        Err(StoreError::Database(sqlx::Error::PoolClosed))
    }
    async fn oldest_with_output(&self, _limit: u32) -> Result<Vec<(RunId, u64)>, StoreError> {
        Err(StoreError::Database(sqlx::Error::PoolClosed))
    }
    async fn mark_output_expired(&self, _ids: &[RunId]) -> Result<u64, StoreError> {
        Err(StoreError::Database(sqlx::Error::PoolClosed))
    }
    async fn expired(&self, _before: Timestamp, _limit: u32) -> Result<Vec<RunId>, StoreError> {
        Err(StoreError::Database(sqlx::Error::PoolClosed))
    }
    async fn delete(&self, _ids: &[RunId]) -> Result<u64, StoreError> {
        Err(StoreError::Database(sqlx::Error::PoolClosed))
    }
    async fn sweep_keys(&self, _now: Timestamp, _limit: u32) -> Result<u64, StoreError> {
        Err(StoreError::Database(sqlx::Error::PoolClosed))
    }
}
