//! Whether the database answers.

use std::sync::Arc;

use async_trait::async_trait;

use super::connection::Database;
use super::runs::SqliteRuns;
use crate::{Health, StoreError};

pub(super) const READ: &str = "SELECT EXISTS (SELECT 1 FROM users)";

/// Health of the SQLite databases.
pub(super) struct SqliteHealth {
    pub(super) accounts: Database,
    pub(super) runs: Arc<SqliteRuns>,
}

#[async_trait]
impl Health for SqliteHealth {
    async fn check(&self) -> Result<(), StoreError> {
        let _: bool = sqlx::query_scalar(READ).fetch_one(&self.accounts.reader).await?;
        self.accounts.prove_writable().await?;
        self.runs.check().await
    }

    fn stamp(&self) -> Option<u64> {
        self.accounts.stamp.as_ref()?.read()
    }

    async fn close(&self) {
        self.runs.close().await;
        self.accounts.close().await;
    }
}
